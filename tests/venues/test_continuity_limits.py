"""Laws on changes at their limits: the last change that passes, and the first that does not."""

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.venues.test_continuity import DAY, KEY, TIERS, changed, published, times
from tests.venues.test_continuity import reason as whole_reason
from venues.continuity import find_doubled, find_implausible
from venues.published import Published, PublishedColumn

LATER = DAY + timedelta(days=1)
RATES_MOVED = (0.01, 0.025, 0.06, 0.2)
"""IM rates of which the first is as before, so that no column moved by one factor."""


def bare(text: str) -> str:
    """Returns a reason without the first value that changed, which stands in parentheses."""
    return re.sub(r" \([0-9.]+ to [0-9.]+\)", "", text)


def reason(after: Published, before: Published | None = None) -> str:
    """Returns why a change is implausible, without values; empty if it is not."""
    return bare(whole_reason(after, before))


def without(quantity: str, **columns: tuple[float, ...]) -> Published:
    """The tiers without a column."""
    left = {name: column for name, column in changed(**columns).items() if name != quantity}
    return published(left, at=LATER)


def single(upper: float, initial: float = 0.01) -> Published:
    """A contract with one tier."""
    return published({"upper": ("contracts", (upper,)), "initial": ("rate", (initial,))})


@pytest.mark.parametrize(
    ("factor", "flagged"), [(3.9, False), (4, True), (0.26, False), (0.25, True)]
)
def test_a_large_factor_alone_begins_at_four(factor: float, *, flagged: bool) -> None:
    found = reason(published(changed(upper=times("upper", factor))))
    assert found.startswith("every upper bound is ") == flagged


def test_a_factor_beside_a_change_of_policy_is_policy() -> None:
    assert not reason(published(changed(upper=times("upper", 5), initial=RATES_MOVED)))
    assert not reason(
        published(changed(initial=times("initial", 2), maintenance=(0.005, 0.02, 0.03, 0.06)))
    )


def test_a_power_of_ten_is_none_whatever_else_changed() -> None:
    found = reason(published(changed(upper=times("upper", 10), initial=RATES_MOVED)))
    assert found == "every upper bound is 10 times that of 2026-03-01"
    assert "1/10 of that of" in reason(
        published(changed(upper=times("upper", 0.1), initial=RATES_MOVED))
    )


def test_two_columns_with_a_factor_each_are_no_policy() -> None:
    both = changed(initial=times("initial", 2), maintenance=times("maintenance", 1.5))
    assert reason(published(both)) == "every IM rate is 2 times that of 2026-03-01"


@pytest.mark.parametrize(
    ("upper", "expected"),
    [
        (500.0, ""),
        (1000.0, "the upper bound is 10 times that of 2026-03-01"),
        (10.0, "the upper bound is 1/10 of that of 2026-03-01"),
        (100.0, ""),
        (9900.0, ""),
        (10_100.0, "the upper bound is 101 times that of 2026-03-01"),
        (0.9, "the upper bound is 1/111.111 of that of 2026-03-01"),
    ],
)
def test_one_bound_may_move_by_any_factor_but_powers_of_ten_up_to_a_hundred(
    upper: float, expected: str
) -> None:
    assert reason(single(upper), single(100.0)) == expected


@pytest.mark.parametrize(
    ("initial", "expected"),
    [
        (0.49, ""),
        (0.51, "the IM rate is 51 times that of 2026-03-01"),
        (0.00021, ""),
        (0.00019, "the IM rate is 1/52.6316 of that of 2026-03-01"),
    ],
)
def test_a_first_rate_may_move_fifty_times(initial: float, expected: str) -> None:
    assert reason(single(100.0, initial), single(100.0)) == expected


def test_the_last_bound_and_the_first_rate_are_named_among_several() -> None:
    first = reason(published(changed(initial=(0.52, 0.53, 0.6, 0.7))))
    assert first == "the first IM rate is 52 times that of 2026-03-01"
    last = published(changed(upper=(200, 500, 1000, 510_000), initial=RATES_MOVED))
    assert reason(last) == "the last upper bound is 102 times that of 2026-03-01"
    assert not reason(published(changed(upper=(12_000, 13_000, 14_000, 15_000))))


def test_a_column_in_another_unit_is_not_compared() -> None:
    other = {**TIERS, "upper": ("coins", times("upper", 1000))}
    assert reason(published(other)) == ""


@pytest.mark.parametrize(("capacity", "flagged"), [(100, False), (101, True), (1, False)])
def test_a_capacity_may_move_a_hundred_times(capacity: int, *, flagged: bool) -> None:
    before = replace(published(), capacity=Decimal(10_000))
    up = replace(published(), capacity=Decimal(10_000 * capacity))
    down = replace(published(), capacity=Decimal(10_000) / capacity)
    assert reason(up, before) == flagged * f"the capacity is {capacity} times that of 2026-03-01"
    assert reason(down, before).startswith("the capacity is 1/") == flagged
    assert reason(replace(up, capacity=None), before) == ""


def test_a_missing_column_among_unchanged_ones_is_named() -> None:
    missing = "the MM rate of 2026-03-01 is missing, the others are unchanged"
    assert reason(without("maintenance")) == missing
    assert reason(without("initial")).startswith("the IM rate of 2026-03-01 is missing")
    assert reason(without("maintenance", initial=RATES_MOVED)) == ""


@pytest.mark.parametrize(
    ("kept", "flagged"),
    [((1, 2, 3), False), ((0, 2, 3), True), ((0, 1, 3), True), ((0, 1, 2), True), ((0,), True)],
)
def test_any_missing_tier_but_the_first_is_no_policy(
    kept: tuple[int, ...], *, flagged: bool
) -> None:
    left = {n: (unit, tuple(values[i] for i in kept)) for n, (unit, values) in TIERS.items()}
    found = reason(published(left))
    assert found == flagged * (
        f"{4 - len(kept)} of 4 tiers of 2026-03-01 missing, the others are unchanged"
    )


def test_fewer_tiers_with_new_bounds_or_rates_are_a_policy() -> None:
    for upper, initial in (
        ((100, 700, 5000), (0.01, 0.02, 0.1)),
        ((100, 500, 5000), (0.01, 0.03, 0.1)),
        ((100, 500, 5000), (0.02, 0.05, 0.1)),
    ):
        fewer = {
            "upper": ("contracts", upper),
            "initial": ("rate", initial),
            "maintenance": ("rate", tuple(rate / 2 for rate in initial)),
        }
        assert reason(published(fewer)) == "", upper


@pytest.mark.parametrize(
    ("bounds", "flagged"), [(8, False), (7.9, True), (10, False), (12.5, False), (12.6, True)]
)
def test_bounds_follow_a_contract_size_inversely_within_a_quarter(
    bounds: float, *, flagged: bool
) -> None:
    after = published(changed(upper=times("upper", bounds)), size="0.001")
    found = reason(after)
    assert found.startswith("the contract value of BTC-USDT-SWAP is 1/10 of") == flagged


@pytest.mark.parametrize(
    ("price", "days", "expected"),
    [
        ("105000", 0.1, ""),
        ("105060", 0.1, "1.751 times"),
        ("105000", 1, ""),
        ("105060", 1, "1.751 times"),
        ("34285.8", 1, ""),
        ("34260", 1, "1/1.75131 of"),
        ("210000", 4, ""),
        ("210060", 4, "3.501 times"),
        ("300000", 900, ""),
        ("300060", 900, "5.001 times"),
        ("600000", 1, "10 times"),
        ("600000", 900, "10 times"),
        ("30000", 900, "1/2 of"),
    ],
)
def test_a_price_moves_by_three_quarters_in_a_day_and_further_with_the_root_of_days(
    price: str, days: float, expected: str
) -> None:
    after = published(price=price, at=DAY + timedelta(days=days))
    found = find_implausible({KEY: published()}, {KEY: after})
    if not expected:
        assert found == {}
        return
    own = found[KEY]
    name = "mark price of BTC-USDT-SWAP"
    assert own.quantity == name
    assert own.reason == f"the {name} is {expected} that of 2026-03-01"
    is_market = not expected.startswith(("10 ", "1/2 "))
    assert own.price == (Decimal(price) if is_market else None)


def test_a_market_price_of_the_archive_is_no_number_of_the_venue() -> None:
    moved = published(price="120000")
    market = replace(moved, prices=(replace(moved.prices[0], is_market=True),))
    assert reason(market) == ""


@pytest.mark.parametrize(("total", "flagged"), [(4, 0), (9, 5), (10, 5), (11, 0)])
def test_a_factor_is_common_to_half_of_the_contracts_and_five(total: int, flagged: int) -> None:
    keys = [("okx", f"C{n}/USDT:USDT", "cross") for n in range(total)]
    triple = published(changed(upper=times("upper", 3)))
    before = {key: published() for key in keys}
    after = {key: triple if n < 5 else published() for n, key in enumerate(keys)}
    found = find_implausible(before, after)
    assert len(found) == flagged
    assert {bare(own.reason) for own in found.values()} <= {
        "the upper bound of most contracts is 3 times that of 2026-03-01: a unit?"
    }


def test_a_contract_with_another_factor_is_not_part_of_the_pattern() -> None:
    keys = [("okx", f"C{n}/USDT:USDT", "cross") for n in range(6)]
    after = {key: published(changed(upper=times("upper", 3))) for key in keys[:5]}
    after[keys[5]] = published(changed(upper=times("upper", 2)))
    found = find_implausible({key: published() for key in keys}, after)
    assert set(found) == set(keys[:5])


def test_all_prices_of_a_venue_at_a_new_level_are_no_market() -> None:
    keys = [("okx", f"C{n}/USDT:USDT", "cross") for n in range(5)]
    before = {key: published(price="100") for key in keys}
    prices = ("490", "495", "506", "510", "520")  # the median is above 5, two are below it
    after = {
        key: published(price=price, at=DAY + timedelta(days=9))
        for key, price in zip(keys, prices, strict=True)
    }
    assert set(find_implausible(before, after)) == set(keys)
    four = {key: after[key] for key in keys[:4]}
    assert set(find_implausible(before, four)) == set(keys[2:4])


@pytest.mark.parametrize("values", [(50, 40), (50,)])
def test_the_remark_on_doubled_values_names_its_column(values: tuple[float, ...]) -> None:
    before = published({"initial": ("leverage", values)})
    doubled = published({"initial": ("leverage", tuple(2 * value for value in values))})
    assert find_doubled(before, doubled) == (
        "the maximum leverage is exactly twice that of 2026-03-01"
    )
    assert find_doubled(doubled, before) == (
        "the maximum leverage is exactly half that of 2026-03-01"
    )
    bounds = published({"upper": ("contracts", values)})
    more = published({"upper": ("contracts", tuple(2 * value for value in values))})
    assert find_doubled(bounds, more) == ""


def test_values_that_are_no_numbers_are_not_compared() -> None:
    def holed(factor: int, hole: int) -> Published:
        own = published()
        values: list[Decimal | None] = [Decimal(str(upper)) * factor for upper in TIERS["upper"][1]]
        values[hole:] = [None, *values[hole + 1 :]] if hole < len(values) else []
        column: PublishedColumn = replace(own.columns[0], values=tuple(values))
        return replace(own, columns=(column, *own.columns[1:]))

    assert reason(holed(10, 1), holed(1, 1)) == "every upper bound is 10 times that of 2026-03-01"
    for hole_before, hole_after in ((1, 2), (1, 9), (9, 1)):  # at 9 there is no tier
        assert reason(holed(10, hole_after), holed(1, hole_before)) == ""


@pytest.mark.parametrize(
    ("upper", "initial", "flagged"),
    [
        ((1000, 5000), (0.011, 0.03), False),
        ((1000, 5000, 10_000), (0.011, 0.03, 0.06), True),
        ((1000,), (0.01,), True),
    ],
)
def test_a_power_of_ten_of_other_tiers_shows_on_three_or_beside_the_same_rates(
    upper: tuple[float, ...], initial: tuple[float, ...], *, flagged: bool
) -> None:
    fewer = {
        "upper": ("contracts", upper),
        "initial": ("rate", initial),
        "maintenance": ("rate", tuple(rate / 2 for rate in initial)),
    }
    found = reason(published(fewer))
    assert found.startswith("every upper bound is 10 times") == (flagged and len(upper) > 1)
    assert bool(found) == flagged


def test_two_tiers_are_a_column_as_many_are() -> None:
    def two(factor: float) -> Published:
        return published(
            {"upper": ("contracts", (100 * factor, 500 * factor)), "initial": ("rate", (0.1, 0.2))}
        )

    assert reason(two(5), two(1)) == "every upper bound is 5 times that of 2026-03-01"
    assert reason(two(3), two(1)) == ""


def test_fewer_tiers_of_fewer_columns_are_not_the_tiers_before() -> None:
    left = {name: (unit, values[:3]) for name, (unit, values) in TIERS.items()}
    del left["maintenance"]
    assert reason(published(left)) == ""


def test_a_reason_names_the_first_value_that_changed() -> None:
    found = whole_reason(published(changed(upper=(100, 5000, 10_000, 50_000), initial=RATES_MOVED)))
    assert found == ""
    found = whole_reason(single(1000.0), single(100.0))
    assert found == "the upper bound is 10 times that of 2026-03-01 (100.0 to 1000.0)"
