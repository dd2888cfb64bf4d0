"""Checks of live schedules at their limits: leverage against rates, and prices of one row."""

from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from harmonize.core.schedule import Unknown
from tests.support.altered_snapshots import altered
from tests.venues.test_plausibility import live, read
from venues import plausibility
from venues.plausibility import Breach
from venues.published import Documents, PublishedPrice

TIERS = "publicGetPublicPositionTiers"


@pytest.mark.parametrize(
    ("product", "passes"),
    [("0.6", True), ("0.59", False), ("1", True), ("1.6", True), ("1.61", False)],
)
def test_leverage_times_the_initial_rate_is_from_three_fifths_to_eight_fifths(
    product: str, *, passes: bool
) -> None:
    def change(document: Any) -> None:
        row = document["data"][0]
        row["maxLever"] = "100"
        row["imr"], row["mmr"] = str(Decimal(product) / 100), "0.001"

    snapshot = altered(live("okx"), TIERS, change)
    id_ = snapshot.answers(TIERS)[0]
    parsed = read(snapshot)
    (reasons) = [defect.reason for defect in parsed.defects]
    contradiction = f"maximum leverage 100 contradicts the IM rate {Decimal(product) / 100:f}"
    assert reasons == ([] if passes else [contradiction]), id_.call
    assert any(isinstance(own.initial, Unknown) for own in parsed.schedules) is not passes


def breach(row: object, pointer: str = "/0/markPrice", price: str = "100") -> Breach | None:
    """Returns what is wrong with a mark price among the other fields of its row."""
    documents = Documents(MappingProxyType({"a": [row]}), MappingProxyType({}))
    prices = (PublishedPrice("mark price", Decimal(price), "a", pointer),)
    return plausibility._price_disagreement(prices, documents)  # noqa: SLF001 - no venue has all rows


@pytest.mark.parametrize(
    ("others", "disagrees"),
    [
        ({"indexPrice": "130"}, False),
        ({"indexPrice": "131"}, True),
        ({"indexPrice": "77"}, False),
        ({"indexPrice": "76"}, True),
        ({"indexPx": "131"}, True),
        ({"lastPrice": "50", "indexPrice": "100", "fairPrice": "101"}, False),
        ({"lastPrice": "50", "indexPrice": "49", "fairPrice": "101"}, True),
        ({"price": "50"}, False),
        ({"index": "50"}, False),
        ({"markPriceTick": "0.1"}, False),
        ({"lastPriceLimit": "500"}, False),
        ({"lastPriceTime": "1700000000"}, False),
        ({"indexPrice": None}, False),
        ({"indexPrice": "0"}, False),
        ({}, False),
    ],
)
def test_a_price_is_within_three_tenths_of_the_others_in_its_row(
    others: dict[str, object], *, disagrees: bool
) -> None:
    found = breach({"markPrice": "100", **others})
    assert (found is not None) == disagrees
    if found is not None:
        assert found.where == "/0/markPrice"
        assert found.reason.startswith("the mark price is 100, other prices in its row are ")


def test_a_price_without_a_row_of_its_own_is_not_compared() -> None:
    assert breach("100", "/0") is None
    assert breach({"markPrice": "100", "indexPrice": "1"}, "/1/markPrice") is None
    assert breach({"markPrice": "0", "indexPrice": "1"}, price="0") is None
