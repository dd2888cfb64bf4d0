"""Archives of one scripted venue, and the tables of the recorded archive."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry, newest_by_venue
from harmonize.archive.location import recorded_archive
from harmonize.core.payload import Origin, Payload, Snapshot
from harmonize.history.table_rows import ScheduleRow, read_rows
from harmonize.history.tables import HistoryTables
from tests.support import recorded
from venues.gathering.outcome import Failed

ASSETS = ("BTC", "ETH", "SOL")
START = datetime(2027, 11, 20, 1, tzinfo=UTC)

State = Mapping[str, str]
"""IM rate of each market as sent; a market with a rate that is not a number is unreadable."""

PLAIN: dict[str, str] = dict.fromkeys(ASSETS, "0.02")


def sent(state: State, at: datetime, *, live: bool = True, complete: bool = True) -> Snapshot:
    """Returns the recorded dYdX snapshot with only these markets, at these rates."""
    (snapshot,) = recorded.of_venue("dydx")
    (payload,) = snapshot.payloads
    markets = json.loads(payload.content)["markets"]
    rows = {}
    for asset, rate in state.items():
        row = dict(markets[f"{asset}-USD"])
        row |= {"openInterest": "0", "initialMarginFraction": rate}
        row |= {
            "maintenanceMarginFraction": _maintenance(rate),
            "volume24H": f"{at.timestamp():.0f}",
        }
        rows[f"{asset}-USD"] = row
    origin = Origin.LIVE if live else payload.provenance.origin
    content = json.dumps({"markets": rows}).encode()
    provenance = replace(payload.provenance, origin=origin)
    changed = Payload.of("dydx", payload.call, at, provenance, content)
    return Snapshot("dydx", at, (changed,), complete)


def _maintenance(rate: str) -> str:
    """Returns an MM rate below an IM rate, which is the same for all usual ones."""
    is_low = rate.replace(".", "").isdecimal() and float(rate) < 0.01
    return f"{float(rate) / 2:g}" if is_low else "0.01"


@dataclass
class ScriptedArchive:
    """Archive of one venue, with the content of its damaged packs."""

    path: Path
    removed: dict[Path, bytes] = field(default_factory=dict)

    @property
    def archive(self) -> Archive:
        """The archive, opened again."""
        return Archive.open_or_create(self.path)

    def gather(self, state: State, at: datetime, *, complete: bool = True) -> Entry:
        """Appends a live snapshot, stored relative to the newest one."""
        archive = self.archive
        newest = newest_by_venue(archive.entries()).get("dydx")
        return archive.append(sent(state, at, complete=complete), newest)

    def bring(self, state: State, at: datetime, *, complete: bool = True) -> Entry:
        """Imports a snapshot recorded at a time."""
        snapshot = sent(state, at, live=False, complete=complete)
        return self.archive.append(snapshot, imported=True)

    def fail(self, at: datetime) -> None:
        """Appends the record of a failed attempt."""
        self.archive.append(Failed("dydx", at, "status 503", 3, 1.0).snapshot)

    def damage(self, entry: Entry) -> None:
        """Empties a pack until ``restore``."""
        path = self.path / "packs" / f"{entry.pack}.zst"
        self.removed.setdefault(path, path.read_bytes())
        path.write_bytes(b"")

    def restore(self) -> None:
        """Restores all packs."""
        for path, content in self.removed.items():
            path.write_bytes(content)
        self.removed.clear()


def rows_by_part(store: HistoryTables) -> dict[tuple[str, str, str], list[ScheduleRow]]:
    """Returns all rows of the tables, by venue, year and part."""
    return {
        (path.parent.name, path.stem, part): stored
        for path in sorted(store.path.glob("schedules/*/*.parquet"))
        for part, stored in zip(("own", "carried"), read_rows(path), strict=True)
    }


def event_list(store: HistoryTables) -> list[tuple[datetime, str, str]]:
    """Returns time, base asset and kind of every event, in chronological order."""
    own = [
        row
        for (_, _, part), stored in rows_by_part(store).items()
        if part == "own"
        for row in stored
    ]
    return [(row.observed_at, row.symbol.split("/")[0], row.kind) for row in own]


def build_at_once(books: ScriptedArchive, folder: Path) -> HistoryTables:
    """Returns tables built from the archive at once."""
    store = HistoryTables(folder)
    store.update(books.archive)
    return store


@cache
def recorded_tables() -> HistoryTables:
    """Returns the tables of the recorded archive, built once for all tests."""
    folder = tempfile.TemporaryDirectory(prefix="tables")
    _FOLDERS.append(folder)
    store = HistoryTables(Path(folder.name) / "derived")
    with recorded_archive() as path:
        store.update(Archive.open(path))
    return store


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []
