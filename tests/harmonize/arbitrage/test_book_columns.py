"""Columns of a book: usual heads, a user's mapping, and the line for heads of no meaning."""

import pytest

from harmonize.arbitrage.book_columns import (
    ColumnsError,
    find_columns,
    heads_text,
    is_entry_price,
    parse_mapping,
    unused_heads,
)


def heads_by_key(*heads: str, **mapping: str) -> dict[str, str]:
    return {key: column.head for key, column in find_columns(heads, mapping).items()}


@pytest.mark.parametrize(
    ("heads", "expected"),
    [
        (
            ("underlying", "side", "notional"),
            {"underlying": "underlying", "side": "side", "notional": "notional"},
        ),
        (
            ("SYMBOL", "Position Side", "Notional (USDT)"),
            {"underlying": "SYMBOL", "side": "Position Side", "notional": "Notional (USDT)"},
        ),
        (
            ("Symbol", "Size", "Entry Price", "Mark Price", "Margin"),
            {"underlying": "Symbol", "quantity": "Size", "price": "Mark Price"},
        ),
        (
            ("instId", "posSide", "notionalUsd", "markPx"),
            {
                "underlying": "instId",
                "side": "posSide",
                "notional": "notionalUsd",
                "price": "markPx",
            },
        ),
        (
            ("Coin", "Size (USDT)", "entry_price"),
            {"underlying": "Coin", "notional": "Size (USDT)", "price": "entry_price"},
        ),
        (
            ("symbol", "asset", "value", "qty"),
            {"underlying": "symbol", "notional": "value", "quantity": "qty"},
        ),
    ],
)
def test_usual_heads_are_recognized(heads: tuple[str, ...], expected: dict[str, str]) -> None:
    assert heads_by_key(*heads) == expected


def test_a_mapping_takes_precedence_and_its_amount_is_the_only_one() -> None:
    heads = ("Market", "Way", "Value", "Size", "Mark Price")
    assert heads_by_key(*heads, side="way", quantity="Size", price="MARK PRICE") == {
        "underlying": "Market",
        "side": "Way",
        "quantity": "Size",
        "price": "Mark Price",
    }
    assert heads_by_key(*heads, side="Way", notional="Value") == {
        "underlying": "Market",
        "side": "Way",
        "notional": "Value",
        "quantity": "Size",
        "price": "Mark Price",
    }
    columns = find_columns(heads, {"quantity": "Size"})
    assert unused_heads(heads, columns) == ("Way", "Value")


def test_a_price_at_entry_is_the_last_choice() -> None:
    columns = find_columns(("symbol", "qty", "Entry Price"), {})
    assert is_entry_price(columns["price"])
    columns = find_columns(("symbol", "qty", "Avg Entry Price", "Last Price"), {})
    assert columns["price"].head == "Last Price"


@pytest.mark.parametrize(
    ("heads", "mapping", "message"),
    [
        ((), {}, "found no column heads; add a first line: underlying,side,notional"),
        (("", ""), {}, "found no column heads; add a first line: underlying,side,notional"),
        (
            ("Ticket", "Symbol", "Gewinn, USD"),
            {},
            "no column for notional (or quantity and price); found 3: Ticket, Symbol, Gewinn, USD; add --columns symbol=Symbol,side=HEAD,notional=HEAD",
        ),
        (
            ("a", "b"),
            {},
            "no column for underlying and notional (or quantity and price); found 2: a, b; add --columns symbol=HEAD,side=HEAD,notional=HEAD",
        ),
        (("symbol", "value (BTC)"), {}, "no column for notional (or quantity and price)"),
        (("symbol", "qty", "size"), {}, "columns qty and size can both be the quantity; add --columns quantity=qty"),
        (("symbol", "notional", "notional"), {}, "column notional appears twice"),
        (("symbol", "value"), {"side": "Way"}, "no column 'Way' for side; found: symbol, value"),
        (("symbol", "v", "v"), {"notional": "v"}, "2 columns 'v' for notional; found: symbol, v, v"),
    ],
)  # fmt: skip
def test_heads_that_are_not_understood_are_listed_with_the_option(
    heads: tuple[str, ...], mapping: dict[str, str], message: str
) -> None:
    with pytest.raises(ColumnsError) as raised:
        find_columns(heads, mapping)
    assert str(raised.value).startswith(message)


def test_a_long_list_of_heads_ends_at_a_head_with_the_count() -> None:
    heads = [f"Column number {number}" for number in range(100)]
    text = heads_text(heads)
    assert text.startswith("Column number 0, Column number 1, ")
    assert text.endswith("Column number 21 and 78 more")
    assert heads_text(["x" * 9000]) == "x" * 400


@pytest.mark.parametrize(
    ("texts", "mapping"),
    [
        (
            ["symbol=Symbol,side=Side,notional=Value"],
            {"underlying": "Symbol", "side": "Side", "notional": "Value"},
        ),
        (
            ['symbol=Symbol,quantity=Size,price="Mark Price"'],
            {"underlying": "Symbol", "quantity": "Size", "price": "Mark Price"},
        ),
        (
            ["price='Price, USD'", "Underlying = Coin"],
            {"price": "Price, USD", "underlying": "Coin"},
        ),
        (["price=Mark Price"], {"price": "Mark Price"}),
        ([], {}),
    ],
)
def test_a_mapping_is_read(texts: list[str], mapping: dict[str, str]) -> None:
    assert parse_mapping(texts) == mapping


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["Symbol"], "expected KEY=HEAD,KEY=HEAD, found 'Symbol'"),
        (
            ["venue=Exchange"],
            "expected keys underlying, side, notional, quantity, price (or symbol)",
        ),
        (["side="], "expected keys underlying"),
        (["symbol=A,underlying=B"], "underlying is mapped twice, to A and B; remove one"),
        (["side=A", "side=B"], "side is mapped twice, to A and B; remove one"),
        ([",,"], "expected KEY=HEAD"),
    ],
)
def test_a_mistake_in_a_mapping_is_one_line(texts: list[str], message: str) -> None:
    with pytest.raises(ColumnsError) as raised:
        parse_mapping(texts)
    assert str(raised.value).startswith(message)
