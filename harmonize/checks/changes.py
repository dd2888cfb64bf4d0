"""MH6xx: what changed since the observation before, how far, and how often a venue is observed."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from harmonize.checks.base import AuditContext, Check, Draft, Option, ranges_text
from harmonize.document import DivergenceRow, Interval, Level, Verdict
from harmonize.document.change import ChangeKind, MarginChange, Range
from harmonize.history.recent import DAYS, Dated
from harmonize.text.messages import counted, dollars, moment, percent

_FIGURES = {"initial": "IM", "maintenance": "MM"}
_MOVED = frozenset({ChangeKind.TIGHTER, ChangeKind.LOOSER, ChangeKind.MIXED})
_SHORT = frozenset({Verdict.UNDER, Verdict.BREACH})


def large_tightening(examined: AuditContext) -> Iterator[Draft]:
    """A margin rose by much from one observation to the next.

    ## What it checks
    Every schedule that changed in the last days before the audit: the largest rise of IM and of MM
    at any notional, found on the pieces, with changes of price taken out.

    ## Why it matters
    A rise overnight is a margin call on everyone who holds such a position: who cannot pay is
    liquidated, and liquidations move the price. Small steps early do less harm than a large one late.

    ## Formula
    max over N of after(N) / before(N) − 1 ≥ rise.

    ## Example
    IM at $1,000,000 rises from 5 % to 10 % between two nights: a rise of 100 %.

    ## Citation
    CPMI-IOSCO, Public quantitative disclosure standards for central counterparties (2015), 6.5 and
    6.9; Murphy, Vasios and Vause, Bank of England FSP 29 (2014). The threshold is this tool's.
    """
    for dated in _recent(examined):
        for moved in dated.change.moved:
            rise, at = moved.largest_rise, moved.rise_notional
            if rise is None or at is None or rise < examined.options["rise"]:
                continue
            yield _about(dated, moved, moved.tighter)._replace(
                level=Level.WARNING,
                notional=at,
                divergence=rise,
                message=(
                    f"{_FIGURES[moved.margin_type]} at {dollars(at)} rose by {percent(rise)} between "
                    f"{_span(dated)}; higher on {ranges_text(_intervals(moved.tighter))}"
                ),
            )


def loosened_below_reference(examined: AuditContext) -> Iterator[Draft]:
    """A margin was lowered, and is now below what a rule set asks.

    ## What it checks
    Every schedule that changed in the last days before the audit: the sizes on which it asks less
    than before, against those on which it asks less than a rule set allows.

    ## Why it matters
    A venue that lowers margin below the reference takes risk that it did not take the night before.
    This is where a race to the bottom shows first.

    ## Formula
    {N : after(N) < before(N)} ∩ {N : after(N) below the requirement less its tolerance} ≠ ∅.

    ## Example
    MM from 2 % to 1 % up to $250,000, where the reference asks 1.5 %.

    ## Citation
    The rule set's own requirement; the measure is this tool's.
    """
    short: dict[tuple[str, str, str, str], list[DivergenceRow]] = {}
    for row in examined.divergences:
        if row.verdict in _SHORT:
            key = (row.venue, row.symbol, row.profile, row.margin_type)
            short.setdefault(key, []).append(row)
    for dated in _recent(examined):
        one = dated.change
        for moved in one.moved:
            for row in short.get((one.venue, one.symbol, one.profile, moved.margin_type), ()):
                both = _overlap(_intervals(moved.looser), row.under)
                if both:
                    yield _about(dated, moved, moved.looser)._replace(
                        verdict=row.verdict,
                        level=Level.WARNING,
                        rule_set=row.rule_set,
                        intervals=both,
                        divergence=row.lowest,
                        message=(
                            f"{_FIGURES[moved.margin_type]} was lowered between {_span(dated)} and is "
                            f"below what {row.rule_set} asks on {ranges_text(both)}"
                        ),
                    )


def silent_change(examined: AuditContext) -> Iterator[Draft]:
    """A venue changed margins and does not say since when.

    ## What it checks
    Whether the payloads of schedules whose margins changed in the last days before the audit name a
    time from which they hold.

    ## Why it matters
    Holders and auditors can only say between which two observations a margin changed. A notice
    elsewhere may name the time; what the interface publishes does not.

    ## Formula
    One finding a venue: how many schedules changed without a time.

    ## Example
    A table of tiers that differs from last night's, and holds no date.

    ## Citation
    CPMI-IOSCO, Principles for financial market infrastructures (2012), principle 23: rules and key
    procedures are disclosed, and changes to them.
    """
    silent: dict[str, list[Dated]] = {}
    for dated in _recent(examined):
        if dated.change.kind in _MOVED and not dated.effective_from:
            silent.setdefault(dated.change.venue, []).append(dated)
    for venue, found in sorted(silent.items()):
        named = ", ".join(one.change.symbol for one in found[:3])
        rest = f" and {len(found) - 3} more" if len(found) > 3 else ""  # noqa: PLR2004 - as named
        yield Draft(
            Verdict.NOT_OBSERVABLE,
            Level.INFO,
            venue,
            f"{counted(len(found), 'schedule')} changed between {_span(found[0])} without a time "
            f"from which the change holds: {named}{rest}",
            observed_at=found[0].change.after,
        )


def tightened_in_stress(examined: AuditContext) -> Iterator[Draft]:
    """A venue raised margins about a time of market stress.

    ## What it checks
    All the history that was read: schedules that became tighter between two observations that lie
    about a window of stress. Windows are measured from prices, by the rule that the file states.

    ## Why it matters
    Margin that rises when prices fall adds to the fall: it is procyclical. What is raised before
    stress need not be raised in it.

    ## Formula
    Schedules that became tighter, or mixed, between observations a < b with (a, b] ∩ window ≠ ∅. One
    finding a venue and window. Where observations lie far apart, the change may have come before the
    window or after it: both dates are named.

    ## Example
    124 schedules of Binance tightened between 2022-09-27 and 2022-11-25, about the window of 2022-11-08.

    ## Citation
    BCBS-CPMI-IOSCO, Review of margining practices (2022); EU 153/2013 Art 28.
    """
    for one in examined.lately.in_stress:
        yield Draft(
            Verdict.NOT_APPLICABLE,
            Level.INFO,
            one.venue,
            f"{counted(one.tightened, 'schedule')} tightened between {one.since[:10]} and "
            f"{one.until[:10]}, about the stress of {one.first} ({one.window}); most {one.symbol}, "
            f"by {percent(one.largest)}",
            divergence=one.largest,
            observed_at=one.until,
            subject=f"{one.first} {one.since[:10]} {one.until[:10]}",
        )


def long_unchanged(examined: AuditContext) -> Iterator[Draft]:
    """Schedules stand as they were for very long.

    ## What it checks
    For every schedule in force, the time from the last change that was seen (or from when it was
    first seen) to the venue's newest observation.

    ## Why it matters
    Volatility and liquidity move. A table that does not is either very conservative or forgotten.

    ## Formula
    newest observation − last change > days. One finding a venue.

    ## Example
    42 of 60 schedules unchanged for more than 365 days, the longest since 2024-02-11.

    ## Citation
    EU 153/2013 Art 28 and CFTC § 39.13(g): margins are reviewed regularly; the threshold is this tool's.
    """
    newest = {venue: max(times) for venue, times in examined.lately.observed.items() if times}
    limit = timedelta(days=examined.options["days"])
    by_venue: dict[str, list[tuple[datetime, str]]] = {}
    total: dict[str, int] = {}
    for one in examined.lately.unchanged:
        total[one.venue] = total.get(one.venue, 0) + 1
        if one.venue in newest and newest[one.venue] - one.since > limit:
            by_venue.setdefault(one.venue, []).append((one.since, one.symbol))
    for venue, found in sorted(by_venue.items()):
        since, symbol = min(found)
        yield Draft(
            Verdict.NOT_APPLICABLE,
            Level.INFO,
            venue,
            f"{len(found):,} of {counted(total[venue], 'schedule')} unchanged for more than "
            f"{examined.options['days']:g} days up to {newest[venue]:%Y-%m-%d}; the longest, "
            f"{symbol}, since {since:%Y-%m-%d}",
            observed_at=moment(newest[venue]),
        )


def missed_nights(examined: AuditContext) -> Iterator[Draft]:
    """A venue that is observed every night was not, on some.

    ## What it checks
    The time between neighbouring observations of a venue in the last days before its newest one, and from
    that one to the audit. Asked only of venues that were observed often enough in those days.

    ## Why it matters
    What changed and changed back on a night that was missed was never seen. A history with holes that
    nobody notices cannot be believed later.

    ## Formula
    b − a > hours for neighbouring observations a < b. One finding a venue.

    ## Example
    No observation from 2026-03-04 01:15 to 2026-03-07 01:15: two nights missed.

    ## Citation
    Design rule of this tool: what was not observed is shown as such.
    """
    options = examined.options
    longest = timedelta(hours=options["hours"])
    for venue, times in sorted(examined.lately.observed.items()):
        newest = max((one for one in times if one <= examined.as_of), default=examined.as_of)
        since = newest - timedelta(days=min(options["days"], DAYS))
        seen = sorted(one for one in times if since <= one <= newest)
        if len(seen) < options["least"]:
            continue
        gaps = [(a, b) for a, b in pairwise([*seen, examined.as_of]) if b - a > longest]
        if gaps:
            begun, ended = max(gaps, key=lambda gap: gap[1] - gap[0])
            yield Draft(
                Verdict.NOT_OBSERVABLE,
                Level.WARNING,
                venue,
                f"not observed for more than {options['hours']:g} hours {_times(len(gaps))} in "
                f"{options['days']:g} days; longest from {begun:%Y-%m-%d %H:%M} to "
                f"{ended:%Y-%m-%d %H:%M} UTC",
                observed_at=moment(seen[-1]),
            )


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _recent(examined: AuditContext) -> Iterator[Dated]:
    """Changes that were observed in the last days before the audit."""
    days = min(examined.options["days"], DAYS)
    since = moment(examined.as_of - timedelta(days=days))
    upto = moment(examined.as_of)
    for one in examined.lately.changes:
        if since < one.change.after <= upto:
            yield one


def _about(dated: Dated, moved: MarginChange, ranges: tuple[Range, ...]) -> Draft:
    one = dated.change
    return Draft(
        Verdict.NOT_APPLICABLE,
        Level.INFO,
        one.venue,
        "",
        symbol=one.symbol,
        profile=one.profile,
        underlying=one.underlying,
        intervals=_intervals(ranges),
        observed_at=one.after,
        figure=moved.margin_type,
    )


def _intervals(ranges: tuple[Range, ...]) -> tuple[Interval, ...]:
    return tuple(Interval(lower, upper) for lower, upper in ranges)


def _overlap(ranges: tuple[Interval, ...], others: tuple[Interval, ...]) -> tuple[Interval, ...]:
    """Where both hold."""
    end = float("inf")
    found = []
    for one in ranges:
        for other in others:
            lower = max(one.lower, other.lower)
            upper = min(
                end if one.upper is None else one.upper, end if other.upper is None else other.upper
            )
            if lower < upper:
                found.append(Interval(lower, None if upper == end else upper))
    return tuple(found)


def _span(dated: Dated) -> str:
    return f"{dated.change.before[:10]} and {dated.change.after[:10]}"


_DAYS = Option(
    "days", 2, "days", "how far before the audit a change may have been observed, 31 at most"
)

CHECKS = (
    Check(
        "MH601",
        "large-tightening",
        large_tightening,
        (_DAYS, Option("rise", 0.25, "", "the least rise, as a share of the margin before")),
    ),
    Check("MH602", "loosened-below-reference", loosened_below_reference, (_DAYS,)),
    Check("MH603", "silent-change", silent_change, (_DAYS,)),
    Check("MH604", "tightened-in-stress", tightened_in_stress),
    Check(
        "MH605",
        "long-unchanged",
        long_unchanged,
        (Option("days", 365, "days", "how long a schedule may stand unchanged"),),
    ),
    Check(
        "MH606",
        "missed-nights",
        missed_nights,
        (
            Option(
                "days",
                30,
                "days",
                "how far before its newest observation a venue is looked at, 31 at most",
            ),
            Option("hours", 36, "hours", "how far apart two observations may lie"),
            Option("least", 10, "observations", "how often a venue was observed to be asked about"),
        ),
    ),
)
