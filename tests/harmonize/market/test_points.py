"""Open interest and funding as values: stored bit by bit, joined, and known only when observed."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.core.instrument import Instrument, Payoff, Underlying
from harmonize.core.payload import Origin, Payload, Provenance, UnreadablePayloadError
from harmonize.core.schedule import Unknown
from harmonize.core.yaml_source import YamlSourceError
from harmonize.market import file_table
from harmonize.market.books import Book, BookError, book_payload, decode_book
from harmonize.market.points import PointSeries, PointsId, Quantity, merge_points
from harmonize.market.points_codec import decode_points, point_payloads
from harmonize.market.points_source import (
    NO_LEVEL,
    OpenInterest,
    contract_open_interest,
    funding_of,
    open_interest_of,
)
from harmonize.market.prices import DefectKind, SeriesDefect, microseconds
from tests.harmonize.market.small import DAY, START

PROVENANCE = Provenance(Origin.RECORDED, "test", "test")
FIRST = datetime(2024, 1, 1, tzinfo=UTC)


def points(
    values: list[float],
    days: list[int],
    symbol: str = "BTCUSDT",
    quantity: Quantity = Quantity.OPEN_INTEREST,
) -> PointSeries:
    identity = PointsId("binance", quantity, symbol, Underlying("BTC"))
    return PointSeries(identity, START + np.array(days, dtype=np.int64) * DAY, np.array(values))


@given(st.lists(st.floats(0, 1e12), min_size=1, max_size=20), st.data())
def test_values_are_restored_bit_by_bit(values: list[float], data: st.DataObject) -> None:
    size = len(values)
    days = data.draw(st.lists(st.integers(0, 900), min_size=size, max_size=size, unique=True))
    hours = np.where(np.arange(size) % 2, 8.0, np.nan)
    original = replace(
        points(values, sorted(days)),
        hours=hours,
        notes=("a note",),
        defects=(SeriesDefect(DefectKind.MISNAMED, 1, FIRST, "b"),),
        sources=("a.csv",),
    )
    payloads = list(point_payloads(original, PROVENANCE))
    (restored,) = merge_points(decode_points(payload) for payload in payloads)
    np.testing.assert_array_equal(restored.times, original.times)
    np.testing.assert_array_equal(restored.values, original.values)
    assert restored.hours is not None
    np.testing.assert_array_equal(restored.hours, hours)
    assert (restored.id, restored.notes, restored.defects, restored.sources) == (
        original.id,
        original.notes,
        original.defects,
        original.sources,
    )
    years = {str(time.astype("datetime64[us]"))[:4] for time in original.times}
    assert [dict(payload.call.params)["year"] for payload in payloads] == sorted(years)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"format": "other"}', b'{"format":"harmonize points 1"}'])  # fmt: skip
def test_other_content_is_unreadable(content: bytes) -> None:
    (payload,) = point_payloads(points([1.0], [0]), PROVENANCE)
    broken = Payload.of(payload.venue, payload.call, payload.observed_at, PROVENANCE, content)
    with pytest.raises(UnreadablePayloadError):
        decode_points(broken)
    with pytest.raises(UnreadablePayloadError):
        decode_book(broken)


def test_the_first_of_two_files_counts_and_differences_are_recorded() -> None:
    (joined,) = merge_points([points([1.0, 2.0], [0, 1]), points([9.0, 3.0], [1, 2])])
    assert joined.values.tolist() == [1.0, 2.0, 3.0]
    (defect,) = joined.defects
    assert (defect.kind, defect.count) == (DefectKind.RESTATED, 1)
    assert defect.first == datetime(2024, 1, 2, tzinfo=UTC)


def test_columns_of_other_lengths_and_times_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="expected rising times"):
        points([1.0, 2.0], [1, 1])
    with pytest.raises(ValueError, match="expected 1 rows in every column"):
        points([1.0, 2.0], [1])


def test_the_newest_contract_counts_the_largest_of_a_day_and_none_is_added() -> None:
    small = points([5.0, 1.0], [0, 2])
    large = points([3.0, 4.0], [0, 2], "BTCUSD_PERP")
    ended = points([99.0], [1], "BTCUSDC")
    everything = [small, large, ended]
    newest = open_interest_of(everything, "binance", "BTC", datetime(2024, 2, 1, tzinfo=UTC))
    assert isinstance(newest, OpenInterest)
    assert (newest.value, newest.series.id.symbol) == (4.0, "BTCUSD_PERP")
    assert newest.others == ("BTCUSDC", "BTCUSDT")
    first = open_interest_of(everything, "binance", "BTC", FIRST)
    assert isinstance(first, OpenInterest)
    assert first.value == 5.0
    assert open_interest_of(everything, "okx", "BTC", FIRST) == Unknown(
        "no open interest of okx on BTC by 2024-01-01"
    )


def swap(id_: str, payoff: Payoff = Payoff.LINEAR, expiry: date | None = None) -> Instrument:
    return Instrument("binance", "BTC", id_, Underlying("BTC"), "USDT", "USDT", payoff, expiry)


def test_a_contract_has_the_newest_of_its_own_symbol_and_of_the_name_of_its_coin() -> None:
    own, coin = points([5.0, 6.0], [0, 2]), points([7.0, 8.0], [1, 2], "BTC")
    other = points([99.0], [9], "BTCUSD_PERP")
    everything = [other, coin, own]

    def known(instrument: Instrument, day: int) -> float:
        found = contract_open_interest(everything, instrument, FIRST + timedelta(days=day))
        assert isinstance(found, OpenInterest)
        return found.value

    linear = swap("BTCUSDT")
    assert [known(linear, day) for day in (0, 1, 2)] == [5.0, 7.0, 6.0]
    assert known(swap("BTCUSD_PERP", Payoff.INVERSE), 9) == 99.0
    unknown = Unknown("open interest was not observed")
    for instrument in (swap("BTCUSDC_X", Payoff.INVERSE), swap("BTC_1", expiry=date(2024, 6, 1))):
        at = FIRST + timedelta(days=9)
        assert contract_open_interest(everything, instrument, at) == unknown
    assert contract_open_interest([own], linear, FIRST - timedelta(days=1)) == unknown


def test_contracts_margined_in_coins_are_noted_as_no_level_of_their_venue() -> None:
    notes = [note for file in file_table.bundled().points for _, note in file.notes]
    assert sum(NO_LEVEL in note for note in notes) == 2


def test_funding_is_the_longest_series_paid_so_far() -> None:
    long = points([0.1, 0.2, 0.3], [0, 1, 2], quantity=Quantity.FUNDING)
    short = points([0.5], [5], "BTC", Quantity.FUNDING)
    paid = funding_of([short, long], "binance", "BTC", datetime(2024, 1, 2, tzinfo=UTC))
    assert isinstance(paid, PointSeries)
    assert paid.values.tolist() == [0.1, 0.2]
    assert isinstance(funding_of([short], "binance", "BTC", FIRST), Unknown)


def book(bids: list[list[float]], asks: list[list[float]]) -> Book:
    underlying = Underlying("PEPE", 1000)
    return Book(
        "binance", "1000PEPEUSDT", underlying, FIRST, np.array(bids), np.array(asks), 10.0, "a"
    )


def test_a_book_is_restored_bit_by_bit() -> None:
    original = book([[1.1, 2.0], [1.0, 3.5]], [[1.2, 1.0]])
    payload = book_payload(original, PROVENANCE)
    restored = decode_book(payload)
    assert microseconds(payload.observed_at) == START
    np.testing.assert_array_equal(restored.bids, original.bids)
    np.testing.assert_array_equal(restored.asks, original.asks)
    assert (restored.underlying, restored.contract_usd) == (original.underlying, 10.0)
    assert restored.mid == pytest.approx(1.15)


def test_levels_out_of_order_are_refused() -> None:
    with pytest.raises(BookError, match="bids: expected levels from the best price on"):
        book([[1.0, 2.0], [1.1, 3.5]], [[1.2, 1.0]])


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("unit: percent", "unit: USD", "USD is none of funding"),
        ("unit: percent", "unit: pips", "expected one of USD, fraction, percent, found 'pips'"),
        ("quantity: open interest", "quantity: volume", "expected one of open interest, funding"),
        ("size: coins", "size: contracts", "expected a number for contracts, null for coins"),
        ("    layout: bybit\n", "", "expected exactly the keys"),
        ('partial_day: "2025-10-26"', 'partial_day: "26 October"', "cannot be read"),
    ],
)
def test_a_faulty_table_of_files_is_refused_with_its_place(
    old: str, new: str, problem: str
) -> None:
    path = Path(file_table.__file__).with_name("market_files.yaml")
    text = path.read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(YamlSourceError, match=problem) as raised:
        file_table.parse(text.replace(old, new, 1), "t.yaml")
    assert str(raised.value).startswith("t.yaml:")
