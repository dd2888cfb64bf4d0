import decimal
import math
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harmonize.numerics import roots as powers
from harmonize.numerics.roots import Term

WHOLE = st.lists(st.integers(1, 60), min_size=1, max_size=4, unique=True).map(sorted)


def expanded(roots: list[int]) -> list[Term]:
    """The coefficients of ``(N - a)(N - b)...``, multiplied out in whole numbers."""
    coefficients = [1]
    for root in roots:
        shifted = [0, *coefficients]
        coefficients = [
            high - root * low for high, low in zip(shifted, [*coefficients, 0], strict=True)
        ]
    return [(float(one), float(power)) for power, one in enumerate(coefficients)]


@given(WHOLE)
def test_every_root_of_a_polynomial_is_found(roots: list[int]) -> None:
    found = powers.roots(expanded(roots), 0.5, 100.0)
    assert found == pytest.approx([float(root) for root in roots], rel=1e-7)


@given(WHOLE, st.integers(1, 59))
def test_only_roots_inside_the_interval_are_given(roots: list[int], cut: int) -> None:
    found = powers.roots(expanded(roots), cut + 0.5, 100.0)
    assert len(found) == sum(root > cut for root in roots)


@given(WHOLE, st.sampled_from((-3.0, 0.5, 7.0)), st.sampled_from((-4.0, 0.25, 1e6)))
def test_a_factor_or_another_power_moves_no_root(
    roots: list[int], shift: float, factor: float
) -> None:
    terms = [(coefficient * factor, power + shift) for coefficient, power in expanded(roots)]
    assert powers.roots(terms, 0.5, 100.0) == pytest.approx([float(r) for r in roots], rel=1e-7)


@given(
    st.lists(
        st.tuples(st.integers(-50, 50), st.sampled_from((0.0, 0.5, 0.8, 1.0, 1.5, 1.8, 2.0))),
        min_size=1,
        max_size=4,
    )
)
def test_no_more_roots_than_changes_of_sign(terms: list[tuple[int, float]]) -> None:
    merged = {power: sum(c for c, p in terms if p == power) for _, power in terms}
    signs = [merged[power] > 0 for power in sorted(merged) if merged[power]]
    changes = sum(one != other for one, other in pairwise(signs))
    found = powers.roots([(float(c), p) for c, p in terms], 1e-3, 1e6)
    assert len(found) <= changes
    assert found == sorted(set(found))


@given(
    st.integers(1, 10**6),
    st.integers(1, 50),
    st.sampled_from(("0.5", "0.8", "1.5", "1.8", "3")),
)
def test_a_root_is_right_to_the_last_places(base: int, slope: int, power: str) -> None:
    with decimal.localcontext(prec=40):
        exact = (Decimal(base) / slope) ** (1 / Decimal(power))
    assume(1e-2 < exact < 1e13)
    terms = [(float(slope), float(power)), (-float(base), 0.0)]
    (found,) = powers.roots(terms, 1e-3, 1e14)
    assert found == pytest.approx(float(exact), rel=1e-14)


def test_a_float_beside_the_root_lies_on_each_side_of_it() -> None:
    (root,) = powers.roots([(1.0, 2.0), (-2.0, 0.0)], 1.0, 2.0)
    assert Fraction(math.nextafter(root, 0.0)) ** 2 < 2 < Fraction(math.nextafter(root, 2.0)) ** 2


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_touching_zero_is_no_change_of_sign(sign: float) -> None:
    touches = [(sign, 2.0), (-4.0 * sign, 1.0), (4.0 * sign, 0.0)]  # (N - 2) ** 2
    assert powers.roots(touches, 1.0, 5.0) == []
    crosses = [(sign, 3.0), (-6.0 * sign, 2.0), (12.0 * sign, 1.0), (-8.0 * sign, 0.0)]
    assert powers.roots(crosses, 1.0, 5.0) == pytest.approx([2.0], rel=1e-4)  # (N - 2) ** 3


def test_a_root_on_the_edge_lies_outside() -> None:
    assert powers.roots([(1.0, 1.0), (-4.0, 0.0)], 4.0, 9.0) == []
    assert powers.roots([(1.0, 1.0), (-9.0, 0.0)], 4.0, 9.0) == []


def test_between_neighbouring_floats_lies_no_root() -> None:
    below, above = math.nextafter(2**0.5, 0.0), math.nextafter(2**0.5, 2.0)
    for lower, upper in ((below, 2**0.5), (2**0.5, above)):
        assert powers.roots([(1.0, 2.0), (-2.0, 0.0)], lower, upper) == []


def test_terms_of_one_power_count_together() -> None:
    assert powers.roots([(1.0, 1.0), (-8.0, 0.0), (1.0, 1.0)], 1.0, 50.0) == [4.0]


def test_a_second_root_is_found_where_the_first_lies_on_the_edge() -> None:
    assert powers.roots([(1.0, 2.0), (-10.0, 1.0), (16.0, 0.0)], 2.0, 50.0) == [8.0]


@pytest.mark.parametrize(
    "terms",
    [[], [(0.0, 1.0)], [(3.0, 1.5)], [(2.0, 1.0), (-2.0, 1.0)], [(1.0, 0.0), (2.0, 2.0)]],
)
def test_what_cannot_change_sign_has_no_root(terms: list[Term]) -> None:
    assert powers.roots(terms, 1.0, 1e9) == []


def test_value_is_the_sum_of_the_terms() -> None:
    assert powers.value([(3.0, 0.0), (2.0, 1.0), (0.5, 2.0)], 4.0) == 3 + 8 + 8
