"""Facts by which published numbers become margin: until when they hold, and what supports them."""

from datetime import date
from importlib.resources import files

import pytest

from harmonize.core.instrument import Payoff
from harmonize.core.schedule import Derived, Known, MarginMode, MarginSchedule, Unknown
from harmonize.core.yaml_source import YamlSourceError
from tests.support import recorded
from tests.support.answers import answer, only
from venues.exchanges import whitebit
from venues.facts import Confidence, Sizes, VenueFact, bundled, parse


def fact(venue: str, day: date, payoff: Payoff = Payoff.LINEAR) -> VenueFact:
    found = bundled().find(venue, payoff, MarginMode.CROSS, day)
    assert found is not None
    return found


def test_htx_factors_hold_until_a_live_position_contradicts_them() -> None:
    """0.21455394 of 63.1041 is 0.34 % at 20x; as a factor of IM that is 0.068."""
    assert fact("htx", date(2026, 6, 7)).confidence is Confidence.SOURCED
    for mode in (MarginMode.CROSS, MarginMode.ISOLATED):
        assert bundled().find("htx", Payoff.LINEAR, mode, date(2026, 6, 8)) is None
    assert "0.068" in fact("htx", date(2026, 6, 7)).source
    assert round(0.21455394 / 63.1041 * 20, 3) == 0.068


@pytest.mark.parametrize(
    ("venue", "payoff", "confidence", "source"),
    [
        ("krakenfutures", Payoff.LINEAR, Confidence.INFERRED, "360022632452"),
        ("mexc", Payoff.LINEAR, Confidence.SECONDARY, "360042505971"),
        ("deribit", Payoff.LINEAR, Confidence.SOURCED, "in USDC or USDT"),
        ("cryptocom", Payoff.LINEAR, Confidence.SOURCED, "help.crypto.com 4894436"),
        ("pacifica", Payoff.LINEAR, Confidence.SOURCED, "market specifications"),
        ("backpack", Payoff.LINEAR, Confidence.INFERRED, "No page states the argument"),
        ("whitebit", Payoff.LINEAR, Confidence.SOURCED, "3 % for leverage of 1 to 10"),
    ],
)
def test_a_fact_names_the_page_that_supports_it(
    venue: str, payoff: Payoff, confidence: Confidence, source: str
) -> None:
    found = fact(venue, date(2026, 8, 1), payoff)
    assert found.confidence is confidence
    assert source in found.source


def test_pacificas_26_schedules_have_both_margins_with_mm_as_the_least() -> None:
    schedules = recorded.schedules("pacifica")
    assert len(schedules) == 26
    for schedule in schedules:
        assert isinstance(schedule.initial, Known)
        assert isinstance(schedule.maintenance, Derived)
        assert schedule.maintenance.verified
        assert "at the chosen or at the maximum leverage" in schedule.maintenance.derivation
        assert schedule.exclusion_reason == ""


def whitebit_market(**brackets: int) -> MarginSchedule:
    market = {
        "ticker_id": "XYZ_PERP",
        "stock_currency": "XYZ",
        "money_currency": "USDT",
        "brackets": {key.removeprefix("x"): amount for key, amount in brackets.items()},
    }
    return only(answer("whitebit", whitebit.FUTURES, {"result": [market]}))


def test_whitebit_states_mm_for_leverage_up_to_ten_only() -> None:
    up_to_ten = whitebit_market(x1=50_000, x5=5_000, x10=1_000, x20=0)
    assert isinstance(up_to_ten.maintenance, Known)
    assert up_to_ten.maintenance.value.margin(10_000.0) == 300.0
    above = whitebit_market(x1=50_000, x10=5_000, x20=1_000)
    assert above.maintenance == Unknown(whitebit.NO_MAINTENANCE_ABOVE_10X)


def test_whitebit_brackets_are_amounts_in_the_quote_currency() -> None:
    for schedule in recorded.schedules("whitebit"):
        assert isinstance(schedule.initial, Known)
        assert isinstance(schedule.maintenance, Unknown)


def test_deribit_bitcoin_in_usdt_has_the_slopes_of_the_page_on_linear_contracts() -> None:
    """2 % and 0.005 % per coin of IM, 1 % and 0.005 % of MM."""
    in_usdt = recorded.schedule("deribit", "BTC/USDT:USDT")
    inverse = recorded.schedule("deribit", "BTC/USD:BTC")
    for own, other in (
        (in_usdt.initial, inverse.initial),
        (in_usdt.maintenance, inverse.maintenance),
    ):
        assert isinstance(own, Derived)
        assert isinstance(other, Derived)
        assert own.value == other.value
    assert in_usdt.exclusion_reason == ""
    ether = recorded.schedule("deribit", "ETH/USDT:USDT")
    assert ether.exclusion_reason, "no slope of ETH in USDC was read"


def test_backpacks_argument_of_the_root_is_unseen() -> None:
    for schedule in recorded.schedules("backpack"):
        assert isinstance(schedule.initial, Derived)
        assert not schedule.initial.verified
        assert "open orders at mark" in schedule.initial.derivation


@pytest.mark.parametrize(
    ("venue", "day", "sizes"),
    [
        ("dydx", date(2026, 8, 1), Sizes.ALL),
        ("lighter", date(2026, 8, 1), Sizes.ALL),
        ("pacifica", date(2026, 8, 1), Sizes.ALL),
        ("weex", date(2026, 8, 1), Sizes.MAXIMUM_LEVERAGE),
        ("bigone", date(2026, 8, 1), Sizes.FIRST_TIER),
        ("woo", date(2026, 8, 1), Sizes.LOWEST_RATES),
        ("coinbaseinternational", date(2025, 12, 31), Sizes.LOWEST_RATES),
        ("coinbaseinternational", date(2026, 1, 1), Sizes.MAXIMUM_LEVERAGE),
        ("binance", date(2026, 8, 1), Sizes.TIERS),
    ],
)
def test_a_fact_states_the_sizes_of_rates_without_a_bound(
    venue: str, day: date, sizes: Sizes
) -> None:
    assert fact(venue, day).sizes is sizes


def test_unknown_sizes_are_refused_at_their_place() -> None:
    (row, *_) = (
        files("venues").joinpath("facts.yaml").read_text(encoding="utf-8").split("- venue: ")[1:]
    )
    with pytest.raises(
        YamlSourceError, match=r"facts.yaml:1:\d+: sizes: expected one of all sizes"
    ):
        parse(f"- venue: {row}  sizes: some\n", "facts.yaml")
    (held,) = parse(f"- venue: {row}  sizes: all sizes\n", "facts.yaml").rows
    assert held.sizes is Sizes.ALL
