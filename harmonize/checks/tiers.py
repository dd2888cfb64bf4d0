"""MH1xx: is a schedule sound in itself?"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise

from harmonize.checks import leverage
from harmonize.checks.base import AuditContext, Check, Draft, about
from harmonize.core.schedule import (
    ZERO,
    MarginFunction,
    Piece,
    Tier,
    TierRule,
    deductions,
    value_of,
)
from harmonize.document import Level, Verdict
from harmonize.document.rows import intervals
from harmonize.text.messages import dollars, percent

_ROUNDING = Decimal("0.01")  # USD; venues round deductions to cents


def tiers_tile(examined: AuditContext) -> Iterator[Draft]:
    """Tiers leave a gap, overlap, or do not rise.

    ## What it checks
    Every published tier ends above the one before, and begins where that one ends.

    ## Why it matters
    In a gap no margin is defined, in an overlap two are. A position there is margined by a rule
    that nobody can read off, and no comparison is possible.

    ## Formula
    upper(k) > upper(k−1), and lower(k) = upper(k−1) where the venue publishes both.

    ## Example
    Tier 1 ends at $5,000 and tier 2 begins at $10,000: a position of $7,000 has no tier.

    ## Citation
    Design rule of this tool: pieces tile (0, capacity].
    """
    for schedule in examined.schedules:
        reason = _fault(schedule.tiers)
        if reason:
            draft = Draft(Verdict.NOT_OBSERVABLE, Level.ERROR, "", f"{reason}; IM and MM unknown")
            yield about(schedule, draft)


def _fault(tiers: Sequence[Tier]) -> str:
    for number, (below, above) in enumerate(pairwise(tiers), start=2):
        if above.upper <= below.upper:
            return (
                f"tier {number} ends at {dollars(float(above.upper))}, not above tier {number - 1}"
            )
        if above.lower is not None and above.lower != below.upper:
            kind = "gap" if above.lower > below.upper else "overlap"
            ends = f"{dollars(float(below.upper))} and {dollars(float(above.lower))}"
            return f"tiers {number - 1} and {number} leave a {kind} between {ends}"
    return ""


def maintenance_above_initial(examined: AuditContext) -> Iterator[Draft]:
    """Maintenance margin is above initial margin.

    ## What it checks
    MM(N) ≤ IM(N) at both ends of every stretch on which IM and MM are one piece each.

    ## Why it matters
    A position opened with the initial margin would be liquidated at once.

    ## Formula
    max over N of MM(N) / IM(N) − 1 > 0.

    ## Example
    A tier of 50x (IM 2 %) with a maintenance rate of 2.5 %.

    ## Citation
    Follows from what the two margins are for; every venue's help pages state it.
    """
    for schedule, standing in zip(examined.schedules, examined.internal, strict=True):
        if standing is not None and standing.over:
            notional = standing.highest_notional
            yield about(
                schedule,
                Draft(
                    Verdict.UNDER,
                    Level.ERROR,
                    "",
                    f"MM is up to {percent(standing.highest)} above IM, "
                    f"most at {dollars(notional)}",
                    intervals=intervals(standing.over),
                    notional=notional,
                    divergence=standing.highest,
                ),
            )


def rate_falls(examined: AuditContext) -> Iterator[Draft]:
    """A tier asks a lower rate than a smaller position pays.

    ## What it checks
    IM and MM rates of the published tiers never fall from one tier to the next.

    ## Why it matters
    A larger position is harder to close. A rate that falls with size rewards concentration, and a
    position can lower its margin by growing.

    ## Formula
    rate(k) < rate(k−1), for the rates as published.

    ## Example
    Tier 3 asks 2.5 % maintenance, tier 4 only 2 %.

    ## Citation
    CPMI-IOSCO, Principles for financial market infrastructures, Principle 6: concentrated positions need more margin.
    """
    for schedule in examined.schedules:
        for word, rates in (
            ("IM", [tier.initial_rate for tier in schedule.tiers]),
            ("MM", [tier.maintenance_rate for tier in schedule.tiers]),
        ):
            for tier, below, above in zip(schedule.tiers, rates, rates[1:], strict=False):
                if below is not None and above is not None and above < below:
                    yield about(schedule, _falls(word, tier, below, above))
                    break


def _falls(word: str, tier: Tier, below: Decimal, above: Decimal) -> Draft:
    return Draft(
        Verdict.UNDER,
        Level.WARNING,
        "",
        f"{word} falls from {percent(float(below))} to {percent(float(above))} "
        f"above {dollars(float(tier.upper))}",
        notional=float(tier.upper),
        observed=float(above),
        required=float(below),
        figure="initial" if word == "IM" else "maintenance",
    )


def maintenance_cliff(examined: AuditContext) -> Iterator[Draft]:
    """Maintenance margin jumps at a tier's bound.

    ## What it checks
    The largest jump of MM in USD at a bound, where tiers are flat: the new rate applies to the
    whole position at once.

    ## Why it matters
    One dollar more of position, or a small move of the mark, adds the jump to the margin required
    and can itself trigger the liquidation. Marginal tiers have no such cliff.

    ## Formula
    MM(B+) − MM(B) at each bound B; the largest in USD.

    ## Example
    0.4 % up to $150,000 and 0.5 % above: crossing the bound adds $150.

    ## Citation
    CPMI-IOSCO, Principles for financial market infrastructures, Principle 6, on procyclical changes.
    """
    for schedule in examined.schedules:
        maintenance = value_of(schedule.maintenance)
        jump = _largest_jump(maintenance) if maintenance else None
        if jump:
            size, bound, share = jump
            yield about(schedule, _cliff("MM", size, bound, share, Level.WARNING))


def initial_cliff(examined: AuditContext) -> Iterator[Draft]:
    """Initial margin jumps at a tier's bound.

    ## What it checks
    The largest jump of the least initial margin in USD at a bound.

    ## Why it matters
    Most venues ask notional divided by the leverage allowed at that size, so the least initial
    margin jumps for the whole position. It blocks growth rather than liquidating, so it is noted,
    not warned of.

    ## Formula
    IM(B+) − IM(B) at each bound B; the largest in USD.

    ## Example
    125x up to $150,000, 100x above: crossing the bound adds $300.

    ## Citation
    As for MH104.
    """
    for schedule in examined.schedules:
        initial = value_of(schedule.initial)
        jump = _largest_jump(initial) if initial else None
        if jump:
            size, bound, share = jump
            yield about(schedule, _cliff("IM", size, bound, share, Level.INFO))


def _cliff(word: str, size: float, bound: float, share: float, level: Level) -> Draft:
    return Draft(
        Verdict.UNDER,
        level,
        "",
        f"{word} jumps by {dollars(size)} ({percent(share)} more) at {dollars(bound)}",
        notional=bound,
        observed=size * (1.0 + 1.0 / share) / bound,
        required=size / share / bound,
        divergence=share,
    )


def _largest_jump(function: MarginFunction) -> tuple[float, float, float] | None:
    """The largest jump in USD, its bound, and the jump as a share of the margin below it."""
    largest = None
    for below, above in pairwise(function.pieces):
        bound = float(below.upper)
        left = _value(below, bound)
        jump = _value(above, bound) - left
        if left > 0.0 and jump > 1e-9 * left and (largest is None or jump > largest[0]):
            largest = (jump, bound, jump / left)
    return largest


def _value(piece: Piece, notional: float) -> float:
    curved = float(piece.coefficient) * notional ** float(piece.power) if piece.coefficient else 0.0
    return float(piece.fixed) + float(piece.rate) * notional + curved


def deduction_differs(examined: AuditContext) -> Iterator[Draft]:
    """A published deduction is not the one that continuity gives.

    ## What it checks
    The deduction that rates and bounds give, against the venue's own figure.

    ## Why it matters
    A rate, a bound or the deduction was published wrongly, or a tier is missing. Which of them
    holds cannot be told, so maintenance margin is not observable.

    ## Formula
    `D_k = D_{k-1} + B_k * (r_k - r_{k-1})`, to a cent.

    ## Example
    Bounds $300,000 and rates 0.4 % and 0.5 % give a deduction of $300; the venue publishes $0.

    ## Citation
    Binance, "Leverage and Margin of USDⓈ-M Futures"; Bybit publishes the same recursion.
    """
    for schedule in examined.schedules:
        published = [tier.deduction for tier in schedule.tiers]
        if schedule.rule is not TierRule.MARGINAL or all(one is None for one in published):
            continue
        rates = [tier.maintenance_rate or ZERO for tier in schedule.tiers]
        derived = deductions([tier.upper for tier in schedule.tiers], rates)
        for number, (stated, due) in enumerate(zip(published, derived, strict=True), start=1):
            if stated is not None and abs(stated - due) > _ROUNDING:
                yield about(schedule, _differs(number, stated, due))
                break


def _differs(number: int, stated: Decimal, due: Decimal) -> Draft:
    return Draft(
        Verdict.NOT_OBSERVABLE,
        Level.WARNING,
        "",
        f"tier {number} publishes a deduction of ${stated:,.2f}, continuity gives ${due:,.2f}",
    )


CHECKS = (
    Check("MH101", "tiers-do-not-tile", tiers_tile),
    Check("MH102", "maintenance-above-initial", maintenance_above_initial),
    Check("MH103", "rate-falls-with-size", rate_falls),
    Check("MH104", "maintenance-cliff", maintenance_cliff),
    Check("MH105", "initial-cliff", initial_cliff),
    Check("MH106", "deduction-differs", deduction_differs),
    *leverage.CHECKS,
)
