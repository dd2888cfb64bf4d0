"""Positions from CSV, and errors with their place."""

import pytest

from harmonize.stress.errors import StressInputError
from harmonize.stress.position_file import read_positions
from harmonize.stress.positions import NO_ACCOUNT, build_positions, signs

HEAD = "venue,underlying,side,notional,margin\n"
ROW = "okx,BTC,long,1000,100\n"


def test_rows_become_columns() -> None:
    text = (
        "Side, venue,underlying,notional,margin,account\n"
        "long,okx,btc,1e6,5e4,me\n\nSHORT,binance,ETH,2000,100.5,\nlong,okx,ETH,1,1,me\n"
    )
    found = read_positions(text, "p.csv")
    assert found.venues == ("binance", "okx")
    assert found.underlyings == ("BTC", "ETH")
    assert found.venue.tolist() == [1, 0, 1]
    assert found.underlying.tolist() == [0, 1, 1]
    assert found.side.tolist() == [1.0, -1.0, 1.0]
    assert found.notional.tolist() == [1e6, 2000.0, 1.0]
    assert found.margin.tolist() == [5e4, 100.5, 1.0]
    assert found.account[0] == found.account[2] != NO_ACCOUNT
    assert found.account[1] == NO_ACCOUNT
    assert found.account_names[found.account[0]] == "me"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "p.csv:1: missing column venue, underlying, side, notional, margin; add it"),
        (HEAD, "p.csv:1: no positions; add one per row"),
        ("venue,size\n", "p.csv:1: unknown column 'size'; use venue, underlying"),
        ("venue,venue\n", "p.csv:1: column venue is there twice; remove one"),
        ("venue,side,notional,margin\n", "p.csv:1: missing column underlying; add it"),
        (
            HEAD + ROW + "okx,BTC,long,1,000,5\n",
            "p.csv:3: expected 5 cells, found 6; write amounts",
        ),
        (HEAD + "\n" + ROW.replace("okx", ""), "p.csv:3: venue: expected a name, found ''"),
        (HEAD + ROW.replace("long", "buy"), "p.csv:2: side: expected long or short, found 'buy'"),
        (HEAD + ROW.replace(",100\n", ",-1\n"), "p.csv:2: margin: expected a number above 0"),
        (HEAD + ROW.replace("1000", "nan"), "p.csv:2: notional: expected a number, found"),
        (HEAD + ROW.replace("1000", "\uff11000"), "p.csv:2: notional: expected a number, found"),
        (HEAD + ROW.replace("1000", "inf"), "p.csv:2: notional: expected a number, found"),
        (HEAD + ROW.replace("1000", "1e999"), "p.csv:2: notional: expected a number above 0"),
        (HEAD + ROW.replace("1000", "many"), "p.csv:2: notional: expected a number, found"),
    ],
)
def test_errors_state_place_problem_and_fix(text: str, message: str) -> None:
    with pytest.raises(StressInputError) as error:
        read_positions(text, "p.csv")
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"notional": [1.0, 0.0]},
            "position 2: notional: expected a finite number above 0, found 0",
        ),
        ({"margin": [float("nan"), 1.0]}, "position 1: margin: expected a finite number above 0"),
        ({"side": [1.0, 2.0]}, "position 2: side: expected 1 for a long, −1 for a short, found 2"),
        ({"venue": [0, 1]}, "position 2: venue: expected an index below 1, found 1"),
        ({"venue": [0, 0, 0]}, "side: expected 3 values, one per position, found 2"),
    ],
)
def test_columns_are_checked(columns: dict[str, list[float]], message: str) -> None:
    with pytest.raises(StressInputError) as error:
        build_positions(
            ["a"],
            columns.get("venue", [0, 0]),
            columns.get("side", [1.0, -1.0]),
            columns.get("notional", [1.0, 1.0]),
            columns.get("margin", [1.0, 1.0]),
        )
    assert str(error.value).startswith(message)


def test_sides_are_two_words() -> None:
    assert signs(["long", "short"]).tolist() == [1.0, -1.0]
    with pytest.raises(StressInputError, match="position 2: side: expected long or short"):
        signs(["long", "sell"])


def test_positions_cannot_be_changed() -> None:
    found = build_positions(["a"], 0, 1.0, [1.0, 2.0], 1.0)
    with pytest.raises(ValueError, match="read-only"):
        found.notional[0] = 5.0
    assert found.subset(found.notional > 1.0).notional.tolist() == [2.0]


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        ('"1,000,000"', 1e6),
        ("1m", 1e6),
        ("50k", 5e4),
        ("$2.5k", 2500.0),
        ("10_000.50", 10000.5),
        ("1000 USD", 1000.0),
        ("250k USDT", 2.5e5),
        ("1.5bn", 1.5e9),
        ("1'000.50", 1000.5),
        ('"1,5"', 1.5),
        ("1.000.000", 1e6),
        ("12.3456", 12.3456),
    ],
)
def test_an_amount_is_read_as_in_a_portfolio(cell: str, amount: float) -> None:
    found = read_positions(f"{HEAD}okx,BTC,long,{cell},{cell}\n", "p.csv")
    assert (found.notional.tolist(), found.margin.tolist()) == ([amount], [amount])


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("100.000", "100.000: 100 or 100,000? write 100000 or 100.0"),
        ('"1,000"', "1,000: 1 or 1,000? write 1000 or 1.0"),
        ("100.000k", "100.000: 100 or 100,000? write 100000 or 100.0, followed by k"),
        ("5 EUR", "expected USD, found 'EUR'; convert it"),
        ("0k", "expected a number above 0, in USD, found '0k'"),
        ("-1", "expected a number above 0, in USD, found '-1'"),
        ("many", "expected a number, found 'many'; write digits, such as 250000"),
    ],
)
def test_an_amount_with_two_readings_or_none_is_refused(cell: str, problem: str) -> None:
    with pytest.raises(StressInputError) as error:
        read_positions(f"{HEAD}okx,BTC,long,5,5\nokx,BTC,long,{cell},5\n", "p.csv")
    assert str(error.value) == f"p.csv:3: notional: {problem}"


def test_another_number_of_the_file_settles_the_decimal_mark() -> None:
    found = read_positions(f"{HEAD}okx,BTC,long,100.000,1.234.567\n", "p.csv")
    assert (found.notional.tolist(), found.margin.tolist()) == ([1e5], [1234567.0])


def test_an_unknown_venue_has_its_line() -> None:
    with pytest.raises(
        StressInputError, match=r"^p.csv:3: venue: unknown venue okkx; did you mean"
    ):
        read_positions(HEAD + ROW + ROW.replace("okx", "okkx"), "p.csv", ("okx", "binance"))
    assert read_positions(HEAD + ROW.replace("okx", "own"), "p.csv").venues == ("own",)
