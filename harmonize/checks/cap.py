"""MH4xx: does a schedule keep to a hard cap?"""

from collections.abc import Iterator

from harmonize.checks.examined import Draft, Examined, dollars, percent
from harmonize.document import DivergenceRow, Level, Verdict


def initial_below_cap(examined: Examined) -> Iterator[Draft]:
    """Initial margin is below a statutory minimum: leverage is above the cap.

    ## What it checks
    IM(N) / N against the rule set's minimum rate at every notional, with its tolerance (one basis
    point of notional for statutory caps).

    ## Why it matters
    The cap binds whoever offers the contract to the clients it protects. The finding says what
    the published schedule would breach if it were offered to them; whether it is offered is a
    question of access, not of margin.

    ## Example
    125x (0.8 %) against ESMA's 2:1 (50 %).
    """
    return _breaching(examined, "initial")


def maintenance_below_cap(examined: Examined) -> Iterator[Draft]:
    """Maintenance margin is below a statutory close-out level.

    ## What it checks
    MM(N) / N against the rule set's close-out rate at every notional, where both are liquidation
    triggers.

    ## Why it matters
    A close-out that comes later than the law says leaves a retail client with less than the part
    of the margin that the law protects. Error and warning as for MH401.

    ## Example
    MM of 0.4 % against ESMA's close-out at half of 50 %.
    """
    return _breaching(examined, "maintenance")


def _breaching(examined: Examined, figure: str) -> Iterator[Draft]:
    for row in examined.divergences:
        if row.figure == figure and row.verdict is Verdict.BREACH:
            yield _draft(row)


def _draft(row: DivergenceRow) -> Draft:
    observed, required, at = row.observed or 0.0, row.required or 0.0, row.lowest_notional or 0.0
    word = "IM" if row.figure == "initial" else "MM"
    return Draft(
        Verdict.BREACH,
        Level.ERROR if "retail" in row.profile else Level.WARNING,
        row.venue,
        f"{word} {percent(observed)} is below the {percent(required)} of {row.rule_set} "
        f"at {dollars(at)}, if offered to the clients it protects",
        symbol=row.symbol,
        profile=row.profile,
        underlying=row.underlying,
        rule_set=row.rule_set,
        intervals=row.under,
        notional=row.lowest_notional,
        observed=row.observed,
        required=row.required,
        divergence=row.lowest,
        figure=row.figure,
        observed_at=row.observed_at,
    )
