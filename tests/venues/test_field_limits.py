"""Numbers and texts of a row at the limits of what is readable, and lists that are empty."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from harmonize.core.payload import (
    Call,
    Defect,
    Origin,
    Payload,
    Provenance,
    UnreadablePayloadError,
)
from venues import fields
from venues.fields import JsonObject

AT = datetime(2026, 3, 1, tzinfo=UTC)


def payload(document: object) -> Payload:
    provenance = Provenance(Origin.LIVE, "a test", "written today")
    return Payload.of("okx", Call("getRows"), AT, provenance, json.dumps(document).encode())


def fault(reader: Callable[[JsonObject, str, str], object], value: object) -> str:
    with pytest.raises(UnreadablePayloadError) as caught:
        reader({"a/b": value}, "a/b", "/0")
    assert caught.value.where == "/0/a~1b"
    return caught.value.reason


@pytest.mark.parametrize("value", ["0", 0, "1e-18", "1e15", 10**15, Decimal("0.1"), "1"])
def test_numbers_from_zero_to_a_quadrillion_are_read(value: str | int | Decimal) -> None:
    assert fields.number({"n": value}, "n", "/0") == Decimal(value)


@pytest.mark.parametrize("value", ["9e-19", "1.1e15", -1, "-1e-18", "Infinity"])
def test_other_numbers_are_out_of_range(value: object) -> None:
    assert fault(fields.number, value) == (
        f"expected 0 or a number from 1e-18 to 1e15, found {value!a}"
    )


@pytest.mark.parametrize(
    ("value", "found"),
    [(True, "True"), (None, "nothing"), ("x", "'x'"), ("NaN", "'NaN'"), ([1], "[1]"), ("", "''")],
)
def test_what_is_no_number_is_named(value: object, found: str) -> None:
    assert fault(fields.number, value) == f"expected a number, found {found}"


def test_zero_is_no_number_above_zero_and_two_is_no_rate() -> None:
    assert fault(fields.positive_number, "0.0") == "expected a number above 0, found 0"
    assert fault(fields.rate, "1.0001") == "expected a rate of at most 1, found 1.0001"
    assert fault(fields.rate, 0) == "expected a number above 0, found 0"
    assert fields.rate({"r": "1"}, "r", "") == 1


@pytest.mark.parametrize(
    ("share", "is_end"), [("1.003", True), ("1.0031", False), ("0.997", True), ("0.9969", False)]
)
@pytest.mark.parametrize("largest", [2**63, 2**64])
def test_a_rounded_largest_integer_is_within_three_thousandths(
    largest: int, share: str, *, is_end: bool
) -> None:
    value = str(Decimal(largest) * Decimal(share))
    if is_end:
        assert fields.upper_bound({"b": value}, "b", "").is_infinite()
    else:
        fault(fields.upper_bound, value)


@pytest.mark.parametrize("value", [2, "2"])
def test_a_tiers_number_is_a_number_or_its_text(value: object) -> None:
    fields.check_tier_number({"t": value}, "t", 2, "/0")
    with pytest.raises(UnreadablePayloadError, match=r"/0/t: expected tier 3, found '?2'?"):
        fields.check_tier_number({"t": value}, "t", 3, "/0")


@pytest.mark.parametrize("value", ["", None, 5, "a\x00", "a\N{REPLACEMENT CHARACTER}", "\n"])
def test_a_text_is_printable_and_not_empty(value: object) -> None:
    assert fault(fields.text_value, value).startswith("expected text, found ")


@pytest.mark.parametrize(("value", "missing"), [(None, True), ("", True), (0, False), ("0", False)])
def test_null_and_an_empty_text_are_missing_and_zero_is_not(
    value: object, *, missing: bool
) -> None:
    assert fields.is_missing({"k": value}, "k") is missing
    assert (fields.optional_number({"k": value}, "k", "") is None) is missing
    assert fields.is_missing({}, "k")


def test_times_are_dates_in_utc() -> None:
    last: JsonObject = {"t": 1_772_323_199_999}  # 2026-02-28 23:59:59.999
    assert fields.date_of_milliseconds(last, "t", "") == date(2026, 2, 28)
    assert fields.date_of_milliseconds({"t": "1772323200000"}, "t", "") == date(2026, 3, 1)
    assert fault(fields.date_of_milliseconds, "1e15").startswith("expected a time in milliseconds")
    assert fields.iso_date({"t": "2026-03-01T23:00:00+00:00"}, "t", "") == date(2026, 3, 1)
    assert fault(fields.iso_date, "soon") == "expected an ISO 8601 date, found 'soon'"


def test_a_path_leads_through_objects_and_positions_of_lists() -> None:
    document = {"a": [{"b": 1}, {"b": 2}], "0": "zero"}
    assert fields.value_at(document, "a", "1", "b") == (2, "/a/1/b")
    assert fields.value_at(document, "0") == ("zero", "/0")
    assert fields.value_at(document) == (document, "")
    for keys, where, reason in (
        (("a", "2"), "/a", "expected an object"),
        (("a", "x"), "/a", "expected an object"),
        (("c",), "/c", "missing"),
        (("a", "0", "c"), "/a/0/c", "missing"),
    ):
        with pytest.raises(UnreadablePayloadError, match=reason) as caught:
            fields.value_at(document, *keys)
        assert caught.value.where == where


def build(_: Payload, row: JsonObject, pointer: str) -> Iterator[str]:
    yield f"{pointer} {row['symbol']}"


def test_a_row_alone_stands_for_its_list() -> None:
    defects: list[Defect] = []
    alone = payload({"data": {"symbol": "A"}})
    assert fields.read_rows([alone], ("data",), build, defects) == ["/data A"]
    listed = payload({"data": [{"symbol": "A"}, {"symbol": "B"}]})
    assert fields.read_rows([listed], ("data",), build, defects) == ["/data/0 A", "/data/1 B"]
    assert defects == []
    other = payload({"data": {"name": "A"}})
    assert fields.read_rows([other, listed], ("data",), build, defects) == [
        "/data/0 A",
        "/data/1 B",
    ]
    assert [(own.where, own.reason.partition(",")[0]) for own in defects] == [
        ("getRows() at /data", "expected a list")
    ]


@pytest.mark.parametrize(
    ("read", "empty", "reason"),
    [
        (fields.read_rows, [], "the list is empty"),
        (fields.read_members, {}, "the object is empty"),
        (fields.read_members, [], "expected an object, found []"),
    ],
)
def test_an_empty_list_of_margins_is_a_defect(
    read: Callable[..., list[str]], empty: object, reason: str
) -> None:
    defects: list[Defect] = []
    assert read([payload({"data": empty})], ("data",), build, defects) == []
    assert [(own.venue, own.where, own.reason) for own in defects] == [
        ("okx", "getRows() at /data", reason)
    ]


def test_members_of_an_object_are_rows_under_their_names() -> None:
    defects: list[Defect] = []
    document = payload({"A/B": {"symbol": "X"}, "C": 5})
    assert fields.read_members([document], (), build, defects) == ["/A~1B X"]
    assert [(own.where, own.reason) for own in defects] == [
        ("getRows() at /C", "expected an object, found 5")
    ]


def test_a_market_without_contracts_is_left_out_and_an_unreadable_one_is_kept() -> None:
    empty, full, other = payload({"d": []}), payload({"d": [1]}), payload({"e": []})
    assert fields.non_empty([empty, full, other], "d") == [full, other]
