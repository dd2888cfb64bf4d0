"""Rows of the audit document on findings, waivers and the baseline."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Conclusion of a check."""

    COMPLIANT = "compliant"
    UNDER = "under"
    OVER = "over"
    BREACH = "breach"
    PROHIBITED = "prohibited"
    NOT_APPLICABLE = "not applicable"
    NOT_OBSERVABLE = "not observable"


class Level(StrEnum):
    """Severity of a finding, most severe first; ``--fail-on`` compares by this order."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Interval:
    """Range of notional (lower, upper] in USD; open-ended if ``upper`` is None."""

    lower: float
    upper: float | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of one check.

    ``observed`` and ``required`` are margin rates at ``notional`` (USD), and ``deviation`` is
    observed / required − 1. For a cliff, the rates are those just above and below the bound.
    ``verified`` is the verification status of the source of ``required``, and ``remedy`` the
    smallest change that would comply. ``waiver`` states who waived the finding and why. ``state``
    is ``new`` or ``worse`` against a baseline.
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
    observed_from: str = ""
    date_kind: str = "exact"

    def reaches(self, threshold: Level | Verdict) -> bool:
        """Returns whether the finding has this level or a more severe one, or this verdict.

        A prohibited contract counts as a breach: both state what a statute would forbid.
        """
        if isinstance(threshold, Level):
            levels = list(Level)
            return levels.index(self.level) <= levels.index(threshold)
        is_breach = threshold is Verdict.BREACH and self.verdict is Verdict.PROHIBITED
        return self.verdict is threshold or is_breach


@dataclass(frozen=True, slots=True)
class WaiverRow:
    """Waiver of the configuration and its status.

    ``status`` is ``active``, ``expired``, ``unused`` or ``lapsed``. ``findings`` is the number of
    waived findings.
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
    """Baseline with which the findings were compared, and the result.

    ``unchanged`` findings are excluded from the document. ``resolved`` findings are in the baseline
    but not in this audit.
    """

    name: str
    as_of: str
    unchanged: int
    worse: int
    new: int
    resolved: int
