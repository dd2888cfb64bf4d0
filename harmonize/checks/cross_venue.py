"""MH7xx: what do differences between venues allow, by the limits that a rule set sets?"""

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
from harmonize.policy.rule_set import CrossVenue
from harmonize.text.messages import counted, dollars, percent


def gap_above_limit(examined: AuditContext) -> Iterator[Draft]:
    """The cheapest split of a position asks far less than the reference.

    ## What it checks
    At every notional of the ladder, the arbitrage gap R(N) − A(N) as a share of the reference R(N),
    against the largest share that the rule set allows. A(N) is the least total margin of a position
    split over all venues that count.

    ## Why it matters
    What a holder can do matters, not what one venue asks: the market is as strict as its cheapest
    combination. The gap is what the difference between tables is worth to whoever uses it.

    ## Formula
    (R(N) − A(N)) / R(N) > limit. One finding an underlying, at the notional where it is worst.

    ## Example
    $100,090 by the reference, $3,959 over three venues: a gap of 96 %.

    ## Citation
    The rule set's own limit; the measure is this tool's.
    """
    for name, limits, row in _rows(examined):
        if limits.gap is not None:
            worst = _worst(row, lambda one: _share(one.gap, one.reference))
            if worst and worst[0] > float(limits.gap):
                share, point = worst
                yield _of(row, point, name)._replace(
                    message=(
                        f"a position of {dollars(point.notional)} in {row.underlying} split over "
                        f"venues needs {dollars(point.optimal_split)} where {name} asks "
                        f"{dollars(point.reference or 0.0)}: a gap of {percent(share)}, more than "
                        f"{percent(float(limits.gap))}; {dollars(point.divergence or 0.0)} of it "
                        "would be closed by a common table"
                    ),
                    observed=point.optimal_split / point.notional,
                    required=(point.reference or 0.0) / point.notional,
                    divergence=-share,
                )


def one_venue_cheapest(examined: AuditContext) -> Iterator[Draft]:
    """One venue alone asks least over most sizes of position.

    ## What it checks
    The share of ln N between $10,000 and $10,000,000 on which one venue alone asks the least initial
    margin, against the rule set's limit. Stretches where several ask the same count for none.

    ## Why it matters
    Positions gather where margin is least. If one venue is the cheapest nearly everywhere, its table
    is the one that sets leverage in the market, and its failure is everybody's.

    ## Formula
    Σ ln(upper / lower) of its stretches ÷ ln(10,000,000 / 10,000) > limit.

    ## Example
    MEXC asks least from $10,000 to $2.5m on BTC: 80 % of the range.

    ## Citation
    The rule set's own limit.
    """
    for name, limits, row in _rows(examined):
        found = _gap(examined, row)
        if limits.one_cheapest is None or found is None:
            continue
        for venue, share in ((one.venue, one.share) for one in found.shares):
            if share > float(limits.one_cheapest):
                held = [
                    one
                    for one in found.intervals
                    if one.lowest_venues == (venue,) and (one.upper or UPPER) > LOWER
                ]
                ranges = tuple(_clipped(one.lower, one.upper) for one in held if one.lower < UPPER)
                yield Draft(
                    Verdict.UNDER,
                    Level.INFO,
                    venue,
                    f"asks the least initial margin on {row.underlying}, alone, over {percent(share)} "
                    f"of the sizes from {dollars(LOWER)} to {dollars(UPPER)} (on a logarithmic scale), "
                    f"more than {percent(float(limits.one_cheapest))}: on {ranges_text(ranges)}",
                    underlying=row.underlying,
                    rule_set=name,
                    intervals=ranges,
                    figure="initial",
                    subject=row.underlying,
                )


def leverage_above_reference(examined: AuditContext) -> Iterator[Draft]:
    """Venues together allow far more leverage than the reference, weighted by what they take.

    ## What it checks
    At every notional of the ladder, the mean of the largest leverage that venues allow, each weighted
    by its published capacity, over the leverage of the reference. Venues that publish no capacity have
    no weight.

    ## Why it matters
    A venue with 200x up to $10,000 moves nobody; one with 50x up to $500m does. Weights by capacity
    tell them apart where open interest is not known.

    ## Formula
    Σ C_v · N/IM_v(N) ÷ Σ C_v ÷ (N/R(N)) > limit. One finding an underlying, at the worst notional.

    ## Example
    62x on average where the reference allows 10x: 6.2 times.

    ## Citation
    The rule set's own limit.
    """
    capacities = {
        one.key: float(capacity)
        for one in examined.schedules
        if (capacity := value_of(one.capacity)) is not None
    }
    allowed = _leverages(examined, capacities)
    for name, limits, row in _rows(examined):
        if limits.leverage is None:
            continue
        ratios = []
        for point in row.points:
            held = allowed.get((row.underlying, name, point.notional), [])
            whole = sum(weight for weight, _ in held)
            if whole and point.reference:
                mean = sum(weight * leverage for weight, leverage in held) / whole
                ratios.append((mean * point.reference / point.notional, mean, len(held), point))
        worst = max(ratios, default=None, key=lambda one: one[0])
        if worst is not None and worst[0] > float(limits.leverage):
            ratio, mean, venues, point = worst
            yield _of(row, point, name)._replace(
                message=(
                    f"{counted(venues, 'venue')} with a published capacity allow {mean:.4g}x on "
                    f"average at {dollars(point.notional)} of {row.underlying}, weighted by it: "
                    f"{ratio:.3g} times the {point.notional / (point.reference or 1.0):.4g}x of "
                    f"{name}, more than {float(limits.leverage):g} times"
                ),
                observed=1.0 / mean,
                required=(point.reference or 0.0) / point.notional,
                divergence=1.0 / ratio - 1.0,
            )


def spread_above_limit(examined: AuditContext) -> Iterator[Draft]:
    """The dearest venue asks many times what the cheapest asks.

    ## What it checks
    At every notional of the ladder, the most over the least initial margin that venues ask for it,
    against the rule set's limit.

    ## Why it matters
    Differences of this size are no differences of opinion on risk: at one end capital is tied up for
    nothing, or at the other it is missing.

    ## Formula
    max IM_v(N) / min IM_v(N) > limit. One finding an underlying, at the worst notional.

    ## Example
    0.5 % at one venue, 6.7 % at another: 13 times.

    ## Citation
    The rule set's own limit.
    """
    for name, limits, row in _rows(examined):
        found = _gap(examined, row)
        if limits.spread is None or found is None:
            continue
        ratios = [(one.highest / one.lowest, one) for one in found.points if one.lowest]
        ratio, point = max(ratios, default=(0.0, None), key=lambda one: one[0])
        if point is not None and ratio > float(limits.spread):
            yield Draft(
                Verdict.UNDER,
                Level.INFO,
                "",
                f"at {dollars(point.notional)} of {row.underlying} the most is "
                f"{percent(point.highest / point.notional)} ({', '.join(point.highest_venues)}) and the least "
                f"{percent(point.lowest / point.notional)} ({', '.join(point.lowest_venues)}): "
                f"{ratio:.3g} times, more than {float(limits.spread):g}",
                underlying=row.underlying,
                rule_set=name,
                notional=point.notional,
                observed=point.lowest / point.notional,
                required=point.highest / point.notional,
                divergence=1.0 / ratio - 1.0,
                figure="initial",
                subject=row.underlying,
            )


def splitting_pays(examined: AuditContext) -> Iterator[Draft]:
    """Splitting a position over venues needs far less margin than the best single venue.

    ## What it checks
    At every notional of the ladder, what the cheapest split saves over the best single account, as a
    share of that, against the rule set's limit.

    ## Why it matters
    Margin rises with size because large positions are hard to close. Whoever splits avoids that charge
    and is as hard to close; no venue sees it.

    ## Formula
    (min_v IM_v(N) − A(N)) / min_v IM_v(N) > limit. One finding an underlying, at the worst notional.

    ## Example
    $5,000 at the cheapest venue, $3,959 over three: 21 % saved.

    ## Citation
    The rule set's own limit.
    """
    for name, limits, row in _rows(examined):
        if limits.saving is None:
            continue
        worst = _worst(row, lambda one: _share(one.saving, one.best_single))
        if worst and worst[0] > float(limits.saving):
            share, point = worst
            yield _of(row, point, name)._replace(
                message=(
                    f"{dollars(point.notional)} of {row.underlying} needs {dollars(point.optimal_split)} split "
                    f"over {counted(len(point.allocation), 'account')} and {dollars(point.best_single or 0.0)} at "
                    f"{', '.join(point.best_single_venues)} alone: splitting saves {percent(share)}, more "
                    f"than {percent(float(limits.saving))}"
                ),
                observed=point.optimal_split / point.notional,
                required=(point.best_single or 0.0) / point.notional,
                divergence=-share,
            )


def index_below_limit(examined: AuditContext) -> Iterator[Draft]:
    """The harmonization index of an underlying is low.

    ## What it checks
    The index of initial and of maintenance margin against the rule set, against its least value, where
    two venues count or more.

    ## Why it matters
    It says in one number how far venues are from the reference on average: 50 is a factor of two.

    ## Formula
    100·exp(−E|ln(margin / reference)|) < limit. One finding an underlying and figure.

    ## Example
    14: venues are a factor of seven from the reference on average.

    ## Citation
    The rule set's own limit.
    """
    limits = _limits(examined)
    for one in examined.indices:
        limit = limits[one.reference].index if one.reference in limits else None
        if limit is not None and len(one.venues) > 1 and one.value < float(limit):
            word = "initial" if one.margin_type == "initial" else "maintenance"
            yield Draft(
                Verdict.UNDER,
                Level.INFO,
                "",
                f"{word} margin on {one.underlying} has a harmonization index of {one.value:.1f} "
                f"against {one.reference} over {counted(len(one.venues), 'venue')}, below {float(limit):g}",
                underlying=one.underlying,
                rule_set=one.reference,
                figure=one.margin_type,
                subject=one.underlying,
            )


def dates_apart(examined: AuditContext) -> Iterator[Draft]:
    """Figures across venues compare margins of different dates.

    ## What it checks
    How many days lie between the oldest and the newest observation in the comparison of an underlying
    that a rule set speaks of.

    ## Why it matters
    Venues change their tables every week. A gap between a table of today and one of two years ago may
    never have existed: it is no opportunity that anybody had.

    ## Formula
    newest − oldest > days. One finding an underlying.

    ## Example
    dYdX of August 2024 against Hyperliquid of September 2026.

    ## Citation
    Design rule of this tool: every figure across venues names the dates that it compares.
    """
    most = examined.options["days"]
    for underlying, row in {row.underlying: row for _, _, row in _rows(examined)}.items():
        apart = datetime.fromisoformat(row.newest) - datetime.fromisoformat(row.oldest)
        if apart.total_seconds() > most * _DAY:
            yield Draft(
                Verdict.NOT_OBSERVABLE,
                Level.INFO,
                "",
                f"figures across venues on {underlying} compare margins {apart.days} days apart "
                f"({row.oldest[:10]} to {row.newest[:10]}), more than {most:g}: they may never have "
                "held at one time",
                underlying=underlying,
                subject=underlying,
            )


_DAY = 86_400.0


def _clipped(lower: float, upper: float | None) -> Interval:
    return Interval(max(lower, LOWER), min(upper or UPPER, UPPER))


def _limits(examined: AuditContext) -> dict[str, CrossVenue]:
    found = {}
    for rule in examined.rules:
        limits = rule.applied.rule_set.cross_venue
        if limits is not None:
            found[rule.applied.rule_set.id] = limits
    return found


def _rows(examined: AuditContext) -> Iterator[tuple[str, CrossVenue, ArbitrageRow]]:
    """Every underlying that a rule set with limits speaks of, at two venues or more."""
    limits = _limits(examined)
    for row in examined.arbitrages:
        if row.rule_set in limits and len(row.venues) > 1:
            yield row.rule_set, limits[row.rule_set], row


def _gap(examined: AuditContext, row: ArbitrageRow) -> Spread | None:
    return next(
        (
            one
            for one in examined.gaps
            if (one.underlying, one.margin_type) == (row.underlying, row.margin_type)
        ),
        None,
    )


def _worst(
    row: ArbitrageRow, share: Callable[[ArbitragePoint], float | None]
) -> tuple[float, ArbitragePoint] | None:
    known = [(found, one) for one in row.points if (found := share(one)) is not None]
    return max(known, default=None, key=lambda one: one[0])


def _share(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None


def _leverages(
    examined: AuditContext, capacities: dict[tuple[str, str, str], float]
) -> dict[tuple[str, str, float], list[tuple[float, float]]]:
    """Capacity and largest leverage of every venue that counts, by underlying, rule set and notional."""
    members = {
        (one.underlying, member.venue, member.symbol, member.profile)
        for one in examined.comparisons
        for member in _counted(one)
    }
    found: dict[tuple[str, str, float], list[tuple[float, float]]] = {}
    for row in examined.divergences:
        key = (row.venue, row.symbol, row.profile)
        if row.margin_type != "initial" or (row.underlying, *key) not in members:
            continue
        for point in row.points:
            if point.margin and key in capacities:
                place = (row.underlying, row.rule_set, point.notional)
                held = (capacities[key], point.notional / point.margin)
                found.setdefault(place, []).append(held)
    return found


def _counted(one: Comparison) -> Iterator[Member]:
    return (member for member in one.members if member.included)


def _of(row: ArbitrageRow, point: ArbitragePoint, rule_set: str) -> Draft:
    return Draft(
        Verdict.UNDER,
        Level.WARNING,
        "",
        "",
        underlying=row.underlying,
        rule_set=rule_set,
        notional=point.notional,
        figure=row.margin_type,
        subject=row.underlying,
    )


CHECKS = (
    Check("MH701", "gap-above-limit", gap_above_limit),
    Check("MH702", "one-venue-cheapest", one_venue_cheapest),
    Check("MH703", "leverage-above-reference", leverage_above_reference),
    Check("MH704", "spread-above-limit", spread_above_limit),
    Check("MH705", "splitting-pays", splitting_pays),
    Check("MH706", "index-below-limit", index_below_limit),
    Check(
        "MH707",
        "dates-apart",
        dates_apart,
        (Option("days", 30, "days", "how far the dates compared may lie apart"),),
    ),
)
