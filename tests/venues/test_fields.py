"""Numbers in a venue's rows: signs for "no end", and numbers that are none."""

from decimal import Decimal

import pytest

from harmonize.core.payload import UnreadablePayloadError
from harmonize.core.schedule import INFINITY
from venues.fields import upper_bound

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
