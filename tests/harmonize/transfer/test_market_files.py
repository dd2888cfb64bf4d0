"""Import of open interest, funding and books, from excerpts of the real files and their traps."""

import gzip
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from harmonize.adequacy.factors import Depth, depth
from harmonize.archive.archive import Archive
from harmonize.core.instrument import Underlying
from harmonize.core.payload import PRICES, Origin, Snapshot
from harmonize.core.schedule import Unknown
from harmonize.market.books import Book, read_books
from harmonize.market.points import PointSeries
from harmonize.market.points_source import OpenInterest, funding_of, open_interest_of, read_points
from harmonize.market.prices import DefectKind
from harmonize.market.source import read_series
from harmonize.transfer import importer
from harmonize.transfer.importer import ImportedSnapshot
from harmonize.transfer.source import SkippedItem

DATA = Path(__file__).parent / "data" / "market"
LATE = datetime(2026, 11, 1, tzinfo=UTC)

Items = list[ImportedSnapshot | SkippedItem]


def imported(source: Path, place: Path) -> tuple[Archive, Items]:
    archive = Archive.open_or_create(place)

    def append(snapshot: Snapshot) -> None:
        archive.append(snapshot, imported=True)

    return archive, list(importer.import_snapshots(importer.open_source(source), archive, append))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Archive, Items]:
    return imported(DATA, tmp_path_factory.mktemp("import") / "archive")


@pytest.fixture(scope="module")
def points(folder: tuple[Archive, Items]) -> dict[str, PointSeries]:
    series, defects = read_points(folder[0], folder[0].entries())
    assert defects == ()
    return {str(part.id): part for part in series}


@pytest.fixture(scope="module")
def books(folder: tuple[Archive, Items]) -> tuple[Book, ...]:
    read, defects = read_books(folder[0], folder[0].entries())
    assert defects == ()
    return read


def skipped(items: Items) -> dict[str, SkippedItem]:
    return {f"{item.what} | {item.reason}": item for item in items if isinstance(item, SkippedItem)}


def test_a_folder_is_imported_once_with_provenance(folder: tuple[Archive, Items]) -> None:
    archive, items = folder
    assert archive.verify() == ()
    assert not any(isinstance(item, SkippedItem) and item.is_unreadable for item in items)
    assert sum(isinstance(item, ImportedSnapshot) for item in items) == 12
    added: list[Snapshot] = []
    again = list(importer.import_snapshots(importer.open_source(DATA), archive, added.append))
    assert not any(isinstance(item, ImportedSnapshot) and item.new for item in again)
    assert added == []
    for entry in archive.entries():
        for payload in archive.read(entry).payloads:
            assert (payload.venue, payload.provenance.origin) == (PRICES, Origin.RECORDED)
            assert "sha256 " in payload.provenance.source
    assert read_series(archive, archive.entries()).series == ()  # no candles among them


def test_open_interest_has_venue_underlying_usd_and_date(points: dict[str, PointSeries]) -> None:
    newest = open_interest_of(points.values(), "hyperliquid", "BTC", LATE)
    assert isinstance(newest, OpenInterest)
    assert newest.value == 1713014554.3756115
    assert newest.observed_at == datetime(2026, 3, 7, 10, tzinfo=UTC)
    binance = open_interest_of(points.values(), "binance", "BTC", LATE)
    assert isinstance(binance, OpenInterest)
    assert binance.value == 5_733_637_000.093123
    assert binance.others == ("BTCUSDT", "BTCUSD_PERP")
    early = open_interest_of(
        points.values(), "binance", "BTC", datetime(2024, 1, 1, 0, 7, tzinfo=UTC)
    )
    assert isinstance(early, OpenInterest)
    assert early.observed_at == datetime(
        2024, 1, 1, 0, 5, tzinfo=UTC
    )  # of a file with UTC understood
    assert early.value == 3_133_154_733.16132700


def test_a_contract_margined_in_coins_is_no_level_of_its_venue(
    points: dict[str, PointSeries],
) -> None:
    known = open_interest_of(points.values(), "binance", "BTC", LATE, "BTCUSD_PERP")
    assert isinstance(known, OpenInterest)
    assert known.notes == (
        "contract margined in its coin; that margined in USDT is larger, so that this is no level of the venue",
    )
    assert points["binance open interest SOMIUSDT"].notes == ()


def test_the_last_day_is_partial_and_values_are_those_at_the_end_of_a_day(
    points: dict[str, PointSeries],
) -> None:
    series = points["binance open interest BTCUSD_PERP"]
    assert series.times[-1] == int(datetime(2025, 10, 27, tzinfo=UTC).timestamp()) * 1_000_000
    kinds = [defect.kind for defect in series.defects]
    assert kinds == [DefectKind.UNFINISHED, DefectKind.UNFINISHED]  # one in each of two files
    assert np.all(np.diff(series.times) == 86_400_000_000)


def test_the_symbol_names_somi_where_the_source_says_usdt(points: dict[str, PointSeries]) -> None:
    for quantity in ("open interest", "funding"):
        series = points[f"binance {quantity} SOMIUSDT"]
        assert series.id.underlying == Underlying("SOMI")
        (misnamed,) = (d for d in series.defects if d.kind is DefectKind.MISNAMED)
        assert misnamed.note == "the source names USDT, the symbol SOMI"
    assert isinstance(open_interest_of(points.values(), "binance", "USDT", LATE), Unknown)
    assert points["binance open interest 1000BONKUSDT"].id.underlying == Underlying("BONK", 1000)
    beam = points["binance open interest BEAMXUSDT"]  # BEAM of Merit Circle, by the table of assets
    assert not [d for d in beam.defects if d.kind is DefectKind.MISNAMED]


def test_funding_is_a_fraction_with_the_hours_for_which_it_is_paid(
    points: dict[str, PointSeries],
) -> None:
    paid = funding_of(points.values(), "binance", "BTC", LATE)
    assert isinstance(paid, PointSeries)
    assert paid.hours is not None
    assert set(paid.hours.tolist()) == {8.0}
    percent = points["bybit funding RAYDIUMUSDT"]
    assert percent.values[-1] == pytest.approx(0.00005)  # 0.005 % in the file
    assert percent.hours is not None
    assert np.isnan(percent.hours).all()
    assert "hours for which it is paid differ by contract" in percent.notes[0]
    hours = {
        name: set(series.hours.tolist())
        for name, series in points.items()
        if name.endswith("funding HYPE") and series.hours is not None
    }
    assert hours == {
        "binance funding HYPE": {4.0},
        "okx funding HYPE": {4.0},
        "bybit funding HYPE": {8.0},
        "hyperliquid funding HYPE": {1.0},
        "krakenfutures funding HYPE": {1.0},
        "lighter funding HYPE": {1.0},
        "dydx funding HYPE": {1.0},
    }


def test_two_copies_of_one_payment_that_differ_by_milliseconds_are_one(
    points: dict[str, PointSeries],
) -> None:
    series = points["binance funding BTCUSDT"]
    hours = series.times // 3_600_000_000
    assert np.all(np.diff(hours) == 8)
    assert series.times.size == 4  # 16:00 to 08:00 of one file, 00:00 to 16:00 of the other
    assert np.all(series.times % 60_000_000 == 0)


def test_what_has_no_clear_meaning_is_omitted_in_words(folder: tuple[Archive, Items]) -> None:
    lines = sorted(skipped(folder[1]))
    expected = {
        "oi_funding/coinalyze_open_interest_1d.parquet: BONKUSDT_PERP.3 | codes of venues that the source does not state": 1,
        "book/cryptofeed_snapshots.jsonl.gz: gateio_futures RDNT_USDT | sizes are contracts whose coins the source does not state": 1,
        "book/cryptofeed_snapshots.jsonl.gz: binance_cm BCHUSD_210924, kraken_futures FI_ETHUSD_210730 | contracts that expire, or whose size or currency market_files.yaml does not state": 2,
        "book/bybit_linear_XRPUSDT_ob500_2024-12-01.jsonl.gz: bybit XRPUSDT | changes of a book, not books": 2,
        "book/binance_um_books_2024-09-21.parquet: binance ETHUSDT | states between the venue's snapshots": 1,
        "liq/hyperliquid_liquidation_daily.parquet | liquidations are not imported by this version": 1,
        "oi_funding/btc_aggregate_open_interest_1d.parquet | sum over exchanges that the source does not name; it speaks for no venue": 1,
        "oi_funding/btc_funding_daily_mean.parquet | means of a day, not rates that were paid; other files have the rates": 1,
        "iv/unknown.parquet | not described by harmonize/market/series.yaml or market_files.yaml": 1,
    }  # fmt: skip
    assert {line: skipped(folder[1])[line].count for line in lines if line in expected} == expected


def of_symbol(books: Iterable[Book], symbol: str) -> list[Book]:
    return [book for book in books if book.symbol == symbol]


def known(value: Depth | Unknown) -> tuple[float, float, int]:
    assert isinstance(value, Depth), value
    return round(value.bids, 2), round(value.asks, 2), value.observations


def test_sizes_in_contracts_are_valued_in_usd(books: tuple[Book, ...]) -> None:
    coin_margined = of_symbol(books, "BTCUSD_PERP")  # 100 USD a contract, others 10 USD
    at = datetime(2024, 8, 9, tzinfo=UTC)
    assert known(depth(coin_margined, "binance", "BTC", at, 1)) == (56_800, 222_100, 1)
    assert known(depth(coin_margined, "binance", "BTC", at, 3)) == (689_500, 895_700, 1)
    assert known(depth(books, "binance", "BCH", LATE, 10)) == (173_030, 155_130, 1)
    assert known(depth(books, "bybit", "BTC", LATE, 0.5)) == (8_923_949, 4_105_070, 1)
    assert known(depth(books, "bybit", "XRP", LATE, 25)) == (2_364_140.17, 1_854_802.63, 1)


def test_depth_is_the_median_of_the_last_days_books(books: tuple[Book, ...]) -> None:
    assert known(depth(books, "binance", "ETH", LATE, 5)) == (2_596_269.64, 2_810_788.07, 3)


def test_depth_is_not_extrapolated_beyond_the_recorded_levels(books: tuple[Book, ...]) -> None:
    at = datetime(2024, 8, 9, tzinfo=UTC)
    assert known(depth(books, "binance", "BTC", at, 1))[:2] == (1_597_343.48, 189_052.62)
    # The deepest contract reaches 2.5 bp: the other one does not stand in for it.
    assert depth(books, "binance", "BTC", at, 3) == Unknown(
        "the books of binance BTCUSDT on 2024-08-08 reach 2.5 bp from the mid price, 3 bp are required"
    )
    assert depth(books, "hyperliquid", "BTC", LATE, 10) == Unknown(
        "the books of hyperliquid BTC on 2025-01-26 reach 2.2 bp from the mid price, 10 bp are required"
    )
    assert depth(books, "okx", "BTC", LATE, 10) == Unknown(
        "no order book of okx on BTC by 2026-11-01"
    )
    before = datetime(2024, 8, 8, tzinfo=UTC)
    assert isinstance(depth(books, "binance", "BTC", before, 1), Unknown)


def test_a_price_in_no_dollar_is_no_perpetual_that_counts(books: tuple[Book, ...]) -> None:
    assert {book.venue for book in books} == {"binance", "bybit", "hyperliquid", "krakenfutures"}


METRICS = "oi_funding/binance_um_BTCUSDT_metrics_2024-01-01.csv"
HEAD = "create_time,symbol,sum_open_interest,sum_open_interest_value"


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (["2024-01-01 00:00:00,BTCUSDT,1,nan"], "row 1: expected an amount of at least 0, found nan"),
        (["2024-01-01 00:00:00,BTCUSDT,1,-5"], "row 1: expected an amount of at least 0, found -5"),
        (["yesterday,BTCUSDT,1,5"], "row 1: expected a time such as 2024-01-01T00:00:00+00:00"),
        (["2024-01-01,BTCUSDT,1,5", "2024-01-01,BTCUSDT,1,5"], "row 2: BTCUSDT: 2024-01-01T00:00:00+00:00 appears twice"),
        (["2024-01-02,BTCUSDT,1,5", "2024-01-01,BTCUSDT,1,5"], "row 2: BTCUSDT: 2024-01-01T00:00:00+00:00 is earlier"),
    ],
)  # fmt: skip
def test_a_bad_row_refuses_its_file_only(rows: list[str], problem: str, tmp_path: Path) -> None:
    (tmp_path / "oi_funding").mkdir()
    (tmp_path / METRICS).write_text("\n".join([HEAD, *rows]) + "\n")
    other = "oi_funding/multi_venue_open_interest.parquet"
    (tmp_path / other).write_bytes((DATA / other).read_bytes())
    (tmp_path / "MANIFEST.json").write_text(json.dumps([{"file": METRICS}, {"file": other}]))
    items = list(importer.open_source(tmp_path).items)
    (bad,) = (item for item in items if isinstance(item, SkippedItem))
    assert bad.is_unreadable
    assert bad.reason.startswith(f"{METRICS}: {problem}")
    assert sum(isinstance(item, Snapshot) for item in items) == 1


BYBIT = "book/bybit_linear_XRPUSDT_ob500_2024-12-01.jsonl.gz"


def packed(content: bytes) -> bytes:
    """Compresses content without the time, so that every process collects the same cases."""
    return gzip.compress(content, mtime=0)


def book_line(**changes: object) -> bytes:
    data = {"s": "XRPUSDT", "b": [["1.9", "5"]], "a": [["2.0", "5"]]} | changes
    line = {"type": "snapshot", "ts": 1733011200691, "data": data}
    return packed(json.dumps(line).encode())


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"not gzip", "is not a gzip file"),
        (book_line()[:-12], "is cut off; copy it again"),
        (packed(b"{"), "row 1: is not JSON"),
        (packed(b'{"type": "snapshot"}'), "row 1: cannot be read as a book: KeyError"),
        (book_line(b=[["2.1", "5"]]), "expected a bid below the ask, found 2.1 and 2"),
        (book_line(b=[["-1", "5"]]), "bids: expected prices and sizes above 0"),
        (book_line(a=[]), "asks: expected levels, found none"),
    ],
)
def test_a_book_that_cannot_be_right_is_refused(
    content: bytes, problem: str, tmp_path: Path
) -> None:
    (tmp_path / "book").mkdir()
    (tmp_path / BYBIT).write_bytes(content)
    (tmp_path / "MANIFEST.json").write_text(json.dumps([{"file": BYBIT}, {"file": METRICS}]))
    items = list(importer.open_source(tmp_path).items)
    reasons = [item.reason for item in items if isinstance(item, SkippedItem)]
    assert any(problem in reason for reason in reasons), reasons
    assert not any(isinstance(item, Snapshot) for item in items)
