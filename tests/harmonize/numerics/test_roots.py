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


def polynomial(roots: list[int]) -> list[Term]:
    """Coefficients of ``(N - a)(N - b)...``, multiplied out in whole numbers."""
    coefficients = [1]
    for root in roots:
        shifted = [0, *coefficients]
        coefficients = [
            high - root * low for high, low in zip(shifted, [*coefficients, 0], strict=True)
        ]
    return [(float(coefficient), float(power)) for power, coefficient in enumerate(coefficients)]


@given(WHOLE)
def test_every_root_of_a_polynomial_is_returned(roots: list[int]) -> None:
    located = powers.roots(polynomial(roots), 0.5, 100.0)
    assert located == pytest.approx([float(root) for root in roots], rel=1e-7)


@given(WHOLE, st.integers(1, 59))
def test_only_roots_inside_the_interval_are_returned(roots: list[int], cut: int) -> None:
    located = powers.roots(polynomial(roots), cut + 0.5, 100.0)
    assert len(located) == sum(root > cut for root in roots)


@given(WHOLE, st.sampled_from((-3.0, 0.5, 7.0)), st.sampled_from((-4.0, 0.25, 1e6)))
def test_roots_are_invariant_under_factor_and_power_shift(
    roots: list[int], shift: float, factor: float
) -> None:
    terms = [(coefficient * factor, power + shift) for coefficient, power in polynomial(roots)]
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
    sign_changes = sum(left != right for left, right in pairwise(signs))
    located = powers.roots([(float(c), p) for c, p in terms], 1e-3, 1e6)
    assert len(located) <= sign_changes
    assert located == sorted(set(located))


@given(
    st.integers(1, 10**6),
    st.integers(1, 50),
    st.sampled_from(("0.5", "0.8", "1.5", "1.8", "3")),
)
def test_a_root_is_accurate_to_the_last_digits(base: int, slope: int, power: str) -> None:
    with decimal.localcontext(prec=40):
        exact = (Decimal(base) / slope) ** (1 / Decimal(power))
    assume(1e-2 < exact < 1e13)
    terms = [(float(slope), float(power)), (-float(base), 0.0)]
    (located,) = powers.roots(terms, 1e-3, 1e14)
    assert located == pytest.approx(float(exact), rel=1e-14)


def test_neighbouring_floats_enclose_the_root() -> None:
    (root,) = powers.roots([(1.0, 2.0), (-2.0, 0.0)], 1.0, 2.0)
    assert Fraction(math.nextafter(root, 0.0)) ** 2 < 2 < Fraction(math.nextafter(root, 2.0)) ** 2


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_touching_zero_is_not_a_root(sign: float) -> None:
    touches = [(sign, 2.0), (-4.0 * sign, 1.0), (4.0 * sign, 0.0)]  # (N - 2) ** 2
    assert powers.roots(touches, 1.0, 5.0) == []
    crosses = [(sign, 3.0), (-6.0 * sign, 2.0), (12.0 * sign, 1.0), (-8.0 * sign, 0.0)]
    assert powers.roots(crosses, 1.0, 5.0) == pytest.approx([2.0], rel=1e-4)  # (N - 2) ** 3


def test_a_root_at_an_end_is_excluded() -> None:
    assert powers.roots([(1.0, 1.0), (-4.0, 0.0)], 4.0, 9.0) == []
    assert powers.roots([(1.0, 1.0), (-9.0, 0.0)], 4.0, 9.0) == []


def test_no_root_between_neighbouring_floats() -> None:
    below, above = math.nextafter(2**0.5, 0.0), math.nextafter(2**0.5, 2.0)
    for lower, upper in ((below, 2**0.5), (2**0.5, above)):
        assert powers.roots([(1.0, 2.0), (-2.0, 0.0)], lower, upper) == []


def test_terms_of_one_power_are_merged() -> None:
    assert powers.roots([(1.0, 1.0), (-8.0, 0.0), (1.0, 1.0)], 1.0, 50.0) == [4.0]


def test_a_second_root_is_returned_if_the_first_is_at_the_end() -> None:
    assert powers.roots([(1.0, 2.0), (-10.0, 1.0), (16.0, 0.0)], 2.0, 50.0) == [8.0]


@pytest.mark.parametrize(
    "terms",
    [[], [(0.0, 1.0)], [(3.0, 1.5)], [(2.0, 1.0), (-2.0, 1.0)], [(1.0, 0.0), (2.0, 2.0)]],
)
def test_a_sum_of_constant_sign_has_no_root(terms: list[Term]) -> None:
    assert powers.roots(terms, 1.0, 1e9) == []


def test_value_is_the_sum_of_the_terms() -> None:
    assert powers.sum_of_terms([(3.0, 0.0), (2.0, 1.0), (0.5, 2.0)], 4.0) == 3 + 8 + 8
