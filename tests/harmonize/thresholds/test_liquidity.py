from fractions import Fraction
from statistics import median

import numpy as np
import pytest

from harmonize.adequacy.factors import Depth
from harmonize.core.instrument import Underlying
from harmonize.core.schedule import Unknown
from harmonize.market.prices import PriceKind, SeriesId
from harmonize.thresholds.historical import historical_paths
from harmonize.thresholds.liquidity import (
    NO_VOLUME,
    Turnover,
    depth_cost,
    known_volume,
    size_factor,
    trailing_volume,
    volume_scaled,
    with_depth_cost,
)
from harmonize.thresholds.path import Fallback, Model, SidePath, ThresholdPath
from tests.harmonize.thresholds.samples import history

DEPTH = Depth(2e6, 4e6, 20.0, "binance", "BTCUSDT", ())


def path_of() -> ThresholdPath:
    paths = historical_paths([history(500)], Model.HISTORICAL_365, (0.99,))["BTC"]
    assert not isinstance(paths, Unknown)
    return paths[0]


def test_the_factor_is_that_of_the_baseline_rule_set() -> None:
    """Class A: 10 % at 5,000 m of volume; 500 m take two days: 12.9 % on average."""
    factor = size_factor(500e6, np.array([5e9]))
    assert 0.1 * factor[0] == pytest.approx(0.1 * (1 + 2 / 3) ** 0.5)
    assert 0.1 * factor[0] == pytest.approx(0.129, abs=5e-4)
    assert size_factor(1e6, np.array([np.inf, 0.0])).tolist() == [1.0, np.inf]


def test_volume_is_the_median_of_the_30_days_before() -> None:
    turnover = np.random.default_rng(1).random(60) * 1e9
    volume = trailing_volume(turnover)
    assert np.isnan(volume[:30]).all()
    for row in (30, 45, 60):
        assert volume[row] == pytest.approx(median(turnover[row - 30 : row]))
    turnover[40] = np.nan
    assert np.isnan(trailing_volume(turnover)[41:]).all()
    assert trailing_volume(turnover)[40] == volume[40]
    assert np.isnan(trailing_volume(turnover[:20])).all()
    with pytest.raises(ValueError, match="turnover: row 3: expected at least 0, found -1"):
        trailing_volume(np.array([1.0, 1.0, 1.0, -1.0]))


def turnover(symbol: str, first: int, values: list[float], gap: int | None = None) -> Turnover:
    """Returns the turnover of days in succession from ``first`` on, without the day ``gap``."""
    days = [day for day in range(first, first + len(values)) if day != gap]
    kept = [value for day, value in enumerate(values, first) if day != gap]
    own = SeriesId("binance", PriceKind.PERP, symbol, Underlying("BTC"), "USDT", 86_400)
    return Turnover(own, np.array(days), np.array(kept))


def test_the_factor_of_a_day_is_exact_by_the_30_days_before() -> None:
    """$60m at 5 % of a median of $400m: T is 3 days, and the factor √2 by the definition."""
    values = [*[399e6] * 15, *[401e6] * 15, 1e12]
    known = known_volume(np.array([129, 130, 131]), [turnover("A", 100, values)])
    days = Fraction(60) / (Fraction(5, 100) * Fraction(399 + 401, 2))
    assert days == 3
    assert known.values.tolist()[1:] == [400e6, 401e6]
    assert np.isnan(known.values[0])
    factor = size_factor(60e6, known.values)
    assert factor[1] == pytest.approx(float(1 + days / 3) ** 0.5, rel=1e-15)
    assert known.sources.tolist() == [-1, 0, 0]


def test_a_day_has_the_largest_known_volume_and_none_across_a_gap() -> None:
    long, late = [100e6] * 100, [300e6] * 60
    turnovers = [turnover("A", 0, long), turnover("B", 20, late, gap=60)]
    days = np.arange(110)
    known = known_volume(days, turnovers)
    assert known.sources.tolist() == [-1] * 30 + [0] * 20 + [1] * 11 + [0] * 40 + [-1] * 9
    assert known.values[[30, 49, 50, 60, 61, 100]].tolist() == [1e8, 1e8, 3e8, 3e8, 1e8, 1e8]
    assert np.isnan(known.values[101:]).all()
    assert known_volume(days[:2], []).sources.tolist() == [-1, -1]


def test_turnover_of_later_days_does_not_change_earlier_volumes() -> None:
    days, values = np.arange(120), np.random.default_rng(3).random(100) * 1e9
    for planted in (31, 55, 99):
        later = values.copy()
        later[planted:] *= 1e6
        new = turnover("B", planted, [1e15] * 100)
        before, after = (
            known_volume(days, own)
            for own in ([turnover("A", 0, [*values])], [turnover("A", 0, [*later]), new])
        )
        rows = slice(0, planted + 1)
        np.testing.assert_array_equal(before.values[rows], after.values[rows])
        np.testing.assert_array_equal(before.sources[rows], after.sources[rows])
        assert not np.array_equal(before.values, after.values, equal_nan=True)


def test_large_positions_are_charged_more_and_at_most_their_value() -> None:
    path, volume = path_of(), np.full(501, 1e9)
    volume[450] = np.nan
    scaled = volume_scaled(path, 300e6, volume)
    rows = np.r_[365:450, 451:501]
    np.testing.assert_allclose(scaled.long.var[rows], path.long.var[rows] * 3**0.5, rtol=1e-12)
    assert np.isnan(scaled.long.var[450])
    day = int(path.days[450])
    assert scaled.fallbacks == (Fallback(day, day, 1, NO_VOLUME, None),)
    assert np.nanmax(volume_scaled(path, 1e15, volume).short.es) == 1
    with pytest.raises(ValueError, match="volume: expected 501 rows"):
        volume_scaled(path, 1e6, volume[1:])


def test_without_any_volume_the_threshold_is_the_whole_position() -> None:
    days = np.arange(4)
    side = SidePath(np.array([0.0, 0.1, -0.1, np.nan]), np.full(4, np.nan))
    path = ThresholdPath("BTC", Model.HISTORICAL_365, 0.99, days, side, side)
    scaled = volume_scaled(path, 1e6, np.zeros(4))
    np.testing.assert_array_equal(scaled.long.var, [1.0, 1.0, 1.0, np.nan])
    assert np.isnan(scaled.long.es).all()
    assert scaled.fallbacks == ()


def test_a_book_charges_half_the_distance_that_the_position_moves_it() -> None:
    assert depth_cost(1e6, DEPTH) == pytest.approx((0.002 / 2 / 2, 0.002 / 4 / 2))
    path = path_of()
    charged = with_depth_cost(path, 1e6, DEPTH)
    assert isinstance(charged, ThresholdPath)
    assert charged.long.var[-1] == pytest.approx(path.long.var[-1] + 0.0005)
    assert charged.short.es[-1] == pytest.approx(path.short.es[-1] + 0.00025)
    assert np.isnan(charged.margin[:-1]).all()


def test_a_position_beyond_the_book_is_not_extrapolated() -> None:
    reason = Unknown(
        "the bids of binance BTCUSDT hold $2,000,000 within 20 bp, the position is $3,000,000"
    )
    assert depth_cost(3e6, DEPTH) == reason
    assert with_depth_cost(path_of(), 3e6, DEPTH) == reason


@pytest.mark.parametrize("notional", [0.0, -1.0, np.inf, np.nan])
def test_impossible_sizes_are_refused(notional: float) -> None:
    with pytest.raises(ValueError, match="expected an amount in USD above 0"):
        size_factor(notional, np.array([1e9]))
    with pytest.raises(ValueError, match="expected an amount in USD above 0"):
        depth_cost(notional, DEPTH)


@pytest.mark.parametrize("participation", [0.0, 1.5])
def test_impossible_participations_are_refused(participation: float) -> None:
    with pytest.raises(ValueError, match="participation: expected above 0 and at most 1"):
        size_factor(1e6, np.array([1e9]), participation)
