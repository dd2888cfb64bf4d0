"""Findings in the order in which they are read: gravest first, and gathered by check."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from harmonize.document import Finding, Level, Verdict

LEVELS = tuple(Level)
"""The levels, gravest first, as the document orders them."""

LEVEL_SIGNS = {Level.ERROR: "▲", Level.WARNING: "◆", Level.INFO: "○"}
"""The level of a finding as a shape, so that colour is not the only signal."""

VERDICTS = (
    Verdict.BREACH,
    Verdict.PROHIBITED,
    Verdict.UNDER,
    Verdict.OVER,
    Verdict.NOT_OBSERVABLE,
    Verdict.NOT_APPLICABLE,
    Verdict.COMPLIANT,
)
"""The verdicts, gravest first."""

PER_CHECK, PER_VENUE = 8, 2
"""How many findings of one check, and of those at one venue, are printed one by one."""

_LEVEL_ORDER = {level: place for place, level in enumerate(LEVELS)}
_VERDICT_ORDER = {verdict: place for place, verdict in enumerate(VERDICTS)}


@dataclass(frozen=True, slots=True)
class CodeFindings:
    """All findings of one check, gravest first."""

    code: str
    name: str
    findings: tuple[Finding, ...]

    @property
    def level(self) -> Level:
        """The gravest level among them."""
        return self.findings[0].level

    @property
    def verdicts(self) -> tuple[tuple[Verdict, int], ...]:
        """How many of each verdict, gravest first, only those that occur."""
        tally = Counter(finding.verdict for finding in self.findings)
        return tuple((verdict, tally[verdict]) for verdict in VERDICTS if tally[verdict])

    @property
    def venues(self) -> tuple[str, ...]:
        """The venues found against, in alphabetical order."""
        return tuple(sorted({finding.venue for finding in self.findings if finding.venue}))


def gravest(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort by level, then verdict, then how many times off, then place and fingerprint."""
    return tuple(sorted(findings, key=_gravity))


def leading(ordered: Iterable[Finding], most: int) -> tuple[Finding, ...]:
    """Pick at most `most` to print one by one: no check or venue crowds out the others.

    Where thousands of instruments fail the same check, the gravest of all would say one thing
    `most` times. What is left out is counted by check.
    """
    picked: list[Finding] = []
    checks, venues = Counter[str](), Counter[tuple[str, str]]()
    for finding in ordered:
        pair = (finding.code, finding.venue)
        if len(picked) < most and checks[finding.code] < PER_CHECK and venues[pair] < PER_VENUE:
            picked.append(finding)
            checks[finding.code] += 1
            venues[pair] += 1
    return tuple(picked)


def by_code(ordered: Iterable[Finding]) -> tuple[CodeFindings, ...]:
    """Gather findings, already gravest first, by check; checks stand by their gravest finding."""
    gathered: dict[str, list[Finding]] = {}
    for finding in ordered:
        gathered.setdefault(finding.code, []).append(finding)
    return tuple(
        CodeFindings(code, found[0].name, tuple(found)) for code, found in gathered.items()
    )


def level_counts(findings: Iterable[Finding]) -> tuple[tuple[Level, int], ...]:
    """Count the findings of each level, gravest first, none left out."""
    tally = Counter(finding.level for finding in findings)
    return tuple((level, tally[level]) for level in LEVELS)


def _gravity(finding: Finding) -> tuple[int, int, float, str, str, str, str]:
    return (
        _LEVEL_ORDER[finding.level],
        _VERDICT_ORDER[finding.verdict],
        -_times_off(finding.deviation),
        finding.code,
        finding.venue,
        finding.symbol,
        finding.fingerprint,
    )


def _times_off(divergence: float | None) -> float:
    """Give |ln(observed/required)|: half and double are equally far off."""
    if divergence is None:
        return 0.0
    return abs(math.log1p(divergence)) if divergence > -1 else math.inf
