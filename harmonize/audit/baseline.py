"""Baselines: findings of an earlier audit, so that a later one reports only new or worse findings."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import isfinite, log
from types import MappingProxyType

from harmonize.audit.waivers import (
    ROUNDING,
    deviation_direction,
    is_worse,
    measures_deviation,
    severity_metric,
)
from harmonize.document import AuditDocument, BaselineRow, Finding, Level
from harmonize.numerics.deviation import HORIZON

FORMAT = "harmonize-baseline/1"
DRIFT = 0.05
"""Worsening of a figure from past prices that is none, as a share: every further day moves it a little."""

_FROM_PRICES = ("MH50", "MH55")
_LEVELS = tuple(Level)
_NONE_KEPT: Mapping[str, "KnownFinding"] = MappingProxyType({})


class BaselineError(Exception):
    """A baseline that cannot be read: one line with the reason and the fix."""


@dataclass(frozen=True, slots=True)
class KnownFinding:
    """Severity of a finding in a baseline: its metric, its deviation, its extent and its level.

    None where the finding had none, or where an older baseline did not record it. ``code``, ``venue``,
    ``symbol`` and ``rule_set`` name the finding.
    """

    value: float | None
    divergence: float | None
    extent: float | None
    level: Level
    code: str = ""
    venue: str = ""
    symbol: str = ""
    rule_set: str = ""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Findings of an earlier audit, by fingerprint."""

    name: str
    as_of: str
    findings: Mapping[str, KnownFinding]


def to_baseline(document: AuditDocument, kept: Mapping[str, KnownFinding] = _NONE_KEPT) -> bytes:
    """Returns a document's findings as a baseline; equal findings give equal bytes.

    ``kept`` are findings of an earlier baseline, by fingerprint, that remain as they were there.
    """
    findings = {
        fingerprint: _members(known)
        for fingerprint, known in (
            *((finding.fingerprint, _known(finding)) for finding in document.findings),
            *kept.items(),
        )
    }
    content = {
        "format": FORMAT,
        "tool": f"{document.tool.name} {document.tool.version}",
        "as_of": document.as_of,
        "findings": dict(sorted(findings.items())),
    }
    text = json.dumps(content, indent=1, ensure_ascii=False)
    # JSON has an escape for half of a surrogate pair, UTF-8 has no encoding.
    return f"{text}\n".encode(errors="backslashreplace")


def following_baseline(document: AuditDocument, baseline: Baseline | None) -> bytes:
    """Returns a document's findings as the baseline that follows an earlier one, if there is any."""
    return to_baseline(document, drifted(document, baseline) if baseline else _NONE_KEPT)


def _known(finding: Finding) -> KnownFinding:
    metric = severity_metric(finding)
    return KnownFinding(
        value=metric[0] if metric else None,
        divergence=finding.deviation,
        extent=extent(finding),
        level=finding.level,
        code=finding.code,
        venue=finding.venue,
        symbol=finding.symbol,
        rule_set=finding.rule_set,
    )


def _members(known: KnownFinding) -> dict[str, object]:
    return {
        "code": known.code,
        "venue": known.venue,
        "symbol": known.symbol,
        "rule_set": known.rule_set,
        "level": known.level.value,
        "value": known.value,
        "divergence": known.divergence,
        "extent": known.extent,
    }


def read(content: bytes, name: str) -> Baseline:
    """Reads a baseline. Raises BaselineError: the content is not a valid baseline."""
    fix = "write one with --write-baseline"
    try:
        whole = json.loads(content)
        if not isinstance(whole, dict) or whole.get("format") != FORMAT:
            message = f"{name}: expected a baseline of this tool ({FORMAT}); {fix}"
            raise BaselineError(message)
        findings = {
            str(fingerprint): KnownFinding(
                _number(finding["value"]),
                _number(finding.get("divergence")),
                _number(finding.get("extent")),
                Level(finding["level"]),
                *(str(finding.get(name, "")) for name in ("code", "venue", "symbol", "rule_set")),
            )
            for fingerprint, finding in whole["findings"].items()
        }
        return Baseline(name, str(whole["as_of"]), findings)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        message = f"{name}: expected JSON ({error}); {fix}"
        raise BaselineError(message) from None
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        message = f"{name}: cannot read the baseline ({type(error).__name__} {error}); {fix}"
        raise BaselineError(message) from None


def compare_with_baseline(document: AuditDocument, baseline: Baseline) -> AuditDocument:
    """Excludes from a document the findings that the baseline has and that have not worsened."""
    remaining = tuple(_new_or_worse(document.findings, baseline.findings))
    present = {finding.fingerprint for finding in (*document.findings, *document.waived)}
    states = [finding.state for finding in remaining]
    row = BaselineRow(
        name=baseline.name,
        as_of=baseline.as_of,
        unchanged=len(document.findings) - len(remaining),
        worse=states.count("worse"),
        new=states.count("new"),
        resolved=len(set(baseline.findings) - present),
    )
    return replace(document, findings=remaining, baseline=row)


def _number(value: object) -> float | None:
    """Returns a finite number or None. Raises ValueError: the value is something else."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        message = f"expected a number, found {value!r}"
        raise ValueError(message)
    return float(value)


def extent(finding: Finding) -> float:
    """Total width of a finding's ranges of notional, in ln N from $1 up to the horizon."""
    return sum(
        log(min(interval.upper or HORIZON, HORIZON) / max(interval.lower, 1.0))
        for interval in finding.intervals
        if (interval.upper or HORIZON) > max(interval.lower, 1.0)
    )


def drifted(document: AuditDocument, baseline: Baseline) -> Mapping[str, KnownFinding]:
    """Returns the findings of a baseline that worsened by less than the drift of past prices.

    The next baseline keeps them, so that small steps add up until they are a worsening.
    """
    return {
        finding.fingerprint: known
        for finding in document.findings
        if (known := baseline.findings.get(finding.fingerprint)) is not None
        and _is_worse(finding, known, 0.0)
        and not _is_worse(finding, known, _allowed(finding))
    }


def _allowed(finding: Finding) -> float:
    return DRIFT if finding.code.startswith(_FROM_PRICES) else 0.0


def _is_worse(finding: Finding, before: KnownFinding, allowed: float) -> bool:
    """Whether the level, the metric, the deviation from the requirement or the extent worsened."""
    if _LEVELS.index(finding.level) < _LEVELS.index(before.level):
        return True
    before_deviation = before.divergence
    if measures_deviation(finding):
        if before_deviation is None:  # earlier versions record it as the value alone
            before_deviation = before.value
    elif is_worse(finding, before.value, allowed):
        return True
    if _deviates_more(finding, before_deviation, allowed):
        return True
    return before.extent is not None and extent(finding) > before.extent + ROUNDING


def _deviates_more(finding: Finding, before: float | None, allowed: float) -> bool:
    """Whether the deviation worsened by more than a share of the figure, which is 1 + deviation."""
    if finding.deviation is None or before is None:
        return False
    worsened = deviation_direction(finding) * (finding.deviation - before)
    smaller = 1.0 + min(finding.deviation, before)
    return worsened > max(allowed * smaller, 0.0) + ROUNDING


def _new_or_worse(
    findings: Iterable[Finding], known: Mapping[str, KnownFinding]
) -> Iterable[Finding]:
    for finding in findings:
        if finding.fingerprint not in known:
            yield replace(finding, state="new")
        elif _is_worse(finding, known[finding.fingerprint], _allowed(finding)):
            yield replace(finding, state="worse")
