"""What-ifs: the cheapest split after a change of rules.

- ``leverage=20``: every venue requires at least 1/20 of notional.
- ``minimum=0.5%``: every venue requires at least that rate (intended for maintenance margin).
- ``aggregate``: venues report positions to one another, and every venue applies the rate of the
  whole position to its part: ``n·IM_v(N)/N``. If a venue's table ends at a capacity below N, the
  rate is that of the end of the table. A venue whose margin at N was not observed takes no part.
- ``adopt=okx``: every venue uses that venue's table, up to its own limit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from harmonize.arbitrage.accounts import SplitConstraints, as_whole, at_least, with_table
from harmonize.arbitrage.gap import arbitrage
from harmonize.numerics.offer import Offer
from harmonize.numerics.panel import PieceNumbers
from harmonize.numerics.rounding import rounded
from harmonize.text.suggest import did_you_mean

Offers = Mapping[str, Offer]
_PERCENT = 100


class WhatIfError(ValueError):
    """Error in the text of a what-if."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A change of rules: as specified, in words, and as a function of offers and a notional."""

    specification: str
    text: str
    apply: Callable[[Offers, float], Offers]


@dataclass(frozen=True, slots=True)
class WhatIfPoint:
    """Lowest total margin before and after a change, at one notional, in USD.

    ``single`` is the lowest margin in one account after the change. ``gap`` is the reference less
    the split after the change. None if the venues do not take the position, or without a reference.
    """

    notional: float
    split: float | None
    changed: float | None
    single: float | None
    gap: float | None


@dataclass(frozen=True, slots=True)
class WhatIfRow:
    """A change of rules (``specification``: as specified) and its result at every notional."""

    specification: str
    text: str
    points: tuple[WhatIfPoint, ...]


def parse_what_if(specification: str, venues: Sequence[str]) -> WhatIf:
    """Parses a what-if. Raises WhatIfError: an unknown change, or a value out of range."""
    name, _, argument = specification.partition("=")
    if name == "aggregate" and not argument:
        text = "every venue applies the rate of the whole position"
        return WhatIf(specification, text, _aggregated)
    if name == "adopt" and argument in venues:
        text = f"every venue uses the table of {argument}"
        return WhatIf(specification, text, lambda offers, _: _adopted(offers, argument))
    if name == "adopt":
        fix = did_you_mean(argument, venues, "use a venue that is compared on the underlying")
        message = f"what-if {specification}: unknown venue {argument!r}{fix}"
        raise WhatIfError(message)
    if name == "leverage":
        limit = _number(argument, specification, 1.0, 1000.0)
        return _floor(specification, f"no venue allows more than {limit:g}x", 1.0 / limit)
    if name == "minimum":
        rate = _number(argument, specification, 0.0, 1.0)
        return _floor(specification, f"no venue requires less than {rate * _PERCENT:g} %", rate)
    message = f"what-if: expected leverage=20, minimum=0.5%, aggregate or adopt=VENUE, found {specification!r}"
    raise WhatIfError(message)


def _floor(specification: str, text: str, rate: float) -> WhatIf:
    return WhatIf(
        specification,
        text,
        lambda offers, _: {venue: at_least(offer, rate) for venue, offer in offers.items()},
    )


def _aggregated(offers: Offers, notional: float) -> Offers:
    return {
        venue: as_whole(offer, notional)
        for venue, offer in offers.items()
        if notional <= offer.largest or not offer.is_unobserved_above
    }


def _adopted(offers: Offers, model_venue: str) -> Offers:
    table = offers[model_venue].pieces
    return {venue: with_table(offer, table) for venue, offer in offers.items()}


def _number(argument: str, specification: str, above: float, at_most: float) -> float:
    """Returns a number or a percentage. Raises WhatIfError: not a number in (above, at_most]."""
    try:
        decimal = Decimal(argument.removesuffix("%").replace("_", ""))
    except InvalidOperation:
        decimal = Decimal(-1)
    number = float(decimal) if decimal.is_finite() else -1.0
    number = number / _PERCENT if argument.endswith("%") else number
    if not above < number <= at_most:
        message = f"what-if {specification}: expected a number above {above:g}, at most {at_most:g}, found {argument!r}"
        raise WhatIfError(message)
    return number


def apply_what_if(
    change: WhatIf,
    offers: Offers,
    notionals: Sequence[float],
    constraints: SplitConstraints,
    reference: Sequence[PieceNumbers] | None,
) -> WhatIfRow:
    """Compares the cheapest splits before and after a change."""
    points = []
    for notional in notionals:
        before = arbitrage(offers, notional, constraints, reference)
        after = arbitrage(change.apply(offers, notional), notional, constraints, reference)
        required = after.reference if after else None
        points.append(
            WhatIfPoint(
                notional=notional,
                split=before.cost if before else None,
                changed=after.cost if after else None,
                single=after.single if after else None,
                gap=rounded(required - after.cost) if after and required is not None else None,
            )
        )
    return WhatIfRow(change.specification, change.text, tuple(points))
