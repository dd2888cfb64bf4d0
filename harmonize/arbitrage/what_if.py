"""What would become of the cheapest split if a rule changed: a cap, a minimum, whole positions, one table.

- ``leverage=20``: every venue asks at least 1/20 of notional.
- ``minimum=0.5%``: every venue asks at least that rate (meant for maintenance margin).
- ``aggregate``: positions are reported together, and every venue asks the rate of the whole
  position on the part that it holds: ``n·IM_v(N)/N``. A venue whose table ends below N is taken at
  the rate of its end.
- ``adopt=okx``: every venue uses that venue's table, each up to its own limit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from harmonize.arbitrage.accounts import SplitConstraints, as_whole, at_least, with_table
from harmonize.arbitrage.gap import arbitrage
from harmonize.numerics.offer import Offer
from harmonize.numerics.panel import PieceNumbers

Offers = Mapping[str, Offer]
_HUNDRED = 100


class WhatIfError(ValueError):
    """What is wrong with a what-if, and how it is written."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A change of rules: as it was asked, in words, and what it makes of the offers for a notional."""

    asked: str
    text: str
    change: Callable[[Offers, float], Offers]


@dataclass(frozen=True, slots=True)
class WhatIfPoint:
    """At one notional in USD, the least total margin as venues are and after the change.

    ``single`` is the least of one account after it; ``gap`` what the reference asks beyond the split
    after it. None where venues do not take the position, or there is no reference.
    """

    notional: float
    split: float | None
    changed: float | None
    single: float | None
    gap: float | None


@dataclass(frozen=True, slots=True)
class WhatIfRow:
    """A change of rules and what comes of it."""

    asked: str
    text: str
    points: tuple[WhatIfPoint, ...]


def parse(asked: str, venues: Sequence[str]) -> WhatIf:
    """Read a what-if. Raises WhatIfError: one line that says what there is."""
    name, _, given = asked.partition("=")
    if name == "aggregate" and not given:
        text = "every venue asks the rate of the whole position"
        return WhatIf(
            asked, text, lambda offers, size: {v: as_whole(o, size) for v, o in offers.items()}
        )
    if name == "adopt" and given in venues:
        text = f"every venue uses the table of {given}"
        return WhatIf(asked, text, lambda offers, _: _adopted(offers, given))
    if name == "adopt":
        message = f"what-if {asked}: no venue {given!r} is compared; there are {', '.join(venues)}"
        raise WhatIfError(message)
    if name == "leverage":
        limit = _number(given, asked, 1.0, 1000.0)
        return _floor(asked, f"no venue allows more than {limit:g}x", 1.0 / limit)
    if name == "minimum":
        rate = _number(given, asked, 0.0, 1.0)
        return _floor(asked, f"no venue asks less than {rate * _HUNDRED:g} %", rate)
    message = f"what-if is leverage=20, minimum=0.5%, aggregate or adopt=VENUE, was {asked!r}"
    raise WhatIfError(message)


def _floor(asked: str, text: str, rate: float) -> WhatIf:
    return WhatIf(asked, text, lambda offers, _: {v: at_least(o, rate) for v, o in offers.items()})


def _adopted(offers: Offers, venue: str) -> Offers:
    table = offers[venue].pieces
    return {name: with_table(one, table) for name, one in offers.items()}


def _number(given: str, asked: str, least: float, most: float) -> float:
    try:
        read = Decimal(given.removesuffix("%").replace("_", ""))
    except InvalidOperation:
        read = Decimal(-1)
    number = float(read) if read.is_finite() else -1.0
    number = number / _HUNDRED if given.endswith("%") else number
    if not least < number <= most:
        message = f"what-if {asked}: a number above {least:g}, at most {most:g}, was {given!r}"
        raise WhatIfError(message)
    return number


def what_if(
    one: WhatIf,
    offers: Offers,
    notionals: Sequence[float],
    conditions: SplitConstraints,
    reference: Sequence[PieceNumbers] | None,
) -> WhatIfRow:
    """Compare the cheapest splits before and after a change."""
    points = []
    for size in notionals:
        before = arbitrage(offers, size, conditions, reference)
        after = arbitrage(one.change(offers, size), size, conditions, reference)
        asked = after.reference if after else None
        points.append(
            WhatIfPoint(
                notional=size,
                split=before.split.cost if before else None,
                changed=after.split.cost if after else None,
                single=after.single if after else None,
                gap=asked - after.split.cost if after and asked is not None else None,
            )
        )
    return WhatIfRow(one.asked, one.text, tuple(points))
