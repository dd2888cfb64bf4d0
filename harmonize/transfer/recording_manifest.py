"""Reads the MANIFEST.json of a folder of recordings, of either layout, into one shape per file."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harmonize.core.date_precision import EXACT, NO_LATER_THAN, DatePrecision, is_upper_bound
from harmonize.transfer.requests import parse_request, venue_at
from harmonize.transfer.source import SkippedItem, UnreadableSourceError, read_listed_file
from venues import registry

NAME = "MANIFEST.json"

MAX_BYTES = 64 * 2**20
"""Largest size of a manifest, in bytes."""

_MAX_DIGITS = 30
_SAME_AS_BEFORE = "as above"
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?: \(.*\))?")
_TIME = re.compile(r"(?:about )?(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2}))(?:\b|$).*")  # fmt: skip
_LATEST = re.compile(r"(?:<=|≤|by |before |no later than )\s*")
_ANY_TIME = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2}))?")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recording:
    """One file as its manifest describes it.

    ``recorded_at`` is None if no date is known, ``precision`` is how far it is known, ``dating``
    what it is based on. ``authenticity`` quotes how the file was recorded and stored, ``source``
    where it comes from. ``complete`` is whether the manifest declares it complete.
    """

    venue: str
    file: str
    endpoint: str
    recorded_at: datetime | None
    precision: DatePrecision
    dating: str
    authenticity: str
    source: str
    complete: bool


def document(folder: Path) -> object:
    """Reads the manifest of a folder. Raises UnreadableSourceError."""
    path = folder / NAME
    content = read_listed_file(folder, NAME, MAX_BYTES)
    try:
        return json.loads(content, object_pairs_hook=_unique_keys, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        message = f"{path}: is not JSON: {error}; correct it"
        raise UnreadableSourceError(message) from error


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Returns an object. Raises ValueError: a key that appears twice, of which one value is lost."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        repeated = next(key for key in fields if [name for name, _ in pairs].count(key) > 1)
        message = f"the key {repeated!r} appears twice in one object"
        raise ValueError(message)
    return fields


def _integer(text: str) -> int | float:
    """Returns an integer, as a float if it has more digits than any field of a manifest needs."""
    return int(text) if len(text) <= _MAX_DIGITS else float(text)


def recordings(folder: Path, manifest: object) -> list[Recording | SkippedItem]:
    """Returns the recordings of a manifest: a list of entries, or an object with a list ``files``.

    An entry without a file, or with an invalid date, is a SkippedItem. Raises UnreadableSourceError:
    neither of the two layouts, or no entries.
    """
    files = manifest.get("files") if isinstance(manifest, dict) else manifest
    if not isinstance(files, list):
        message = f'{folder / NAME}: expected a list of recordings, or an object with a list "files"; correct it'
        raise UnreadableSourceError(message)
    if not files:
        message = f"{folder / NAME}: lists no recording; add an entry per file"
        raise UnreadableSourceError(message)
    statement = str(manifest.get("recorder_statement", "")) if isinstance(manifest, dict) else None
    listed: list[Recording | SkippedItem] = []
    previous = {"date_basis": "", "authenticity": ""}
    for index, entry in enumerate(files):
        if not isinstance(entry, dict) or not isinstance(entry.get("file"), str):
            reason = f'{folder / NAME}: expected an object with a text "file"; correct it'
            listed.append(SkippedItem(f"entry {index}", reason, is_unreadable=True))
            continue
        try:
            if statement is None:
                previous = _with_repeated_texts(entry, previous)
                listed.append(_recording_of_list(folder, entry, previous))
            else:
                listed.append(_recording_of_file(folder, entry, statement))
        except UnreadableSourceError as error:
            listed.append(SkippedItem(entry["file"], str(error), is_unreadable=True))
    return listed


def _with_repeated_texts(entry: dict[str, object], previous: dict[str, str]) -> dict[str, str]:
    """Returns the texts of an entry in which "as above" repeats the text of the entry before."""
    texts = {key: _text(entry, key) for key in previous}
    return {key: previous[key] if text == _SAME_AS_BEFORE else text for key, text in texts.items()}


def _recording_of_list(
    folder: Path, entry: dict[str, object], repeated: dict[str, str]
) -> Recording:
    recorded_at, precision = _date(folder, entry, repeated["date_basis"])
    return Recording(
        venue=_text(entry, "venue"),
        file=_text(entry, "file"),
        endpoint=_text(entry, "endpoint"),
        recorded_at=recorded_at,
        precision=precision,
        dating=repeated["date_basis"],
        authenticity=repeated["authenticity"],
        source=f"{_text(entry, 'source_repo')} {_text(entry, 'source_path')} at {_text(entry, 'source_commit')}",
        complete=entry.get("complete") is True,
    )


def _recording_of_file(folder: Path, entry: dict[str, object], statement: str) -> Recording:
    """Returns the recording of an entry whose manifest makes one statement about all files."""
    request = parse_request(_text(entry, "endpoint"))
    directory = _text(entry, "file").partition("/")[0]
    venue = directory if registry.find_adapter(directory) else ""
    has_payload_time = _TIME.fullmatch(_text(entry, "payload_time_utc")) is not None
    is_latest = not has_payload_time and _LATEST.match(_text(entry, "recorded"))
    return Recording(
        venue=venue or venue_at(request.host if request else "", registry.VENUES) or directory,
        file=_text(entry, "file"),
        endpoint=_text(entry, "endpoint"),
        recorded_at=_time(folder, entry, "payload_time_utc" if has_payload_time else "recorded"),
        precision=NO_LATER_THAN if is_latest else EXACT,
        dating=f"recording date stated by the recorder; payload time {_text(entry, 'payload_time_utc')}",
        authenticity=f"{statement.partition(': ')[2] or statement}; {_text(entry, 'source_formatting')}",
        source=f"{_text(entry, 'source_repo')} {_text(entry, 'source_path')} at {_text(entry, 'commit')}",
        complete=entry.get("trimmed") is False,
    )


def _date(
    folder: Path, entry: dict[str, object], basis: str
) -> tuple[datetime | None, DatePrecision]:
    """Returns the date of a recording and how far it is known. Raises UnreadableSourceError.

    A date that the recorder states, or a time in the payload, is exact; a bare day is exact to the
    day. A date by which the file existed (of a commit or a release, or `<=2024-08-20`) is the latest
    possible one. It counts also if only the basis names it.
    """
    key = "recorded_date_if_known"
    text = _text(entry, key)
    is_latest = _LATEST.match(text) or is_upper_bound(f"{text} {basis}")
    if not is_latest:
        return _time(folder, entry, key), EXACT
    found = _ANY_TIME.search(basis)
    stated = {**entry, key: text or (found[0] if found else "")}
    return _time(folder, stated, key), NO_LATER_THAN


def _time(folder: Path, entry: dict[str, object], key: str) -> datetime | None:
    """Returns a time with a zone, or midnight UTC of a date, also after `<=`; None for other texts.

    Raises UnreadableSourceError: not a valid date or time.
    """
    text = _LATEST.sub("", _text(entry, key), count=1)
    match = _TIME.fullmatch(text) or _DAY.fullmatch(text)
    if match is None:
        return None
    try:
        time = datetime.fromisoformat(match[1])
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        message = f"{folder / NAME}: {key}: expected a date or time, found {text!r}; correct it"
        raise UnreadableSourceError(message) from error


def _text(entry: dict[str, object], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""
