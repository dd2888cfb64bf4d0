"""MH1xx, continued: what a sound schedule says of leverage, buffers and size."""

from collections.abc import Iterator
from itertools import pairwise

from harmonize.checks.base import AuditContext, Check, Draft, Option, about
from harmonize.core.schedule import MarginFunction, MarginSchedule, Piece, value_of
from harmonize.document import Level, Verdict
from harmonize.text.messages import dollars, percent


def buffer_thin(examined: AuditContext) -> Iterator[Draft]:
    """Maintenance margin leaves next to nothing of initial margin to lose.

    ## What it checks
    The part of the initial margin that a position may lose before it is liquidated, where it is
    smallest.

    ## Why it matters
    A position opened with the least margin is liquidated by the first move against it. What the
    venue calls leverage is then a bet on the next tick.

    ## Formula
    min over N of 1 − MM(N) / IM(N) < `least_buffer`.

    ## Example
    IM 1 % and MM 0.95 %: a twentieth of the margin, 0.05 % of the position, may be lost.

    ## Citation
    ESMA Decision (EU) 2018/796 closes out at half of the margin; the threshold here is ours.
    """
    least = examined.options["least_buffer"]
    for schedule, standing in zip(examined.schedules, examined.internal, strict=True):
        buffer = 0.0 if standing is None else max(0.0, -standing.highest)
        if standing is not None and not standing.over and buffer < least:
            draft = Draft(
                Verdict.UNDER,
                Level.WARNING,
                "",
                f"MM is {percent(1.0 + standing.highest)} of IM at "
                f"{dollars(standing.highest_notional)}: {percent(buffer)} of the margin "
                f"may be lost, {percent(least)} is the least here",
                notional=standing.highest_notional,
                divergence=standing.highest,
            )
            yield about(schedule, draft)


def tier_redundant(examined: AuditContext) -> Iterator[Draft]:
    """Two neighbouring tiers ask the same rates.

    ## What it checks
    Neighbouring tiers whose IM and MM rates are both known and equal.

    ## Why it matters
    The bound between them changes nothing. Either it is a remnant, or one of the rates was
    published wrongly.

    ## Formula
    IM rate(k) = IM rate(k−1) and MM rate(k) = MM rate(k−1).

    ## Example
    Tiers up to $100,000 and up to $250,000 both ask 2 % and 1 %.

    ## Citation
    Follows from what a tier is.
    """
    for schedule in examined.schedules:
        for number, (below, above) in enumerate(pairwise(schedule.tiers), start=2):
            rates = (above.initial_rate, above.maintenance_rate)
            if None not in rates and rates == (below.initial_rate, below.maintenance_rate):
                message = (
                    f"tier {number} asks the same rates as tier {number - 1}, on either side of "
                    f"{dollars(float(below.upper))}"
                )
                draft = Draft(
                    Verdict.NOT_APPLICABLE,
                    Level.INFO,
                    "",
                    message,
                    notional=float(below.upper),
                )
                yield about(schedule, draft)
                break


def size_blind(examined: AuditContext) -> Iterator[Draft]:
    """Margin does not rise with the size of the position.

    ## What it checks
    One IM rate from the smallest position to one of `from_notional` and beyond, on a schedule that
    is published whole.

    ## Why it matters
    A large position takes longer to close and moves the price. A rate that ignores that prices
    concentration at nothing.

    ## Formula
    IM(N) / N is constant up to N ≥ `from_notional`.

    ## Example
    2 % of any position, at any size.

    ## Citation
    CPMI-IOSCO, Principles for financial market infrastructures, Principle 6; CME SPAN 2 charges
    concentration on average daily volume.
    """
    least = examined.options["from_notional"]
    for schedule in examined.schedules:
        initial = value_of(schedule.initial)
        if initial is None or schedule.exclusion_reason or not _constant(initial):
            continue
        reach = _reach(schedule, initial)
        if reach >= least:
            rate = float(initial.pieces[0].rate)
            end = "at any size" if reach == float("inf") else f"up to {dollars(reach)}"
            draft = Draft(
                Verdict.UNDER, Level.INFO, "", f"IM is {percent(rate)} {end}", observed=rate
            )
            yield about(schedule, draft)


def open_ended_leverage(examined: AuditContext) -> Iterator[Draft]:
    """The last tier has no end and still allows high leverage.

    ## What it checks
    The IM rate of a last tier that is open-ended, on a venue that publishes no largest position.

    ## Why it matters
    Above the last bound nothing holds a position back: neither a limit nor a rising rate.

    ## Formula
    The last piece has no upper bound, capacity is unknown, and its rate is below `least_rate`.

    ## Example
    50x for any position above $1,000,000.

    ## Citation
    CPMI-IOSCO, Principles for financial market infrastructures, Principle 6; the threshold is ours.
    """
    least = examined.options["least_rate"]
    for schedule in examined.schedules:
        initial = value_of(schedule.initial)
        if initial is None or schedule.exclusion_reason or value_of(schedule.capacity) is not None:
            continue
        last = initial.pieces[-1]
        if not last.upper.is_finite() and not last.coefficient and float(last.rate) < least:
            lower = float(initial.pieces[-2].upper) if len(initial.pieces) > 1 else 0.0
            draft = Draft(
                Verdict.UNDER,
                Level.WARNING,
                "",
                f"above {dollars(lower)} IM is {percent(float(last.rate))} without end; at least "
                f"{percent(least)} or a largest position is due",
                notional=max(lower, 1.0),
                observed=float(last.rate),
                required=least,
            )
            yield about(schedule, draft)


def headline_leverage(examined: AuditContext) -> Iterator[Draft]:
    """The largest leverage holds for very small positions only.

    ## What it checks
    How far the first tier reaches, where the next one asks more.

    ## Why it matters
    Venues are compared and advertised by their largest leverage. Where it ends at a few thousand
    dollars, the comparison says little about anybody's position.

    ## Formula
    Upper bound of the first tier < `least_notional`, with a higher rate above it.

    ## Example
    100x up to $5,000, 50x above.

    ## Citation
    A question of fair comparison; the threshold is ours.
    """
    least = examined.options["least_notional"]
    for schedule in examined.schedules:
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
            and bound < least
        ):
            draft = Draft(
                Verdict.NOT_APPLICABLE,
                Level.INFO,
                "",
                f"{1 / rate:,.4g}x (IM {percent(rate)}) ends at {dollars(bound)}",
                notional=bound,
                observed=rate,
            )
            yield about(schedule, draft)


def fee_above_initial(examined: AuditContext) -> Iterator[Draft]:
    """Maintenance margin and the liquidation fee together exceed initial margin.

    ## What it checks
    MM plus the fee that the venue counts on top of it, where its rate is known, against IM at every
    bound.

    ## Why it matters
    A position opened with the least margin is liquidated at once, although MM alone is below IM.

    ## Formula
    MM(B) + fee · B > IM(B) at a bound B of either function.

    ## Example
    IM 0.8 %, MM 0.5 % and a fee of 0.4 %.

    ## Citation
    Bybit and OKX count the fee to close in maintenance margin: their help pages on liquidation.
    """
    for schedule in examined.schedules:
        fee = value_of(schedule.fee.rate)
        initial, maintenance = value_of(schedule.initial), value_of(schedule.maintenance)
        if not fee or initial is None or maintenance is None:
            continue
        for bound in sorted({float(one.upper) for one in (*initial.pieces, *maintenance.pieces)}):
            own, due = _at(maintenance, bound), _at(initial, bound)
            if own is not None and due is not None and own + float(fee) * bound > due * (1 + 1e-9):
                draft = Draft(
                    Verdict.UNDER,
                    Level.WARNING,
                    "",
                    f"at {dollars(bound)} MM is {percent(own / bound)} and the fee "
                    f"{percent(float(fee))}, together above IM of {percent(due / bound)}",
                    notional=bound,
                    observed=due / bound,
                    required=own / bound + float(fee),
                )
                yield about(schedule, draft)
                break


def capacity_differs(examined: AuditContext) -> Iterator[Draft]:
    """The tiers end at one size, the position limit at another.

    ## What it checks
    The upper bound of the last tier against the largest position that the venue states.

    ## Why it matters
    Between the two either no margin is defined, or one that nobody can ever be asked.

    ## Formula
    |capacity / last bound − 1| > `tolerance`.

    ## Example
    Tiers up to $50,000,000, a position limit of $20,000,000.

    ## Citation
    Follows from what a capacity is.
    """
    slack = examined.options["tolerance"]
    for schedule in examined.schedules:
        capacity = value_of(schedule.capacity)
        last = schedule.tiers[-1].upper if schedule.tiers else None
        if capacity is None or last is None or not last.is_finite():
            continue
        if abs(float(capacity) / float(last) - 1.0) > slack:
            draft = Draft(
                Verdict.NOT_APPLICABLE,
                Level.INFO,
                "",
                f"tiers reach to {dollars(float(last))}, the largest position is "
                f"{dollars(float(capacity))}",
                notional=float(capacity),
            )
            yield about(schedule, draft)


def maintenance_thin(examined: AuditContext) -> Iterator[Draft]:
    """Maintenance margin is a small part of initial margin: positions are closed late.

    ## What it checks
    MM as a share of IM, where it is smallest.

    ## Why it matters
    What is left at liquidation pays for closing the position. Where most of the margin is already
    lost, an ordinary move takes the rest, and others pay.

    ## Formula
    min over N of MM(N) / IM(N) < `least_share`.

    ## Example
    IM 10 % and MM 1 %: nine tenths may be lost before anything happens.

    ## Citation
    Half of the margin: ESMA Decision (EU) 2018/796. Two thirds: Coinbase Bermuda margin policy. The
    threshold here is ours, and lower.
    """
    least = examined.options["least_share"]
    for schedule, standing in zip(examined.schedules, examined.internal, strict=True):
        if standing is not None and 1.0 + standing.lowest < least:
            draft = Draft(
                Verdict.UNDER,
                Level.INFO,
                "",
                f"MM is {percent(1.0 + standing.lowest)} of IM at "
                f"{dollars(standing.lowest_notional)}, less than {percent(least)}",
                notional=standing.lowest_notional,
                divergence=standing.lowest,
            )
            yield about(schedule, draft)


def _constant(function: MarginFunction) -> bool:
    rates = {one.rate for one in function.pieces}
    return len(rates) == 1 and not any(one.fixed or one.coefficient for one in function.pieces)


def _reach(schedule: MarginSchedule, function: MarginFunction) -> float:
    capacity = value_of(schedule.capacity)
    return float(function.upper if capacity is None else min(function.upper, capacity))


def _at(function: MarginFunction, notional: float) -> float | None:
    """Margin in USD at a finite notional; None where the function has none."""
    if notional == float("inf"):
        return None
    for piece in function.pieces:
        if notional <= float(piece.upper):
            return _value(piece, notional)
    return None


def _value(piece: Piece, notional: float) -> float:
    curved = float(piece.coefficient) * notional ** float(piece.power) if piece.coefficient else 0.0
    return float(piece.fixed) + float(piece.rate) * notional + curved


CHECKS = (
    Check(
        "MH107",
        "buffer-thin",
        buffer_thin,
        (Option("least_buffer", 0.1, "of IM", "the least part of IM that may be lost"),),
    ),
    Check("MH108", "tier-redundant", tier_redundant),
    Check(
        "MH109",
        "size-blind",
        size_blind,
        (Option("from_notional", 1e6, "USD", "the size up to which a constant rate is let pass"),),
    ),
    Check(
        "MH110",
        "open-ended-at-leverage",
        open_ended_leverage,
        (Option("least_rate", 0.2, "of notional", "the least IM rate of a last tier without end"),),
    ),
    Check(
        "MH111",
        "headline-leverage-small",
        headline_leverage,
        (Option("least_notional", 1e4, "USD", "the size that a first tier should reach"),),
    ),
    Check("MH112", "fee-above-initial", fee_above_initial),
    Check(
        "MH113",
        "capacity-differs",
        capacity_differs,
        (Option("tolerance", 0.01, "of the last bound", "how far the two may be apart"),),
    ),
    Check(
        "MH114",
        "maintenance-thin",
        maintenance_thin,
        (Option("least_share", 0.25, "of IM", "the least MM as a share of IM"),),
        "preview",
    ),
)
