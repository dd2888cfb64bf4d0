"""Factors that rule sets name: which data gives them, over which days, and why one is unknown."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from harmonize.adequacy.measured_factors import (
    DEPTHS,
    FACTORS,
    FactorMeasurement,
    FactorSources,
    measure_factors,
)
from harmonize.adequacy.measured_inputs import NotMeasured
from harmonize.core.instrument import Underlying
from harmonize.market.books import Book
from harmonize.market.points import PointSeries, PointsId, Quantity
from harmonize.market.prices import Floats, PriceKind, PriceSeries, microseconds
from harmonize.policy.inputs import Input
from tests.harmonize.market.small import DAY, START, identity, series

AS_OF = datetime(2026, 3, 4, tzinfo=UTC)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def items(measurements: Sequence[FactorMeasurement]) -> dict[str, Input | NotMeasured]:
    return {item.name: item for found in measurements for item in found.items}


def measured(
    name: str, underlying: str = "BTC", as_of: datetime = AS_OF, **data: Sequence[Any]
) -> Input | NotMeasured:
    """Measures a factor from ``prices``, ``points`` and ``books``."""
    prices, points, books = (tuple(data.get(kind, ())) for kind in ("prices", "points", "books"))
    return items(measure_factors(FactorSources(prices, points, books), underlying, as_of))[name]


def value(item: Input | NotMeasured) -> float:
    assert isinstance(item, Input), item
    return float(item.value)


def reason(item: Input | NotMeasured) -> str:
    assert isinstance(item, NotMeasured), item
    return item.reason


def dvol(percent: list[float], days: list[int] | None = None, asset: str = "BTC") -> PriceSeries:
    of = replace(identity(asset, PriceKind.VOLATILITY, "deribit"), quote="")
    return replace(series(percent, days, of), sources=("dvol.parquet",))


def test_without_data_every_factor_has_its_reason() -> None:
    found = items(measure_factors(FactorSources(), "SOL", AS_OF))
    assert tuple(found) == FACTORS
    assert {name: reason(item) for name, item in found.items()} == {
        "dvol_last_day": "no implied volatility; DVOL exists for BTC and ETH",
        "dvol_30d_median": "no implied volatility; DVOL exists for BTC and ETH",
        "depth_10bp_30d_median": "no order books",
        "depth_25bp_30d_median": "no order books",
        "depth_50bp_30d_median": "no order books",
        "oi_venues_sum": "no open interest",
        "corr_btc_365d": "no current daily candles",
        "lower_tail_dependence_btc_365d": "no current daily candles",
    }


def test_implied_volatility_is_a_share_of_the_last_day_and_the_last_thirty() -> None:
    percent = [500.0] * 10 + [40.0 + day for day in range(30)]
    last = measured("dvol_last_day", prices=[dvol(percent)])
    assert value(last) == 0.69
    assert isinstance(last, Input)
    assert (last.observations, last.lower) == (1, None)
    assert last.observed_at == datetime(2024, 2, 10, tzinfo=UTC)
    assert last.source == "deribit volatility BTC 1d: dvol.parquet"
    median = measured("dvol_30d_median", prices=[dvol(percent)])
    assert value(median) == 0.545
    assert isinstance(median, Input)
    assert median.observations == 30
    assert value(measured("dvol_last_day", "ETH", prices=[dvol([61.5], asset="ETH")])) == 0.615


def test_a_missing_day_of_implied_volatility_is_counted_and_not_filled() -> None:
    days = [day for day in range(40) if day != 25]
    percent = [float(40 + day) for day in days]
    median = measured("dvol_30d_median", prices=[dvol(percent, days)])
    assert isinstance(median, Input)
    assert median.observations == 29
    assert value(median) == pytest.approx(np.median([d for d in days if d > 9]) / 100 + 0.4)
    few = measured("dvol_30d_median", prices=[dvol(percent[:14], days[:14])])
    assert reason(few) == "14 of the last 30 days, 15 are required"


def test_an_unfinished_day_of_implied_volatility_does_not_count() -> None:
    noon = datetime(2024, 2, 9, 12, tzinfo=UTC)
    last = measured("dvol_last_day", prices=[dvol([40.0 + d for d in range(40)])], as_of=noon)
    assert value(last) == 0.78
    of = replace(identity("BTC", PriceKind.VOLATILITY, "deribit"), quote="", interval=3600)
    hours = PriceSeries(of, START + np.arange(60) * DAY // 24, np.linspace(50, 59, 60))
    last = measured("dvol_last_day", prices=[hours])
    assert value(last) == pytest.approx(float(hours.close[47]) / 100)
    assert isinstance(last, Input)
    assert last.observed_at == datetime(2024, 1, 3, tzinfo=UTC)


def book(
    venue: str = "binance",
    size: float = 1.0,
    at: datetime = NOON,
    reach: float = 60,
    thin_asks: float = 1.0,
) -> Book:
    """A book around 100 USD with a level per basis point, of the same size in coins."""
    steps = np.arange(1, reach + 1) / 1e4
    sizes = np.full(steps.size, size)
    return Book(
        venue,
        "BTCUSDT",
        Underlying("BTC"),
        at,
        np.column_stack([100 * (1 - steps), sizes]),
        np.column_stack([100 * (1 + steps), sizes * thin_asks]),
        None,
        f"{venue}.parquet: row 1",
    )


def test_depth_is_the_median_of_the_thinner_side_over_thirty_days() -> None:
    ends = [NOON - timedelta(days=days) for days in (0, 10, 29, 30)]
    books = [book(size=s, at=at, thin_asks=0.5) for s, at in zip((3, 1, 2, 99), ends, strict=True)]
    found = {name: measured(name, books=books) for name in DEPTHS}
    for name, levels in zip(DEPTHS, (10, 25, 50), strict=True):
        dollars = sum(100 * (1 + step / 1e4) for step in range(1, levels + 1))
        assert value(found[name]) == pytest.approx(dollars, rel=1e-7)  # size 2, half of it asked
        item = found[name]
        assert isinstance(item, Input)
        assert (item.observations, item.observed_at, item.lower) == (3, NOON, None)
        assert item.source == "binance books BTCUSDT: binance.parquet"


def test_depth_is_that_of_the_deepest_venue_whose_books_reach_ten_basis_points() -> None:
    books = [book("okx", 5), book("bybit", 9, reach=20), book("gate", 99, reach=5)]
    assert value(measured("depth_10bp_30d_median", books=books)) == pytest.approx(
        sum(900 * (1 - step / 1e4) for step in range(1, 11)), rel=1e-7
    )
    # The other distances are those of the same venue: the shallower one does not stand in for it.
    assert reason(measured("depth_25bp_30d_median", books=books)) == (
        "the books of bybit BTCUSDT on 2026-03-01 reach 20.0 bp from the mid price, 25 bp are required"
    )
    old = book("bybit", 9, at=NOON - timedelta(days=31))
    item = measured("depth_10bp_30d_median", books=[book("okx", 5), old])
    assert isinstance(item, Input)
    assert item.source.startswith("okx books")
    assert reason(measured("depth_10bp_30d_median", books=[book(reach=5)])).endswith(
        "10 bp are required"
    )
    later = measured("depth_10bp_30d_median", books=[book()], as_of=NOON - timedelta(hours=1))
    assert reason(later) == "no order books"


def interest(
    venue: str, dollars: float, at: datetime, symbol: str = "BTC", notes: tuple[str, ...] = ()
) -> PointSeries:
    of = PointsId(venue, Quantity.OPEN_INTEREST, symbol, Underlying("BTC"))
    times = np.array([microseconds(at - timedelta(days=1)), microseconds(at)])
    return PointSeries(of, times, np.array([1.0, dollars]), notes=notes)


def test_open_interest_is_the_dated_sum_of_one_perpetual_per_venue() -> None:
    points = [
        interest("binance", 5e9, NOON),
        interest("binance", 2e9, NOON, "BTCUSDC"),  # contracts of a venue are never added
        interest("okx", 2e9, NOON - timedelta(days=7)),
        interest("gate", 1e9, NOON - timedelta(days=8)),
    ]
    item = measured("oi_venues_sum", points=points)
    assert value(item) == 7e9
    assert isinstance(item, Input)
    assert (item.observations, item.observed_at) == (2, NOON - timedelta(days=7))
    assert item.source == (
        "open interest of binance BTC 2026-03-01, okx BTC 2026-02-22; not summed: gate BTC 2026-02-21"
    )
    early = measured("oi_venues_sum", points=points, as_of=NOON - timedelta(days=20))
    assert reason(early) == "no open interest"


def test_open_interest_that_is_no_level_of_its_venue_is_not_summed() -> None:
    note = "margined in its coin, so that this is no level of the venue"
    part = interest("binance", 2e9, NOON, "BTCUSD_PERP", (note,))
    assert reason(measured("oi_venues_sum", points=[part])) == (
        "only contracts that are no level of the venue"
    )
    both = measured("oi_venues_sum", points=[part, interest("okx", 1e9, NOON)])
    assert value(both) == 1e9


def walk(seed: int, days: int = 500) -> Floats:
    return np.random.default_rng(seed).normal(0, 0.03, days)


def prices(asset: str, returns: Floats, first: int = 0) -> PriceSeries:
    closes = 100 * np.cumprod(np.concatenate([[1.0], 1 + returns]))
    return series(
        closes.tolist(), list(range(first, first + closes.size)), identity(f"{asset}USDT")
    )


def test_joint_moves_are_those_of_the_last_365_common_days() -> None:
    btc, noise = walk(1), walk(2)
    own = 0.8 * btc + 0.6 * noise
    own[:135] = -btc[:135]  # before the window
    both = [prices("BTC", btc), prices("ETH", own)]
    item = measured("corr_btc_365d", "ETH", prices=both)
    expected = float(np.corrcoef(btc[-365:], own[-365:])[0, 1])
    assert value(item) == pytest.approx(expected, rel=1e-7)
    assert isinstance(item, Input)
    assert (item.observations, float(item.confidence or 0)) == (365, 0.95)
    assert item.lower is not None
    assert item.upper is not None
    assert 0.7 < item.lower < item.value < item.upper < 0.9
    tail = measured("lower_tail_dependence_btc_365d", "ETH", prices=both)
    lowest = [set(np.argsort(row[-365:])[:18].tolist()) for row in (btc, own)]
    assert value(tail) == pytest.approx(len(lowest[0] & lowest[1]) / 18, rel=1e-7)
    assert isinstance(tail, Input)
    assert tail.lower is not None
    assert tail.lower <= tail.value
    assert "binance perp BTCUSDT 1d" in tail.source


def test_the_interval_of_a_correlation_covers_the_true_one() -> None:
    hits = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        one, noise = rng.normal(0, 0.03, (2, 365))
        both = [prices("BTC", one), prices("ETH", 0.6 * one + 0.8 * noise)]
        item = measured("corr_btc_365d", "ETH", prices=both)
        assert isinstance(item, Input)
        assert item.lower is not None
        assert item.upper is not None
        hits += item.lower <= 0.6 <= item.upper
    assert hits >= 33  # of 40 at 95 %: fewer by chance once in 3,000 runs


def test_bitcoin_moves_with_itself() -> None:
    own = [prices("BTC", walk(1))]
    assert value(measured("corr_btc_365d", prices=own)) == 1
    assert value(measured("lower_tail_dependence_btc_365d", prices=own)) == 1


def test_joint_moves_without_enough_common_days_are_unknown() -> None:
    btc, eth = prices("BTC", walk(1, 100)), prices("ETH", walk(2, 100), first=75)
    late = measured("corr_btc_365d", "ETH", prices=[btc, eth])
    assert reason(late) == "25 pairs of returns, 30 are required"
    apart = measured("corr_btc_365d", "ETH", prices=[btc, prices("ETH", walk(2, 100), first=200)])
    assert reason(apart) == "0 pairs of returns, 30 are required"
    alone = measured("corr_btc_365d", "ETH", prices=[eth])
    assert reason(alone) == "no daily candles of BTC"
    still = prices("ETH", np.zeros(100))
    assert reason(measured("corr_btc_365d", "ETH", prices=[btc, still])) == (
        "the 100 common returns of a series are all equal"
    )


def test_later_data_changes_no_factor() -> None:
    known = [prices("BTC", walk(1)), prices("ETH", walk(2)), dvol([50.0] * 40)]
    points, books = [interest("okx", 1e9, NOON)], [book()]
    later = [interest("gate", 9e9, AS_OF + timedelta(days=1))]
    ahead = [book("okx", 50, AS_OF + timedelta(days=1))]
    at = datetime(2026, 3, 2, tzinfo=UTC)
    before = measure_factors(FactorSources(tuple(known), tuple(points), tuple(books)), "BTC", at)
    after = measure_factors(
        FactorSources(tuple(known), (*points, *later), (*books, *ahead)), "BTC", at
    )
    assert items(before) == items(after)
