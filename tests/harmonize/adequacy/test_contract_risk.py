from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from harmonize.adequacy.contract_risk import (
    CLEARING_DAYS,
    ContractRisk,
    VenueRisk,
    close_out_moves,
    combine,
    excursion_moves,
    prepare,
)
from harmonize.adequacy.coverage import Price
from harmonize.adequacy.horizons import HORIZONS, Side
from harmonize.adequacy.tail import TailEstimate
from harmonize.core.schedule import Unknown
from harmonize.market.prices import PriceKind, PriceSeries
from tests.harmonize.adequacy.contracts import (
    AS_OF,
    DAY,
    HOUR,
    QUARTER,
    candles,
    random_candles,
)
from tests.harmonize.market.small import identity


def prepared(*series: PriceSeries, as_of: datetime = AS_OF) -> ContractRisk:
    risk = prepare(series, as_of)
    assert isinstance(risk, ContractRisk)
    return risk


def combined(*risks: ContractRisk) -> VenueRisk:
    result = combine([(risk, f"reason {number}") for number, risk in enumerate(risks)])
    assert isinstance(result, VenueRisk)
    return result


def fingerprint(risk: ContractRisk) -> object:
    """Everything that a verdict can read."""
    moves = [*risk.clearing]
    if not isinstance(risk.close_out, Unknown):
        moves += [window.moves for window in risk.close_out]
    columns = [(m.side, m.seconds, m.losses.tolist(), m.starts.tolist()) for m in moves]
    return risk.cards, risk.horizons, risk.exponents, columns


def test_days_are_made_of_the_longest_shorter_candles() -> None:
    hourly = random_candles(1, 24 * 150)
    risk = prepared(hourly)
    assert [card.id.interval for card in risk.cards] == [HOUR, DAY]
    assert [(m.side, m.candles) for m in risk.clearing] == [
        (side, days) for days in CLEARING_DAYS for side in Side
    ]
    daily = hourly.close[23::24]
    one = next(m for m in risk.clearing if (m.side, m.candles) == (Side.SHORT, 1))
    np.testing.assert_allclose(one.losses, daily[1:] / daily[:-1] - 1, rtol=1e-12)
    used = {m.horizon: m.series and m.series.interval for m in risk.horizons}
    assert used == {900: None, 3600: HOUR, 14_400: HOUR, DAY: DAY, 2 * DAY: DAY, 5 * DAY: DAY}


def test_planted_later_candles_change_nothing() -> None:
    series = random_candles(6, 24 * 130)
    as_of = datetime(2024, 5, 1, 12, 30, tzinfo=UTC)  # within a candle and within a day
    known = series.known_at(as_of)
    is_later = np.arange(series.times.size) >= known.times.size
    assert series.high is not None
    planted = replace(
        series,
        close=np.where(is_later, series.close * 5, series.close),
        high=np.where(is_later, series.high * 9, series.high),
    )
    assert fingerprint(prepared(planted, as_of=as_of)) == fingerprint(prepared(known, as_of=as_of))
    assert prepared(planted, as_of=as_of).cards[0].end == datetime(2024, 5, 1, 12, tzinfo=UTC)
    assert fingerprint(prepared(planted)) != fingerprint(prepared(known))


def test_a_disputed_candle_counts_or_does_not() -> None:
    series = random_candles(3, 300, DAY)
    is_disputed = np.arange(300) == 150
    series = replace(
        series, close=np.where(is_disputed, series.close * 0.5, series.close), disputed=is_disputed
    )
    with_it = prepared(series)
    without = prepare([series], AS_OF, include_disputed=False)
    assert isinstance(without, ContractRisk)
    one_day = [next(m for m in r.clearing if m.side is Side.LONG) for r in (with_it, without)]
    assert [moves.losses.size for moves in one_day] == [299, 297]
    assert one_day[0].ascending[-1] > 0.4 > one_day[1].ascending[-1]


def test_no_candle_yet_is_a_reason() -> None:
    early = datetime(2024, 1, 1, 0, 30, tzinfo=UTC)
    assert prepare([random_candles(1, 50)], early) == Unknown("no candle had closed by 2024-01-01")
    with pytest.raises(ValueError, match="expected a time with a time zone"):
        prepare([random_candles(1, 50)], datetime(2024, 1, 2))  # noqa: DTZ001 - the case


def test_series_of_two_contracts_are_refused() -> None:
    other = random_candles(1, 300, of=identity("ETHUSDT"))
    with pytest.raises(ValueError, match="series of 2 contracts"):
        prepare([random_candles(1, 300), other], AS_OF)


def test_spot_gives_moves_and_no_excursions() -> None:
    spot = candles(random_candles(1, 400, DAY).close, of=identity(kind=PriceKind.SPOT))
    risk = prepared(spot)
    assert risk.close_out == Unknown(
        "binance spot BTCUSDT 1d has closes only, no highs and lows of a contract"
    )
    assert len(risk.clearing) == 6


def test_excursions_are_those_of_the_shortest_candles() -> None:
    risk = prepared(random_candles(1, 4 * 24 * 20, QUARTER), random_candles(2, 500, HOUR))
    assert not isinstance(risk.close_out, Unknown)
    lengths = {window.moves.seconds for window in risk.close_out}
    assert lengths == {900, 1800, 3600, 7200, 14400, 28800, 43200, DAY, 2 * DAY, 5 * DAY}
    assert {window.moves.series.id.interval for window in risk.close_out} == {QUARTER}
    daily = close_out_moves([random_candles(1, 300, DAY)])
    assert not isinstance(daily, Unknown)
    assert {window.moves.seconds for window in daily} == {DAY, 2 * DAY, 5 * DAY}


def test_the_move_before_a_window_is_that_of_the_candle_at_whose_close_it_begins() -> None:
    series = random_candles(9, 60)
    windows = close_out_moves([series])
    assert not isinstance(windows, Unknown)
    first = windows[0]
    assert (first.moves.side, first.moves.price) == (Side.LONG, Price.LOW)
    assert np.all(np.diff(first.prior_losses) <= 0)
    for loss, index in zip(first.prior_losses, first.after, strict=True):
        start = first.moves.starts[index]
        assert loss == pytest.approx(1 - series.close[start] / series.close[start - 1])


@pytest.mark.parametrize("count", [1, 2, 3, 7, 24])
def test_extremes_of_windows_equal_those_of_slices(count: int) -> None:
    series = random_candles(12, 90)
    assert series.high is not None
    moves = excursion_moves(series, Side.SHORT, count)
    expected = [
        series.high[start + 1 : start + 1 + count].max() / series.close[start] - 1
        for start in range(90 - count)
    ]
    np.testing.assert_array_equal(moves.losses, expected)
    assert excursion_moves(series, Side.LONG, 100).losses.size == 0


def test_each_horizon_uses_the_first_contract_that_has_enough_moves() -> None:
    own = prepared(random_candles(1, 300, DAY))
    other = prepared(random_candles(2, 4 * 24 * 60, QUARTER, of=identity(venue="okx")))
    risk = combined(own, other)
    by_horizon = {m.horizon: m.series and m.series.venue for m in risk.horizons}
    assert by_horizon == {h: "binance" if h >= DAY else "okx" for h in HORIZONS}
    assert all(isinstance(move.estimate, TailEstimate) for move in risk.horizons)
    assert {moves.series.id.venue for moves in risk.clearing} == {"binance"}
    assert {exponent.series.interval for exponent in risk.exponents} == {QUARTER}
    assert risk.basis.reasons == ("reason 0", "reason 1")
    assert {card.id.venue for card in risk.basis.cards} == {"binance", "okx"}


def test_clearing_needs_enough_days_of_one_contract() -> None:
    own = prepared(random_candles(1, 24 * 90))
    other = prepared(random_candles(2, 400, DAY, of=identity(venue="okx")))
    assert {moves.series.id.venue for moves in combined(own, other).clearing} == {"okx"}
    assert {moves.series.id.venue for moves in combined(own).clearing} == {"binance"}


def test_daily_excursions_are_replaced_by_those_of_shorter_candles() -> None:
    own = prepared(random_candles(1, 300, DAY))
    other = prepared(random_candles(2, 900, QUARTER, of=identity(venue="okx")))
    own_hours = prepared(random_candles(1, 300, HOUR))

    def venues(*risks: ContractRisk) -> set[str]:
        windows = combined(*risks).close_out
        assert not isinstance(windows, Unknown)
        return {window.moves.series.id.venue for window in windows}

    assert venues(own, other) == {"okx"}
    assert venues(own_hours, other) == {"binance"}
    assert venues(own) == {"binance"}
    spot = prepared(candles(random_candles(1, 300, DAY).close, of=identity(kind=PriceKind.SPOT)))
    assert isinstance(combined(spot).close_out, Unknown)
    assert venues(spot, other) == {"okx"}


def test_no_contract_is_a_reason() -> None:
    assert combine([]) == Unknown("no prices; import or gather candles")
