"""Findings that somebody answers for: a waiver names them, says why, until when, and how much worse.

A waiver never hides that it waives: what it waives stands apart in the document, and a waiver that
has expired, waives nothing or was outgrown is itself a finding.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from harmonize.document import Finding, Verdict, WaiverRow
from harmonize.policy.waiver import Waiver

ROUNDING = 1e-9  # relative; by less nothing has worsened


def covers(waiver: Waiver, finding: Finding) -> bool:
    """Tell whether a finding is in a waiver's scope, whatever its value."""
    return finding.code in waiver.codes and all(
        not wanted or held in wanted
        for wanted, held in (
            (waiver.venues, finding.venue),
            (waiver.symbols, finding.symbol),
            (waiver.underlyings, finding.underlying),
            (waiver.profiles, finding.profile),
            (waiver.rule_sets, finding.rule_set),
            (waiver.figures, finding.margin_type),
        )
    )


def severity_metric(finding: Finding) -> tuple[float, float] | None:
    """The figure by which a finding gets worse, and 1 where more of it is worse, −1 where less is.

    None where a finding has no figure: it cannot worsen.
    """
    if finding.verdict is Verdict.NOT_OBSERVABLE:
        return None
    judged = finding.rule_set and finding.observed is not None
    if not judged and finding.deviation is not None:
        return finding.deviation, 1.0
    if finding.observed is None:
        return None
    return finding.observed, 1.0 if finding.verdict is Verdict.OVER else -1.0


def is_worse(finding: Finding, before: float | None, allowed: float = 0.0) -> bool:
    """Tell whether a finding's figure is worse than before by more than a share of it."""
    now = severity_metric(finding)
    if now is None or before is None:
        return False
    value, direction = now
    return direction * (value - before) > (allowed + ROUNDING) * abs(before)


def waive(
    findings: Iterable[Finding], waivers: Sequence[Waiver], on: date
) -> tuple[tuple[Finding, ...], tuple[Finding, ...], tuple[WaiverRow, ...]]:
    """Part what counts from what is waived, and say what became of every waiver.

    A finding is waived by the first waiver that covers it, has not expired by ``on`` and allows its
    value.
    """
    counted: list[Finding] = []
    waived: list[Finding] = []
    tally = [0] * len(waivers)
    outgrown = [0] * len(waivers)
    living = [number for number, one in enumerate(waivers) if on <= one.expires]
    for finding in findings:
        for number in living:
            waiver = waivers[number]
            if not covers(waiver, finding):
                continue
            if is_worse(finding, waiver.value, waiver.may_worsen):
                outgrown[number] += 1
                continue
            tally[number] += 1
            waived.append(replace(finding, waiver=_said(waiver)))
            break
        else:
            counted.append(finding)
    rows = tuple(
        _row(one, tally[number], _status(one, tally[number], outgrown[number], on))
        for number, one in enumerate(waivers)
    )
    return tuple(counted), tuple(waived), rows


def _said(waiver: Waiver) -> str:
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
