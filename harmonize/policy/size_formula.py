"""Size formula: margin that grows with the close-out time, v1 * sqrt(days + N / (3 * pi * ADV)).

Risk grows with the square root of time. A position unwound evenly at the share pi of daily volume
is exposed for a third of the days that the close-out takes. Precedents: Coinbase Bermuda's margin
policy (risk times the root of close-out time on average volume) and SPAN 2's concentration charge.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext

from harmonize.core.schedule import INFINITY, ZERO, MarginFunction, marginal

DIGITS = 50  # precision before rounding
RATIO = Decimal("1.25")  # largest ratio of neighbouring bounds; see ``continued_functions``
RATE_QUANTUM = Decimal("1e-18")  # rates are multiples of it
WHOLE = Decimal(1)
FIRST_BOUND_DIVISOR = Decimal(500)  # without tiers, the first bound is depth * days over this

Slices = Sequence[tuple[Decimal, Decimal]]
"""Upper bounds of slices, in USD, each with the rate of its slice."""


@dataclass(frozen=True, slots=True)
class SizeFormula:
    """Parameters that all underlyings share: the share pi, and days of risk at small size."""

    pi: Decimal
    initial_days: Decimal
    maintenance_days: Decimal

    def depth(self, adv: Decimal) -> Decimal:
        """Returns 3 * pi * ADV, in USD: the size whose close-out adds one day of risk."""
        return 3 * self.pi * adv

    def margin(self, notional: Decimal, days: Decimal, v1: Decimal, adv: Decimal) -> Decimal:
        """Returns ``N * min(1, v1 * sqrt(days + N / (3 * pi * ADV)))``, in USD, to 50 digits."""
        with localcontext(prec=DIGITS):
            rate = v1 * (days + notional / self.depth(adv)).sqrt()
            return notional * min(WHOLE, rate)

    def notional_at_full_margin(self, days: Decimal, v1: Decimal, adv: Decimal) -> Decimal:
        """Returns the notional, in USD, from which the margin is the whole position."""
        with localcontext(prec=DIGITS):
            return self.depth(adv) * (1 / v1**2 - days)


def continued_functions(
    formula: SizeFormula, v1: Decimal, adv: Decimal, initial: Slices, maintenance: Slices
) -> tuple[MarginFunction, MarginFunction]:
    """Returns IM and MM: the given tiers, then chords of the formula, then the whole position.

    Bounds above the last tier differ by a factor of 1.25 at most; the notionals at which a rate
    reaches 100 % are bounds too. At each bound the margin equals the formula to 1e-18 of notional.
    The first chord absorbs the rounding difference between the last tier and the formula. Between
    bounds the chord is within 0.5 % of the formula: at most 0.47 % above it in the packs. Neither
    function jumps, and MM never exceeds IM. Without tiers, the first bound is so low that the first
    chord is within 0.5 % too.
    """
    days = (formula.initial_days, formula.maintenance_days)
    smallest = formula.depth(adv) * min(days) / FIRST_BOUND_DIVISOR
    first = initial[-1][0] if initial else _rounded(smallest)
    bounds, count = _bounds(first, formula, v1, adv)
    bounds = bounds if initial else [first, *bounds]
    count = count if initial else count + 1
    return (
        _with_chords(list(initial), bounds[:count], lambda n: formula.margin(n, days[0], v1, adv)),
        _with_chords(list(maintenance), bounds, lambda n: formula.margin(n, days[1], v1, adv)),
    )


def _bounds(
    last: Decimal, formula: SizeFormula, v1: Decimal, adv: Decimal
) -> tuple[list[Decimal], int]:
    """Returns bounds up to where MM is the whole position, and how many of them IM needs."""
    bounds = [last]
    counts = []
    for days in (formula.initial_days, formula.maintenance_days):
        full = formula.notional_at_full_margin(days, v1, adv).to_integral_value(ROUND_CEILING)
        end = max(full, _rounded(last * RATIO))
        while bounds[-1] < end:
            bounds.append(min(end, _rounded(bounds[-1] * RATIO)))
        counts.append(len(bounds) - 1)
    return bounds[1:], counts[0]


def _rounded(bound: Decimal) -> Decimal:
    """Rounds down to three significant digits."""
    with localcontext(prec=3, rounding=ROUND_FLOOR):
        return Decimal(f"{+bound:f}")


def _with_chords(
    tiers: list[tuple[Decimal, Decimal]],
    bounds: Sequence[Decimal],
    margin: Callable[[Decimal], Decimal],
) -> MarginFunction:
    with localcontext(prec=DIGITS):
        margin_at_lower, lower = margin_at_last_bound(tiers), tiers[-1][0] if tiers else ZERO
        for upper in bounds:
            rate = ((margin(upper) - margin_at_lower) / (upper - lower)).quantize(RATE_QUANTUM)
            tiers.append((upper, rate))
            margin_at_lower, lower = margin_at_lower + rate * (upper - lower), upper
    uppers, rates = zip(*tiers, (INFINITY, WHOLE), strict=True)
    return marginal(uppers, rates)


def margin_at_last_bound(tiers: Slices) -> Decimal:
    """Returns the margin, in USD, at the last bound: the sum over all slices."""
    lowers = [ZERO, *(upper for upper, _ in tiers)]
    return sum(
        (rate * (upper - lower) for lower, (upper, rate) in zip(lowers, tiers, strict=False)), ZERO
    )
