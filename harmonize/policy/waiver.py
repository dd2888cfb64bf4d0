"""One waiver, as a value."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Waiver:
    """One entry of the configuration. Empty selections take every finding of the codes.

    ``value`` is what was found when it was waived (a margin rate, or where there is none the
    divergence); the waiver lapses when that is worse by more than the share ``may_worsen``.
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
        """Say what it covers, in words."""
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
