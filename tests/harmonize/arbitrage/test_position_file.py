"""Portfolio files: accepted formats, and the line of every row that is not read."""

import json
from io import BytesIO
from zipfile import ZipFile

import numpy as np
import openpyxl
import pytest

from harmonize.arbitrage.book_names import ContractNames
from harmonize.arbitrage.position_file import (
    Book,
    BookFile,
    Position,
    PositionsError,
    limited,
    read_book,
    resolve_book,
)
from harmonize.core.instrument import AssetNames
from tests.support import recorded

POSITIONS = (Position("BTC", "long", 250_000.0), Position("PEPE", "short", 1234.5))
KNOWN = ContractNames.of((), AssetNames.of(("BTC", "ETH", "PEPE")))
EXPORT = (
    "Symbol,Size,Entry Price,Mark Price,Liq.Price,Margin Ratio,Margin,PNL(ROE %)",
    'BTCUSDT,-0.5 BTC,60000.0,61000.0,90000.0,1.20%,"3,050.00 USDT",-500.00 USDT',
)


def csv(*lines: str) -> bytes:
    return "\n".join(lines).encode()


def book_of(content: bytes, name: str = "b.csv", **mapping: str) -> Book:
    return resolve_book(read_book(content, name, mapping), KNOWN)


def workbook(rows: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    content = BytesIO()
    book.save(content)
    return content.getvalue()


def errors_of(content: bytes, name: str = "b.csv", **mapping: str) -> tuple[str, ...]:
    with pytest.raises(PositionsError) as raised:
        book_of(content, name, **mapping)
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
    book = book_of(content, name)
    assert (book.positions, book.errors) == (POSITIONS, ())


def test_every_rejected_row_is_told_and_the_others_are_read() -> None:
    book = book_of(
        csv(
            "underlying,side,notional",
            "BTC,long,100",
            "BTC,up,100",
            ",long,100",
            "BTC,,",
            "BTC,long,-5",
            "BTC,long,1e-400",
            "BTC,long,nan",
            "BTC,long,1e400",
            'BTC,long,"1,000"',
            "BTC,long,1,000",
            "#N/A,long,5",
            "BTC,long,ten",
            "BTC,long,0",
            "BTC,long,5 EUR",
            "BTC,long,#DIV/0!",
            "BTC,long",
            "FOOUSDT,long,5",
            "ETH,short,7",
        )
    )
    assert book.positions == (Position("BTC", "long", 100.0), Position("ETH", "short", 7.0))
    assert book.errors == (
        "b.csv: line 3: side: expected long or short, found 'up'",
        "b.csv: line 4: missing underlying; add an asset such as BTC",
        "b.csv: line 5: missing side; add long or short",
        "b.csv: line 6: side long, but an amount below 0; remove the sign, or write short",
        "b.csv: line 7: notional: expected an amount in USD from 0.000001 to 1e15, found 1e-400; correct it, or remove the row",
        "b.csv: line 8: notional: expected a number, found 'nan'; write digits, such as 250000",
        "b.csv: line 9: notional: expected an amount in USD from 0.000001 to 1e15, found 1e+400; correct it, or remove the row",
        "b.csv: line 10: notional: 1,000: 1 or 1,000? write 1000 or 1.0",
        "b.csv: line 11: 4 cells, expected 3; put a number with a comma in quotes, or remove its commas",
        "b.csv: line 12: underlying: expected an asset such as BTC, found '#N/A'",
        "b.csv: line 13: notional: expected a number, found 'ten'; write digits, such as 250000",
        "b.csv: line 14: notional: expected an amount in USD from 0.000001 to 1e15, found 0; correct it, or remove the row",
        "b.csv: line 15: notional: expected USD, found 'EUR'; convert it, or use the columns quantity and price",
        "b.csv: line 16: notional: expected a number, found '#DIV/0!'; correct the formula",
        "b.csv: line 17: missing notional; add an amount in USD, or quantity and price",
        "b.csv: line 18: no schedule of FOOUSDT or FOO was observed; write the asset, such as BTC",
    )


def test_a_name_that_is_read_as_another_is_told() -> None:
    book = book_of(
        csv(
            "underlying,side,notional",
            "BTCUSDT,buy,5",
            "XBT,Sell,6",
            "eth,LONG,7",
            "XBT,long,1",
            "XBT,long,1",
        )
    )
    assert book.positions == (
        Position("BTC", "long", 5.0),
        Position("BTC", "short", 6.0),
        Position("ETH", "long", 7.0),
        *[Position("BTC", "long", 1.0)] * 2,
    )
    assert book.notes == (
        "b.csv: side buy read as long",
        "b.csv: side sell read as short",
        "b.csv: line 2: BTCUSDT read as BTC",
        "b.csv: line 3: XBT read as BTC (and 2 more rows)",
    )


def test_semicolons_and_decimal_commas_are_told() -> None:
    book = book_of(csv("underlying;side;notional", "BTC;long;100000,50"))
    assert book.positions == (Position("BTC", "long", 100_000.5),)
    assert book.notes == (
        "b.csv: columns separated by a semicolon",
        "b.csv: numbers read with a decimal comma, as in 100000,50",
    )


def test_a_file_settles_its_decimal_mark_or_the_row_is_told() -> None:
    heads = "underlying;side;notional"
    settled = book_of(csv(heads, "BTC;long;100.000", "ETH;long;1.234.567,89"))
    assert [position.notional for position in settled.positions] == [100_000.0, 1_234_567.89]
    assert "b.csv: numbers read with a decimal comma, as in 1.234.567,89" in settled.notes
    for line in ("ETH;long;100.50", "ETH;long;100,50"):
        book = book_of(csv(heads, "BTC;long;100.000", line))
        assert book.errors == (
            "b.csv: line 2: notional: 100.000: 100 or 100,000? write 100000 or 100.0",
        )
        assert len(book.positions) == 1
    numeric = workbook([["underlying", "side", "notional"], ["BTC", "long", 100.000]])
    assert book_of(numeric, "b.xlsx").positions[0].notional == 100.0
    (line,) = errors_of(
        workbook([["asset", "side", "value"], ["BTC", "long", "100.000"]]), "b.xlsx"
    )
    assert line == "b.xlsx: row 2: notional: 100.000: 100 or 100,000? write 100000 or 100.0"


def test_a_signed_size_is_short_below_zero() -> None:
    book = book_of(csv("underlying,notional", "BTC,-100", "ETH,(50.5)", "BTC,7"))
    assert [(p.side, p.notional) for p in book.positions] == [
        ("short", 100.0),
        ("short", 50.5),
        ("long", 7.0),
    ]
    assert "b.csv: no column side: negative sizes are short, all others long" in book.notes


def test_a_side_that_contradicts_the_sign_is_told() -> None:
    book = book_of(
        csv(
            "symbol,side,value,size",
            "BTC,short,-5,-1",
            "BTC,short,5,-1",
            "BTC,long,5,-1",
            "BTC,both,5,-1",
            "BTC,net,-5,",
            "BTC,long,5,n/a",
            "BTC,both,5,n/a",
        )
    )
    assert [p.side for p in book.positions] == ["short", "short", "short", "short", "long"]
    assert book.errors == (
        "b.csv: line 4: side long, but an amount below 0; remove the sign, or write short",
        "b.csv: line 8: quantity: expected a number, found 'n/a'; write digits, such as 250000",
    )


def test_the_sign_of_a_size_is_the_side_of_an_unsigned_value() -> None:
    book = book_of(csv("Symbol,Size,Value", "BTC,-1,61000", "BTC,1,-61000", "ETH,2,5000"))
    assert book.positions == (Position("BTC", "short", 61_000.0), Position("ETH", "long", 5_000.0))
    assert book.errors == (
        "b.csv: line 3: notional is below 0 and quantity above; correct one, or add a column side",
    )


def test_a_side_in_a_column_that_is_not_read_is_told() -> None:
    """Read as long, each of these shorts would be margined on the wrong side."""
    book = book_of(csv("coin,Way,positionValue", "BTC,Short,5", "BTC,Long,6", "ETH,SELL,7"))
    assert book.positions == (Position("BTC", "long", 6.0),)
    assert book.errors == (
        "b.csv: line 2: no column side, but Way is 'Short'; add --columns side=Way",
        "b.csv: line 4: no column side, but Way is 'SELL'; add --columns side=Way",
    )
    book = book_of(csv("coin,lots,positionValue,PNL", "BTC,-3,5,-1", "BTC,3,6,-1"))
    assert book.positions == (Position("BTC", "long", 6.0),)
    assert book.errors == (
        "b.csv: line 2: no column side, but lots is below 0; add a column side, or --columns quantity=lots",
    )
    assert book_of(csv("coin,szi,positionValue", "BTC,-3,5")).positions[0].side == "short"


def test_quantities_in_contracts_need_a_notional() -> None:
    (line,) = errors_of(csv("symbol,size,contractSize,markPrice", "BTC,3,0.0001,60000"))
    assert line == (
        "b.csv: first line: column contractSize shows that size is in contracts; add a column notional in USD"
    )
    assert book_of(csv("symbol,size,contractSize,value", "BTC,3,0.0001,60")).positions


@pytest.mark.parametrize(
    "mapping", [{}, {"underlying": "Symbol", "quantity": "Size", "price": "Mark Price"}]
)
def test_the_export_of_an_exchange_is_read(mapping: dict[str, str]) -> None:
    book = book_of(csv(*EXPORT), **mapping)
    assert book.positions == (Position("BTC", "short", 0.5 * 61_000),)
    assert book.errors == ()
    assert "b.csv: notional is Size, in coins, times Mark Price" in book.notes
    assert "b.csv: line 2: BTCUSDT read as BTC" in book.notes
    unused = "Entry Price, Liq.Price, Margin Ratio, Margin, PNL(ROE %)"
    assert f"b.csv: columns not read: {unused}" in book.notes
    at_entry = book_of(csv(*EXPORT), **{**mapping, "price": "Entry Price"})
    assert at_entry.positions[0].notional == 30_000.0
    assert any("at entry, not the current one" in note for note in at_entry.notes)


def test_a_quantity_needs_a_price_and_the_unit_of_its_contract() -> None:
    book = book_of(
        csv(
            "symbol,quantity,mark price",
            "BTCUSDT,2,",
            "BTCUSDT,2,-1",
            "BTCUSDT,2,50 EUR",
            "BTCUSDT,2 ETH,100.5",
            "BTCUSDT,2 Cont,100.5",
            "BTCUSDT,2 XBT,100.5",
            "BTCUSDT,300 USDT,100.5",
            "1000PEPEUSDT,2 PEPE,100.5",
            "1000PEPEUSDT,2 1000PEPE,100.5",
            "BTCUSDT,1%,100.5",
        )
    )
    assert [position.notional for position in book.positions] == [201.0, 300.0, 201.0]
    assert book.errors == (
        "b.csv: line 2: quantity without a price; add a column price or notional",
        "b.csv: line 3: price: expected USD above 0, found -1",
        "b.csv: line 4: price: expected USD above 0, found 50 EUR",
        "b.csv: line 5: quantity: expected coins of BTC, found 'ETH'; write coins, or a notional in USD",
        "b.csv: line 6: quantity: expected coins of BTC, found 'Cont'; write coins, or a notional in USD",
        "b.csv: line 9: quantity: PEPE is not the unit of 1000PEPEUSDT, whose price may be of several coins; write a notional in USD",
        "b.csv: line 11: quantity: expected coins of BTC, found '%'; write coins, or a notional in USD",
    )
    assert "b.csv: quantity in USDT read as the notional" in book.notes
    (line,) = errors_of(csv("symbol,qty", "BTC,2"))
    assert line == "b.csv: line 2: quantity without a price; add a column price or notional"


def test_a_row_without_a_notional_uses_quantity_and_price() -> None:
    book = book_of(csv("symbol,side,notional,qty,price", "BTC,long,,2,100.5", "BTC,long,7,2,100.5"))
    assert [position.notional for position in book.positions] == [201.0, 7.0]
    assert "b.csv: notional from quantity and price" in book.notes


def test_json_of_an_exchange_is_read_by_its_fields() -> None:
    rows = [{"symbol": "BTCUSDT", "positionAmt": "-0.5", "markPrice": "61000.0", "leverage": "20"}]
    book = book_of(json.dumps(rows).encode(), "b.json")
    assert book.positions == (Position("BTC", "short", 30_500.0),)
    assert "b.json: columns not read: leverage" in book.notes


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"", "b.csv", "b.csv: no positions; add one per row: underlying, side, notional"),
        (csv("underlying,side,notional"), "b.csv", "b.csv: no positions; add one per row"),
        (
            csv("a,b,c", "1,2,3"),
            "b.csv",
            "b.csv: first line: no column for underlying and notional (or quantity and price); found 3: a, b, c; add --columns symbol=HEAD,side=HEAD,notional=HEAD",
        ),
        (csv("underlying,side,notional,notional", "BTC,long,5,5"), "b.csv", "b.csv: first line: column notional appears twice"),
        (b"underlying,side,notional\nBTC,long,\xff", "b.csv", "b.csv: byte 34 is not UTF-8"),
        (csv("underlying,side,notional", '"BTC,long,5'), "b.csv", "b.csv: line 2: unexpected end of data; correct the quotes"),
        (b"{", "b.json", "b.json: cannot read the JSON: "),
        (b'{"book": []}', "b.json", "b.json: expected a list of positions"),
        (b"[]", "b.json", "b.json: no positions; add one per row"),
        (b"[7]", "b.json", "b.json: fields: found no column heads"),
        (b'[{"underlying": "BTC", "size": 4}]', "b.json", "b.json: position 1: quantity without a price"),
        (b'[{"underlying": "BTC", "side": "long", "notional": true}]', "b.json", "b.json: position 1: notional: expected a number, found 'True'"),
        (b'[{"underlying": ["BTC"], "side": "long", "notional": 5}]', "b.json", "b.json: position 1: underlying: expected an asset"),
        (b'[{"underlying": "BTC", "side": "long", "notional": {"USD": 5}}]', "b.json", "b.json: position 1: notional: expected a number"),
        (b'[{"underlying": "BTC", "side": "long", "notional": NaN}]', "b.json", "b.json: position 1: notional: expected a number, found nan"),
        (b'[{"underlying": "B\\u202eTC", "side": "long", "notional": 5}]', "b.json", "b.json: position 1: underlying: expected an asset"),
        (b"PK nothing", "b.xlsx", "b.xlsx: cannot read the workbook"),
        (b"BTC", "b.txt", "b.txt: expected a .csv, .json or .xlsx file"),
        (b"BTC", "book", "book: expected a .csv, .json or .xlsx file"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_has_a_reason(content: bytes, name: str, message: str) -> None:
    (line,) = errors_of(content, name)
    assert line.startswith(message)


def test_the_lines_beyond_the_first_are_counted_with_their_rows() -> None:
    lines = errors_of(csv("underlying,side,notional", *["BTC,up,1"] * 23))
    assert len(lines) == 21
    assert lines[-1] == "b.csv: 3 more rows with errors: line 22, line 23, line 24"
    many = [f"b.csv: line {number}: x" for number in range(100)]
    assert limited(many, "b.csv", "notes")[-1].startswith("b.csv: 80 more notes: line 20, line 21")
    assert limited(many, "b.csv", "notes")[-1].endswith("line 39 …")


def test_no_row_of_a_book_is_lost() -> None:
    rows = [
        f"{asset},{side},{size}"
        for asset in ("BTC", "?", "")
        for side in ("long", "x")
        for size in ("5", "y")
    ]
    book: BookFile = read_book(csv("underlying,side,notional", *rows), "b.csv")
    assert len(book.rows) + len(book.errors) == len(rows)


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
        read_book(damaged, "b.xlsx")
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


def test_one_way_mode_needs_the_sign_of_a_size_that_is_read() -> None:
    rows = csv("instId,posSide,lots,notionalUsd", "BTC,net,-5,3050.12", "BTC,net,5,3050.12")
    book = book_of(rows, underlying="instId", side="posSide", notional="notionalUsd")
    assert book.positions == (Position("BTC", "long", 3050.12),)
    assert book.errors == (
        "b.csv: line 2: no side, but lots is below 0; add a column side, or --columns quantity=lots",
    )


def test_a_quantity_of_contracts_is_not_taken_for_coins() -> None:
    okx = recorded.schedules("okx")
    known = ContractNames.of(okx, AssetNames.of(["BTC", "ETH"]))
    rows = csv(
        "symbol,size,price",
        "BTC-USDT-SWAP,100,60000",
        "BTC,1,60000",
        "ETH-USDT-SWAP,2 ETH,2000",
    )
    book = resolve_book(read_book(rows, "b.csv", {}), known)
    assert [(p.underlying, p.notional) for p in book.positions] == [("BTC", 6e4), ("ETH", 4e3)]
    assert book.errors == (
        (
            "b.csv: line 2: quantity: BTC-USDT-SWAP trades in contracts, not in coins; "
            "write a notional in USD"
        ),
    )
