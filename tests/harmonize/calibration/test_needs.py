"""Rates from inputs by hand, with the interval that follows, and changes beyond an old interval."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from harmonize.calibration.needs import InputChange, needs_of, rate_formula, rate_from
from harmonize.policy.expression import parse
from harmonize.policy.inputs import Input
from rules.loader import load

DAY = datetime(2026, 3, 3, tzinfo=UTC)
STRESS = parse("max(q, 0.75 * q + 0.25 * s)")


def measured(value: str, lower: str = "", upper: str = "") -> Input:
    bounds = (D(lower), D(upper), D("0.95")) if lower else (None, None, None)
    return Input("var_99_1d_1095d", "BTC", D(value), DAY, *bounds)


def test_a_rate_and_its_bounds_follow_from_the_inputs() -> None:
    inputs = {"q": measured("0.08", "0.06", "0.1"), "s": measured("0.16", "0.1", "0.3")}
    rate = rate_from(STRESS, "BTC", inputs)
    assert rate is not None
    assert (rate.value, rate.lower, rate.upper) == (D("0.1"), D("0.07"), D("0.15"))


def test_a_rate_without_one_of_its_inputs_or_intervals_says_so() -> None:
    assert rate_from(STRESS, "BTC", {"q": measured("0.08")}) is None
    rate = rate_from(STRESS, "BTC", {"q": measured("0.08", "0.06", "0.1"), "s": measured("0.16")})
    assert rate is not None
    assert (rate.value, rate.lower, rate.upper) == (D("0.1"), None, None)


def test_a_rate_above_the_position_is_the_position() -> None:
    rate = rate_from(parse("1.25 * q"), "BTC", {"q": measured("0.9", "0.5", "0.95")})
    assert rate is not None
    assert (rate.value, rate.lower, rate.upper) == (D(1), D("0.625"), D(1))


@pytest.mark.parametrize(
    ("value", "is_beyond"),
    [("0.06", False), ("0.1", False), ("0.0599", True), ("0.1001", True)],
)
def test_a_value_outside_the_old_interval_is_beyond_it(value: str, *, is_beyond: bool) -> None:
    change = InputChange(measured("0.08", "0.06", "0.1"), measured(value))
    assert change.is_beyond == is_beyond


def test_without_an_old_interval_nothing_is_beyond_it() -> None:
    assert InputChange(None, measured("0.08")).is_beyond is None
    assert InputChange(measured("0.08"), measured("0.5")).is_beyond is None


@pytest.mark.parametrize(
    ("before", "after", "is_unchanged"),
    [
        ("0.086", "0.0855", True),
        ("0.086", "0.08649999", True),
        ("0.086", "0.0865001", False),
        ("0.08138", "0.081377565", True),
        ("0.08138", "0.0813851", False),
        ("0.1", "0.1005", True),  # 10.0 %, rather than 10 % to the next ten
        ("0.1", "0.101", False),
        ("14770000000", "14770000001", False),
        ("14770000000", "14770000000", True),
    ],
)
def test_a_difference_within_the_rounding_of_the_old_value_is_none(
    before: str, after: str, *, is_unchanged: bool
) -> None:
    assert InputChange(measured(before), measured(after)).is_unchanged == is_unchanged


@pytest.mark.parametrize(
    ("source", "prices", "is_changed"),
    [
        ("a; binance spot BTCUSDT 1d; 2017-08-17 to 2026-03-03; sha256 ab", ("binance spot BTCUSDT 1d", "2017-08-17 to 2026-03-03"), True),
        ("a; binance perp BTCUSDT 1d; 2023-01-01 to 2026-03-03; sha256 ab", ("binance perp BTCUSDT 1d", "2023-01-01 to 2026-03-03"), False),
        ("bybit perp BTCUSDT 1d: a.parquet", ("bybit perp BTCUSDT 1d", ""), True),
        ("a table of 2026; v1.1", ("", ""), False),
    ],
)  # fmt: skip
def test_values_of_different_series_are_not_compared(
    source: str, prices: tuple[str, str], *, is_changed: bool
) -> None:
    before = replace(measured("0.08", "0.06", "0.1"), source=source)
    change = InputChange(before, measured("0.2"), "binance perp BTCUSDT 1d")
    assert change.prices_before == prices
    assert change.is_series_changed == is_changed
    assert change.is_beyond == (None if is_changed else True)
    same = InputChange(before, measured("0.08"), "binance perp BTCUSDT 1d")
    assert same.is_unchanged != is_changed


@pytest.mark.parametrize(
    ("source", "days", "is_same"),
    [("a table", 0, True), ("a table", 1, False), ("x perp X 1d: a", 1, True), ("x perp X 1d: a", 0, False)],
)  # fmt: skip
def test_values_of_one_last_day_are_no_move(source: str, days: int, *, is_same: bool) -> None:
    """The new value is dated by the end of its last candle, that of 3 March."""
    before = replace(measured("0.08"), source=source, observed_at=DAY + timedelta(days=days))
    after = replace(measured("0.09"), observed_at=DAY + timedelta(days=1))
    assert InputChange(before, after).is_same_day == is_same


@pytest.mark.parametrize(
    ("pack", "days", "names"),
    [
        ("emir-ccp", 2, {"var_99_2d_365d"}),
        ("emir-ccp-stress25", 2, {"var_99_2d_365d", "var_99_2d_worst_365d"}),
        ("cftc-dco", 1, {"var_99_1d_1095d"}),
        ("harmonized-baseline", 1, {"var_99_1d_1095d", "var_99_1d_worst_365d"}),
    ],
)
def test_the_formula_of_a_rule_set_covers_the_days_of_its_moves(
    pack: str, days: int, names: set[str]
) -> None:
    formula = rate_formula(load(pack))
    assert formula is not None
    assert (formula.days, set(formula.names.values())) == (days, names)


def test_a_cap_has_no_formula() -> None:
    assert rate_formula(load("esma-retail")) is None
    assert needs_of(load("esma-retail")) == ()
