"""References of a stress: what rule sets require on one underlying, as changes and as thresholds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harmonize.comparison.universe import Universe
from harmonize.core.schedule import Unknown
from harmonize.document.stress import StressThresholdRow
from harmonize.stress import counterfactuals
from harmonize.stress.book import Book
from harmonize.stress.counterfactuals import WhatIf
from harmonize.stress.margins import reference_tiers
from harmonize.stress.positions import Positions
from harmonize.stress.tiers import Tiers, VenueMargins


@dataclass(frozen=True, slots=True)
class Reference:
    """IM and MM that a rule set requires on one underlying, each with the reason if it is unknown."""

    rule_set: str
    initial: Tiers | Unknown
    maintenance: Tiers | Unknown

    def changes(self) -> tuple[tuple[str, WhatIf], ...]:
        """Returns both margins on every venue, then each alone, as far as known, with their names."""
        initial, maintenance = self.initial, self.maintenance
        made: list[tuple[str, WhatIf]] = []
        if isinstance(initial, Tiers) and isinstance(maintenance, Tiers):
            made.append(("reference", counterfactuals.reference(initial, maintenance)))
        if isinstance(initial, Tiers):
            made.append(("reference=im", counterfactuals.reference_initial(initial)))
        if isinstance(maintenance, Tiers):
            made.append(("reference=mm", counterfactuals.reference_maintenance(maintenance)))
        return tuple(made)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why margins are unknown; empty if both are known."""
        margins = (self.initial, self.maintenance)
        reasons = (margin.reason for margin in margins if isinstance(margin, Unknown))
        return tuple(dict.fromkeys(reasons))


def references(
    universe: Universe, rule_sets: Sequence[str], underlying: str
) -> tuple[Reference, ...]:
    """Returns what each selected rule set requires on an underlying, in the order of the names."""
    return tuple(
        Reference(
            rule_set,
            reference_tiers(universe, rule_set, "initial", underlying),
            reference_tiers(universe, rule_set, "maintenance", underlying),
        )
        for rule_set in rule_sets
    )


def threshold_rows(book: Book, required: Sequence[Reference]) -> Iterator[StressThresholdRow]:
    """Yields the margins in force by venue at the typical size of longs, then those of rule sets.

    Nothing without longs.
    """
    notional = _typical_size(book.positions)
    if notional is None:
        return
    yield from (_in_force(terms, notional) for terms in book.margins)
    for reference in required:
        yield StressThresholdRow(
            "",
            reference.rule_set,
            notional,
            _rate(reference.initial, notional),
            _rate(reference.maintenance, notional),
            "; ".join(reference.reasons),
        )


def _typical_size(positions: Positions) -> float | None:
    """Returns the median size of longs by notional, rounded to one digit; None without longs."""
    longs = np.flatnonzero(positions.side > 0.0)
    if not longs.size:
        return None
    order = longs[np.argsort(positions.notional[longs], kind="stable")]
    sums = np.cumsum(positions.total[order])
    median = positions.notional[order[np.searchsorted(sums, 0.5 * sums[-1])]]
    return float(f"{median:.0e}")


def _in_force(terms: VenueMargins, notional: float) -> StressThresholdRow:
    if notional > terms.largest:
        reason = f"margins are observed only up to ${terms.largest:,.0f}"
        return StressThresholdRow(terms.venue, "", notional, None, None, reason)
    size = np.array([notional])
    initial = float(terms.initial_margin(size)[0]) / notional
    maintenance = float(terms.maintenance.margin(size)[0]) / notional + terms.fee
    return StressThresholdRow(terms.venue, "", notional, initial, maintenance)


def _rate(margin: Tiers | Unknown, notional: float) -> float | None:
    if isinstance(margin, Unknown):
        return None
    return float(margin.margin(np.array([notional]))[0]) / notional
