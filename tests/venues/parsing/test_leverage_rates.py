"""IM where a venue prints a rate and a maximum leverage: N / leverage if the rate is a rounding."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.core.payload import UnreadablePayloadError
from harmonize.core.schedule import MarginSchedule, value_of
from tests.support import recorded
from tests.support.answers import answer, only
from venues.exchanges import xt
from venues.fields import JsonObject
from venues.parsing.leverage_rates import exact_rate, has_leverage, initial_rate, leverage_columns


@pytest.mark.parametrize(
    ("printed", "leverage"),
    [
        ("0.0133", "75"),
        ("0.0133", "75.00"),
        ("0.01333333", "75"),
        ("0.0222", "45"),
        ("0.0667", "15"),  # rounded up
        ("0.0666", "15"),  # cut off
        ("0.33", "3"),
        ("0.667", "1.5"),
        ("0.00333333", "300"),
        ("0.294", "3.4"),
    ],
)
def test_a_rate_that_is_a_rounding_is_one_by_leverage(printed: str, leverage: str) -> None:
    rate = exact_rate(Decimal(printed), Decimal(leverage))
    assert abs(Fraction(rate) * Fraction(leverage) - 1) < Fraction(1, 10**25)


@pytest.mark.parametrize(
    ("printed", "leverage"),
    [
        ("0.014", "75"),  # rounded up by more than half a digit: no rounding of 1 / 75
        ("0.0134", "75"),
        ("0.013300", "75"),  # printed with six digits, which 1 / 75 does not have
        ("0.18", "5.56"),  # the leverage is a rounding of 1 / 0.18
        ("0.015", "66.66"),
        ("0.035", "28.57"),
        ("0.135", "7.4"),
        ("0.1025", "9.75"),
        ("0.02", "60"),  # one digit proves nothing
        ("0.02", "50"),
        ("0.0125", "80"),
        ("0.01", "0"),
    ],
)
def test_any_other_rate_stands_as_printed(printed: str, leverage: str) -> None:
    assert exact_rate(Decimal(printed), Decimal(leverage)) == Decimal(printed)


@given(st.integers(1, 500), st.integers(2, 8))
def test_every_whole_leverage_is_found_behind_its_printed_rate(leverage: int, places: int) -> None:
    printed = round(Decimal(1) / leverage, places)
    rate = exact_rate(printed, Decimal(leverage))
    assert rate in {printed, Decimal(1) / leverage}
    if len(printed.normalize().as_tuple().digits) > len(str(leverage).rstrip("0")):
        assert rate == Decimal(1) / leverage


def test_without_a_leverage_the_printed_rate_stands() -> None:
    printed = Decimal("0.0133")
    rows: list[JsonObject] = [{}, {"lever": None}, {"lever": ""}, {"lever": 0}, {"lever": "0"}]
    for row in rows:
        assert initial_rate(printed, row, "lever", "") == printed
        assert not has_leverage(row, "lever")
        assert leverage_columns([row], "lever") == ()
    with pytest.raises(UnreadablePayloadError, match="/lever"):
        initial_rate(printed, {"lever": "many"}, "lever", "")


def margin(schedule: MarginSchedule, notional: float) -> float:
    function = value_of(schedule.initial)
    assert function is not None
    required = function.margin(notional)
    assert required is not None
    return required


@pytest.mark.parametrize(
    ("venue", "symbol"),
    [
        ("bybit", "DOGE/USDT:USDT"),
        ("poloniex", "BTC/USDT:USDT"),
        ("poloniex", "ETH/USDT:USDT"),
    ],
)
def test_ten_thousand_dollars_at_75_times_require_133_dollars_and_a_third(
    venue: str, symbol: str
) -> None:
    schedule = recorded.schedule(venue, symbol)
    assert margin(schedule, 10_000) == pytest.approx(10_000 / 75, rel=1e-15)
    assert f"{margin(schedule, 10_000):.2f}" == "133.33"


def test_the_evidence_keeps_the_printed_rate_and_names_the_leverage() -> None:
    for venue, symbol in (("bybit", "DOGE/USDT:USDT"), ("poloniex", "BTC/USDT:USDT")):
        columns = recorded.schedule(venue, symbol).evidence[0].columns
        units = {column.quantity: column.unit for column in columns}
        assert (units["initial"], units["leverage"]) == ("rate", "leverage")


def test_rates_in_half_percents_of_okx_stand_beside_rounded_leverages() -> None:
    schedule = recorded.schedule("okx", "BTC/USDT:USDT", "isolated")
    rates = [tier.initial_rate for tier in schedule.tiers]
    assert {Decimal("0.135"), Decimal("0.185"), Decimal("0.285")} <= set(rates)


def test_a_bracket_of_xt_with_a_rounded_rate_is_read_by_its_leverage() -> None:
    bracket = {
        "bracket": 1,
        "maxNominalValue": "5000",
        "maintMarginRate": "0.006",
        "startMarginRate": "0.0133",
        "maxLeverage": "75",
    }
    document = {"result": [{"symbol": "rad_usdt", "leverageBrackets": [bracket]}]}
    schedule = only(answer("xt", xt.LINEAR, document))
    assert schedule.tiers[0].initial_rate == Decimal(1) / 75
    del bracket["maxLeverage"]
    schedule = only(answer("xt", xt.LINEAR, document))
    assert schedule.tiers[0].initial_rate == Decimal("0.0133")
