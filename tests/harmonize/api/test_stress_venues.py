"""Figures by venue: intervals over samples of positions, and what too little of a book decides."""

from dataclasses import replace
from functools import partial

import pytest

from harmonize.api.stress_books import given_book, observable_books, same_book
from harmonize.api.stress_case import StressCase
from harmonize.api.stress_rows import stress_row
from harmonize.api.stress_venues import withheld_sentences
from harmonize.core.instrument import Payoff
from harmonize.document.stress import ReverseStressRow, StressVenueRow
from harmonize.stress.counterfactuals import unchanged
from harmonize.stress.defaults import DEFAULTS
from harmonize.stress.density import density
from harmonize.stress.position_file import read_positions
from harmonize.stress.thresholds import thresholds
from harmonize.stress.tiers import VenueMargins
from tests.harmonize.api.test_stress_rows import CASE, HEAD, NEAR, TERMS, terms
from tests.harmonize.stress.markets import flat_margins


def underlying(name: str, **margins: VenueMargins) -> StressCase:
    """Returns the case of an underlying on venues with some margins."""
    own = {venue: terms(margin, venue) for venue, margin in margins.items()} or TERMS
    near = {venue: NEAR[venue] for venue in own}
    make_book = observable_books(name, near, own)
    return replace(
        CASE,
        underlying=name,
        make_book=make_book,
        terms=own,
        open_interest=near,
        changes=(),
        seeds=20,
    )


def venues(case: StressCase) -> dict[str, StressVenueRow]:
    return {venue.venue: venue for venue in stress_row(case).venues}


def test_the_intervals_of_the_seeds_contain_the_figures_of_the_book() -> None:
    for venue in venues(underlying("BTC")).values():
        assert venue.reason == ""
        assert venue.shapley is not None
        assert venue.shapley_low is not None
        assert venue.shapley_high is not None
        assert venue.shapley_low < venue.shapley < venue.shapley_high
        assert venue.shapley_ratio_low is not None
        assert venue.shapley_ratio_high is not None
        assert venue.shapley_ratio_low < venue.shapley_ratio_high
        for limit in venue.reverse:
            assert limit.low is not None
            assert limit.shock is not None
            assert limit.high is not None
            assert limit.low < limit.shock < limit.high


def test_larger_samples_have_narrower_intervals() -> None:
    def width(rows: int) -> float:
        sample_rows = replace(DEFAULTS.sample_rows, value=rows)
        case = replace(underlying("BTC"), defaults=replace(DEFAULTS, sample_rows=sample_rows))
        okx = venues(case)["okx"]
        assert okx.shapley_high is not None
        assert okx.shapley_low is not None
        return okx.shapley_high - okx.shapley_low

    assert width(500) > 2.0 * width(8_000)


def test_a_reverse_stress_of_less_than_one_position_of_a_sample_is_not_observable() -> None:
    # Of SOL, a hundred-thousandth of the open interest has a leverage near 100: no sample has it.
    okx = venues(underlying("SOL", okx=flat_margins(0.005, 0.01, "okx")))["okx"]
    (first, *_) = okx.reverse
    assert (first.shock, first.low, first.high) == (None, None, None)
    assert first.reason == (
        "fewer than one of 2,000 sampled positions is so leveraged that it decides the result"
    )
    assert withheld_sentences([okx]) == (
        f"okx: reverse stress at 1×, 4× and 10× is not observable: {first.reason}.",
    )
    assert okx.shapley is not None  # a fall of 10 % liquidates several positions of a sample
    row = stress_row(underlying("SOL", okx=flat_margins(0.005, 0.01, "okx")))
    assert row.limits[0] == withheld_sentences([okx])[0]


def test_contributions_of_less_than_one_position_of_a_sample_are_not_observable() -> None:
    case = replace(underlying("SOL", okx=flat_margins(0.005, 0.01, "okx")), shock=0.02)
    okx = venues(case)["okx"]
    assert okx.reason.startswith("fewer than one of 2,000 sampled positions")
    assert (okx.liquidated, okx.loss, okx.leave_one_out, okx.shapley) == (None,) * 4
    assert okx.shapley_ratio is None
    assert withheld_sentences([okx])[0] == f"okx: contributions are not observable: {okx.reason}."


def test_nothing_liquidated_is_a_figure() -> None:
    okx = venues(underlying("BTC", okx=flat_margins(0.05, 0.3, "okx")))["okx"]
    assert (okx.reason, okx.liquidated, okx.shapley) == ("", 0.0, 0.0)
    assert okx.shapley_ratio is None


def test_few_given_positions_are_what_they_are() -> None:
    text = f"{HEAD}okx,BTC,long,1000,50\nokx,BTC,long,1e9,9e8\n"
    book = given_book(read_positions(text, "x.csv"), "BTC", TERMS)
    case = replace(CASE, make_book=partial(same_book, book), is_synthetic=False, changes=())
    (okx,) = stress_row(case).venues
    assert (okx.reason, okx.liquidated) == ("", 1000.0)
    assert (okx.shapley_low, okx.shapley_ratio_high) == (None, None)
    (first, *_) = okx.reverse
    assert first == ReverseStressRow(1.0, first.shock)
    assert first.shock == pytest.approx(0.05, abs=1e-4)


def test_the_overlap_does_not_depend_on_the_rows() -> None:
    case = underlying(
        "SOL",
        binance=flat_margins(0.005, 0.01, "binance"),
        okx=flat_margins(0.008, 0.02, "okx"),
    )
    finer = replace(DEFAULTS, grid_rows=replace(DEFAULTS.grid_rows, value=400_000))
    outcome = unchanged(replace(case, defaults=finer).book())
    expected = density(thresholds(outcome.positions, outcome.falls)).overlap
    found = [venue.overlap for venue in stress_row(case).venues]
    assert found == pytest.approx(expected.tolist(), abs=0.001)


def test_an_inverse_contract_has_lost_its_margin_earlier() -> None:
    inverse = replace(flat_margins(0.1, 0.25, "okx"), payoff=Payoff.INVERSE)
    case = underlying("BTC", binance=flat_margins(0.1, 0.25, "binance"), okx=inverse)
    steps = {step.venue: step for step in stress_row(case).steps}
    assert {step.margin_rate for step in steps.values()} == {0.25}
    assert steps["binance"].bankrupt_at == 0.25
    assert steps["okx"].bankrupt_at == pytest.approx(0.2)  # 1 BTC at $1 and ¼ BTC: 1.25·x = 1


def test_forced_sales_are_the_part_of_the_move_that_the_shock_does_not_explain() -> None:
    row = stress_row(underlying("BTC"))
    parts = [1.0 - 0.1 / point.move for point in row.at_shock]
    assert len(parts) == 3
    (sentence,) = [line for line in row.limits if "not identified" in line]
    assert f"are {100 * min(parts):.4g} % to {100 * max(parts):.4g} % of the move" in sentence
    assert "that a fall of 10.0 % ends at" in sentence
