"""The gravest findings as annotations of a GitHub Actions run."""

from harmonize.document import AuditDocument, Finding, Level
from harmonize.text import numbers
from harmonize.text.sanitize import plain
from reports.finding_order import gravest, leading

TOP = 50
"""How many findings are annotated; GitHub shows few a step, and the last line counts the rest."""

_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "notice"}


def github(document: AuditDocument) -> str:
    """Write workflow commands: one a finding, the gravest first, and one that counts the others."""
    picked = leading(gravest(document.findings), TOP)
    lines = [_annotation(one) for one in picked]
    left = len(document.findings) - len(picked)
    if not document.findings:
        lines.append("::notice title=harmonize::no findings")
    elif left:
        lines.append(
            f"::notice title=harmonize::{numbers.counted(left, 'finding')} more; see another format"
        )
    return "".join(f"{line}\n" for line in lines)


def _annotation(finding: Finding) -> str:
    where = " ".join(part for part in (finding.venue, finding.symbol) if part)
    title = _property(f"{finding.code} {finding.name} {where}".rstrip())
    return f"::{_COMMANDS[finding.level]} title={title}::{_data(finding.message)}"


def _data(text: str) -> str:
    """Text that cannot end the command or begin another."""
    return plain(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
