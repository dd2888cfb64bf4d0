"""Order of verdicts, worst first, and the days on which a margin failed worst."""

from datetime import date
from math import inf

from harmonize.adequacy.close_out import WindowCoverage
from harmonize.adequacy.contract_risk import LONGEST_CLOSE_OUT_CANDLE
from harmonize.adequacy.coverage import Breach, Coverage
from harmonize.adequacy.holding_time import HoldingTime, TimeBound
from harmonize.adequacy.verdict import Adequacy
from harmonize.core.schedule import Unknown


def headline(verdict: Adequacy) -> Coverage | Unknown:
    """Returns the coverage by MM after liquidations, over the close-out of the position."""
    result = verdict.close_out.result
    return result.after_liquidation if isinstance(result, WindowCoverage) else result


def every_window(verdict: Adequacy) -> Coverage | Unknown:
    """Returns the coverage by MM in all windows of the same length as the headline."""
    result = verdict.close_out.result
    return result.every_window if isinstance(result, WindowCoverage) else result


def is_coarse(verdict: Adequacy) -> bool:
    """Whether the close-out was tested on candles longer than an hour, or not at all."""
    shortest = verdict.close_out.one_candle
    return isinstance(shortest, Unknown) or shortest.seconds > LONGEST_CLOSE_OUT_CANDLE


def has_size_verdict(verdict: Adequacy) -> bool:
    """Whether the close-out was tested over the time that the position takes; otherwise over one candle."""
    return not isinstance(verdict.close_out.own_time, Unknown)


def severity(verdict: Adequacy) -> tuple[object, ...]:
    """Returns a sort key by which the worst verdict comes first.

    The share of liquidations that overran MM decides, then the share of all windows, then the time
    over which MM holds, then that of IM. What is unknown follows what is known. Verdicts from candles
    longer than an hour follow the others: within a day the price exceeds most margins.
    """
    position = verdict.position
    return (
        is_coarse(verdict),
        _breach_rate(headline(verdict)),
        _breach_rate(every_window(verdict)),
        _seconds(verdict.holding.maintenance),
        _seconds(verdict.holding.initial),
        (position.underlying, position.venue, position.symbol, position.profile),
        position.notional,
        verdict.side,
    )


def worst_days(verdict: Adequacy) -> tuple[date, ...]:
    """Returns the UTC days of the worst breaches of the headline, otherwise of all windows."""
    for covered in (headline(verdict), every_window(verdict)):
        if isinstance(covered, Coverage) and covered.worst:
            return tuple(dict.fromkeys(_day(breach) for breach in covered.worst))
    return ()


def is_answered(verdict: Adequacy) -> bool:
    """Whether one of the three questions has an answer."""
    holding = verdict.holding
    known = (holding.buffer, holding.initial, holding.maintenance, verdict.close_out.result)
    return any(not isinstance(answer, Unknown) for answer in (*known, verdict.clearing))


def _day(breach: Breach) -> date:
    return breach.end.date()


def _breach_rate(covered: Coverage | Unknown) -> float:
    """Returns the share of breaches, negated; above 0 if it is unknown."""
    return inf if isinstance(covered, Unknown) else -covered.breach_rate


def _seconds(answer: HoldingTime | Unknown) -> float:
    if isinstance(answer, Unknown):
        return inf
    bound = {TimeBound.SHORTER: 0.0, TimeBound.LONGER: inf}
    return bound.get(answer.time.bound, answer.time.seconds)
