"""The findings as JSON lines: one object a line, with the fields of the audit document."""

import json
from dataclasses import asdict

from harmonize.document import AuditDocument


def jsonl(document: AuditDocument) -> str:
    """Write the findings that count and then the waived ones; `waiver` tells them apart."""
    return "".join(
        f"{json.dumps(asdict(one), ensure_ascii=False, separators=(',', ':'))}\n"
        for one in (*document.findings, *document.waived)
    )
