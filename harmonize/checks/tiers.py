"""MH1xx: internal consistency of a schedule's tiers, bounds and rates."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise

from harmonize.checks import leverage
from harmonize.checks.base import ABBREVIATIONS, AuditContext, Check, Draft, for_schedule
from harmonize.core.schedule import (
    ZERO,
    MarginFunction,
    Piece,
    Tier,
    TierRule,
    deductions,
    piece_margin,
    value_of,
)
from harmonize.document import Level, Verdict
from harmonize.document.rows import intervals
from harmonize.text.messages import dollars, percent

_ROUNDING = Decimal("0.01")  # USD; venues round deductions to cents


def tiers_not_contiguous(context: AuditContext) -> Iterator[Draft]:
    """Tiers leave a gap, overlap, or do not increase.

    ## What it checks
    Every published tier ends above the previous tier, and begins where the previous tier ends. The
    first tier begins at 0. Only the last tier may have no end. Between two tiers, one published
    step such as 1000 to 1000.01, or one contract, is no gap.

    ## Why it matters
    No margin is defined in a gap, and two margins are defined in an overlap. The margin of a
    position there cannot be determined from the published tiers, and no comparison is possible.

    ## Formula
    upper(k) > upper(k−1), lower(1) = 0, and lower(k) = upper(k−1) if the venue publishes both.

    ## Example
    Tier 1 ends at $5,000 and tier 2 begins at $10,000: a position of $7,000 has no tier.

    ## Citation
    Design rule of this tool: the pieces of a margin function cover (0, capacity] without gaps or
    overlaps.
    """
    for schedule in context.schedules:
        problem = _discontinuity(schedule.tiers)
        if problem:
            message = f"{problem}; IM and MM are not observable"
            draft = Draft(Verdict.NOT_OBSERVABLE, Level.ERROR, "", message)
            yield for_schedule(schedule, draft)


def _discontinuity(tiers: Sequence[Tier]) -> str:
    """Returns the first gap, overlap or decrease of the tiers; empty if there is none."""
    if tiers and tiers[0].lower:
        return f"tier 1 begins at {dollars(float(tiers[0].lower))}, required 0"
    for number, (below, above) in enumerate(pairwise(tiers), start=2):
        if not below.upper.is_finite():
            return f"tier {number - 1} has no end, but tier {number} follows"
        if above.upper <= below.upper:
            return (
                f"tier {number} ends at {dollars(float(above.upper))}, "
                f"required above the end of tier {number - 1}"
            )
        if above.lower is not None and above.lower != below.upper:
            problem = "leave a gap" if above.lower > below.upper else "overlap"
            lower, upper = sorted((float(below.upper), float(above.lower)))
            bounds = f"between {dollars(lower)} and {dollars(upper)}"
            return f"tiers {number - 1} and {number} {problem} {bounds}"
    return ""


def maintenance_above_initial(context: AuditContext) -> Iterator[Draft]:
    """Maintenance margin is above initial margin.

    ## What it checks
    MM(N) ≤ IM(N) at both ends of every range on which IM and MM are one piece each.

    ## Why it matters
    A position opened with the initial margin would be liquidated immediately.

    ## Formula
    max over N of MM(N) / IM(N) − 1 > 0.

    ## Example
    A tier with 50x leverage (IM of 2 %) and a maintenance rate of 2.5 %.

    ## Citation
    Follows from the definition of the two margins; the help pages of every venue state it.
    """
    for schedule, deviation in zip(context.schedules, context.maintenance_deviations, strict=True):
        if deviation is not None and deviation.over:
            notional = deviation.highest_notional
            yield for_schedule(
                schedule,
                Draft(
                    Verdict.UNDER,
                    Level.ERROR,
                    "",
                    f"observed MM up to {percent(deviation.highest)} above IM, largest at "
                    f"{dollars(notional)}; required at most IM",
                    intervals=intervals(deviation.over),
                    notional=notional,
                    deviation=deviation.highest,
                ),
            )


def rate_falls_with_size(context: AuditContext) -> Iterator[Draft]:
    """A tier has a lower margin rate than a tier for smaller positions.

    ## What it checks
    IM and MM rates of the published tiers never decrease from one tier to the next.

    ## Why it matters
    A larger position is more difficult to close. A rate that decreases with size rewards
    concentration, and a position can reduce its margin by growing.

    ## Formula
    rate(k) < rate(k−1), for the rates as published.

    ## Example
    The maintenance rate is 2.5 % in tier 3 and only 2 % in tier 4.

    ## Citation
    CPMI-IOSCO, Principles for financial market infrastructures, Principle 6: concentrated
    positions need more margin.
    """
    for schedule in context.schedules:
        for margin_type, rates in (
            ("initial", [tier.initial_rate for tier in schedule.tiers]),
            ("maintenance", [tier.maintenance_rate for tier in schedule.tiers]),
        ):
            for tier, below, above in zip(schedule.tiers, rates, rates[1:], strict=False):
                if below is not None and above is not None and above < below:
                    draft = _decrease(margin_type, tier, float(below), float(above))
                    yield for_schedule(schedule, draft)
                    break


def _decrease(margin_type: str, tier: Tier, below: float, above: float) -> Draft:
    return Draft(
        Verdict.UNDER,
        Level.WARNING,
        "",
        f"observed {ABBREVIATIONS[margin_type]} rate {percent(above)} above "
        f"{dollars(float(tier.upper))}, required at least the {percent(below)} below it",
        notional=float(tier.upper),
        observed=above,
        required=below,
        margin_type=margin_type,
    )


def maintenance_cliff(context: AuditContext) -> Iterator[Draft]:
    """Maintenance margin jumps at the bound of a tier.

    ## What it checks
    The largest jump of MM at a tier bound, in USD. If tiers are flat, the new rate applies to the
    whole position at once.

    ## Why it matters
    One more dollar of position, or a small move of the mark price, adds the jump to the required
    margin and can itself trigger the liquidation. Marginal tiers have no such cliff.

    ## Formula
    MM(B+) − MM(B) at each bound B; the largest in USD.

    ## Example
    0.4 % up to $150,000 and 0.5 % above: crossing the bound adds $150.

    ## Citation
    CPMI-IOSCO, Principles for financial market infrastructures, Principle 6, on procyclical
    changes.
    """
    functions = [value_of(schedule.maintenance) for schedule in context.schedules]
    for schedule, jump in zip(context.schedules, _largest_jumps(functions), strict=True):
        if jump:
            yield for_schedule(schedule, _cliff("MM", *jump, Level.WARNING))


def initial_cliff(context: AuditContext) -> Iterator[Draft]:
    """Initial margin jumps at the bound of a tier.

    ## What it checks
    The largest jump of the lowest initial margin at a tier bound, in USD.

    ## Why it matters
    Most venues require notional divided by the maximum leverage at that size, so the lowest
    initial margin jumps for the whole position. The jump prevents an increase of the position and
    does not cause a liquidation. The level is therefore info, not warning.

    ## Formula
    IM(B+) − IM(B) at each bound B; the largest in USD.

    ## Example
    125x up to $150,000, 100x above: crossing the bound adds $300.

    ## Citation
    As for MH104.
    """
    functions = [value_of(schedule.initial) for schedule in context.schedules]
    for schedule, jump in zip(context.schedules, _largest_jumps(functions), strict=True):
        if jump:
            yield for_schedule(schedule, _cliff("IM", *jump, Level.INFO))


def _cliff(abbreviation: str, jump: float, bound: float, share: float, level: Level) -> Draft:
    return Draft(
        Verdict.UNDER,
        level,
        "",
        f"{abbreviation} jumps by {dollars(jump)} (an increase of {percent(share)}) "
        f"at {dollars(bound)}",
        notional=bound,
        observed=jump * (1.0 + 1.0 / share) / bound,
        required=jump / share / bound,
        deviation=share,
    )


_Jump = tuple[float, float, float]
"""Jump of margin in USD, the bound at which it occurs, and its share of the margin below."""


def _largest_jumps(functions: Sequence[MarginFunction | None]) -> Iterator[_Jump | None]:
    """Yields the largest jump of each function; None without a function or a jump.

    A function that several schedules share is evaluated once.
    """
    jumps: dict[int, _Jump | None] = {}
    for function in functions:
        if function is None:
            yield None
            continue
        if id(function) not in jumps:
            jumps[id(function)] = _largest_jump(function)
        yield jumps[id(function)]


def _largest_jump(function: MarginFunction) -> _Jump | None:
    largest = None
    terms = [_terms(piece) for piece in function.pieces]
    for piece, below, above in zip(function.pieces, terms, terms[1:], strict=False):
        bound = float(piece.upper)
        margin = piece_margin(*below, bound)
        jump = piece_margin(*above, bound) - margin
        if margin > 0.0 and jump > 1e-9 * margin and (largest is None or jump > largest[0]):
            largest = (jump, bound, jump / margin)
    return largest


def _terms(piece: Piece) -> tuple[float, float, float, float]:
    """Returns the numbers of a piece; those that are zero, and powers of none, are not converted."""
    coefficient = float(piece.coefficient) if piece.coefficient else 0.0
    return (
        float(piece.fixed) if piece.fixed else 0.0,
        float(piece.rate),
        coefficient,
        float(piece.power) if coefficient else 1.0,
    )


def deduction_differs(context: AuditContext) -> Iterator[Draft]:
    """A published deduction differs from the deduction that makes margin continuous.

    ## What it checks
    The deduction that follows from the rates and bounds, against the deduction that the venue
    publishes.

    ## Why it matters
    A rate, a bound or the deduction was published incorrectly, or a tier is missing. It cannot be
    determined which of them is wrong, so maintenance margin is not observable.

    ## Formula
    `D_k = D_{k-1} + B_k * (r_k - r_{k-1})`, to a cent.

    ## Example
    Bounds of $300,000 and rates of 0.4 % and 0.5 % give a deduction of $300; the venue publishes
    $0.

    ## Citation
    Binance, "Leverage and Margin of USDⓈ-M Futures"; Bybit publishes the same recursion.
    """
    for schedule in context.schedules:
        published = [tier.deduction for tier in schedule.tiers]
        is_published = any(deduction is not None for deduction in published)
        if schedule.rule is not TierRule.MARGINAL or not is_published:
            continue
        if _discontinuity(schedule.tiers):
            continue  # MH101 reports it, and no deduction follows from such tiers
        rates = [tier.maintenance_rate or ZERO for tier in schedule.tiers]
        continuous = deductions([tier.upper for tier in schedule.tiers], rates)
        for number, (observed, required) in enumerate(
            zip(published, continuous, strict=True), start=1
        ):
            if observed is not None and abs(observed - required) > _ROUNDING:
                yield for_schedule(schedule, _difference(number, observed, required))
                break


def _difference(number: int, observed: Decimal, required: Decimal) -> Draft:
    return Draft(
        Verdict.NOT_OBSERVABLE,
        Level.WARNING,
        "",
        f"tier {number}: observed deduction ${observed:,.2f}, "
        f"required ${required:,.2f} for a continuous margin",
    )


CHECKS = (
    Check("MH101", "tiers-not-contiguous", tiers_not_contiguous),
    Check("MH102", "maintenance-above-initial", maintenance_above_initial),
    Check("MH103", "rate-falls-with-size", rate_falls_with_size),
    Check("MH104", "maintenance-cliff", maintenance_cliff),
    Check("MH105", "initial-cliff", initial_cliff),
    Check("MH106", "deduction-differs", deduction_differs),
    *leverage.CHECKS,
)
