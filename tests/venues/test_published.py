"""Published numbers as they stand in an answer: their kind, and texts that are none."""

from decimal import Decimal

import pytest

from venues.published import ColumnKind, as_number, column_kind


@pytest.mark.parametrize(
    ("quantity", "unit", "kind"),
    [
        ("upper", "USDT", ColumnKind.AMOUNT),
        ("upper", "quote currency", ColumnKind.AMOUNT),
        ("upper", "not stated", ColumnKind.AMOUNT),
        ("capacity", "contracts", ColumnKind.AMOUNT),
        ("capacity", "coins", ColumnKind.AMOUNT),
        ("initial", "rate", ColumnKind.RATE),
        ("initial", "1/10000", ColumnKind.RATE),
        ("initial slope", "rate per coins", ColumnKind.RATE),
        ("initial slope", "percent per USD", ColumnKind.RATE),
        ("exponent", "number", ColumnKind.RATE),
        ("initial", "leverage", ColumnKind.LEVERAGE),
        ("mark price", "USD", ColumnKind.OTHER),
        ("open interest", "contracts", ColumnKind.OTHER),
        ("funding", "rate", ColumnKind.OTHER),
        ("upper", "id", ColumnKind.OTHER),
    ],
)
def test_the_unit_decides_how_a_number_may_change(
    quantity: str, unit: str, kind: ColumnKind
) -> None:
    assert column_kind(quantity, unit) is kind


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        ("0.01", Decimal("0.01")),
        (5, Decimal(5)),
        (Decimal("1e14"), Decimal("1e14")),
        (-3, Decimal(-3)),
        ("1e15", None),
        (-(10**15), None),
        (2**63 - 1, None),
        ("Infinity", None),
        ("NaN", None),
        ("", None),
        ("x", None),
        (True, None),
        (None, None),
        ([1], None),
    ],
)
def test_a_number_is_below_the_sizes_that_stand_for_no_end(
    raw: object, number: Decimal | None
) -> None:
    assert as_number(raw) == number
