"""Findings in SARIF 2.1.0, for code-scanning dashboards."""

import json
import re
from collections.abc import Mapping, Sequence

from harmonize.document import AuditDocument, Finding, Level, Verdict
from harmonize.text.sanitize import plain

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

_LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "note"}
_FAILS = {Verdict.UNDER, Verdict.OVER, Verdict.BREACH, Verdict.PROHIBITED}
_STATES = {"new": "new", "worse": "updated"}
_BRACKET = re.compile(r"([\\\[\]])")

Object = dict[str, object]


def sarif(document: AuditDocument) -> str:
    """Renders one run; waived findings are suppressed results."""
    findings = (*document.findings, *document.waived)
    names = {finding.code: finding.name for finding in findings}
    codes = sorted(names)
    run = {
        "tool": {
            "driver": {
                "name": document.tool.name,
                "version": document.tool.version,
                "semanticVersion": document.tool.version,
                "rules": [
                    {"id": code, "name": names[code], "shortDescription": {"text": names[code]}}
                    for code in codes
                ],
            }
        },
        "columnKind": "unicodeCodePoints",
        "properties": {"as_of": document.as_of, "archive": document.archive},
        "results": _results(document, findings, {code: index for index, code in enumerate(codes)}),
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return f"{json.dumps(log, ensure_ascii=False, indent=1)}\n"


def _results(
    document: AuditDocument, findings: Sequence[Finding], rule_indices: Mapping[str, int]
) -> list[Object]:
    results = []
    for finding in findings:
        result = _result(finding, rule_indices[finding.code])
        if document.baseline and finding.state:
            result["baselineState"] = _STATES[finding.state]
        results.append(result)
    return results


def _result(finding: Finding, rule_index: int) -> Object:
    kind = _kind(finding.verdict)
    parts = (finding.venue, finding.symbol, finding.profile)
    instrument = plain("/".join(part for part in parts if part))
    result: Object = {
        "ruleId": finding.code,
        "ruleIndex": rule_index,
        "kind": kind,
        "level": _LEVELS[finding.level] if kind == "fail" else "none",
        "message": {"text": _message(finding.message)},
        "locations": [
            {
                "logicalLocations": [
                    {
                        "fullyQualifiedName": instrument or finding.rule_set or finding.code,
                        "kind": "module",
                    }
                ]
            }
        ],
        "partialFingerprints": {"harmonize/v1": finding.fingerprint},
        "properties": _properties(finding),
    }
    if finding.waiver:
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": plain(finding.waiver)}
        ]
    return result


def _properties(finding: Finding) -> Object:
    """Returns the fields of a finding that SARIF has no place for, without empty ones."""
    properties = {
        "level": finding.level.value,
        "verdict": finding.verdict.value,
        "rule_set": finding.rule_set,
        "figure": finding.margin_type,
        "notional_usd": finding.notional,
        "observed_rate": finding.observed,
        "required_rate": finding.required,
        "verified": finding.verified,
        "divergence": finding.deviation,
        "remedy": finding.remedy,
        "observed_at": finding.observed_at,
    }
    return {name: value for name, value in properties.items() if value not in {None, ""}}


def _kind(verdict: Verdict) -> str:
    """Returns the SARIF kind of a verdict; in SARIF only a failure may have a level."""
    if verdict in _FAILS:
        return "fail"
    return "review" if verdict is Verdict.NOT_OBSERVABLE else "informational"


def _message(text: str) -> str:
    """Escapes text, so that a viewer finds no link and no placeholder.

    Source: SARIF 2.1.0, 3.11.5 and 3.11.6.
    """
    return _BRACKET.sub(r"\\\1", plain(text)).replace("{", "{{").replace("}", "}}")
