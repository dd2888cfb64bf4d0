from dataclasses import replace

import numpy as np
import pytest

from harmonize.core.schedule import Unknown
from harmonize.thresholds.ewma import filtered_paths
from harmonize.thresholds.garch import GarchBlock, GarchFit, garch_blocks
from harmonize.thresholds.garch_paths import NO_SHORTFALL, garch_paths, peaks_paths
from harmonize.thresholds.path import Fallback, Model, ThresholdPath
from harmonize.thresholds.peaks import fit_tail
from tests.harmonize.thresholds.samples import history, of

HISTORY = history(500)
EMPTY = np.empty(0)


def blocks_of() -> tuple[GarchBlock, ...]:
    blocks = garch_blocks(HISTORY)
    assert not isinstance(blocks, Unknown)
    return blocks


BLOCKS = blocks_of()


def single(paths: tuple[ThresholdPath, ...] | Unknown) -> ThresholdPath:
    assert not isinstance(paths, Unknown)
    return paths[0]


@pytest.mark.parametrize("row", [365, 380, 394, 395, 500])
def test_filtered_simulation_equals_a_loop(row: int) -> None:
    path = single(garch_paths(HISTORY, BLOCKS, (0.99,)))
    block = next(block for block in BLOCKS if block.first <= row < block.stop)
    assert isinstance(block.fit, GarchFit)
    residuals = block.residuals[: row - block.start]
    assert residuals.size == row
    volatility, mean = block.volatility[row - block.first], block.fit.mean / 100
    worst = np.sort(-residuals)[::-1]
    size = 0.01 * row
    whole = int(size)
    shortfall = (worst[:whole].sum() + (size - whole) * worst[whole]) / size
    expected = (
        volatility * np.quantile(-residuals, 0.99) - mean,
        volatility * np.quantile(residuals, 0.99) + mean,
        volatility * shortfall - mean,
    )
    found = (path.long.var[row], path.short.var[row], path.long.es[row])
    assert found == pytest.approx(expected, rel=5.1e-4)  # four digits
    assert path.fallbacks == ()


def test_peaks_equal_the_formula_of_the_fitted_tail() -> None:
    path = single(peaks_paths(HISTORY, BLOCKS, (0.995,)))
    block = BLOCKS[1]
    tail = fit_tail(-block.residuals[: block.first])
    assert not isinstance(tail, Unknown)
    assert isinstance(block.fit, GarchFit)
    for row in (block.first, block.stop - 1):
        scale, mean = block.volatility[row - block.first], block.fit.mean / 100
        assert path.long.var[row] == pytest.approx(
            scale * tail.value_at_risk(0.995) - mean, rel=5.1e-4
        )
        shortfall = tail.expected_shortfall(0.995)
        assert shortfall is not None
        assert path.long.es[row] == pytest.approx(scale * shortfall - mean, rel=5.1e-4)


def test_blocks_without_a_fit_use_the_filtered_ewma_and_say_why() -> None:
    reason = Unknown("persistence of the GARCH fit is not below 1")
    changed = tuple(
        replace(block, fit=reason, volatility=EMPTY, residuals=EMPTY)
        if place in {1, 2, 4}
        else block
        for place, block in enumerate(BLOCKS)
    )
    instead = single(filtered_paths(HISTORY, Model.FILTERED_94, (0.99,)))
    whole = single(garch_paths(HISTORY, BLOCKS, (0.99,)))
    for calculate in (garch_paths, peaks_paths):
        path = single(calculate(HISTORY, changed, (0.99,)))
        rows = np.r_[395:455, 485:501]
        np.testing.assert_allclose(path.long.var[rows], instead.long.var[rows], rtol=5.1e-4)
        days = HISTORY.threshold_days
        assert path.fallbacks == (
            Fallback(int(days[395]), int(days[454]), 60, reason.reason, Model.FILTERED_94),
            Fallback(int(days[485]), int(days[500]), 16, reason.reason, Model.FILTERED_94),
        )
        if calculate is garch_paths:
            np.testing.assert_array_equal(path.long.var[365:395], whole.long.var[365:395])


def test_rows_before_the_first_block_are_not_stated() -> None:
    whole = single(garch_paths(HISTORY, BLOCKS, (0.99,)))
    for calculate in (garch_paths, peaks_paths):
        path = single(calculate(HISTORY, BLOCKS[2:], (0.99,)))
        assert np.isnan(path.margin[:425]).all()
        assert np.isfinite(path.margin[425:]).all()
        assert np.isnan(path.long.es[:425]).all()
        if calculate is garch_paths:
            np.testing.assert_array_equal(path.margin[425:], whole.margin[425:])


def test_a_tail_without_mean_has_var_but_no_shortfall() -> None:
    rng = np.random.default_rng(8)
    heavy = replace(BLOCKS[0], residuals=rng.standard_cauchy(BLOCKS[0].residuals.size) ** 3)
    path = single(peaks_paths(HISTORY, (heavy, *BLOCKS[1:]), (0.99,)))
    rows = slice(365, 395)
    assert np.isfinite(path.long.var[rows]).all()
    assert np.isnan(path.long.es[rows]).all()
    assert np.isfinite(path.long.es[395:]).all()
    days = HISTORY.threshold_days
    assert path.fallbacks == (Fallback(int(days[365]), int(days[394]), 30, NO_SHORTFALL, None),)


def test_returns_without_volatility_at_the_beginning_give_a_reason() -> None:
    own = of(np.concatenate([np.zeros(40), HISTORY.returns]))
    blocks = garch_blocks(own)
    assert not isinstance(blocks, Unknown)
    assert garch_paths(own, blocks, (0.99,)) == Unknown("the first 30 returns are 0")


def test_simulated_returns_are_covered() -> None:
    own = history(3000, 21)
    blocks = garch_blocks(own)
    assert not isinstance(blocks, Unknown)
    path = single(garch_paths(own, blocks, (0.95,)))
    breaches = -own.returns[365:] > path.long.var[365:-1]
    assert breaches.mean() == pytest.approx(0.05, abs=0.012)
