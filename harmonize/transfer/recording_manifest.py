"""What the MANIFEST.json of a folder of recordings says of each file, in one shape."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harmonize.transfer.requests import asked, venue_at
from harmonize.transfer.source import UnreadableSourceError, held
from venues import registry

NAME = "MANIFEST.json"

_AGAIN = "as above"
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?: \(.*\))?")
_MOMENT = re.compile(r"(?:about )?(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2}))(?:\b|$).*")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recording:
    """One file as its manifest describes it.

    ``when`` is None where no date is known. ``kept`` says in the manifest's words how it was recorded
    and kept, ``source`` where it comes from, ``whole`` that it is said to hold everything.
    """

    venue: str
    file: str
    endpoint: str
    when: datetime | None
    dating: str
    kept: str
    source: str
    whole: bool


def document(folder: Path) -> object:
    """Read the manifest of a folder. Raises UnreadableSourceError."""
    path = folder / NAME
    try:
        return json.loads(held(folder, NAME))
    except (ValueError, RecursionError) as error:
        message = f"{path} is not JSON: {error}; correct it"
        raise UnreadableSourceError(message) from error


def recordings(folder: Path, manifest: object) -> list[Recording]:
    """What a manifest says: a list of entries, or an object with a list of ``files``.

    Raises UnreadableSourceError: it is neither, or an entry lacks what it must say.
    """
    if isinstance(manifest, list):
        return _listed(folder, _entries(folder, manifest))
    files = manifest.get("files") if isinstance(manifest, dict) else None
    if isinstance(manifest, dict) and isinstance(files, list):
        statement = str(manifest.get("recorder_statement", ""))
        return [_of_one_day(folder, one, statement) for one in _entries(folder, files)]
    message = f'{folder / NAME} is neither a list of recordings nor an object with a list "files"; write it as one of them'
    raise UnreadableSourceError(message)


def _entries(folder: Path, entries: Iterable[object]) -> list[dict[str, object]]:
    found = []
    for place, one in enumerate(entries):
        if not isinstance(one, dict) or not isinstance(one.get("file"), str):
            message = f'{folder / NAME}: entry {place} is no object with the name of its "file"; correct it'
            raise UnreadableSourceError(message)
        found.append(one)
    return found


def _listed(folder: Path, entries: Iterable[dict[str, object]]) -> list[Recording]:
    """Entries that may say "as above" for what the one before them says."""
    found = []
    above = {"date_basis": "", "authenticity": ""}
    for one in entries:
        said = {key: _text(one, key) for key in above}
        above = {key: above[key] if text == _AGAIN else text for key, text in said.items()}
        recording = Recording(
            venue=_text(one, "venue"),
            file=_text(one, "file"),
            endpoint=_text(one, "endpoint"),
            when=_moment(folder, one, "recorded_date_if_known"),
            dating=above["date_basis"],
            kept=above["authenticity"],
            source=f"{_text(one, 'source_repo')} {_text(one, 'source_path')} at {_text(one, 'source_commit')}",
            whole=one.get("complete") is True,
        )
        found.append(recording)
    return found


def _of_one_day(folder: Path, one: dict[str, object], statement: str) -> Recording:
    """An entry of a manifest whose files were all recorded by one person on one day."""
    request = asked(_text(one, "endpoint"))
    place = _text(one, "file").partition("/")[0]
    known = place if registry.adapter(place) else ""
    stated = "payload_time_utc" if _MOMENT.fullmatch(_text(one, "payload_time_utc")) else "recorded"
    return Recording(
        venue=known or venue_at(request.host if request else "", registry.VENUES) or place,
        file=_text(one, "file"),
        endpoint=_text(one, "endpoint"),
        when=_moment(folder, one, stated),
        dating=f"recording date stated by the recorder; payload time {_text(one, 'payload_time_utc')}",
        kept=f"{statement.partition(': ')[2] or statement}; {_text(one, 'source_formatting')}",
        source=f"{_text(one, 'source_repo')} {_text(one, 'source_path')} at {_text(one, 'commit')}",
        whole=one.get("trimmed") is False,
    )


def _moment(folder: Path, one: dict[str, object], key: str) -> datetime | None:
    """A time with a zone, or midnight UTC of a day; None where the text is neither, as `<=2024-08-20`."""
    text = _text(one, key)
    if not text:
        return None
    found = _MOMENT.fullmatch(text) or _DAY.fullmatch(text)
    if found is None:
        return None
    try:
        time = datetime.fromisoformat(found[1])
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        message = (
            f"{folder / NAME}: {key} of {_text(one, 'file')} is no time, was {text!r}; correct it"
        )
        raise UnreadableSourceError(message) from error


def _text(one: dict[str, object], key: str) -> str:
    value = one.get(key)
    return value if isinstance(value, str) else ""
