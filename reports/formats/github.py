"""The most severe findings as annotations of a GitHub Actions run."""

from harmonize.document import AuditDocument, Finding, Level
from harmonize.text import numbers
from harmonize.text.sanitize import plain
from reports.finding_order import select_leading, sort_by_severity

TOP = 50
"""Largest number of annotations; GitHub displays few per step. The last line counts the others."""

_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "notice"}


def github(document: AuditDocument) -> str:
    """Renders workflow commands: one per finding, most severe first, and one that counts the others."""
    selected = select_leading(sort_by_severity(document.findings), TOP)
    lines = [_annotation(finding) for finding in selected]
    omitted = len(document.findings) - len(selected)
    if not document.findings:
        lines.append("::notice title=harmonize::no findings")
    elif omitted:
        lines.append(
            f"::notice title=harmonize::{numbers.count_text(omitted, 'more finding')}; see another format"
        )
    return "".join(f"{line}\n" for line in lines)


def _annotation(finding: Finding) -> str:
    instrument = " ".join(part for part in (finding.venue, finding.symbol) if part)
    title = _escape_property(f"{finding.code} {finding.name} {instrument}".rstrip())
    return f"::{_COMMANDS[finding.level]} title={title}::{_escape_data(finding.message)}"


def _escape_data(text: str) -> str:
    """Escapes text, so that it cannot end the command or begin another."""
    return plain(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape_data(text).replace(":", "%3A").replace(",", "%2C")
