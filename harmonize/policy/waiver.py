"""Waiver: a configured exception for findings, with an owner and an expiry date."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Waiver:
    """Waiver of the configuration. An empty selection covers every finding of the codes.

    ``where`` is its place in the file. ``value`` is the observed margin rate when it was waived, or the
    deviation of a finding without a rule set or a rate. The waiver lapses once ``value`` worsens by
    more than the share ``may_worsen``.
    """

    where: str
    codes: tuple[str, ...]
    reason: str
    owner: str
    expires: date
    venues: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    underlyings: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    rule_sets: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    value: float | None = None
    may_worsen: float = 0.0

    @property
    def scope(self) -> str:
        """Returns the selection in words."""
        parts = [
            f"{word} {', '.join(values)}"
            for word, values in (
                ("venue", self.venues),
                ("symbol", self.symbols),
                ("underlying", self.underlyings),
                ("profile", self.profiles),
                ("rule set", self.rule_sets),
                ("figure", self.figures),
            )
            if values
        ]
        return "; ".join(parts) or "everything"
