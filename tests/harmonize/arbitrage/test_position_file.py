"""Portfolio files: accepted formats, and the error of every row that is rejected."""

import json
from io import BytesIO
from zipfile import ZipFile

import numpy as np
import openpyxl
import pytest

from harmonize.arbitrage import position_file
from harmonize.arbitrage.position_file import Position, PositionsError, read_positions

POSITIONS = (Position("BTC", "long", 250_000.0), Position("PEPE", "short", 1234.5))


def csv(*lines: str) -> bytes:
    return "\n".join(lines).encode()


def workbook(rows: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    content = BytesIO()
    book.save(content)
    return content.getvalue()


def errors_of(content: bytes, name: str) -> tuple[str, ...]:
    with pytest.raises(PositionsError) as raised:
        read_positions(content, name)
    return raised.value.lines


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (csv("underlying,side,notional", "XBT,long,250_000", "1000PEPE,Short, 1234.50"), "b.csv"),
        (
            csv("\ufeffside,notional,underlying", "long,2.5e5,btc", "", "short,1234.5,kPEPE"),
            "B.CSV",
        ),
        (csv('"underlying","side","notional",', "BTC,long,250000,", "PEPE,short,1234.5"), "b.csv"),
        (
            json.dumps(
                [
                    {"underlying": "BTC", "side": "long", "notional": 250000},
                    {"underlying": "PEPE", "side": "short", "notional": 1234.5},
                ]
            ).encode(),
            "b.json",
        ),
        (
            (
                b'{"positions": [{"underlying": "BTC", "side": "long", "notional": "250000"},'
                b' {"underlying": "PEPE", "side": "SHORT", "notional": 1234.50}]}'
            ),
            "b.json",
        ),
        (
            workbook(
                [
                    ["Underlying", "Side", "Notional"],
                    ["BTC", "long", 250000],
                    [None, None, None],
                    ["PEPE", "short", "1234.5"],
                ]
            ),
            "b.xlsx",
        ),
    ],
)
def test_every_format_has_the_same_positions(content: bytes, name: str) -> None:
    assert read_positions(content, name) == POSITIONS


def test_every_rejected_row_has_its_location_and_fix() -> None:
    lines = errors_of(
        csv(
            "underlying,side,notional",
            "BTC,long,100",
            "BTC,buy,100",
            ",long,100",
            "BTC,,",
            "BTC,long,-5",
            "BTC,long,1e-400",
            "BTC,long,nan",
            "BTC,long,1e400",
            'BTC,long,"1,000"',
            "BTC,long,1,000",
            "B T C,long,5",
            "BTC,long,ten",
        ),
        "b.csv",
    )
    assert lines == (
        "b.csv: line 3: side: expected long or short, found 'buy'",
        "b.csv: line 4: missing underlying; add all of underlying, side, notional",
        "b.csv: line 5: missing side, notional; add all of underlying, side, notional",
        "b.csv: line 6: notional: expected an amount in USD above 0, such as 250000, found '-5'",
        "b.csv: line 7: notional: expected an amount in USD above 0, such as 250000, found '1e-400'",
        "b.csv: line 8: notional: expected an amount in USD above 0, such as 250000, found 'nan'",
        "b.csv: line 9: notional: expected an amount in USD above 0, such as 250000, found '1e400'",
        "b.csv: line 10: notional: expected an amount in USD above 0, such as 250000, found '1,000'",
        "b.csv: line 11: notional: expected an amount in USD above 0, such as 250000, found '1,000'",
        "b.csv: line 12: underlying: expected an asset such as BTC, found 'B T C'",
        "b.csv: line 13: notional: expected an amount in USD above 0, such as 250000, found 'ten'",
    )


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (
            b"",
            "b.csv",
            "first line: expected the columns underlying, side, notional, found 'nothing'",
        ),
        (
            csv("a,b,c", "1,2,3"),
            "b.csv",
            "expected the columns underlying, side, notional, found 'a, b, c'",
        ),
        (csv("underlying,side,notional,notional"), "b.csv", "expected the columns"),
        (csv("underlying,side,notional"), "b.csv", "no positions; add one per row"),
        (b"underlying,side,notional\nBTC,long,\xff", "b.csv", "byte 34 is not UTF-8"),
        (csv("underlying,side,notional", '"BTC,long,5'), "b.csv", "correct the quotes"),
        (b"{", "b.json", "cannot read the JSON: "),
        (b"[" * 100_000, "b.json", "cannot read the JSON: "),
        (b'{"book": []}', "b.json", "expected a list of positions"),
        (b"[]", "b.json", "no positions; add one per row"),
        (b"[7]", "b.json", "position 1: missing underlying, side, notional"),
        (b'[{"underlying": "BTC", "size": 4}]', "b.json", "position 1: unknown field size"),
        (b'[{"underlying": "BTC", "side": "long", "notional": true}]', "b.json", "found 'True'"),
        (
            b'[{"underlying": "BTC", "side": "long", "notional": 1e99999999999999999999}]',
            "b.json",
            "cannot read the JSON",
        ),
        (b"PK nothing", "b.xlsx", "cannot read the workbook"),
        (b"BTC", "b.txt", "expected a .csv, .json or .xlsx file"),
        (b"BTC", "book", "expected a .csv, .json or .xlsx file"),
    ],
)
def test_a_file_that_cannot_be_read_has_a_reason(content: bytes, name: str, message: str) -> None:
    (line,) = errors_of(content, name)
    assert line.startswith(f"{name}: ")
    assert message in line


def test_a_long_list_of_errors_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ["BTC,up,1"] * 25
    lines = errors_of(csv("underlying,side,notional", *rows), "b.csv")
    assert len(lines) == 21
    assert lines[-1] == "b.csv: 5 more rows with errors"
    monkeypatch.setattr(position_file, "MAX_ROWS", 3)
    assert errors_of(csv("underlying,side,notional", *rows), "b.csv") == (
        "b.csv: more than 3 rows; split the file",
    )
    monkeypatch.setattr(position_file, "MAX_BYTES", 3)
    assert errors_of(b"1234", "b.csv") == ("b.csv: larger than 3 bytes; split the file",)


def test_long_text_and_control_characters_are_shortened() -> None:
    (line,) = errors_of(csv("underlying,side,notional", f"BTC,{'x' * 90}\x1b[31m,5"), "b.csv")
    assert len(line) < 100
    assert "\x1b" not in line


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_workbook_is_one_error_or_is_readable(seed: int) -> None:
    whole = workbook([["underlying", "side", "notional"], ["BTC", "long", 250000]])
    rng = np.random.default_rng(seed)
    content = bytearray(whole)
    for offset in rng.integers(0, len(whole), int(rng.integers(1, 6))):
        content[offset] = int(rng.integers(0, 256))
    damaged = bytes(content[: int(rng.integers(len(whole) // 2, len(whole) + 1))])
    lines: tuple[str, ...] = ("b.xlsx: readable",)
    try:
        read_positions(damaged, "b.xlsx")
    except PositionsError as error:
        lines = error.lines
    assert all(line.startswith("b.xlsx: ") for line in lines)


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row>"),
        (
            "xl/worksheets/sheet1.xml",
            b"<worksheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><sheetData><row r='1'><c r='??2'><v>abc</v></c></row></sheetData></worksheet>",
        ),
        ("xl/styles.xml", b"garbage"),
        ("xl/workbook.xml", b"<nothing/>"),
        ("docProps/core.xml", b"<"),
    ],
)
def test_a_workbook_with_a_broken_part_is_one_error(part: str, content: bytes) -> None:
    whole = ZipFile(BytesIO(workbook([["underlying", "side", "notional"], ["BTC", "long", 1]])))
    damaged = BytesIO()
    with ZipFile(damaged, "w") as archive:
        for name in whole.namelist():
            archive.writestr(name, content if name == part else whole.read(name))
    assert len(errors_of(damaged.getvalue(), "b.xlsx")) == 1
