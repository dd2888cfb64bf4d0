"""MH507: margins that were reduced although the volatility of their underlying had risen."""

from collections.abc import Iterator
from datetime import timedelta

from harmonize.checks.base import ABBREVIATIONS, AuditContext, Check, Draft, Option, ranges_text
from harmonize.document import Interval, Level, Verdict, VolatilityRow
from harmonize.document.change import Change, MarginChange
from harmonize.history.recent import RECENT_DAYS, ScheduleKey
from harmonize.text.messages import dollars, iso_utc, percent


def loosened_while_risk_rose(context: AuditContext) -> Iterator[Draft]:
    """A margin was reduced although the volatility of its underlying had risen.

    ## What it checks
    Schedules whose margins were reduced in the last 31 days, against the realised volatility of the last
    30 days of prices and of the 30 days before. Prices that end more than 31 days before the audit are
    not used, nor are changes whose date is not known within 62 days.

    ## Why it matters
    A margin that is reduced while risk rises will have to be increased in stress, when a margin call
    does most harm. Low margins in quiet times and calls in turmoil are the two sides of
    procyclicality.

    ## Formula
    after(N) < before(N) at some N, and volatility(last 30 days) ÷ volatility(30 days before) − 1 >
    `rise`. Volatility is the root of the mean squared daily return, annualised. One finding per
    schedule and margin type, on the newest reduction.

    ## Example
    Binance, XRP, between 13 and 20 March 2025: IM at $5,000 was reduced by 66.7 %, while volatility
    rose from 76 % to 164 % a year.

    ## Citation
    Murphy, Vasios and Vause, Bank of England FSP 29 (2014); Delegated Regulation (EU) 153/2013, Art 28,
    measures against procyclicality. The threshold is set by this tool.
    """
    since = iso_utc(context.as_of - timedelta(days=RECENT_DAYS))
    until = iso_utc(context.as_of)
    earliest = iso_utc(context.as_of - timedelta(days=2 * RECENT_DAYS))
    volatilities = {
        (venue, row.underlying): row
        for row in context.adequacy.volatilities
        for venue in row.venues
        if since <= row.last and row.previous
    }
    newest: dict[tuple[ScheduleKey, str], Draft] = {}
    for dated in sorted(context.recent_history.changes, key=lambda dated: dated.change.after):
        change = dated.change
        risk = volatilities.get((change.venue, change.underlying))
        if risk is None or not since < change.after <= until or change.before_from < earliest:
            continue
        if risk.recent > risk.previous * (1 + context.options["rise"]):
            for draft in _loosenings(change, risk):
                newest[dated.key, draft.margin_type] = draft
    yield from newest.values()


def _loosenings(change: Change, risk: VolatilityRow) -> Iterator[Draft]:
    """Yields a draft per margin type that was reduced."""
    for moved in change.moved:
        if moved.looser:
            ranges = tuple(Interval(lower, upper) for lower, upper in moved.looser)
            yield Draft(
                Verdict.NOT_APPLICABLE,
                Level.WARNING,
                change.venue,
                f"{_fall_text(moved)} between {change.before_day} and {change.after_day}, lower on "
                f"{ranges_text(ranges)}, while realised volatility rose by {percent(risk.recent / risk.previous - 1)}: from "
                f"{percent(risk.previous)} to {percent(risk.recent)} a year, in the 30 days to "
                f"{risk.last[:10]} ({risk.series})",
                symbol=change.symbol,
                profile=change.profile,
                underlying=change.underlying,
                intervals=ranges,
                notional=moved.fall_notional,
                deviation=moved.largest_fall,
                observed_at=change.after,
                observed_from=change.after_from,
                date_kind=change.after_kind,
                margin_type=moved.margin_type,
            )


def _fall_text(moved: MarginChange) -> str:
    name = ABBREVIATIONS[moved.margin_type]
    if moved.largest_fall is None or moved.fall_notional is None:
        return f"{name} was reduced"
    return f"{name} at {dollars(moved.fall_notional)} was reduced by {percent(-moved.largest_fall)}"


CHECK = Check(
    "MH507",
    "loosened-while-risk-rose",
    loosened_while_risk_rose,
    (Option("rise", 0.1, "", "largest rise of volatility that is ignored, as a share"),),
)
