"""Daily inputs against a quantile of the prices known at each day, and against published coverage."""

from dataclasses import replace

import numpy as np
import pytest

from harmonize.adequacy.horizons import Side
from harmonize.calibration.review import SideReview, review_sides
from harmonize.calibration.walk_forward import daily_input, daily_margins, first_from
from harmonize.market.prices import PriceSeries
from harmonize.policy.expression import parse
from tests.harmonize.adequacy.test_measured_inputs import ending_at
from tests.harmonize.market.small import DAY, series

BTC, XRP = ending_at("BTC"), ending_at("XRP")

Q1, Q3 = {"q": "var_99_1d_365d"}, {"q": "var_99_1d_1095d"}
TWO = {"q": "var_99_2d_365d"}
STRESS = "max(q, 0.75 * q + 0.25 * s)"
PUBLISHED = {  # coverage of falls and rises, in percent, of an earlier calculation from the same closes
    "one day, a year": ("q", Q1, 1, (99.31, 98.95), (99.28, 98.80)),
    "one day, three years": ("q", Q3, 1, (99.53, 99.35), (99.68, 98.76)),
    "two days": ("q", TWO, 2, (99.53, 99.13), (99.64, 98.40)),
    "two days and a quarter": ("1.25 * q", TWO, 2, (99.78, 99.67), (99.76, 99.12)),
    "stress": (STRESS, {**TWO, "s": "var_99_2d_worst_365d"}, 2, (99.67, 99.53), (99.84, 99.20)),
    "floor": ("max(q, f)", {**TWO, "f": "var_99_2d_10y"}, 2, (99.75, 99.64), (99.88, 99.24)),
    "v1": (STRESS, {**Q3, "s": "var_99_1d_worst_365d"}, 1, (99.71, 99.56), (99.84, 99.28)),
}


def wave(size: int, seed: int = 3) -> PriceSeries:
    moves = np.random.default_rng(seed).standard_t(3, size) * 0.02
    return series(np.cumprod(1 + np.clip(moves, -0.4, 0.4)).tolist())


def by_hand(closes: np.ndarray, row: int, horizon: int, count: int) -> float:
    """99 % move of the worse side at the close of a row, from closes up to that row only."""
    known = closes[: row + 1]
    moves = (known[horizon:] / known[:-horizon] - 1)[-count:]
    if moves.size < 365:
        return float("nan")
    return max(float(np.quantile(moves, 0.99)), float(np.quantile(-moves, 0.99)))


@pytest.mark.parametrize(
    ("name", "horizon", "count"),
    [("var_99_1d_365d", 1, 365), ("var_99_1d_1095d", 1, 1_095), ("var_99_2d_10y", 2, 3_650)],
)
def test_an_input_is_the_quantile_of_what_was_known(name: str, horizon: int, count: int) -> None:
    prices = wave(1_200)
    found = daily_input(prices, name)
    for row in (0, 300, 364, 365, 366, 500, 1_094, 1_095, 1_100, 1_199):
        expected = by_hand(prices.close, row, horizon, count)
        assert found[row] == pytest.approx(expected, rel=1e-12, nan_ok=True)


def test_the_worst_year_of_another_series_counts_once_it_has_ended() -> None:
    own, other = wave(900), wave(1_200, seed=8)
    late = series(own.close.tolist(), list(range(300, 1_200)))
    name = "var_99_1d_worst_365d"
    alone, both = daily_input(late, name), daily_input(late, name, (other,))
    for row in (365, 600, 899):  # the same close is row + 300 of the other series
        years = [by_hand(other.close, day, 1, 365) for day in range(365, row + 301)]
        assert both[row] == pytest.approx(max(alone[row], *years), rel=1e-12)
    np.testing.assert_array_equal(
        daily_input(late, "var_99_1d_365d", (other,)), daily_input(late, "var_99_1d_365d")
    )
    future = series(other.close.tolist(), list(range(1_200, 2_400)))
    np.testing.assert_array_equal(daily_input(late, name, (future,)), alone)


def test_the_worst_year_is_the_largest_so_far() -> None:
    prices = wave(900)
    found = daily_input(prices, "var_99_1d_worst_365d")
    for row in (364, 365, 600, 899):
        years = [by_hand(prices.close, day, 1, 365) for day in range(365, row + 1)]
        expected = max(years) if years else float("nan")
        assert found[row] == pytest.approx(expected, rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("name", ["var_99_1d_1095d", "var_99_2d_worst_365d", "var_99_2d_10y"])
def test_later_prices_change_no_earlier_input(name: str) -> None:
    prices = wave(800)
    planted = replace(prices, close=np.concatenate([prices.close[:600], np.full(200, 1e9)]))
    np.testing.assert_array_equal(daily_input(prices, name)[:600], daily_input(planted, name)[:600])


def test_a_move_above_one_gives_no_input() -> None:
    prices = series([1.0 + 1.5 * (day % 3 == 0) for day in range(400)])
    assert np.isnan(daily_input(prices, "var_99_1d_365d")).all()


def test_no_return_spans_a_gap() -> None:
    prices = wave(800)
    kept = np.ones(800, dtype=bool)
    kept[500] = False
    found = daily_input(prices.select(kept), "var_99_1d_365d")
    moves = prices.close[1:] / prices.close[:-1] - 1
    known = np.delete(moves, [499, 500])[-365:]
    expected = max(float(np.quantile(known, 0.99)), float(np.quantile(-known, 0.99)))
    assert found[-1] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("case", PUBLISHED)
def test_coverage_equals_that_of_an_earlier_calculation(case: str) -> None:
    text, names, days, btc, xrp = PUBLISHED[case]
    for prices, expected in ((BTC, btc), (XRP, xrp)):
        margins = daily_margins(prices, parse(text), names)
        assert margins is not None
        reviews = review_sides("X", margins, days)
        assert tuple(round(100 * share(review), 2) for review in reviews) == expected
        assert [review.side for review in reviews] == [Side.LONG, Side.SHORT]
        assert reviews[0].observations == prices.times.size - 1 - 365 - 2 * (days - 1)


def share(review: SideReview) -> float:
    assert review.coverage is not None
    return review.coverage


def test_a_name_that_candles_do_not_give_has_no_margins() -> None:
    assert daily_margins(BTC, parse("q"), {"q": "var_99_1d_182d_jpy"}) is None


def test_a_rate_above_one_is_one() -> None:
    margins = daily_margins(XRP, parse("20 * q"), Q1)
    assert margins is not None
    assert np.nanmax(margins.rates) == 1


def test_the_first_candle_from_a_time_on_is_the_first_that_closes_then() -> None:
    prices = series([1.0, 2.0, 3.0])
    second = int(prices.times[1])
    assert [first_from(prices, second + part * DAY) for part in (0, 1, 2)] == [0, 1, 2]
