"""Order of findings in reports: most severe first, grouped by check."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from harmonize.document import Finding, Level, Verdict

LEVELS = tuple(Level)
"""Levels, most severe first, as the document orders them."""

LEVEL_SIGNS = {Level.ERROR: "▲", Level.WARNING: "◆", Level.INFO: "○"}
"""Sign of each level; a shape, so that colour is not the only signal."""

VERDICTS = (
    Verdict.BREACH,
    Verdict.PROHIBITED,
    Verdict.UNDER,
    Verdict.OVER,
    Verdict.NOT_OBSERVABLE,
    Verdict.NOT_APPLICABLE,
    Verdict.COMPLIANT,
)
"""Verdicts, most severe first."""

LEVEL_MEANINGS = (
    "A breach or a prohibition is an error if the venue itself designates the schedule for retail"
    " clients, otherwise a warning: whether the contract is offered to the clients whom the statute"
    " protects was not observed."
)
"""Meaning of the level of a finding about a statute."""

VERDICT_MEANINGS = (
    "breach: below a statutory minimum, if offered to the clients it protects; prohibited: not"
    " permitted at any margin, likewise; under and over: below and above a benchmark or a limit of"
    " a check, which is no law; not observable: no verdict, neither a breach nor compliant"
)
"""Meaning of each verdict."""

EVALUATED = (Verdict.COMPLIANT, Verdict.UNDER, Verdict.OVER, Verdict.BREACH)
"""Verdicts of schedules that were evaluated against a rule set."""

PER_CHECK, PER_VENUE = 8, 2
"""Largest number of findings printed per check, and per check and venue."""

_LEVEL_ORDER = {level: index for index, level in enumerate(LEVELS)}
_VERDICT_ORDER = {verdict: index for index, verdict in enumerate(VERDICTS)}


@dataclass(frozen=True, slots=True)
class CheckFindings:
    """All findings of one check, most severe first."""

    code: str
    name: str
    findings: tuple[Finding, ...]

    @property
    def verdicts(self) -> tuple[tuple[Verdict, int], ...]:
        """Number of findings per verdict, most severe first; verdicts without findings are absent."""
        tally = Counter(finding.verdict for finding in self.findings)
        return tuple((verdict, tally[verdict]) for verdict in VERDICTS if tally[verdict])

    @property
    def venues(self) -> tuple[str, ...]:
        """Venues with a finding, in alphabetical order."""
        return tuple(sorted({finding.venue for finding in self.findings if finding.venue}))


def sort_by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sorts by level, verdict, size of the deviation, check, instrument and fingerprint."""
    return tuple(sorted(findings, key=_severity))


def select_leading(findings: Iterable[Finding], limit: int) -> tuple[Finding, ...]:
    """Selects at most `limit` findings to print, so that no check or venue displaces the others.

    If thousands of instruments fail the same check, the most severe findings would all repeat
    that check. The table of checks counts the findings that are not printed.
    """
    selected: list[Finding] = []
    per_check, per_venue = Counter[str](), Counter[tuple[str, str]]()
    for finding in findings:
        pair = (finding.code, finding.venue)
        if (
            len(selected) < limit
            and per_check[finding.code] < PER_CHECK
            and per_venue[pair] < PER_VENUE
        ):
            selected.append(finding)
            per_check[finding.code] += 1
            per_venue[pair] += 1
    return tuple(selected)


def group_by_check(findings: Iterable[Finding]) -> tuple[CheckFindings, ...]:
    """Groups sorted findings by check; checks are ordered by their most severe finding."""
    by_code: dict[str, list[Finding]] = {}
    for finding in findings:
        by_code.setdefault(finding.code, []).append(finding)
    return tuple(
        CheckFindings(code, members[0].name, tuple(members)) for code, members in by_code.items()
    )


class FindingOrder(StrEnum):
    """Order of listed findings: most severe first, by venue, or the largest deviation first.

    Deviations of margins go before those of other numbers, such as shares of published schedules.
    """

    SEVERITY = "severity"
    VENUE = "venue"
    DIVERGENCE = "divergence"


def sort_findings(findings: Iterable[Finding], order: FindingOrder) -> tuple[Finding, ...]:
    """Sorts findings; equal ones most severe first."""
    by_severity = sort_by_severity(findings)
    if order is FindingOrder.VENUE:
        return tuple(sorted(by_severity, key=lambda x: (not x.venue, x.venue, x.symbol)))
    if order is FindingOrder.DIVERGENCE:
        return tuple(
            sorted(by_severity, key=lambda x: (not x.margin_type, -_log_ratio(x.deviation)))
        )
    return by_severity


@dataclass(frozen=True, slots=True)
class CauseFindings:
    """All findings of one check under one rule set, most severe first; without one, of the check."""

    code: str
    name: str
    rule_set: str
    findings: tuple[Finding, ...]

    @property
    def venues(self) -> tuple[str, ...]:
        """Venues with a finding, in alphabetical order."""
        return tuple(sorted({finding.venue for finding in self.findings if finding.venue}))

    @property
    def verdicts(self) -> tuple[tuple[Verdict, int], ...]:
        """Number of findings per verdict, most severe first; verdicts without findings are absent."""
        tally = Counter(finding.verdict for finding in self.findings)
        return tuple((verdict, tally[verdict]) for verdict in VERDICTS if tally[verdict])


def group_by_cause(findings: Iterable[Finding]) -> tuple[CauseFindings, ...]:
    """Groups sorted findings by check and rule set, in the order of the most severe finding."""
    by_cause: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        by_cause.setdefault((finding.code, finding.rule_set), []).append(finding)
    return tuple(
        CauseFindings(code, members[0].name, rule_set, tuple(members))
        for (code, rule_set), members in by_cause.items()
    )


@dataclass(frozen=True, slots=True)
class ListedFinding:
    """Findings that differ in nothing but the profile, which are listed once."""

    finding: Finding
    profiles: tuple[str, ...]


def collapse_profiles(findings: Iterable[Finding]) -> tuple[ListedFinding, ...]:
    """Joins findings that are equal but for the profile, in the order of the first of each."""
    profiles: dict[Finding, list[str]] = {}
    first: dict[Finding, Finding] = {}
    for finding in findings:
        shared = replace(finding, profile="", fingerprint="")
        first.setdefault(shared, finding)
        profiles.setdefault(shared, []).append(finding.profile)
    return tuple(
        ListedFinding(finding, tuple(profiles[shared])) for shared, finding in first.items()
    )


def level_counts(findings: Iterable[Finding]) -> tuple[tuple[Level, int], ...]:
    """Counts the findings per level, most severe first, including levels without findings."""
    tally = Counter(finding.level for finding in findings)
    return tuple((level, tally[level]) for level in LEVELS)


def levels_text(findings: Iterable[Finding], separator: str = ", ", *, has_signs: bool) -> str:
    """Returns the level of findings; of several levels each with its count: ``2 error, 31 warning``.

    ``has_signs`` puts the sign of each level before it.
    """
    counts = [(level, number) for level, number in level_counts(findings) if number]
    texts = []
    for level, number in counts:
        count = f"{number:,} " if len(counts) > 1 else ""
        texts.append(
            f"{LEVEL_SIGNS[level]} {count}{level.value}" if has_signs else f"{count}{level.value}"
        )
    return separator.join(texts)


def _severity(finding: Finding) -> tuple[int, int, float, str, str, str, str]:
    return (
        _LEVEL_ORDER[finding.level],
        _VERDICT_ORDER[finding.verdict],
        -_log_ratio(finding.deviation),
        finding.code,
        finding.venue,
        finding.symbol,
        finding.fingerprint,
    )


def _log_ratio(deviation: float | None) -> float:
    """Returns |ln(observed/required)|: half and double deviate equally."""
    if deviation is None:
        return 0.0
    return abs(math.log1p(deviation)) if deviation > -1 else math.inf
