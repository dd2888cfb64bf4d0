"""The audit as a workbook: typed findings, rule sets, a data dictionary, provenance."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from io import BytesIO
from math import isfinite
from typing import Any

from harmonize.document import AuditDocument, CitationRow
from reports.formats.finding_columns import COLUMNS, Cell, neutral, rows

_FORMATS = {"USD": "#,##0", "share of notional": "0.0000%", "share": "0.00%"}
_UNCITED = CitationRow("", "", "")
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
            _cell(sheet, last, place, cell, units.get(column.unit))
    sheet.autofilter(0, 0, last, len(COLUMNS) - 1)


def _sheets(document: AuditDocument) -> list[Sheet]:
    sheets: list[Sheet] = [
        (
            "Rule sets",
            ("rule_set", "version", "title", "kind", "law", "asks", "citation", "via", "verified"),
            (
                (
                    *(one.id, one.version, one.title, one.kind, "yes" if one.statutory else "no"),
                    *(one.requirement, cited.reference, cited.via, cited.verified),
                )
                for one in document.rule_sets
                for cited in one.citations or (_UNCITED,)
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
    headings = ("what", "venue", "call", "origin", "source", "sha256", "observed_at")
    return "Provenance", (*headings, "age_days", "stale"), _sources(document)


def _sources(document: AuditDocument) -> Iterator[Sequence[Cell]]:
    """What wrote the document from which archive, and then every snapshot with its payloads."""
    yield "tool", "", "", "", f"{document.tool.name} {document.tool.version}"
    yield "as of", "", "", "", document.as_of
    yield "archive", "", "", "", document.archive
    yield "document schema", "", "", "", document.schema_version
    for held in document.snapshots:
        stale = "yes" if held.stale else "no"
        where = (held.source, held.sha256, held.observed_at, held.age_days, stale)
        yield "snapshot", held.venue, "", "", *where
        for one in held.payloads:
            call = (one.call, one.origin, one.source, one.sha256, one.observed_at)
            yield "payload", held.venue, *call


def _head(sheet: Any, headings: Sequence[str], bold: Any) -> None:  # noqa: ANN401 - as above
    sheet.freeze_panes(1, 0)
    for place, heading in enumerate(headings):
        sheet.write_string(0, place, heading, bold)
        sheet.set_column(place, place, max(_NARROWEST, min(_WIDEST, 2 * len(heading))))


def _write(sheet: Any, headings: Sequence[str], held: Iterable[Sequence[Cell]], bold: Any) -> None:  # noqa: ANN401 - as above
    _head(sheet, headings, bold)
    for number, row in enumerate(held, start=1):
        for place, cell in enumerate(row):
            _cell(sheet, number, place, cell)


def _cell(sheet: Any, row: int, place: int, cell: Cell, form: Any = None) -> None:  # noqa: ANN401 - as above
    """Write text or a number; what is not finite has no place in a workbook and stays empty."""
    if isinstance(cell, str):
        if cell:
            sheet.write_string(row, place, neutral(cell))
    elif cell is not None and isfinite(cell):
        sheet.write_number(row, place, cell, form)
