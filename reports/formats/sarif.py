"""Findings in SARIF 2.1.0, for code-scanning dashboards.

GitHub code scanning takes a subset: every result needs a physical location in the repository, and
a run may have 25,000 results. Source: docs.github.com, "SARIF support for code scanning".
"""

import json
import re
from collections.abc import Mapping, Sequence

from harmonize.document import AuditDocument, Finding, Level, Verdict
from harmonize.text import numbers
from harmonize.text.sanitize import plain
from reports.finding_order import sort_by_severity

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

MAX_RESULTS = 25_000
"""Largest number of results that GitHub code scanning accepts in a run."""

_PACKAGE = "pkg:pypi/harmonize-margins"
_CHECKS_PAGE = "docs/checks.md"
_CONFIGURATION = ".harmonize.yaml"

_LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "note"}
_FAILS = {Verdict.UNDER, Verdict.OVER, Verdict.BREACH, Verdict.PROHIBITED}
_STATES = {"new": "new", "worse": "updated"}
_BRACKET = re.compile(r"([\\\[\]])")
_PLACE = re.compile(r"^(?P<file>[^:\n]+\.ya?ml):(?P<line>[1-9]\d{0,8}):(?P<column>[1-9]\d{0,8}): ")
"""Place in a file of the user at the start of a message."""

_RESERVED = re.compile(r"[^A-Za-z0-9._~-]")

Object = dict[str, object]


def sarif(document: AuditDocument) -> str:
    """Renders one run, most severe results first; waived findings are suppressed results, at the end.

    Where there are more findings than ``MAX_RESULTS``, a notification states how many are omitted.
    """
    findings = (*sort_by_severity(document.findings), *sort_by_severity(document.waived))
    included = findings[:MAX_RESULTS]
    names = {finding.code: finding.name for finding in included}
    codes = sorted(names)
    run: Object = {
        "tool": {
            "driver": {
                "name": document.tool.name,
                "version": document.tool.version,
                "semanticVersion": document.tool.version,
                "rules": [_rule(code, names[code], document.tool.version) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "properties": {"as_of": document.as_of, "archive": document.archive},
        "results": _results(document, included, {code: index for index, code in enumerate(codes)}),
    }
    omitted = len(findings) - len(included)
    if omitted:
        run["invocations"] = [_invocation(omitted)]
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return f"{json.dumps(log, ensure_ascii=False, indent=1)}\n"


def _rule(code: str, name: str, version: str) -> Object:
    """Returns the description of a check; its page is a file of the package."""
    anchor = f"{_CHECKS_PAGE}#{code.lower()}-{name}"
    return {
        "id": code,
        "name": name,
        "shortDescription": {"text": name},
        "fullDescription": {"text": f"{name.replace('-', ' ')} (check {code})"},
        "help": {"text": f"`harmonize explain {code}` prints the page of the check: {anchor}"},
        "helpUri": f"{_PACKAGE}@{_quoted(version)}#{_CHECKS_PAGE}",
    }


def _invocation(omitted: int) -> Object:
    text = (
        f"{numbers.count_text(omitted, 'less severe finding')} omitted: code scanning accepts "
        f"{MAX_RESULTS} results; use another format, or select venues and rule sets"
    )
    notification = {"level": "warning", "message": {"text": text}}
    return {"executionSuccessful": True, "toolExecutionNotifications": [notification]}


def _results(
    document: AuditDocument, findings: Sequence[Finding], rule_indices: Mapping[str, int]
) -> list[Object]:
    paths = _payload_paths(document)
    results = []
    for finding in findings:
        result = _result(finding, rule_indices[finding.code], paths)
        if document.baseline and finding.state:
            result["baselineState"] = _STATES[finding.state]
        results.append(result)
    return results


_PayloadPaths = Mapping[tuple[str, str, str], str]
"""Path named for the payload of a schedule, by venue, symbol and profile."""


def _payload_paths(document: AuditDocument) -> dict[tuple[str, str, str], str]:
    calls = {
        payload.sha256: payload.call.partition("(")[0]
        for snapshot in document.snapshots
        for payload in snapshot.payloads
    }
    return {
        (row.venue, row.symbol, row.profile): _path(row.venue, calls[row.evidence[0].sha256])
        for row in document.schedules
        if row.evidence and row.evidence[0].sha256 in calls
    }


def _path(*names: str) -> str:
    """Returns the path of the payload of a venue: the same in every run, whatever its date."""
    return f"payloads/{'/'.join(map(_quoted, names))}.json"


def _quoted(text: str) -> str:
    """Returns a text as one segment of a URI path (RFC 3986); dots alone would leave the folder."""
    segment = _RESERVED.sub(
        lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "replace")), text
    )
    return segment if segment.strip(".") else "_"


def _physical_location(finding: Finding, paths: _PayloadPaths) -> Object:
    """Returns the file of a finding: the payload, the rule set, or the configuration."""
    place = _PLACE.match(finding.message)
    line, column = 1, 1
    if finding.venue:
        schedule = (finding.venue, finding.symbol, finding.profile)
        uri = paths.get(schedule) or _path(finding.venue)
    elif place:
        uri, line, column = _relative(place["file"]), int(place["line"]), int(place["column"])
    elif finding.rule_set:
        uri = f"rules/{_quoted(finding.rule_set)}.yaml"
    else:
        uri = _CONFIGURATION
    return {
        "artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": line, "startColumn": column},
    }


def _relative(file: str) -> str:
    """Returns a file of the user as a path in the repository: its name alone if it is absolute."""
    segments = file.replace("\\", "/").split("/")
    inside = segments if segments[0] and ".." not in segments else segments[-1:]
    return "/".join(_quoted(segment) for segment in inside if segment not in {"", "."})


def _result(finding: Finding, rule_index: int, paths: _PayloadPaths) -> Object:
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
                "physicalLocation": _physical_location(finding, paths),
                "logicalLocations": [
                    {
                        "fullyQualifiedName": instrument or finding.rule_set or finding.code,
                        "kind": "module",
                    }
                ],
            }
        ],
        "partialFingerprints": {
            "harmonize/v1": finding.fingerprint,
            "primaryLocationLineHash": f"{finding.fingerprint}:1",
        },
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
        "observed_from": finding.observed_from,
        "date_kind": finding.date_kind,
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
