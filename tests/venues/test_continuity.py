"""Changes between two observations: corruption that is withheld, and policy that is not."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from harmonize.core.payload import Snapshot
from tests.support import corruption, recorded
from tests.support.corruption import CORRUPTIONS, Outcome
from venues import facts, registry
from venues.beliefs import Beliefs, numbers_of
from venues.continuity import find_doubled, find_implausible
from venues.plausibility import References, Screened
from venues.published import (
    ColumnKind,
    Published,
    PublishedColumn,
    PublishedPrice,
    as_number,
    column_kind,
)

DAY = datetime(2026, 3, 1, tzinfo=UTC)
KEY = ("okx", "BTC/USDT:USDT", "cross")
TIERS = {
    "upper": ("contracts", (100, 500, 1000, 5000)),
    "initial": ("rate", (0.01, 0.02, 0.05, 0.1)),
    "maintenance": ("rate", (0.005, 0.01, 0.025, 0.05)),
}


def number(value: float) -> Decimal | None:
    """A published number; none for a sign of no end."""
    return as_number(Decimal(str(value)))


def published(
    columns: Mapping[str, tuple[str, tuple[float, ...]]] = TIERS,
    *,
    at: datetime = DAY,
    size: str = "0.01",
    price: str = "60000",
) -> Published:
    """Numbers of a contract with tiers in contracts."""
    return Published(
        "BTC-USDT-SWAP",
        at,
        "publicGetPublicPositionTiers",
        tuple(
            PublishedColumn(quantity, unit, column_kind(quantity, unit), tuple(map(number, values)))
            for quantity, (unit, values) in columns.items()
        ),
        (("contract value of BTC-USDT-SWAP", Decimal(size)),),
        (PublishedPrice("mark price of BTC-USDT-SWAP", Decimal(price), "", "/data/0/markPx"),),
    )


def changed(**columns: tuple[float, ...]) -> dict[str, tuple[str, tuple[float, ...]]]:
    """The tiers with other values in some columns."""
    return {name: (unit, columns.get(name, values)) for name, (unit, values) in TIERS.items()}


def times(quantity: str, factor: float) -> tuple[float, ...]:
    """A column of the tiers, multiplied."""
    return tuple(float(Decimal(str(value)) * Decimal(str(factor))) for value in TIERS[quantity][1])


def reason(after: Published, before: Published | None = None) -> str:
    """Reason why a change is implausible; empty if it is not."""
    found = find_implausible({KEY: before or published()}, {KEY: after})
    return found[KEY].reason if found else ""


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (published(changed(upper=times("upper", 10))), "every upper bound is 10 times that of"),
        (published(changed(upper=times("upper", 0.001))), "every upper bound is 1/1000 of that of"),
        (published(changed(upper=times("upper", 5))), "every upper bound is 5 times that of"),
        (published(changed(initial=times("initial", 0.01))), "every IM rate is 1/100 of that of"),
        (published(changed(initial=times("initial", 2))), "every IM rate is 2 times that of"),
        (
            published(
                changed(initial=times("initial", 0.1), maintenance=(0.001, 0.01, 0.02, 0.04))
            ),
            "every IM rate is 1/10 of that of",
        ),
        (published(size="0.1"), "the contract value of BTC-USDT-SWAP is 10 times that of"),
        (published(size="1"), "and the bounds are unchanged"),
        (published(price="120000"), "the mark price of BTC-USDT-SWAP is 2 times that of"),
        (published(price="34000"), "the mark price of BTC-USDT-SWAP is 1/1.76471 of that of"),
        (
            published({name: (unit, values[:-1]) for name, (unit, values) in TIERS.items()}),
            "1 of 4 tiers of 2026-03-01 missing, the others are unchanged",
        ),
        (
            published({n: (u, (*values[:1], *values[2:])) for n, (u, values) in TIERS.items()}),
            "1 of 4 tiers of 2026-03-01 missing",
        ),
        (
            published(changed(upper=(100, 500, 1000, 600_000), initial=(0.01, 0.02, 0.06, 0.2))),
            "the last upper bound is 120 times that of",
        ),
        (published(changed(upper=(100, 500, 1000, 2**63 - 1))), "has no end any more"),
        (published(price="110000"), "the mark price of BTC-USDT-SWAP is 1.83333 times that of"),
        (published(price="310000", at=DAY + timedelta(days=90)), "is 5.16667 times that of"),
    ],
)
def test_patterns_that_no_policy_produces_are_implausible(after: Published, expected: str) -> None:
    assert expected in reason(after)


@pytest.mark.parametrize(
    "after",
    [
        published(at=DAY + timedelta(days=1)),
        published(changed(upper=times("upper", 2))),
        published(changed(upper=times("upper", 1.5), initial=(0.02, 0.03, 0.05, 0.1))),
        published(changed(upper=(100, 1000, 2000, 5000))),
        published(changed(initial=(0.02, 0.04, 0.05, 0.1))),
        published({name: (unit, values[1:]) for name, (unit, values) in TIERS.items()}),
        published(changed(upper=times("upper", 0.1)), size="0.1"),
        published(price="100000"),
        published(price="110000", at=DAY + timedelta(days=2)),
        published(price="290000", at=DAY + timedelta(days=60)),
    ],
)
def test_policy_and_markets_are_plausible(after: Published) -> None:
    assert reason(after) == ""


def test_a_price_that_is_exactly_doubled_is_implausible_at_any_distance() -> None:
    assert reason(published(price="120000", at=DAY + timedelta(days=400)))
    assert not reason(published(price="121000", at=DAY + timedelta(days=400)))


def test_numbers_of_another_endpoint_are_not_compared() -> None:
    other = replace(published(changed(upper=times("upper", 10))), endpoint="another")
    assert reason(other) == ""
    assert "mark price" in reason(replace(other, prices=published(price="600000").prices))
    single = {"initial": ("leverage", (50.0,))}
    doubled = published({"initial": ("leverage", (100.0,))})
    assert find_doubled(published(single), doubled)
    assert not find_doubled(published(single), replace(doubled, endpoint="another"))


@pytest.mark.parametrize(
    ("leverage", "remark"),
    [(100.0, "exactly twice"), (25.0, "exactly half"), (75.0, ""), (50.0, ""), (20.0, "")],
)
def test_a_lone_leverage_that_doubles_is_worth_a_remark(leverage: float, remark: str) -> None:
    before = published({"initial": ("leverage", (50.0,))})
    after = published({"initial": ("leverage", (leverage,))})
    assert reason(after, before) == ""
    found = find_doubled(before, after)
    assert (remark in found) if remark else not found


def test_one_factor_on_most_contracts_is_a_unit_and_on_some_a_policy() -> None:
    keys = [("okx", f"C{n}/USDT:USDT", "cross") for n in range(6)]
    before = {key: published() for key in keys}
    triple = published(changed(upper=times("upper", 3)))
    for count, expected in ((2, 0), (4, 0), (5, 5), (6, 6)):
        after = {key: triple if n < count else published() for n, key in enumerate(keys)}
        found = find_implausible(before, after)
        assert len(found) == expected
        assert all("of most contracts is 3 times" in own.reason for own in found.values())


def test_prices_that_all_move_by_one_factor_are_a_unit() -> None:
    keys = [("okx", f"C{n}/USDT:USDT", "cross") for n in range(6)]
    before = {key: published(price=str(100 * (n + 1))) for n, key in enumerate(keys)}
    scaled = {key: published(price=str(130 * (n + 1))) for n, key in enumerate(keys)}
    assert len(find_implausible(before, scaled)) == 6
    moved = {key: published(price=str(130 * (n + 1) + n)) for n, key in enumerate(keys)}
    assert find_implausible(before, moved) == {}


def test_kinds_of_columns_follow_from_their_units() -> None:
    assert column_kind("upper", "quote currency") is ColumnKind.AMOUNT
    assert column_kind("upper", "contracts") is ColumnKind.AMOUNT
    assert column_kind("initial slope", "percent per USD") is ColumnKind.RATE
    assert column_kind("initial", "leverage") is ColumnKind.LEVERAGE
    assert column_kind("open interest", "coins") is ColumnKind.OTHER
    assert column_kind("table", "id") is ColumnKind.OTHER


def test_no_recorded_night_raises_a_false_alarm() -> None:
    """123 pairs of successive snapshots, 116 of them of Binance from 2022 to 2026."""
    last: dict[str, Mapping[tuple[str, str, str], Published]] = {}
    alarms, pairs = [], 0
    for snapshot in sorted(recorded.snapshots(), key=lambda s: (s.venue, s.observed_at)):
        numbers = numbers_of(snapshot, registry.read(snapshot, facts.bundled()).schedules)
        if snapshot.venue in last:
            pairs += 1
            found = find_implausible(last[snapshot.venue], numbers)
            alarms += [(key, own.reason) for key, own in found.items()]
        last[snapshot.venue] = numbers
    assert pairs >= 120
    assert alarms == [
        (
            ("binance", "BTC/USDT:USDT", "any"),
            "the last upper bound of 2022-04-16 has no end any more",
        )
    ]


def screened(snapshot: Snapshot, beliefs: Beliefs) -> Screened:
    references = References(beliefs, Beliefs, lambda *_: False)
    return registry.screened(snapshot, facts.bundled(), references)


SMALL = ("aster", "delta", "gate", "hashkey", "krakenfutures", "mexc", "okx", "whitebit")
"""Venues with few schedules whose margins are known on the nights of these tests."""


@pytest.mark.parametrize("venue", SMALL)
def test_plausible_corruption_stays_hidden_on_a_second_night(venue: str) -> None:
    """What is hidden after a good night is hidden again, because it is held against that night."""
    good = corruption.venues()[venue]
    hidden = 0
    for corrupted in CORRUPTIONS:
        corrupt = good.corrupted(corrupted.change, good.readable)
        first = screened(corrupt, good.beliefs)
        second = screened(corrupt, first.beliefs)
        assert second.withheld.keys() == first.withheld.keys(), corrupted.name
        back = screened(good.snapshot, second.beliefs)
        assert not back.withheld.keys() & first.withheld.keys(), corrupted.name
        hidden += len(first.withheld)
    assert hidden


def test_plausible_corruption_is_hidden_or_flagged() -> None:
    """The goals of the detection record, on the venues with few contracts."""
    results = [t for venue in SMALL for t in corruption.trials(corruption.venues()[venue])]
    assert len(results) > 250
    for night, goal in (("night", 0.95), ("first_night", 0.75)):
        withheld = sum(getattr(trial, night) is Outcome.WITHHELD for trial in results)
        assert withheld / len(results) >= goal
