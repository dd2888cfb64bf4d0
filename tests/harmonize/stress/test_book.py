"""Synthetic positions: quantiles, the cut at IM, and agreement with measured distances."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import log_ndtr

from harmonize.core.schedule import Unknown
from harmonize.liquidation.price import Side
from harmonize.stress.book import Book, UnobservableVenue, synthetic_book
from harmonize.stress.defaults import DEFAULTS, Default, Mark, SizeRange
from harmonize.stress.errors import StressInputError
from harmonize.stress.falls import falls
from harmonize.stress.given import with_leverage
from harmonize.stress.thresholds import Direction, thresholds
from harmonize.stress.tiers import VenueMargins, tiers_from_pieces
from tests.harmonize.stress.markets import flat_margins

OPEN = flat_margins(0.0, 0.0)


def book(own: VenueMargins = OPEN, underlying: str = "BTC", **changes: object) -> Book:
    return synthetic_book(underlying, {"a": 1e9}, {"a": own}, **changes)  # type: ignore[arg-type] # named


def test_longs_and_shorts_each_have_the_open_interest() -> None:
    positions = book().positions
    for side in (1.0, -1.0):
        assert positions.total[positions.side == side].sum() == pytest.approx(1e9)


def test_a_book_of_one_side_is_that_side_of_the_whole() -> None:
    whole, longs = book().positions, book(sides=(Side.LONG,)).positions
    own = whole.subset(whole.side > 0.0)
    assert np.array_equal(longs.margin, own.margin)
    assert np.array_equal(longs.side, own.side)


@pytest.mark.parametrize(("side", "median", "log_sd"), [(1.0, 2.18, 1.05), (-1.0, 2.82, 0.94)])
def test_leverage_is_lognormal_by_notional(side: float, median: float, log_sd: float) -> None:
    positions = book().positions
    own = positions.side == side
    leverage = np.log((positions.notional / positions.margin)[own])
    mean = np.average(leverage, weights=positions.total[own])
    variance = np.average((leverage - mean) ** 2, weights=positions.total[own])
    assert np.exp(mean) == pytest.approx(median, rel=1e-3)
    assert variance**0.5 == pytest.approx(log_sd, rel=1e-2)


def test_other_underlyings_have_the_leverage_of_bitcoin() -> None:
    assert np.array_equal(book().positions.margin, book(underlying="DOGE").positions.margin)


def test_sizes_have_a_density_of_power_minus_two() -> None:
    positions = book().positions
    # The number above N falls as 1/N: from $10k to $100k, nine tenths of the positions end.
    above = [positions.count[positions.notional > size].sum() for size in (1e4, 1e5)]
    assert above[1] / above[0] == pytest.approx(0.1, rel=0.02)
    assert positions.notional.min() == pytest.approx(1e3, rel=0.01)
    assert positions.notional.max() == pytest.approx(1e8, rel=0.01)


def test_leverage_and_size_are_independent() -> None:
    positions = book().positions
    longs = positions.side > 0.0
    leverage = np.log((positions.notional / positions.margin)[longs])
    size, weight = np.log(positions.notional[longs]), positions.total[longs]
    covariance = np.cov(leverage, size, aweights=weight)
    assert abs(covariance[0, 1]) < 0.01 * covariance[0, 0] ** 0.5 * covariance[1, 1] ** 0.5


def test_the_rows_are_finest_at_high_leverage_and_equal_with_a_seed() -> None:
    central, drawn = (book(sides=(Side.LONG,), seed=seed).positions for seed in (None, 1))
    assert len(central) == DEFAULTS.grid_rows.value
    assert len(drawn) == DEFAULTS.sample_rows.value
    assert drawn.total == pytest.approx(np.full(len(drawn), 1e9 / len(drawn)))
    order = np.argsort(central.notional / central.margin)
    assert (np.diff(central.total[order]) < 0.0).mean() > 0.99
    assert central.total[order[-len(central) // 10 :]].sum() < 1e9 / 1000


def test_no_leverage_exceeds_the_venues_own_at_that_size() -> None:
    tiers = tiers_from_pieces([(0.0, 1e6, 0.0, 0.01, 0.0, 2.0), (1e6, 1e9, 0.0, 0.2, 0.0, 2.0)])
    own = VenueMargins("a", tiers, tiers.scaled(0.5), largest=5e7)
    positions = book(own).positions
    assert (positions.margin >= own.initial_margin(positions.notional)).all()
    large = positions.notional > 1e6
    assert (positions.notional / positions.margin)[large].max() == pytest.approx(5.0, rel=0.01)
    assert positions.notional.max() <= 5e7
    assert not falls(positions, [own]).immediate.any()


def test_nothing_is_random_without_a_seed() -> None:
    first, second, drawn, other = book(), book(), book(seed=1), book(seed=2)
    assert np.array_equal(first.positions.margin, second.positions.margin)
    assert np.array_equal(drawn.positions.margin, book(seed=1).positions.margin)
    assert not np.array_equal(drawn.positions.margin, other.positions.margin)


def test_another_venue_does_not_change_what_a_seed_draws() -> None:
    margins = {name: flat_margins(0.005, 0.01, name) for name in ("a", "b")}
    alone = synthetic_book("BTC", {"b": 1e8}, {"b": margins["b"]}, seed=3, rows=50)
    both = synthetic_book("BTC", {"a": 1e9, "b": 1e8}, margins, seed=3, rows=50)
    own = both.positions.subset(both.positions.venue == 1)
    assert np.array_equal(own.margin, alone.positions.margin)
    longs, shorts = (own.subset(own.side == side).notional for side in (1.0, -1.0))
    first = both.positions.subset(both.positions.venue == 0)
    assert not np.array_equal(longs, shorts)
    assert not np.array_equal(longs, first.subset(first.side > 0.0).notional)


# Shares of open notional liquidated within a move: liquidation prices of the venue itself, Hyperliquid,
# February 2026, a sample of winners and large accounts (kittycapital/hyperliquid-whales; own statistics).
MEASURED = {
    ("BTC", Side.LONG): {0.05: 0.028, 0.1: 0.088, 0.2: 0.227, 0.3: 0.379},
    ("BTC", Side.SHORT): {0.05: 0.034, 0.1: 0.133, 0.2: 0.299},
    ("ETH", Side.LONG): {0.05: 0.008, 0.1: 0.027, 0.2: 0.079, 0.3: 0.166},
    ("ETH", Side.SHORT): {0.05: 0.005, 0.1: 0.025, 0.2: 0.119, 0.3: 0.259},
    ("SOL", Side.LONG): {0.05: 0.001, 0.1: 0.003, 0.2: 0.014, 0.3: 0.030},
    ("SOL", Side.SHORT): {0.05: 0.001, 0.1: 0.008, 0.2: 0.052, 0.3: 0.133},
}


@pytest.mark.parametrize(("underlying", "side"), list(MEASURED))
def test_the_default_leverage_reproduces_the_measured_distances(
    underlying: str, side: Side
) -> None:
    rates = {"BTC": 0.0125, "ETH": 0.02, "SOL": 0.025}  # half the IM at 40, 25 and 20x
    own = flat_margins(rates[underlying], 2 * rates[underlying])
    made = book(own, underlying)
    direction = Direction.FALL if side is Side.LONG else Direction.RISE
    given = thresholds(made.positions, falls(made.positions, made.margins), direction)
    moves = MEASURED[underlying, side]
    found = given.liquidated_by_venue(np.array(list(moves)))[:, 0] / 1e9
    assert found == pytest.approx(list(moves.values()), abs=0.04)


def test_venues_that_are_not_observable_are_listed() -> None:
    margins: dict[str, VenueMargins | Unknown] = {
        "a": flat_margins(0.005),
        "b": Unknown("MM is not observable"),
        "c": flat_margins(0.005, venue="c"),
        "e": flat_margins(0.005, venue="e", largest=1000.0),
    }
    made = synthetic_book("BTC", {"a": 1e9, "b": 1e9, "d": 1e9, "e": 1e9}, margins)
    assert made.positions.venues == ("a",)
    assert made.not_observable == (
        UnobservableVenue("b", "MM is not observable"),
        UnobservableVenue("c", "open interest is not observed"),
        UnobservableVenue("d", "margins are not observed"),
        UnobservableVenue("e", "margins are observed only up to $1,000"),
    )


def test_nothing_observable_is_an_error_with_the_reasons() -> None:
    with pytest.raises(
        StressInputError, match=r"BTC: no venue has both .*\(a: open interest is not"
    ):
        synthetic_book("BTC", {}, {"a": OPEN})


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_open_interest_is_a_number_above_zero(value: float) -> None:
    with pytest.raises(
        StressInputError, match=r"a: open interest: expected .*; leave the venue out"
    ):
        synthetic_book("BTC", {"a": value}, {"a": OPEN})


def test_a_book_has_rows() -> None:
    with pytest.raises(StressInputError, match="rows: expected a number from 1, found 0"):
        book(rows=0)


def test_every_default_has_a_mark_and_a_basis() -> None:
    rows = DEFAULTS.rows()
    assert len({row.name for row in rows}) == len(rows) == 11
    assert all(row.text and row.basis and isinstance(row.mark, Mark) for row in rows)


@pytest.mark.parametrize(
    ("venue", "underlying", "mark"),
    [
        ("hyperliquid", "ETH", Mark.MEASURED),
        ("hyperliquid", "DOGE", Mark.ASSUMED),
        ("binance", "BTC", Mark.ASSUMED),
    ],
)
def test_leverage_is_measured_on_one_venue_only(venue: str, underlying: str, mark: Mark) -> None:
    assert DEFAULTS.leverage_mark(venue, underlying) is mark


@pytest.mark.parametrize(("minutes", "steps"), [(60.0, 1), (5.0, 1), (1.0, 5)])
def test_a_sale_takes_five_minutes_and_at_least_a_step(minutes: float, steps: int) -> None:
    assert DEFAULTS.release_steps(minutes) == steps


@pytest.mark.parametrize("minutes", [4e-4, 1e-9, 1e-320, 0.0, float("nan")])
def test_a_sale_over_too_many_steps_is_refused(minutes: float) -> None:
    assert DEFAULTS.release_steps(5e-4) == 10_000
    with pytest.raises(StressInputError, match=r"more than 10,000 steps; use longer steps"):
        DEFAULTS.release_steps(minutes)


def test_defaults_can_be_changed_one_by_one() -> None:
    narrow = Default("position sizes", SizeRange(1e4, 1e5), "$10k to $100k", Mark.ASSUMED, "test")
    made = book(defaults=replace(DEFAULTS, sizes=narrow))
    assert made.positions.notional.max() <= 1e5


@pytest.mark.parametrize(("median", "log_sd"), [(40.0, 0.3), (100.0, 0.01)])
@pytest.mark.parametrize("seed", [None, 7])
def test_leverage_far_above_the_cut_lies_just_below_it(
    median: float, log_sd: float, seed: int | None
) -> None:
    # IM of 100 %: the cut is 12 and 460 standard deviations below the median, where shares are all but 1.
    defaults = with_leverage(DEFAULTS, median, log_sd, "given")
    own = flat_margins(0.005, 1.0)
    positions = book(own, defaults=defaults, sides=(Side.LONG,), seed=seed).positions
    quantile = np.log(positions.notional / positions.margin / median) / log_sd
    cut = np.log(1.0 / median) / log_sd
    mean = -np.exp(-0.5 * cut**2 - 0.5 * np.log(2.0 * np.pi) - log_ndtr(cut))
    assert quantile.max() <= cut + 1e-9
    average = np.average(quantile, weights=positions.total)
    assert cut - average == pytest.approx(cut - mean, rel=0.1 if seed else 1e-3)
