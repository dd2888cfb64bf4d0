"""MH1xx, continued: soundness of a schedule's leverage, liquidation buffer and position sizes."""

from collections.abc import Iterator
from itertools import pairwise

from harmonize.checks.base import AuditContext, Check, Draft, Option, for_schedule
from harmonize.core.schedule import MarginFunction, MarginSchedule, value_of
from harmonize.document import Level, Verdict
from harmonize.text.messages import dollars, percent

_INFINITY = float("inf")
_ROUNDING = 1e-9  # relative; a smaller excess over initial margin is not reported


def liquidation_buffer_low(context: AuditContext) -> Iterator[Draft]:
    """Maintenance margin leaves almost no loss before liquidation.

    ## What it checks
    The liquidation buffer, at the notional at which it is smallest. The buffer is the share of the
    initial margin that a position may lose before it is liquidated.

    ## Why it matters
    A position opened with the lowest margin is liquidated by the first adverse move. The leverage
    that the venue offers is then a bet on the next price change.

    ## Formula
    min over N of 1 − MM(N) / IM(N) < `least_buffer`.

    ## Example
    IM of 1 % and MM of 0.95 %: the position may lose a twentieth of the margin, or 0.05 % of the
    position.

    ## Citation
    ESMA Decision (EU) 2018/796 requires a close-out at half of the margin. The threshold of this
    check is set by this tool.
    """
    required = context.options["least_buffer"]
    for schedule, deviation in zip(context.schedules, context.maintenance_deviations, strict=True):
        if deviation is None or deviation.over:
            continue
        buffer = max(0.0, -deviation.highest)
        if buffer < required:
            draft = Draft(
                Verdict.UNDER,
                Level.WARNING,
                "",
                f"observed liquidation buffer {percent(buffer)} of IM at "
                f"{dollars(deviation.highest_notional)} (MM is "
                f"{percent(1.0 + deviation.highest)} of IM), "
                f"required at least {percent(required)}",
                notional=deviation.highest_notional,
                deviation=deviation.highest,
            )
            yield for_schedule(schedule, draft)


def tier_redundant(context: AuditContext) -> Iterator[Draft]:
    """Two adjacent tiers have the same rates.

    ## What it checks
    Adjacent tiers whose IM and MM rates are both known and equal.

    ## Why it matters
    The bound between the tiers has no effect. Either the tier is obsolete, or one of the rates was
    published incorrectly.

    ## Formula
    IM rate(k) = IM rate(k−1) and MM rate(k) = MM rate(k−1).

    ## Example
    The tiers up to $100,000 and up to $250,000 both have an IM of 2 % and an MM of 1 %.

    ## Citation
    Follows from the definition of a tier.
    """
    for schedule in context.schedules:
        for number, (below, above) in enumerate(pairwise(schedule.tiers), start=2):
            rates = (above.initial_rate, above.maintenance_rate)
            if None not in rates and rates == (below.initial_rate, below.maintenance_rate):
                draft = Draft(
                    Verdict.NOT_APPLICABLE,
                    Level.INFO,
                    "",
                    f"tiers {number - 1} and {number} have the same rates on both sides of "
                    f"{dollars(float(below.upper))}",
                    notional=float(below.upper),
                )
                yield for_schedule(schedule, draft)
                break


def no_size_charge(context: AuditContext) -> Iterator[Draft]:
    """The margin rate does not increase with the size of the position.

    ## What it checks
    Schedules with one IM rate from the smallest position to a position of at least
    `from_notional`. The check covers schedules that are published completely.

    ## Why it matters
    A large position takes longer to close and moves the price. A constant rate charges nothing for
    concentration.

    ## Formula
    IM(N) / N is constant up to N ≥ `from_notional`.

    ## Example
    2 % of the position at any size.

    ## Citation
    CPMI-IOSCO, Principles for financial market infrastructures, Principle 6; CME SPAN 2 charges
    concentration on average daily volume.
    """
    limit = context.options["from_notional"]
    for schedule in context.schedules:
        initial = value_of(schedule.initial)
        if initial is None or schedule.exclusion_reason or not _has_one_rate(initial):
            continue
        largest = _largest_position(schedule, initial)
        if largest >= limit:
            rate = float(initial.pieces[0].rate)
            sizes = "at any size" if largest == _INFINITY else f"up to {dollars(largest)}"
            draft = Draft(
                Verdict.UNDER,
                Level.INFO,
                "",
                f"observed constant IM rate {percent(rate)} {sizes}, required an increase "
                f"below {dollars(limit)}",
                observed=rate,
            )
            yield for_schedule(schedule, draft)


def last_tier_open_ended(context: AuditContext) -> Iterator[Draft]:
    """The last tier has no upper bound and still allows high leverage.

    ## What it checks
    The IM rate of an open-ended last tier, on a venue that does not publish a largest position.

    ## Why it matters
    Above the last bound, neither a position limit nor an increasing rate restricts a position.

    ## Formula
    The last piece has no upper bound, the capacity is unknown, and the rate of the piece is below
    `least_rate`.

    ## Example
    50x for any position above $1,000,000.

    ## Citation
    CPMI-IOSCO, Principles for financial market infrastructures, Principle 6. The threshold is set
    by this tool.
    """
    required = context.options["least_rate"]
    for schedule in context.schedules:
        initial = value_of(schedule.initial)
        if initial is None or schedule.exclusion_reason or value_of(schedule.capacity) is not None:
            continue
        last = initial.pieces[-1]
        rate = float(last.rate)
        if not last.upper.is_finite() and not last.coefficient and rate < required:
            lower = float(initial.pieces[-2].upper) if len(initial.pieces) > 1 else 0.0
            draft = Draft(
                Verdict.UNDER,
                Level.WARNING,
                "",
                f"observed IM rate {percent(rate)} above {dollars(lower)} without an upper bound, "
                f"required at least {percent(required)} or a published largest position",
                notional=max(lower, 1.0),
                observed=rate,
                required=required,
            )
            yield for_schedule(schedule, draft)


def headline_tier_small(context: AuditContext) -> Iterator[Draft]:
    """The maximum leverage applies to very small positions only.

    ## What it checks
    The upper bound of the first tier, if the next tier has a higher rate.

    ## Why it matters
    Venues are compared and advertised by their maximum leverage. If it ends at a few thousand
    dollars, the comparison says little about the position of any client.

    ## Formula
    Upper bound of the first tier < `least_notional`, with a higher rate above it.

    ## Example
    100x up to $5,000, 50x above.

    ## Citation
    A matter of fair comparison. The threshold is set by this tool.
    """
    required = context.options["least_notional"]
    for schedule in context.schedules:
        initial = value_of(schedule.initial)
        if initial is None or len(initial.pieces) == 1:
            continue
        first, second = initial.pieces[:2]
        bound = float(first.upper)
        rate = float(first.rate)
        if (
            first.fixed == 0
            and not first.coefficient
            and second.rate > first.rate
            and bound < required
        ):
            draft = Draft(
                Verdict.NOT_APPLICABLE,
                Level.INFO,
                "",
                f"observed maximum leverage {1 / rate:,.4g}x (IM {percent(rate)}) only up to "
                f"{dollars(bound)}, required up to at least {dollars(required)}",
                notional=bound,
                observed=rate,
            )
            yield for_schedule(schedule, draft)


def fee_above_initial(context: AuditContext) -> Iterator[Draft]:
    """Maintenance margin and the liquidation fee together exceed initial margin.

    ## What it checks
    MM plus the fee that the venue adds to it, if the rate of the fee is known, against IM at every
    bound.

    ## Why it matters
    A position opened with the lowest margin is liquidated immediately, although MM alone is below
    IM.

    ## Formula
    MM(B) + fee · B > IM(B) at a bound B of either function.

    ## Example
    IM of 0.8 %, MM of 0.5 % and a fee of 0.4 %.

    ## Citation
    Bybit and OKX include the fee to close in maintenance margin: their help pages on liquidation.
    """
    for schedule in context.schedules:
        fee = value_of(schedule.fee.rate)
        initial, maintenance = value_of(schedule.initial), value_of(schedule.maintenance)
        if not fee or initial is None or maintenance is None:
            continue
        for bound in sorted(
            {float(piece.upper) for piece in (*initial.pieces, *maintenance.pieces)}
        ):
            draft = _fee_excess(initial, maintenance, float(fee), bound)
            if draft is not None:
                yield for_schedule(schedule, draft)
                break


def _fee_excess(
    initial: MarginFunction, maintenance: MarginFunction, fee: float, notional: float
) -> Draft | None:
    """Returns a draft if MM plus the fee exceeds IM at a notional; None otherwise."""
    initial_margin = initial.margin(notional)
    maintenance_margin = maintenance.margin(notional)
    if initial_margin is None or maintenance_margin is None:
        return None
    if maintenance_margin + fee * notional <= initial_margin * (1 + _ROUNDING):
        return None
    observed = initial_margin / notional
    required = maintenance_margin / notional + fee
    return Draft(
        Verdict.UNDER,
        Level.WARNING,
        "",
        f"observed IM {percent(observed)} at {dollars(notional)}, required at least "
        f"{percent(required)}: MM {percent(maintenance_margin / notional)} plus a fee of "
        f"{percent(fee)}",
        notional=notional,
        observed=observed,
        required=required,
    )


def capacity_mismatch(context: AuditContext) -> Iterator[Draft]:
    """The tiers and the position limit end at different sizes.

    ## What it checks
    The upper bound of the last tier against the largest position that the venue states.

    ## Why it matters
    Between the two sizes, either no margin is defined, or a margin is defined that can never
    apply.

    ## Formula
    |capacity / last bound − 1| > `tolerance`.

    ## Example
    Tiers up to $50,000,000 and a position limit of $20,000,000.

    ## Citation
    Follows from the definition of capacity.
    """
    tolerance = context.options["tolerance"]
    for schedule in context.schedules:
        capacity = value_of(schedule.capacity)
        last = schedule.tiers[-1].upper if schedule.tiers else None
        if capacity is None or last is None or not last.is_finite():
            continue
        if abs(float(capacity) / float(last) - 1.0) > tolerance:
            draft = Draft(
                Verdict.NOT_APPLICABLE,
                Level.INFO,
                "",
                f"the last tier ends at {dollars(float(last))}, the largest position is "
                f"{dollars(float(capacity))}",
                notional=float(capacity),
            )
            yield for_schedule(schedule, draft)


def maintenance_ratio_low(context: AuditContext) -> Iterator[Draft]:
    """Maintenance margin is a small share of initial margin, so positions are closed late.

    ## What it checks
    MM as a share of IM, at the notional at which it is smallest.

    ## Why it matters
    The margin that remains at liquidation pays for closing the position. If most of the margin is
    already lost, an ordinary price move exhausts the rest, and other participants bear the loss.

    ## Formula
    min over N of MM(N) / IM(N) < `least_share`.

    ## Example
    IM of 10 % and MM of 1 %: nine tenths of the margin may be lost before the position is closed.

    ## Citation
    Half of the margin: ESMA Decision (EU) 2018/796. Two thirds: Coinbase Bermuda margin policy. The
    threshold of this check is set by this tool, and is lower.
    """
    required = context.options["least_share"]
    for schedule, deviation in zip(context.schedules, context.maintenance_deviations, strict=True):
        if deviation is not None and 1.0 + deviation.lowest < required:
            draft = Draft(
                Verdict.UNDER,
                Level.INFO,
                "",
                f"observed MM {percent(1.0 + deviation.lowest)} of IM at "
                f"{dollars(deviation.lowest_notional)}, required at least {percent(required)}",
                notional=deviation.lowest_notional,
                deviation=deviation.lowest,
            )
            yield for_schedule(schedule, draft)


def _has_one_rate(function: MarginFunction) -> bool:
    rates = {piece.rate for piece in function.pieces}
    return len(rates) == 1 and not any(
        piece.fixed or piece.coefficient for piece in function.pieces
    )


def _largest_position(schedule: MarginSchedule, function: MarginFunction) -> float:
    """Returns the largest position with a margin, in USD; infinite if there is no limit."""
    capacity = value_of(schedule.capacity)
    return float(function.upper if capacity is None else min(function.upper, capacity))


CHECKS = (
    Check(
        "MH107",
        "liquidation-buffer-low",
        liquidation_buffer_low,
        (Option("least_buffer", 0.1, "of IM", "smallest share of IM that may be lost"),),
    ),
    Check("MH108", "tier-redundant", tier_redundant),
    Check(
        "MH109",
        "no-size-charge",
        no_size_charge,
        (Option("from_notional", 1e6, "USD", "size below which a constant rate is accepted"),),
    ),
    Check(
        "MH110",
        "last-tier-open-ended",
        last_tier_open_ended,
        (Option("least_rate", 0.2, "of notional", "smallest IM rate of an open-ended last tier"),),
    ),
    Check(
        "MH111",
        "headline-tier-small",
        headline_tier_small,
        (Option("least_notional", 1e4, "USD", "smallest upper bound of a first tier"),),
    ),
    Check("MH112", "fee-above-initial", fee_above_initial),
    Check(
        "MH113",
        "capacity-mismatch",
        capacity_mismatch,
        (Option("tolerance", 0.01, "of the last bound", "largest difference between the two"),),
    ),
    Check(
        "MH114",
        "maintenance-ratio-low",
        maintenance_ratio_low,
        (Option("least_share", 0.25, "of IM", "smallest MM as a share of IM"),),
        "preview",
    ),
)
