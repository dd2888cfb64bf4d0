"""Reads the MANIFEST.json of a folder of recordings, of either layout, into one shape per file."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harmonize.transfer.requests import parse_request, venue_at
from harmonize.transfer.source import UnreadableSourceError, read_listed_file
from venues import registry

NAME = "MANIFEST.json"

_SAME_AS_BEFORE = "as above"
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?: \(.*\))?")
_TIME = re.compile(r"(?:about )?(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2}))(?:\b|$).*")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recording:
    """One file as its manifest describes it.

    ``recorded_at`` is None if no date is known, ``dating`` what it is based on. ``authenticity``
    quotes how the file was recorded and stored, ``source`` where it comes from. ``complete`` is
    whether the manifest declares it complete.
    """

    venue: str
    file: str
    endpoint: str
    recorded_at: datetime | None
    dating: str
    authenticity: str
    source: str
    complete: bool


def document(folder: Path) -> object:
    """Reads the manifest of a folder. Raises UnreadableSourceError."""
    path = folder / NAME
    try:
        return json.loads(read_listed_file(folder, NAME))
    except (ValueError, RecursionError) as error:
        message = f"{path}: is not JSON: {error}; correct it"
        raise UnreadableSourceError(message) from error


def recordings(folder: Path, manifest: object) -> list[Recording]:
    """Returns the recordings of a manifest: a list of entries, or an object with a list ``files``.

    Raises UnreadableSourceError: neither of the two, or an entry without its file.
    """
    if isinstance(manifest, list):
        return _recordings_of_list(folder, _entries(folder, manifest))
    files = manifest.get("files") if isinstance(manifest, dict) else None
    if isinstance(manifest, dict) and isinstance(files, list):
        statement = str(manifest.get("recorder_statement", ""))
        return [_recording_of_file(folder, fields, statement) for fields in _entries(folder, files)]
    message = f'{folder / NAME}: expected a list of recordings, or an object with a list "files"; correct it'
    raise UnreadableSourceError(message)


def _entries(folder: Path, entries: Iterable[object]) -> list[dict[str, object]]:
    checked = []
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(entry.get("file"), str):
            message = (
                f'{folder / NAME}: entry {index}: expected an object with a text "file"; correct it'
            )
            raise UnreadableSourceError(message)
        checked.append(entry)
    return checked


def _recordings_of_list(folder: Path, entries: Iterable[dict[str, object]]) -> list[Recording]:
    """Returns the recordings of entries in which "as above" repeats a text of the entry before."""
    listed = []
    previous = {"date_basis": "", "authenticity": ""}
    for entry in entries:
        texts = {key: _text(entry, key) for key in previous}
        previous = {
            key: previous[key] if text == _SAME_AS_BEFORE else text for key, text in texts.items()
        }
        recording = Recording(
            venue=_text(entry, "venue"),
            file=_text(entry, "file"),
            endpoint=_text(entry, "endpoint"),
            recorded_at=_time(folder, entry, "recorded_date_if_known"),
            dating=previous["date_basis"],
            authenticity=previous["authenticity"],
            source=f"{_text(entry, 'source_repo')} {_text(entry, 'source_path')} at {_text(entry, 'source_commit')}",
            complete=entry.get("complete") is True,
        )
        listed.append(recording)
    return listed


def _recording_of_file(folder: Path, entry: dict[str, object], statement: str) -> Recording:
    """Returns the recording of an entry whose manifest makes one statement about all files."""
    request = parse_request(_text(entry, "endpoint"))
    directory = _text(entry, "file").partition("/")[0]
    venue = directory if registry.find_adapter(directory) else ""
    has_payload_time = _TIME.fullmatch(_text(entry, "payload_time_utc")) is not None
    return Recording(
        venue=venue or venue_at(request.host if request else "", registry.VENUES) or directory,
        file=_text(entry, "file"),
        endpoint=_text(entry, "endpoint"),
        recorded_at=_time(folder, entry, "payload_time_utc" if has_payload_time else "recorded"),
        dating=f"recording date stated by the recorder; payload time {_text(entry, 'payload_time_utc')}",
        authenticity=f"{statement.partition(': ')[2] or statement}; {_text(entry, 'source_formatting')}",
        source=f"{_text(entry, 'source_repo')} {_text(entry, 'source_path')} at {_text(entry, 'commit')}",
        complete=entry.get("trimmed") is False,
    )


def _time(folder: Path, entry: dict[str, object], key: str) -> datetime | None:
    """Returns a time with a zone, or midnight UTC of a date.

    None if the text is neither, such as `<=2024-08-20`. Raises UnreadableSourceError: not a valid
    date or time.
    """
    text = _text(entry, key)
    if not text:
        return None
    match = _TIME.fullmatch(text) or _DAY.fullmatch(text)
    if match is None:
        return None
    try:
        time = datetime.fromisoformat(match[1])
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        message = f"{folder / NAME}: {key} of {_text(entry, 'file')}: expected a date or time, found {text!r}; correct it"
        raise UnreadableSourceError(message) from error


def _text(entry: dict[str, object], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""
