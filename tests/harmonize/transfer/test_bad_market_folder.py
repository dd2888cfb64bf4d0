"""Folders of market data that cannot be right: one line with file, row and fix, and the true reason."""

import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from typer.testing import CliRunner, Result

from harmonize.cli.main import app
from harmonize.core.payload import Snapshot
from harmonize.transfer import importer
from harmonize.transfer.source import SkippedItem, SourceItem

DAILY = "daily/binance_um_perp_BTCUSDT_1d_2020-03.csv"
"""A file whose last candle is finished."""

SPOT = "daily/binance_spot_BTCUSDT_1d_to_2026-08.parquet"
HOURLY = "hourly/multi_venue_perp_1h.parquet"
FILLED = "hourly/binance_spot_BTCUSDT_1h_2017_2023.parquet"
METRICS = "oi_funding/binance_um_BTCUSDT_metrics_2024-01-01.csv"
FUNDING = "oi_funding/binance_um_BTCUSDT_funding_8h.parquet"
BYBIT = "book/bybit_linear_XRPUSDT_ob500_2024-12-01.jsonl.gz"
COLUMNS = "book/binance_um_books_2024-09-21.parquet"

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
HEAD = "open_time,open,high,low,close,volume"


def folder(place: Path, files: Mapping[str, bytes], manifest: object = None) -> Path:
    rows = manifest or [{"file": name} for name in files]
    (place / "MANIFEST.json").write_text(json.dumps(rows))
    for name, content in files.items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_bytes(content)
    return place


def items_of(place: Path) -> list[SourceItem]:
    return list(importer.open_source(place, lambda: NOW).items)


def skipped(place: Path) -> list[SkippedItem]:
    return [item for item in items_of(place) if isinstance(item, SkippedItem)]


def candles(*rows: str) -> bytes:
    return "\n".join([HEAD, *rows]).encode()


def table(**columns: object) -> bytes:
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table(columns), sink)
    return bytes(sink.getvalue())


def hours(venues: list[str], count: int = 1) -> bytes:
    """Two hourly candles per venue of which the last is unfinished; more with ``count``."""
    times = [datetime(2026, 3, 1, hour, tzinfo=UTC) for hour in range(count + 1)]
    rows = [(venue, time) for venue in venues for time in times]
    prices = {name: [1.0] * len(rows) for name in "ohlcv"}
    names = {"venue": [venue for venue, _ in rows], "coin": ["BTC"] * len(rows)}
    return table(timestamp=[time for _, time in rows], **names, **prices)


def imported(place: Path, to: Path) -> Result:
    arguments = ["--archive", str(to), "archive", "import", str(place)]
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_a_venue_of_a_file_gets_the_id_of_its_schedules(tmp_path: Path) -> None:
    items = items_of(folder(tmp_path, {HOURLY: hours(["kraken", "okx", "mtgox", "mtgox2"])}))
    (snapshot,) = (item for item in items if isinstance(item, Snapshot))
    venues = {dict(payload.call.params)["venue"] for payload in snapshot.payloads}
    assert venues == {"krakenfutures", "okx"}
    omitted = [item for item in items if isinstance(item, SkippedItem)]
    assert [(item.what, item.reason) for item in omitted] == [
        (f"{HOURLY}: BTC", f"venue {name!r} that series.yaml does not list")
        for name in ("mtgox", "mtgox2")
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            DAILY,
            candles("2020-03-01T00:00:00Z,1,1,1,1,1", "2020-03-02T00:00:00Z,1,1,1,1,inf"),
            "row 2: volume: expected a finite amount, found inf; correct or remove the row",
        ),
        (
            DAILY,
            candles("2020-03-01T00:00:00Z,1,1,1,1,1", "2099-03-02T00:00:00Z,1,1,1,1,1"),
            (
                "row 2: 2099-03-02T00:00:00+00:00 opens a candle that had not closed at the import, "
                "2026-11-30 12:00 UTC; correct the time or remove the row"
            ),
        ),
        (
            DAILY,
            candles("2020-03-01T00:00:00+09:00,1,1,1,1,1", "2020-03-02T00:00:00+09:00,1,1,1,1,1"),
            (
                "row 1: 2020-02-29T15:00:00+00:00 is no opening of a 1d candle in UTC, nor is any other "
                "time; use 1d candles that open at whole intervals in UTC"
            ),
        ),
        (
            SPOT,
            table(
                time=[datetime(2026, 11, 30, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)],
                **{name: [1.0, 1.0] for name in ("open", "high", "low", "close")},
            ),
            (
                "row 2: 2099-01-01T00:00:00+00:00 opens a candle that had not closed at the import, "
                "2026-11-30 12:00 UTC; correct the time or remove the row"
            ),
        ),
        (
            METRICS,
            b"create_time,symbol,sum_open_interest_value\n2099-01-01,BTCUSDT,5",
            (
                "row 1: BTCUSDT: 2099-01-01T00:00:00+00:00 is later than the import, 2026-11-30 12:00 UTC; "
                "correct the time or remove the row"
            ),
        ),
        (
            METRICS,
            b"create_time,symbol,sum_open_interest_value\n9999-12-31T23:59:59-14:00,BTCUSDT,5",
            "row 1: expected a time from 1970 to 9998, found 9999-12-31 23:59:59-14:00; correct it",
        ),
        (
            METRICS,
            b"create_time,symbol,sum_open_interest_value\n2024-01-01,BTCUSDT",
            "row 1: expected 3 fields; complete the row",
        ),
        (
            METRICS,
            b"create_time,symbol,sum_open_interest_value\n2024-01-01,\xff,5",
            (
                "cannot be read: 'utf-8' codec can't decode byte 0xff in position 54: invalid start byte; "
                "copy it again"
            ),
        ),
        (
            BYBIT,
            gzip.compress(
                b'{"type": "snapshot", "ts": 4070908800000, '
                b'"data": {"s": "XRPUSDT", "b": [["1", "5"]], "a": [["2", "5"]]}}',
                mtime=0,
            ),
            (
                "row 1: XRPUSDT: 2099-01-01T00:00:00+00:00 is later than the import, 2026-11-30 12:00 UTC; "
                "correct the time or remove the book"
            ),
        ),
        (
            BYBIT,
            gzip.compress(
                b'{"type": "snapshot", "ts": 1e300, "data": {"s": "XRPUSDT", "b": [], "a": []}}',
                mtime=0,
            ),
            "row 1: cannot be read as a book: OverflowError",
        ),
        (
            COLUMNS,
            table(symbol=["BTCUSDT"], tm=[None], b=["[]"], a=["[]"], snp=[True]),
            "row 1: cannot be read as a book: AttributeError",
        ),
        (
            COLUMNS,
            table(symbol=["BTCUSDT"], tm=[NOW], b=["["], a=["[]"], snp=[True]),
            "row 1: cannot be read as a book: JSONDecodeError",
        ),
        (
            COLUMNS,
            table(symbol=["BTCUSDT"], tm=[NOW], b=["[]"], a=["[]"]),
            "cannot be read: No match for FieldRef.Name(snp)",
        ),
    ],
)
def test_an_error_is_one_line_with_the_path_once(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (item,) = skipped(folder(tmp_path, {name: content}))
    assert item.is_unreadable
    assert item.message.startswith(f"{name}: {message}")
    assert item.message.count(name) == 1
    assert "\n" not in item.message


def test_the_command_prints_the_path_of_an_error_once(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    source = folder(tmp_path / "in", {DAILY: candles("2020-03-01T00:00:00Z,1,1,1,nan,1")})
    result = imported(source, tmp_path / "archive")
    assert result.exit_code == 3
    assert result.stderr == (
        f"error: {DAILY}: row 1: close: expected a price above 0, found nan; correct or remove the row\n"
    )
    (source / DAILY).unlink()
    missing = imported(source, tmp_path / "archive")
    assert missing.stderr == (
        f"error: {source / DAILY}: is missing; add it, or remove it from {source / 'MANIFEST.json'}\n"
    )


def test_a_message_names_what_its_reason_does_not() -> None:
    assert SkippedItem("a.csv", "is empty").message == "a.csv: is empty"
    assert SkippedItem("a.csv", "in/a.csv: is empty").message == "in/a.csv: is empty"


UNKNOWN = "not described by harmonize/market/series.yaml or market_files.yaml"


@pytest.mark.parametrize("name", ["daily/mine.csv", "hourly/other.parquet", "mine.json"])
def test_a_file_that_no_table_describes_says_so(tmp_path: Path, name: str) -> None:
    manifest = [{"file": name, "what": "candles", "interval": "1d"}]
    (item,) = skipped(folder(tmp_path, {}, manifest))
    assert (item.what, item.reason, item.is_unreadable) == (name, UNKNOWN, False)


def test_an_entry_without_an_endpoint_among_recordings_says_so(tmp_path: Path) -> None:
    manifest = [
        {"file": "daily/mine.csv"},
        {"file": "okx/a.json", "venue": "mtgox", "endpoint": "GET https://mtgox.com/a"},
    ]
    reasons = {item.what: item.reason for item in skipped(folder(tmp_path, {}, manifest))}
    assert reasons["daily/mine.csv"].startswith(
        "names no endpoint, as a recording does; market data"
    )
    assert reasons["okx/a.json"] == "venue not supported by this version"


@pytest.mark.parametrize("name", ["../../x.csv", "/etc/hostname", "daily\\x.csv", "a/../x.csv"])
@pytest.mark.parametrize("endpoint", [None, "GET https://mtgox.com/a"])
def test_a_path_outside_the_folder_is_an_error(
    tmp_path: Path, name: str, endpoint: str | None
) -> None:
    row = {"file": name} | ({"endpoint": endpoint} if endpoint else {})
    (item,) = skipped(folder(tmp_path, {}, [row]))
    assert item.is_unreadable
    assert item.reason == (
        f"{tmp_path / 'MANIFEST.json'}: {name!r} is not a file inside the folder; correct the name"
    )


def test_a_recording_of_a_day_to_come_is_an_error(tmp_path: Path) -> None:
    row = {
        "file": "okx/a.json",
        "venue": "okx",
        "endpoint": "GET https://www.okx.com/api/v5/public/instruments",
        "authenticity": "recorded",
        "recorded_date_if_known": "2099-01-01",
    }
    (item,) = skipped(folder(tmp_path, {}, [row]))
    assert item.is_unreadable
    assert item.reason == (
        f"{tmp_path / 'MANIFEST.json'}: okx/a.json: recorded on 2099-01-01, later than the import, "
        "2026-11-30; correct the date"
    )


def test_a_symbol_without_a_finished_candle_says_so(tmp_path: Path) -> None:
    (single,) = skipped(folder(tmp_path, {HOURLY: hours(["okx"], count=0)}))
    assert (single.what, single.reason) == (f"{HOURLY}: BTC", "no finished candle")
    times = [datetime(2020, 1, 1, hour, tzinfo=UTC) for hour in range(3)]
    prices = {name: [1.0] * 3 for name in ("open", "high", "low", "close")}
    content = table(open_time=times, filled_by_source=[True] * 3, **prices)
    (filled,) = skipped(folder(tmp_path, {FILLED: content}))
    assert filled.reason == "no finished candle that the source did not interpolate"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("often", "row 1: funding_interval_hours: expected hours above 0, found often; correct it"),
        ("0", "row 1: funding_interval_hours: expected hours above 0, found 0; correct it"),
        ("inf", "row 1: funding_interval_hours: expected hours above 0, found inf; correct it"),
    ],
)
def test_hours_of_a_rate_that_are_none_are_one_line(
    tmp_path: Path, value: str, message: str
) -> None:
    content = funding(value)
    (item,) = skipped(folder(tmp_path, {FUNDING: content}))
    assert item.message == f"{FUNDING}: {message}"


def test_a_rate_without_hours_is_imported(tmp_path: Path) -> None:
    (snapshot,) = items_of(folder(tmp_path, {FUNDING: funding(None)}))
    assert isinstance(snapshot, Snapshot)


def funding(hours_of_rate: str | None) -> bytes:
    return table(
        calc_time=[datetime(2026, 3, 1, tzinfo=UTC)],
        last_funding_rate=[0.0001],
        funding_interval_hours=pa.array([hours_of_rate], pa.string()),
    )
