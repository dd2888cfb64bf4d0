"""One plain sentence per question, with its numbers."""

from dataclasses import dataclass

from harmonize.adequacy.clearing import ClearingHorizon, PhaseResults
from harmonize.adequacy.close_out import CloseOut, WindowCoverage
from harmonize.adequacy.contract_risk import DAY, window_text
from harmonize.adequacy.coverage import Breach, Coverage
from harmonize.adequacy.holding_time import Crossing, HoldingTime, TimeBound
from harmonize.adequacy.verdict import Adequacy
from harmonize.core.schedule import Unknown
from harmonize.market.prices import SeriesId
from harmonize.text import numbers
from harmonize.text.messages import duration_text, iso_utc, percent
from harmonize.text.numbers import NBSP
from harmonize.text.words import join_words

_LEAST_P_VALUE = 0.001


@dataclass(frozen=True, slots=True)
class Sentences:
    """Answers in words to: how long does it hold, does it survive the close-out, would it clear."""

    holding: str
    close_out: str
    clearing: str


def sentences(verdict: Adequacy) -> Sentences:
    """Returns one sentence per question. What is unknown is stated with its reason."""
    return Sentences(
        holding=_holding(verdict), close_out=_close_out(verdict), clearing=_clearing(verdict)
    )


def _subject(verdict: Adequacy) -> str:
    position = verdict.position
    size = numbers.usd(position.notional)
    day = position.precision.day_text(position.observed_at)
    return f"At {size} on {position.venue} {position.symbol} ({verdict.side}, table of {day})"


def _holding(verdict: Adequacy) -> str:
    level = _level(verdict)
    parts = [
        _holding_part(name, answer)
        for name, answer in (
            ("MM", verdict.holding.maintenance),
            ("IM − MM", verdict.holding.buffer),
            ("IM", verdict.holding.initial),
        )
    ]
    answers = (verdict.holding.maintenance, verdict.holding.buffer, verdict.holding.initial)
    known = [answer for answer in answers if isinstance(answer, HoldingTime)]
    if not known:
        return _plain(f"{_subject(verdict)}, no holding time is known: {_first_reason(answers)}.")
    series = dict.fromkeys(name for answer in known for name in answer.series)
    return _plain(
        f"{_subject(verdict)}, compared with the {level} move, {join_words(parts)}; "
        f"at least {min(answer.observations for answer in known):,} moves of "
        f"{_series_text(tuple(series))}."
    )


def _holding_part(name: str, answer: HoldingTime | Unknown) -> str:
    if isinstance(answer, Unknown):
        return f"{name} holds for an unknown time ({answer.reason})"
    band = ""
    if answer.time.bound is TimeBound.MEASURED:
        band = f"{crossing_text(answer.shortest)} to {crossing_text(answer.longest)}, "
    root = f"{duration_text(answer.by_square_root)} by √t from {window_text(answer.root_horizon)}"
    return (
        f"{name} of {percent(answer.margin_rate)} holds {crossing_text(answer.time)} ({band}{root})"
    )


def _close_out(verdict: Adequacy) -> str:
    answer, maintenance = verdict.close_out, verdict.position.maintenance
    result = answer.result
    if isinstance(result, Unknown):
        return _plain(f"{_subject(verdict)}, the close-out cannot be tested: {result.reason}.")
    rate = percent(None if isinstance(maintenance, Unknown) else maintenance)
    return _plain(
        f"{_subject(verdict)}, {_after(result, rate)}; {_every(result)}; "
        f"{_time(answer)}{_worst(result)}."
    )


def _after(result: WindowCoverage, maintenance: str) -> str:
    covered, window = result.after_liquidation, window_text(result.seconds)
    if isinstance(covered, Unknown):
        return (
            f"the share of liquidations after which the price moved beyond MM of {maintenance} "
            f"within {window} is not known ({covered.reason})"
        )
    return (
        f"the price moved beyond MM of {maintenance} within {window} after {_share(covered)} "
        "liquidations at full leverage"
    )


def _every(result: WindowCoverage) -> str:
    covered = result.every_window
    if isinstance(covered, Unknown):
        return f"the share of all windows is not known ({covered.reason})"
    return f"it did in {_share(covered)} windows of {covered.series}"


def _time(answer: CloseOut) -> str:
    if isinstance(answer.time, Unknown):
        return answer.time.reason
    time = answer.time
    text = (
        f"closing takes {duration_text(time.seconds)} at {percent(time.participation)} of "
        f"{numbers.usd(time.volume.value)} a day"
    )
    if isinstance(answer.own_time, Unknown):
        return f"{text}, longer than any measured window"
    return text


def _worst(result: WindowCoverage) -> str:
    for covered in (result.after_liquidation, result.every_window):
        if isinstance(covered, Coverage) and covered.worst:
            return f"; worst {_breach(covered.worst[0])}"
    return ""


def _breach(breach: Breach) -> str:
    return (
        f"{percent(breach.loss)} from {breach.start_close:,.10g} (close of the candle of "
        f"{iso_utc(breach.start)}) to {breach.end_price:,.10g} ({breach.price} of {iso_utc(breach.end)})"
    )


def _clearing(verdict: Adequacy) -> str:
    initial, answer = verdict.position.initial, verdict.clearing
    if isinstance(answer, Unknown) or isinstance(initial, Unknown):
        reason = answer.reason if isinstance(answer, Unknown) else "IM is unknown"
        return _plain(f"{_subject(verdict)}, IM cannot be tested as clearing margin: {reason}.")
    parts = [_horizon_part(horizon) for horizon in answer]
    known = [h.coverage for h in answer if isinstance(h.coverage, Coverage)]
    series = f"; prices of {known[0].series}" if known else ""
    return _plain(
        f"{_subject(verdict)}, IM of {percent(initial)} covered {join_words(parts)}; "
        f"{_level(verdict)} is the standard{_gap(answer)}{series}."
    )


def _horizon_part(horizon: ClearingHorizon) -> str:
    days = window_text(horizon.days * DAY)
    if isinstance(horizon.coverage, Unknown):
        return f"an unknown share of moves over {days} ({horizon.coverage.reason})"
    covered = horizon.coverage
    bound = ""
    if covered.rate_at_most is not None:
        bound = f", at most {percent(covered.rate_at_most)} by the rule of three"
    return (
        f"{percent(covered.achieved)} of moves over {days} ({covered.breaches:,} of "
        f"{covered.observations:,} beyond{bound}, {_tests(horizon.tests)})"
    )


def _gap(horizons: tuple[ClearingHorizon, ...]) -> str:
    """Returns the shortfall or excess of margin on open interest, over the shortest horizon."""
    gap, days = horizons[0].gap, window_text(horizons[0].days * DAY)
    if isinstance(gap, Unknown):
        return ""
    if gap.under:
        return f"; the open interest is under-margined by {numbers.usd(gap.under)} over {days}"
    return f"; the open interest is over-margined by {numbers.usd(gap.over)} over {days}"


def _tests(tests: PhaseResults | Unknown) -> str:
    if isinstance(tests, Unknown):
        return f"not tested: {tests.reason}"
    values = (
        ("Kupiec", tests.number.lowest),
        ("Christoffersen", tests.order.lowest),
        ("Z₂", tests.shortfall.lowest),
    )
    return ", ".join([tests.zone.value, *(f"{name} {_p_value(value)}" for name, value in values)])


def _p_value(value: float) -> str:
    return f"p < {_LEAST_P_VALUE}" if value < _LEAST_P_VALUE else f"p = {value:.3f}"


def _share(covered: Coverage) -> str:
    text = f"{covered.breaches:,} of {covered.observations:,} ({percent(covered.breach_rate)})"
    if covered.rate_at_most is None:
        return text
    return f"{text[:-1]}, at most {percent(covered.rate_at_most)} by the rule of three)"


def crossing_text(crossing: Crossing) -> str:
    """Returns a time in words: ``12 minutes``, ``under 15 minutes`` or ``beyond 5 days``."""
    if crossing.bound is TimeBound.SHORTER:
        return f"under {window_text(crossing.seconds)}"
    if crossing.bound is TimeBound.LONGER:
        return f"beyond {window_text(crossing.seconds)}"
    return duration_text(crossing.seconds)


def _level(verdict: Adequacy) -> str:
    level = 0.99 if isinstance(verdict.prices, Unknown) else verdict.prices.level
    return f"{level * 100:g} %"


def _series_text(series: tuple[SeriesId, ...]) -> str:
    return join_words([str(name) for name in series])


def _first_reason(answers: tuple[HoldingTime | Unknown, ...]) -> str:
    return next(answer.reason for answer in answers if isinstance(answer, Unknown))


def _plain(text: str) -> str:
    return text.replace(NBSP, " ")
