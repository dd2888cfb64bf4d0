"""Where the tables of an archive lie, brought up to date when asked, and what they recall."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harmonize.archive import Archive
from harmonize.lately import Lately
from harmonize.listing import Entry
from harmonize.past import StressWindow
from harmonize.sources import Source
from harmonize.store import Held, Store
from harmonize.stress import windows
from harmonize.version import VERSION


@dataclass(frozen=True, slots=True)
class _Summary:
    """What checks are asked about as of an archive's newest entry, and of which archive."""

    version: str
    digest: str
    windows: str
    lately: Lately


def lately(source: Source, until: datetime) -> Lately:
    """What checks of change are asked about one archive. Raises ArchiveError."""
    held = [one for one in source.entries if not one.failed and one.observed_at <= until]
    venues = {one.venue for one in held}
    if len(venues) == len(held):  # each was observed once, so nothing can have changed
        return Lately(observed={one.venue: (one.observed_at,) for one in held})
    newest = max(one.observed_at for one in held)
    whole = until >= max(one.observed_at for one in source.entries)
    said = (VERSION, source.entries[-1].digest, _name(windows()))
    if whole and (found := _summary(source.archive, said)):
        return found
    store, tables = tables_of(source.archive)
    from harmonize import recall  # noqa: PLC0415 - duckdb is heavy

    answer = recall.lately(store, tables, newest if whole else until, windows())
    if whole:
        _keep(store, _Summary(*said, answer))
    return answer


def tables_of(archive: Archive) -> tuple[Store, Held]:
    """The tables of an archive, brought up to date. Raises ArchiveError."""
    beside, apart = places(archive)
    if beside is not None:
        with suppress(PermissionError, OSError):
            return Store(beside), Store(beside).update(archive)
    return Store(apart), Store(apart).update(archive)


def places(archive: Archive) -> tuple[Path | None, Path]:
    """Where tables may lie: in the archive's own folder, else among the user's caches."""
    from platformdirs import user_cache_path  # noqa: PLC0415 - `--help` needs none

    place = archive.place
    own = place / "derived" if isinstance(place, Path) else None
    named = str(place.absolute()) if isinstance(place, Path) else place
    cache = user_cache_path("harmonize", appauthor=False) / "derived" / _hash(named)
    return own, cache


def _summary(archive: Archive, said: tuple[str, str, str]) -> Lately | None:
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 - heavy

    for folder in places(archive):
        if folder is None:
            continue
        with suppress(OSError, ValidationError):
            text = (folder / "lately.json").read_bytes()
            found = TypeAdapter(_Summary).validate_json(text)
            if (found.version, found.digest, found.windows) == said:
                return found.lately
    return None


def _keep(store: Store, summary: _Summary) -> None:
    from pydantic import TypeAdapter  # noqa: PLC0415 - as above

    with suppress(OSError):
        store.path.mkdir(parents=True, exist_ok=True)
        beside = store.path / "lately.part"
        beside.write_bytes(TypeAdapter(_Summary).dump_json(summary))
        beside.replace(store.path / "lately.json")


def _name(found: Sequence[StressWindow]) -> str:
    return _hash("\n".join(map(repr, found)))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def entries_of(archive: Archive) -> tuple[Entry, ...]:
    """List an archive's snapshots; of a large one, from its tables as far as they go."""
    for folder in places(archive):
        if folder is not None and _large(folder / "entries.parquet"):
            return archive.listing(Store(folder).held().listing).entries
    return archive.entries()


_LARGE = 50_000
"""Bytes of a table of entries above which loading it is faster than reading manifests."""


def _large(path: Path) -> bool:
    try:
        return path.stat().st_size > _LARGE
    except OSError:
        return False
