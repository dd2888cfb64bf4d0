"""Findings as JSON Lines: one object per line, with the fields of the audit document."""

import json
from dataclasses import asdict

from harmonize.document import AuditDocument


def jsonl(document: AuditDocument) -> str:
    """Renders the findings and then the waived findings, which have a `waiver`."""
    return "".join(
        f"{json.dumps(asdict(finding), ensure_ascii=False, separators=(',', ':'))}\n"
        for finding in (*document.findings, *document.waived)
    )
