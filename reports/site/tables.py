"""Tables of pages: markup, and the same cells as a CSV file beside the page."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from harmonize.text.sanitize import plain
from reports.site.markup import NOTHING, Html, text

_FORMULA = re.compile(r"^\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?[\d.,]+(?:e[+-]?\d+)?(?:\s*[%×])?")

_WIDE, _WIDEST = 9, 13
"""Numbers of columns from which a table is printed in smaller type."""

_LONG_WORD = 32
"""Length of a word above which it may continue on a second line; no venue's own names are longer."""


class Cell(NamedTuple):
    """Cell: its text, its markup if that is more than the text, class, anchor and sort key."""

    words: str
    markup: Html = NOTHING
    css: str = ""
    anchor: str = ""
    key: str = ""


class Row(NamedTuple):
    """Row of a table; its first cell names it. ``anchor`` makes it a target of links."""

    cells: tuple[Cell, ...]
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Table with its caption and heads; a head that starts with ``#`` is of numbers.

    ``label`` names the region for screen readers and is unique in the page. ``tools`` offers sorting
    and searching where scripts run.
    """

    label: str
    caption: Html
    heads: tuple[str, ...]
    rows: Sequence[Row]
    tools: bool = False
    css: str = ""
    numeric: bool = False


def number(words: str, markup: Html = NOTHING, anchor: str = "", key: float | None = None) -> Cell:
    """Returns a cell with a number; `key` is its value, for sorting."""
    return Cell(words, markup, "n", anchor, "" if key is None else f"{key:.9g}")


def table(content: Table, csv_address: str = "") -> Html:
    """Returns a table in a region that scrolls on a narrow screen; nothing without rows."""
    if not content.rows:
        return NOTHING
    heads = "".join(_head(head) for head in content.heads)
    body = "\n".join(_row(row, content) for row in content.rows)
    css = " ".join(filter(None, (content.css, _width_css(content))))
    kind = f' class="{escape(css)}"' if css else ""
    tools = ' data-tools=""' if content.tools else ""
    file = (
        f'<p class="files"><a href="{escape(csv_address)}">{escape(csv_address.rpartition("/")[2])}</a></p>'
        if csv_address
        else ""
    )
    return Html(
        f'<div class="scroll" role="region" aria-label="{text(content.label)}, table" tabindex="0">'
        f"<table{kind}{tools}><caption>{content.caption}</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>\n{body}\n</tbody></table></div>{file}\n"
    )


def _width_css(content: Table) -> str:
    """Returns the classes that choose the size of type on paper, by the number of columns."""
    numeric = "numeric" if content.numeric else ""
    count = len(content.heads)
    width = "widest" if count >= _WIDEST else "wide" if count >= _WIDE else ""
    return " ".join(filter(None, (numeric, width)))


def _head(head: str) -> str:
    css = ' class="n"' if head.startswith("#") else ""
    return f"<th{css}>{text(head.removeprefix('#'))}</th>"


def _row(row: Row, content: Table) -> str:
    first, *others = row.cells
    anchor = f' id="{escape(row.anchor)}"' if row.anchor else ""
    cells = "".join(_cell("td", cell, content) for cell in others)
    head = _cell('th scope="row"', first, content)
    return f"<tr{anchor}>{head}{cells}</tr>"


def _cell(tag: str, cell: Cell, content: Table) -> str:
    css = "" if content.numeric and cell.css == "n" else cell.css
    if any(len(word) > _LONG_WORD for word in cell.words.split()):
        css = f"{css} long".lstrip()
    attributes = f' id="{cell.anchor}"' if cell.anchor else ""
    attributes += f' class="{css}"' if css else ""
    attributes += f' data-key="{cell.key}"' if cell.key and content.tools else ""
    return f"<{tag}{attributes}>{cell.markup or text(cell.words)}</{tag[:2]}>"


def csv_number(value: float | None, digits: int = 9) -> str:
    """Returns a number for a CSV file, with significant digits; empty if it is not known."""
    return "" if value is None else f"{value:.{digits}g}"


def csv_bytes(heads: Iterable[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Returns rows as CSV (RFC 4180) in UTF-8.

    A cell that a spreadsheet would read as a formula is preceded by an apostrophe.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([head.removeprefix("#") for head in heads])
    writer.writerows([_inert(words) for words in row] for row in rows)
    return buffer.getvalue().encode("utf-8", "backslashreplace")


def table_csv(content: Table) -> bytes:
    """Returns a table as CSV: numbers unrounded where the cell has its value, otherwise text."""
    return csv_bytes(
        content.heads, ([cell.key or cell.words for cell in row.cells] for row in content.rows)
    )


def joint_csv(tables: Sequence[tuple[str, Table]], name: str) -> bytes:
    """Returns several tables as one CSV, whose first column, `name`, tells them apart.

    A column that a table does not have is empty in its rows.
    """
    heads = list(dict.fromkeys(head for _, content in tables for head in content.heads))
    rows = []
    for label, content in tables:
        for row in content.rows:
            cells = dict(zip(content.heads, row.cells, strict=True))
            values = (cells.get(head) for head in heads)
            rows.append([label, *(cell.key or cell.words if cell else "" for cell in values)])
    return csv_bytes((name, *heads), rows)


def _inert(words: str) -> str:
    printable = plain(words)
    is_formula = _FORMULA.match(printable) and not _NUMBER.fullmatch(printable)
    return f"'{printable}" if is_formula else printable
