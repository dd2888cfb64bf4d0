"""Tiers of a class from the size formula: marginal rates whose sums equal it at every bound."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from harmonize.core.schedule import ZERO
from harmonize.policy.size_formula import SizeFormula

PLACES = Decimal("1e-10")
"""Smallest step of a rate. A margin at a bound differs from the formula by half of it at most."""

_WHOLE = Decimal(1)


@dataclass(frozen=True, slots=True)
class FormulaTier:
    """Rates of the slice of a position up to ``upper``, in USD."""

    upper: Decimal
    initial_rate: Decimal
    maintenance_rate: Decimal


def formula_tiers(
    formula: SizeFormula, v1: Decimal, adv: Decimal, bounds: Sequence[Decimal]
) -> tuple[FormulaTier, ...]:
    """Returns the tiers of a class at fixed v1 and ADV.

    Bounds end before the first slice that would have to cost more than itself: there the margin
    approaches the whole position, and the formula continues. The first slice never does.
    """
    days = (formula.initial_days, formula.maintenance_days)
    columns = [list(_rates(formula, v1, adv, bounds, part)) for part in days]
    tiers = []
    for upper, initial, maintenance in zip(bounds, *columns, strict=True):
        if max(initial, maintenance) > _WHOLE:
            break
        tiers.append(FormulaTier(upper, initial, maintenance))
    return tuple(tiers)


def _rates(
    formula: SizeFormula, v1: Decimal, adv: Decimal, bounds: Sequence[Decimal], days: Decimal
) -> Iterator[Decimal]:
    """Yields the rate of each slice; a slice makes up for the rounding of those before it."""
    lower = charged = ZERO
    for upper in bounds:
        rate = (formula.margin(upper, days, v1, adv) - charged) / (upper - lower)
        rounded = rate.quantize(PLACES)
        yield rounded
        charged += rounded * (upper - lower)
        lower = upper
