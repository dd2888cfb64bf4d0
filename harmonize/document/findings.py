"""What the checks found, with verdicts, levels, waivers and baseline."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a check concludes."""

    COMPLIANT = "compliant"
    UNDER = "under"
    OVER = "over"
    BREACH = "breach"
    PROHIBITED = "prohibited"
    NOT_APPLICABLE = "not applicable"
    NOT_OBSERVABLE = "not observable"


class Level(StrEnum):
    """How much a finding matters; ``--fail-on`` compares by this order, gravest first."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Interval:
    """A range of notional, (lower, upper]; ``upper`` None is open-ended."""

    lower: float
    upper: float | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer of one check.

    ``observed`` and ``required`` are margin rates at ``notional`` (USD), ``deviation`` how far
    the first is from the second; for a cliff, the rates just above and below the bound.
    ``verified`` is how far the source of ``required`` was checked, ``remedy`` the smallest change
    that would comply. ``waiver`` says who waived it and why; ``state``: ``new`` or ``worse``.
    """

    code: str
    name: str
    verdict: Verdict
    level: Level
    venue: str
    symbol: str
    profile: str
    underlying: str
    rule_set: str
    message: str
    intervals: tuple[Interval, ...]
    notional: float | None
    observed: float | None
    required: float | None
    deviation: float | None
    observed_at: str
    fingerprint: str
    margin_type: str = ""
    verified: str = ""
    remedy: str = ""
    waiver: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class WaiverRow:
    """A waiver of the configuration and what became of it.

    ``status`` is ``active``, ``expired``, ``unused`` or ``lapsed``; ``findings`` counts what it waives.
    """

    where: str
    codes: tuple[str, ...]
    scope: str
    reason: str
    owner: str
    expires: str
    value: float | None
    allowed_worsening: float
    status: str
    findings: int


@dataclass(frozen=True, slots=True)
class BaselineRow:
    """The baseline that findings were held against, and what came of it.

    ``unchanged`` findings are left out of the document; ``resolved`` are those no longer found.
    """

    name: str
    as_of: str
    unchanged: int
    worse: int
    new: int
    resolved: int
