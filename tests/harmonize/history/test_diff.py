"""What changed: against brute force, and each kind of change by itself."""

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
from harmonize.history.diff import Observed, changes, price_ratio, repriced
from harmonize.numerics.panel import panel
from tests.support.random_functions import random_functions

DAY = datetime(2026, 1, 1, tzinfo=UTC)
LADDER = (1e4, 1e5, 1e6)


def schedule(
    uppers: tuple[int, ...] = (100_000, 1_000_000),
    initial: tuple[str, ...] = ("0.02", "0.05"),
    maintenance: tuple[str, ...] = ("0.01", "0.025"),
    *,
    symbol: str = "BTC",
    price: str = "",
) -> MarginSchedule:
    """Flat IM and marginal MM; with a price, bounds are in contracts of one coin."""
    scale = D(price) if price else D(1)
    bounds = [D(one) * scale for one in uppers]
    rates, kept = [D(one) for one in initial], [D(one) for one in maintenance]
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
        tiers=tuple(Tier(*row) for row in zip(bounds, rates, kept, strict=True)),
        initial=Known(flat(bounds, rates)),
        maintenance=Known(marginal(bounds, kept)),
        capacity=Known(bounds[-1]),
        meaning=MaintenanceMeaning.LIQUIDATION,
        fee=FeeAddOn("none", Known(D(0))),
        evidence=(Evidence("0" * 64, ("/0",), columns, conversion),) if price else (),
    )


def of(*schedules: MarginSchedule, complete: bool = True) -> Observed:
    return Observed(schedules, frozenset({"okx"} if complete else ()))


def later(one: MarginSchedule) -> MarginSchedule:
    when = DAY + timedelta(days=7)
    return replace(one, observed_at=when, dates=(when,))


def one(before: MarginSchedule, after: MarginSchedule) -> Change:
    (found,) = changes(of(before), of(later(after)), LADDER)
    return found


def test_nothing_changed_but_the_day() -> None:
    assert changes(of(schedule()), of(later(schedule())), LADDER) == ()
    assert table(()) == "no changes\n"


@pytest.mark.parametrize("seed", range(40))
def test_ranges_are_where_one_is_above_the_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    was, now = random_functions(rng, 2)
    old = replace(schedule(), initial=Known(was), maintenance=Unknown("none"), capacity=Unknown(""))
    new = replace(old, initial=Known(now))
    found = changes(of(old), of(later(new)), LADDER)
    (moved,) = found[0].moved if found else (None,)
    laid, top = panel([was, now]), min(float(was.upper), float(now.upper), 1e10)
    for size in np.exp(rng.uniform(0.0, np.log(top), 400)):
        before, after = laid.at(0, float(size)), laid.at(1, float(size))
        if abs(after / before - 1) < 1e-5:
            continue
        held = {
            name: any(low < size <= (high or 1e11) for low, high in ranges)
            for name, ranges in (
                ("tighter", moved.tighter if moved else ()),
                ("looser", moved.looser if moved else ()),
            )
        }
        assert held == {"tighter": after > before, "looser": after < before}
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
    assert one(schedule(), schedule(**change)).kind is kind  # type: ignore[arg-type]


def test_margins_before_and_after_stand_at_the_ladder() -> None:
    found = one(schedule(), schedule(initial=("0.03", "0.05")))
    first, second, last = found.steps
    assert (first.initial_before, first.initial_after) == (200.0, 300.0)
    assert first.maintenance_before == first.maintenance_after == 100.0
    assert (second.initial_before, second.initial_after) == (2000.0, 3000.0)
    assert (last.initial_before, last.initial_after) == (50_000.0, 50_000.0)
    initial, maintenance = found.moved
    assert initial.tighter == ((0.0, 100_000.0),)
    assert initial.largest_rise == pytest.approx(0.5)
    assert (initial.looser, maintenance.tighter) == ((), ())


def test_a_rule_that_changes_shows_in_the_margins_it_moves() -> None:
    """Flat to marginal: from 2.5 % of the whole to 1 % of the first slice."""
    old = schedule()
    flat_kept = flat([tier.upper for tier in old.tiers], [D("0.01"), D("0.025")])
    found = one(replace(old, rule=TierRule.FLAT, maintenance=Known(flat_kept)), old)
    assert found.kind is ChangeKind.LOOSER
    assert (found.rule_before, found.rule_after) == ("flat", "marginal")
    (_, kept) = found.moved
    assert kept.looser == ((100_000.0, 1_000_000.0),)
    # Just above 100,000: 2,500 before, 1,000 after.
    assert kept.largest_fall == pytest.approx(-0.6)
    assert kept.fall_notional == pytest.approx(1e5)


def test_only_the_rule_changes_where_one_tier_makes_both_the_same() -> None:
    old = schedule((100_000,), ("0.02",), ("0.01",))
    assert one(replace(old, rule=TierRule.FLAT), old).kind is ChangeKind.RULE


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(2, 8))
def test_a_price_alone_changes_no_schedule(first: int, second: int, places: int) -> None:
    assume(first != second)
    prices = [str(D(one).scaleb(-places)) for one in (first, second)]
    old, new = (schedule((10, 100), price=one) for one in prices)
    assert old.initial != new.initial
    assert changes(of(old), of(later(new)), LADDER) == ()


def test_a_change_of_tiers_shows_through_a_change_of_price() -> None:
    old = schedule((10, 100), price="50000")
    new = schedule((10, 100), ("0.03", "0.05"), price="60000")
    found = one(old, new)
    assert found.kind is ChangeKind.TIGHTER
    assert found.price == pytest.approx(1.2)
    ((lower, upper),) = found.moved[0].tighter
    assert lower == 0.0
    assert upper == pytest.approx(600_000.0)
    wider = one(old, schedule((10, 120), price="60000"))
    assert wider.kind is ChangeKind.CAPACITY
    assert wider.capacity_before == pytest.approx(6e6)
    assert wider.capacity_after == pytest.approx(7.2e6)


def test_a_function_at_another_price_is_that_of_the_same_coins() -> None:
    bent = MarginFunction((Piece(D(100), D(1), D("0.02"), D("1e-4"), D("1.5")),))
    moved = panel([bent, repriced(bent, 1.7)])
    for coins in (1.0, 30.0, 99.0):
        assert moved.at(1, 1.7 * coins) == pytest.approx(1.7 * moved.at(0, coins), rel=1e-12)
    assert repriced(bent, 1.0) is bent
    assert price_ratio(schedule(), schedule()) == 1.0


def test_a_range_begins_at_the_bound_where_margins_part_slowly() -> None:
    """Marginal rates that differ above a bound alone: a hair above it they are still the same."""
    old = schedule()
    kept = Known(marginal([tier.upper for tier in old.tiers], [D("0.01"), D("0.03")]))
    found = one(old, replace(old, maintenance=kept))
    assert found.moved[1].tighter == ((100_000.0, 1_000_000.0),)


def test_what_becomes_known_or_unknown_is_no_change_of_margin() -> None:
    bare = replace(schedule(), maintenance=Unknown("not published"))
    assert one(bare, schedule()).kind is ChangeKind.KNOWN
    gone = one(schedule(), bare)
    assert gone.kind is ChangeKind.UNKNOWN
    assert [moved.margin_type for moved in gone.moved] == ["initial"]
    assert gone.steps[0].maintenance_after is None


def test_listings_are_told_from_what_a_partial_snapshot_leaves_out() -> None:
    btc, eth = schedule(), schedule(symbol="ETH")
    kinds = {
        (was, now): [
            found.kind
            for found in changes(of(btc, complete=was), of(later(eth), complete=now), LADDER)
        ]
        for was in (True, False)
        for now in (True, False)
    }
    assert kinds == {
        (True, True): [ChangeKind.DELISTED, ChangeKind.LISTED],
        (True, False): [ChangeKind.LEFT_OUT, ChangeKind.LISTED],
        (False, True): [ChangeKind.DELISTED, ChangeKind.APPEARED],
        (False, False): [ChangeKind.LEFT_OUT, ChangeKind.APPEARED],
    }
    assert changes(of(), of(btc), LADDER) == ()  # the venue was not read before


def test_changes_in_words_and_rows() -> None:
    odd = replace(schedule(), instrument=replace(schedule().instrument, symbol="=X|Y\x1b"))
    tight = replace(
        odd,
        initial=Known(flat([D(100_000), D(1_000_000)], [D("0.03"), D("0.05")])),
        rule=TierRule.FLAT,
        capacity=Known(D(900_000)),
    )
    found = changes(of(odd), of(later(tight), schedule(symbol="ETH")), LADDER)
    said = table(found)
    assert "2 changes: 1 listed, 1 tighter" in said
    assert "IM tighter: up to $100k; largest change +50 % at $" in said
    assert "  tier rule: marginal to flat\n" in said
    assert "  capacity: $1m to $900k\n" in said
    assert "  at $10k: IM $200 to $300\n" in said
    assert "\x1b" not in said
    rows = list(csv.reader(StringIO(as_csv(found))))
    assert [len(row) for row in rows] == [len(rows[0])] * 4
    assert rows[1][1].startswith("'=X|Y")
    assert rows[1][8] == "0-100000"
    page = markdown(found)
    assert "=X\\|Y" in page
    assert "| +50 % | 0 % |" in page
