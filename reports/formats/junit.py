"""The findings as JUnit XML: a suite a check, a case a finding, for any build server."""

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from harmonize.document import AuditDocument, Finding, Level, Verdict
from harmonize.text.sanitize import plain
from reports.finding_order import CodeFindings, by_code, gravest


def junit(document: AuditDocument) -> bytes:
    """Write errors and warnings as failures, what is unknown or waived as skipped, the rest as passed."""
    root = Element("testsuites", name=document.tool.name)
    waived = {one.fingerprint for one in document.waived}
    total = [0, 0, 0]
    for found in by_code(gravest((*document.findings, *document.waived))):
        counts = _suite(root, found, waived, document.as_of)
        total = [one + other for one, other in zip(total, counts, strict=True)]
    _count(root, total)
    indent(root, " ")
    written: bytes = tostring(root, "utf-8", xml_declaration=True)
    return written + b"\n"


def _suite(root: Element, found: CodeFindings, waived: set[str], as_of: str) -> list[int]:
    suite = SubElement(root, "testsuite", name=f"{found.code} {found.name}", timestamp=as_of[:19])
    kinds = [_case(suite, one, waived=one.fingerprint in waived) for one in found.findings]
    counts = [len(kinds), kinds.count("failure"), kinds.count("skipped")]
    _count(suite, counts)
    return counts


def _count(element: Element, counts: list[int]) -> None:
    for name, number in zip(("tests", "failures", "skipped"), counts, strict=True):
        element.set(name, str(number))
    element.set("errors", "0")


def _case(suite: Element, one: Finding, *, waived: bool) -> str:
    """Write a case, and say what became of it."""
    subject = " ".join(
        part for part in (one.symbol, one.profile, one.rule_set, one.margin_type) if part
    )
    case = SubElement(
        suite,
        "testcase",
        classname=plain(f"{one.code}.{one.venue}"),
        name=plain(subject or one.name),
    )
    message = plain(one.message)
    if waived:
        SubElement(case, "skipped", message=plain(f"waived: {one.waiver}"))
        return "skipped"
    if one.verdict is Verdict.NOT_OBSERVABLE:
        SubElement(case, "skipped", message=message)
        return "skipped"
    if one.level is Level.INFO:
        SubElement(case, "system-out").text = message
        return "passed"
    failure = SubElement(case, "failure", type=one.verdict.value, message=message)
    failure.text = f"{one.level.value}: {message}\nfingerprint {one.fingerprint}"
    return "failure"
