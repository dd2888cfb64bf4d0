"""Published numbers behind a margin: those of the tier that contains the position."""

import json
from dataclasses import replace
from decimal import Decimal as D

import pytest

from harmonize.comparison.margin_sources import PayloadReader
from harmonize.core.payload import (
    Call,
    Column,
    Conversion,
    Evidence,
    Factor,
    Origin,
    Payload,
    Provenance,
)
from harmonize.core.schedule import MarginSchedule
from tests.harmonize.checks.examples import NOW, flat_schedule

TIERS = [{"max": "100", "imr": 0.10, "steps": [1, 2.5]}, {"max": "300", "imr": 0.20}]
PAYLOAD = Payload.of(
    "okx",
    Call("tiers"),
    NOW,
    Provenance(Origin.RECORDED, "an archive of the tests", "stated"),
    json.dumps({"tiers": TIERS, "price": 2.5}).encode(),
)
PRICE = Factor("price of BTC", D("2.5"), "USD", PAYLOAD.sha256, "/price", NOW, Origin.RECORDED)
COLUMNS = (
    Column("upper", "/max", "coins"),
    Column("initial", "/imr", "rate"),
    Column("steps", "/steps", "rate"),
)


def with_rows(*rows: str, price: Factor | None = PRICE) -> MarginSchedule:
    conversion = Conversion("coins times price", (price,)) if price else None
    evidence = Evidence(PAYLOAD.sha256, rows, COLUMNS, conversion)
    schedule = flat_schedule((100, "0.1", "0.05"), (300, "0.2", "0.1"))
    return replace(schedule, evidence=(evidence, evidence))


@pytest.mark.parametrize(
    ("notional", "numbers"),
    [
        (1.0, [("upper", "100"), ("initial", "0.1"), ("steps", '[1, "2.5"]')]),
        (100.0, [("upper", "100"), ("initial", "0.1"), ("steps", '[1, "2.5"]')]),
        (100.1, [("upper", "300"), ("initial", "0.2")]),  # this row has no steps
        (900.0, [("upper", "300"), ("initial", "0.2")]),
    ],
)
def test_the_numbers_are_those_of_the_tier(notional: float, numbers: list[tuple[str, str]]) -> None:
    reader = PayloadReader({PAYLOAD.sha256: PAYLOAD})
    sources = reader.sources(with_rows("/tiers/0", "/tiers/1"), notional)
    assert [(x.quantity, x.published) for x in sources] == [*numbers, ("price of BTC", "2.5")]
    assert {x.sha256 for x in sources} == {PAYLOAD.sha256}
    assert {(x.call, x.source) for x in sources} == {("tiers()", "an archive of the tests")}
    assert sources[-1].pointer == "/price"


def test_one_row_for_all_sizes_is_always_named() -> None:
    reader = PayloadReader({PAYLOAD.sha256: PAYLOAD})
    sources = reader.sources(with_rows("/tiers/1", price=None), 50.0)
    assert [x.pointer for x in sources] == ["/tiers/1/max", "/tiers/1/imr"]
