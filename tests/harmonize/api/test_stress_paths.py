"""Switches of the paths: slices beside whole positions, and shorts closed for what no fund pays."""

from dataclasses import replace
from functools import partial

import pytest

from harmonize.api.audit import RequestError
from harmonize.api.stress_books import given_book, observable_books, same_book
from harmonize.api.stress_case import StressCase, default_rows
from harmonize.api.stress_paths import (
    DeleveragingRow,
    SimulatedPaths,
    SwitchedPaths,
    check_switches,
    joined,
    simulated_paths,
)
from harmonize.api.stress_statements import switch_statements
from harmonize.liquidation.price import Side
from harmonize.stress.defaults import DEFAULTS
from harmonize.stress.errors import StressInputError
from harmonize.stress.position_file import read_positions
from harmonize.stress.scenario import Scenario, ScenarioKind, hypothetical
from tests.harmonize.api.test_stress_rows import CASE, HEAD, NEAR, TERMS, VENUES

# MM is 0.5 % (binance) and 2 % (okx); longs of 10× on both, and shorts of 20×, 5× and 10×.
BOOK = (
    HEAD
    + """binance,BTC,long,100000,10000
okx,BTC,long,100000,10000
binance,BTC,short,60000,3000
binance,BTC,short,90000,18000
okx,BTC,short,100000,10000
"""
)
FALL = replace(hypothetical(0.3), falls={"BTC": (0.0964, 0.0964, 0.3, 0.3)})
"""Reaches some of four slices on both venues, and later all."""

REPLAY = replace(FALL, kind=ScenarioKind.RECORDED)


def case_of(text: str, scenario: Scenario = REPLAY, **changes: object) -> StressCase:
    positions = read_positions(text, "p.csv", VENUES)
    make_book = partial(same_book, given_book(positions, "BTC", TERMS))
    case = replace(CASE, make_book=make_book, is_synthetic=False, scenario=scenario, changes=())
    return replace(case, **changes)  # type: ignore[arg-type]  # fields of a case


def by_venue(found: SimulatedPaths) -> dict[str, DeleveragingRow]:
    return {row.venue: row for row in found.switched.deleveraging}


def test_without_switches_nothing_is_added() -> None:
    found = simulated_paths(case_of(BOOK))
    assert found.switched == SwitchedPaths()
    assert [row.liquidity for row in found.rows] == [None]
    assert simulated_paths(replace(case_of(BOOK), scenario=None)) == SimulatedPaths()


def test_slices_stand_beside_whole_positions_on_the_same_path() -> None:
    (row,) = simulated_paths(case_of(BOOK)).rows
    found = simulated_paths(case_of(BOOK, slices=4))
    (sliced,), (own,) = found.rows, found.switched.slices
    assert (own.underlying, own.scenario, own.slices) == ("BTC", FALL.id, 4)
    assert (own.whole_liquidated, own.whole_loss) == (row.liquidated, row.loss)
    assert (own.liquidated, own.loss) == (sliced.liquidated, sliced.loss)
    # okx: falls of 8.16, 8.79, 9.72 % and more; binance: 9.55, 9.70 % and more. The path first stays at 9.64 %.
    assert row.loss == 0.0
    assert sliced.loss == pytest.approx(
        25_000 * (2 * 0.0964 + 2 * 0.3) - 1e4 + 25_000 * (0.0964 + 3 * 0.3) - 1e4
    )


def test_each_liquidity_of_a_path_with_impact_has_its_rows() -> None:
    found = simulated_paths(case_of(BOOK, FALL, slices=2, is_deleveraged=True))
    assert [row.liquidity for row in found.rows] == [1.0, 4.0, 10.0]
    assert [own.liquidity for own in found.switched.slices] == [1.0, 4.0, 10.0]
    keys = [(own.liquidity, own.venue) for own in found.switched.deleveraging]
    assert keys == [(k, venue) for k in (1.0, 4.0, 10.0) for venue in VENUES]


def test_deleveraging_closes_as_many_shorts_as_longs_for_what_no_fund_pays() -> None:
    scenario = replace(REPLAY, falls={"BTC": (0.1, 0.3)})
    case = case_of(BOOK, scenario, is_deleveraged=True, funds={"binance": 5_000.0, "okx": 1e9})
    own = by_venue(simulated_paths(case))
    # Whole longs are sold at 30 %, and bankrupt at 10 %: each loses $20,000 beyond its margin.
    assert own["binance"].loss == pytest.approx(20_000.0)
    assert (own["binance"].paid_by_fund, own["binance"].haircut) == pytest.approx((5e3, 1.5e4))
    assert own["binance"].closed == pytest.approx(75_000.0)  # saves 20 points of each USD
    assert own["binance"].shorts == 150_000.0
    assert own["binance"].least_leverage == pytest.approx(5.0)  # the 20× short is used up
    assert (own["okx"].haircut, own["okx"].closed, own["okx"].least_leverage) == (0.0, 0.0, None)


def test_the_short_with_the_largest_leverage_is_closed_first() -> None:
    scenario = replace(REPLAY, falls={"BTC": (0.1, 0.3)})
    case = case_of(BOOK, scenario, is_deleveraged=True, funds={"binance": 9e3, "okx": 1e9})
    own = by_venue(simulated_paths(case))["binance"]
    assert (own.closed, own.least_leverage) == pytest.approx((55_000.0, 20.0))


def test_too_few_shorts_are_refused_in_one_line() -> None:
    text = "".join(f"{line}\n" for line in BOOK.splitlines() if "okx,BTC,short" not in line)
    scenario = replace(REPLAY, falls={"BTC": (0.1, 0.3)})
    expected = r"^--deleverage: BTC on okx: \$100,000 to deleverage exceed .* \$0; state longs and"
    with pytest.raises(StressInputError, match=expected):
        simulated_paths(case_of(text, scenario, is_deleveraged=True))
    simulated_paths(case_of(text, scenario, is_deleveraged=True, funds={"okx": 1e9}))


def test_synthetic_shorts_have_the_open_interest_and_the_leverage_of_shorts() -> None:
    small = replace(DEFAULTS, grid_rows=replace(DEFAULTS.grid_rows, value=400))
    case = replace(
        CASE,
        scenario=replace(REPLAY, falls={"BTC": (0.1, 0.3)}),
        make_shorts=observable_books("BTC", NEAR, TERMS, Side.SHORT),
        is_deleveraged=True,
        slices=2,
        defaults=small,
    )
    found = simulated_paths(case)
    own = by_venue(found)
    for venue, near in NEAR.items():
        assert own[venue].shorts == pytest.approx(near.value)
        assert 0.0 < own[venue].closed < near.value
        least = own[venue].least_leverage
        assert least is not None
        assert 2.82 < least < 100.0
    assert sum(row.haircut for row in own.values()) == pytest.approx(found.rows[0].loss)


def test_assumptions_of_switches_have_their_marks_only_if_they_are_on() -> None:
    off = {own.name for own in default_rows(CASE)}
    on = {own.name: own for own in default_rows(replace(CASE, slices=5, is_deleveraged=True))}
    assert set(on) - off == {"partial liquidation", "auto-deleveraging"}
    assert {on[name].mark for name in set(on) - off} == {"assumed"}
    assert "5 equal slices" in on["partial liquidation"].text
    assert "median 2.82" in on["auto-deleveraging"].text
    assert "not identified by public data" in on["auto-deleveraging"].basis
    (given,) = [
        own.text
        for own in default_rows(case_of(BOOK, is_deleveraged=True))
        if own.name == "auto-deleveraging"
    ]
    assert "median" not in given


def test_statements_say_where_switches_do_not_act() -> None:
    assert not list(switch_statements(1, is_deleveraged=False))
    sliced, closed = switch_statements(5, is_deleveraged=True)
    assert "5 slices on paths alone" in sliced
    assert "Curve, contributions, map, effects, sensitivity and results of accounts" in sliced
    assert "not identified by public data" in closed


def test_rows_of_several_underlyings_are_joined() -> None:
    own = simulated_paths(case_of(BOOK, slices=2, is_deleveraged=True)).switched
    both = joined([own, own])
    assert (len(both.slices), len(both.deleveraging)) == (2, 4)


@pytest.mark.parametrize(
    ("slices", "is_deleveraged", "has_path", "expected"),
    [
        (0, False, True, "--slices: expected a number from 1 to 20, found 0"),
        (2000, False, True, "--slices: expected a number from 1 to 20, found 2,000"),
        (5, False, False, "--slices: acts on the path of a scenario alone; add --scenario"),
        (1, True, False, "--deleverage: acts on the path of a scenario alone; add --scenario"),
    ],
)
def test_switches_that_cannot_act_are_refused(
    slices: int, expected: str, *, is_deleveraged: bool, has_path: bool
) -> None:
    with pytest.raises(RequestError, match=expected):
        check_switches(slices, is_deleveraged=is_deleveraged, has_path=has_path)
