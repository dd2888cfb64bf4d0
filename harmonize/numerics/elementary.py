"""Logarithms, exponentials and powers whose last bit depends on no processor.

Vector instructions for these functions round differently from one processor to the next. Logarithm
and exponential are therefore sums of products here, which every processor rounds alike: each step is
one addition, multiplication or division of float64. Powers use the scalar function of the system.
Results are within 2 units in the last place.
"""

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_Number = TypeVar("_Number", float, Floats)

_LN2_HIGH = float.fromhex("0x1.62e42fee00000p-1")  # 21 trailing zeros: exact times an exponent
_LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")  # ln 2 less the number above
_LN2 = math.log(2.0)
_SQRT_HALF = math.sqrt(0.5)
_CHUNK = 1 << 14  # numbers per step, so that work arrays stay in the cache

_LOG_TERMS = tuple(1.0 / power for power in range(23, 2, -2))
"""Coefficients of ``artanh(s) / s − 1`` by falling powers of s²; s² is at most 0.0295."""

_EXP_TERMS = tuple(1.0 / math.factorial(power) for power in range(14, 1, -1))
"""Coefficients of ``(exp(r) − 1 − r) / r²`` by falling powers of r; ``|r|`` is at most 0.347."""


def logarithms(numbers: Floats) -> Floats:
    """Returns natural logarithms; NaN where a number is not finite and above 0."""
    flat = numbers.ravel()
    result = np.full(flat.shape, np.nan)
    valid = np.flatnonzero((flat > 0.0) & (flat < np.inf))
    for start in range(0, valid.size, _CHUNK):
        chunk = valid[start : start + _CHUNK]
        mantissa, exponent = np.frexp(flat[chunk])
        small = mantissa < _SQRT_HALF
        mantissa[small] *= 2.0
        result[chunk] = _log_of_parts(mantissa, (exponent - small).astype(float))
    return result.reshape(numbers.shape)


def logarithm(number: float) -> float:
    """Returns the natural logarithm of a finite number above 0."""
    mantissa, exponent = math.frexp(number)
    if mantissa < _SQRT_HALF:
        mantissa, exponent = 2.0 * mantissa, exponent - 1
    return _log_of_parts(mantissa, float(exponent))


def _log_of_parts(mantissa: _Number, exponent: _Number) -> _Number:
    """Returns ``ln(mantissa · 2^exponent)`` for a mantissa from √½ to √2: ``ln m = 2 artanh(s)``."""
    s = (mantissa - 1.0) / (mantissa + 1.0)
    square = s * s
    series = _LOG_TERMS[0] * square
    for term in _LOG_TERMS[1:]:
        series = (series + term) * square
    return exponent * _LN2_HIGH + (2.0 * s + (2.0 * s * series + exponent * _LN2_LOW))


def exponentials(numbers: Floats) -> Floats:
    """Returns ``exp`` of finite numbers of a magnitude up to 700."""
    exponent = np.rint(numbers / _LN2)
    result: Floats = np.ldexp(_exp_of_parts(numbers, exponent), exponent.astype(int))
    return result


def exponential(number: float) -> float:
    """Returns ``exp`` of a finite number of a magnitude up to 700."""
    exponent = float(round(number / _LN2))
    return math.ldexp(_exp_of_parts(number, exponent), int(exponent))


def _exp_of_parts(number: _Number, exponent: _Number) -> _Number:
    """Returns ``exp(number − exponent · ln 2)`` for a difference of at most 0.347."""
    rest = (number - exponent * _LN2_HIGH) - exponent * _LN2_LOW
    series = _EXP_TERMS[0] * rest
    for term in _EXP_TERMS[1:]:
        series = (series + term) * rest
    return 1.0 + (rest + series * rest)


def powers(bases: Floats, exponents: Floats) -> Floats:
    """Returns each base to its exponent; infinite above the largest float. Bases are not below 0."""
    return np.array(list(map(_power, bases.tolist(), exponents.tolist())), dtype=float)


def _power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except (OverflowError, ValueError):  # above the largest float, or 0 to a negative exponent
        return math.inf
