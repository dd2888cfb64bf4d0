"""Rows of distances: which of several reasons is stated, and what is included in statistics."""

from dataclasses import replace

import pytest

from harmonize.core.payload import Column, Evidence
from harmonize.core.schedule import FeeAddOn, Unknown
from harmonize.liquidation.distance import LiquidationTerms, margin_basis
from harmonize.liquidation.price import MarginBasis
from tests.harmonize.liquidation.test_distance import TIERED, rows

UNSTATED_FEE = replace(TIERED, fee=FeeAddOn("not stated", Unknown("not published")))


def test_the_reason_for_no_distance_is_not_replaced_by_one_about_the_fee() -> None:
    equal, largest = rows(UNSTATED_FEE, LiquidationTerms(1100.0, leverage=20.0))
    assert equal.reason == "allows at most 10x at that size"
    assert largest.reason == "the venue does not state whether it adds a fee"


@pytest.mark.parametrize(("exclusion", "included"), [("", True), ("only part is published", False)])
def test_an_excluded_schedule_has_a_row_that_is_not_included(
    exclusion: str, *, included: bool
) -> None:
    schedule = replace(TIERED, exclusion_reason=exclusion)
    found = rows(schedule, LiquidationTerms(500.0, leverage=10.0))
    assert [row.included for row in found] == [included] * len(found)


def test_margins_without_published_bounds_follow_the_value() -> None:
    assert TIERED.evidence == () or all(not row.columns for row in TIERED.evidence)
    assert margin_basis(TIERED, {}) is MarginBasis.VALUE


@pytest.mark.parametrize(
    ("units", "basis"),
    [
        (("contracts", "coins"), MarginBasis.QUANTITY),
        (("contracts", "quote currency"), MarginBasis.VALUE),
        (("coins", "quote currency"), MarginBasis.VALUE),
    ],
)
def test_bounds_in_several_units_are_quantities_only_if_all_are(
    units: tuple[str, str], basis: MarginBasis
) -> None:
    columns = tuple(
        Column(quantity, f"/{quantity}", unit)
        for quantity, unit in zip(("upper", "lower"), units, strict=True)
    )
    schedule = replace(TIERED, evidence=(Evidence("0" * 64, ("/0",), columns),))
    assert margin_basis(schedule, {}) is basis
