"""Tests against past prices as the checks read them: which limits apply, and what a result decides."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import exp, lgamma, log

from harmonize.checks.base import Draft
from harmonize.comparison.applicability import is_covered
from harmonize.comparison.layout import RuleSetLayout
from harmonize.core.schedule import MarginSchedule
from harmonize.document import (
    AdequacyRow,
    ClearingRow,
    CoverageTest,
    DivergenceRow,
    HoldingRow,
    Level,
    Verdict,
)
from harmonize.history.recent import ScheduleKey
from harmonize.policy.rule_set import AdequacyLimits, RuleSet
from harmonize.text.messages import counted, dollars, duration_text, percent

MARGINS = {"buffer": "IM − MM", "maintenance": "MM", "initial": "IM"}
"""Names of the margins of holding times in messages."""

MINUTE = 60

_HOUR = 3_600

_WIDEST_STEP = 2.5
"""Largest ratio of consecutive close-out windows: a position's own window is no longer than this."""

_EVENLY = 3.0
"""A position that shrinks evenly over T is exposed as the whole position is over T / 3."""


def rule_limits(rules: Iterable[RuleSetLayout]) -> Iterator[tuple[RuleSet, AdequacyLimits]]:
    """Yields the rule sets with limits on tests against past prices."""
    for rule in rules:
        rule_set = rule.applied.rule_set
        if rule_set.adequacy is not None:
            yield rule_set, rule_set.adequacy


def limited_rows(
    tests: Iterable[AdequacyRow],
    schedules: Iterable[MarginSchedule],
    rules: Iterable[RuleSetLayout],
    divergences: Iterable[DivergenceRow],
) -> Iterator[tuple[RuleSet, AdequacyLimits, list[AdequacyRow]]]:
    """Yields the rows of each schedule tested, per rule set with limits that applies to it.

    Rows of sizes that the rule set does not cover are excluded.
    """
    by_key: dict[ScheduleKey, list[AdequacyRow]] = {}
    for row in tests:
        by_key.setdefault((row.venue, row.symbol, row.profile), []).append(row)
    if not by_key:
        return
    tested = [schedule for schedule in schedules if schedule.key in by_key]
    outside = {
        (row.rule_set, row.venue, row.symbol, row.profile)
        for row in divergences
        if row.margin_type == "initial" and row.verdict is Verdict.NOT_APPLICABLE
    }
    for rule, limits in rule_limits(rules):
        scope = rule.scope
        for schedule in sorted(tested, key=lambda schedule: schedule.key):
            if (rule.id, *schedule.key) in outside or not is_covered(schedule, scope):
                continue
            rows = [
                row
                for row in by_key[schedule.key]
                if float(scope.above) < row.notional <= float(scope.up_to)
            ]
            if rows:
                yield rule, limits, rows


def holding_of(row: AdequacyRow, margin: str) -> HoldingRow:
    """Returns the holding time of ``buffer`` (IM − MM), ``maintenance`` or ``initial``."""
    return next(own for own in row.holding if own.margin == margin)


def is_shorter(holding: HoldingRow, limit: float) -> bool:
    """Whether a margin is known to hold for less than ``limit`` seconds."""
    if holding.seconds is None or holding.bound == "longer":
        return False
    is_bound = holding.bound == "shorter"
    return holding.seconds < limit or (is_bound and holding.seconds == limit)


def is_undecided(holding: HoldingRow, limit: float) -> bool:
    """Whether a known margin may hold for less or for more than ``limit`` seconds."""
    if holding.rate is None:
        return False
    if holding.seconds is None:
        return True
    return (holding.bound == "shorter" and holding.seconds > limit) or (
        holding.bound == "longer" and holding.seconds < limit
    )


def shortest_first(holding: HoldingRow) -> tuple[bool, float]:
    """Returns a sort key by which times below the shortest measured one come first."""
    return holding.bound != "shorter", holding.seconds or 0.0


def breach_rate(test: CoverageTest) -> float:
    """Returns the share of moves above the margin; 0 if it is not observable."""
    return test.breach_rate or 0.0


def is_tested(row: AdequacyRow, test: CoverageTest) -> bool:
    """Whether windows are known and not much longer than the close-out, or of an hour at most."""
    if test.breach_rate is None:
        return False
    return test.seconds <= max(_HOUR, _WIDEST_STEP * (row.close_out_seconds or 0.0))


def clearing_tests(
    rows: Iterable[AdequacyRow], days: int
) -> Iterator[tuple[AdequacyRow, ClearingRow]]:
    """Yields the tests of IM over a number of days that have a result."""
    for row in rows:
        for part in row.clearing:
            if part.days == days and part.test.breach_rate is not None:
                yield row, part


def exceeds(test: CoverageTest, share: Decimal) -> bool:
    """Whether breaches are a larger share of the moves than ``share``, without rounding."""
    if test.breaches is None or not test.observations:
        return False
    return test.breaches > share * test.observations


def is_below(
    test: CoverageTest, days: int, required: Decimal, significance: Decimal | None
) -> bool:
    """Whether a coverage is below ``required``, less probable by chance than ``significance``.

    Moves over several days overlap; as many are counted as do not.
    """
    if test.breaches is None or not test.observations or not exceeds(test, 1 - required):
        return False
    if significance is None:
        return True
    chance = binomial_tail(test.breaches // days, test.observations // days, float(1 - required))
    return chance < float(significance)


def binomial_tail(least: int, trials: int, rate: float) -> float:
    """Returns the probability of at least so many events in independent trials at a rate."""
    if least <= 0:
        return 1.0
    below = sum(
        exp(
            lgamma(trials + 1)
            - lgamma(events + 1)
            - lgamma(trials - events + 1)
            + events * log(rate)
            + (trials - events) * log(1 - rate)
        )
        for events in range(least)
    )
    return max(0.0, 1.0 - below)


def is_clustered(part: ClearingRow, limit: float) -> bool:
    """Whether breaches are more frequent after a breach, with a p-value below ``limit``."""
    if part.christoffersen is None or part.after_breach is None or part.after_calm is None:
        return False
    return part.christoffersen < limit and part.after_breach > part.after_calm


@dataclass(frozen=True, slots=True)
class Growth:
    """Growth of MM between two sizes, as a power of time; ``base`` is the time where it begins."""

    small: AdequacyRow
    large: AdequacyRow
    base: float
    exponent: float


def size_growths(rows: Iterable[AdequacyRow]) -> Iterator[Growth]:
    """Yields the growth of MM from the smallest size of each side to the larger ones."""
    by_side: dict[str, list[AdequacyRow]] = {}
    for row in rows:
        if row.maintenance is not None and row.close_out_seconds is not None:
            by_side.setdefault(row.side, []).append(row)
    for own in by_side.values():
        small, *others = sorted(own, key=lambda row: row.notional)
        base = _base_time(small)
        for large in others if base else ():
            time = (large.close_out_seconds or 0.0) / _EVENLY
            if time > base:
                ratio = (large.maintenance or 0.0) / (small.maintenance or 1.0)
                yield Growth(small, large, base, log(ratio) / log(time / base))


def _base_time(small: AdequacyRow) -> float:
    """Returns the time in seconds beyond which MM has to grow; 0 if it is not known."""
    holding = holding_of(small, "maintenance")
    if holding.seconds is None or holding.bound == "longer":
        return 0.0
    return max(holding.seconds, (small.close_out_seconds or 0.0) / _EVENLY)


def untestable_limits(
    limits: AdequacyLimits,
) -> Iterator[tuple[str, Callable[[list[AdequacyRow]], bool]]]:
    """Yields, per limit that is set, its name and whether no row of a schedule has a result."""
    for margin, minutes in limits.minutes.items():
        if minutes is not None:
            yield (
                f"the time over which {MARGINS[margin]} holds",
                _all_undecided(margin, float(minutes) * MINUTE),
            )
    if limits.close_out_share is not None:
        yield "the close-out", _none_tested(lambda row: row.every_window)
    if limits.liquidation_share is not None:
        yield "the close-out after a liquidation", _none_tested(lambda row: row.after_liquidation)
    for days, coverage in limits.coverage.items():
        if coverage is not None:
            yield f"coverage over {counted(days, 'day')}", _none_covered(days)
    if limits.size_exponent is not None:
        yield "the charge for size", _has_no_volume


def _all_undecided(margin: str, limit: float) -> Callable[[list[AdequacyRow]], bool]:
    def is_untested(rows: list[AdequacyRow]) -> bool:
        known = [own for row in rows if (own := holding_of(row, margin)).rate is not None]
        return bool(known) and all(is_undecided(own, limit) for own in known)

    return is_untested


def _none_tested(
    test_of: Callable[[AdequacyRow], CoverageTest],
) -> Callable[[list[AdequacyRow]], bool]:
    def is_untested(rows: list[AdequacyRow]) -> bool:
        known = [row for row in rows if row.maintenance is not None]
        return bool(known) and not any(is_tested(row, test_of(row)) for row in known)

    return is_untested


def _none_covered(days: int) -> Callable[[list[AdequacyRow]], bool]:
    def is_untested(rows: list[AdequacyRow]) -> bool:
        return any(row.initial is not None for row in rows) and not list(clearing_tests(rows, days))

    return is_untested


def _has_no_volume(rows: list[AdequacyRow]) -> bool:
    known = [row for row in rows if row.maintenance is not None]
    return bool(known) and all(row.close_out_seconds is None for row in known)


def draft_of(row: AdequacyRow, rule: RuleSet) -> Draft:
    """Returns a draft about a position; only falling short of a law is a breach."""
    return Draft(
        Verdict.BREACH if rule.statutory else Verdict.UNDER,
        Level.WARNING,
        row.venue,
        "",
        symbol=row.symbol,
        profile=row.profile,
        underlying=row.underlying,
        rule_set=rule.id,
        notional=row.notional,
        observed_at=row.observed_at,
        observed_from=row.observed_from,
        date_kind=row.date_kind,
    )


def position_text(row: AdequacyRow) -> str:
    """Returns side and size: ``a long position of $10,000``."""
    return f"a {row.side} position of {dollars(row.notional)}"


def time_text(holding: HoldingRow) -> str:
    """Returns a known holding time: ``12 minutes`` or ``under 15 minutes``."""
    text = duration_text(holding.seconds or 0.0)
    return f"under {text}" if holding.bound == "shorter" else text


def worst_text(test: CoverageTest) -> str:
    """Names the prices, their days and the worst breach."""
    span = f"{test.series} from {test.first[:10]} to {test.last[:10]}"
    if not test.worst:
        return span
    breach = test.worst[0]
    return f"{span}, worst {percent(breach.loss)} at {breach.end[:16].replace('T', ' ')} UTC"
