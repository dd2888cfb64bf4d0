"""Correlation and open interest as further features use the rows before a day only."""

import numpy as np
import pytest

from tests.bench.features import CORRELATION_DAYS, LONG_DAYS, growth, trailing_correlation

SIZE = 80
MADE = np.random.default_rng(3)
ONE, OTHER = MADE.normal(size=(2, SIZE))


def test_a_correlation_is_that_of_the_sixty_rows_before() -> None:
    found = trailing_correlation(ONE, OTHER)
    row = 70
    before = slice(row - CORRELATION_DAYS, row)
    assert found[row] == pytest.approx(np.corrcoef(ONE[before], OTHER[before])[0, 1])
    assert np.isnan(found[:CORRELATION_DAYS]).all()
    assert np.isfinite(found[CORRELATION_DAYS:]).all()


def test_the_return_of_a_day_does_not_predict_itself() -> None:
    changed, row = ONE.copy(), 70
    changed[row:] = 900.0
    found, expected = trailing_correlation(changed, OTHER), trailing_correlation(ONE, OTHER)
    np.testing.assert_array_equal(found[: row + 1], expected[: row + 1])
    assert found[row + 1] != expected[row + 1]


def test_a_row_that_is_not_observed_makes_the_sixty_after_it_unknown() -> None:
    gap = OTHER.copy()
    gap[5] = np.nan
    found = trailing_correlation(ONE, gap)
    assert np.isnan(found[: 5 + CORRELATION_DAYS + 1]).all()
    assert np.isfinite(found[5 + CORRELATION_DAYS + 1 :]).all()


def test_growth_is_that_of_the_rows_before() -> None:
    coins = np.exp(ONE)
    found, row = growth(coins), 40
    expected = np.log(coins[row - 5 : row].mean() / np.median(coins[row - LONG_DAYS : row]))
    assert found[row] == pytest.approx(expected)
    assert found.size == SIZE + 1
    later = coins.copy()
    later[row:] = 900.0
    np.testing.assert_array_equal(growth(later)[: row + 1], found[: row + 1])
    assert np.isnan(growth(coins[: LONG_DAYS - 1])).all()
