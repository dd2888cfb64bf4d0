"""Other margin rules on the same positions: what each rule changes, and what traders add or cut.

A rule in force before the scenario caps traders whose margin is below the new IM. They either keep
their notional and add margin, or keep their margin and cut their notional. A rule that starts during
the scenario, at some fall, changes MM from there on and caps nobody.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

import numpy as np

from harmonize.stress.book import Book
from harmonize.stress.errors import StressInputError
from harmonize.stress.falls import Falls, falls
from harmonize.stress.positions import Floats, Positions
from harmonize.stress.thresholds import check_moves
from harmonize.stress.tiers import Tiers, VenueMargins

BUFFER = 1.25
"""A margin with a buffer of 25 % (RTS 153/2013, Art. 28(1)(a)) over the one without."""

_CLOSED = 1e-12
"""Share of a notional that stays of a position whose margin supports none."""

Margins = tuple[VenueMargins, ...]
"""Margin terms in the order of the venues of a book."""

Rule = Callable[[Margins], Margins]
"""Other margin terms; it can be sent to another process."""


class Behaviour(StrEnum):
    """Reaction of a trader whose margin is below a new IM."""

    NOTIONAL_KEPT = "notional kept"
    MARGIN_KEPT = "margin kept"


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Other margin rules; ``from_fall`` is the fall at which they start, None if before the scenario."""

    name: str
    rule: Rule
    from_fall: float | None = None

    def __post_init__(self) -> None:
        """Raises StressInputError: a fall outside [0, 1)."""
        if self.from_fall is not None:
            check_moves(f"{self.name}: fall", [self.from_fall])

    def starting_at(self, fall: float) -> "WhatIf":
        """Returns the same rules, in force on the day of the scenario from a fall on."""
        return replace(self, name=f"{self.name} from a fall of {fall:.0%}", from_fall=fall)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Positions and falls under some rules.

    ``top_up`` is the margin by venue, in USD, that traders add before the scenario; ``closed`` is the
    notional that they close instead. ``immediate`` is the notional whose margin is below MM.
    """

    positions: Positions
    falls: Falls
    top_up: Floats
    closed: Floats
    immediate: Floats


def unchanged(book: Book) -> Outcome:
    """Returns the outcome under the rules in force."""
    return _outcome(book.positions, book.positions, falls(book.positions, book.margins))


def apply(book: Book, what_if: WhatIf, behaviour: Behaviour) -> Outcome:
    """Returns the outcome under other rules. Raises StressInputError: a rule that does not apply."""
    changed = what_if.rule(book.margins)
    if what_if.from_fall is not None:
        before, after = falls(book.positions, book.margins), falls(book.positions, changed)
        combined = _from_fall(before, after, what_if.from_fall)
        return _outcome(book.positions, book.positions, combined)
    positions = _capped(book.positions, changed, behaviour)
    return _outcome(book.positions, positions, falls(positions, changed))


def reference(initial: Tiers, maintenance: Tiers) -> WhatIf:
    """Returns the reference IM and MM on every venue, with the venues' largest positions."""
    return WhatIf("reference", partial(_with_tiers, initial=initial, maintenance=maintenance))


def reference_initial(initial: Tiers) -> WhatIf:
    """Returns the reference IM with the venues' own MM."""
    return WhatIf("reference IM", partial(_with_tiers, initial=initial))


def reference_maintenance(maintenance: Tiers) -> WhatIf:
    """Returns the reference MM with the venues' own IM."""
    return WhatIf("reference MM", partial(_with_tiers, maintenance=maintenance))


def leverage_cap(leverage: float) -> WhatIf:
    """Returns a cap on leverage: IM is at least ``1/leverage`` of the notional.

    Raises StressInputError: the leverage is not a finite number above 0.
    """
    if not 0.0 < leverage < np.inf:
        message = f"leverage: expected a finite number above 0, found {leverage}"
        raise StressInputError(message)
    return WhatIf(f"leverage={leverage:g}", partial(_with_least_initial, rate=1.0 / leverage))


def maintenance_multiple(factor: float) -> WhatIf:
    """Returns MM times a factor. Raises StressInputError: the factor is not a number above 0."""
    if not 0.0 < factor < np.inf:
        message = f"maintenance: expected a finite factor above 0, found {factor}"
        raise StressInputError(message)
    return WhatIf(f"maintenance=×{factor:g}", partial(_with_scaled_maintenance, factor=factor))


def buffer(from_fall: float, factor: float = BUFFER) -> WhatIf:
    """Returns a buffer that is released: MM is divided by a factor from a fall on."""
    released = replace(maintenance_multiple(1.0 / factor), name="buffer")
    return released.starting_at(from_fall)


def adopt(venue: str) -> WhatIf:
    """Returns the margins, fee and tier basis of one venue on every venue.

    Positions above its largest stay in its last tier. Applying it raises StressInputError: the venue is
    not in the book.
    """
    return WhatIf(f"adopt={venue}", partial(_with_terms_of, venue=venue))


def _with_tiers(
    margins: Margins, initial: Tiers | None = None, maintenance: Tiers | None = None
) -> Margins:
    return tuple(
        replace(own, initial=initial or own.initial, maintenance=maintenance or own.maintenance)
        for own in margins
    )


def _with_least_initial(margins: Margins, rate: float) -> Margins:
    return tuple(
        replace(own, least_initial_rate=max(own.least_initial_rate, rate)) for own in margins
    )


def _with_scaled_maintenance(margins: Margins, factor: float) -> Margins:
    return tuple(replace(own, maintenance=own.maintenance.scaled(factor)) for own in margins)


def _with_terms_of(margins: Margins, venue: str) -> Margins:
    terms = next((own for own in margins if own.venue == venue), None)
    if terms is None:
        known = ", ".join(own.venue for own in margins)
        message = f"adopt: unknown venue {venue}; use one of {known}"
        raise StressInputError(message)
    return tuple(
        replace(terms, venue=own.venue, payoff=own.payoff, largest=max(own.largest, terms.largest))
        for own in margins
    )


def _from_fall(before: Falls, after: Falls, start: float) -> Falls:
    """Returns the falls when rules change at a fall: earlier liquidations stay as they were."""
    fall = np.where(before.fall <= start, before.fall, np.maximum(after.fall, start))
    return replace(
        before,
        fall=fall,
        beyond_tiers=np.where(before.fall <= start, before.beyond_tiers, after.beyond_tiers),
    )


def _capped(
    positions: Positions, margins: Sequence[VenueMargins], behaviour: Behaviour
) -> Positions:
    """Returns the positions after traders below the new IM have reacted."""
    notional, margin = positions.notional.copy(), positions.margin.copy()
    for code, terms in enumerate(margins):
        rows = np.flatnonzero(positions.venue == code)
        required = terms.initial_margin(notional[rows])
        below = rows[margin[rows] < required]
        if behaviour is Behaviour.NOTIONAL_KEPT:
            margin[below] = terms.initial_margin(notional[below])
        else:
            supported = terms.largest_notional(margin[below], notional[below])
            notional[below] = np.maximum(supported, _CLOSED * notional[below])
    return positions.resized(notional, margin)


def _outcome(before: Positions, after: Positions, found: Falls) -> Outcome:
    count, venues = before.count, len(before.venues)

    def by_venue(amounts: Floats) -> Floats:
        return np.bincount(before.venue, amounts, minlength=venues).astype(float)

    return Outcome(
        after,
        found,
        by_venue((after.margin - before.margin) * count),
        by_venue((before.notional - after.notional) * count),
        by_venue(np.where(found.immediate, after.notional * count, 0.0)),
    )
