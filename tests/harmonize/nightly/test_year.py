"""A simulated year of nights: real payloads, clock jumps and failing venues."""

import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from harmonize.api.audit import Question
from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry
from harmonize.config.run_settings import RetentionSettings, RunSettings
from harmonize.core.payload import Origin, Payload, Snapshot
from harmonize.document import AuditDocument
from harmonize.document.change import ChangeKind
from harmonize.document.night import Night
from harmonize.history.tables import HistoryTables
from harmonize.nightly import run
from harmonize.nightly.site import Site
from tests.support import recorded
from venues.gathering.outcome import Failed

HOME = ZoneInfo("Europe/Berlin")
FIRST = date(2027, 10, 20)
"""The year from here has both clock changes and a 29 February."""

NIGHTS = 366
SAMPLE = 62
"""Nights without ``--whole``: both kinds of errors, a clock that is ahead, daylight saving, pruning."""
VENUES = ("dydx", "hyperliquid", "woofipro")
ASSETS = ("BTC", "ETH")

Rates = dict[str, Decimal]
"""Factor on the recorded margins, per asset."""


def altered(
    snapshot: Snapshot, rates: Rates, at: datetime, *, broken: bool = False, spaces: int = 0
) -> Snapshot:
    """Returns the recorded snapshot with changed margins, gathered at a time.

    ``broken`` makes the BTC row malformed; ``spaces`` at the end change the bytes, not the margins.
    """
    (payload,) = snapshot.payloads
    document = json.loads(payload.content)
    for asset, factor in rates.items():
        _ALTER[snapshot.venue](document, asset, factor)
    if broken:
        document["markets"]["BTC-USD"]["initialMarginFraction"] = "?"
    content = json.dumps(document).encode() + b" " * spaces
    live = replace(payload.provenance, origin=Origin.LIVE)
    sent = Payload.of(snapshot.venue, payload.call, at, live, content)
    return Snapshot(snapshot.venue, at, (sent,), complete=True)


def _dydx(document: dict, asset: str, factor: Decimal) -> None:  # type: ignore[type-arg]
    row = document["markets"][f"{asset}-USD"]
    for key in ("initialMarginFraction", "maintenanceMarginFraction"):
        row[key] = str(Decimal(row[key]) * factor)


def _hyperliquid(document: list, asset: str, factor: Decimal) -> None:  # type: ignore[type-arg]
    (row,) = [row for row in document[0]["universe"] if row["name"] == asset]
    row["maxLeverage"] = int(row["maxLeverage"] / factor)


def _woofipro(document: dict, asset: str, factor: Decimal) -> None:  # type: ignore[type-arg]
    (row,) = [row for row in document["data"]["rows"] if row["symbol"] == f"PERP_{asset}_USDC"]
    for key in ("base_imr", "base_mmr"):
        row[key] = str(Decimal(str(row[key])) * factor)


_ALTER: dict[str, Callable[..., None]] = {
    "dydx": _dydx,
    "hyperliquid": _hyperliquid,
    "woofipro": _woofipro,
}


@dataclass
class World:
    """Venues that change margins and fail, a clock, and the expected changes."""

    archive: Path
    chance: random.Random
    clock: datetime = datetime(2027, 10, 20, tzinfo=UTC)
    rates: dict[str, Rates] = field(default_factory=lambda: {venue: {} for venue in VENUES})
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    observed: dict[str, Rates] = field(default_factory=dict)
    expected_changes: list[tuple[str, str, ChangeKind]] = field(default_factory=list)
    newest: dict[str, Entry] = field(default_factory=dict)
    failing: float = 0.1
    breaks: bool = False
    broken: int = 0

    def gather(self, venues: tuple[str, ...]) -> bool:
        """Responds or fails per venue; records which changes an observer can see."""
        archive, newest = Archive.open_or_create(self.archive), self.newest
        for venue in venues:
            at = self.clock + timedelta(seconds=self.chance.randrange(60))
            broken = venue == "dydx" and self.broken > 0
            spaces = at.toordinal() % 500
            snapshot = altered(BASE[venue], self.rates[venue], at, broken=broken, spaces=spaces)
            if self.chance.random() < self.failing:
                payloads = snapshot.payloads if self.chance.random() < 0.5 else ()
                archive.append(Failed(venue, at, "status 503", 3, 1.0, payloads).snapshot)
                continue
            entry = archive.append(snapshot, newest.get(venue))
            self.sent.append((venue, snapshot.payloads[0].content))
            newest[venue] = entry
            self._observe(venue, broken=broken)
        return True

    def _observe(self, venue: str, *, broken: bool) -> None:
        before, now = self.observed.get(venue), dict(self.rates[venue])
        if broken:  # what cannot be read was not seen to change
            now["BTC"] = (before or now).get("BTC", Decimal(1))
        self.observed[venue] = now
        if before is None:
            return
        for asset in ASSETS:
            was, is_ = before.get(asset, Decimal(1)), now.get(asset, Decimal(1))
            if was != is_:
                self.expected_changes.append(
                    (venue, asset, ChangeKind.TIGHTER if is_ > was else ChangeKind.LOOSER)
                )

    def live(self) -> None:
        """Advances one day: a venue may change a margin or have a malformed row for some days."""
        self.broken -= 1
        if self.broken < -20 and self.chance.random() < 0.1:
            self.broken = self.chance.randrange(1, 5)
        if self.chance.random() < 0.15:
            rates = self.rates[self.chance.choice(VENUES)]
            asset = self.chance.choice(ASSETS)
            rates[asset] = self.chance.choice([Decimal(1), Decimal(2), Decimal(4)])

    def page(self, _: AuditDocument) -> bytes:
        """Renders a report, unless a power cut interrupts it."""
        if self.breaks:
            self.breaks = False
            raise PowerCutError
        return b"report"


class PowerCutError(Exception):
    """The machine stops."""


BASE = {venue: recorded.of_venue(venue)[-1] for venue in VENUES}
"""The last recorded snapshot per venue."""


def test_a_year_of_nights_loses_no_snapshot_and_invents_no_change(
    tmp_path: Path, *, whole: bool
) -> None:
    chance = random.Random(20271020)  # noqa: S311 - a seed, not a secret
    world = World(tmp_path / "archive", chance)
    nights: list[Night] = []
    services = run.RunServices(
        now=lambda: world.clock,
        gather=world.gather,
        pages=run.SiteRenderers(
            report=world.page,
            folder=lambda document: [("index.html", world.page(document))],
            changes=lambda nights, _: f"{len(nights)}".encode(),
            month=lambda month, nights, _: f"{month} {len(nights)}".encode(),
            feed=lambda nights: f"{len(nights)}".encode(),
            latest=lambda night: json.dumps({"night": night.night}).encode(),
        ),
        send=lambda _, __: (),
    )
    question = Question(
        archive=world.archive, venues=VENUES, underlyings=ASSETS, rules=("harmonized-baseline",)
    )
    settings = RunSettings(keep=RetentionSettings(daily=30, weekly=10, monthly=6), nights=60)
    task = run.Task(question, Site(tmp_path / "site"), settings)
    labels = Counter[str]()
    count = NIGHTS if whole else SAMPLE
    for number in range(count):
        day = FIRST + timedelta(days=number)
        local = datetime(day.year, day.month, day.day, 1, 15, tzinfo=HOME)
        world.clock = local + timedelta(minutes=chance.randrange(-10, 10))
        world.clock += JUMPS.get(number, timedelta(0))
        if number == BATTERY:
            world.clock = datetime(1970, 1, 1, 0, 3, tzinfo=UTC)
        world.breaks = number % 41 == 7
        if number % 53 != 20:  # else the machine was off
            try:
                result = run.run(task, services)
            except PowerCutError:
                world.clock += timedelta(minutes=20)
                result = run.run(task, services)
            nights.append(result.night)
            labels[result.night.night] += 1
        if number % 29 == 3:  # somebody runs it once more
            world.failing = 0.0
            world.clock += timedelta(hours=2)
            nights[-1] = run.run(task, services).night
            world.failing = 0.1
        world.live()

    archive = Archive.open(world.archive)
    entries = archive.entries()
    assert archive.verify() == ()
    good = [entry for entry in entries if not entry.failed]
    assert Counter(entry.venue for entry in good) == Counter(venue for venue, _ in world.sent)
    readable = [entry for entry in good if not entry.pruned]
    contents = [(entry.venue, archive.read(entry).payloads[0].content) for entry in readable]
    assert not Counter(contents) - Counter(world.sent)
    assert any(entry.pruned for entry in good)

    changes = [change for night in nights for change in night.changes]
    moved = [
        change for change in changes if change.kind not in {ChangeKind.UNREAD, ChangeKind.READ}
    ]
    assert Counter((change.venue, change.underlying, change.kind) for change in moved) == Counter(
        world.expected_changes
    )
    assert len(world.expected_changes) > (25 if whole else 3)
    assert any(change.kind is ChangeKind.UNREAD for change in changes)
    assert max(labels.values()) == 1  # each night has its own name, whatever the clock did
    assert sum(bool(night.errors) for night in nights) > count // 7
    clock_errors = sum("the clock says" in line for night in nights for line in night.errors)
    if whole:
        assert f"{date(2028, 2, 29)}" in labels
        assert clock_errors == 3


JUMPS = {
    60: timedelta(days=40),  # ahead for one night, and right again in the next
    **dict.fromkeys((120, 121, 122), timedelta(days=-3)),  # back onto nights that were written
    180: timedelta(hours=5),
}
BATTERY = 240
"""The night on which the machine starts with the clock at 1970."""


@pytest.fixture(autouse=True)
def own_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_rebuilt_tables_equal_updated_ones(tmp_path: Path) -> None:
    """Tables updated every night have the same rows as tables built once at the end."""
    world = World(tmp_path / "archive", random.Random(7))  # noqa: S311 - as above
    grown = HistoryTables(tmp_path / "grown")
    for number in range(40):
        world.clock = datetime(2027, 12, 12, 1, tzinfo=UTC) + timedelta(days=number)
        world.clock += {9: timedelta(days=20), 21: timedelta(days=-4)}.get(number, timedelta(0))
        world.gather(VENUES)
        grown.update(Archive.open(world.archive))
        world.live()
        world.live()
    once = HistoryTables(tmp_path / "once")
    state = once.update(Archive.open(world.archive))
    assert state == grown.state() == once.state()
    assert rows(once) == rows(grown)


def rows(store: HistoryTables) -> Sequence[object]:
    from harmonize.history.table_rows import read_rows  # noqa: PLC0415 - used by this function only

    paths = sorted((store.path / "schedules").rglob("*.parquet"))
    return [(path.parent.name, path.name, read_rows(path)) for path in paths]
