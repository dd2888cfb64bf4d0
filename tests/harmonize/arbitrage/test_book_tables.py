"""Cells of a book: separators, encodings, sheets, and bounds on what a file can make the reader do."""

import json
import time
import zlib
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import openpyxl
import pytest

from harmonize.arbitrage import book_tables
from harmonize.arbitrage.book_tables import BookTable, TableError, read_table

HEAD = ("symbol", "side", "notional")
WORKSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def table(content: bytes, suffix: str = "csv") -> BookTable:
    return read_table(content, suffix, {})


def error(content: bytes, suffix: str) -> str:
    with pytest.raises(TableError) as raised:
        table(content, suffix)
    return str(raised.value)


def workbook(*sheets: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    for number, rows in enumerate(sheets):
        sheet = book.active if number == 0 else book.create_sheet(f"More {number}")
        for row in rows:
            sheet.append(row)
    content = BytesIO()
    book.save(content)
    return content.getvalue()


def with_part(content: bytes, name: str, part: bytes) -> bytes:
    """Returns a workbook with one part replaced, highly compressed."""
    changed = BytesIO()
    with ZipFile(BytesIO(content)) as old, ZipFile(changed, "w", ZIP_DEFLATED) as new:
        for item in old.namelist():
            new.writestr(item, part if item == name else old.read(item))
        if name not in old.namelist():
            new.writestr(name, part)
    return changed.getvalue()


@pytest.mark.parametrize(
    ("separator", "word"),
    [(",", ""), (";", "a semicolon"), ("\t", "a tab"), ("|", "a vertical bar")],
)
def test_the_head_line_tells_the_separator(separator: str, word: str) -> None:
    read = table(
        f"symbol{separator}side{separator}notional\nBTC{separator}long{separator}5".encode()
    )
    assert read.heads == HEAD
    assert read.rows == (("line 2", ("BTC", "long", "5")),)
    assert read.notes == ((f"columns separated by {word}",) if word else ())


def test_heads_with_other_separators_inside_are_read_by_the_known_heads() -> None:
    read = table(b'Symbol;Note, long, with, commas;Value\nBTC;"a;b";5')
    assert read.heads == ("Symbol", "Note, long, with, commas", "Value")
    assert read.rows == (("line 2", ("BTC", "a;b", "5")),)


def test_the_first_line_of_excel_names_the_separator() -> None:
    read = table(b"sep=|\nsymbol|side, or so|notional\nBTC|long|5")
    assert read.heads == ("symbol", "side, or so", "notional")
    assert read.rows[0][0] == "line 3"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_byte_order_marks_and_line_ends_of_every_system_are_read(
    encoding: str, ending: str
) -> None:
    text = ending.join(("symbol,side,notional", "", "币安人生,long,5", " , ,", ""))
    content = text.encode(encoding)
    if encoding == "utf-16-le":
        content = b"\xff\xfe" + content
    read = table(content)
    assert (read.heads, read.rows) == (HEAD, (("line 3", ("币安人生", "long", "5")),))


def test_cells_beyond_the_heads_stay_in_the_row() -> None:
    read = table(b"symbol,side,notional,\nBTC,long,1,000\nETH,long\nSOL,short,5,\n")
    assert [len(cells) for _, cells in read.rows] == [4, 3, 3]


def test_json_has_a_cell_per_field() -> None:
    rows = [{"symbol": "BTC", "value": 1.5}, {"symbol": "ETH", "side": "long"}, 7]
    read = table(json.dumps({"positions": rows}).encode(), "json")
    assert read.heads == ("symbol", "value", "side")
    assert [cells for _, cells in read.rows][1:] == [("ETH", None, "long"), (None, None, None)]
    assert table(b'\xef\xbb\xbf[{"symbol": "BTC"}]', "json").heads == ("symbol",)


def test_only_the_first_sheet_is_read_and_the_others_are_told() -> None:
    read = table(workbook([["symbol", "value"], ["BTC", 100.0]], [["ETH", 5]]), "xlsx")
    assert read.rows == (("row 2", ("BTC", 100)),)
    assert read.notes == ("only the first sheet, Sheet, is read; not read: More 1",)


def test_cells_beside_the_table_of_a_sheet_are_told() -> None:
    read = table(workbook([["symbol", "value"], ["BTC", 5], ["ETH", 6, None, "a comment"]]), "xlsx")
    assert read.rows == (("row 2", ("BTC", 5)), ("row 3", ("ETH", 6)))
    assert read.notes == ("cells beyond the last head are not read, as in row 3",)


@pytest.mark.parametrize(
    ("content", "suffix", "message"),
    [
        (b"\xff\xfea", "csv", "cannot read as UTF-16; save the file as UTF-8"),
        (b"symbol\n\xe9", "csv", "byte 7 is not UTF-8; save the file as UTF-8"),
        (b'a,b\n"x', "csv", "correct the quotes"),
        (b"a,b\n" + b"x" * 200_000, "csv", "field larger than field limit"),
        (b"{", "json", "cannot read the JSON: "),
        (b"[" * 200_000, "json", "cannot read the JSON: "),
        (b"[" + b"1" * 5_000 + b"]", "json", "cannot read the JSON: "),
        (b'[{"a": 1, "a": 2}]', "json", "field 'a' appears twice in one position"),
        (b'{"book": 1}', "json", "expected a list of positions"),
        (b"PK", "xlsx", "cannot read the workbook"),
        (b"", "xlsx", "cannot read the workbook"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(content: bytes, suffix: str, message: str) -> None:
    text = error(content, suffix)
    assert message in text
    assert "\n" not in text


def test_a_file_has_at_most_a_stated_size(monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"symbol,side,notional\n" + b"BTC,long,5\n" * 5
    monkeypatch.setattr(book_tables, "MAX_ROWS", 5)
    assert len(table(content).rows) == 5
    assert error(content + b"BTC,long,5\n", "csv") == "more than 5 rows; split the file"
    many = json.dumps([{"symbol": "BTC"}] * 6).encode()
    assert error(many, "json") == "more than 5 rows; split the file"
    rows: list[list[object]] = [["symbol", number] for number in range(7)]
    assert error(workbook(rows), "xlsx") == "more than 5 rows; split the file"
    monkeypatch.setattr(book_tables, "MAX_BYTES", 100)
    assert error(b"x" * 101, "csv") == "larger than 100 bytes; split the file"


def test_a_workbook_that_unpacks_to_gigabytes_is_refused_before_it_is_read() -> None:
    """A repeated row is compressed by a factor of 300 and more."""
    block = b"<row><c><v>1</v></c></row>" * 40_000
    packer = zlib.compressobj(9)
    assert len(packer.compress(block) + packer.flush()) < len(block) / 300
    content = with_part(workbook([["symbol"]]), "xl/worksheets/sheet1.xml", block * 60)
    assert len(content) < 1_000_000
    text = error(content, "xlsx")
    assert "unpacks to 62," in text
    assert "at most 50,000,000 are read" in text


def test_the_declared_size_of_a_part_ends_its_unpacking() -> None:
    """A part that declares less than it holds is damaged, and is not read to its end."""
    whole = with_part(workbook([["symbol"], ["BTC"]]), "xl/big.xml", b" " * 10_000_000)
    size = (10_000_000).to_bytes(4, "little")
    assert whole.count(size) == 2
    assert "cannot read the workbook" in error(
        whole.replace(size, (10).to_bytes(4, "little")), "xlsx"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(
    "part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"]
)
def test_entities_that_expand_without_end_are_refused(part: str, encoding: str) -> None:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    xml = f'<!DOCTYPE x [<!ENTITY a0 "lol">{entities}]><worksheet xmlns="{WORKSHEET}">&a11;</worksheet>'
    text = error(with_part(workbook([["symbol"]]), part, xml.encode(encoding)), "xlsx")
    assert text == f"{part} declares XML entities; save it as .xlsx again"


@pytest.mark.parametrize(
    "cells",
    [
        '<row r="9999999999"><c r="A9999999999"><v>1</v></c></row>',
        '<row r="2"><c r="XFD2"><v>1</v></c></row>' * 1000,
        '<row r="2"><c r="ZZZZZZ2"><v>1</v></c></row>',
    ],
)
def test_places_outside_of_every_sheet_end(cells: str) -> None:
    head = '<row r="1"><c r="A1" t="inlineStr"><is><t>symbol</t></is></c></row>'
    xml = f'<worksheet xmlns="{WORKSHEET}"><sheetData>{head}{cells}</sheetData></worksheet>'
    content = with_part(workbook([["symbol"]]), "xl/worksheets/sheet1.xml", xml.encode())
    started = time.process_time()
    try:
        assert len(table(content, "xlsx").rows) <= 1000
    except TableError as caught:
        assert "cannot read the workbook" in str(caught)  # noqa: PT017 - either end is right
    assert time.process_time() - started < 20
