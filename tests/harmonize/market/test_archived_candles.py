import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.archive.archive import Archive
from harmonize.archive.catalog import latest
from harmonize.core.payload import (
    PRICES,
    Origin,
    Payload,
    Provenance,
    Snapshot,
    UnreadablePayloadError,
)
from harmonize.market.candle_codec import decode_series, payloads_of
from harmonize.market.card import card_of
from harmonize.market.merge import merge
from harmonize.market.prices import (
    DefectKind,
    PriceKind,
    PriceSeries,
    SeriesDefect,
    microseconds,
)
from harmonize.market.returns import align, simple_returns
from harmonize.market.source import read_series
from harmonize.transfer import importer
from harmonize.transfer.importer import ImportedSnapshot
from harmonize.transfer.source import SkippedItem
from tests.harmonize.market.small import DAY, START, identity, series

DATA = Path(__file__).parent / "data"
PROVENANCE = Provenance(Origin.RECORDED, "test", "test")


def assert_same(one: PriceSeries, other: PriceSeries) -> None:
    assert (one.id, one.defects, one.sources) == (other.id, other.defects, other.sources)
    np.testing.assert_array_equal(one.times, other.times)
    assert one.columns().keys() == other.columns().keys()
    for name, column in one.columns().items():
        np.testing.assert_array_equal(column, other.columns()[name])


def round_trip(original: PriceSeries) -> PriceSeries:
    (restored,) = merge(decode_series(p) for p in payloads_of(original, PROVENANCE))
    return restored


PRICE = st.floats(1e-9, 1e9, allow_nan=False) | st.decimals("0.00000001", "99999", places=8).map(
    float
)


@given(st.lists(st.tuples(PRICE, PRICE, PRICE, PRICE), min_size=1, max_size=30), st.data())
def test_candles_are_restored_bit_by_bit(
    rows: list[tuple[float, float, float, float]], data: st.DataObject
) -> None:
    table = np.array(rows)
    days = data.draw(
        st.lists(st.integers(0, 800), min_size=len(rows), max_size=len(rows), unique=True)
    )
    original = series(
        table[:, 0].tolist(),
        sorted(days),
        open=table[:, 1].copy(),
        high=table.max(axis=1),
        low=table.min(axis=1),
        volume=table[:, 2].copy(),
        turnover=table[:, 3].copy(),
    )
    assert_same(round_trip(original), original)


def test_unobserved_and_disputed_candles_and_defects_are_restored() -> None:
    low = np.array([1.0, np.nan, 1.0, 1.25])
    first = datetime(2024, 2, 1, tzinfo=UTC)
    defects = (SeriesDefect(DefectKind.UNFINISHED, 1, first + timedelta(days=500), "note"),)
    original = replace(
        series([1.5, 2.5, 2.5, 3.25], [0, 1, 3, 400], low=low, high=low * 0 + 4),
        disputed=np.array([False, True, False, False]),
        volume=np.array([np.nan, 1.0, 2.5, 0.0]),
        defects=defects,
        sources=("a.csv", "b.csv"),
    )
    assert_same(round_trip(original), original)
    payloads = list(payloads_of(original, PROVENANCE))
    assert [dict(p.call.params)["year"] for p in payloads] == ["2024", "2025"]
    assert payloads[0].observed_at == datetime(2024, 1, 5, tzinfo=UTC)
    assert b"note" in payloads[1].content


def test_prices_are_stored_as_small_differences() -> None:
    original = series([100.5, 101.25, 101.0], high=np.array([102.0, 102, 102]))
    (payload,) = payloads_of(original, PROVENANCE)
    document = json.loads(payload.content)
    assert (document["digits"], document["close"]) == (2, [10050, 75, -25])
    assert (document["high"], document["runs"]) == ([150, 75, 100], [[START // DAY, 3]])


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"format": "other"}', b'{"format":"harmonize candles 1"}']
)
def test_other_content_is_unreadable(content: bytes) -> None:
    (payload,) = payloads_of(series([1.0, 2.0]), PROVENANCE)
    broken = Payload.of(PRICES, payload.call, payload.observed_at, PROVENANCE, content)
    with pytest.raises(UnreadablePayloadError):
        decode_series(broken)


def test_the_first_of_two_files_counts_and_differences_are_recorded() -> None:
    first = series([1.0, 2.0, 3.0], [0, 1, 2])
    second = series([9.0, 3.0, 4.0], [1, 2, 3], volume=np.array([1.0, 2.0, 3.0]))
    (joined,) = merge([first, second])
    assert joined.close.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert joined.volume is not None
    assert joined.volume[3] == 3.0
    assert np.isnan(joined.volume[:3]).all()
    (defect,) = joined.defects
    assert (defect.kind, defect.count) == (DefectKind.RESTATED, 1)
    assert defect.first == datetime(2024, 1, 2, tzinfo=UTC)
    other = series([5.0], of=identity("ETHUSDT"))
    assert [s.id.symbol for s in merge([first, other, second])] == ["BTCUSDT", "ETHUSDT"]


def test_candles_are_known_when_they_have_closed_and_later_ones_change_nothing() -> None:
    as_of = datetime(2024, 1, 4, tzinfo=UTC)
    before = series([1.0, 2.0, 3.0])
    after = series([1.0, 2.0, 3.0, 99.0, 500.0])
    assert_same(after.known_at(as_of), before.known_at(as_of))
    assert before.known_at(as_of).times.size == 3
    assert before.known_at(as_of - timedelta(microseconds=1)).times.size == 2
    with pytest.raises(ValueError, match="expected a time with a time zone"):
        before.known_at(datetime(2024, 1, 4))  # noqa: DTZ001 - the fault under test


def test_returns_of_several_series_stand_beside_each_other() -> None:
    one = simple_returns(series([1.0, 2.0, 3.0], [0, 1, 2]))
    other = simple_returns(series([4.0, 2.0], [1, 2]))
    times, table = align([one, other])
    assert times.tolist() == [START + DAY, START + 2 * DAY]
    np.testing.assert_allclose(table, [[1.0, np.nan], [0.5, -0.5]])
    assert align([])[1].shape == (0, 0)


def test_a_card_states_span_gaps_and_idle_candles() -> None:
    flat = np.array([2.0, 2.0, 3.0])
    card = card_of(
        series(
            [2.0, 2.0, 3.0], [0, 1, 9], open=flat, high=flat, low=flat, volume=np.array([0, 1.0, 0])
        )
    )
    assert (card.candles, card.missing, card.idle) == (3, 7, 2)
    assert (card.first, card.end) == (
        datetime(2024, 1, 1, tzinfo=UTC),
        datetime(2024, 1, 11, tzinfo=UTC),
    )
    empty = card_of(series([]))
    assert (empty.first, empty.gaps, empty.candles) == (None, (), 0)


def test_spot_highs_and_short_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="expected no highs and lows; use closes only"):
        series([1.0], of=identity(kind=PriceKind.SPOT), low=np.array([0.5]))
    with pytest.raises(ValueError, match="volume: expected 2 rows"):
        series([1.0, 2.0], volume=np.array([1.0]))


def imported(
    source: Path, archive: Archive | None, place: Path
) -> list[ImportedSnapshot | SkippedItem]:
    target = archive or Archive.create(place)

    def append(snapshot: Snapshot) -> None:
        target.append(snapshot, imported=True)

    return list(importer.import_snapshots(importer.open_source(source), archive, append))


def test_a_folder_of_candles_is_imported_once_and_read_back(tmp_path: Path) -> None:
    place = tmp_path / "archive"
    first = imported(DATA, None, place)
    archive = Archive.open(place)
    assert all(isinstance(item, ImportedSnapshot) and item.new for item in first)
    again = imported(DATA, archive, place)
    assert not any(isinstance(item, ImportedSnapshot) and item.new for item in again)
    assert archive.verify() == ()
    data = read_series(archive, archive.entries())
    by_id = {str(s.id): s for s in data.series}
    assert data.defects == ()
    joined = by_id["binance spot BTCUSDT 1d"]
    assert joined.sources == (
        "ohlcv_1d.parquet",
        "daily/binance_spot_1d_2024-07_2026-07.parquet",
    )
    row = np.flatnonzero(joined.times == microseconds(datetime(2026, 3, 4, tzinfo=UTC)))
    assert joined.close[row].tolist() == [72_666.77]
    (payload,) = (
        p
        for entry in archive.entries()
        for p in archive.read(entry).payloads
        if "2020-03.csv" in p.provenance.source
    )
    assert (payload.venue, payload.provenance.origin) == (PRICES, Origin.RECORDED)
    assert "b572083166a2aa4fba72d06ea1461597b3efa2b2cfd589b8b53b35f46b801b74" in (
        payload.provenance.source
    )
    assert payload.observed_at == datetime(2020, 3, 21, tzinfo=UTC)


def test_only_wanted_series_are_decoded(tmp_path: Path) -> None:
    imported(DATA, None, tmp_path / "archive")
    archive = Archive.open(tmp_path / "archive")
    wanted = read_series(
        archive, archive.entries(), lambda call: call["kind"] == "perp" and call["venue"] == "okx"
    )
    assert {str(s.id) for s in wanted.series} == {"okx perp BTC 1h", "okx perp DOGE 1h"}


def test_candles_are_ignored_by_what_reads_margins(tmp_path: Path) -> None:
    imported(DATA, None, tmp_path / "archive")
    archive = Archive.open(tmp_path / "archive")
    assert set(latest(archive.entries(), None)) == {PRICES}


def test_an_altered_file_and_unknown_ones_are_named(tmp_path: Path) -> None:
    name = "daily/binance_um_perp_BTCUSDT_1d_2020-03.csv"
    manifest = [
        {"file": name, "sha256": "0" * 64},
        {"file": "daily/unknown.csv"},
        {"file": "book/x.parquet"},
    ]
    (tmp_path / "MANIFEST.json").write_text(json.dumps(manifest))
    (tmp_path / "daily").mkdir()
    (tmp_path / name).write_bytes((DATA / name).read_bytes())
    items = list(importer.open_source(tmp_path).items)
    assert all(isinstance(item, SkippedItem) for item in items)
    altered, unknown, book = (item for item in items if isinstance(item, SkippedItem))
    assert altered.is_unreadable
    assert "was altered: its SHA-256 is b572083166" in altered.reason
    described = "not described by harmonize/market/series.yaml or market_files.yaml"
    assert unknown.reason == book.reason == described


def test_a_bad_row_stops_its_file_only(tmp_path: Path) -> None:
    names = ["daily/binance_um_perp_BTCUSDT_1d_2020-03.csv", "daily/binance_um_perp_BTCUSDT_1d.parquet"]  # fmt: skip
    (tmp_path / "MANIFEST.json").write_text(json.dumps([{"file": name} for name in names]))
    (tmp_path / "daily").mkdir()
    text = (DATA / names[0]).read_text().replace("3621.81", "-1", 1)
    (tmp_path / names[0]).write_text(text)
    items = list(importer.open_source(tmp_path).items)
    reasons = [item.reason for item in items if isinstance(item, SkippedItem)]
    assert len(reasons) == 2
    assert "is missing; add it" in reasons[0]
    assert reasons[1] == (
        f"{names[0]}: row 8: low: expected a price above 0, found -1; correct or remove the row"
    )


def test_a_defect_of_a_later_candle_is_not_known_before() -> None:
    unfinished = SeriesDefect(DefectKind.UNFINISHED, 1, datetime(2024, 1, 6, tzinfo=UTC))
    restated = SeriesDefect(DefectKind.RESTATED, 1, datetime(2024, 1, 2, tzinfo=UTC))
    whole = replace(series([1.0, 2.0, 3.0, 4.0, 5.0]), defects=(restated, unfinished))
    assert whole.known_at(datetime(2024, 1, 4, tzinfo=UTC)).defects == (restated,)
    assert whole.known_at(datetime(2024, 1, 7, tzinfo=UTC)).defects == (restated, unfinished)
    assert whole.known_at(datetime(2024, 1, 2, tzinfo=UTC)).defects == ()
