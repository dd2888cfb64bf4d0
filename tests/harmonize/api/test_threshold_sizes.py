"""Thresholds by size: by day from the volume known before, and how it moved the default."""

from datetime import UTC, datetime
from math import sqrt

import numpy as np
import pytest

from harmonize.adequacy.factors import DAY, Depth, VenueVolume, venue_volume
from harmonize.api.threshold_market import SIZES, volume_factor
from harmonize.api.threshold_size_rows import size_row
from harmonize.api.threshold_sizes import SizeInputs, sized_days, thresholds_by_size, turnovers_of
from harmonize.api.threshold_terms import SizeEffect, SizeThreshold, ThresholdTerms
from harmonize.core.instrument import Underlying
from harmonize.core.schedule import Unknown
from harmonize.document.threshold_sentences import size_sentence
from harmonize.market.prices import MICROSECONDS, PriceKind, PriceSeries, SeriesId
from harmonize.thresholds.path import Model, SidePath, ThresholdPath

FIRST, COUNT = 19_000, 100
"""First day and number of the candles; the path ends on the day after."""

AS_OF = datetime(2022, 6, 1, tzinfo=UTC)
TERMS = ThresholdTerms(notional=60e6)
NO_BOOK = Unknown("no order book on BTC")


def perpetual(
    turnover: np.ndarray, interval: int = DAY, venue: str = "binance", first: int = FIRST
) -> PriceSeries:
    own = SeriesId(venue, PriceKind.PERP, "BTCUSDT", Underlying("BTC"), "USDT", interval)
    step = interval * MICROSECONDS
    times = first * DAY * MICROSECONDS + step * np.arange(turnover.size)
    close = np.full(turnover.size, 10.0)
    if interval == DAY:
        return PriceSeries(own, times, close, turnover=turnover)
    return PriceSeries(own, times, close, volume=turnover / 10)


def path(margin: list[float] | None = None, size: int = COUNT) -> ThresholdPath:
    values = np.array([0.1] * (size + 1) if margin is None else margin)
    days = np.arange(FIRST, FIRST + size + 1)
    long, short = (SidePath(values * share, values * share) for share in (1.0, 0.5))
    return ThresholdPath("BTC", Model.HISTORICAL_365, 0.99, days, long, short)


def inputs(
    *prices: PriceSeries, own: ThresholdPath | None = None, book: Depth | Unknown = NO_BOOK
) -> SizeInputs:
    own = own or path()
    return SizeInputs(
        path=own,
        tested=own.days[40:-1],
        turnovers=turnovers_of(prices, "BTC", AS_OF),
        volume=venue_volume(prices, "binance", "BTC", AS_OF),
        book=book,
    )


def steps(*values: tuple[float, int]) -> np.ndarray:
    return np.concatenate([np.full(count, value) for value, count in values])


def effect_of(own: SizeThreshold) -> SizeEffect:
    assert isinstance(own.effect, SizeEffect)
    return own.effect


@pytest.mark.parametrize("interval", [DAY, 6 * 3600])
def test_the_last_factor_is_that_of_the_threshold_now(interval: int) -> None:
    turnover = np.random.default_rng(5).random(COUNT * DAY // interval) * 1e9
    given = inputs(perpetual(turnover, interval))
    now = volume_factor(TERMS.notional, given.volume)
    found = sized_days(given, TERMS.notional)
    assert found is not None
    assert isinstance(given.volume, VenueVolume)
    assert isinstance(now, float)
    assert found.volume[-1] == pytest.approx(given.volume.value, rel=1e-12)
    assert found.margin[-1] == pytest.approx(0.1 * now, rel=1e-12)
    assert len(thresholds_by_size(given, TERMS).notes) == 1


def test_the_factor_of_the_tested_days_has_its_day_and_volume() -> None:
    """Volume of $400m, of $100m in the middle: √2 and √5 for $60m. The median moves after 16 days."""
    given = inputs(perpetual(steps((400e6, 50), (100e6, 25), (400e6, 25))))
    found = thresholds_by_size(given, TERMS)
    effect = effect_of(found.of(60e6))
    assert (effect.smallest, effect.largest) == pytest.approx((sqrt(2), sqrt(5)), rel=1e-4)
    assert (effect.largest_day, effect.volume, effect.days) == (FIRST + 66, 100e6, 60)
    assert effect.sized.peak_to_trough == pytest.approx(sqrt(2.5), rel=1e-3)
    assert effect.sized.rise_30 == pytest.approx(sqrt(2.5) - 1, rel=1e-3)
    assert (effect.unsized.peak_to_trough, effect.unsized.rise_30) == (1.0, 0.0)
    assert found.of(60e6).by_volume == pytest.approx(0.1 * sqrt(2), rel=1e-3)
    assert [own.notional for own in found.sizes] == sorted({*SIZES, 60e6})
    words = size_sentence(size_row(found.of(60e6)))
    assert "At $60m, liquidity multiplied the threshold by 1.4142 to 2.2360 over 60 tested" in words
    assert "largest on 2022-03-15, by $100m of daily volume of binance perp BTCUSDT 1d" in words
    assert "Peak ÷ trough: 1.58 at that size, 1 without size." in words


def test_calm_is_compared_on_days_with_a_volume_which_notes_count() -> None:
    margin = [0.5] * 50 + [0.1] * 51
    late = perpetual(steps((400e6, 80)), first=FIRST + 20)
    found = thresholds_by_size(inputs(late, own=path(margin)), TERMS)
    effect = effect_of(found.of(60e6))
    assert (effect.days, effect.unsized.peak_to_trough) == (50, 1.0)
    assert found.notes[0] == (
        "without a size on 10 tested days, 2022-02-17 to 2022-02-26: no perpetual with turnover on each"
        " of the 30 days before"
    )


def test_a_volume_that_ends_early_is_not_carried_on() -> None:
    early = perpetual(steps((400e6, 90)))
    other = perpetual(steps((200e6, 100)), venue="bybit")
    found = thresholds_by_size(inputs(early, other), TERMS)
    assert [(own.id.venue, own.last_day - FIRST) for own in found.sources] == [
        ("binance", 90),
        ("bybit", 100),
    ]
    assert found.notes[0] == (
        "the last factor, 1.7321 on 2022-04-18, is by bybit perp BTCUSDT 1d, $200m in the 30 days before;"
        " the threshold now is by the volume of binance perp BTCUSDT 1d up to 2022-04-07, 1.4142"
    )
    alone = thresholds_by_size(inputs(early), TERMS)
    assert "on 2022-04-18, the last one, no perpetual with turnover on each of" in alone.notes[1]


def test_without_any_volume_the_threshold_is_the_whole_position() -> None:
    found = thresholds_by_size(inputs(perpetual(steps((400e6, 60), (0.0, 40)))), TERMS)
    effect = effect_of(found.of(60e6))
    assert np.isinf(effect.largest)
    assert effect.sized.peak_to_trough == pytest.approx(1 / (0.1 * sqrt(2)), rel=1e-3)
    row = size_row(found.of(60e6))
    assert row.largest_factor is None
    assert "by 1.4142 to the whole position over" in size_sentence(row)


def test_a_perpetual_without_any_trade_has_no_finite_factor() -> None:
    row = size_row(thresholds_by_size(inputs(perpetual(steps((0.0, 100)))), TERMS).of(60e6))
    assert (row.smallest_factor, row.largest_factor, row.reason) == (None, None, "")
    assert "by the whole position to the whole position over 60 tested" in size_sentence(row)


def test_what_is_not_known_has_its_reason() -> None:
    found = thresholds_by_size(inputs(), TERMS)
    row = size_row(found.of(60e6))
    assert (row.by_volume, row.smallest_factor, row.days) == (None, None, 0)
    assert "not known: no perpetual with turnover on each of the 30 days" in size_sentence(row)
    none = SizeInputs(Unknown("no path"), np.empty(0, dtype=np.int64), (), NO_BOOK, NO_BOOK)
    assert sized_days(none, 1e6) is None
    assert {own.effect for own in thresholds_by_size(none, TERMS).sizes} == {Unknown("no path")}


def test_depth_acts_on_the_last_day_alone_and_on_each_side() -> None:
    """A long of $60m moves bids of $60m by 20 bp: 0.1 %; the asks are deeper."""
    book = Depth(60e6, 120e6, 20.0, "binance", "BTCUSDT", ())
    given = inputs(perpetual(steps((400e6, 100))), book=book)
    found = thresholds_by_size(given, TERMS)
    assert found.of(60e6).by_depth == pytest.approx(0.101)
    assert isinstance(found.of(1e8).by_depth, Unknown)
    assert "order books of the past are not archived" in found.notes[-1]
    assert effect_of(found.of(60e6)).largest == pytest.approx(sqrt(2), rel=1e-4)


def test_a_longer_horizon_scales_the_threshold_before_the_size() -> None:
    given = inputs(perpetual(steps((400e6, 100))))
    found = thresholds_by_size(given, ThresholdTerms(horizon=4, notional=60e6)).of(60e6)
    assert found.by_volume == pytest.approx(0.2 * sqrt(2), rel=1e-3)
