from dataclasses import replace

import numpy as np
import pytest

from harmonize.adequacy.horizons import (
    HORIZONS,
    HorizonMove,
    Side,
    moves_by_horizon,
    square_root_of_time,
)
from harmonize.adequacy.tail import TailEstimate, value_at_risk
from harmonize.core.schedule import Unknown
from harmonize.market.prices import PriceSeries
from tests.harmonize.market.small import START, identity

HOUR, DAY = 3_600, 86_400


def walk(interval: int, count: int, symbol: str = "BTCUSDT") -> PriceSeries:
    """A random walk with a drift upwards, so that the sides differ."""
    steps = np.random.default_rng(interval).standard_t(4, size=count) * 0.01 + 0.001
    times = START + np.arange(count) * interval * 1_000_000
    return PriceSeries(
        replace(identity(symbol), interval=interval), times, np.exp(np.cumsum(steps))
    )


def test_each_horizon_uses_its_longest_candles_and_both_sides() -> None:
    hourly, daily = walk(HOUR, 900), walk(DAY, 700)
    moves = moves_by_horizon([hourly, daily], 0.975)
    assert [(m.horizon, m.side) for m in moves] == [(h, s) for h in HORIZONS for s in Side]
    used = {m.horizon: m.series and m.series.interval for m in moves}
    assert used == {900: None, 3600: HOUR, 14_400: HOUR, 86_400: DAY, 172_800: DAY, 432_000: DAY}
    returns = daily.close[2:] / daily.close[:-2] - 1
    by_side = {m.side: m.estimate for m in moves if m.horizon == 2 * DAY}
    for side, losses in ((Side.LONG, -returns), (Side.SHORT, returns)):
        estimate, expected = by_side[side], value_at_risk(losses, 0.975)
        assert isinstance(estimate, TailEstimate)
        assert isinstance(expected, TailEstimate)
        assert (estimate.value, estimate.observations) == (expected.value, 698)
    assert moves[0] == HorizonMove(900, Side.LONG, Unknown("no candles of 15m or a part of it"))


def test_few_moves_give_their_number() -> None:
    (long, _) = moves_by_horizon([walk(DAY, 50)], 0.99, [DAY])
    assert long.estimate == Unknown("49 observations, 100 are required at 0.99")


def test_series_of_two_contracts_are_refused() -> None:
    with pytest.raises(ValueError, match="series of 2 contracts"):
        moves_by_horizon([walk(DAY, 5), walk(HOUR, 5, "ETHUSDT")], 0.99)


def test_moves_grow_with_the_root_of_time_if_returns_are_independent() -> None:
    assert square_root_of_time(0.02, HOUR, 4 * HOUR) == pytest.approx(0.04)
    steps = np.random.default_rng(1).standard_normal(60_000) * 0.001
    close = np.exp(np.cumsum(steps))
    values = []
    for horizon in (1, 25):
        losses = 1 - close[horizon:] / close[:-horizon]
        estimate = value_at_risk(losses, 0.99)
        assert isinstance(estimate, TailEstimate)
        values.append(estimate.value)
    assert square_root_of_time(values[0], 1, 25) == pytest.approx(values[1], rel=0.08)
