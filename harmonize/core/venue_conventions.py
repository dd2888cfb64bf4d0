"""How a venue treats what one holder has there: opposite positions, sub-accounts, the price it values at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

Margin = Callable[[float], float | None]
"""The margin in USD of a position of so many USD; None where it has no value."""


class OffsetRule(StrEnum):
    """What a long and a short position in one underlying need together, in cross margin."""

    NET = "net"  # what is left of the larger one
    LARGER = "larger side"
    SUM = "both sides as one"  # one position of both sizes
    SEPARATE = "each side alone"


@dataclass(frozen=True, slots=True)
class VenueConventions:
    """A fact about a venue that no payload states, with its source and how far it was checked.

    ``opposite`` None: nobody told how it counts long and short together. ``valued`` says which price
    margin follows, ``mark`` or ``entry``; empty where no source does.
    """

    venue: str
    opposite: OffsetRule | None
    valued: str
    confidence: str
    source: str

    @property
    def at_entry(self) -> bool:
        """Whether margin follows the price of entry and not the mark price."""
        return self.valued == "entry"


def combined_margin(rule: OffsetRule, margin: Margin, long: float, short: float) -> float | None:
    """Margin in USD of a long and a short position in one underlying; None where unknown."""
    if rule is OffsetRule.NET:
        return _of(margin, abs(long - short))
    if rule is OffsetRule.LARGER:
        return _of(margin, max(long, short))
    if rule is OffsetRule.SUM:
        return _of(margin, long + short)
    one, other = _of(margin, long), _of(margin, short)
    return None if one is None or other is None else one + other


def _of(margin: Margin, notional: float) -> float | None:
    return margin(notional) if notional > 0.0 else 0.0


Conducts = Mapping[str, VenueConventions]
"""By venue."""
