"""The audit as a workbook: typed findings, rule sets, a data dictionary, provenance."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any

from harmonize.document import AuditDocument
from reports.flat import COLUMNS, Cell, neutral, rows

_FORMATS = {"USD": "#,##0", "share of notional": "0.0000%", "share": "0.00%"}
_WIDEST = 60
_NARROWEST = 10

Sheet = tuple[str, Sequence[str], Iterable[Sequence[Cell]]]


def xlsx(document: AuditDocument) -> bytes:
    """Write the workbook; the same document gives the same bytes."""
    from xlsxwriter import Workbook  # noqa: PLC0415 - heavy; only this format needs it

    written = BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
    }
    with Workbook(written, options) as book:
        book.set_properties(
            {
                "title": "Margin audit",
                "created": datetime.fromisoformat(document.as_of).replace(tzinfo=None),
                "comments": f"{document.tool.name} {document.tool.version}, as of {document.as_of}",
            }
        )
        bold = book.add_format({"bold": True, "bottom": 1})
        units = {unit: book.add_format({"num_format": form}) for unit, form in _FORMATS.items()}
        _findings(book.add_worksheet("Findings"), document, bold, units)
        for name, headings, held in _sheets(document):
            _write(book.add_worksheet(name), headings, held, bold)
    return written.getvalue()


def _findings(sheet: Any, document: AuditDocument, bold: Any, units: dict[str, Any]) -> None:  # noqa: ANN401 - xlsxwriter has no types
    _head(sheet, [column.name for column in COLUMNS], bold)
    last = 0
    for last, row in enumerate(rows(document), start=1):
        for place, (cell, column) in enumerate(zip(row, COLUMNS, strict=True)):
            if isinstance(cell, str) and cell:
                sheet.write_string(last, place, neutral(cell))
            elif isinstance(cell, float):
                sheet.write_number(last, place, cell, units[column.unit])
    sheet.autofilter(0, 0, last, len(COLUMNS) - 1)


def _sheets(document: AuditDocument) -> list[Sheet]:
    sheets: list[Sheet] = [
        (
            "Rule sets",
            ("rule_set", "version", "kind", "law", "asks", "citation", "via", "verified"),
            (
                (
                    *(one.id, one.version, one.kind, "yes" if one.statutory else "no"),
                    *(one.requirement, cited.reference, cited.via, cited.verified),
                )
                for one in document.rule_sets
                for cited in one.citations
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
                        *(", ".join(one.codes), one.scope, one.reason, one.owner),
                        *(one.expires, one.status, float(one.findings)),
                    )
                    for one in document.waivers
                ),
            )
        )
    return [*sheets, _dictionary(), _provenance(document)]


def _dictionary() -> Sheet:
    held = ((one.name, "number" if one.numeric else "text", one.unit, one.means) for one in COLUMNS)
    return "Dictionary", ("column", "type", "unit", "means"), held


def _provenance(document: AuditDocument) -> Sheet:
    about = (
        ("tool", f"{document.tool.name} {document.tool.version}"),
        ("as of", document.as_of),
        ("archive", document.archive),
        ("document schema", document.schema_version),
    )
    held: list[Sequence[Cell]] = [(name, "", value, "", "", None) for name, value in about]
    for snapshot in document.snapshots:
        held.append(
            (
                *("snapshot", snapshot.venue, snapshot.source, snapshot.sha256),
                *(snapshot.observed_at, snapshot.age_days),
            )
        )
        held += [
            ("payload", snapshot.venue, one.source, one.sha256, one.observed_at, None)
            for one in snapshot.payloads
        ]
    return "Provenance", ("what", "venue", "source", "sha256", "observed_at", "age_days"), held


def _head(sheet: Any, headings: Sequence[str], bold: Any) -> None:  # noqa: ANN401 - as above
    sheet.freeze_panes(1, 0)
    for place, heading in enumerate(headings):
        sheet.write_string(0, place, heading, bold)
        sheet.set_column(place, place, max(_NARROWEST, min(_WIDEST, 2 * len(heading))))


def _write(sheet: Any, headings: Sequence[str], held: Iterable[Sequence[Cell]], bold: Any) -> None:  # noqa: ANN401 - as above
    _head(sheet, headings, bold)
    for number, row in enumerate(held, start=1):
        for place, cell in enumerate(row):
            if isinstance(cell, str) and cell:
                sheet.write_string(number, place, neutral(cell))
            elif isinstance(cell, float):
                sheet.write_number(number, place, cell)
