"""Logarithms, exponentials and powers are within two units in the last place, for one and for many."""

import math
import random
from collections.abc import Callable

import mpmath
import numpy as np
import pytest

from harmonize.comparison import index
from harmonize.numerics import elementary
from harmonize.numerics.rounding import rounded, rounded_all, rounded_or_none

CHANCE = random.Random(20260714)  # noqa: S311 - a repeatable choice, not a secret
POSITIVE = [
    *(10.0 ** CHANCE.uniform(-300.0, 300.0) for _ in range(2000)),
    *(1.0 + CHANCE.uniform(-1e-6, 1e-6) for _ in range(500)),
    *(2.0**power for power in range(-20, 21) if power),
    math.sqrt(0.5),
    5e-324,
    1.7976931348623157e308,
]
EXPONENTS = [*(CHANCE.uniform(-700.0, 700.0) for _ in range(2000)), 0.0, 1e-300, 700.0, -700.0]


def units(value: float, exact: "mpmath.mpf") -> float:
    """Returns the error of a value in units of its last place."""
    return abs(float((mpmath.mpf(value) - exact) / mpmath.mpf(math.ulp(value))))


@pytest.mark.parametrize(
    ("of_many", "of_one", "exact", "arguments"),
    [
        (elementary.logarithms, elementary.logarithm, mpmath.log, POSITIVE),
        (elementary.exponentials, elementary.exponential, mpmath.exp, EXPONENTS),
    ],
    ids=["logarithm", "exponential"],
)
def test_results_are_within_two_units_in_the_last_place(
    of_many: Callable[[elementary.Floats], elementary.Floats],
    of_one: Callable[[float], float],
    exact: Callable[[object], "mpmath.mpf"],
    arguments: list[float],
) -> None:
    results = of_many(np.array(arguments)).tolist()
    assert results == [of_one(argument) for argument in arguments]
    with mpmath.workprec(200):
        errors = [
            units(result, exact(mpmath.mpf(argument)))
            for argument, result in zip(arguments, results, strict=True)
        ]
    assert max(errors) <= 2.0


def test_one_has_the_logarithm_zero_and_zero_the_exponential_one() -> None:
    assert elementary.logarithm(1.0) == 0.0
    assert elementary.exponential(0.0) == 1.0


def test_only_finite_numbers_above_zero_have_a_logarithm() -> None:
    numbers = np.array([[0.0, -1.0, math.nan], [math.inf, -math.inf, math.e]])
    assert np.isnan(elementary.logarithms(numbers)).tolist() == [[True] * 3, [True, True, False]]


def test_powers_are_those_of_the_system_and_infinite_beyond_it() -> None:
    bases, exponents = np.array([2.0, 1e300, 0.0, 9.0]), np.array([10.0, 2.0, -1.0, 0.5])
    assert elementary.powers(bases, exponents).tolist() == [1024.0, math.inf, math.inf, 3.0]


def test_a_figure_has_twelve_significant_digits() -> None:
    assert rounded(1 / 3) == 0.333333333333
    assert rounded(-123456789.0123456) == -123456789.012
    assert rounded_all((0.1 + 0.2, 1e-20 / 3)) == (0.3, 3.33333333333e-21)
    assert rounded_or_none(None) is None
    assert math.isnan(rounded(math.nan))
    assert rounded(math.inf) == math.inf


def test_the_written_quadrature_is_that_of_gauss_and_legendre() -> None:
    nodes, weights = np.polynomial.legendre.leggauss(10)
    assert index.NODES.tolist() == pytest.approx(nodes.tolist(), rel=1e-14)
    assert list(index.WEIGHTS) == pytest.approx(weights.tolist(), rel=1e-14)
