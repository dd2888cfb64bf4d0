"""Venue conventions that no payload states: long/short offset, and the price that margin follows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

_MarginOf = Callable[[float], float | None]
"""Returns the margin, in USD, of a notional in USD; None where the function has no value."""


class OffsetRule(StrEnum):
    """Combined cross margin of a long and a short position in one underlying."""

    NET = "net"  # margin of the net position
    LARGER = "larger side"  # margin of the larger position
    SUM = "both sides as one"  # margin of one position as large as both
    SEPARATE = "each side alone"  # sum of both margins


@dataclass(frozen=True, slots=True)
class VenueConventions:
    """Conventions of one venue that no payload states, with their source and confidence.

    ``offset_rule`` is the long/short offset rule; None: no source states it. ``price_basis`` is the price
    that margin follows, ``mark`` or ``entry``; empty: no source states it.
    """

    venue: str
    offset_rule: OffsetRule | None
    price_basis: str
    confidence: str
    source: str

    @property
    def uses_entry_price(self) -> bool:
        """True if margin follows the entry price rather than the mark price."""
        return self.price_basis == "entry"


def combined_margin(rule: OffsetRule, margin: _MarginOf, long: float, short: float) -> float | None:
    """Returns the margin, in USD, of a long and a short position in one underlying.

    ``long`` and ``short`` are notionals in USD. None: ``margin`` has no value at a size it needs.
    """
    if rule is OffsetRule.NET:
        return _margin_or_zero(margin, abs(long - short))
    if rule is OffsetRule.LARGER:
        return _margin_or_zero(margin, max(long, short))
    if rule is OffsetRule.SUM:
        return _margin_or_zero(margin, long + short)
    long_margin, short_margin = _margin_or_zero(margin, long), _margin_or_zero(margin, short)
    return None if long_margin is None or short_margin is None else long_margin + short_margin


def _margin_or_zero(margin: _MarginOf, notional: float) -> float | None:
    return margin(notional) if notional > 0.0 else 0.0


ConventionsByVenue = Mapping[str, VenueConventions]
"""Conventions by venue."""
