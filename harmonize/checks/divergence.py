"""MH3xx: how far is a schedule from a reference schedule?"""

from collections.abc import Iterator

from harmonize.checks.examined import Draft, Examined, dollars, percent
from harmonize.document import DivergenceRow, Level, Verdict


def initial_diverges(examined: Examined) -> Iterator[Draft]:
    """Initial margin is outside the tolerance of a reference schedule.

    ## What it checks
    IM(N) against the reference R(N) of the underlying's class, at every notional that both cover:
    the ranges where ``IM / R − 1`` leaves the tolerance are found on the pieces, not on a grid.

    ## Why it matters
    Below the reference the venue lends more leverage than the rule set holds prudent at that
    size; above it, it asks more than needed.

    ## Example
    IM of 0.8 % against a reference of 10 %: 92 % under, from the smallest position up.
    """
    return _diverging(examined, "initial")


def maintenance_diverges(examined: Examined) -> Iterator[Draft]:
    """Maintenance margin is outside the tolerance of a reference schedule.

    ## What it checks
    MM(N) against the reference, as for initial margin, and only where both mean the same: a
    liquidation trigger is not scored against a margin call or a clearing requirement.

    ## Why it matters
    Maintenance margin is what is left to close a position with. Below the reference, a move that
    is ordinary for the asset passes from liquidation to bankruptcy.

    ## Example
    MM of 0.4 % against a reference of 5 %: 92 % under.
    """
    return _diverging(examined, "maintenance")


def _diverging(examined: Examined, figure: str) -> Iterator[Draft]:
    advisory = {one.id for one in examined.rule_sets if not one.statutory}
    for row in examined.divergences:
        outside = row.verdict in {Verdict.UNDER, Verdict.OVER}
        if row.rule_set in advisory and row.figure == figure and outside:
            yield _draft(row)


def _draft(row: DivergenceRow) -> Draft:
    under = row.verdict is Verdict.UNDER
    extreme = row.lowest if under else row.highest
    place = row.lowest_notional if under else row.highest_notional
    word = "IM" if row.figure == "initial" else "MM"
    size, at = extreme or 0.0, place or 0.0
    both = " (and over it elsewhere)" if under and row.over else ""
    return Draft(
        row.verdict,
        Level.WARNING if under else Level.INFO,
        row.venue,
        f"{word} is up to {percent(abs(size))} {row.verdict.value} {row.rule_set} "
        f"(class {row.reference_class}), most at {dollars(at)}{both}",
        symbol=row.symbol,
        profile=row.profile,
        underlying=row.underlying,
        rule_set=row.rule_set,
        intervals=row.under if under else row.over,
        notional=place,
        observed=row.observed,
        required=row.required,
        divergence=extreme,
        figure=row.figure,
        observed_at=row.observed_at,
    )
