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
        (HEAD + ROW.replace("1000", "nan"), "p.csv:2: notional: expected a number above 0"),
        (HEAD + ROW.replace("1000", "1_000"), "p.csv:2: notional: expected a number above 0"),
        (HEAD + ROW.replace("1000", "\uff11000"), "p.csv:2: notional: expected a number above 0"),
        (HEAD + ROW.replace("1000", "inf"), "p.csv:2: notional: expected a number above 0"),
        (HEAD + ROW.replace("1000", "many"), "p.csv:2: notional: expected a number above 0"),
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
    ("cell", "fix"),
    [
        ('"1,000,000"', "; write 1000000"),
        ("1m", "; write 1000000"),
        ("$2.5k", "; write 2500"),
        ("10_000.50", "; write 10000.5"),
        ("1000 USD", "; write 1000"),
        ("1.5bn", "; write 1500000000"),
        ('"1,5"', ""),
        ("1.000.000", ""),
        ("0k", ""),
        ("-1", ""),
        ("many", ""),
    ],
)
def test_an_amount_as_people_write_it_is_refused_with_the_number(cell: str, fix: str) -> None:
    with pytest.raises(StressInputError) as error:
        read_positions(f"{HEAD}okx,BTC,long,{cell},5\n", "p.csv")
    found = cell.strip('"')
    message = f"p.csv:2: notional: expected a number above 0, in USD, found {found!r}{fix}"
    assert str(error.value) == message


def test_an_unknown_venue_has_its_line() -> None:
    with pytest.raises(
        StressInputError, match=r"^p.csv:3: venue: unknown venue okkx; did you mean"
    ):
        read_positions(HEAD + ROW + ROW.replace("okx", "okkx"), "p.csv", ("okx", "binance"))
    assert read_positions(HEAD + ROW.replace("okx", "own"), "p.csv").venues == ("own",)
