from datetime import UTC, datetime

import numpy as np
import pytest

from harmonize.core.instrument import Underlying
from harmonize.core.schedule import Unknown
from harmonize.market.prices import PriceKind, PriceSeries, SeriesId, microseconds
from harmonize.thresholds.history import DailyHistory, history_of, unbroken_parts
from tests.harmonize.thresholds.samples import of

DAY = 86_400 * 1_000_000


def series(days: list[int], close: list[float], interval: int = 86_400) -> PriceSeries:
    identity = SeriesId("binance", PriceKind.SPOT, "LUNAUSDT", Underlying("LUNA"), "USDT", interval)
    first = microseconds(datetime(2022, 5, 1, tzinfo=UTC))
    disputed = np.zeros(len(days), dtype=bool)
    return PriceSeries(identity, first + DAY * np.array(days), np.array(close), disputed=disputed)


def test_returns_span_no_gap_and_are_dated_by_their_last_day() -> None:
    history = history_of(series([0, 1, 2, 4, 5], [100.0, 110.0, 99.0, 50.0, 75.0]))
    assert isinstance(history, DailyHistory)
    first = (datetime(2022, 5, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days
    assert history.asset == "LUNA"
    assert (history.days - first).tolist() == [1, 2, 5]
    assert history.returns.tolist() == pytest.approx([0.1, -0.1, 0.5])
    assert history.threshold_days[-1] - first == 6


def test_a_long_silence_begins_a_new_history() -> None:
    days = [0, 1, 2, 20, 21, 22]  # as LUNA, whose name another coin took over after 18 days
    history = history_of(series(days, [80.0, 30.0, 1.0, 9.0, 8.0, 6.0]))
    assert isinstance(history, DailyHistory)
    assert history.returns.tolist() == pytest.approx([-1 / 9, -0.25])
    whole = DailyHistory("LUNA", np.array([1, 2, 16, 17, 32]), np.full(5, 0.1))
    assert [part.size for part in unbroken_parts(whole)] == [4, 1]


def test_no_two_candles_in_succession_give_a_reason() -> None:
    for days in ([0], [0, 2, 4]):
        assert history_of(series(days, [1.0] * len(days))) == Unknown("no return, 365 are required")


def test_candles_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="expected daily candles; aggregate them"):
        history_of(series([0, 1], [1.0, 2.0], 3_600))


@pytest.mark.parametrize(
    ("days", "returns", "message"),
    [
        ([1, 2], [0.1], "expected one return per day"),
        ([2, 1], [0.1, 0.2], "expected rising days"),
        ([1, 1], [0.1, 0.2], "expected rising days"),
        ([1, 2], [0.1, np.nan], "return of row 1: expected a finite number, found nan"),
        ([], [], "expected at least one return"),
    ],
)
def test_impossible_histories_are_refused(
    days: list[int], returns: list[float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        DailyHistory("BTC", np.array(days, dtype=np.int64), np.array(returns))


def test_too_few_returns_and_constant_ones_have_no_threshold() -> None:
    rng = np.random.default_rng(0)
    assert of(rng.standard_normal(364)).shortage() == Unknown("364 returns, 365 are required")
    assert of(np.zeros(400)).shortage() == Unknown("all 400 returns are 0")
    assert of(rng.standard_normal(365)).shortage() is None
