"""The findings as CSV: a header, one line a finding, formulas in text neutralised."""

from csv import writer
from io import StringIO

from harmonize.document import AuditDocument
from reports.formats.finding_columns import COLUMNS, neutral, rows


def csv(document: AuditDocument) -> str:
    """Write the findings; numbers as they are, text so that no spreadsheet runs it."""
    written = StringIO()
    lines = writer(written, lineterminator="\n")
    lines.writerow([column.name for column in COLUMNS])
    for row in rows(document):
        lines.writerow([neutral(cell) if isinstance(cell, str) else cell for cell in row])
    return written.getvalue()
