import math
import sys
from decimal import Decimal
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.core.schedule import INFINITY, ZERO, MarginFunction, Piece, flat, marginal
from harmonize.numerics.panel import Floats, Ints, build_panel
from tests.support import oracles, strategies

PAIRS = 1_000_000
LARGEST = sys.float_info.max
SMALLEST = math.ulp(0.0)

TWO_TIERS = (Decimal(1_000), Decimal(5_000)), (Decimal("0.01"), Decimal("0.02"))
OPEN = (Decimal(1_000), INFINITY), (Decimal("0.01"), Decimal("0.5"))


def evaluated(function: MarginFunction, notionals: list[float]) -> list[float]:
    which = np.zeros(len(notionals), np.intp)
    margins: list[float] = build_panel([function]).evaluate(which, np.array(notionals)).tolist()
    return margins


def agree(function: MarginFunction, notionals: list[float]) -> bool:
    which = np.zeros(len(notionals), np.intp)
    margins = np.array(evaluated(function, notionals))
    return not oracles.mismatches([function], which, np.array(notionals), margins)


# A million pairs against exact arithmetic


def draw_tier_tables(rng: np.random.Generator, count: int) -> list[tuple[strategies.Tiers, bool]]:
    """Tiers, and whether they are marginal: 1 to 40 tiers or 130, open ends, odd digits."""
    return [(_draw_tiers(rng, index), bool(rng.integers(2))) for index in range(count)]


def _draw_tiers(rng: np.random.Generator, index: int) -> strategies.Tiers:
    size = (1, 130)[index] if index < 2 else int(rng.integers(1, 41))
    spread = np.round(10 ** rng.uniform(3, rng.choice([3.2, 7, 10]), size), 2).tolist()
    price = Decimal(str(rng.choice(["1", "0.73", "1.000000012345678901"])))
    bounds = sorted({Decimal(str(bound)) * price for bound in spread})
    if rng.random() < 0.2:
        bounds[-1] = INFINITY
    steps = np.minimum(np.cumsum(rng.integers(1, 60, len(bounds))), 10_000)
    return tuple(bounds), tuple(Decimal(int(step)) / 10_000 for step in steps)


def positions(rng: np.random.Generator, functions: list[MarginFunction]) -> tuple[Ints, Floats]:
    """Positions: half up to beyond the last bound, half on a bound or one ulp beside it."""
    which = rng.integers(0, len(functions), PAIRS)
    notional = 10.0 ** rng.uniform(-2, 10.5, PAIRS)
    uppers = [np.array([float(piece.upper) for piece in function.pieces]) for function in functions]
    first = np.cumsum([0, *(bounds.size for bounds in uppers)])
    half = which[: PAIRS // 2]
    tier = first[half] + (rng.random(half.size) * np.diff(first)[half]).astype(np.intp)
    bound = np.concatenate(uppers)[tier]
    at_or_beside = np.choose(
        rng.integers(0, 3, half.size),
        [np.nextafter(bound, 0.0), bound, np.nextafter(bound, np.inf)],
    )
    notional[: half.size] = np.where(np.isfinite(bound), at_or_beside, notional[: half.size])
    return which, notional


def test_a_million_margins_agree_with_exact_arithmetic() -> None:
    rng = np.random.default_rng(1912)
    tables = draw_tier_tables(rng, 1_500)
    functions = [(marginal if is_marginal else flat)(*tiers) for tiers, is_marginal in tables]
    exact = [
        (oracles.scaled_marginal if is_marginal else oracles.scaled_flat)(*tiers)
        for tiers, is_marginal in tables
    ]
    which, notional = positions(rng, functions)
    margins = build_panel(functions).evaluate(which, notional)
    assert margins.size == PAIRS
    assert 0.5 < np.isfinite(margins).mean() < 1.0
    assert oracles.scaled_mismatches(exact, which, notional, margins) == []
    sample = slice(PAIRS // 2 - 50_000, PAIRS // 2 + 50_000)
    assert oracles.mismatches(functions, which[sample], notional[sample], margins[sample]) == []


def test_the_oracle_detects_an_error_just_above_its_tolerance() -> None:
    function = marginal(*TWO_TIERS)
    which, notional = np.zeros(4, np.intp), np.array([10.0, 1_000.0, 3_000.0, 9_000.0])
    right = np.array([0.1, 10.0, 50.0, np.nan])
    for index, wrong in ((0, 0.1 * (1 + 2e-12)), (1, 20.0), (2, np.nan), (2, np.inf), (3, 0.0)):
        margins = right.copy()
        margins[index] = wrong
        assert oracles.mismatches([function], which, notional, margins) == [index]
    assert oracles.mismatches([function], which, notional, right * (1 + 5e-13)) == []


@pytest.mark.parametrize("power", ["0.5", "0.8", "1.5", "2", "3", "4"])
def test_the_exact_power_is_that_of_repeated_roots(power: str) -> None:
    """``(N ** p) ** 10`` is ``N ** (10 p)``, a whole power."""
    function = MarginFunction((Piece(INFINITY, coefficient=Decimal(1), power=Decimal(power)),))
    bent = oracles.exact_margin(function, 12_345.678)
    assert bent is not None
    whole_power = Fraction(12_345.678) ** int(Decimal(power) * 10)
    assert abs(bent**10 / whole_power - 1) < Fraction(1, 10**50)


# Laws


@given(strategies.margin_functions, st.data())
def test_every_shape_agrees_with_exact_arithmetic(
    function: MarginFunction, data: st.DataObject
) -> None:
    assert agree(function, data.draw(st.lists(strategies.notionals(function), max_size=20)))


@given(strategies.margin_functions)
def test_every_bound_and_both_its_neighbours_agree(function: MarginFunction) -> None:
    bounds = [float(piece.upper) for piece in function.pieces if piece.upper.is_finite()]
    assert agree(function, strategies.beside(bounds))


@given(st.lists(strategies.margin_functions, min_size=1, max_size=5), st.data())
def test_the_order_of_functions_in_the_panel_changes_nothing(
    functions: list[MarginFunction], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(functions))))
    which = np.array(data.draw(st.lists(st.sampled_from(range(len(functions))), min_size=1)))
    notional = np.array([data.draw(strategies.notionals(functions[index])) for index in which])
    shuffled = build_panel([functions[index] for index in order])
    places = np.array([order.index(index) for index in which])
    np.testing.assert_array_equal(
        build_panel(functions).evaluate(which, notional), shuffled.evaluate(places, notional)
    )


@given(st.lists(strategies.margin_functions, min_size=1, max_size=4), st.data())
def test_a_panel_agrees_with_its_functions_evaluated_alone(
    functions: list[MarginFunction], data: st.DataObject
) -> None:
    together = build_panel(functions)
    for index, function in enumerate(functions):
        notional = data.draw(strategies.notionals(function))
        np.testing.assert_equal(
            together.at(index, notional), build_panel([function]).at(0, notional)
        )


@given(strategies.closed_tiers, st.data())
def test_splitting_a_tier_in_two_with_one_rate_changes_nothing(
    tiers: strategies.Tiers, data: st.DataObject
) -> None:
    uppers, rates = tiers
    tier = data.draw(st.integers(0, len(uppers) - 1))
    middle = ((uppers[tier - 1] if tier else ZERO) + uppers[tier]) / 2
    split = (*uppers[:tier], middle, *uppers[tier:]), (*rates[:tier], rates[tier], *rates[tier:])
    notional = data.draw(strategies.notionals(flat(*split)))
    for build in (flat, marginal):
        margin = evaluated(build(*tiers), [notional])
        split_margin = evaluated(build(*split), [notional])
        np.testing.assert_allclose(split_margin, margin, rtol=1e-12, equal_nan=True)


@given(strategies.tiers(), st.data(), st.sampled_from((0.125, 2.0, 1024.0)))
def test_margin_scales_with_the_unit(
    tiers: strategies.Tiers, data: st.DataObject, unit: float
) -> None:
    uppers, rates = tiers
    larger = [upper * Decimal(unit) for upper in uppers]
    notional = data.draw(strategies.notionals(flat(uppers, rates)))
    for build in (flat, marginal):
        scaled = evaluated(build(larger, rates), [notional * unit])[0]
        expected = evaluated(build(uppers, rates), [notional])[0] * unit
        np.testing.assert_allclose(scaled, expected, rtol=1e-12, equal_nan=True)


@given(strategies.open_tiers)
def test_marginal_is_continuous_at_every_bound(tiers: strategies.Tiers) -> None:
    for upper in tiers[0][:-1]:
        bound = float(upper)
        on, above = evaluated(marginal(*tiers), [bound, math.nextafter(bound, math.inf)])
        assert abs(above - on) <= 2 * math.ulp(bound) + 2 * math.ulp(on)


def test_flat_jumps_just_above_a_bound() -> None:
    on, above = evaluated(flat(*TWO_TIERS), [1_000.0, math.nextafter(1_000.0, 2_000.0)])
    assert on == 10.0
    assert above == pytest.approx(20.0, rel=1e-15)


# Where a function has no value


@pytest.mark.parametrize("tiers", [TWO_TIERS, OPEN])
@pytest.mark.parametrize("notional", [-1.0, -0.0, 0.0, math.nan, math.inf, -math.inf, -SMALLEST])
def test_an_invalid_notional_has_no_margin(tiers: strategies.Tiers, notional: float) -> None:
    for build in (flat, marginal):
        margins = evaluated(build(*tiers), [notional, 100.0])
        assert math.isnan(margins[0])
        assert margins[1] == 1.0


def test_above_the_last_bound_there_is_no_margin() -> None:
    margins = evaluated(marginal(*TWO_TIERS), [5_000.0, math.nextafter(5_000.0, 6_000.0), LARGEST])
    assert margins[0] == 90.0
    assert np.isnan(margins[1:]).all()


def test_a_function_ends_at_its_own_last_bound_not_at_its_neighbours() -> None:
    book = build_panel([flat(*TWO_TIERS), flat(*OPEN), flat((Decimal(10),), (Decimal(1),))])
    margins = [book.at(function, 6_000.0) for function in range(3)]
    np.testing.assert_equal(margins, [math.nan, 3_000.0, math.nan])


# The ends of the scale


def test_subnormal_notionals_have_correctly_rounded_margins() -> None:
    notional = [SMALLEST, 2 * SMALLEST, 1_000 * SMALLEST, sys.float_info.min]
    for build in (flat, marginal):
        margins = evaluated(build(*TWO_TIERS), notional)
        assert margins == [float(Fraction(0.01) * Fraction(size)) for size in notional]


def test_huge_notionals_have_a_margin_in_an_open_last_tier() -> None:
    assert agree(flat(*OPEN), [1e15, 1e100, 1e300, LARGEST])
    assert agree(marginal(*OPEN), [1e15, 1e100, 1e300, LARGEST])


def test_a_margin_beyond_the_largest_float_is_infinite() -> None:
    squared = MarginFunction((Piece(INFINITY, coefficient=Decimal(1)),))
    assert evaluated(squared, [1e150, 1e200]) == [pytest.approx(1e300), math.inf]


@pytest.mark.parametrize("bounds", [("1e-320", "1e300"), ("1e-9", "2e-9"), ("1e299", "1e300")])
def test_bounds_of_extreme_size_are_found(bounds: tuple[str, str]) -> None:
    uppers = tuple(Decimal(bound) for bound in bounds)
    rates = Decimal("0.01"), Decimal("0.02")
    notional = [1e-300, 1e-10, 1.5e-9, 1.0, 1e15, 1e18, 1e200, 2e299, 5e300]
    assert agree(flat(uppers, rates), notional)


def test_bounds_beyond_the_largest_float_are_open() -> None:
    uppers = Decimal(1_000), Decimal("1e400"), Decimal("1e500")
    rates = Decimal("0.01"), Decimal("0.02"), Decimal("0.03")
    assert evaluated(flat(uppers, rates), [1_000.0, 1e300, LARGEST])[1] == pytest.approx(2e298)


# Sizes and shapes


def test_no_positions_give_no_margins() -> None:
    empty = np.array([], float)
    for functions in ([], [flat(*TWO_TIERS)]):
        assert build_panel(functions).evaluate(empty.astype(np.intp), empty).shape == (0,)


@pytest.mark.parametrize("count", [1, 2, 130])
def test_functions_of_any_number_of_tiers(count: int) -> None:
    uppers = [Decimal(1_000 * step) for step in range(1, count + 1)]
    rates = [Decimal(step) / 1_000 for step in range(1, count + 1)]
    notional = strategies.beside([float(upper) for upper in uppers])
    for build in (flat, marginal):
        assert agree(build(uppers, rates), notional)


def test_bounds_in_one_bucket_are_distinguished() -> None:
    uppers = [Decimal(1_000_000 + step) / 1_000 for step in range(1, 131)]
    rates = [Decimal(step) / 1_000 for step in range(1, 131)]
    for build in (flat, marginal):
        assert agree(build(uppers, rates), strategies.beside([float(upper) for upper in uppers]))


def test_bounds_equal_in_float64_leave_no_tier_between() -> None:
    uppers = [Decimal("1000.00000000000000001"), Decimal("1000.00000000000000002"), Decimal(2_000)]
    rates = [Decimal("0.01"), Decimal("0.5"), Decimal("0.02")]
    assert evaluated(flat(uppers, rates), [1_000.0, 1_001.0]) == [10.0, pytest.approx(20.02)]


def test_a_large_deduction_loses_no_digits() -> None:
    """Just above the bound the deduction is 99.99 % of ``rate * N``."""
    uppers = Decimal(1_000), INFINITY
    assert agree(marginal(uppers, (Decimal("0.0001"), Decimal(1))), strategies.beside([1_000.0]))


@cache
def many() -> tuple[Ints, Floats]:
    rng = np.random.default_rng(7)
    return rng.integers(0, 2, 200_000), 10 ** rng.uniform(0, 5, 200_000)


def test_positions_are_independent_of_one_another() -> None:
    which, notional = many()
    book = build_panel([marginal(*TWO_TIERS), flat(*OPEN)])
    margins = book.evaluate(which, notional)
    for index in (0, 1, 65_535, 65_536, 131_072, 199_999):
        np.testing.assert_equal(margins[index], book.at(int(which[index]), float(notional[index])))
    np.testing.assert_array_equal(book.evaluate(which[::-1], notional[::-1]), margins[::-1])


def test_evaluation_leaves_its_arguments_unchanged() -> None:
    which, notional = many()
    before = notional.copy()
    build_panel([marginal(*TWO_TIERS), flat(*OPEN)]).evaluate(which, notional)
    np.testing.assert_array_equal(notional, before)


def test_other_number_types_are_accepted() -> None:
    book = build_panel([flat(*TWO_TIERS), flat(*OPEN)])
    for which in (np.int8, np.uint64):
        for notional in (np.int64, np.float32):
            margins = book.evaluate(np.array([1, 0], which), np.array([2_000, 500], notional))
            assert margins.tolist() == [1_000.0, 5.0]


def test_an_unknown_function_is_an_error() -> None:
    book = build_panel([flat(*TWO_TIERS)])
    for which in (-1, 1):
        with pytest.raises(IndexError, match="expected functions from 0 to 0"):
            book.at(which, 1.0)


def test_every_position_needs_one_function() -> None:
    book = build_panel([flat(*TWO_TIERS)])
    with pytest.raises(ValueError, match="expected one function per position"):
        book.evaluate(np.array([0, 0]), np.array([1.0]))
    with pytest.raises(ValueError, match="expected one function per position"):
        book.evaluate(np.array([[0]]), np.array([[1.0]]))


def test_a_panel_finds_the_piece_that_covers_a_notional() -> None:
    book = build_panel([flat(*TWO_TIERS), marginal(*OPEN)])
    functions = np.array([[0, 1], [1, -1], [0, 1], [-1, 0], [1, 0]])
    notional = np.array([0.5, 1000.0, math.nextafter(1000.0, math.inf), 5000.0, 5000.5])
    pieces = [[0, 2], [2, -1], [1, 3], [-1, 1], [3, -1]]
    assert book.pieces_at(functions, notional).tolist() == pieces


def test_a_panel_exposes_owner_and_bounds_of_each_piece() -> None:
    book = build_panel([flat(*TWO_TIERS), marginal(*OPEN)])
    assert len(book) == 2
    assert book.owner.tolist() == [0, 0, 1, 1]
    assert book.lower.tolist() == [0.0, 1_000.0, 0.0, 1_000.0]
    assert book.upper.tolist() == [1_000.0, 5_000.0, 1_000.0, math.inf]
    assert book.fixed.tolist() == [0.0, 0.0, 0.0, -490.0]
