"""MH5xx: margins tested against past prices, by the limits of a rule set."""

from collections.abc import Callable, Iterator
from decimal import Decimal

from harmonize.checks import loosening
from harmonize.checks.base import AuditContext, Check, Draft
from harmonize.checks.price_tests import (
    MARGINS,
    MINUTE,
    breach_rate,
    clearing_tests,
    draft_of,
    exceeds,
    holding_of,
    is_below,
    is_clustered,
    is_shorter,
    is_tested,
    limited_rows,
    position_text,
    rule_limits,
    shortest_first,
    size_growths,
    time_text,
    untestable_limits,
    worst_text,
)
from harmonize.document import AdequacyRow, CoverageTest, Level, Verdict
from harmonize.policy.rule_set import AdequacyLimits, RuleSet
from harmonize.text.messages import counted, dollars, duration_text, percent


def holds_less_than_limit(context: AuditContext) -> Iterator[Draft]:
    """A margin covers the 99 % move for less time than the rule set requires.

    ## What it checks
    The time at which the 99 % move of past prices reaches IM − MM, MM and IM, against the shortest
    times that the rule set allows. Between measured horizons, from 15 minutes to five days, the time
    is interpolated. "Under 15 minutes" counts only if the limit is 15 minutes or more.

    ## Why it matters
    A margin rate is a claim about a time: until when a position can be closed before the price has
    moved further. A time shorter than the venue's liquidation needs is no protection.

    ## Formula
    min {t : VaR_99(t) > margin rate} < limit. One finding per schedule and margin, on the side and
    position size with the shortest time.

    ## Example
    ApeX, BTC: IM of 1 % on a long position of $10,000 covers the 99 % move for 28 minutes, MM of 0.5 %
    for less than 15 minutes.

    ## Citation
    The limit of the rule set; the measure is defined by this tool. The level is that of CPSS-IOSCO,
    Principles for financial market infrastructures (2012), Principle 6.
    """
    for rule, limits, rows in _limited(context):
        for margin, limit in limits.minutes.items():
            if limit is None:
                continue
            seconds = float(limit) * MINUTE
            tested = [(row, holding_of(row, margin)) for row in rows]
            shorter = [(row, own) for row, own in tested if is_shorter(own, seconds)]
            if shorter:
                row, own = min(shorter, key=lambda pair: shortest_first(pair[1]))
                yield draft_of(row, rule)._replace(
                    margin_type="" if margin == "buffer" else margin,
                    subject=margin,
                    deviation=None
                    if own.bound == "shorter"
                    else (own.seconds or 0.0) / seconds - 1,
                    message=(
                        f"{MARGINS[margin]} of {percent(own.rate)} on {position_text(row)} covers the "
                        f"{_level(context)} move for {time_text(own)}, required at least "
                        f"{duration_text(seconds)} by {rule.id}; "
                        f"{_of_tested(len(shorter), len([own for _, own in tested if own.bound]))}"
                    ),
                )


def close_out_beyond_maintenance(context: AuditContext) -> Iterator[Draft]:
    """The price moves beyond MM in too many close-outs.

    ## What it checks
    The share of past windows, as long as the close-out of the position takes, in which the price
    moved from the close before by more than MM. Without a volume, the window is one candle of an
    hour at most. Longer windows count only if the close-out itself takes that long: within a day the
    price exceeds most liquidation margins, which says nothing.

    ## Why it matters
    MM has to last from the liquidation trigger to the end of the close-out. What the price moves
    beyond it is a loss of the venue, its insurance fund or its other clients.

    ## Formula
    #{windows : farthest adverse move > MM} ÷ #{windows} > limit. One finding per schedule, on the
    side and position size with the largest share.

    ## Example
    Binance, SOL: the price moved beyond MM of 0.5 % on a long position of $10,000 in 13,537 of 28,308
    hours from January 2023 to March 2026 (47.8 %).

    ## Citation
    CPMI-IOSCO, Public quantitative disclosure standards for central counterparties (2015), 6.5. The
    limit is that of the rule set.
    """
    return _shares(
        context,
        lambda limits: limits.close_out_share,
        lambda row: row.every_window,
        "close-outs",
    )


def liquidation_beyond_maintenance(context: AuditContext) -> Iterator[Draft]:
    """After too many liquidations, the price moves beyond MM before the position is closed.

    ## What it checks
    The same share as MH502, among the windows that follow a candle which closed beyond IM − MM: the
    candles that would have liquidated a position at full leverage. At least 30 of them are needed.

    ## Why it matters
    Liquidations do not happen at random times. They follow large moves, after which further large
    moves are more likely. The share of all windows therefore understates the risk of a close-out.

    ## Formula
    #{liquidations : farthest adverse move within the close-out > MM} ÷ #{liquidations} > limit. One
    finding per schedule, on the side and position size with the largest share.

    ## Example
    Binance, BTC, $10,000,000: in 140 of 288 liquidations of long positions (48.6 %), the price moved
    beyond MM of 0.88 % within the hour of the close-out; on 10 October 2025 by 11.1 %.

    ## Citation
    The limit of the rule set; the measure is defined by this tool.
    """
    return _shares(
        context,
        lambda limits: limits.liquidation_share,
        lambda row: row.after_liquidation,
        "liquidations",
    )


def coverage_below_limit(context: AuditContext) -> Iterator[Draft]:
    """IM covers a smaller share of past moves than the rule set requires of clearing margin.

    ## What it checks
    The share of moves from close to close over one, two and five days that IM covered, against the
    smallest share that the rule set allows. If the rule set states a significance, the shortfall has
    to be less probable than that by chance.

    ## Why it matters
    A clearing house has to cover the market risk of a defaulting position until it is closed. A
    venue whose IM does not is no substitute for one.

    ## Formula
    1 − x ÷ n < limit, and P(X ≥ x/h) < significance for X binomial with n/h moves at 1 − limit. x are
    the breaches among n moves over h days; divided by h and rounded down, because these moves overlap. One finding
    per schedule and number of days, on the side and position size with the lowest coverage.

    ## Example
    Binance, BTC: IM of 0.6667 % on a short position of $10,000 covered 58.5 % of two-day moves, where
    emir-ccp requires 99 %; 850 of 2,049 moves were larger.

    ## Citation
    The limit of the rule set: Delegated Regulation (EU) 153/2013, Art 24 and 26, for emir-ccp; 17 CFR
    39.13(g)(2) for cftc-dco. Kupiec, Techniques for verifying the accuracy of risk measurement
    models, Journal of Derivatives (1995).
    """
    for rule, limits, rows in _limited(context):
        for days, limit in limits.coverage.items():
            if limit is None:
                continue
            tested = list(clearing_tests(rows, days))
            below = [
                (row, part)
                for row, part in tested
                if is_below(part.test, days, limit, limits.coverage_significance)
            ]
            if below:
                row, part = max(below, key=lambda pair: breach_rate(pair[1].test))
                test, covered = part.test, 1 - breach_rate(part.test)
                yield draft_of(row, rule)._replace(
                    margin_type="initial",
                    subject=f"{days} days",
                    observed=row.initial,
                    deviation=covered / float(limit) - 1,
                    message=(
                        f"IM of {percent(row.initial)} on {position_text(row)} covered "
                        f"{percent(covered)} of moves over {counted(days, 'day')} ({test.breaches:,} of "
                        f"{test.observations:,} beyond, {part.zone or 'not tested'}), required at least "
                        f"{percent(float(limit))} by {rule.id}; {worst_text(test)}; "
                        f"{_of_tested(len(below), len(tested))}"
                    ),
                )


def breaches_clustered(context: AuditContext) -> Iterator[Draft]:
    """Breaches of IM follow one another.

    ## What it checks
    Christoffersen's test of independence of the breaches of IM by moves over one, two and five days.
    A breach has to be more frequent after a breach than after none, and the p-value has to be below the
    significance of the rule set. Moves that overlap are tested in phases; the p-value is the smallest
    one, multiplied by their number.

    ## Why it matters
    A margin that fails on consecutive days did not react to the risk. Each failure hits accounts that
    the one before has weakened.

    ## Formula
    LR = 2·(ln L(π₀₁, π₁₁) − ln L(π)), χ² with one degree of freedom: p < significance and π₁₁ > π₀₁. One
    finding per schedule, on the days, side and position size with the smallest p-value. Some of many
    tests are below any significance by chance.

    ## Example
    Binance, AAVE: IM of 10 % on a long position of $1,000,000 was breached on 13.7 % of the days after
    a breach, and on 2.8 % of the others.

    ## Citation
    Christoffersen, Evaluating interval forecasts, International Economic Review (1998). The
    significance is that of the rule set.
    """
    for rule, limits, rows in _limited(context):
        if limits.clustering_significance is None:
            continue
        tested = [pair for days in (1, 2, 5) for pair in clearing_tests(rows, days)]
        limit = float(limits.clustering_significance)
        clustered = [(row, part) for row, part in tested if is_clustered(part, limit)]
        if clustered:
            row, part = min(clustered, key=lambda pair: pair[1].christoffersen or 0.0)
            yield draft_of(row, rule)._replace(
                margin_type="initial",
                message=(
                    f"breaches of IM of {percent(row.initial)} on {position_text(row)} by moves over "
                    f"{counted(part.days, 'day')} follow one another: {percent(part.after_breach)} of the "
                    f"moves after a breach and {percent(part.after_calm)} of the others are breaches, "
                    f"p {_p_value(part.christoffersen)}, limit {percent(limit)} by {rule.id}"
                ),
            )


def size_charge_flat(context: AuditContext) -> Iterator[Draft]:
    """MM rises more slowly with position size than the move over the close-out of the position.

    ## What it checks
    How much MM rises from the smallest position tested to a larger one, against the time that the
    larger one takes to close at a share of the venue's own volume. The close-out counts by a third of
    its time, because the position shrinks. Growth is required only beyond the time over which MM of
    the smallest position already covers the 99 % move.

    ## Why it matters
    A large position is closed over hours or days, in which the price moves further. With one rate for
    every size, the margin that suffices for a small position is spent before a large one is closed.

    ## Formula
    ln(m₂ ÷ m₁) ÷ ln(T₂ ÷ 3 ÷ H) < exponent, where H is the longer of T₁ ÷ 3 and the time over which m₁
    holds, and T = N ÷ (π · ADV). The move over time t grows as the square root of t if returns are
    independent: an exponent of 0.5. One finding per schedule, at the size with the smallest exponent.

    ## Example
    dYdX, BTC: MM is 3 % at $10,000, which covers the 99 % move for 2.9 hours, and 3 % at $10,000,000,
    which takes 1.5 days to close: an exponent of 0.

    ## Citation
    Coinbase Bermuda margin policy, risk times the square root of close-out time; CME SPAN 2
    methodology, concentration charge on average daily volume. The exponent is that of the rule set.
    """
    for rule, limits, rows in _limited(context):
        if limits.size_exponent is None:
            continue
        growths = [
            growth for growth in size_growths(rows) if growth.exponent < float(limits.size_exponent)
        ]
        if growths:
            worst = min(growths, key=lambda growth: growth.exponent)
            yield draft_of(worst.large, rule)._replace(
                margin_type="maintenance",
                observed=worst.large.maintenance,
                deviation=worst.exponent / float(limits.size_exponent) - 1,
                message=(
                    f"MM rises from {percent(worst.small.maintenance)} at "
                    f"{dollars(worst.small.notional)} to {percent(worst.large.maintenance)} at "
                    f"{dollars(worst.large.notional)}, while closing takes "
                    f"{duration_text(worst.large.close_out_seconds or 0.0)}: as the time to the power "
                    f"of {worst.exponent:.2g}, required at least {float(limits.size_exponent):g} by "
                    f"{rule.id}; MM at {dollars(worst.small.notional)} covers the {_level(context)} move "
                    f"for {duration_text(worst.base)}"
                ),
            )


def prices_missing(context: AuditContext) -> Iterator[Draft]:
    """Limits of a rule set could not be tested for want of prices.

    ## What it checks
    How many underlyings have no archived prices, and how many schedules have prices on which a limit
    of the rule set cannot be tested: too few moves, candles of a day, or no volume.

    ## Why it matters
    What was not tested is not known to be enough. A list of findings without this number reads as if
    every other margin held.

    ## Formula
    Underlyings without prices, and per limit the schedules with a known margin and without a result.
    One finding per rule set.

    ## Example
    837 underlyings without archived prices; of 144 schedules with prices, the close-out is not decided on
    36, which have candles of a day only.

    ## Citation
    Design rule of this tool: what is not observable is never reported as compliant.
    """
    without = len(context.adequacy.without_prices)
    by_rule: dict[str, tuple[RuleSet, AdequacyLimits, list[list[AdequacyRow]]]] = {}
    if context.adequacy.level is not None:
        for rule, limits in rule_limits(context.rules):
            by_rule[rule.id] = (rule, limits, [])
    for rule, _, rows in _limited(context):
        by_rule[rule.id][2].append(rows)
    for rule, limits, schedules in by_rule.values():
        gaps = [
            f"{name} ({len(untested):,})"
            for name, is_untested in untestable_limits(limits)
            if (untested := [rows for rows in schedules if is_untested(rows)])
        ]
        if not gaps and not without:
            continue
        parts = [f"{counted(without, 'underlying')} without archived prices"] * bool(without)
        if gaps:
            parts.append(
                f"{counted(len(schedules), 'schedule')} with prices, not decided: {', '.join(gaps)}"
            )
        yield Draft(
            Verdict.NOT_OBSERVABLE,
            Level.INFO,
            "",
            f"not testable against past prices by {rule.id}: {'; '.join(parts)}",
            rule_set=rule.id,
        )


def _limited(
    context: AuditContext,
) -> Iterator[tuple[RuleSet, AdequacyLimits, list[AdequacyRow]]]:
    return limited_rows(
        context.adequacy.rows, context.schedules, context.rules, context.divergences
    )


def _level(context: AuditContext) -> str:
    return f"{(context.adequacy.level or 0.0) * 100:g} %"


def _of_tested(failing: int, tested: int) -> str:
    return f"so it is on {failing:,} of {tested:,} sides and sizes tested"


def _shares(
    context: AuditContext,
    limit_of: Callable[[AdequacyLimits], Decimal | None],
    test_of: Callable[[AdequacyRow], CoverageTest],
    what: str,
) -> Iterator[Draft]:
    """Yields the schedules on which the share of windows beyond MM exceeds a limit."""
    for rule, limits, rows in _limited(context):
        limit = limit_of(limits)
        if limit is None:
            continue
        tested = [(row, test_of(row)) for row in rows if is_tested(row, test_of(row))]
        above = [(row, test) for row, test in tested if exceeds(test, limit)]
        if above:
            row, test = max(above, key=lambda pair: breach_rate(pair[1]))
            share = breach_rate(test)
            yield draft_of(row, rule)._replace(
                margin_type="maintenance",
                observed=row.maintenance,
                deviation=float(limit) / share - 1,
                message=(
                    f"the price moved beyond MM of {percent(row.maintenance)} on {position_text(row)} within "
                    f"{duration_text(test.seconds)} in {test.breaches:,} of {test.observations:,} {what} "
                    f"({percent(share)}), at most {percent(float(limit))} by {rule.id}; {worst_text(test)}; "
                    f"{_of_tested(len(above), len(tested))}"
                ),
            )


def _p_value(value: float | None) -> str:
    return "< 0.001" if (value or 0.0) < 0.001 else f"= {value:.3f}"  # noqa: PLR2004 - digits shown


CHECKS = (
    Check("MH501", "holds-less-than-limit", holds_less_than_limit),
    Check("MH502", "close-out-beyond-maintenance", close_out_beyond_maintenance),
    Check("MH503", "liquidation-beyond-maintenance", liquidation_beyond_maintenance),
    Check("MH504", "coverage-below-limit", coverage_below_limit),
    Check("MH505", "breaches-clustered", breaches_clustered),
    Check("MH506", "size-charge-flat", size_charge_flat),
    loosening.CHECK,
    Check("MH508", "prices-missing", prices_missing),
)
