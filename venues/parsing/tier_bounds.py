"""Checks and closes the bounds of published tiers, in the order of rows."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

from harmonize.core.schedule import ZERO, Tier, deductions

_CENT = Decimal("0.01")  # venues round deductions to cents
_WHOLE_STEP_FROM = 1000  # in the venue's unit


def close_steps(tiers: Sequence[Tier], unit: str) -> tuple[Tier, ...]:
    """Tiers without the lower bounds that lie one published step above the end of the tier below.

    Some venues write tiers as "up to 1000, from 1000.01" or "from 1001": one unit in the last
    published place, or one contract. Such a lower bound states no gap, so it becomes None. A step
    of a whole unit that is no contract counts only above 1000 units: 5 to 6 coins is a gap.
    """
    if all(tier.lower is None for tier in tiers):
        return tuple(tiers)
    step = _last_place(tiers)
    closed, end = [], ZERO
    for tier in tiers:
        smallest = Decimal(1) if unit == "contracts" else step
        is_step = unit == "contracts" or step < 1 or end >= _WHOLE_STEP_FROM
        is_above = tier.lower is not None and 0 < tier.lower - end <= smallest
        closed.append(replace(tier, lower=None) if is_step and is_above else tier)
        end = tier.upper
    return tuple(closed)


def without_empty_tiers(tiers: Sequence[Tier]) -> tuple[Tier, ...]:
    """Tiers without those that no position can be in: they end where they and the one below begin.

    Binance has published such a row, 500,000 to 500,000. The rows above continue its deduction, so
    the margin is the same without it. Where published deductions contradict that, all tiers stay.
    """
    kept: list[Tier] = []
    for tier in tiers:
        end = kept[-1].upper if kept else ZERO
        if not (tier.lower == tier.upper == end):
            kept.append(tier)
    if len(kept) == len(tiers) or find_deduction_fault(tiers):
        return tuple(tiers)
    return tuple(kept)


def _last_place(tiers: Sequence[Tier]) -> Decimal:
    """One unit in the last significant place of all bounds; at most 1."""
    bounds = [b for tier in tiers for b in (tier.lower, tier.upper) if b and b.is_finite()]
    exponents = (int(bound.normalize().as_tuple().exponent) for bound in bounds)
    return Decimal(1).scaleb(min(0, *exponents)) if bounds else Decimal(1)


def find_tiling_fault(tiers: Sequence[Tier]) -> str:
    """Location of a gap, an overlap or a bound that does not rise; empty if the tiers tile."""
    if tiers and tiers[0].lower is not None and tiers[0].lower != 0:
        return f"tier 1 begins at {_plain(tiers[0].lower)}, expected 0"
    for number, (below, above) in enumerate(pairwise(tiers), start=2):
        if not below.upper.is_finite():
            return f"tier {number - 1} has no end, but tier {number} follows"
        if above.upper <= below.upper:
            ends = f"{_plain(above.upper)}, expected above {_plain(below.upper)}"
            return f"tier {number} ends at {ends}"
        if above.lower is not None and above.lower != below.upper:
            kind = "gap" if above.lower > below.upper else "overlap"
            return (
                f"{kind} between tiers {number - 1} and {number}: "
                f"{_plain(below.upper)} to {_plain(above.lower)}"
            )
    if tiers and tiers[0].upper <= 0:
        return f"tier 1 ends at {_plain(tiers[0].upper)}, expected above 0"
    return ""


def _plain(bound: Decimal) -> str:
    """Bound without trailing zeros, which a conversion adds."""
    return f"{bound.normalize():f}"


def find_deduction_fault(tiers: Sequence[Tier]) -> str:
    """Location of a published deduction that continuity contradicts; empty if all agree.

    A contradiction indicates a missing tier or a misread rate, bound or deduction.
    """
    if all(tier.deduction is None for tier in tiers):
        return ""
    rates = [tier.maintenance_rate or ZERO for tier in tiers]
    derived = deductions([tier.upper for tier in tiers], rates)
    for number, (tier, expected) in enumerate(zip(tiers, derived, strict=True), start=1):
        if tier.deduction is not None and abs(tier.deduction - expected) > _CENT:
            return (
                f"tier {number}: expected a deduction of ${expected:,.2f} by continuity, "
                f"found ${tier.deduction:,.2f}"
            )
    return ""
