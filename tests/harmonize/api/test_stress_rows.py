"""Rows of a stress from a small book: signs, contributions, and input that cannot be simulated."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest

from harmonize.api.audit import NotObservedError, RequestError
from harmonize.api.stress_books import given_book, observable_books, same_book
from harmonize.api.stress_case import NamedChange, StressCase
from harmonize.api.stress_changes import parse_change
from harmonize.api.stress_inputs import OpenInterestNear, Terms
from harmonize.api.stress_rows import stress_row
from harmonize.api.stress_validation import unidentified_sentence
from harmonize.core.schedule import Unknown
from harmonize.document.stress import StressAbsentRow, StressMarketRow
from harmonize.stress.book import Book
from harmonize.stress.counterfactuals import WhatIf
from harmonize.stress.defaults import DEFAULTS, StressDefaults
from harmonize.stress.errors import StressInputError
from harmonize.stress.position_file import read_positions
from harmonize.stress.scenario import hypothetical
from harmonize.stress.tiers import VenueMargins
from tests.harmonize.checks.examples import SOUND
from tests.harmonize.stress.markets import flat_margins

MARKET = StressMarketRow(0.02, 1e9, "binance perp BTCUSDT 1d", ("binance",), "2026-03-01T00:00:00Z")
HEAD = "venue,underlying,side,notional,margin\n"
VENUES = ("binance", "okx")
NEAR = {
    "binance": OpenInterestNear(1e8, "2026-03-07T00:00:00Z"),
    "okx": OpenInterestNear(5e7, "2026-03-07T00:00:00Z"),
}


def terms(margins: VenueMargins | Unknown, venue: str) -> Terms:
    instrument = replace(SOUND.instrument, venue=venue)
    schedule = replace(SOUND, instrument=instrument, observed_at=datetime(2026, 3, 1, tzinfo=UTC))
    return Terms(margins, schedule)


TERMS = {
    "binance": terms(flat_margins(0.005, 0.01, "binance"), "binance"),
    "okx": terms(flat_margins(0.02, 0.04, "okx"), "okx"),
}


def make_book(seed: int | None, defaults: StressDefaults) -> Book:
    return observable_books("BTC", NEAR, TERMS)(seed, defaults)


def change(text: str) -> NamedChange:
    made = parse_change(text, VENUES).what_if(Unknown("none"), Unknown("none"))
    assert isinstance(made, WhatIf)
    return NamedChange(text, "", made)


CASE = StressCase(
    underlying="BTC",
    make_book=make_book,
    is_synthetic=True,
    terms=TERMS,
    open_interest=NEAR,
    market=MARKET,
    scenario=None,
    shock=0.1,
    effect_shocks=(),
    changes=(change("maintenance=3"),),
    seeds=3,
)


def test_a_higher_mm_alone_liquidates_more_and_a_lower_one_less() -> None:
    more = stress_row(CASE).effects
    less = stress_row(replace(CASE, changes=(change("maintenance=0.2"),))).effects
    assert [effect.sign for effect in (*more[:2], *less[:2])] == ["more", "more", "less", "less"]


def test_a_path_without_impact_moves_as_stated_and_with_impact_further() -> None:
    (first, *_) = stress_row(replace(CASE, scenario=hypothetical(0.1))).paths
    assert first.fall == 0.1
    assert first.move > 0.1


def test_the_density_adds_up_to_what_lies_below_half() -> None:
    row = stress_row(CASE)
    total = sum(own.notional for own in row.density)
    assert 0 < total < row.open_interest == pytest.approx(1.5e8)
    assert all(own.upper <= 0.5 + 1e-9 for own in row.density)


def test_without_volume_or_volatility_there_is_no_curve_but_a_density() -> None:
    market = replace(MARKET, daily_volume=None, reason="no candles")
    row = stress_row(replace(CASE, market=market))
    assert not any((row.points, row.effects, row.cliffs, row.sensitivity))
    assert row.density
    assert {venue.shapley for venue in row.venues} == {None}


def test_a_volume_of_zero_is_one_line_with_the_fix() -> None:
    with pytest.raises(StressInputError, match=r"average daily volume is 0 .*; import candles"):
        stress_row(replace(CASE, market=replace(MARKET, daily_volume=0.0)))


def test_leverage_is_assumed_where_it_was_not_measured() -> None:
    row = stress_row(CASE)
    assert {venue.leverage_mark for venue in row.venues} == {"assumed"}
    (leverage,) = [own for own in row.defaults if own.name == "effective leverage"]
    assert leverage.mark == "assumed"
    near = {**NEAR, "hyperliquid": NEAR["okx"]}
    (leverage,) = [
        own
        for own in stress_row(replace(CASE, open_interest=near)).defaults
        if own.name == "effective leverage"
    ]
    assert leverage.mark == "measured on hyperliquid, assumed elsewhere"


def test_measured_inputs_state_their_distance_and_are_stale_beyond_thirty_days() -> None:
    absent = (StressAbsentRow("bybit", "its candles end 2026-01-05"),)
    known = replace(MARKET, volume_last="2026-02-27T00:00:00Z", excluded_volumes=absent)
    for as_of, is_stale in (("2026-03-08T00:00:00Z", False), ("2026-05-01T00:00:00Z", True)):
        market = replace(known, as_of=as_of, is_stale=is_stale)
        rows = {own.name: own for own in stress_row(replace(CASE, market=market)).defaults}
        measured = [rows["volatility and volume"], rows["open interest"]]
        assert {own.mark for own in measured} == {"measured (stale)" if is_stale else "measured"}
    assert "up to 2026-03-01 (61 days before the scenario); ADV" in measured[0].text
    assert "up to 2026-02-27 (63 days before the scenario), archived" in measured[0].text
    assert "volume not counted: bybit (its candles end 2026-01-05)" in measured[0].text
    assert "observed 2026-03-07, up to 55 days from the scenario" in measured[1].text


def test_open_interest_names_how_many_of_its_venues_have_margins() -> None:
    def text(case: StressCase) -> str:
        row = stress_row(case)
        (own,) = [own.text for own in row.defaults if own.name == "open interest"]
        assert own.startswith(f"{len(case.open_interest)} venue")
        return own

    assert text(CASE).startswith("2 venues, observed 2026-03-07")
    absent, unknown = OpenInterestNear(2e7, "2026-03-07T00:00:00Z"), terms(Unknown("none"), "bybit")
    near = {**NEAR, "bybit": absent, "kraken": absent}
    own_terms = {**TERMS, "bybit": unknown}

    def with_absent(seed: int | None, defaults: StressDefaults) -> Book:
        return observable_books("BTC", near, own_terms)(seed, defaults)

    case = replace(CASE, open_interest=near, terms=own_terms, make_book=with_absent)
    assert text(case).startswith("4 venues, 2 with margins, observed 2026-03-07")
    assert len(stress_row(case).venues) == 2


def test_the_largest_leverage_meets_the_largest_recorded_step() -> None:
    steps = {step.venue: step for step in stress_row(CASE).steps}
    assert steps["okx"].margin_rate == pytest.approx(0.04)
    assert steps["okx"].scenario == "2020-03-12"
    assert steps["okx"].step == pytest.approx(0.2439, abs=1e-4)


def test_given_positions_have_no_interval_and_assumptions_of_impact_alone() -> None:
    book = given_book(read_positions(f"{HEAD}okx,BTC,long,1000,100\n", "x.csv"), "BTC", TERMS)
    row = stress_row(
        replace(
            CASE,
            make_book=lambda seed, defaults: same_book(book, seed, defaults),
            is_synthetic=False,
        )
    )
    assert {point.liquidated_low for point in row.points} == {None}
    assert {own.name for own in row.sensitivity} == {
        "impact coefficient",
        "impact exponent",
        "liquidity multiplier",
        "volatility",
        "average daily volume",
    }
    assert not {"effective leverage", "position sizes"} & {own.name for own in row.defaults}


def test_positions_of_a_quanto_contract_are_refused_with_the_fix() -> None:
    quanto = Unknown("quanto contract: the loss depends on a third currency")
    positions = read_positions(f"{HEAD}okx,BTC,long,1000,100\n", "x.csv")
    with pytest.raises(RequestError, match=r"okx BTC: quanto contract.*; choose another with"):
        given_book(positions, "BTC", {"okx": terms(quanto, "okx")})


def test_positions_without_observed_margins_are_listed_and_alone_are_an_error() -> None:
    positions = read_positions(f"{HEAD}okx,BTC,long,9,1\nbinance,BTC,long,9,1\n", "x.csv")
    partly = {**TERMS, "binance": terms(Unknown("MM is not observable"), "binance")}
    book = given_book(positions, "BTC", partly)
    assert book.positions.venues == ("okx",)
    assert [(own.venue, own.reason) for own in book.not_observable] == [
        ("binance", "MM is not observable")
    ]
    with pytest.raises(NotObservedError, match="binance: no schedule was observed"):
        given_book(positions, "BTC", {})
    with pytest.raises(NotObservedError, match="the file has no positions on it"):
        given_book(positions, "ETH", TERMS)


def test_the_curve_under_other_rules_is_that_of_the_effects() -> None:
    row = stress_row(CASE)
    (effect,) = [own for own in row.effects if own.metric == "move"]
    points = {
        (own.liquidity, own.behaviour): own.move for own in row.changed if own.shock == CASE.shock
    }
    assert len(points) == len(effect.cells) == 6
    for cell in effect.cells:
        moved = points[cell.liquidity, cell.behaviour]
        assert moved == pytest.approx(cell.before + cell.change, rel=1e-12)
    assert {own.shock for own in row.changed} == {own.shock for own in row.points}


def test_less_than_one_position_of_a_sample_has_no_interval() -> None:
    row = stress_row(CASE)
    least = row.open_interest / (2 * 2_000)  # two venues with 2,000 positions each
    few = [own for own in row.points if 0.0 < own.liquidated < least]
    assert {own.liquidated_low for own in few} <= {None}
    assert None not in {own.liquidated_low for own in row.points if own not in few}
    stronger = replace(
        CASE, defaults=replace(DEFAULTS, sample_rows=replace(DEFAULTS.sample_rows, value=2))
    )
    (first, *_) = stress_row(stronger).points
    assert 0.0 < first.liquidated < row.open_interest / 4
    assert first.liquidated_low is None
    assert any("the mean position of a sample" in own for own in stress_row(stronger).limits)


def test_a_cap_makes_a_cliff_where_the_curve_under_it_jumps() -> None:
    rows = "".join(f"binance,BTC,long,1e6,{margin}\n" for margin in range(20_000, 100_000, 4_000))
    book = given_book(read_positions(HEAD + rows, "x.csv"), "BTC", TERMS)
    make = partial(same_book, book)
    case = replace(CASE, make_book=make, is_synthetic=False, changes=(change("leverage=10"),))
    row = stress_row(case)
    assert {(own.what_if, own.behaviour) for own in row.changed_cliffs} == {
        ("leverage=10", "notional kept"),
        ("leverage=10", "margin kept"),
    }
    for cliff in row.changed_cliffs:
        for shock, move in ((-1e-6, cliff.before), (1e-6, cliff.after)):
            beside = stress_row(replace(case, shock=cliff.shock + shock)).changed
            (found,) = [
                own.move
                for own in beside
                if (own.behaviour, own.liquidity, own.shock)
                == (cliff.behaviour, cliff.liquidity, cliff.shock + shock)
            ]
            assert found == pytest.approx(move, abs=1e-5)
    assert stress_row(replace(case, changes=())).changed_cliffs == ()


def test_twice_the_open_interest_is_measured_on_a_book_of_twice_the_size() -> None:
    near = {venue: replace(own, value=2.0 * own.value) for venue, own in NEAR.items()}

    def make_larger(seed: int | None, defaults: StressDefaults) -> Book:
        return observable_books("BTC", near, TERMS)(seed, defaults)

    larger = stress_row(replace(CASE, make_book=make_larger, open_interest=near))
    (interest,) = [own for own in stress_row(CASE).sensitivity if own.name == "open interest"]
    (point,) = [own for own in larger.points if (own.shock, own.liquidity) == (CASE.shock, 1.0)]
    assert interest.doubled == pytest.approx(point.liquidated, rel=1e-9)


def test_sensitivity_is_ranked_and_paths_alone_use_the_time_to_sell() -> None:
    rows = stress_row(CASE).sensitivity
    spreads = [
        max(own.base, own.halved, own.doubled) - min(own.base, own.halved, own.doubled)
        for own in rows
    ]
    assert spreads == sorted(spreads, reverse=True)
    assert spreads[0] > 0.0
    by_name = {own.name: own for own in rows}
    assert {by_name[name].mark for name in ("volatility", "open interest")} == {"measured"}
    assert {own.mark for own in rows} == {"measured", "sourced", "assumed"}
    for name in ("time to sell", "closing of price gaps"):
        assert by_name[name].halved == by_name[name].base == by_name[name].doubled


def test_liquidity_is_ranked_over_its_assumed_range() -> None:
    row = stress_row(CASE)
    (liquidity,) = [own for own in row.sensitivity if own.name == "liquidity multiplier"]
    at = {own.liquidity: own.liquidated for own in row.points if own.shock == CASE.shock}
    assert liquidity.span == "1× to 10×"
    assert (liquidity.base, liquidity.halved, liquidity.doubled) == (at[1.0], at[1.0], at[10.0])
    assert at[1.0] < at[10.0]
    volatility = next(own for own in row.sensitivity if own.name == "volatility")
    assert row.sensitivity.index(liquidity) < row.sensitivity.index(volatility)
    assert {own.span for own in row.sensitivity if own.name != "liquidity multiplier"} == {""}


def test_the_part_of_forced_sales_is_a_range_only_of_assumed_liquidity() -> None:
    points = [own for own in stress_row(CASE).points if own.shock == CASE.shock]
    first, last = (replace(points[0], move=move) for move in (0.125, 0.2))
    begin, end = "Amplification is not identified", " of the move that a fall of 10.0 % ends at. "
    assert unidentified_sentence([("BTC", [first, last])]).startswith(
        f"{begin}: by liquidity, which is assumed, forced sales on BTC are 20.0 % to 50.0 %{end}"
    )
    assert unidentified_sentence([("BTC", [first])]).startswith(
        f"{begin}: under the given impact, forced sales on BTC are 20.0 %{end}"
    )
    none = replace(first, liquidated=0.0, move=first.shock)
    both = unidentified_sentence([("BTC", [first]), ("ETH", [none])])
    assert both == unidentified_sentence([("BTC", [first])])
    assert unidentified_sentence([("ETH", [none])]).startswith(f"{begin}. Differences")


def test_an_underlying_without_recorded_days_states_that_it_is_unvalidated() -> None:
    row = stress_row(CASE)
    (validation,) = row.validation
    assert validation.ratio is None
    assert validation.reason == "margins of hyperliquid are not part of the selection"
    assert any("unvalidated" in sentence for sentence in row.limits)
    assert any("not identified" in sentence for sentence in row.limits)
