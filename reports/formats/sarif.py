"""The findings in SARIF 2.1.0, for code-scanning dashboards."""

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
    """Write one run; waived findings are suppressed results, not left out."""
    findings = (*document.findings, *document.waived)
    names = {one.code: one.name for one in findings}
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
        "results": _results(document, findings, {code: place for place, code in enumerate(codes)}),
    }
    whole = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return f"{json.dumps(whole, ensure_ascii=False, indent=1)}\n"


def _results(
    document: AuditDocument, findings: Sequence[Finding], places: Mapping[str, int]
) -> list[Object]:
    results = []
    for one in findings:
        result = _result(one, places[one.code])
        if document.baseline and one.state:
            result["baselineState"] = _STATES[one.state]
        results.append(result)
    return results


def _result(finding: Finding, place: int) -> Object:
    kind = _kind(finding.verdict)
    subject = (finding.venue, finding.symbol, finding.profile)
    where = plain("/".join(part for part in subject if part))
    result: Object = {
        "ruleId": finding.code,
        "ruleIndex": place,
        "kind": kind,
        "level": _LEVELS[finding.level] if kind == "fail" else "none",
        "message": {"text": _message(finding.message)},
        "locations": [
            {
                "logicalLocations": [
                    {
                        "fullyQualifiedName": where or finding.rule_set or finding.code,
                        "kind": "module",
                    }
                ]
            }
        ],
        "partialFingerprints": {"harmonize/v1": finding.fingerprint},
        "properties": {
            name: value
            for name, value in (
                ("level", finding.level.value),
                ("verdict", finding.verdict.value),
                ("rule_set", finding.rule_set),
                ("figure", finding.margin_type),
                ("notional_usd", finding.notional),
                ("observed_rate", finding.observed),
                ("required_rate", finding.required),
                ("verified", finding.verified),
                ("divergence", finding.deviation),
                ("remedy", finding.remedy),
                ("observed_at", finding.observed_at),
            )
            if value not in {None, ""}
        },
    }
    if finding.waiver:
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": plain(finding.waiver)}
        ]
    return result


def _kind(verdict: Verdict) -> str:
    """Say in the words of SARIF what a verdict is; only a failure may have a level there."""
    if verdict in _FAILS:
        return "fail"
    return "review" if verdict is Verdict.NOT_OBSERVABLE else "informational"


def _message(text: str) -> str:
    """Text in which a viewer finds no link and no placeholder.

    Source: SARIF 2.1.0, 3.11.5 and 3.11.6.
    """
    return _BRACKET.sub(r"\\\1", plain(text)).replace("{", "{{").replace("}", "}}")
