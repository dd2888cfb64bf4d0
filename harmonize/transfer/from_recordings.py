"""Reads a folder of recordings as an import source, with a reason per file that is excluded."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

from harmonize.core.payload import (
    Call,
    Origin,
    Payload,
    Provenance,
    Snapshot,
    UnreadablePayloadError,
)
from harmonize.transfer.freqtrade import commit_precision, rebuild_responses, rows_by_symbol
from harmonize.transfer.recording_manifest import NAME, Recording, recordings
from harmonize.transfer.requests import call_of, parse_request
from harmonize.transfer.source import (
    SkippedItem,
    SourceItem,
    UnreadableSourceError,
    parts_inside,
    read_listed_file,
)
from venues import completeness, dating, facts, registry
from venues.adapter import Purpose, VenueAdapter

MAX_INTERVAL = timedelta(minutes=1)
"""Longest time between consecutive responses of one venue that form one snapshot."""

_OPEN_PARAMETER = re.compile(r"&?\b\w+=\.\.\.")


@dataclass(frozen=True, slots=True)
class _RecordedFile:
    """The payloads of one recording.

    ``rebuilt`` marks payloads rebuilt from rows, whose completeness only the manifest states.
    """

    recording: Recording
    payloads: tuple[Payload, ...]
    rebuilt: bool

    @property
    def recorded_at(self) -> datetime:
        """Date that the manifest states, in UTC. Rows may narrow the date of a payload."""
        assert self.recording.recorded_at is not None  # noqa: S101 - as _EXCLUSIONS requires
        return self.recording.recorded_at


def read_items(folder: Path, manifest: object, now: datetime) -> Iterator[SourceItem]:
    """Yields a snapshot per venue and moment. Raises UnreadableSourceError: not a manifest.

    ``now`` is the time of the import, with a time zone: a recording of a later day is unreadable.
    """
    listed = recordings(folder, manifest)
    mentions = Counter(item.file for item in listed if isinstance(item, Recording))
    files: list[_RecordedFile] = []
    for recording in listed:
        if isinstance(recording, SkippedItem):
            yield recording
            continue
        item = (
            _misstated(folder, recording, now)
            or _exclusion(recording, mentions[recording.file])
            or _read(folder, recording)
        )
        if isinstance(item, _RecordedFile):
            files.append(item)
        else:
            yield item
    files.sort(key=lambda file: (file.recording.venue, file.recorded_at, file.recording.file))
    for venue, venue_files in groupby(files, key=lambda file: file.recording.venue):
        adapter = registry.find_adapter(venue)
        for group in _by_moment(list(venue_files)) if adapter else ():
            yield from _snapshot_items(adapter, group)


def _misstated(folder: Path, recording: Recording, now: datetime) -> SkippedItem | None:
    """Returns what an entry misstates, a file outside the folder or a day to come; None if nothing.

    A bare day may be that of a time zone east of UTC.
    """
    try:
        parts_inside(folder, recording.file)
    except UnreadableSourceError as error:
        return SkippedItem(recording.file, str(error), is_unreadable=True)
    day = recording.recorded_at
    if day is None or day <= now + timedelta(days=1):
        return None
    reason = f"{folder / NAME}: {recording.file}: recorded on {day:%Y-%m-%d}, later than the import, {now:%Y-%m-%d}; correct the date"
    return SkippedItem(recording.file, reason, is_unreadable=True)


def _exclusion(recording: Recording, mentions: int) -> SkippedItem | None:
    """Returns why an archive does not hold such a recording; None if it does."""
    if not recording.endpoint:
        return SkippedItem(recording.file, _NO_RECORDING)
    reason = next((reason for applies, reason in _EXCLUSIONS if applies(recording)), "")
    if not reason and mentions > 1:
        reason = f"manifest names the file {mentions} times, so its date is ambiguous"
    return SkippedItem(recording.file, reason) if reason else None


_NO_RECORDING = "names no endpoint, as a recording does; market data is a list of files that series.yaml or market_files.yaml describes"


def _is_unified_by_ccxt(recording: Recording) -> bool:
    has_raw_rows = re.search(r"raw (row|bracket)", recording.endpoint) is not None
    mentions_ccxt = "ccxt" in recording.endpoint or "ccxt" in recording.authenticity
    return mentions_ccxt and not has_raw_rows


def _is_of_testnet(recording: Recording) -> bool:
    texts = (recording.file, recording.endpoint, recording.source, recording.authenticity)
    return any("testnet" in text for text in texts)


_EXCLUSIONS: tuple[tuple[Callable[[Recording], bool], str], ...] = (
    (
        lambda recording: registry.find_adapter(recording.venue) is None,
        "venue not supported by this version",
    ),
    (_is_of_testnet, "data of a testnet"),
    (
        lambda recording: (
            "documentation" in recording.authenticity or "example" in recording.authenticity
        ),
        "sample from documentation, not recorded",
    ),
    (_is_unified_by_ccxt, "stored or unified by ccxt, not the venue's bytes"),
    (
        lambda recording: "recorded" not in recording.authenticity,
        "manifest does not state that the file was recorded",
    ),
    (
        lambda recording: recording.recorded_at is None,
        "recording date is not a day or a time with a time zone",
    ),
)
"""Conditions under which a recording is excluded, with reasons; the first that applies counts."""


def _read(folder: Path, recording: Recording) -> _RecordedFile | SkippedItem:
    adapter = registry.find_adapter(recording.venue)
    assert adapter is not None  # noqa: S101 - _EXCLUSIONS excludes other venues
    text, _, ccxt_note = recording.endpoint.partition(" (ccxt ")
    request = parse_request(_OPEN_PARAMETER.sub("", text) if ccxt_note else text)
    if request is None:
        return SkippedItem(recording.file, "manifest names no single HTTP request for the file")
    call = call_of(adapter, request)
    if isinstance(call, str):
        return SkippedItem(recording.file, call)
    try:
        content = read_listed_file(folder, recording.file)
    except UnreadableSourceError as error:
        return SkippedItem(recording.file, str(error), is_unreadable=True)
    if ccxt_note:
        return _rebuilt(recording, call, str(request), content)
    payload = _payload(recording, call, str(request), recording.authenticity, content)
    return _RecordedFile(recording, (payload,), rebuilt=False)


def _rebuilt(
    recording: Recording, call: Call, request: str, content: bytes
) -> _RecordedFile | SkippedItem:
    """Rebuilds the venue's responses from its raw rows, which ccxt kept."""
    try:
        rows = rows_by_symbol(json.loads(content))
    except (ValueError, RecursionError) as error:
        reason = f"is not JSON: {error}; restore the complete file"
        return SkippedItem(recording.file, reason, is_unreadable=True)
    responses = rebuild_responses(recording.venue, rows, call.params) if rows else None
    if responses is None:
        return SkippedItem(recording.file, "unified by ccxt, not the venue's bytes")
    authenticity = f"{recording.authenticity}; answer rebuilt from the raw rows kept in the file"
    path = request.partition("?")[0]
    payloads = (
        _payload(recording, Call(call.method, params), path, authenticity, response)
        for params, response in responses
    )
    return _RecordedFile(recording, tuple(payloads), rebuilt=True)


def _payload(
    recording: Recording, call: Call, request: str, authenticity: str, content: bytes
) -> Payload:
    assert recording.recorded_at is not None  # noqa: S101 - _EXCLUSIONS excludes undated recordings
    source = f"{recording.source}; {authenticity}"
    provenance = Provenance(Origin.RECORDED, source, recording.dating, request)
    precision = recording.precision
    if recording.venue == "binance" and "freqtrade" in recording.dating:
        precision = commit_precision(recording.recorded_at.date())
    return dating.narrowed(
        Payload.of(recording.venue, call, recording.recorded_at, provenance, content, precision)
    )


def _by_moment(files: list[_RecordedFile]) -> Iterator[list[_RecordedFile]]:
    """Yields groups of consecutive files; a long interval or a repeated call begins a new group."""
    group: list[_RecordedFile] = []
    calls: set[Call] = set()
    for file in files:
        file_calls = {payload.call for payload in file.payloads}
        interval = file.recorded_at - group[-1].recorded_at if group else timedelta()
        if group and (interval > MAX_INTERVAL or calls & file_calls):
            yield group
            group, calls = [], set()
        group.append(file)
        calls |= file_calls
    if group:
        yield group


def _snapshot_items(
    adapter: VenueAdapter | None, group: list[_RecordedFile]
) -> Iterable[SourceItem]:
    """Returns the snapshot of a group, or a SkippedItem per file if it has no margins."""
    assert adapter is not None  # noqa: S101 - _EXCLUSIONS excludes other venues
    payloads = tuple(payload for file in group for payload in file.payloads)
    observed_at = min(payload.observed_at for payload in payloads)
    snapshot = Snapshot(adapter.venue, observed_at, payloads, complete=False)
    if not _has_margins(adapter, snapshot):
        reason = "contains no margins, and none were recorded at the same time"
        return [SkippedItem(file.recording.file, reason) for file in group]
    return [_with_completeness(adapter, group, snapshot)]


def _has_margins(adapter: VenueAdapter, snapshot: Snapshot) -> bool:
    """Returns whether an endpoint with margins responded, or another response holds margins."""
    endpoints = (*adapter.endpoints, *adapter.recorded_only)
    methods = {
        endpoint.method
        for endpoint in endpoints
        if endpoint.purpose is Purpose.MARGIN or endpoint.lists_margins
    }
    has_response = any(payload.call.method in methods for payload in snapshot.payloads)
    return has_response or bool(registry.parse([snapshot], facts.bundled()).schedules)


def _with_completeness(
    adapter: VenueAdapter, group: list[_RecordedFile], snapshot: Snapshot
) -> Snapshot:
    """Returns the snapshot as complete if the margins of every instrument are present.

    The manifest must declare the files complete, no response may be a part of a list, and every call
    for margins must have a response. Rows from which responses were rebuilt were not asked for by page.
    """
    endpoints = (*adapter.endpoints, *adapter.recorded_only)
    required = {endpoint.method for endpoint in endpoints if endpoint.required}
    is_declared = all(
        file.recording.complete
        for file in group
        if any(payload.call.method in required for payload in file.payloads)
    )
    is_rebuilt = any(file.rebuilt for file in group)
    if not is_declared or is_rebuilt:
        return replace(snapshot, complete=is_declared)
    reason = completeness.missing_page(adapter, snapshot) or completeness.narrowed_call(
        adapter, snapshot
    )
    if reason:
        return completeness.as_partial(snapshot, reason)
    return replace(snapshot, complete=_has_every_margin(adapter, snapshot))


def _has_every_margin(adapter: VenueAdapter, snapshot: Snapshot) -> bool:
    """Returns whether every planned call for margins has a response, in pages of any size."""
    calls = {
        Call(payload.call.method, completeness.first_page(payload.call.params))
        for payload in snapshot.payloads
    }
    try:
        margin_calls = {
            Call(endpoint.method, completeness.first_page(params))
            for endpoint in adapter.endpoints
            if endpoint.purpose is Purpose.MARGIN
            for params in endpoint.call_plan(snapshot)
        }
        return margin_calls <= calls and not adapter.completeness_error(snapshot)
    except UnreadablePayloadError:
        return False
