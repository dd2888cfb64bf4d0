from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from harmonize.adequacy.contract_risk import CloseOutMoves, close_out_moves, return_moves
from harmonize.adequacy.horizons import Side
from harmonize.adequacy.table_history import (
    TableBacktest,
    TableStep,
    backtest_initial,
    backtest_maintenance,
)
from harmonize.core.schedule import Unknown
from harmonize.market.prices import PriceSeries
from tests.harmonize.adequacy.contracts import DAY, candles, random_candles


def day(number: int) -> datetime:
    """The opening of a candle, counted from 2024-01-01."""
    return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=number)


def window(series: PriceSeries, side: Side = Side.LONG) -> CloseOutMoves:
    windows = close_out_moves([series])
    assert not isinstance(windows, Unknown)
    return next(w for w in windows if (w.moves.side, w.moves.seconds) == (side, DAY))


def initial(series: PriceSeries, *steps: TableStep) -> TableBacktest:
    (result,) = backtest_initial(return_moves(series, Side.LONG, 1), {1e4: steps})
    return result


def test_each_move_is_held_against_the_table_at_its_beginning() -> None:
    # Falls of 10 % on each day. The margin is 5 % for two days and 15 % from the third close on.
    series = candles([100 * 0.9**number for number in range(6)])
    result = initial(series, TableStep(day(0), 0.05, 0.02), TableStep(day(3), 0.15, 0.05))
    # Moves begin at the closes of candles 0 to 4, on days 1 to 5.
    assert (result.observations, result.breaches, result.not_observed) == (5, 2, 0)
    assert [(b.start, b.margin_rate) for b in result.worst] == [(day(1), 0.05), (day(0), 0.05)]
    assert result.worst[0].uncovered == pytest.approx(0.05)


def test_days_without_a_known_table_are_not_observed() -> None:
    series = candles([100 * 0.9**number for number in range(9)])
    result = initial(
        series,
        TableStep(day(2), 0.05, 0.02, valid_until=day(4)),
        TableStep(day(5), Unknown("not published"), 0.02),
        TableStep(day(7), 0.05, 0.02),
    )
    # Of the moves from day 1 to day 8: before the first table 1; lapsed day 4; unknown days 5 and 6.
    assert (result.observations, result.breaches, result.not_observed) == (4, 4, 4)
    assert [b.start for b in sorted(result.worst, key=lambda b: b.start)] == [
        day(number - 1) for number in (2, 3, 7, 8)
    ]


def test_breaches_are_counted_by_calendar_year_and_size() -> None:
    series = candles([100.0] + [100 * 0.9 ** (1 + number // 30) for number in range(799)])
    small, large = backtest_initial(
        return_moves(series, Side.LONG, 1),
        {1e6: [TableStep(day(0), 0.2, 0.1)], 1e4: [TableStep(day(0), 0.05, 0.01)]},
    )
    assert (small.notional, large.notional) == (1e4, 1e6)
    assert [year.year for year in small.years] == [2024, 2025, 2026]
    # A fall by 10 % at the first candle and every 30th after it.
    falls = [1, *range(31, 800, 30)]
    expected = {2024: 0, 2025: 0, 2026: 0}
    for candle in falls:
        expected[day(candle - 1).year] += 1
    assert {year.year: year.breaches for year in small.years} == expected
    assert sum(year.observations for year in small.years) == 799
    assert (small.breaches, large.breaches) == (len(falls), 0)
    assert small.years[0].largest_uncovered == pytest.approx(0.05)
    assert large.years[0].largest_uncovered is None
    assert large.years[0].achieved == 1.0
    assert (small.years[0].lowest_rate, small.years[0].highest_rate) == (0.05, 0.05)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("after", [False, True])
def test_excursions_against_tables_equal_a_count_in_exact_numbers(
    side: Side, *, after: bool
) -> None:
    series = random_candles(8, 900, DAY)
    steps = [
        TableStep(day(100), 0.02, 0.01),
        TableStep(day(300), 0.01, 0.004),
        TableStep(day(500), Unknown("not published"), 0.004),
        TableStep(day(650), 0.04, 0.02, valid_until=day(800)),
    ]
    (result,) = backtest_maintenance(window(series, side), {5.0: steps}, after_liquidation=after)
    assert series.low is not None
    assert series.high is not None
    closes = [Fraction(float(close)) for close in series.close]
    observed, breaches = 0, 0
    for row in range(899):
        start = day(row + 1)  # the close of candle ``row``
        step = next((s for s in reversed(steps) if s.valid_from <= start), None)
        if step is None or (step.valid_until and start >= step.valid_until):
            continue
        assert isinstance(step.maintenance, float)
        if after:
            if isinstance(step.initial, Unknown) or row == 0:
                continue
            move = closes[row] / closes[row - 1] - 1
            loss = -move if side is Side.LONG else move
            if not float(loss) > step.initial - step.maintenance:
                continue
        end = Fraction(float((series.low if side is Side.LONG else series.high)[row + 1]))
        excursion = end / closes[row] - 1
        excursion = -excursion if side is Side.LONG else excursion
        observed += 1
        breaches += float(excursion) > step.maintenance
    assert (result.observations, result.breaches) == (observed, breaches)
    assert breaches > 20


def test_the_average_is_over_breaches() -> None:
    series = candles([100.0, 90.0, 90.0, 72.0, 72.0])
    (year,) = initial(series, TableStep(day(0), 0.05, 0.01)).years
    assert (year.breaches, year.observations) == (2, 4)
    assert year.average_uncovered == pytest.approx((0.05 + 0.15) / 2)
    assert year.achieved == 0.5


def test_a_table_that_is_planted_later_changes_no_earlier_breach() -> None:
    series = random_candles(8, 300, DAY)
    first = TableStep(day(0), 0.02, 0.01)
    alone = initial(series.select(slice(0, 200)), first)
    planted = initial(series, first, TableStep(day(200), 1.0, 0.9))
    assert [(y.year, y.breaches) for y in alone.years] == [
        (y.year, y.breaches) for y in planted.years
    ]


def test_steps_out_of_order_without_time_zone_or_in_percent_are_refused() -> None:
    series = random_candles(8, 30, DAY)
    first, second = TableStep(day(1), 0.02, 0.01), TableStep(day(5), 0.02, 0.01)
    with pytest.raises(ValueError, match="expected a later time than the step before"):
        initial(series, second, first)
    with pytest.raises(ValueError, match="expected a later time than the step before"):
        initial(series, first, first)
    naive = TableStep(datetime(2024, 1, 1), 0.02, 0.01)  # noqa: DTZ001 - the case
    with pytest.raises(ValueError, match="expected a time with a time zone"):
        initial(series, naive)
    with pytest.raises(ValueError, match=r"use 0\.05 for 5 %"):
        initial(series, TableStep(day(1), 2.0, 1.0))


def test_no_table_at_all_observes_nothing() -> None:
    series = random_candles(8, 30, DAY)
    result = initial(series)
    assert (result.years, result.worst, result.not_observed) == ((), (), 29)
    assert result.observations == 0
