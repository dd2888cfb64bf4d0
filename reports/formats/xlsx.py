"""The audit as an Excel workbook: typed findings, rule sets, data dictionary, provenance."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any

from harmonize.document import AuditDocument, CitationRow
from reports.formats.compact_rows import with_first_sheet
from reports.formats.finding_columns import COLUMNS, CellValue, finding_rows
from reports.formats.sheets import WORKBOOK_OPTIONS, write_cell, write_head, write_rows

_FORMATS = {"USD": "#,##0", "share of notional": "0.0000%", "share": "0.00%"}
_UNCITED = CitationRow("", "", "")

_Worksheet = Any  # xlsxwriter has no types
_Format = Any

Sheet = tuple[str, Sequence[str], Iterable[Sequence[CellValue]]]


def xlsx(document: AuditDocument) -> bytes:
    """Renders the workbook; reproducible byte for byte from the document."""
    from xlsxwriter import Workbook  # noqa: PLC0415 - heavy; only this format needs it

    buffer = BytesIO()
    with Workbook(buffer, WORKBOOK_OPTIONS) as book:
        book.set_properties(
            {
                "title": "Margin audit",
                "created": datetime.fromisoformat(document.as_of).replace(tzinfo=None),
                "comments": f"{document.tool.name} {document.tool.version}, as of {document.as_of}",
            }
        )
        bold = book.add_format({"bold": True, "bottom": 1})
        formats = {
            unit: book.add_format({"num_format": number_format})
            for unit, number_format in _FORMATS.items()
        }
        count = len(document.findings) + len(document.waived)
        _write_findings_head(book.add_worksheet("Findings"), count, bold, formats)
        for name, headings, sheet_rows in _sheets(document):
            write_rows(book.add_worksheet(name), headings, sheet_rows, bold)
    return with_first_sheet(buffer.getvalue(), finding_rows(document))


def _write_findings_head(
    sheet: _Worksheet, rows: int, bold: _Format, formats: dict[str, _Format]
) -> None:
    """Writes the head of the findings, and a sample row with the format of every column."""
    write_head(sheet, [column.name for column in COLUMNS], bold)
    for index, column in enumerate(COLUMNS):
        write_cell(sheet, 1, index, 0.0, formats.get(column.unit))
    sheet.autofilter(0, 0, rows, len(COLUMNS) - 1)


def _sheets(document: AuditDocument) -> list[Sheet]:
    sheets: list[Sheet] = [
        (
            "Rule sets",
            (
                "rule_set",
                "version",
                "title",
                "kind",
                "statutory",
                "requirement",
                "citation",
                "via",
                "verified",
            ),
            (
                (
                    *(rule_set.id, rule_set.version, rule_set.title, rule_set.kind),
                    "yes" if rule_set.statutory else "no",
                    *(rule_set.requirement, citation.reference, citation.via, citation.verified),
                )
                for rule_set in document.rule_sets
                for citation in rule_set.citations or (_UNCITED,)
            ),
        )
    ]
    if document.waivers:
        sheets.append(
            (
                "Waivers",
                ("codes", "scope", "reason", "owner", "expires", "status", "findings"),
                (
                    (
                        *(", ".join(waiver.codes), waiver.scope, waiver.reason, waiver.owner),
                        *(waiver.expires, waiver.status, float(waiver.findings)),
                    )
                    for waiver in document.waivers
                ),
            )
        )
    return [*sheets, _dictionary(), _provenance(document)]


def _dictionary() -> Sheet:
    sheet_rows = (
        (column.name, "number" if column.is_numeric else "text", column.unit, column.meaning)
        for column in COLUMNS
    )
    return "Dictionary", ("column", "type", "unit", "meaning"), sheet_rows


def _provenance(document: AuditDocument) -> Sheet:
    headings = ("item", "venue", "call", "origin", "source", "sha256", "observed_at")
    own = ("observed_from", "date_kind", "age_days", "stale")
    return "Provenance", (*headings, *own), _provenance_rows(document)


def _provenance_rows(document: AuditDocument) -> Iterator[Sequence[CellValue]]:
    """Yields tool, date and archive, then every snapshot with its payloads."""
    yield "tool", "", "", "", f"{document.tool.name} {document.tool.version}"
    yield "as of", "", "", "", document.as_of
    yield "archive", "", "", "", document.archive
    yield "document schema", "", "", "", document.schema_version
    for snapshot in document.snapshots:
        is_stale = "yes" if snapshot.stale else "no"
        details = (
            snapshot.source,
            snapshot.sha256,
            snapshot.observed_at,
            snapshot.observed_from,
            snapshot.date_kind,
            snapshot.age_days,
            is_stale,
        )
        yield "snapshot", snapshot.venue, "", "", *details
        for payload in snapshot.payloads:
            call = (
                payload.call,
                payload.origin,
                payload.source,
                payload.sha256,
                payload.observed_at,
                payload.observed_from,
                payload.date_kind,
            )
            yield "payload", snapshot.venue, *call
