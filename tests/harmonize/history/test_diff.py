"""Changes of schedules: against brute force, and each kind by itself."""

import csv
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from io import StringIO

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harmonize.cli.changes_text import csv as as_csv
from harmonize.cli.changes_text import markdown, table
from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Conversion, Evidence, Factor, Origin
from harmonize.core.schedule import (
    FeeAddOn,
    Known,
    MaintenanceMeaning,
    MarginFunction,
    MarginMode,
    MarginSchedule,
    Piece,
    Profile,
    Tier,
    TierRule,
    Unknown,
    flat,
    marginal,
)
from harmonize.document.change import Change, ChangeKind
from harmonize.history import diff
from harmonize.history.diff import ObservedSchedules, find_changes, price_ratio, repriced
from harmonize.numerics.panel import build_panel
from tests.support.random_functions import random_functions

DAY = datetime(2026, 1, 1, tzinfo=UTC)
NOTIONAL_GRID = (1e4, 1e5, 1e6)


def schedule(
    uppers: tuple[int, ...] = (100_000, 1_000_000),
    initial: tuple[str, ...] = ("0.02", "0.05"),
    maintenance: tuple[str, ...] = ("0.01", "0.025"),
    *,
    symbol: str = "BTC",
    price: str = "",
) -> MarginSchedule:
    """Returns a schedule with flat IM and marginal MM; with a price, bounds are in contracts of 1 coin."""
    scale = D(price) if price else D(1)
    bounds = [D(upper) * scale for upper in uppers]
    initial_rates, maintenance_rates = [D(r) for r in initial], [D(r) for r in maintenance]
    factor = Factor("mark price", scale, "USD", "0" * 64, "/p", DAY, Origin.LIVE)
    conversion = Conversion("contracts × mark price", (factor,))
    columns = (Column("upper", "/u", "contracts"),)
    return MarginSchedule(
        instrument=contract("okx", symbol, base=symbol, quote="USDT", settle="USDT"),
        profile=Profile(MarginMode.ANY),
        observed_at=DAY,
        dates=(DAY,),
        origin=Origin.LIVE,
        rule=TierRule.MARGINAL,
        tiers=tuple(
            Tier(*row) for row in zip(bounds, initial_rates, maintenance_rates, strict=True)
        ),
        initial=Known(flat(bounds, initial_rates)),
        maintenance=Known(marginal(bounds, maintenance_rates)),
        capacity=Known(bounds[-1]),
        meaning=MaintenanceMeaning.LIQUIDATION,
        fee=FeeAddOn("none", Known(D(0))),
        evidence=(Evidence("0" * 64, ("/0",), columns, conversion),) if price else (),
    )


def of(*schedules: MarginSchedule, complete: bool = True) -> ObservedSchedules:
    return ObservedSchedules(schedules, frozenset({"okx"} if complete else ()))


def later(earlier: MarginSchedule) -> MarginSchedule:
    time = DAY + timedelta(days=7)
    return replace(earlier, observed_at=time, dates=(time,))


def only_change(before: MarginSchedule, after: MarginSchedule) -> Change:
    (change,) = find_changes(of(before), of(later(after)), NOTIONAL_GRID)
    return change


def test_a_later_day_alone_is_no_change() -> None:
    assert find_changes(of(schedule()), of(later(schedule())), NOTIONAL_GRID) == ()
    assert table(()) == "no changes\n"


@pytest.mark.parametrize("seed", range(40))
def test_ranges_are_the_sizes_at_which_the_margins_differ(seed: int) -> None:
    rng = np.random.default_rng(seed)
    earlier, recent = random_functions(rng, 2)
    old = replace(
        schedule(), initial=Known(earlier), maintenance=Unknown("none"), capacity=Unknown("")
    )
    new = replace(old, initial=Known(recent))
    results = find_changes(of(old), of(later(new)), NOTIONAL_GRID)
    (moved,) = results[0].moved if results else (None,)
    functions, top = (
        build_panel([earlier, recent]),
        min(float(earlier.upper), float(recent.upper), 1e10),
    )
    for size in np.exp(rng.uniform(0.0, np.log(top), 400)):
        before, after = functions.at(0, float(size)), functions.at(1, float(size))
        if abs(after / before - 1) < 1e-5:
            continue
        contained = {
            name: any(low < size <= (high or 1e11) for low, high in ranges)
            for name, ranges in (
                ("tighter", moved.tighter if moved else ()),
                ("looser", moved.looser if moved else ()),
            )
        }
        assert contained == {"tighter": after > before, "looser": after < before}
        assert moved is not None
        assert after / before - 1 <= (moved.largest_rise or 0.0) + 1e-9
        assert after / before - 1 >= (moved.largest_fall or 0.0) - 1e-9


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"initial": ("0.03", "0.05")}, ChangeKind.TIGHTER),
        ({"maintenance": ("0.005", "0.025")}, ChangeKind.LOOSER),
        ({"initial": ("0.03", "0.04")}, ChangeKind.MIXED),
        ({"uppers": (100_000, 900_000)}, ChangeKind.CAPACITY),
        (
            {
                "uppers": (100_000, 500_000, 1_000_000),
                "initial": ("0.02", "0.05", "0.05"),
                "maintenance": ("0.01", "0.025", "0.025"),
            },
            ChangeKind.BANDS,
        ),
    ],
)
def test_each_kind_of_change(change: dict[str, object], kind: ChangeKind) -> None:
    assert only_change(schedule(), schedule(**change)).kind is kind  # type: ignore[arg-type]


def test_margins_before_and_after_are_given_at_the_grid() -> None:
    change = only_change(schedule(), schedule(initial=("0.03", "0.05")))
    first, second, last = change.steps
    assert (first.initial_before, first.initial_after) == (200.0, 300.0)
    assert first.maintenance_before == first.maintenance_after == 100.0
    assert (second.initial_before, second.initial_after) == (2000.0, 3000.0)
    assert (last.initial_before, last.initial_after) == (50_000.0, 50_000.0)
    initial, maintenance = change.moved
    assert initial.tighter == ((0.0, 100_000.0),)
    assert initial.largest_rise == pytest.approx(0.5)
    assert (initial.looser, maintenance.tighter) == ((), ())


def test_a_rule_that_changes_shows_in_the_margins_it_moves() -> None:
    """Flat to marginal: from 2.5 % of the whole to 1 % of the first tier."""
    old = schedule()
    flat_maintenance = flat([tier.upper for tier in old.tiers], [D("0.01"), D("0.025")])
    change = only_change(replace(old, rule=TierRule.FLAT, maintenance=Known(flat_maintenance)), old)
    assert change.kind is ChangeKind.LOOSER
    assert (change.rule_before, change.rule_after) == ("flat", "marginal")
    (_, maintenance) = change.moved
    assert maintenance.looser == ((100_000.0, 1_000_000.0),)
    # Just above 100,000: 2,500 before, 1,000 after.
    assert maintenance.largest_fall == pytest.approx(-0.6)
    assert maintenance.fall_notional == pytest.approx(1e5)


def test_only_the_rule_changes_where_one_tier_makes_both_the_same() -> None:
    old = schedule((100_000,), ("0.02",), ("0.01",))
    assert only_change(replace(old, rule=TierRule.FLAT), old).kind is ChangeKind.RULE


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(2, 8))
def test_a_price_alone_changes_no_schedule(first: int, second: int, places: int) -> None:
    assume(first != second)
    prices = [str(D(digits).scaleb(-places)) for digits in (first, second)]
    old, new = (schedule((10, 100), price=price) for price in prices)
    assert old.initial != new.initial
    assert find_changes(of(old), of(later(new)), NOTIONAL_GRID) == ()


def test_a_change_of_tiers_shows_through_a_change_of_price() -> None:
    old = schedule((10, 100), price="50000")
    new = schedule((10, 100), ("0.03", "0.05"), price="60000")
    change = only_change(old, new)
    assert change.kind is ChangeKind.TIGHTER
    assert change.price == pytest.approx(1.2)
    ((lower, upper),) = change.moved[0].tighter
    assert lower == 0.0
    assert upper == pytest.approx(600_000.0)
    wider = only_change(old, schedule((10, 120), price="60000"))
    assert wider.kind is ChangeKind.CAPACITY
    assert wider.capacity_before == pytest.approx(6e6)
    assert wider.capacity_after == pytest.approx(7.2e6)


def test_a_function_at_another_price_is_that_of_the_same_coins() -> None:
    bent = MarginFunction((Piece(D(100), D(1), D("0.02"), D("1e-4"), D("1.5")),))
    moved = build_panel([bent, repriced(bent, 1.7)])
    for coins in (1.0, 30.0, 99.0):
        assert moved.at(1, 1.7 * coins) == pytest.approx(1.7 * moved.at(0, coins), rel=1e-12)
    assert repriced(bent, 1.0) is bent
    assert price_ratio(schedule(), schedule()) == 1.0


def test_a_range_begins_at_the_bound_above_which_margins_diverge_slowly() -> None:
    """Marginal rates that differ only above a bound: just above it the margins are nearly equal."""
    old = schedule()
    maintenance = Known(marginal([tier.upper for tier in old.tiers], [D("0.01"), D("0.03")]))
    change = only_change(old, replace(old, maintenance=maintenance))
    assert change.moved[1].tighter == ((100_000.0, 1_000_000.0),)


def test_a_margin_that_becomes_known_or_unknown_has_not_moved() -> None:
    unpublished = replace(schedule(), maintenance=Unknown("not published"))
    assert only_change(unpublished, schedule()).kind is ChangeKind.KNOWN
    removed = only_change(schedule(), unpublished)
    assert removed.kind is ChangeKind.UNKNOWN
    assert [moved.margin_type for moved in removed.moved] == ["initial"]
    assert removed.steps[0].maintenance_after is None


def test_listings_are_distinguished_from_omissions_of_a_partial_snapshot() -> None:
    btc, eth = schedule(), schedule(symbol="ETH")
    kinds = {
        (before, after): [
            change.kind
            for change in find_changes(
                of(btc, complete=before), of(later(eth), complete=after), NOTIONAL_GRID
            )
        ]
        for before in (True, False)
        for after in (True, False)
    }
    assert kinds == {
        (True, True): [ChangeKind.DELISTED, ChangeKind.LISTED],
        (True, False): [ChangeKind.LEFT_OUT, ChangeKind.LISTED],
        (False, True): [ChangeKind.DELISTED, ChangeKind.APPEARED],
        (False, False): [ChangeKind.LEFT_OUT, ChangeKind.APPEARED],
    }
    assert find_changes(of(), of(btc), NOTIONAL_GRID) == ()  # the venue was not observed before


def test_changes_as_text_csv_and_markdown() -> None:
    odd = replace(schedule(), instrument=replace(schedule().instrument, symbol="=X|Y\x1b"))
    tight = replace(
        odd,
        initial=Known(flat([D(100_000), D(1_000_000)], [D("0.03"), D("0.05")])),
        rule=TierRule.FLAT,
        capacity=Known(D(900_000)),
    )
    results = find_changes(of(odd), of(later(tight), schedule(symbol="ETH")), NOTIONAL_GRID)
    text = table(results)
    assert "2 changes: 1 listed, 1 tighter" in text
    assert "IM tighter: up to $100k; largest change +50.00 % at $" in text
    assert "  tier rule: marginal to flat\n" in text
    assert "  capacity: $1,000,000.00 to $900,000.00\n" in text
    assert "  at $10,000: IM $200.00 to $300.00\n" in text
    assert "\x1b" not in text
    rows = list(csv.reader(StringIO(as_csv(results))))
    assert [len(row) for row in rows] == [len(rows[0])] * 4
    assert rows[1][1].startswith("'=X|Y")
    assert rows[1][8] == "0-100000"
    page = markdown(results)
    assert "=X\\|Y" in page
    assert "| +50.00 % | +0.00 % |" in page


def test_a_pair_that_cannot_be_compared_is_unreadable_and_the_others_are_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assets = ("ADA", "BTC", "ETH", "SOL")
    before = tuple(schedule(symbol=asset) for asset in assets)
    after = tuple(schedule(initial=("0.03", "0.05"), symbol=asset) for asset in assets)
    ratio = diff.price_ratio

    def fail_on_one(old: MarginSchedule, new: MarginSchedule) -> float:
        if old.instrument.underlying.asset == "BTC":
            raise ZeroDivisionError
        return ratio(old, new)

    monkeypatch.setattr(diff, "price_ratio", fail_on_one)
    changes = find_changes(
        ObservedSchedules(before, frozenset()), ObservedSchedules(after, frozenset()), NOTIONAL_GRID
    )
    kinds = {change.underlying: change.kind for change in changes}
    assert kinds == dict.fromkeys(assets, ChangeKind.TIGHTER) | {"BTC": ChangeKind.UNREAD}


def test_a_code_that_means_another_asset_is_told_and_its_margins_are_not_compared() -> None:
    before = schedule(symbol="LIT")
    underlying = replace(before.instrument.underlying, asset="HEI")
    former = replace(before, instrument=replace(before.instrument, underlying=underlying))
    for after in (before, schedule(symbol="LIT", initial=("0.1", "0.2"))):
        (change,) = find_changes(of(former), of(later(after)), NOTIONAL_GRID)
        assert (change.kind, change.underlying) == (ChangeKind.ANOTHER_ASSET, "LIT")
        assert (change.moved, change.steps) == ((), ())
        assert "the code means LIT now" in table([change])


THREE = (5_000, 50_000, 250_000)


@pytest.mark.parametrize(
    ("uppers", "initial", "replaced"),
    [
        ((6_000, 60_000, 300_000), ("0.02", "0.05", "0.1"), [True]),
        ((5_000, 50_000, 250_000), ("0.03", "0.06", "0.2"), [True]),
        ((5_000, 60_000, 300_000), ("0.02", "0.06", "0.2"), [False]),  # the first tier is as before
        ((6_000, 60_000), ("0.03", "0.06"), [False]),  # two tiers say little
    ],
)
def test_a_table_without_any_earlier_tier_is_told(
    uppers: tuple[int, ...], initial: tuple[str, ...], replaced: list[bool]
) -> None:
    rates = ("0.01", "0.025", "0.05")
    before = schedule(THREE, ("0.02", "0.05", "0.1"), rates)
    after = schedule(uppers, initial, rates[: len(uppers)])
    (change,) = find_changes(of(before), of(later(after)), NOTIONAL_GRID)
    assert [change.replaced] == replaced
    unknown = replace(change, underlying="ACE")
    assert ["no tier is as before" in table([unknown])] == replaced


def test_bounds_that_move_with_a_price_replace_no_table() -> None:
    rates = ("0.02", "0.05", "0.1"), ("0.01", "0.025", "0.05")
    before, after = schedule(THREE, *rates, price="100"), schedule(THREE, *rates, price="160")
    after = replace(after, rule=TierRule.CONTINUOUS)
    (change,) = find_changes(of(before), of(later(after)), NOTIONAL_GRID)
    assert (change.kind, change.replaced) == (ChangeKind.RULE, False)
