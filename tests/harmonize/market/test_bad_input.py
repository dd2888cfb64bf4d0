import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from harmonize.core.yaml_source import YamlSourceError
from harmonize.market import file_table, quality, series_table
from harmonize.market.candle_file import CandleError, read_candles
from harmonize.market.prices import PriceSeries
from harmonize.market.returns import excursions
from tests.harmonize.market.small import START, entry
from venues import registry

HEADER = "open_time,open,high,low,close,volume"


def rows(count: int = 40) -> list[str]:
    """Sound candles, one per day from 2024-01-01 on."""
    return [
        f"{START // 1000 + day * 86_400_000},{100 + day},{102 + day},{99 + day},{101 + day},5"
        for day in range(count)
    ]


def read(folder: Path, lines: list[str], header: str = HEADER) -> list[PriceSeries]:
    path = folder / "a.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return quality.all_series(read_candles(path, "a.csv"), entry())


def replaced(row: int, column: int, text: str) -> list[str]:
    lines = rows()
    fields = lines[row - 1].split(",")
    fields[column] = text
    lines[row - 1] = ",".join(fields)
    return lines


def test_sound_candles_are_read_whole(tmp_path: Path) -> None:
    (series,) = read(tmp_path, rows())
    assert (series.times.size, series.times[0]) == (40, START)
    assert (series.close[-1], series.defects, series.sources) == (140.0, (), ("a.csv",))
    with pytest.raises(ValueError, match="read-only"):
        series.close[0] = 1.0


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            replaced(7, 4, "nan"),
            "a.csv: row 7: close: expected a price above 0, found nan; correct or remove the row",
        ),
        (
            replaced(7, 4, ""),
            "a.csv: row 7: close: expected a price above 0, found nan; correct or remove the row",
        ),
        (
            replaced(3, 3, "0"),
            "a.csv: row 3: low: expected a price above 0, found 0; correct or remove the row",
        ),
        (
            replaced(3, 1, "-5"),
            "a.csv: row 3: open: expected a price above 0, found -5; correct or remove the row",
        ),
        (
            replaced(3, 2, "inf"),
            "a.csv: row 3: high: expected a price above 0, found inf; correct or remove the row",
        ),
        (
            replaced(3, 5, "-1"),
            "a.csv: row 3: volume: expected at least 0, found -1; correct or remove the row",
        ),
        (
            replaced(3, 5, "inf"),
            "a.csv: row 3: volume: expected a finite amount, found inf; correct or remove the row",
        ),
        (
            replaced(3, 2, "104000"),
            (
                "a.csv: row 3: high 104000 beside 102 and 103, the prices before and at its close: "
                "more than a factor of 10; correct or remove the row"
            ),
        ),
        (
            replaced(1, 3, "0.099"),
            (
                "a.csv: row 1: low 0.099 beside 100 and 101, the prices before and at its close: "
                "more than a factor of 10; correct or remove the row"
            ),
        ),
        (replaced(2, 0, ""), "a.csv: row 2: expected a time, found none; add it or remove the row"),
        (
            replaced(2, 0, "--5"),
            "a.csv: row 2: expected a time such as 2024-01-01T00:00:00+00:00, found '--5'; correct it",
        ),
        (
            replaced(2, 0, "1969-12-31T00:00:00+00:00"),
            "a.csv: row 2: expected a time from 1970 to 9998, found another; correct the unit of the times",
        ),
        (
            [line.replace("00000,", "00001,", 1) for line in rows()],
            (
                "a.csv: row 1: 2024-01-01T00:00:00.001000+00:00 is no opening of a 1d candle in UTC, nor is "
                "any other time; use 1d candles that open at whole intervals in UTC"
            ),
        ),
        (
            replaced(3, 4, "150"),
            "a.csv: row 3: close 150 is not between low 101 and high 104; correct or remove the row",
        ),
        (replaced(3, 4, "12x"), "a.csv: row 3: close: expected a number, found '12x'; correct it"),
        (
            [*rows(5), rows()[3]],
            "a.csv: row 6: 2024-01-04T00:00:00+00:00 is earlier than the row before; sort the rows by time",
        ),
        (
            [*rows(5), rows()[4], *rows()[5:]],
            "a.csv: row 6: 2024-01-05T00:00:00+00:00 appears twice; remove one of the rows",
        ),
        (
            replaced(2, 0, "2024-01-02T00:00:00"),
            "a.csv: row 2: expected a time zone, found none in 2024-01-02T00:00:00; add +00:00 for UTC",
        ),
        (
            replaced(2, 0, "yesterday"),
            "a.csv: row 2: expected a time such as 2024-01-01T00:00:00+00:00, found 'yesterday'; correct it",
        ),
        (
            replaced(2, 0, "12"),
            "a.csv: row 2: expected a time since 1970 in seconds or milliseconds, found 12; convert it",
        ),
        ([rows()[0][:-2]], "a.csv: row 1: expected 6 fields, found 5; complete the row"),
        ([], "a.csv: has no candles; copy it again"),
    ],
)
def test_a_bad_row_is_one_line_with_file_row_and_fix(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    with pytest.raises(CandleError) as caught:
        read(tmp_path, lines)
    assert str(caught.value) == message


def test_a_high_of_spot_is_no_error_and_a_confirmed_low_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n".join([HEADER, *replaced(5, 3, "0.1")]) + "\n")
    assert quality.all_series(read_candles(path, "a.csv"), entry(kind="spot"))[0].low is None
    text = """
      - symbols: [BTCUSDT]
        at: "2024-01-05T00:00:00+00:00"
        confirmed: [low]
        source: a crash"""
    (series,) = quality.all_series(read_candles(path, "a.csv"), entry(text))
    assert series.low is not None
    assert (series.low[4], series.defects) == (0.1, ())


def test_a_fall_beside_its_own_prices_is_no_error(tmp_path: Path) -> None:
    # The coin loses 85 % of 105 within a day that closes low, and rises within the day after.
    lines = rows(5)
    day = START // 1000 + 86_400_000 * 5
    lines += [f"{day},105,106,15,16,5", f"{day + 86_400_000},16,100,15,90,5"]
    assert read(tmp_path, lines)[0].times.size == 7


@pytest.mark.parametrize(
    ("table", "now", "row"),
    [
        ("finished", datetime(2024, 2, 8, 23, tzinfo=UTC), 40),
        ("finished", datetime(2024, 2, 9, 23, 59, tzinfo=UTC), 40),
        ("finished", datetime(2024, 2, 10, tzinfo=UTC), None),
        ("unfinished", datetime(2024, 2, 9, 23, 59, tzinfo=UTC), None),
        ("unfinished", datetime(2024, 2, 8, 23, 59, tzinfo=UTC), 40),
    ],
)
def test_a_candle_of_the_future_is_refused(
    tmp_path: Path, table: str, now: datetime, row: int | None
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n".join([HEADER, *rows()]) + "\n")  # the last one opens on 2024-02-09
    (candles,) = read_candles(path, "a.csv")
    own = replace(entry(), last_is_finished=table == "finished")
    if row is None:
        quality.check_closed(candles, own, now)
        return
    with pytest.raises(CandleError, match=f"row {row}: .* had not closed at the import, 2024-02-0"):
        quality.check_closed(candles, own, now)


def test_a_tenfold_jump_names_the_row_after_it(tmp_path: Path) -> None:
    lines = rows(3)
    lines.append(f"{START // 1000 + 3 * 86_400_000},2000,2100,1900,2000,5")
    with pytest.raises(CandleError) as caught:
        read(tmp_path, lines)
    assert str(caught.value) == (
        "a.csv: row 4: close 2000 after 103: more than a factor of 10; "
        "split the file where the unit or the coin changes"
    )
    lines[-1] = lines[-1].replace(
        str(START // 1000 + 3 * 86_400_000), str(START // 1000 + 9 * 86_400_000)
    )
    assert read(tmp_path, lines)[0].times.size == 4  # after a gap no return spans the jump


def test_constant_closes_are_no_prices(tmp_path: Path) -> None:
    lines = [f"{START // 1000 + day * 86_400_000},5,5,5,5,1" for day in range(30)]
    with pytest.raises(CandleError, match=r"a\.csv: all 30 closes are 5; use a series of traded"):
        read(tmp_path, lines)
    assert read(tmp_path, lines[:29])[0].times.size == 29


def test_columns_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(CandleError) as caught:
        read(tmp_path, rows(), HEADER.replace("low", "floor"))
    assert str(caught.value) == "a.csv: missing columns: low or l; add them"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"x", "a.txt: expected a CSV, Parquet or JSON file, found .txt; convert it"),
        ("a.parquet", b"x", "a.parquet: is not a Parquet file"),
        ("a.json", b"[", "a.json: is not JSON"),
        ("a.json", b"{}", "a.json: expected a list of candles; export it again"),
        ("a.json", b"[[1,2]]", "a.json: row 1: expected 6 fields like the first candle"),
        ("a.csv", b"\xff\xfe", "a.csv: cannot be read: 'utf-8' codec"),
    ],
)
def test_a_file_of_another_kind_is_refused(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CandleError, match=message.replace("[", r"\[")) as caught:
        read_candles(tmp_path / name, name)
    assert "\n" not in str(caught.value)


def test_candles_of_ccxt_and_of_objects_are_the_same(tmp_path: Path) -> None:
    lists: list[list[float]] = [
        [START // 1000, 1.5, 2.5, 1.0, 2.0, 7.0],
        [START // 1000 + 86_400_000, 2, 2, 1, 1, 0],
    ]
    names = ("timestamp", "open", "high", "low", "close", "volume")
    objects = [dict(zip(names, row, strict=True)) for row in lists]
    read_twice = []
    for document in (json.dumps(lists), json.dumps(objects)):
        path = tmp_path / "a.json"
        path.write_text(document)
        (candles,) = read_candles(path, "a.json")
        read_twice.append(candles)
        assert candles.times.tolist() == [START, START + 86_400_000_000]
        assert candles.numbers["close"].tolist() == [2.0, 1.0]
    assert read_twice[0].rows.tolist() == [1, 2]


def test_seconds_milliseconds_and_texts_are_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    times = (str(START // 1000), str(START // 1_000_000), "2024-01-01T01:00:00+01:00")
    for time in times:
        path.write_text(f"{HEADER}\n{time},1,1,1,1,1\n")
        assert read_candles(path, "a.csv")[0].times.tolist() == [START]


def test_a_parquet_time_without_a_zone_is_refused(tmp_path: Path) -> None:
    for zone in (None, "UTC"):
        columns = {name: [1.0] for name in ("open", "high", "low", "close")}
        times = pa.array([START], pa.timestamp("us", zone))
        path = tmp_path / "a.parquet"
        parquet.write_table(pa.table({"time": times, **columns}), path)
        if zone is None:
            with pytest.raises(CandleError, match="expected a time zone, found none in the column"):
                read_candles(path, "a.parquet")
        else:
            assert read_candles(path, "a.parquet")[0].times.tolist() == [START]


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("time", pa.array([START, None], pa.timestamp("us", "UTC")), "row 2: expected a time, found none"),
        ("time", pa.array([START // 1000, None]), "row 2: expected a time, found none"),
        ("time", pa.array([2**62, 0], pa.timestamp("us", "UTC")), "row 1: expected a time from 1970 to 9998"),
        ("close", ["1", "a lot"], "row 2: close: expected a number, found 'a lot'; correct it"),
        ("close", [True, False], "row 1: close: expected a number, found 'True'; correct it"),
        ("close", [[1.0], [1.0]], "row 1: close: expected a number, found '[1.0]'; correct it"),
        ("symbol", ["BTC", None], "row 2: symbol: expected a name, found none; add it"),
        ("venue", ["okx", ""], "row 2: venue: expected a name, found none; add it"),
    ],
)  # fmt: skip
def test_a_bad_value_of_a_parquet_column_is_one_line(
    tmp_path: Path, name: str, values: object, message: str
) -> None:
    day = pa.array([START, START + 86_400_000_000], pa.timestamp("us", "UTC"))
    columns = {"time": day, **{key: [1.0, 1.0] for key in ("open", "high", "low", "close")}}
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({**columns, name: values}), path)
    with pytest.raises(CandleError) as caught:
        read_candles(path, "a.parquet")
    assert str(caught.value).startswith(f"a.parquet: {message}")


def test_numbers_of_other_types_are_read_and_missing_prices_are_not(tmp_path: Path) -> None:
    columns = {key: pa.array([1, 2], pa.int64()) for key in ("open", "low")}
    columns |= {"high": pa.array([Decimal("2.5"), None]), "close": pa.array(["1.5", "2"])}
    times = pa.array([START, START + 1], pa.timestamp("us", "UTC"))
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"time": times, **columns}), path)
    (candles,) = read_candles(path, "a.parquet")
    assert candles.numbers["close"].tolist() == [1.5, 2.0]
    assert candles.numbers["low"].tolist() == [1.0, 2.0]
    assert np.isnan(candles.numbers["high"]).tolist() == [False, True]


def test_a_column_that_appears_twice_is_refused(tmp_path: Path) -> None:
    message = "the column close appears twice; remove one"
    with pytest.raises(CandleError, match=message):
        read(tmp_path, rows(), HEADER.replace("volume", "close"))
    table = pa.table([[1.0]] * 5, names=["open", "high", "low", "close", "close"])
    table = table.append_column("time", pa.array([START], pa.timestamp("us", "UTC")))
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(CandleError, match=message):
        read_candles(tmp_path / "a.parquet", "a.parquet")


def test_a_json_value_of_another_type_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for column, value, message in (
        (4, [1], "row 1: close: expected a number, found '[1]'"),
        (0, None, "row 1: expected a time, found none"),
    ):
        candle: list[object] = [START // 1000, 1, 1, 1, 1, 1]
        candle[column] = value
        path.write_text(json.dumps([candle]))
        with pytest.raises(CandleError) as caught:
            read_candles(path, "a.json")
        assert str(caught.value).startswith(f"a.json: {message}")


def test_a_csv_field_without_end_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{HEADER}\n" + "1" * 200_000)
    with pytest.raises(CandleError, match=r"a\.csv: cannot be read: field larger than field limit"):
        read_candles(path, "a.csv")


def test_venues_have_the_ids_of_their_schedules() -> None:
    ids = {venue.venue for venue in registry.VENUES}
    for known in series_table.bundled():
        assert {known.venue} - {""} <= ids
        assert set(known.venue_ids.values()) <= ids
        assert bool(known.venue) != bool(known.venue_ids)
        assert {row.venue for row in known.exceptions} - {""} <= set(known.venue_ids.values())
    table = file_table.bundled()
    for points in table.points:
        assert ({points.venue} | set(points.venue_ids.values())) - {"", file_table.COINALYZE} <= ids
    for books in table.books:
        assert {venue.venue for venue in books.venues.values()} <= ids


def test_a_venue_has_one_name_in_all_files_of_one_source() -> None:
    source = "0xknxwledge/group-m-finm33150-final"
    named = [f.venue_ids for f in series_table.bundled() if f.source.startswith(source)]
    named += [f.venue_ids for f in file_table.bundled().points if f.source.startswith(source)]
    assert len(named) == 3
    assert all(ids == named[0] for ids in named)
    assert named[0]["kraken"] == "krakenfutures"


def test_an_impossible_price_that_the_table_names_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n".join([HEADER, *replaced(5, 3, "0")]) + "\n")
    text = """
      - symbols: [BTCUSDT]
        at: "2024-01-05T00:00:00+00:00"
        unobserved: [low]
        source: zero in the source"""
    (series,) = quality.all_series(read_candles(path, "a.csv"), entry(text))
    moves = excursions(series)
    assert series.low is not None
    assert moves is not None
    assert np.flatnonzero(np.isnan(series.low)).tolist() == [4]
    assert moves.times.size == 40 - 2
    assert series.times[4] not in moves.times


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("kind: perp", "kind: swap", "kind: expected one of perp, spot, mark, index, volatility"),
        ("interval: 1d", "interval: 2d", "expected one of 1m, 5m"),
        ("last_candle: finished", "last_candle: maybe", "expected finished or unfinished"),
        ("    source: test\n", "", "expected exactly the keys"),
        ("source: test", "source: ''", "source: expected a text"),
        ("exceptions: []", "exceptions: 5", "expected a list"),
        ("exceptions: []", "exceptions: [{symbols: []}]", "symbols: expected a list of symbols"),
        ("exceptions: []", "exceptions: [{symbol: A}]", "unknown key symbol; remove it"),
        (
            "exceptions: []",
            "exceptions: [{symbols: [A], volume_unit: coins, source: s}]",
            "volume_unit: expected contracts",
        ),
        (
            "exceptions: []",
            "exceptions: [{symbols: [A], source: s, disputed: true}]",
            "at: missing; add the opening time",
        ),
        (
            "exceptions: []",
            "exceptions: [{symbols: [A], source: s, unobserved: [close]}]",
            "unobserved: expected some of high, low, open",
        ),
        (
            "exceptions: []",
            "exceptions: [{symbols: [A], source: s, confirmed: [close]}]",
            "confirmed: expected some of high, low, open",
        ),
        (
            "exceptions: []",
            "exceptions: [{symbols: [A], source: s, confirmed: [low]}]",
            "at: missing; add the opening time",
        ),
        ("venue: binance", "venue: null", "venue: expected a ccxt id, or a ccxt id per name"),
        (
            "venue: binance",
            "venue: {kraken: null}",
            "venue: expected a ccxt id, or a ccxt id per name",
        ),
        (
            "exceptions: []",
            'exceptions: [{symbols: [A], source: s, at: "2024-01-01T00:00:00"}]',
            "at: expected a time such as",
        ),
        ("files:", "documents:", "expected a list of files"),
    ],
)
def test_a_wrong_table_names_line_and_fix(old: str, new: str, message: str) -> None:
    sound = """files:
  - file: a.csv
    venue: binance
    kind: perp
    interval: 1d
    symbol: BTCUSDT
    quote: USDT
    last_candle: finished
    source: test
    exceptions: []
"""
    assert series_table.parse(sound, "t.yaml")
    with pytest.raises(YamlSourceError, match=message) as caught:
        series_table.parse(sound.replace(old, new), "t.yaml")
    assert str(caught.value).startswith("t.yaml:")


def test_a_file_appears_once_in_the_table() -> None:
    names = [known.file for known in series_table.bundled()]
    assert len(names) == len(set(names))
    assert all(known.source for known in series_table.bundled())
