"""Coinbase International: only perpetual futures are read, by kind and settlement period."""

import pytest

from tests.support.answers import answer, read
from venues.exchanges import coinbaseinternational

PERPETUAL = {
    "instrument_name": "AAVE_USDC-PERPETUAL",
    "kind": "future",
    "settlement_period": "perpetual",
    "state": "open",
    "is_active": True,
    "base_currency": "AAVE",
    "quote_currency": "USDC",
    "settlement_currency": "USDC",
    "max_leverage": 50,
}


@pytest.mark.parametrize(
    ("change", "count"),
    [
        ({}, 1),
        ({"kind": "spot"}, 0),
        ({"kind": "option"}, 0),
        ({"settlement_period": "month"}, 0),
        ({"settlement_period": "week"}, 0),
        ({"kind": "option", "settlement_period": "day"}, 0),
        ({"is_active": False}, 0),
        ({"state": "closed"}, 0),
    ],
)
def test_only_open_perpetual_futures_have_a_schedule(change: dict[str, object], count: int) -> None:
    row = {**PERPETUAL, **change}
    parsed = read(
        answer("coinbaseinternational", coinbaseinternational.INSTRUMENTS, {"result": [row]})
    )
    assert len(parsed.schedules) == count
    assert parsed.defects == ()
