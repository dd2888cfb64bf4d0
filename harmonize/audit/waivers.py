"""Waivers: findings that a named owner accepts until a date, up to a stated worsening.

A waived finding stays in the document, apart from the others. A waiver that has expired, covers no
finding or no longer allows the value of a finding is itself a finding.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from harmonize.document import Finding, Verdict, WaiverRow
from harmonize.policy.waiver import Waiver

ROUNDING = 1e-9  # relative; a smaller difference is no worsening

_WORSE_NEAR_ZERO = frozenset({"MH107"})
"""Checks whose deviation is that of MM from IM, with a minimum distance: below zero, nearer is worse."""


def covers(waiver: Waiver, finding: Finding) -> bool:
    """Whether a finding is in a waiver's scope, whatever its value."""
    return finding.code in waiver.codes and all(
        not selected or own in selected
        for selected, own in (
            (waiver.venues, finding.venue),
            (waiver.symbols, finding.symbol),
            (waiver.underlyings, finding.underlying),
            (waiver.profiles, finding.profile),
            (waiver.rule_sets, finding.rule_set),
            (waiver.figures, finding.margin_type),
        )
    )


def severity_metric(finding: Finding) -> tuple[float, float] | None:
    """The number that measures a finding's severity, and its direction.

    The direction is 1 where a larger number is worse, −1 where a smaller one is. None: the finding
    has no such number and cannot worsen.
    """
    if finding.verdict is Verdict.NOT_OBSERVABLE:
        return None
    if measures_deviation(finding) and finding.deviation is not None:
        return finding.deviation, deviation_direction(finding)
    if finding.observed is None:
        return None
    return finding.observed, 1.0 if finding.verdict is Verdict.OVER else -1.0


def measures_deviation(finding: Finding) -> bool:
    """Whether a finding's severity is its deviation; against a rule set, it is the observed rate."""
    is_against_rule_set = finding.rule_set and finding.observed is not None
    return not is_against_rule_set and finding.deviation is not None


def deviation_direction(finding: Finding) -> float:
    """1 where a larger deviation is worse, −1 where a smaller one is, further below a requirement."""
    is_above = (finding.deviation or 0.0) > 0.0 or finding.verdict is Verdict.OVER
    return 1.0 if is_above or finding.code in _WORSE_NEAR_ZERO else -1.0


def is_worse(finding: Finding, before: float | None, allowed: float = 0.0) -> bool:
    """Whether a finding's metric worsened from ``before`` by more than a share of it."""
    metric = severity_metric(finding)
    if metric is None or before is None:
        return False
    value, direction = metric
    return direction * (value - before) > (allowed + ROUNDING) * abs(before)


def waive(
    findings: Iterable[Finding], waivers: Sequence[Waiver], on: date
) -> tuple[tuple[Finding, ...], tuple[Finding, ...], tuple[WaiverRow, ...]]:
    """Separates findings that count from waived ones, and returns a row per waiver.

    A finding is waived by the first waiver that covers it, has not expired by ``on`` and allows its
    value.
    """
    counted: list[Finding] = []
    waived: list[Finding] = []
    covered = [0] * len(waivers)
    outgrown = [0] * len(waivers)
    in_force = [number for number, waiver in enumerate(waivers) if on <= waiver.expires]
    for finding in findings:
        for number in in_force:
            waiver = waivers[number]
            if not covers(waiver, finding):
                continue
            if is_worse(finding, waiver.value, waiver.may_worsen):
                outgrown[number] += 1
                continue
            covered[number] += 1
            waived.append(replace(finding, waiver=_reason(waiver)))
            break
        else:
            counted.append(finding)
    rows = tuple(
        _row(waiver, count, _status(waiver, count, lapsed, on))
        for waiver, count, lapsed in zip(waivers, covered, outgrown, strict=True)
    )
    return tuple(counted), tuple(waived), rows


def _reason(waiver: Waiver) -> str:
    return f"{waiver.reason} ({waiver.owner}, until {waiver.expires})"


def _status(waiver: Waiver, count: int, outgrown: int, on: date) -> str:
    if on > waiver.expires:
        return "expired"
    if outgrown:
        return "lapsed"
    return "active" if count else "unused"


def _row(waiver: Waiver, count: int, status: str) -> WaiverRow:
    return WaiverRow(
        where=waiver.where,
        codes=waiver.codes,
        scope=waiver.scope,
        reason=waiver.reason,
        owner=waiver.owner,
        expires=waiver.expires.isoformat(),
        value=waiver.value,
        allowed_worsening=waiver.may_worsen,
        status=status,
        findings=count,
    )
