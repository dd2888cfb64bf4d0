"""Findings as CSV: a header, one line per finding, formulas in text neutralized."""

from csv import writer
from io import StringIO

from harmonize.document import AuditDocument
from reports.formats.finding_columns import COLUMNS, finding_rows, neutralize_formula


def csv(document: AuditDocument) -> str:
    """Renders the findings: numbers unchanged, text safe for spreadsheets."""
    buffer = StringIO()
    lines = writer(buffer, lineterminator="\n")
    lines.writerow([column.name for column in COLUMNS])
    for row in finding_rows(document):
        lines.writerow(
            [neutralize_formula(cell) if isinstance(cell, str) else cell for cell in row]
        )
    return buffer.getvalue()
