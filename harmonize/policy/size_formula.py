"""Margin that grows with the time to unwind a position: v1 * sqrt(days + N / (3 * pi * ADV)).

The square root is of time: a position that is unwound evenly at the share pi of daily volume is
exposed for a third of the days that this takes. Precedents: Coinbase Bermuda's margin policy (risk
times the root of close-out time on average volume) and SPAN 2's concentration charge.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext

from harmonize.core.schedule import INFINITY, ZERO, MarginFunction, marginal

DIGITS = 50  # of every computed figure, before it is rounded
RATIO = Decimal("1.25")  # of neighbouring bounds; see ``continued``
PLACES = Decimal("1e-18")  # to which rates are rounded
WHOLE = Decimal(1)
FLAT = Decimal(500)  # how much smaller than a day's depth the first bound without tiers is

Slices = Sequence[tuple[Decimal, Decimal]]
"""Upper bounds in USD with the rate of the slice that ends there."""


@dataclass(frozen=True, slots=True)
class SizeFormula:
    """The parts that all underlyings share; ``days`` of risk at small size, and the share pi."""

    pi: Decimal
    initial_days: Decimal
    maintenance_days: Decimal

    def depth(self, adv: Decimal) -> Decimal:
        """3 * pi * ADV in USD: the size whose unwinding adds one day of risk."""
        return 3 * self.pi * adv

    def margin(self, notional: Decimal, days: Decimal, v1: Decimal, adv: Decimal) -> Decimal:
        """``N * min(1, v1 * sqrt(days + N / (3 * pi * ADV)))`` in USD, to 50 digits."""
        with localcontext(prec=DIGITS):
            rate = v1 * (days + notional / self.depth(adv)).sqrt()
            return notional * min(WHOLE, rate)

    def full(self, days: Decimal, v1: Decimal, adv: Decimal) -> Decimal:
        """The notional in USD from which the margin is the whole position."""
        with localcontext(prec=DIGITS):
            return self.depth(adv) * (1 / v1**2 - days)


def continued(
    formula: SizeFormula, v1: Decimal, adv: Decimal, initial: Slices, maintenance: Slices
) -> tuple[MarginFunction, MarginFunction]:
    """IM and MM: the tiers given, then chords of the formula, then the whole position.

    Bounds above the last tier are at most 1.25 apart, and those at which a rate reaches 100 %.
    At each of them the margin is the formula's to 1e-18 of notional; the first chord takes up what
    rounding left between the last tier and the formula. Between bounds the chord is within 0.5 % of
    the formula: 0.47 % above it at most in the packs. Neither function jumps, and MM never exceeds
    IM. Without tiers, the first chord ends so low that it too is within 0.5 %.
    """
    days = (formula.initial_days, formula.maintenance_days)
    first = initial[-1][0] if initial else _rounded(formula.depth(adv) * min(days) / FLAT)
    bounds, count = _bounds(first, formula, v1, adv)
    bounds = bounds if initial else [first, *bounds]
    count = count if initial else count + 1
    return (
        _joined(list(initial), bounds[:count], lambda n: formula.margin(n, days[0], v1, adv)),
        _joined(list(maintenance), bounds, lambda n: formula.margin(n, days[1], v1, adv)),
    )


def _bounds(
    last: Decimal, formula: SizeFormula, v1: Decimal, adv: Decimal
) -> tuple[list[Decimal], int]:
    """Bounds up to where MM is the whole position, and how many lead to where IM is."""
    bounds = [last]
    counts = []
    for days in (formula.initial_days, formula.maintenance_days):
        full = formula.full(days, v1, adv).to_integral_value(ROUND_CEILING)
        end = max(full, _rounded(last * RATIO))
        while bounds[-1] < end:
            bounds.append(min(end, _rounded(bounds[-1] * RATIO)))
        counts.append(len(bounds) - 1)
    return bounds[1:], counts[0]


def _rounded(bound: Decimal) -> Decimal:
    """Cut to three digits."""
    with localcontext(prec=3, rounding=ROUND_FLOOR):
        return Decimal(f"{+bound:f}")


def _joined(
    tiers: list[tuple[Decimal, Decimal]],
    bounds: Sequence[Decimal],
    margin: Callable[[Decimal], Decimal],
) -> MarginFunction:
    with localcontext(prec=DIGITS):
        reached, lower = slices(tiers), tiers[-1][0] if tiers else ZERO
        for upper in bounds:
            rate = ((margin(upper) - reached) / (upper - lower)).quantize(PLACES)
            tiers.append((upper, rate))
            reached, lower = reached + rate * (upper - lower), upper
    uppers, rates = zip(*tiers, (INFINITY, WHOLE), strict=True)
    return marginal(uppers, rates)


def slices(tiers: Slices) -> Decimal:
    """Sum bound-and-rate tiers over the slices: the margin in USD at the last bound."""
    lowers = [ZERO, *(upper for upper, _ in tiers)]
    return sum(
        (rate * (upper - lower) for lower, (upper, rate) in zip(lowers, tiers, strict=False)), ZERO
    )
