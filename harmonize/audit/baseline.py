"""Findings of an earlier audit, against which only what is new or worse is told."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import isfinite, log

from harmonize.audit.waivers import ROUNDING, is_worse, severity_metric
from harmonize.document import AuditDocument, BaselineRow, Finding, Level
from harmonize.numerics.deviation import HORIZON

FORMAT = "harmonize-baseline/1"
_LEVELS = tuple(Level)


class BaselineError(Exception):
    """A baseline that cannot be read: one line that says why and the mend."""


@dataclass(frozen=True, slots=True)
class Known:
    """How bad a finding was: its figure, its divergence, the sizes it held on, its level.

    None where it had none, or where an older baseline did not say.
    """

    value: float | None
    divergence: float | None
    extent: float | None
    level: Level


@dataclass(frozen=True, slots=True)
class Baseline:
    """What was known of every finding, by fingerprint."""

    name: str
    as_of: str
    known: Mapping[str, Known]


def written(document: AuditDocument) -> bytes:
    """Write a document's findings as a baseline; the same findings give the same bytes."""
    known = {}
    for one in document.findings:
        figure = severity_metric(one)
        known[one.fingerprint] = {
            "code": one.code,
            "venue": one.venue,
            "symbol": one.symbol,
            "rule_set": one.rule_set,
            "level": one.level.value,
            "value": figure[0] if figure else None,
            "divergence": one.deviation,
            "extent": extent(one),
        }
    whole = {
        "format": FORMAT,
        "tool": f"{document.tool.name} {document.tool.version}",
        "as_of": document.as_of,
        "findings": dict(sorted(known.items())),
    }
    text = json.dumps(whole, indent=1, ensure_ascii=False)
    return f"{text}\n".encode(
        errors="backslashreplace"
    )  # half a surrogate pair is an escape of JSON


def read(content: bytes, name: str) -> Baseline:
    """Read a baseline. Raises BaselineError: it is none."""
    mend = "write one with --write-baseline"
    try:
        whole = json.loads(content)
        if not isinstance(whole, dict) or whole.get("format") != FORMAT:
            message = f"{name}: is no baseline of this tool ({FORMAT}); {mend}"
            raise BaselineError(message)
        known = {
            str(fingerprint): Known(
                _number(one["value"]),
                _number(one.get("divergence")),
                _number(one.get("extent")),
                Level(one["level"]),
            )
            for fingerprint, one in whole["findings"].items()
        }
        return Baseline(name, str(whole["as_of"]), known)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        message = f"{name}: is not JSON ({error}); {mend}"
        raise BaselineError(message) from None
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        message = f"{name}: is a broken baseline ({type(error).__name__} {error}); {mend}"
        raise BaselineError(message) from None


def compare_with_baseline(document: AuditDocument, baseline: Baseline) -> AuditDocument:
    """Leave out of a document what the baseline knows and what has not worsened since."""
    fresh = tuple(_fresh(document.findings, baseline.known))
    present = {one.fingerprint for one in (*document.findings, *document.waived)}
    states = [one.state for one in fresh]
    row = BaselineRow(
        name=baseline.name,
        as_of=baseline.as_of,
        unchanged=len(document.findings) - len(fresh),
        worse=states.count("worse"),
        new=states.count("new"),
        resolved=len(set(baseline.known) - present),
    )
    return replace(document, findings=fresh, baseline=row)


def _number(read: object) -> float | None:
    """A finite number or none. Raises ValueError: something else."""
    if read is None:
        return None
    if isinstance(read, bool) or not isinstance(read, int | float) or not isfinite(read):
        message = f"a number was due, was {read!r}"
        raise ValueError(message)
    return float(read)


def extent(finding: Finding) -> float:
    """The sizes of position that a finding holds on, in ln N from $1."""
    return sum(
        log(min(one.upper or HORIZON, HORIZON) / max(one.lower, 1.0))
        for one in finding.intervals
        if (one.upper or HORIZON) > max(one.lower, 1.0)
    )


def _worse(finding: Finding, before: Known) -> bool:
    """Graver, or further off in its figure, from what is required, or over more sizes."""
    if _LEVELS.index(finding.level) < _LEVELS.index(before.level):
        return True
    if is_worse(finding, before.value):
        return True
    if finding.deviation is not None and before.divergence is not None:
        sign = 1.0 if finding.deviation > 0.0 else -1.0
        if sign * (finding.deviation - before.divergence) > ROUNDING:
            return True
    return before.extent is not None and extent(finding) > before.extent + ROUNDING


def _fresh(findings: Iterable[Finding], known: Mapping[str, Known]) -> Iterable[Finding]:
    for one in findings:
        if one.fingerprint not in known:
            yield replace(one, state="new")
            continue
        if _worse(one, known[one.fingerprint]):
            yield replace(one, state="worse")
