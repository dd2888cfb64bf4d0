"""Findings of an earlier audit, against which only what is new or worse is told."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from harmonize.document import AuditDocument, BaselineRow, Finding, Level
from harmonize.waivers import worsened, worth

FORMAT = "harmonize-baseline/1"
_LEVELS = tuple(Level)


class BaselineError(Exception):
    """A baseline that cannot be read: one line that says why and the mend."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What was known: each finding's figure (None where it had none) and level, by fingerprint."""

    name: str
    as_of: str
    known: Mapping[str, tuple[float | None, Level]]


def written(document: AuditDocument) -> bytes:
    """Write a document's findings as a baseline; the same findings give the same bytes."""
    known = {}
    for one in document.findings:
        figure = worth(one)
        known[one.fingerprint] = {
            "code": one.code,
            "venue": one.venue,
            "symbol": one.symbol,
            "rule_set": one.rule_set,
            "level": one.level.value,
            "value": figure[0] if figure else None,
        }
    whole = {
        "format": FORMAT,
        "tool": f"{document.tool.name} {document.tool.version}",
        "as_of": document.as_of,
        "findings": dict(sorted(known.items())),
    }
    return f"{json.dumps(whole, indent=1, ensure_ascii=False)}\n".encode()


def read(content: bytes, name: str) -> Baseline:
    """Read a baseline. Raises BaselineError: it is none."""
    mend = "write one with --write-baseline"
    try:
        whole = json.loads(content)
        if not isinstance(whole, dict) or whole.get("format") != FORMAT:
            message = f"{name}: is no baseline of this tool ({FORMAT}); {mend}"
            raise BaselineError(message)
        known = {
            str(fingerprint): (
                None if one["value"] is None else float(one["value"]),
                Level(one["level"]),
            )
            for fingerprint, one in whole["findings"].items()
        }
        return Baseline(name, str(whole["as_of"]), known)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        message = f"{name}: is not JSON ({error}); {mend}"
        raise BaselineError(message) from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        message = f"{name}: is a broken baseline ({type(error).__name__} {error}); {mend}"
        raise BaselineError(message) from None


def held_against(document: AuditDocument, baseline: Baseline) -> AuditDocument:
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
        gone=len(set(baseline.known) - present),
    )
    return replace(document, findings=fresh, baseline=row)


def _fresh(
    findings: Iterable[Finding], known: Mapping[str, tuple[float | None, Level]]
) -> Iterable[Finding]:
    for one in findings:
        if one.fingerprint not in known:
            yield replace(one, state="new")
            continue
        value, level = known[one.fingerprint]
        if worsened(one, value) or _LEVELS.index(one.level) < _LEVELS.index(level):
            yield replace(one, state="worse")
