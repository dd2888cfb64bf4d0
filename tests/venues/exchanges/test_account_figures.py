"""Figures of the account that asked are not shown as the venue's own."""

from typing import Any

import pytest

from harmonize.core.schedule import Derived, Known, value_of
from tests.support.answers import answer, ids, only, read, uppers
from tests.venues.exchanges import conformance
from venues.exchanges import aster, binance, bingx, mudrex

LINEAR = ("notionalCap", "notionalFloor")
INVERSE = ("qtyCap", "qtyFloor")
MARKETS = [
    ("binance", binance.BRACKETS, "SOLUSDT", LINEAR, 1),
    ("aster", aster.BRACKETS, "SOLUSDT", LINEAR, 1),
    ("binance", binance.COIN_BRACKETS, "SOLUSD_PERP", INVERSE, 100),
]


def brackets(keys: tuple[str, str], times: float) -> list[dict[str, object]]:
    """Returns three public brackets, whose bounds are multiplied for one account."""
    cap, floor = keys
    return [
        {
            "bracket": number,
            "initialLeverage": leverage,
            cap: upper * times,
            floor: lower * times,
            "maintMarginRatio": maintenance,
            "cum": cum * times,
        }
        for number, leverage, lower, upper, maintenance, cum in (
            (1, 75, 0, 10000, 0.01, 0),
            (2, 50, 10000, 50000, 0.015, 50),
            (3, 20, 50000, 200000, 0.025, 550),
        )
    ]


def payloads(venue: str, method: str, row: dict[str, Any]) -> list[Any]:
    mark = [{"symbol": "SOLUSD_PERP", "markPrice": "100"}]
    margins = answer(venue, method, [row])
    is_inverse = method == binance.COIN_BRACKETS
    return [margins, answer("binance", binance.COIN_MARKS, mark)] if is_inverse else [margins]


@pytest.mark.parametrize(("venue", "method", "symbol", "keys", "price"), MARKETS)
@pytest.mark.parametrize("coefficient", [4, 4.0, "4.0", 1.5, 0.5])
def test_bounds_of_one_account_are_divided_by_its_coefficient(  # noqa: PLR0913, PLR0917 - a market
    venue: str,
    method: str,
    symbol: str,
    keys: tuple[str, str],
    price: int,
    coefficient: object,
) -> None:
    times = float(str(coefficient))
    row = {"symbol": symbol, "notionalCoef": coefficient, "brackets": brackets(keys, times)}
    public = only(*payloads(venue, method, {"symbol": symbol, "brackets": brackets(keys, 1)}))
    schedule = only(*payloads(venue, method, row))
    assert uppers(schedule) == pytest.approx([10000 * price, 50000 * price, 200000 * price])
    assert uppers(schedule) == pytest.approx(uppers(public))
    assert value_of(schedule.capacity) == pytest.approx(value_of(public.capacity))
    initial, maintenance = value_of(schedule.initial), value_of(schedule.maintenance)
    own_initial, own_maintenance = value_of(public.initial), value_of(public.maintenance)
    assert initial
    assert maintenance
    assert own_initial
    assert own_maintenance
    for tier in public.tiers:
        size = tier.upper * 99 / 100
        assert conformance.margin(initial, size) == conformance.margin(own_initial, size)
        difference = conformance.margin(maintenance, size) - conformance.margin(
            own_maintenance, size
        )
        assert abs(difference) < 1 / 10**6
    for figure in (schedule.initial, schedule.maintenance, schedule.capacity):
        assert isinstance(figure, Derived)
        assert "one account, divided by its notionalCoef" in figure.derivation
    conversion = schedule.evidence[0].conversion
    assert conversion is not None
    assert conversion.formula.endswith("divided by notionalCoef")
    assert conversion.factors[-1].pointer == "/0/notionalCoef"
    assert float(conversion.factors[-1].value) == times
    for tier in schedule.tiers:
        assert "E" not in str(tier.upper)


@pytest.mark.parametrize(("venue", "method", "symbol", "keys", "price"), MARKETS)
@pytest.mark.parametrize("coefficient", [1, 1.0, "1.00", None, ""])
def test_a_coefficient_of_one_changes_nothing(  # noqa: PLR0913, PLR0917 - a market
    venue: str,
    method: str,
    symbol: str,
    keys: tuple[str, str],
    price: int,
    coefficient: object,
) -> None:
    row = {"symbol": symbol, "brackets": brackets(keys, 1)}
    public = only(*payloads(venue, method, row))
    schedule = only(*payloads(venue, method, row | {"notionalCoef": coefficient}))
    assert (schedule.tiers, schedule.initial) == (public.tiers, public.initial)
    assert isinstance(schedule.initial, Known)
    assert uppers(schedule)[-1] == 200000 * price


@pytest.mark.parametrize(("venue", "method", "symbol", "keys"), [row[:4] for row in MARKETS])
@pytest.mark.parametrize("coefficient", [0, -4, "-1", "four", [], {}, True, 1e6, 0.0001])
def test_an_absurd_coefficient_makes_the_contract_not_observable(
    venue: str, method: str, symbol: str, keys: tuple[str, str], coefficient: object
) -> None:
    row = {"symbol": symbol, "notionalCoef": coefficient, "brackets": brackets(keys, 1)}
    result = read(*payloads(venue, method, row))
    assert result.schedules == ()
    (defect,) = result.defects
    assert defect.symbol == symbol
    assert defect.where.endswith("/0/notionalCoef")


FIELDS = ["userLeverage", "maxUserLeverage", "accountMaxLeverage", "vipRate", "personalLimit"]


@pytest.mark.parametrize("field", FIELDS)
def test_another_field_of_one_account_makes_the_contract_not_observable(field: str) -> None:
    bracket_row = {"symbol": "SOLUSDT", "brackets": brackets(LINEAR, 1)}
    tier = {
        "tier": "Tier 1",
        "symbol": "SOL-USDT",
        "minPositionVal": "0",
        "maxPositionVal": "50000",
        "maintMarginRatio": "0.01",
        "maintAmount": "0",
    }
    instrument = {"symbol": "SOLUSDT", "max_leverage": "50"}
    in_bracket = {"symbol": "SOLUSDT", "brackets": [brackets(LINEAR, 1)[0] | {field: "2"}]}
    params = {"symbol": "SOL-USDT"}
    for payload, other in (
        (
            answer("binance", binance.BRACKETS, [bracket_row]),
            answer("binance", binance.BRACKETS, [bracket_row | {field: "2"}]),
        ),
        (
            answer("binance", binance.BRACKETS, [bracket_row]),
            answer("binance", binance.BRACKETS, [in_bracket]),
        ),
        (
            answer("bingx", bingx.TIERS, {"data": [tier]}, **params),
            answer("bingx", bingx.TIERS, {"data": [tier | {field: "2"}]}, **params),
        ),
        (
            answer("mudrex", mudrex.INSTRUMENTS, {"data": [instrument]}),
            answer("mudrex", mudrex.INSTRUMENTS, {"data": [instrument | {field: "2"}]}),
        ),
    ):
        assert len(ids(read(payload))) == 1
        result = read(other)
        assert result.schedules == ()
        (defect,) = result.defects
        assert defect.where.endswith(f"/{field}")
        assert "figure of the account that asked" in defect.reason
