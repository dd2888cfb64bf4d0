"""A folder of recordings as a source: what its manifest lets be archived truthfully, and why not the rest."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
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
from harmonize.transfer.freqtrade import answers, rows_by_symbol
from harmonize.transfer.recording_manifest import Recording, recordings
from harmonize.transfer.requests import asked, call_of
from harmonize.transfer.source import LeftOut, SourceItem, UnreadableSourceError, held
from venues import facts, registry
from venues.adapter import Purpose, VenueAdapter

TOGETHER = timedelta(minutes=1)
"""Answers of one venue that follow one another within this time are of one moment."""

_OPEN_PARAMETER = re.compile(r"&?\b\w+=\.\.\.")


@dataclass(frozen=True, slots=True)
class _Taken:
    """The payloads of one file; ``rebuilt`` from rows, so that the manifest alone says it is whole."""

    recording: Recording
    payloads: tuple[Payload, ...]
    rebuilt: bool


def offered(folder: Path, manifest: object) -> Iterator[SourceItem]:
    """Give a snapshot for each venue and moment. Raises UnreadableSourceError: not a manifest."""
    listed = recordings(folder, manifest)
    times = Counter(one.file for one in listed)
    taken: list[_Taken] = []
    for one in listed:
        found = _left_out(one, times[one.file]) or _read(folder, one)
        if isinstance(found, _Taken):
            taken.append(found)
        else:
            yield found
    taken.sort(key=lambda one: (one.recording.venue, _when(one), one.recording.file))
    for venue, of_venue in groupby(taken, key=lambda one: one.recording.venue):
        adapter = registry.adapter(venue)
        for group in _moments(list(of_venue)) if adapter else ():
            yield from _snapshot(adapter, group)


def _left_out(one: Recording, named: int) -> LeftOut | None:
    """Say why a recording is none of what an archive holds; None when it is."""
    reason = next((reason for holds, reason in _REASONS if holds(one)), "")
    if not reason and named > 1:
        reason = f"the manifest names the file {named} times, so its date is not known"
    return LeftOut(one.file, reason) if reason else None


def _by_ccxt(one: Recording) -> bool:
    raw_rows = re.search(r"raw (row|bracket)", one.endpoint) is not None
    return ("ccxt" in one.endpoint or "ccxt" in one.kept) and not raw_rows


_REASONS: tuple[tuple[Callable[[Recording], bool], str], ...] = (
    (lambda one: registry.adapter(one.venue) is None, "of a venue that this version cannot read"),
    (lambda one: "testnet" in f"{one.file} {one.endpoint} {one.source} {one.kept}", "of a testnet"),
    (
        lambda one: "documentation" in one.kept or "example" in one.kept,
        "a sample of documentation, not recorded",
    ),
    (_by_ccxt, "kept or unified by ccxt, not the venue's bytes"),
    (lambda one: "recorded" not in one.kept, "the manifest does not say that it was recorded"),
    (lambda one: one.when is None, "no recording date that is a day or a time with a zone"),
)
"""What is left out, and why; the first that holds counts."""


def _read(folder: Path, one: Recording) -> _Taken | LeftOut:
    adapter = registry.adapter(one.venue)
    assert adapter is not None  # noqa: S101 - others were left out before
    plain, _, aside = one.endpoint.partition(" (ccxt ")
    request = asked(_OPEN_PARAMETER.sub("", plain) if aside else plain)
    if request is None:
        return LeftOut(one.file, "the manifest names no single HTTP request for it")
    call = call_of(adapter, request)
    if isinstance(call, str):
        return LeftOut(one.file, call)
    try:
        content = held(folder, one.file)
    except UnreadableSourceError as error:
        return LeftOut(one.file, str(error), unread=True)
    if aside:
        return _rebuilt(one, call, str(request), content)
    return _Taken(one, (_payload(one, call, str(request), one.kept, content),), rebuilt=False)


def _rebuilt(one: Recording, call: Call, request: str, content: bytes) -> _Taken | LeftOut:
    """Put the venue's rows that ccxt kept back into the venue's answers."""
    try:
        rows = rows_by_symbol(json.loads(content))
    except (ValueError, RecursionError) as error:
        return LeftOut(one.file, f"is not JSON: {error}; put the whole file there", unread=True)
    found = answers(one.venue, rows, call.params) if rows else None
    if found is None:
        return LeftOut(one.file, "unified by ccxt, not the venue's bytes")
    kept = f"{one.kept}; answer rebuilt from the raw rows kept in the file"
    payloads = (
        _payload(one, Call(call.method, params), request.partition("?")[0], kept, answer)
        for params, answer in found
    )
    return _Taken(one, tuple(payloads), rebuilt=True)


def _payload(one: Recording, call: Call, request: str, kept: str, content: bytes) -> Payload:
    assert one.when is not None  # noqa: S101 - others were left out before
    provenance = Provenance(Origin.RECORDED, f"{one.source}; {kept}", one.dating, request)
    return Payload.of(one.venue, call, one.when, provenance, content)


def _when(one: _Taken) -> str:
    return one.payloads[0].observed_at.isoformat(timespec="microseconds")


def _moments(taken: list[_Taken]) -> Iterator[list[_Taken]]:
    """Answers in order of time, cut where time passed or a call was answered before."""
    group: list[_Taken] = []
    calls: set[Call] = set()
    for one in taken:
        asked_now = {payload.call for payload in one.payloads}
        gap = one.payloads[0].observed_at - group[-1].payloads[0].observed_at if group else TOGETHER
        if group and (gap > TOGETHER or calls & asked_now):
            yield group
            group, calls = [], set()
        group.append(one)
        calls |= asked_now
    if group:
        yield group


def _snapshot(adapter: VenueAdapter | None, group: list[_Taken]) -> Iterable[SourceItem]:
    assert adapter is not None  # noqa: S101 - as above
    payloads = tuple(payload for one in group for payload in one.payloads)
    observed_at = min(payload.observed_at for payload in payloads)
    found = Snapshot(adapter.venue, observed_at, payloads, complete=False)
    if not _margins(adapter, found):
        reason = "gives no margins by itself, and no others were recorded at that moment"
        return [LeftOut(one.recording.file, reason) for one in group]
    complete = _whole(adapter, group, found)
    return [Snapshot(adapter.venue, observed_at, payloads, complete=complete)]


def _margins(adapter: VenueAdapter, found: Snapshot) -> bool:
    """Whether a margin endpoint answered, or another gives margins: gate's contracts do."""
    due = {one.method for one in adapter.endpoints if one.purpose is Purpose.MARGIN}
    answered = any(payload.call.method in due for payload in found.payloads)
    return answered or bool(registry.parse([found], facts.bundled()).schedules)


def _whole(adapter: VenueAdapter, group: list[_Taken], found: Snapshot) -> bool:
    """Whether the margins of every instrument are there: said by the manifest, and asked for."""
    purposes = {one.method: one.required for one in adapter.endpoints}
    said = all(
        one.recording.whole
        for one in group
        if any(purposes.get(payload.call.method) for payload in one.payloads)
    )
    if not said or any(one.rebuilt for one in group):
        return said
    answered = {payload.call for payload in found.payloads}
    try:
        due = {
            Call(one.method, params)
            for one in adapter.endpoints
            if one.purpose is Purpose.MARGIN
            for params in one.ask(found)
        }
        return due <= answered and not adapter.whole(found)
    except UnreadablePayloadError:
        return False
