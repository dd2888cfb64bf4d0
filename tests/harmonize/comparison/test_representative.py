"""Representative schedule of a venue: each step of the rule, with all earlier steps equal."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from harmonize.comparison.representative import RULE, preferred
from harmonize.core.instrument import Payoff
from harmonize.core.payload import Origin
from harmonize.core.schedule import Known, MarginMode, MarginSchedule, Profile, Unknown
from tests.support import recorded

BASE = recorded.schedule("binance", "BTC/USDT:USDT")


def listed(**changes: object) -> MarginSchedule:
    return replace(BASE, instrument=replace(BASE.instrument, **changes))  # type: ignore[arg-type]


WORSE = {
    "not trading": replace(BASE, not_trading="expired on 2026-06-26, before the audit's date"),
    "dated": listed(expiry=date(2026, 12, 25)),
    "a former code": listed(has_former_code=True),
    "one margin unknown": replace(BASE, maintenance=Unknown("x")),
    "conditional on a leverage": replace(
        BASE, profile=Profile(MarginMode.ANY, chosen_leverage="20")
    ),
    "inverse": listed(payoff=Payoff.INVERSE),
    "documentation": replace(BASE, origin=Origin.DOCUMENTATION),
    "isolated": replace(BASE, profile=Profile(MarginMode.ISOLATED)),
    "an account class": replace(BASE, profile=Profile(MarginMode.ANY, "retail")),
    "another settlement": listed(settle="USDC"),
    "smaller": replace(BASE, capacity=Known(Decimal(1000))),
    "older": replace(BASE, observed_at=BASE.observed_at - timedelta(days=1)),
    "later in the alphabet": listed(symbol="BTC/USDT:USDT-Z"),
}


@pytest.mark.parametrize("step", WORSE)
def test_each_step_of_the_rule_decides_where_the_others_are_equal(step: str) -> None:
    assert preferred([WORSE[step], BASE]) is BASE
    assert preferred([BASE, WORSE[step]]) is BASE


def test_an_earlier_step_outweighs_all_later_ones() -> None:
    steps = list(WORSE)
    for earlier, later in pairwise(steps):
        assert preferred([WORSE[earlier], WORSE[later]]) is WORSE[later], (earlier, later)


def test_the_text_of_the_rule_has_the_order_in_which_it_is_applied() -> None:
    words = (
        "that trades",
        "perpetual",
        "observable",
        "leverage",
        "linear",
        "recorded",
        "cross",
        "account",
        "USDT",
    )
    positions = [RULE.index(word) for word in (*words, "capacity", "newest", "the symbol")]
    assert positions == sorted(positions)
