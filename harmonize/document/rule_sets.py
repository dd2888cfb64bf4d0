"""The rule sets that the audit applied, with their sources and inputs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CitationRow:
    """A source of a rule set, with how far it was checked; ``supports`` empty: all of its numbers."""

    reference: str
    via: str
    verified: str
    supports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FlagRow:
    """A caveat on a field of a rule set."""

    field: str
    status: str
    note: str


@dataclass(frozen=True, slots=True)
class InputRow:
    """A measured figure that a rule set's formula used, such as a quantile of daily moves.

    ``lower`` and ``upper`` bound its interval at ``confidence``; None where none is given.
    """

    name: str
    underlying: str
    value: float
    lower: float | None
    upper: float | None
    confidence: float | None
    observations: int | None
    observed_at: str
    origin: str
    source: str
    sha256: str
    pointer: str


@dataclass(frozen=True, slots=True)
class RuleSetRow:
    """A rule set that the audit applied.

    ``in_force`` says from when to when it holds; ``extends`` the rule set that it varies.
    """

    id: str
    version: str
    title: str
    kind: str
    scope: str
    statutory: bool
    tolerance_relative: float
    tolerance_absolute: float
    maintenance_meaning: str
    citations: tuple[CitationRow, ...]
    flags: tuple[FlagRow, ...]
    tolerance_statistical: float | None = None
    in_force: str = ""
    extends: str = ""
    requirement: str = ""
    description: str = ""
