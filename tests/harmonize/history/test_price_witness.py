"""Prices of other venues in the same night confirm a market's move, and nothing else does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from harmonize.archive.archive import Archive
from harmonize.archive.catalog import observations
from harmonize.core.payload import Snapshot
from harmonize.history.price_witness import nobody, witnesses
from harmonize.history.timeline import ReadingPlan, read_observations
from tests.replay.gathering import baseline
from tests.support import corruption
from venues import facts, registry

NIGHT = timedelta(days=1)
PRICE = Decimal("62823.64")
"""Price of BTC in the recordings of HashKey and Toobit."""


def snapshot(venue: str, nights: float, factor: str) -> Snapshot:
    """A venue's snapshot some nights later, with all prices multiplied."""
    good = baseline()[0][venue].snapshot
    schedules = registry.read(good, facts.bundled()).schedules
    moved = corruption.changed_snapshot(good, corruption.price_times(factor), schedules)
    at = datetime(2026, 11, 1, tzinfo=UTC) + nights * NIGHT
    payloads = tuple(replace(payload, observed_at=at) for payload in moved.payloads)
    return replace(moved, observed_at=at, payloads=payloads)


@pytest.mark.parametrize(
    ("toobit", "nights", "is_confirmed"),
    [
        ("1.9", 1.0, True),
        ("1.8", 0.9, True),
        ("1", 1.0, False),
        ("1.5", 1.0, False),
        ("1.9", 0.4, False),
    ],
)
def test_a_move_is_believed_if_another_venue_saw_it_in_the_same_night(
    tmp_path: Path, toobit: str, nights: float, *, is_confirmed: bool
) -> None:
    archive = Archive.create(tmp_path / "archive")
    archive.append(snapshot("hashkey", 0.0, "1"))
    archive.append(snapshot("toobit", nights, toobit))
    archive.append(snapshot("hashkey", 1.0, "1.9"))
    entries = archive.entries()
    *_, last = read_observations(
        archive, ReadingPlan(observations(entries, "hashkey"), others=entries)
    )
    assert bool(last.withheld) is not is_confirmed


def test_a_price_that_is_exactly_doubled_is_not_confirmed_by_anyone(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "archive")
    archive.append(snapshot("hashkey", 0.0, "1"))
    archive.append(snapshot("toobit", 1.0, "2"))
    archive.append(snapshot("hashkey", 1.0, "2"))
    entries = archive.entries()
    *_, last = read_observations(
        archive, ReadingPlan(observations(entries, "hashkey"), others=entries)
    )
    assert last.withheld


def test_a_wrong_price_is_not_believed_for_being_repeated(tmp_path: Path) -> None:
    """Ten times the price, with some noise, on every night of two months."""
    archive = Archive.create(tmp_path / "archive")
    archive.append(snapshot("hashkey", 0.0, "1"))
    for night in range(1, 60, 3):
        archive.append(snapshot("hashkey", night, f"{10 + night % 4 / 10}3"))
        entries = archive.entries()
        plan = ReadingPlan(observations(entries, "hashkey"), others=entries)
        *_, last = read_observations(archive, plan)
        assert len({key[1] for key in last.withheld}) == 2, night
    archive.append(snapshot("hashkey", 61, "1.9"))
    entries = archive.entries()
    *_, last = read_observations(archive, ReadingPlan(observations(entries, "hashkey")))
    assert (
        last.withheld
    )  # 1.9 is more than a day's move, and the first contradiction came after a day


def test_a_later_entry_and_the_venue_itself_confirm_nothing(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "archive")
    first = archive.append(snapshot("toobit", 0.0, "1"))
    second = archive.append(snapshot("toobit", 0.1, "1.9"))
    other = archive.append(snapshot("hashkey", 0.2, "1"))
    confirms = witnesses(archive, (first, second, other))
    assert not confirms(first)("BTC", PRICE)
    assert not confirms(second)("BTC", PRICE)
    assert confirms(other)("BTC", PRICE * Decimal("1.45"))
    assert confirms(other)("BTC", PRICE * Decimal("1.5"))
    assert not confirms(other)("BTC", PRICE)
    assert not confirms(other)("BTC", PRICE * Decimal("1.9"))
    assert not confirms(other)("ADA", PRICE)
    assert not nobody("BTC", PRICE)
