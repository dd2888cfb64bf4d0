from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from harmonize.adequacy.clearing import DatedInterest, MarginingGap
from harmonize.adequacy.close_out import WindowCoverage
from harmonize.adequacy.contract_risk import VenueRisk, combine, prepare
from harmonize.adequacy.coverage import Coverage
from harmonize.adequacy.factors import VenueVolume
from harmonize.adequacy.holding_time import HoldingTime, TimeBound, holding_time
from harmonize.adequacy.horizons import Side
from harmonize.adequacy.position import PositionMargins
from harmonize.adequacy.verdict import Adequacy, PositionQuestion, assess
from harmonize.api.adequacy import AdequacyTerms
from harmonize.api.adequacy_rows import verdict_sentences
from harmonize.core.schedule import Unknown
from harmonize.document.adequacy_sentences import Sentences
from harmonize.market.prices import PriceKind, PriceSeries
from tests.harmonize.adequacy.contracts import (
    AS_OF,
    HOUR,
    QUARTER,
    candles,
    random_candles,
    real_closes,
    real_crash,
)
from tests.harmonize.market.small import identity

NO_INTEREST = Unknown("open interest was not observed")
INTEREST = DatedInterest(2e9, datetime(2026, 3, 2, tzinfo=UTC))
NO_VOLUME = Unknown("volume of the binance perpetual on BTC: no candles")
VOLUME = VenueVolume(9e9, 30, identity(), datetime(2026, 7, 31, tzinfo=UTC), ())


def position(
    initial: float | Unknown = 0.008, maintenance: float | Unknown = 0.004, notional: float = 1e5
) -> PositionMargins:
    return PositionMargins(
        venue="binance",
        symbol="BTC/USDT:USDT",
        profile="any",
        underlying="BTC",
        notional=notional,
        initial=initial,
        maintenance=maintenance,
        tier=None,
        observed_at=datetime(2025, 12, 25, tzinfo=UTC),
    )


def question(
    of: PositionMargins,
    volume: VenueVolume | Unknown = VOLUME,
    open_interest: DatedInterest | Unknown = NO_INTEREST,
) -> PositionQuestion:
    return PositionQuestion(of, volume, open_interest)


def in_words(verdict: Adequacy) -> Sentences:
    return verdict_sentences(verdict, AdequacyTerms())


def venue_risk(*series: PriceSeries) -> VenueRisk:
    risk = prepare(series, AS_OF)
    assert not isinstance(risk, Unknown)
    result = combine([(risk, "perpetual of the venue: binance perp BTCUSDT")])
    assert isinstance(result, VenueRisk)
    return result


@pytest.fixture(scope="module")
def hourly() -> VenueRisk:
    return venue_risk(random_candles(3, 24 * 700))


def both(risk: VenueRisk | Unknown, of: PositionQuestion) -> tuple[Adequacy, Adequacy]:
    long, short = assess([of], risk)
    return long, short


def test_each_side_is_judged_apart_on_the_same_position(hourly: VenueRisk) -> None:
    long, short = both(hourly, question(position(0.08, 0.04)))
    assert (long.side, short.side) == (Side.LONG, Side.SHORT)
    assert long.position == short.position
    assert {exponent.side for exponent in long.exponents} == {Side.LONG}
    for verdict in (long, short):
        assert not isinstance(verdict.clearing, Unknown)
        (one, two, five) = verdict.clearing
        assert [h.days for h in (one, two, five)] == [1, 2, 5]
        covered = one.coverage
        assert isinstance(covered, Coverage)
        assert (covered.side, covered.margin_rate) == (verdict.side, 0.08)
        window = verdict.close_out.own_time
        assert isinstance(window, WindowCoverage)
        assert isinstance(window.every_window, Coverage)
        assert (window.every_window.side, window.every_window.margin_rate) == (verdict.side, 0.04)


def test_holding_times_are_those_of_the_three_margins(hourly: VenueRisk) -> None:
    (long, _) = both(hourly, question(position(0.08, 0.05)))
    for answer, rate in (
        (long.holding.initial, 0.08),
        (long.holding.maintenance, 0.05),
        (long.holding.buffer, 0.08 - 0.05),
    ):
        assert answer == holding_time(hourly.moves_of(Side.LONG), rate)


def test_answers_do_not_depend_on_the_other_positions(hourly: VenueRisk) -> None:
    rng = np.random.default_rng(5)
    questions = [
        question(
            position(2 * rate, rate, notional),
            VOLUME if share > 0.3 else NO_VOLUME,
            INTEREST if share > 0.5 else NO_INTEREST,
        )
        for rate, notional, share in zip(
            rng.choice([0.01, 0.02, 0.04], 30),
            rng.choice([1e5, 1e7, 1e9], 30),
            rng.random(30),
            strict=True,
        )
    ]
    together = assess(questions, hourly)
    apart = tuple(verdict for one in questions for verdict in assess([one], hourly))
    assert together == apart


def test_without_prices_every_answer_is_the_reason() -> None:
    reason = Unknown("no prices of BTC in the archive; import or gather candles")
    (long, _) = both(reason, question(position()))
    assert (long.prices, long.clearing, long.holding.initial) == (reason, reason, reason)
    assert (long.close_out.one_candle, long.close_out.own_time) == (reason, reason)
    texts = in_words(long)
    assert texts.holding == (
        "At $100k on binance BTC/USDT:USDT (long, table of 2025-12-25), no holding time is known: no prices of BTC in "
        "the archive; import or gather candles."
    )
    assert "the close-out cannot be tested: no prices of BTC" in texts.close_out
    assert "IM cannot be tested as clearing margin: no prices of BTC" in texts.clearing


def test_an_unknown_margin_leaves_the_other_answers(hourly: VenueRisk) -> None:
    reason = Unknown("MM is unknown: the venue publishes no MM")
    (long, _) = both(hourly, question(position(0.08, reason)))
    assert (long.holding.maintenance, long.holding.buffer) == (reason, reason)
    assert isinstance(long.holding.initial, HoldingTime)
    assert long.close_out.own_time == reason
    assert not isinstance(long.clearing, Unknown)
    unknown_initial = Unknown("IM is unknown: the venue publishes no IM")
    (other, _) = both(hourly, question(position(unknown_initial, 0.04)))
    assert other.clearing == unknown_initial
    assert isinstance(other.holding.maintenance, HoldingTime)


def test_equal_margins_leave_no_buffer(hourly: VenueRisk) -> None:
    (long, _) = both(hourly, question(position(0.05, 0.05)))
    assert long.holding.buffer == Unknown(
        "IM is not above MM: a position at full leverage is liquidated at once"
    )


def test_spot_answers_from_closes_only() -> None:
    spot = candles(random_candles(3, 24 * 300).close, HOUR, of=identity(kind=PriceKind.SPOT))
    (long, _) = both(venue_risk(spot), question(position(0.08, 0.04)))
    assert isinstance(long.holding.initial, HoldingTime)
    assert not isinstance(long.clearing, Unknown)
    reason = Unknown("binance spot BTCUSDT 1h has closes only, no highs and lows of a contract")
    assert (long.close_out.one_candle, long.close_out.own_time) == (reason, reason)


def test_no_volume_is_no_size_verdict(hourly: VenueRisk) -> None:
    (long, _) = both(hourly, question(position(0.08, 0.04), NO_VOLUME))
    assert long.close_out.own_time == Unknown(f"no size verdict: {NO_VOLUME.reason}")
    assert isinstance(long.close_out.one_candle, WindowCoverage)
    assert f"no size verdict: {NO_VOLUME.reason}" in in_words(long).close_out


def test_open_interest_is_weighted_with_the_measured_move(hourly: VenueRisk) -> None:
    (long, _) = both(hourly, question(position(0.008, 0.004), open_interest=INTEREST))
    assert not isinstance(long.clearing, Unknown)
    one = long.clearing[0]
    assert not isinstance(one.move, Unknown)
    assert isinstance(one.gap, MarginingGap)
    assert one.gap.under == pytest.approx((one.move.value - 0.008) * 2e9)


def test_planted_later_candles_change_no_verdict() -> None:
    series = random_candles(3, 24 * 300)
    as_of = datetime(2024, 9, 1, tzinfo=UTC)
    later = np.arange(series.times.size) >= series.known_at(as_of).times.size
    planted = replace(series, close=np.where(later, series.close * 3, series.close))
    verdicts = []
    for part in (series, planted):
        risk = prepare([part], as_of)
        assert not isinstance(risk, Unknown)
        verdicts.append(assess([question(position(0.08, 0.04))], combine([(risk, "test")])))
    assert verdicts[0] == verdicts[1]


def test_how_long_the_margin_of_binance_holds_on_btc() -> None:
    """Binance BTC/USDT, $100k, 125x: MM 0.4 % and IM 0.8 %, on 15-minute closes of 2023 to 2025."""
    series = real_closes()
    daily = series.close[95::96]
    day_move = float(np.quantile(1 - daily[1:] / daily[:-1], 0.99))
    assert [round(1440 * (rate / day_move) ** 2, 1) for rate in (0.004, 0.008)] == [6.3, 25.4]
    (long, short) = both(venue_risk(series), question(position()))
    for verdict in (long, short):
        maintenance, initial = verdict.holding.maintenance, verdict.holding.initial
        assert isinstance(maintenance, HoldingTime)
        assert isinstance(initial, HoldingTime)
        assert maintenance.time.bound is TimeBound.SHORTER
        assert maintenance.time.seconds == QUARTER
        assert initial.time.seconds / 60 == pytest.approx(19, abs=0.5)
    assert in_words(long).holding == (
        "At $100k on binance BTC/USDT:USDT (long, table of 2025-12-25), compared with the 99 % move, MM of 0.4 % holds "
        "under 15 minutes (6.3 minutes by √t from 1 day), IM − MM of 0.4 % holds under 15 minutes "
        "(6.3 minutes by √t from 1 day) and IM of 0.8 % holds 19 minutes (18 minutes to 20 minutes, "
        "25 minutes by √t from 1 day); at least 102,779 moves of binance perp BTCUSDT 15m."
    )


def test_the_crash_of_october_2025_in_one_sentence() -> None:
    (long, _) = both(venue_risk(real_crash()), question(position()))
    window = long.close_out.own_time
    assert isinstance(window, WindowCoverage)
    after = window.after_liquidation
    assert isinstance(after, Coverage)
    text = in_words(long).close_out
    assert text.startswith(
        "At $100k on binance BTC/USDT:USDT (long, table of 2025-12-25), the price moved beyond MM of 0.4 % within 15 "
        f"minutes after {after.breaches} of {after.observations} ("
    )
    assert "closing takes 19 seconds at 5.0 % of $9bn a day" in text
    assert text.endswith(
        "worst 9.471 % from 112,137.6 (close of the candle of 2025-10-10T21:00:00Z) to 101,516.5 "
        "(low of 2025-10-10T21:15:00Z)."
    )


def test_the_sentence_on_clearing_states_breaches_and_tests() -> None:
    closes = [100.0 * (0.9 if day % 50 == 49 else 1.0) + day % 3 for day in range(1001)]
    (long, _) = both(venue_risk(candles(closes)), question(position(0.08, 0.04)))
    text = in_words(long).clearing
    assert text.startswith(
        "At $100k on binance BTC/USDT:USDT (long, table of 2025-12-25), IM of 8.0 % covered 98.0 % of moves over 1 day "
        "(20 of 1,000 beyond, yellow, Kupiec p = 0.0"
    )
    assert text.endswith("99 % is the standard; prices of binance perp BTCUSDT 1d.")


def test_no_breach_is_stated_with_the_rule_of_three(hourly: VenueRisk) -> None:
    (long, _) = both(hourly, question(position(0.9, 0.5)))
    text = in_words(long).clearing
    assert (
        "100.0 % of moves over 1 day (0 of 699 beyond, at most 0.4277 % by the rule of three"
        in (text)
    )
    assert "0 observations, 30 are required" in in_words(long).close_out


def test_a_sentence_has_no_break_within_numbers(hourly: VenueRisk) -> None:
    (long, _) = both(hourly, question(position(), open_interest=INTEREST))
    texts = in_words(long)
    for text in (texts.holding, texts.close_out, texts.clearing):
        assert "\N{NO-BREAK SPACE}" not in text
        assert text.endswith(".")
        assert "\n" not in text
    assert "; the open interest of 2026-03-02 is under-margined by $" in texts.clearing
