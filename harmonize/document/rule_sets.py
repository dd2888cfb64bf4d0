"""Rows of the audit document on the applied rule sets, with their sources and inputs."""

from dataclasses import dataclass

from harmonize.document.schedules import PieceRow


@dataclass(frozen=True, slots=True)
class CitationRow:
    """Source of a rule set and its verification status.

    ``supports`` lists the numbers that the source supports; empty for all numbers.
    """

    reference: str
    via: str
    verified: str
    supports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FlagRow:
    """Caveat on a field of a rule set."""

    field: str
    status: str
    note: str


@dataclass(frozen=True, slots=True)
class InputRow:
    """Measured input of the formula of a rule set, such as a quantile of daily moves.

    ``lower`` and ``upper`` bound its confidence interval at ``confidence``; None without one.
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
class ParameterRow:
    """Number of a rule set that all underlyings share, such as the share of volume of a formula."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class RequirementRow:
    """Margin that a rule set requires on some underlyings, as functions of notional.

    ``v1`` is the one-day 99 % move and ``adv`` the daily volume in USD that the functions assume; None
    without them. ``basis`` names the measured or published numbers and ``verified`` their verification;
    empty if the numbers are the rule set's own. ``maintenance`` is empty if it sets none.
    """

    name: str
    underlyings: tuple[str, ...]
    initial: tuple[PieceRow, ...]
    maintenance: tuple[PieceRow, ...]
    v1: float | None = None
    adv: float | None = None
    basis: str = ""
    verified: str = ""


@dataclass(frozen=True, slots=True)
class RuleSetRow:
    """Rule set that the audit applied.

    ``in_force`` is the period in which it is in force. ``extends`` is the rule set on which it is
    based. ``requirements`` are the margins that it requires, with the inputs of this audit, and
    ``parameters`` the numbers of its formula; empty for caps, prohibitions and disclosures.
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
    parameters: tuple[ParameterRow, ...] = ()
    requirements: tuple[RequirementRow, ...] = ()
