"""Rows of a venue: signs for "no end", numbers that are none, and rows that cannot be read."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
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
from harmonize.core.schedule import INFINITY
from venues.fields import JsonObject, build_defect, read_rows, upper_bound

NO_END = [
    None,
    "",
    0,
    "0",
    "0.0",
    Decimal("0.00"),
    -1,
    "-1",
    2**63 - 1,
    str(2**63 - 1),
    "9223372036854775807.00",
    Decimal("9.223372036854775807E+18"),
    Decimal("9.223372036854776E18"),
    9223372036854776000,
    "9.2e18",
    2**64 - 1,
    10**30,
    "1e30",
    "1E+999",
    "Infinity",
]


@pytest.mark.parametrize("published", NO_END)
def test_signs_for_no_end_are_an_infinite_bound(published: object) -> None:
    assert upper_bound({"cap": published}, "cap", "/0") == INFINITY


@pytest.mark.parametrize(
    ("published", "bound"),
    [
        (2**31 - 1, Decimal(2**31 - 1)),
        ("50000", Decimal(50000)),
        (Decimal("0.5"), Decimal("0.5")),
        ("1e15", Decimal("1e15")),
    ],
)
def test_other_positive_numbers_are_the_bound(published: object, bound: Decimal) -> None:
    assert upper_bound({"cap": published}, "cap", "/0") == bound


@pytest.mark.parametrize(
    "published", [-2, "-0.5", "1e16", 10**18, "NaN", "-Infinity", "-1e30", True, False, [], {}, "x"]
)
def test_what_is_neither_a_bound_nor_a_sign_is_refused_with_its_pointer(published: object) -> None:
    with pytest.raises(UnreadablePayloadError) as caught:
        upper_bound({"a/cap": published}, "a/cap", "/0")
    assert caught.value.where == "/0/a~1cap"
    assert "expected" in caught.value.reason


def test_a_missing_bound_is_no_end_only_where_the_caller_says_so() -> None:
    assert upper_bound({}, "cap", "/0", open_ended_if_missing=True) == INFINITY
    with pytest.raises(UnreadablePayloadError, match="/0/cap: missing"):
        upper_bound({}, "cap", "/0")


def _payload(document: object) -> Payload:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    provenance = Provenance(Origin.LIVE, "a test", "written today")
    return Payload.of("okx", Call("getRows"), at, provenance, json.dumps(document).encode())


def _rate(_: Payload, row: JsonObject, __: str) -> Iterator[object]:
    yield {"USDT": 1, "USD": 2}[row["settle"]]  # type: ignore[index]  # the fault under test


def test_a_row_that_no_reader_expects_is_its_own_defect_and_the_others_are_read() -> None:
    rows = [
        {"symbol": "A", "settle": "USDT"},
        {"symbol": "B", "settle": "KCS"},
        {"symbol": ["C"], "settle": []},
        "D",
        {"symbol": "E", "settle": "USD"},
    ]
    defects: list[Defect] = []
    assert read_rows([_payload({"data": rows})], ("data",), _rate, defects) == [1, 2]
    assert [(defect.symbol, defect.where) for defect in defects] == [
        ("B", "getRows() at /data/1"),
        ("", "getRows() at /data/2"),
        ("", "getRows() at /data/3"),
    ]
    assert [defect.reason for defect in defects][::2] == [
        "cannot be read: KeyError: 'KCS'",
        "expected an object, found 'D'",
    ]
    assert defects[1].reason.startswith("cannot be read: TypeError: ")


def test_the_reason_of_a_defect_is_one_short_line_however_long_the_value_is() -> None:
    error = UnreadablePayloadError(where="/0", reason="expected a date, found " + "9" * 5000)
    defect = build_defect(_payload({}), error, "A", "/1")
    assert defect.where == "getRows() at /0"
    assert len(defect.reason) == 300
    assert defect.reason.startswith("expected a date, found 9")
    assert str(defect) == f"okx A: getRows() at /0: {defect.reason}"
