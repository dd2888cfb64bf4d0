from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from harmonize.adequacy.measured_inputs import NotMeasured, measure_inputs
from harmonize.market.prices import PriceSeries
from harmonize.policy.inputs import Input, read_inputs, snapshot_of
from tests.harmonize.adequacy.test_tail import PUBLISHED, closes
from tests.harmonize.market.small import DAY, START, identity, series

AS_OF = datetime(2026, 3, 4, tzinfo=UTC)


def ending_at(asset: str) -> PriceSeries:
    """Real daily closes of an asset up to 2026-03-03."""
    close = closes(asset)
    last = int(datetime(2026, 3, 3, tzinfo=UTC).timestamp()) * 1_000_000
    times = last - np.arange(close.size)[::-1] * DAY
    return PriceSeries(identity(f"{asset}USDT"), times, close)


def measured(of: PriceSeries, as_of: datetime = AS_OF) -> dict[str, Input | NotMeasured]:
    return {item.name: item for item in measure_inputs(of, as_of)}


@pytest.mark.parametrize("asset", PUBLISHED)
def test_inputs_equal_those_calculated_independently(asset: str) -> None:
    year, three_years, worst_year, two_days, interval = PUBLISHED[asset]
    inputs = measured(ending_at(asset))
    expected = {
        "var_99_1d_365d": year,
        "var_99_1d_1095d": three_years,
        "var_99_1d_worst_365d": worst_year,
        "var_99_2d_365d": two_days,
        "var_99_2d_10y": {"BTC": 0.14239726, "SOL": 0.26811238, "XRP": 0.2855939}[asset],
        "var_99_2d_worst_365d": {"BTC": 0.18938011, "SOL": 0.41669119, "XRP": 0.56574249}[asset],
    }
    for name, number in expected.items():
        item = inputs[name]
        assert isinstance(item, Input)
        assert float(item.value) == pytest.approx(number, rel=2e-7)
        assert item.observed_at == AS_OF
    item = inputs["var_99_1d_1095d"]
    assert isinstance(item, Input)
    assert (float(item.lower or 0), float(item.upper or 0)) == pytest.approx(interval, rel=2e-7)
    assert (item.observations, float(item.confidence or 0)) == (1095, 0.95)
    bounded = inputs["var_99_2d_365d"]
    assert isinstance(bounded, Input)
    assert (bounded.lower, bounded.observations) == (None, 365)  # unbounded above


def test_inputs_can_be_archived_and_read_back() -> None:
    inputs = [item for item in measured(ending_at("BTC")).values() if isinstance(item, Input)]
    restored, defects = read_inputs(snapshot_of(inputs, "test"))
    assert (len(restored), defects) == (6, ())
    assert [item.value for item in restored] == [item.value for item in inputs]


def test_later_candles_change_no_earlier_input() -> None:
    real = ending_at("SOL")
    planted = replace(
        real,
        times=np.concatenate([real.times, real.times[-1] + DAY * np.arange(1, 4)]),
        close=np.concatenate([real.close, [1e6, 1.0, 1e6]]),
    )
    assert measured(real) == measured(planted)


def test_volume_is_that_of_thirty_finished_days_in_a_row() -> None:
    close = [1.0 + day % 3 for day in range(40)]
    traded = series(close, turnover=np.arange(40.0) * 1e6)
    volume = measured(traded)["adv_30d_median"]
    assert isinstance(volume, Input)
    assert volume.value == 24_500_000
    gap = traded.select(np.arange(40) != 35)
    item = measured(gap)["adv_30d_median"]
    assert item == NotMeasured("adv_30d_median", "BTC", "one of the last 30 days is missing")
    assert measured(ending_at("BTC"))["adv_30d_median"] == NotMeasured(
        "adv_30d_median", "BTC", "turnover is not stated"
    )


def test_few_days_give_their_number_and_a_move_above_one_is_refused() -> None:
    inputs = measured(series([1.0 + day % 3 / 10 for day in range(50)]))
    assert inputs["var_99_1d_365d"] == NotMeasured(
        "var_99_1d_365d", "BTC", "49 observations, 100 are required at 0.99"
    )
    assert inputs["var_99_2d_worst_365d"] == NotMeasured(
        "var_99_2d_worst_365d", "BTC", "48 observations, 365 are required"
    )
    wild = measured(series([1.0 + 2 * (day % 3 == 0) for day in range(400)]))["var_99_1d_365d"]
    assert wild == NotMeasured(
        "var_99_1d_365d", "BTC", "measured 2; a move above 1 is refused as an input"
    )


def test_other_candles_than_daily_ones_are_refused() -> None:
    hourly = replace(series([1.0, 2.0]), id=replace(identity(), interval=3600))
    with pytest.raises(ValueError, match="expected daily candles"):
        list(measure_inputs(hourly, AS_OF))
    assert START % DAY == 0
