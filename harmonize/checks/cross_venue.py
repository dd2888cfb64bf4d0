"""MH7xx: differences between venues, against the cross-venue limits of a rule set."""

from collections.abc import Callable, Iterator
from datetime import datetime

from harmonize.checks.base import AuditContext, Check, Draft, Option, ranges_text
from harmonize.comparison.index import LOWER, UPPER
from harmonize.core.schedule import value_of
from harmonize.document import (
    ArbitragePoint,
    ArbitrageRow,
    Comparison,
    Interval,
    Level,
    Member,
    Spread,
    Verdict,
)
from harmonize.policy.rule_set import CrossVenueLimits
from harmonize.text.messages import counted, dollars, percent

_SECONDS_PER_DAY = 86_400.0


def gap_above_limit(context: AuditContext) -> Iterator[Draft]:
    """The optimal split of a position requires far less margin than the reference.

    ## What it checks
    The arbitrage gap R(N) − A(N) as a share of the reference margin R(N), at every notional of the
    grid. The rule set states the largest share that it allows. A(N) is the lowest total margin of a
    position split over all venues that are included in the comparison.

    ## Why it matters
    The margin that a position holder can achieve matters, not the margin of one venue. The market
    is as strict as its cheapest combination of venues. The gap is the margin saved by using the
    differences between margin tables.

    ## Formula
    (R(N) − A(N)) / R(N) > limit. One finding per underlying, at the notional with the largest
    share.

    ## Example
    $100,090 by the reference and $3,959 split over three venues: a gap of 96 %.

    ## Citation
    The limit of the rule set; the measure is defined by this tool.
    """
    for name, limits, row in _limited_rows(context):
        if limits.gap is None:
            continue
        largest = _largest_share(row, lambda point: _share(point.gap, point.reference))
        if largest and largest[0] > float(limits.gap):
            share, point = largest
            yield _draft(row, point, name)._replace(
                message=(
                    f"observed margin {dollars(point.optimal_split)} for {dollars(point.notional)} "
                    f"of {row.underlying} split over venues, required "
                    f"{dollars(point.reference or 0.0)} by {name}: arbitrage gap "
                    f"{percent(share)}, limit {percent(float(limits.gap))}; a common margin table "
                    f"would close {dollars(point.divergence or 0.0)} of the gap"
                ),
                observed=point.optimal_split / point.notional,
                required=(point.reference or 0.0) / point.notional,
                deviation=-share,
            )


def single_venue_lowest(context: AuditContext) -> Iterator[Draft]:
    """One venue alone has the lowest margin over most position sizes.

    ## What it checks
    The share of ln N between $10,000 and $10,000,000 on which one venue alone has the lowest
    initial margin. The rule set states the limit. Ranges with the same lowest margin at several
    venues count for none of them.

    ## Why it matters
    Positions gather where margin is lowest. If one venue has the lowest margin at nearly all
    sizes, its margin table determines leverage in the market, and its failure affects all
    participants.

    ## Formula
    Σ ln(upper / lower) of its ranges ÷ ln(10,000,000 / 10,000) > limit.

    ## Example
    MEXC has the lowest margin on BTC from $10,000 to $2.5m: 80 % of the range.

    ## Citation
    The limit of the rule set.
    """
    for name, limits, row in _limited_rows(context):
        spread = _spread_of(context, row)
        if limits.one_cheapest is None or spread is None:
            continue
        for venue, share in ((item.venue, item.share) for item in spread.shares):
            if share > float(limits.one_cheapest):
                ranges = _lowest_alone(spread, venue)
                yield Draft(
                    Verdict.UNDER,
                    Level.INFO,
                    venue,
                    f"this venue alone has the lowest initial margin on {row.underlying} over "
                    f"{percent(share)} of the sizes from {dollars(LOWER)} to {dollars(UPPER)} "
                    f"(logarithmic scale), limit {percent(float(limits.one_cheapest))}: "
                    f"on {ranges_text(ranges)}",
                    underlying=row.underlying,
                    rule_set=name,
                    intervals=ranges,
                    margin_type="initial",
                    subject=row.underlying,
                )


def leverage_above_reference(context: AuditContext) -> Iterator[Draft]:
    """Average leverage of the venues, weighted by capacity, is far above that of the reference.

    ## What it checks
    The mean of the maximum leverage of the venues at every notional of the grid, as a multiple of
    the leverage of the reference. Each venue is weighted by its published capacity. Venues that
    publish no capacity have no weight.

    ## Why it matters
    A venue with 200x up to $10,000 hardly affects the market; a venue with 50x up to $500m does.
    Weights by capacity distinguish the two where open interest is not known.

    ## Formula
    Σ C_v · N/IM_v(N) ÷ Σ C_v ÷ (N/R(N)) > limit. One finding per underlying, at the notional with
    the largest multiple.

    ## Example
    62x on average where the reference allows 10x: 6.2 times.

    ## Citation
    The limit of the rule set.
    """
    capacities = {
        schedule.key: float(capacity)
        for schedule in context.schedules
        if (capacity := value_of(schedule.capacity)) is not None
    }
    leverages = _leverages(context, capacities)
    for name, limits, row in _limited_rows(context):
        if limits.leverage is None:
            continue
        ratios = []
        for point in row.points:
            weighted = leverages.get((row.underlying, name, point.notional), [])
            total = sum(capacity for capacity, _ in weighted)
            if total and point.reference:
                mean = sum(capacity * leverage for capacity, leverage in weighted) / total
                ratio = mean * point.reference / point.notional
                ratios.append((ratio, mean, len(weighted), point))
        largest = max(ratios, default=None, key=lambda item: item[0])
        if largest is not None and largest[0] > float(limits.leverage):
            ratio, mean, venues, point = largest
            yield _draft(row, point, name)._replace(
                message=(
                    f"observed average leverage {mean:.4g}x at {dollars(point.notional)} of "
                    f"{row.underlying} over {counted(venues, 'venue')} with a published capacity, "
                    f"weighted by capacity: {ratio:.3g} times the "
                    f"{point.notional / (point.reference or 1.0):.4g}x of {name}, "
                    f"limit {float(limits.leverage):g} times"
                ),
                observed=1.0 / mean,
                required=(point.reference or 0.0) / point.notional,
                deviation=1.0 / ratio - 1.0,
            )


def spread_above_limit(context: AuditContext) -> Iterator[Draft]:
    """The highest margin of any venue is many times the lowest.

    ## What it checks
    The highest initial margin of any venue over the lowest, at every notional of the grid, against
    the limit of the rule set.

    ## Why it matters
    Differences of this size do not reflect different views of risk. Either the highest margin ties
    up capital without need, or the lowest margin is not sufficient.

    ## Formula
    max IM_v(N) / min IM_v(N) > limit. One finding per underlying, at the notional with the largest
    ratio.

    ## Example
    0.5 % at one venue and 6.7 % at another: 13 times.

    ## Citation
    The limit of the rule set.
    """
    for name, limits, row in _limited_rows(context):
        spread = _spread_of(context, row)
        if limits.spread is None or spread is None:
            continue
        ratios = [(point.highest / point.lowest, point) for point in spread.points if point.lowest]
        ratio, point = max(ratios, default=(0.0, None), key=lambda item: item[0])
        if point is not None and ratio > float(limits.spread):
            yield Draft(
                Verdict.UNDER,
                Level.INFO,
                "",
                f"observed IM at {dollars(point.notional)} of {row.underlying}: highest "
                f"{percent(point.highest / point.notional)} ({', '.join(point.highest_venues)}), "
                f"lowest {percent(point.lowest / point.notional)} "
                f"({', '.join(point.lowest_venues)}): {ratio:.3g} times, "
                f"limit {float(limits.spread):g} times",
                underlying=row.underlying,
                rule_set=name,
                notional=point.notional,
                observed=point.lowest / point.notional,
                required=point.highest / point.notional,
                deviation=1.0 / ratio - 1.0,
                margin_type="initial",
                subject=row.underlying,
            )


def split_saving_high(context: AuditContext) -> Iterator[Draft]:
    """Splitting a position over venues requires far less margin than the best single venue.

    ## What it checks
    The saving of the optimal split over the best single account, at every notional of the grid. The
    saving is a share of the margin of that account, and the rule set states the limit.

    ## Why it matters
    Margin increases with size because large positions are difficult to close. A split position
    avoids this charge and is equally difficult to close; no single venue can observe it.

    ## Formula
    (min_v IM_v(N) − A(N)) / min_v IM_v(N) > limit. One finding per underlying, at the notional
    with the largest share.

    ## Example
    $5,000 at the best single venue and $3,959 split over three: a saving of 21 %.

    ## Citation
    The limit of the rule set.
    """
    for name, limits, row in _limited_rows(context):
        if limits.saving is None:
            continue
        largest = _largest_share(row, lambda point: _share(point.saving, point.best_single))
        if largest and largest[0] > float(limits.saving):
            share, point = largest
            yield _draft(row, point, name)._replace(
                message=(
                    f"observed margin {dollars(point.optimal_split)} for {dollars(point.notional)} "
                    f"of {row.underlying} split over {counted(len(point.allocation), 'account')}, "
                    f"{dollars(point.best_single or 0.0)} in one account at "
                    f"{', '.join(point.best_single_venues)}: saving {percent(share)}, "
                    f"limit {percent(float(limits.saving))}"
                ),
                observed=point.optimal_split / point.notional,
                required=(point.best_single or 0.0) / point.notional,
                deviation=-share,
            )


def index_below_limit(context: AuditContext) -> Iterator[Draft]:
    """The harmonization index of an underlying is low.

    ## What it checks
    The harmonization index of initial and of maintenance margin against a rule set, compared with
    the lowest index that the rule set allows. An index includes at least three venues.

    ## Why it matters
    The index states in one number how far venues are from the reference on average: 50 means a
    factor of two.

    ## Formula
    100·exp(−E|ln(margin / reference)|) < limit. One finding per underlying and margin type.

    ## Example
    14: venues are on average a factor of seven from the reference.

    ## Citation
    The limit of the rule set.
    """
    limits = _limits(context)
    for index in context.indices:
        limit = limits[index.reference].index if index.reference in limits else None
        if limit is not None and index.value < float(limit):
            yield Draft(
                Verdict.UNDER,
                Level.INFO,
                "",
                f"observed harmonization index {index.value:.1f} of {index.margin_type} margin on "
                f"{index.underlying} against {index.reference} over "
                f"{counted(len(index.venues), 'venue')}, required at least {float(limit):g}",
                underlying=index.underlying,
                rule_set=index.reference,
                margin_type=index.margin_type,
                subject=index.underlying,
            )


def observation_dates_differ(context: AuditContext) -> Iterator[Draft]:
    """Cross-venue statistics compare margins that were observed on different dates.

    ## What it checks
    The number of days between the oldest and the newest observation in the comparison of an
    underlying. The check covers underlyings for which a rule set with cross-venue limits has a
    reference.

    ## Why it matters
    Venues change their margin tables every week. A gap between a table of today and a table from
    two years ago may never have existed. No participant could have used it.

    ## Formula
    newest − oldest > `days`, by the earliest and latest possible dates, or an observation without
    an earliest date. One finding per underlying.

    ## Example
    dYdX of August 2024 against Hyperliquid of September 2026.

    ## Citation
    Design rule of this tool: every cross-venue statistic states the dates that it compares.
    """
    limit = context.options["days"]
    for underlying, row in {row.underlying: row for _, _, row in _limited_rows(context)}.items():
        apart = _time_apart(row.oldest, row.newest, limit)
        if apart:
            yield Draft(
                Verdict.NOT_OBSERVABLE,
                Level.INFO,
                "",
                f"cross-venue statistics on {underlying} compare margins observed {apart}, "
                f"limit {limit:g} days: these margins may never have applied at the same time",
                underlying=underlying,
                subject=underlying,
            )


def _time_apart(oldest: str, newest: str, limit: float) -> str:
    """Returns how far apart observations may be, if that is more than ``limit`` days; else empty."""
    if not oldest:
        return f"on dates that are not all known (the newest {newest[:10]})"
    difference = datetime.fromisoformat(newest) - datetime.fromisoformat(oldest)
    if difference.total_seconds() <= limit * _SECONDS_PER_DAY:
        return ""
    return f"{difference.days} days apart ({oldest[:10]} to {newest[:10]})"


def _limits(context: AuditContext) -> dict[str, CrossVenueLimits]:
    """Returns the cross-venue limits of each rule set that has any."""
    limits = {}
    for rule in context.rules:
        cross_venue = rule.applied.rule_set.cross_venue
        if cross_venue is not None:
            limits[rule.applied.rule_set.id] = cross_venue
    return limits


def _limited_rows(context: AuditContext) -> Iterator[tuple[str, CrossVenueLimits, ArbitrageRow]]:
    """Returns rule set, limits and row of every underlying at two venues or more."""
    limits = _limits(context)
    for row in context.arbitrages:
        if row.rule_set in limits and len(row.venues) > 1:
            yield row.rule_set, limits[row.rule_set], row


def _spread_of(context: AuditContext, row: ArbitrageRow) -> Spread | None:
    key = (row.underlying, row.margin_type)
    return next(
        (spread for spread in context.spreads if (spread.underlying, spread.margin_type) == key),
        None,
    )


def _lowest_alone(spread: Spread, venue: str) -> tuple[Interval, ...]:
    """Returns the ranges, cut to the index range, on which one venue alone has the lowest margin."""
    return tuple(
        Interval(max(interval.lower, LOWER), min(interval.upper or UPPER, UPPER))
        for interval in spread.intervals
        if interval.lowest_venues == (venue,)
        and (interval.upper or UPPER) > LOWER
        and interval.lower < UPPER
    )


def _largest_share(
    row: ArbitrageRow, share: Callable[[ArbitragePoint], float | None]
) -> tuple[float, ArbitragePoint] | None:
    """Returns the largest share over the points of a row, and its point; None without a share."""
    shares = [(value, point) for point in row.points if (value := share(point)) is not None]
    return max(shares, default=None, key=lambda item: item[0])


def _share(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None


def _leverages(
    context: AuditContext, capacities: dict[tuple[str, str, str], float]
) -> dict[tuple[str, str, float], list[tuple[float, float]]]:
    """Returns capacity and maximum leverage of every included venue.

    Keys are underlying, rule set and notional.
    """
    members = {
        (comparison.underlying, member.venue, member.symbol, member.profile)
        for comparison in context.comparisons
        for member in _included(comparison)
    }
    leverages: dict[tuple[str, str, float], list[tuple[float, float]]] = {}
    for row in context.divergences:
        key = (row.venue, row.symbol, row.profile)
        if row.margin_type != "initial" or (row.underlying, *key) not in members:
            continue
        for point in row.points:
            if point.margin and key in capacities:
                weighted = (capacities[key], point.notional / point.margin)
                group = (row.underlying, row.rule_set, point.notional)
                leverages.setdefault(group, []).append(weighted)
    return leverages


def _included(comparison: Comparison) -> Iterator[Member]:
    return (member for member in comparison.members if member.included)


def _draft(row: ArbitrageRow, point: ArbitragePoint, rule_set: str) -> Draft:
    return Draft(
        Verdict.UNDER,
        Level.WARNING,
        "",
        "",
        underlying=row.underlying,
        rule_set=rule_set,
        notional=point.notional,
        margin_type=row.margin_type,
        subject=row.underlying,
    )


CHECKS = (
    Check("MH701", "gap-above-limit", gap_above_limit),
    Check("MH702", "single-venue-lowest", single_venue_lowest),
    Check("MH703", "leverage-above-reference", leverage_above_reference),
    Check("MH704", "spread-above-limit", spread_above_limit),
    Check("MH705", "split-saving-high", split_saving_high),
    Check("MH706", "index-below-limit", index_below_limit),
    Check(
        "MH707",
        "observation-dates-differ",
        observation_dates_differ,
        (Option("days", 30, "days", "longest time between the observation dates compared"),),
    ),
)
