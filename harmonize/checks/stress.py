"""MH55x: what a fall liquidates, by the stress of an audit."""

from collections.abc import Iterator

from harmonize.checks.base import AuditContext, Check, Draft, Option, first_names
from harmonize.document import (
    Level,
    StressEffectRow,
    StressRow,
    StressStepRow,
    StressVenueRow,
    Verdict,
)
from harmonize.text import numbers
from harmonize.text.messages import duration_text, percent

_MINUTE = 60.0
_MOST_VENUES = 8
_ASSUMED = "assumed"
_MORE = "more"
_LIQUIDATED = "liquidated notional"

SHARE_RATIO = Option(
    "share_ratio",
    1.5,
    "times",
    "largest share of liquidated notional over share of open interest",
)
OVERLAP = Option(
    "overlap", 0.9, "of its density", "smallest overlap with other venues at which they coincide"
)


def loses_more_than_margin(context: AuditContext) -> Iterator[Draft]:
    """A position at the venue's largest leverage loses more than its margin in one step.

    ## What it checks
    The largest fall from the lowest price of one step to that of the next, in the recorded paths that
    ship with the tool, against the margin of a long of $1,000 at the largest leverage. Steps take 15
    minutes or an hour. Only underlyings with a recorded path are tested. The fall from the start of a
    step to its lowest price can be larger; the paths do not have it.

    ## Why it matters
    Within one step, no liquidation helps: the loss beyond the margin falls on the insurance fund, on
    other clients, or on the venue.

    ## Formula
    1 − lowest price ÷ lowest price of the step before > d. d = M ÷ N of a linear contract, and
    M ÷ (N + M) of an inverse one, whose margin loses value too; N = $1,000, M = IM(N). One finding per
    schedule.

    ## Example
    Binance, BTC: IM of 0.6667 % is lost at a fall of 0.6667 %. On 12 March 2020, the lowest prices of
    two hours in a row are 24.39 % apart.

    ## Citation
    Delegated Regulation (EU) 153/2013, Art 53, on historical scenarios. The test is defined by this
    tool.
    """
    for row in context.stress:
        for step in row.steps:
            lost_at = step.margin_rate if step.bankrupt_at is None else step.bankrupt_at
            if step.step <= lost_at:
                continue
            length = duration_text(step.step_minutes * _MINUTE)
            message = (
                f"IM of {percent(step.margin_rate)} at the largest leverage is lost at a fall of "
                f"{percent(lost_at)}; in the recorded path {step.scenario}, the low of one step of "
                f"{length} is {percent(step.step)} below that of the step before"
            )
            yield _of(row, step, Verdict.UNDER, Level.INFO, message)._replace(
                margin_type="initial",
                notional=step.notional,
                observed=lost_at,
                required=step.step,
                deviation=lost_at / step.step - 1.0,
            )


def share_above_open_interest(context: AuditContext) -> Iterator[Draft]:
    """A venue's share of the liquidated notional is above its share of open interest.

    ## What it checks
    The Shapley share of each venue in what a sudden fall of 10 % liquidates on all venues together,
    over its share of open interest.

    ## Why it matters
    Forced sales on one venue move the price on all. A venue that liquidates more than its part makes
    positions elsewhere less safe.

    ## Formula
    (Shapley value ÷ liquidated notional) ÷ (open interest ÷ all open interest) > limit, in at least
    95 % of the samples of positions: of synthetic positions, the 5 % quantile over the seeds exceeds
    the limit. Liquidity is that of the measured volatility. One finding per schedule. The share is not
    observable if the effective leverage of a venue on the underlying is assumed.

    ## Example
    Given positions that liquidate 1.8 times the share of open interest are reported. Of measured
    leverage, 1.26 times, 0.47 to 2.52 times by sample, is not reported: the sample decides it.

    ## Citation
    Shapley, A value for n-person games (1953). The limit is a convention of this tool.
    """
    limit = context.options["share_ratio"]
    for row in context.stress:
        for venue in row.venues:
            least = venue.shapley_ratio_low if row.is_synthetic else venue.shapley_ratio
            if venue.shapley_ratio is None or least is None or least <= limit:
                continue
            message = (
                f"a fall of {percent(row.shock)} liquidates {venue.shapley_ratio:.2f} times the venue's "
                f"share of open interest{_sampled(venue)}, at most {limit:g} times"
            )
            yield _compared(row, venue, Level.WARNING, message, venue.shapley_ratio / limit - 1.0)


def liquidations_coincide(context: AuditContext) -> Iterator[Draft]:
    """Liquidations of a venue lie at the same falls as those of the other venues.

    ## What it checks
    The overlap of the venue's density of liquidations with that of all other venues, in bins of 0.5 %.
    Both densities are normalised to 1.

    ## Why it matters
    Thresholds at the same falls are crossed together. Equal rules can make forced sales coincide.

    ## Formula
    Σ min(own share, share of others) over bins ≥ limit. One finding per schedule. Assumed effective
    leverage is that of one sample on every venue, so that only the margins differ and an overlap near 1
    follows from the assumption: where that of a venue is assumed, the overlap is not observable.

    ## Example
    Given positions on two venues with an overlap of 0.93 are reported. Hyperliquid, BTC: 0.99 is not
    observable, because leverage is assumed on the five other venues. Below 0.9, none is reported.

    ## Citation
    Cont and Wagalath, Fire sales forensics (2016), on overlapping positions. The limit is a convention
    of this tool.
    """
    limit = context.options["overlap"]
    for row in context.stress:
        for venue in row.venues:
            if venue.overlap is None or venue.overlap < limit:
                continue
            message = (
                f"the density of liquidations overlaps with that of other venues by {venue.overlap:.2f}, "
                f"reported from {limit:g}"
            )
            yield _compared(row, venue, Level.INFO, message, venue.overlap / limit - 1.0)


def rule_set_liquidates_more(context: AuditContext) -> Iterator[Draft]:
    """The margins of a rule set would liquidate more than those of today.

    ## What it checks
    The change of the liquidated notional in a sudden fall of 10 % if every venue applied the margins of
    the rule set. Traders above the new leverage either add margin or cut their position. MM that is a
    margin call or a clearing requirement liquidates nothing: of such a rule set, IM alone is applied.

    ## Why it matters
    A higher MM liquidates earlier. Where a rule set liquidates more, harmonization deepens the fall
    that it is meant to soften.

    ## Formula
    The 5–95 % interval of the change over 40 samples of positions is above 0 under both reactions of
    traders and all three liquidities. The interval is that of the sample of positions, not of the
    market. One finding per rule set and underlying.

    ## Example
    Harmonized baseline, BTC: a fall of 10 % liquidates $437m to $835m more than the margins of today.

    ## Citation
    The test is defined by this tool; see docs/stress.md for its assumptions.
    """
    for row in context.stress:
        for effect in _of_whole_rule_sets(row):
            if effect.sign != _MORE:
                continue
            changes = [cell.change for cell in effect.cells]
            message = (
                f"a fall of {percent(effect.shock)} on {row.underlying} liquidates "
                f"{_usd(min(changes))} to {_usd(max(changes))} more under {effect.rule_set} "
                f"({effect.what_if}) than today, under both reactions of traders"
            )
            yield Draft(
                Verdict.OVER,
                Level.WARNING,
                "",
                message,
                underlying=row.underlying,
                rule_set=effect.rule_set,
                subject=row.underlying,
            )


def _of_whole_rule_sets(row: StressRow) -> Iterator[StressEffectRow]:
    """Yields the effect of each rule set on the liquidated notional, without that of its parts."""
    whole: dict[str, str] = {}
    for effect in row.effects:
        is_whole = whole.setdefault(effect.rule_set, effect.what_if) == effect.what_if
        is_own = bool(effect.rule_set) and effect.shock == row.shock
        if is_whole and is_own and effect.metric == _LIQUIDATED:
            yield effect


def leverage_assumed(context: AuditContext) -> Iterator[Draft]:
    """A figure of stress rests on assumed effective leverage.

    ## What it checks
    On which venues the effective leverage of positions was not measured, and which venues without open
    interest or MM no figure includes.

    ## Why it matters
    What a fall liquidates depends on leverage more than on any other assumption. A figure without this
    statement reads as if it were measured.

    ## Formula
    Venues whose leverage has the mark "assumed". One finding per underlying.

    ## Example
    BTC: effective leverage is assumed on 5 of 6 venues; 40 venues are not observable.

    ## Citation
    Design rule of this tool: what is not observable is never reported as compliant.
    """
    for row in context.stress:
        assumed = [venue.venue for venue in row.venues if venue.leverage_mark == _ASSUMED]
        if not assumed:
            continue
        message = (
            f"effective leverage on {row.underlying} is assumed on {len(assumed):,} of "
            f"{len(row.venues):,} venues ({first_names(assumed, _MOST_VENUES)}); "
            f"{len(row.not_observable):,} venues without open interest or margins are left out"
        )
        yield Draft(
            Verdict.NOT_OBSERVABLE,
            Level.INFO,
            "",
            message,
            underlying=row.underlying,
            subject=row.underlying,
        )


def _of(
    row: StressRow,
    schedule: StressVenueRow | StressStepRow,
    verdict: Verdict,
    level: Level,
    message: str,
) -> Draft:
    """Returns a draft on a schedule."""
    return Draft(
        verdict,
        level,
        schedule.venue,
        message,
        schedule.symbol,
        schedule.profile,
        row.underlying,
        observed_at=schedule.observed_at,
        observed_from=schedule.observed_from,
        date_kind=schedule.date_kind,
    )


def _sampled(venue: StressVenueRow) -> str:
    """Returns the interval over the samples of positions; empty for given positions."""
    low, high = venue.shapley_ratio_low, venue.shapley_ratio_high
    return "" if low is None or high is None else f" ({low:.2f} to {high:.2f} by sample)"


def _compared(
    row: StressRow, venue: StressVenueRow, level: Level, message: str, deviation: float
) -> Draft:
    """Returns a draft on a venue against the others: not observable if any leverage is assumed."""
    assumed = [own.venue for own in row.venues if own.leverage_mark == _ASSUMED]
    if not assumed:
        basis = f"; effective leverage is {venue.leverage_mark}"
        draft = _of(row, venue, Verdict.OVER, level, f"{message}{basis}")
        return draft._replace(deviation=deviation)
    basis = (
        f"; not observable: the effective leverage of one sample is assumed on {len(assumed):,} of "
        f"{len(row.venues):,} venues, which the figure follows from"
    )
    return _of(row, venue, Verdict.NOT_OBSERVABLE, Level.INFO, f"{message}{basis}")


def _usd(amount: float) -> str:
    return numbers.usd(amount).replace(numbers.NBSP, " ")


CHECKS = (
    Check("MH551", "margin-lost-in-a-step", loses_more_than_margin),
    Check("MH552", "liquidation-share-high", share_above_open_interest, (SHARE_RATIO,)),
    Check("MH553", "liquidations-coincide", liquidations_coincide, (OVERLAP,)),
    Check("MH554", "rule-set-liquidates-more", rule_set_liquidates_more),
    Check("MH555", "leverage-assumed", leverage_assumed),
)
