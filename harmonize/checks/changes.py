"""MH6xx: changes of margins between observations, and the frequency of observations."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from harmonize.checks.base import (
    ABBREVIATIONS,
    AuditContext,
    Check,
    Draft,
    Option,
    first_names,
    ranges_text,
)
from harmonize.core.date_precision import DateKind
from harmonize.document import DivergenceRow, Interval, Level, Verdict
from harmonize.document.change import ChangeKind, MarginChange, NotionalRange
from harmonize.history.recent import RECENT_DAYS, DatedChange, UnchangedSchedule
from harmonize.text.messages import counted, dollars, iso_utc, percent

_MARGIN_CHANGES = frozenset({ChangeKind.TIGHTER, ChangeKind.LOOSER, ChangeKind.MIXED})
_BELOW_REQUIREMENT = frozenset({Verdict.UNDER, Verdict.BREACH})
_INFINITY = float("inf")


def large_tightening(context: AuditContext) -> Iterator[Draft]:
    """A margin increased sharply from one observation to the next.

    ## What it checks
    The largest increase of IM and of MM at any notional, for every schedule that changed in the
    last days before the audit. Increases are computed exactly on the pieces of the margin
    functions, and the effect of price changes is removed.

    ## Why it matters
    A sudden increase is a margin call on every holder of such a position. A holder who cannot pay
    is liquidated, and liquidations move the price. Small early increases do less harm than one
    large late increase.

    ## Formula
    max over N of after(N) / before(N) − 1 ≥ `rise`.

    ## Example
    IM at $1,000,000 increases from 5 % to 10 % between two nights: an increase of 100 %.

    ## Citation
    CPMI-IOSCO, Public quantitative disclosure standards for central counterparties (2015), 6.5 and
    6.9; Murphy, Vasios and Vause, Bank of England FSP 29 (2014). The threshold is set by this
    tool.
    """
    for dated in _recent_changes(context):
        for change in dated.change.moved:
            rise, notional = change.largest_rise, change.rise_notional
            if rise is None or notional is None or rise < context.options["rise"]:
                continue
            yield _draft(dated, change, change.tighter)._replace(
                level=Level.WARNING,
                notional=notional,
                deviation=rise,
                message=(
                    f"{ABBREVIATIONS[change.margin_type]} at {dollars(notional)} increased by "
                    f"{percent(rise)} {_between(dated)}; "
                    f"higher on {ranges_text(_intervals(change.tighter))}"
                ),
            )


def loosened_below_reference(context: AuditContext) -> Iterator[Draft]:
    """A margin was reduced and is now below the requirement of a rule set.

    ## What it checks
    The position sizes with a lower margin than before, against the sizes with a margin below the
    requirement of a rule set. The check covers every schedule that changed in the last days before
    the audit.

    ## Why it matters
    A venue that reduces margin below the reference takes risk that it did not take before. A race
    to the bottom appears here first.

    ## Formula
    {N : after(N) < before(N)} ∩ {N : after(N) below the requirement less its tolerance} ≠ ∅.

    ## Example
    MM is reduced from 2 % to 1 % up to $250,000, where the reference requires 1.5 %.

    ## Citation
    The requirement of the rule set; the measure is defined by this tool.
    """
    below_requirement: dict[tuple[str, str, str, str], list[DivergenceRow]] = {}
    for row in context.divergences:
        if row.verdict in _BELOW_REQUIREMENT:
            key = (row.venue, row.symbol, row.profile, row.margin_type)
            below_requirement.setdefault(key, []).append(row)
    for dated in _recent_changes(context):
        for change in dated.change.moved:
            for row in below_requirement.get((*dated.key, change.margin_type), ()):
                intervals = _intersection(_intervals(change.looser), row.under)
                if intervals:
                    yield _draft(dated, change, change.looser)._replace(
                        verdict=row.verdict,
                        level=Level.WARNING,
                        rule_set=row.rule_set,
                        intervals=intervals,
                        deviation=row.lowest,
                        message=(
                            f"{ABBREVIATIONS[change.margin_type]} was reduced "
                            f"{_between(dated)} and is below the requirement of {row.rule_set} "
                            f"on {ranges_text(intervals)}"
                        ),
                    )


def undated_change(context: AuditContext) -> Iterator[Draft]:
    """A venue changed margins without publishing from when the new margins apply.

    ## What it checks
    Whether the payloads of changed schedules contain an effective time. The check covers schedules
    whose margins changed in the last days before the audit.

    ## Why it matters
    Position holders and auditors can only determine between which two observations a margin
    changed. A notice elsewhere may state the time; the published interface does not.

    ## Formula
    Number of schedules that changed without an effective time. One finding per venue.

    ## Example
    A tier table that differs from the previous night's and contains no date.

    ## Citation
    CPMI-IOSCO, Principles for financial market infrastructures (2012), Principle 23: rules and key
    procedures, and changes to them, are disclosed.
    """
    undated: dict[str, list[DatedChange]] = {}
    for dated in _recent_changes(context):
        if dated.change.kind in _MARGIN_CHANGES and not dated.effective_from:
            undated.setdefault(dated.change.venue, []).append(dated)
    for venue, changes in sorted(undated.items()):
        symbols = [dated.change.symbol for dated in changes]
        yield Draft(
            Verdict.NOT_OBSERVABLE,
            Level.INFO,
            venue,
            f"{counted(len(changes), 'schedule')} changed {_between(changes[0])} without a "
            f"published effective time: {first_names(symbols, 3)}",
            observed_at=changes[0].change.after,
        )


def tightened_in_stress(context: AuditContext) -> Iterator[Draft]:
    """A venue increased margins around a period of market stress.

    ## What it checks
    Schedules that tightened between two observations around a stress window, over the whole
    history that was read. Stress windows are measured from prices, by the rule stated in the file
    that lists them. Only observations with exact dates at most 31 days apart count: otherwise the
    time of the tightening relative to the window is not known.

    ## Why it matters
    Margin that increases when prices fall adds to the fall: it is procyclical. Margin that was
    increased before stress need not be increased during it.

    ## Formula
    Number of schedules that became tighter, or mixed, between observations a < b with
    (a, b] ∩ window ≠ ∅, where a and b are exact and b − a ≤ 31 days. One finding per venue, stress
    window and pair of observation dates. The change may have come before or after the window: the
    message states both dates.

    ## Example
    12 schedules of Binance tightened between 2025-10-02 and 2025-10-16, around the stress window of
    2025-10-10.

    ## Citation
    BCBS-CPMI-IOSCO, Review of margining practices (2022); EU 153/2013 Art 28.
    """
    for stress in context.recent_history.in_stress:
        yield Draft(
            Verdict.NOT_APPLICABLE,
            Level.INFO,
            stress.venue,
            f"{counted(stress.tightened, 'schedule')} tightened between {stress.since[:10]} and "
            f"{stress.until[:10]}, around the stress window of {stress.first} ({stress.window}); "
            f"largest increase {percent(stress.largest)}, of {stress.symbol}",
            deviation=stress.largest,
            observed_at=stress.until,
            subject=f"{stress.first} {stress.since[:10]} {stress.until[:10]}",
        )


def long_unchanged(context: AuditContext) -> Iterator[Draft]:
    """Schedules have not changed for a very long time.

    ## What it checks
    The time from the last observed change of every schedule in force to the newest observation of
    its venue that has an exact date. The time starts at the first observation if no change was
    observed. Where that date is an upper bound, the schedule is unchanged for at least this time.

    ## Why it matters
    Volatility and liquidity change. A margin table that does not change is either very
    conservative or not maintained.

    ## Formula
    newest observation − last change > `days`. One finding per venue.

    ## Example
    42 of 60 schedules unchanged for more than 365 days, the longest since 2024-02-11.

    ## Citation
    EU 153/2013 Art 28 and CFTC § 39.13(g): margins are reviewed regularly. The threshold is set by
    this tool.
    """
    newest = {
        venue: max(times) for venue, times in context.recent_history.observed.items() if times
    }
    limit = timedelta(days=context.options["days"])
    unchanged: dict[str, list[UnchangedSchedule]] = {}
    totals: Counter[str] = Counter()
    for schedule in context.recent_history.unchanged:
        totals[schedule.venue] += 1
        if schedule.venue in newest and newest[schedule.venue] - schedule.since > limit:
            unchanged.setdefault(schedule.venue, []).append(schedule)
    for venue, schedules in sorted(unchanged.items()):
        longest = min(schedules, key=lambda schedule: (schedule.since, schedule.symbol))
        yield Draft(
            Verdict.NOT_APPLICABLE,
            Level.INFO,
            venue,
            f"{len(schedules):,} of {counted(totals[venue], 'schedule')} unchanged for more than "
            f"{context.options['days']:g} days up to {newest[venue]:%Y-%m-%d}; longest unchanged: "
            f"{longest.symbol}, since {longest.since_day}",
            observed_at=iso_utc(newest[venue]),
        )


def observations_missed(context: AuditContext) -> Iterator[Draft]:
    """A venue that is observed regularly was not observed for some time.

    ## What it checks
    The time between consecutive observations of a venue in the last days before its newest
    observation, and from the newest observation to the audit. Only observations with an exact date
    count. The check applies only to venues with enough observations in these days.

    ## Why it matters
    A change that was made and reversed between two observations is never observed. A history with
    unreported interruptions is not reliable evidence later.

    ## Formula
    b − a > `hours` for consecutive observations a < b. One finding per venue.

    ## Example
    No observation from 2026-03-04 01:15 to 2026-03-07 01:15: two nights missed.

    ## Citation
    Design rule of this tool: periods without an observation are reported.
    """
    options = context.options
    longest_allowed = timedelta(hours=options["hours"])
    for venue, times in sorted(context.recent_history.observed.items()):
        newest = max((time for time in times if time <= context.as_of), default=context.as_of)
        since = newest - timedelta(days=min(options["days"], RECENT_DAYS))
        observations = sorted(time for time in times if since <= time <= newest)
        if len(observations) < options["least"]:
            continue
        interruptions = [
            (start, end)
            for start, end in pairwise([*observations, context.as_of])
            if end - start > longest_allowed
        ]
        if interruptions:
            start, end = max(interruptions, key=lambda times: times[1] - times[0])
            yield Draft(
                Verdict.NOT_OBSERVABLE,
                Level.WARNING,
                venue,
                f"{counted(len(interruptions), 'period')} of more than {options['hours']:g} hours "
                f"without an observation in {options['days']:g} days; longest from "
                f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC",
                observed_at=iso_utc(observations[-1]),
            )


def _recent_changes(context: AuditContext) -> Iterator[DatedChange]:
    """Returns the changes observed in the last days before the audit."""
    days = min(context.options["days"], RECENT_DAYS)
    since = iso_utc(context.as_of - timedelta(days=days))
    until = iso_utc(context.as_of)
    for dated in context.recent_history.changes:
        if since < dated.change.after <= until:
            yield dated


def _draft(
    dated: DatedChange, margin_change: MarginChange, ranges: tuple[NotionalRange, ...]
) -> Draft:
    change = dated.change
    return Draft(
        Verdict.NOT_APPLICABLE,
        Level.INFO,
        change.venue,
        "",
        symbol=change.symbol,
        profile=change.profile,
        underlying=change.underlying,
        intervals=_intervals(ranges),
        observed_at=change.after,
        margin_type=margin_change.margin_type,
    )


def _intervals(ranges: tuple[NotionalRange, ...]) -> tuple[Interval, ...]:
    return tuple(Interval(lower, upper) for lower, upper in ranges)


def _intersection(
    first: tuple[Interval, ...], second: tuple[Interval, ...]
) -> tuple[Interval, ...]:
    """Returns the notionals that lie in an interval of both tuples."""
    intervals = []
    for left in first:
        for right in second:
            lower = max(left.lower, right.lower)
            upper = min(_upper(left), _upper(right))
            if lower < upper:
                intervals.append(Interval(lower, None if upper == _INFINITY else upper))
    return tuple(intervals)


def _upper(interval: Interval) -> float:
    return _INFINITY if interval.upper is None else interval.upper


def _between(dated: DatedChange) -> str:
    """Names the two observations around a change by their days, as far as these are known."""
    change = dated.change
    if {change.before_kind, change.after_kind} == {DateKind.EXACT.value}:
        return f"between {change.before_day} and {change.after_day}"
    return f"between the observations of {change.before_day} and of {change.after_day}"


_DAYS = Option(
    "days", 2, "days", "longest time from the observation of a change to the audit, 31 at most"
)

CHECKS = (
    Check(
        "MH601",
        "large-tightening",
        large_tightening,
        (_DAYS, Option("rise", 0.25, "", "smallest increase, as a share of the margin before")),
    ),
    Check("MH602", "loosened-below-reference", loosened_below_reference, (_DAYS,)),
    Check("MH603", "undated-change", undated_change, (_DAYS,)),
    Check("MH604", "tightened-in-stress", tightened_in_stress),
    Check(
        "MH605",
        "long-unchanged",
        long_unchanged,
        (Option("days", 365, "days", "longest time that a schedule may stay unchanged"),),
    ),
    Check(
        "MH606",
        "observations-missed",
        observations_missed,
        (
            Option(
                "days",
                30,
                "days",
                "length of the period before the newest observation of a venue, 31 at most",
            ),
            Option("hours", 36, "hours", "longest time between consecutive observations"),
            Option("least", 10, "observations", "smallest number of observations of a venue"),
        ),
    ),
)
