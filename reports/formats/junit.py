"""Findings as JUnit XML for build servers: one suite per check, one case per finding."""

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from harmonize.document import AuditDocument, Finding, Level, Verdict
from harmonize.text.sanitize import plain
from reports.finding_order import CheckFindings, group_by_check, sort_by_severity


def junit(document: AuditDocument) -> bytes:
    """Renders errors and warnings as failures, unknown or waived findings as skipped cases."""
    root = Element("testsuites", name=document.tool.name)
    waived = {finding.fingerprint for finding in document.waived}
    total = [0, 0, 0]
    for check in group_by_check(sort_by_severity((*document.findings, *document.waived))):
        counts = _add_suite(root, check, waived, document.as_of)
        total = [before + added for before, added in zip(total, counts, strict=True)]
    _set_counts(root, total)
    indent(root, " ")
    xml: bytes = tostring(root, "utf-8", xml_declaration=True)
    return xml + b"\n"


def _add_suite(root: Element, check: CheckFindings, waived: set[str], as_of: str) -> list[int]:
    suite = SubElement(root, "testsuite", name=f"{check.code} {check.name}", timestamp=as_of[:19])
    outcomes = [
        _add_case(suite, finding, waived=finding.fingerprint in waived)
        for finding in check.findings
    ]
    counts = [len(outcomes), outcomes.count("failure"), outcomes.count("skipped")]
    _set_counts(suite, counts)
    return counts


def _set_counts(element: Element, counts: list[int]) -> None:
    for name, number in zip(("tests", "failures", "skipped"), counts, strict=True):
        element.set(name, str(number))
    element.set("errors", "0")


def _add_case(suite: Element, finding: Finding, *, waived: bool) -> str:
    """Adds a case and returns its outcome: failure, skipped or passed."""
    case_name = " ".join(
        part
        for part in (finding.symbol, finding.profile, finding.rule_set, finding.margin_type)
        if part
    )
    case = SubElement(
        suite,
        "testcase",
        classname=plain(f"{finding.code}.{finding.venue}"),
        name=plain(case_name or finding.name),
    )
    message = plain(finding.message)
    if waived:
        SubElement(case, "skipped", message=plain(f"waived: {finding.waiver}"))
        return "skipped"
    if finding.verdict is Verdict.NOT_OBSERVABLE:
        SubElement(case, "skipped", message=message)
        return "skipped"
    if finding.level is Level.INFO:
        SubElement(case, "system-out").text = message
        return "passed"
    failure = SubElement(case, "failure", type=finding.verdict.value, message=message)
    failure.text = f"{finding.level.value}: {message}\nfingerprint {finding.fingerprint}"
    return "failure"
