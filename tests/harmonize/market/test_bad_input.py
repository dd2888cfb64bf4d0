import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from harmonize.core.yaml_source import YamlSourceError
from harmonize.market import quality, series_table
from harmonize.market.candle_file import CandleError, read_candles
from harmonize.market.prices import PriceSeries
from harmonize.market.returns import excursions
from tests.harmonize.market.small import START, entry

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
