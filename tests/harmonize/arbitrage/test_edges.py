"""Splits, gaps and books at their edges: ends of tiers, bounds of files, heads with units."""

from dataclasses import replace

import pytest

from harmonize.arbitrage import book_tables
from harmonize.arbitrage.accounts import SplitConstraints, as_whole
from harmonize.arbitrage.book_columns import find_columns, recognized_count
from harmonize.arbitrage.book_names import ContractNames, read_name
from harmonize.arbitrage.book_numbers import AmountError, parse_amount
from harmonize.arbitrage.book_tables import TableError, read_table
from harmonize.arbitrage.gap import arbitrage
from harmonize.arbitrage.pair import Legs, compare_pair
from harmonize.arbitrage.portfolio import UnderlyingOffers, portfolio_margins
from harmonize.arbitrage.position_file import Position, PositionsError, limited, read_book
from harmonize.arbitrage.split import split
from harmonize.arbitrage.what_if import apply_what_if, parse_what_if
from harmonize.core.instrument import AssetNames
from harmonize.core.venue_conventions import OffsetRule
from tests.harmonize.arbitrage.test_book_tables import workbook
from tests.support.offers import flat

FALLING = flat([1000.0, 5000.0], [0.2, 0.1])
BOOK = b"symbol,side,notional\nBTC,long,5\n"


def cost(notional: float, min_position: float = 0.0) -> float | None:
    found = split([replace(FALLING, min_position=min_position)], notional)
    return None if found is None else found.cost


def test_a_position_at_a_bound_has_the_margin_of_the_tier_below() -> None:
    assert cost(1000.0) == pytest.approx(200.0)
    assert cost(1001.0) == pytest.approx(100.1)


def test_a_smallest_position_above_a_tier_leaves_the_tiers_above() -> None:
    assert cost(1500.0, 2000.0) is None
    assert cost(2000.0, 2000.0) == pytest.approx(200.0)
    assert cost(3000.0, 2000.0) == pytest.approx(300.0)
    assert cost(1000.0, 1000.0) == pytest.approx(200.0)


def test_a_position_beyond_the_reference_has_no_gap() -> None:
    offers = {"a": flat([1000.0], [0.1]), "b": flat([1000.0], [0.2])}
    beyond = arbitrage(offers, 1500.0, reference=((0.0, 1000.0, 0.0, 0.5, 0.0, 2.0),))
    assert beyond is not None
    assert beyond.reference is None
    assert (beyond.fragmentation, beyond.gap) == (None, None)
    unreferenced = arbitrage(offers, 1500.0)
    assert unreferenced is not None
    assert (unreferenced.fragmentation, unreferenced.divergence, unreferenced.gap) == (None,) * 3


def test_a_what_if_without_a_reference_has_no_gap() -> None:
    change = parse_what_if("leverage=4", ("a",))
    offers = {"a": flat([5000.0], [0.1])}
    row = apply_what_if(change, offers, [1000.0], SplitConstraints(), None)
    (point,) = row.points
    assert (point.split, point.changed, point.single) == pytest.approx((100.0, 250.0, 250.0))
    assert point.gap is None


def test_reasons_for_a_missing_sum_name_what_is_missing_alone() -> None:
    own = {"a": flat([9000.0], [0.1]), "b": flat([9000.0], [0.1])}
    tables = {"BTC": UnderlyingOffers(own, own, {"a": own["a"]}, {"a": own["a"]})}
    result = portfolio_margins([Position("BTC", "long", 500.0)], tables, {}, None, "baseline")
    reasons = {row.venue: row.reasons for row in result.venues}
    assert reasons == {
        "a": (),
        "b": ("no comparable isolated IM on BTC", "no comparable isolated MM on BTC"),
    }
    only_a = {"a": own["a"]}
    two = {
        "BTC": UnderlyingOffers(own, own, own, own),
        "ETH": UnderlyingOffers(only_a, only_a, only_a, only_a),
    }
    positions = [Position("BTC", "long", 500.0), Position("ETH", "long", 500.0)]
    result = portfolio_margins(positions, two, {}, None, "baseline")
    assert {row.venue: row.reasons for row in result.venues} == {
        "a": (),
        "b": ("no comparable IM on ETH", "no comparable MM on ETH"),
    }


def test_a_file_of_exactly_the_largest_size_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_tables, "MAX_BYTES", len(BOOK))
    assert len(read_table(BOOK, "csv", {}).rows) == 1
    with pytest.raises(TableError, match="larger than 32 bytes; split the file"):
        read_table(BOOK + b"\n", "csv", {})


def test_a_workbook_of_exactly_the_largest_number_of_parts_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = workbook([["symbol", "side", "notional"], ["BTC", "long", 5]])
    parts = content.count(b"PK\x01\x02")  # one entry of the directory per part
    monkeypatch.setattr(book_tables, "_MAX_PARTS", parts)
    assert len(read_table(content, "xlsx", {}).rows) == 1
    monkeypatch.setattr(book_tables, "_MAX_PARTS", parts - 1)
    with pytest.raises(TableError, match=f"in {parts} parts, at most"):
        read_table(content, "xlsx", {})


def test_json_has_a_largest_number_of_fields_and_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    two = b'[{"symbol": "BTC", "notional": 5}, {"symbol": "ETH", "notional": 6}]'
    monkeypatch.setattr(book_tables, "_MAX_COLUMNS", 2)
    monkeypatch.setattr(book_tables, "MAX_ROWS", 2)
    assert len(read_table(two, "json", {}).rows) == 2
    assert len(read_table(b"symbol\nA\nB\n", "csv", {}).rows) == 2
    with pytest.raises(TableError, match="more than 2 rows; split the file"):
        read_table(b"symbol\nA\nB\nC\n", "csv", {})
    with pytest.raises(TableError, match="more than 2 rows; split the file"):
        read_table(two[:-1] + b", {}]", "json", {})
    with pytest.raises(TableError, match="more than 2 different fields; use one name per column"):
        read_table(two[:-2] + b', "x": 1}]', "json", {})


def test_all_lines_up_to_the_largest_number_are_printed() -> None:
    lines = [f"b.csv: line {number}: x" for number in range(22)]
    assert limited(lines[:20], "b.csv") == lines[:20]
    assert limited(lines[:21], "b.csv") == [
        *lines[:20],
        "b.csv: 1 more rows with errors: line 20",
    ]


@pytest.mark.parametrize(
    ("heads", "mapping", "count"),
    [
        (("symbol", "side", "x"), {}, 2),
        (("Thing", "Worth", "side"), {"underlying": "thing", "notional": "WORTH"}, 3),
        (("Thing", "Worth"), {}, 0),
        (("Mark Price", "Entry Price"), {}, 2),
    ],
)
def test_heads_count_that_the_user_or_a_usual_book_names(
    heads: tuple[str, ...], mapping: dict[str, str], count: int
) -> None:
    assert recognized_count(heads, mapping) == count


def test_the_heads_of_the_user_tell_the_separator() -> None:
    content = b"Thing;Worth;A note, with, more, commas\nBTC;5;x\n"
    mapping = {"underlying": "Thing", "notional": "Worth"}
    book = read_book(content, "b.csv", mapping)
    assert [(row.asset, row.notional) for row in book.rows] == [("BTC", 5.0)]


@pytest.mark.parametrize(
    ("heads", "key", "index", "unit"),
    [
        (("Symbol (USD)", "Notional"), "underlying", 0, "USD"),
        (("Symbol", "Size (BTC)", "Mark Price"), "quantity", 1, "BTC"),
        (("Symbol", "Size (USDT)"), "notional", 1, "USDT"),
        (("Symbol", "Value (USDT)"), "notional", 1, "USDT"),
        (("Symbol", "Size", "Price (EUR)", "Last Price (USD)"), "price", 3, "USD"),
    ],
)
def test_the_unit_of_a_head_decides_only_about_amounts(
    heads: tuple[str, ...], key: str, index: int, unit: str
) -> None:
    column = find_columns(heads, {})[key]
    assert (column.index, column.unit) == (index, unit)


@pytest.mark.parametrize("text", ["$5 BTC", "USDT 5 BTC", "5 BTC USDT"])
def test_an_amount_in_two_units_is_refused(text: str) -> None:
    with pytest.raises(AmountError, match="expected a number, found"):
        parse_amount(text)


@pytest.mark.parametrize(
    ("notional", "rate"),
    [(500.0, 0.1), (1000.0, 0.1), (1500.0, 0.2), (4000.0, 0.4), (8000.0, 0.4)],
)
def test_an_account_that_is_one_with_the_position_has_its_rate(
    notional: float, rate: float
) -> None:
    three = as_whole(flat([1000.0, 2000.0, 5000.0], [0.1, 0.2, 0.4]), notional)
    assert three.pieces == ((0.0, 5000.0, 0.0, rate, 0.0, 2.0),)
    one = as_whole(flat([5000.0], [rate]), notional)
    assert one.pieces == ((0.0, 5000.0, 0.0, rate, 0.0, 2.0),)


def test_a_coin_settled_contract_is_its_coin_whether_or_not_others_are_quoted_in_it() -> None:
    known = ContractNames.of((), AssetNames.of(("ETH", "PEPE")))
    for name in ("ETH/USD:ETH", "PEPE/USD:PEPE"):
        assert read_name(name, known).underlying.asset == name.partition("/")[0]


def test_a_sign_counts_however_small_the_amount_is() -> None:
    with pytest.raises(PositionsError) as contradicted:
        read_book(b"symbol,side,notional\nBTC,long,-0.5\n", "b.csv")
    assert "but an amount below 0" in contradicted.value.lines[0]
    with pytest.raises(PositionsError) as hidden:
        read_book(b"symbol,notional,delta\nBTC,5,-0.5\n", "b.csv")
    assert "no column side, but delta is below 0" in hidden.value.lines[0]
    (short,) = read_book(b"symbol,notional\nBTC,-0.5\n", "b.csv").rows
    assert (short.side, short.notional) == ("short", 0.5)


@pytest.mark.parametrize("longer", ["long", "short"])
def test_a_size_that_one_leg_does_not_take_has_no_total(longer: str) -> None:
    small, large = flat([1000.0], [0.1]), flat([9000.0], [0.1])
    long, short = (large, small) if longer == "long" else (small, large)
    result = compare_pair(Legs(long, short, large, OffsetRule.LARGER), [500.0, 2000.0], 0.1)
    within, beyond = result.points
    assert (within.total, within.break_even) == pytest.approx((100.0, 0.02))
    assert (beyond.total, beyond.break_even) == (None, None)
    assert {beyond.long, beyond.short} == {None, 200.0}
    assert result.compared == 1000.0
