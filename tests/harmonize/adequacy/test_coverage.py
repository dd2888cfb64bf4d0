from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from harmonize.adequacy.contract_risk import excursion_moves, return_moves
from harmonize.adequacy.coverage import WORST, Coverage, Price, coverage
from harmonize.adequacy.horizons import Side
from harmonize.core.schedule import Unknown
from harmonize.market.prices import PriceSeries
from tests.harmonize.adequacy.contracts import HOUR, candles, random_candles, real_crash


def known(result: Coverage | Unknown) -> Coverage:
    assert isinstance(result, Coverage)
    return result


def test_breaches_and_uncovered_amounts_of_a_case_calculated_by_hand() -> None:
    # Returns −10 %, +10 %, −20 %, +25 %, −4 %: losses of long 10, −10, 20, −25, 4 %.
    series = candles([100, 90, 99, 79.2, 99, 95.04])
    result = known(coverage(return_moves(series, Side.LONG, 1), 0.05, least=1))
    assert (result.observations, result.breaches) == (5, 2)
    assert result.achieved == pytest.approx(0.6)
    assert result.largest_uncovered == pytest.approx(0.15)
    assert result.average_uncovered == pytest.approx(0.10)
    assert result.uncovered_usd(1000) == pytest.approx((150, 100))
    assert result.rate_at_most is None
    short = known(coverage(return_moves(series, Side.SHORT, 1), 0.12, least=1))
    assert short.breaches == 1
    assert short.largest_uncovered == pytest.approx(0.13)


def test_a_breach_leads_to_its_two_candles() -> None:
    series = candles([100, 90, 99, 79.2, 99, 95.04])
    worst = known(coverage(return_moves(series, Side.LONG, 1), 0.05, least=1)).worst[0]
    assert (worst.start, worst.end) == (
        datetime(2024, 1, 3, tzinfo=UTC),
        datetime(2024, 1, 4, tzinfo=UTC),
    )
    assert (worst.start_close, worst.end_price, worst.price) == (99, 79.2, Price.CLOSE)
    assert (worst.loss, worst.margin_rate) == pytest.approx((0.2, 0.05))
    assert worst.uncovered == pytest.approx(0.15)
    assert (str(worst.series), worst.sources) == ("binance perp BTCUSDT 1d", ("test.csv",))


def test_no_breach_states_the_rate_that_is_still_possible() -> None:
    series = random_candles(1, 1001)
    result = known(coverage(return_moves(series, Side.LONG, 1), 0.9, least=100))
    assert (result.breaches, result.largest_uncovered, result.average_uncovered) == (0, None, None)
    assert (result.worst, result.uncovered_usd(5.0)) == ((), None)
    assert result.rate_at_most == pytest.approx(1 - 0.05 ** (1 / 1000))
    overlapping = known(coverage(return_moves(series, Side.LONG, 10), 0.99, least=100))
    # 991 moves over ten candles contain 99 that do not overlap.
    assert overlapping.rate_at_most == pytest.approx(1 - 0.05 ** (1 / 99))


def test_a_loss_equal_to_the_margin_is_covered() -> None:
    series = candles([128, 96, 128, 120])  # −25 %, +33 %, −6.25 %, exact in binary
    moves = return_moves(series, Side.LONG, 1)
    assert (moves.breaches(0.25), moves.breaches(0.2499), moves.breaches(0.0625)) == (0, 1, 1)


def brute_force(
    series: PriceSeries, side: Side, count: int, price: Price, rate: float
) -> tuple[int, int, Fraction]:
    """Number of moves, breaches and the sum of uncovered amounts, in exact numbers."""
    columns = {Price.CLOSE: series.close, Price.LOW: series.low, Price.HIGH: series.high}
    column = columns[price]
    assert column is not None
    moves, breaches, total = 0, 0, Fraction(0)
    for start in range(series.times.size - count):
        if series.times[start + count] - series.times[start] != count * series.step:
            continue
        ends = [Fraction(float(column[row])) for row in range(start + 1, start + count + 1)]
        end = ends[-1] if price is Price.CLOSE else min(ends) if price is Price.LOW else max(ends)
        move = end / Fraction(float(series.close[start])) - 1
        loss = -move if side is Side.LONG else move
        moves += 1
        if loss > Fraction(rate):
            breaches, total = breaches + 1, total + loss - Fraction(rate)
    return moves, breaches, total


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("count", [1, 3, 8])
@pytest.mark.parametrize("rate", [0.004, 0.02, 0.08])
def test_coverage_equals_a_count_in_exact_numbers(side: Side, count: int, rate: float) -> None:
    whole = random_candles(5, 160)
    series = whole.select(~np.isin(np.arange(160), [40, 41, 90]))  # with gaps
    far = Price.LOW if side is Side.LONG else Price.HIGH
    for price, moves in (
        (Price.CLOSE, return_moves(series, side, count)),
        (far, excursion_moves(series, side, count)),
    ):
        expected, breaches, total = brute_force(series, side, count, price, rate)
        result = known(coverage(moves, rate, least=1))
        assert (result.observations, result.breaches) == (expected, breaches)
        if breaches:
            assert result.average_uncovered == pytest.approx(float(total / breaches), rel=1e-9)


def test_an_excursion_ends_at_the_extreme_on_the_way() -> None:
    series = candles([100, 98, 99, 101], high=[101, 99, 104, 102], low=[99, 80, 97, 98])
    (long, short) = (excursion_moves(series, side, 3) for side in Side)
    worst_long = known(coverage(long, 0.01, least=1)).worst
    worst_short = known(coverage(short, 0.01, least=1)).worst
    assert [(b.end, b.end_price, b.price) for b in (*worst_long, *worst_short)] == [
        (datetime(2024, 1, 2, tzinfo=UTC), 80, Price.LOW),
        (datetime(2024, 1, 3, tzinfo=UTC), 104, Price.HIGH),
    ]
    assert (worst_long[0].loss, worst_short[0].loss) == pytest.approx((0.2, 0.04))


def test_an_excursion_needs_every_high_and_low() -> None:
    series = candles(
        [100, 98, 99, 101, 102],
        high=[101, 99, np.nan, 102, 103],
        low=[99, 97, np.nan, 98, 100],
    )
    assert excursion_moves(series, Side.LONG, 1).starts.tolist() == [0, 2, 3]
    assert excursion_moves(series, Side.SHORT, 2).starts.tolist() == [2]
    spot = candles([100, 98])
    with pytest.raises(ValueError, match="expected highs and lows of a contract; use closes"):
        excursion_moves(spot, Side.LONG, 1)


def test_the_worst_breaches_share_no_candle() -> None:
    series = random_candles(7, 1500)
    moves = return_moves(series, Side.SHORT, 24)
    result = known(coverage(moves, 0.02, least=1))
    assert len(result.worst) == WORST
    assert result.worst[0].loss == moves.ascending[-1]
    hours = sorted((breach.start, breach.end) for breach in result.worst)
    assert all(end <= start for (_, end), (start, _) in pairwise(hours))
    # Independently: take the largest, discard what overlaps, and repeat.
    rows: list[int] = moves.order[::-1].tolist()
    expected: list[int] = []
    while rows and len(expected) < WORST:
        expected.append(rows[0])
        rows = [row for row in rows if abs(moves.starts[row] - moves.starts[rows[0]]) >= 24]
    assert [b.loss for b in result.worst] == [float(moves.losses[row]) for row in expected]


def test_few_moves_give_their_number() -> None:
    moves = return_moves(candles([1.0, 2.0, 1.5]), Side.LONG, 1)
    assert coverage(moves, 0.1, least=100) == Unknown("2 observations, 100 are required")
    single = return_moves(candles([1.0, 2.0]), Side.LONG, 1)
    assert coverage(single, 0.1, least=100) == Unknown("1 observation, 100 are required")


@pytest.mark.parametrize("rate", [0.0, -0.01, 5.0, 1.01, float("nan")])
def test_a_rate_in_percent_is_refused(rate: float) -> None:
    moves = return_moves(candles([1.0, 2.0, 1.5]), Side.LONG, 1)
    with pytest.raises(ValueError, match="margin rate: expected above 0 and at most 1, found"):
        coverage(moves, rate, least=1)


def test_the_crash_of_october_2025_on_the_real_candles() -> None:
    """Binance BTCUSDT perpetual, 2025-10-10 21:15 UTC: from 112,137.6 to 101,516.5."""
    result = known(coverage(excursion_moves(real_crash(), Side.LONG, 1), 0.004, least=100))
    worst = result.worst[0]
    assert (worst.start, worst.end) == (
        datetime(2025, 10, 10, 21, 0, tzinfo=UTC),
        datetime(2025, 10, 10, 21, 15, tzinfo=UTC),
    )
    assert (worst.start_close, worst.end_price) == (112_137.6, 101_516.5)
    assert worst.loss == pytest.approx(1 - 101_516.5 / 112_137.6)


def test_results_name_the_length_of_a_move_and_the_span_of_the_candles() -> None:
    series = candles([100.0 + hour % 3 for hour in range(10)], HOUR)
    result = known(coverage(return_moves(series, Side.LONG, 2), 0.5, least=1))
    assert (result.seconds, result.observations) == (2 * HOUR, 8)
    assert (result.first, result.last) == (
        datetime(2024, 1, 1, tzinfo=UTC),
        datetime(2024, 1, 1, 9, tzinfo=UTC),
    )
