"""Resampled quantiles of the fast bootstrap against series that are really built."""

import numpy as np
import pytest

from harmonize.adequacy.overlapping import _blocks, resampled_quantiles
from harmonize.numerics.bootstrap import BootstrapTerms, percentile_interval


def built(sample: np.ndarray, terms: BootstrapTerms, level: float) -> np.ndarray:
    """The quantile of each series, built block by block in plain Python."""
    starts, lengths = _blocks((terms.seed, 0), sample.size, terms.block, terms.draws)
    quantiles = []
    for row in range(terms.draws):
        places = [
            (start + step) % sample.size
            for start, length in zip(starts[row], lengths[row], strict=True)
            for step in range(length)
        ]
        assert len(places) == sample.size
        quantiles.append(np.quantile(sample[places], level))
    return np.array(quantiles)


@pytest.mark.parametrize(("size", "block"), [(150, 4.0), (400, 60.0), (300, 1.0), (120, 500.0)])
@pytest.mark.parametrize("level", [0.9, 0.99])
def test_quantiles_equal_those_of_series_that_are_built(
    size: int, block: float, level: float
) -> None:
    sample = np.random.default_rng(size).standard_t(3, size=size).round(1)  # with ties
    terms = BootstrapTerms(block=block, draws=60)
    np.testing.assert_allclose(
        resampled_quantiles(sample, level, terms), built(sample, terms, level), rtol=1e-12
    )


def test_intervals_agree_with_those_of_resampled_rows() -> None:
    moves = np.convolve(np.random.default_rng(9).standard_t(4, size=1500), np.ones(5))[:1500]
    terms = BootstrapTerms(block=12.0, draws=4000)
    fast = np.quantile(resampled_quantiles(moves, 0.99, terms), (0.025, 0.975))
    slow = percentile_interval(moves, lambda rows: np.quantile(rows, 0.99, axis=1), terms)
    assert tuple(fast) == pytest.approx(slow, rel=0.04)


def test_a_block_below_one_observation_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a mean block of at least 1 observation"):
        resampled_quantiles(np.arange(10.0), 0.9, BootstrapTerms(block=0.5))
