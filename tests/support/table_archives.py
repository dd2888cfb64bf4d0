"""Archives of one venue that changes, breaks and fails, and tables of the recorded archive."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry, newest_of
from harmonize.archive.location import recorded as recorded_archive
from harmonize.core.payload import Origin, Payload, Snapshot
from harmonize.history.table_rows import Row, read_rows
from harmonize.history.tables import HistoryTables
from tests.support import recorded
from venues.gathering.outcome import Failed

ASSETS = ("BTC", "ETH", "SOL")
START = datetime(2027, 11, 20, 1, tzinfo=UTC)

State = Mapping[str, str]
"""The IM rate of each market as it is sent; what is no number cannot be read."""

PLAIN: dict[str, str] = dict.fromkeys(ASSETS, "0.02")


def sent(state: State, at: datetime, *, live: bool = True, complete: bool = True) -> Snapshot:
    """The recorded answer of dYdX with these markets alone, at these rates."""
    (snapshot,) = recorded.of_venue("dydx")
    (payload,) = snapshot.payloads
    markets = json.loads(payload.content)["markets"]
    rows = {}
    for asset, rate in state.items():
        row = dict(markets[f"{asset}-USD"])
        row |= {"openInterest": "0", "initialMarginFraction": rate}
        row |= {"maintenanceMarginFraction": "0.00001", "volume24H": f"{at.timestamp():.0f}"}
        rows[f"{asset}-USD"] = row
    origin = Origin.LIVE if live else payload.provenance.origin
    content = json.dumps({"markets": rows}).encode()
    told = replace(payload.provenance, origin=origin)
    answer = Payload.of("dydx", payload.call, at, told, content)
    return Snapshot("dydx", at, (answer,), complete)


@dataclass
class Books:
    """An archive, and what was done to it."""

    path: Path
    away: dict[Path, bytes] = field(default_factory=dict)

    @property
    def archive(self) -> Archive:
        """The archive, opened anew."""
        return Archive.opened(self.path)

    def gather(self, state: State, at: datetime, *, complete: bool = True) -> Entry:
        """Append what was sent now, on the base of the newest."""
        archive = self.archive
        like = newest_of(archive.entries()).get("dydx")
        return archive.append(sent(state, at, complete=complete), like)

    def bring(self, state: State, at: datetime, *, complete: bool = True) -> Entry:
        """Import what was recorded at a time."""
        one = sent(state, at, live=False, complete=complete)
        return self.archive.append(one, imported=True)

    def fail(self, at: datetime) -> None:
        """Append the record of a try that failed."""
        self.archive.append(Failed("dydx", at, "status 503", 3, 1.0).snapshot)

    def damage(self, entry: Entry) -> None:
        """Take the bytes of a pack away for a while."""
        path = self.path / "packs" / f"{entry.pack}.zst"
        self.away.setdefault(path, path.read_bytes())
        path.write_bytes(b"")

    def restore(self) -> None:
        """Put all packs back."""
        for path, content in self.away.items():
            path.write_bytes(content)
        self.away.clear()


def rows(store: HistoryTables) -> dict[tuple[str, str, str], list[Row]]:
    """Everything that the tables hold, by venue, year and part."""
    return {
        (path.parent.name, path.stem, part): held
        for path in sorted(store.path.glob("schedules/*/*.parquet"))
        for part, held in zip(("own", "carried"), read_rows(path), strict=True)
    }


def told(store: HistoryTables) -> list[tuple[datetime, str, str]]:
    """What became of which symbol when, in order of time."""
    own = [one for (_, _, part), held in rows(store).items() if part == "own" for one in held]
    return [(one.observed_at, one.symbol.split("/")[0], one.kind) for one in own]


def made_once(books: Books, folder: Path) -> HistoryTables:
    """Tables made from the archive as it is."""
    store = HistoryTables(folder)
    store.update(books.archive)
    return store


@cache
def of_recorded() -> HistoryTables:
    """Tables of the recorded archive, made once for all tests."""
    folder = tempfile.TemporaryDirectory(prefix="tables")
    _KEPT.append(folder)
    store = HistoryTables(Path(folder.name) / "derived")
    with recorded_archive() as path:
        store.update(Archive.open(path))
    return store


_KEPT: list[tempfile.TemporaryDirectory[str]] = []
