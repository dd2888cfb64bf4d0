import numpy as np
import pytest

from harmonize.numerics.bootstrap import BootstrapTerms, percentile_interval, stationary_indices


def test_blocks_continue_circularly_and_have_the_mean_length() -> None:
    indices = stationary_indices(np.random.default_rng(1), 500, 10, 400)
    assert indices.shape == (400, 500)
    assert indices.min() == 0
    assert indices.max() == 499
    continues = (indices[:, 1:] - indices[:, :-1]) % 500 == 1
    # A new block begins by chance at the next observation, too.
    assert continues.mean() == pytest.approx(0.9 + 0.1 / 500, abs=0.005)


def test_every_observation_is_drawn_as_often_as_another() -> None:
    indices = stationary_indices(np.random.default_rng(2), 50, 5, 4000)
    counts = np.bincount(indices.ravel(), minlength=50)
    assert counts.std() / counts.mean() < 0.05


def test_blocks_of_one_are_an_independent_bootstrap_of_known_width() -> None:
    sample = np.random.default_rng(3).standard_normal(400)
    lower, upper = percentile_interval(
        sample, lambda rows: rows.mean(axis=1), BootstrapTerms(block=1, draws=4000)
    )
    expected = 2 * 1.96 * sample.std() / 20
    assert upper - lower == pytest.approx(expected, rel=0.06)


def test_dependent_observations_need_blocks() -> None:
    noise = np.random.default_rng(4).standard_normal(2020)
    sample = np.convolve(noise, np.ones(20), "valid")
    widths = []
    for block in (1, 60):
        lower, upper = percentile_interval(
            sample, lambda rows: rows.mean(axis=1), BootstrapTerms(block)
        )
        widths.append(upper - lower)
    # The long-run deviation of a sum of 20 is 20; that of one observation is the root of 20.
    assert widths[1] / widths[0] == pytest.approx(20**0.5, rel=0.3)


def test_a_seed_gives_the_same_interval_and_another_seed_another() -> None:
    sample = np.random.default_rng(5).standard_normal(300)
    intervals = [
        percentile_interval(sample, lambda rows: rows.max(axis=1), BootstrapTerms(3, 200, seed))
        for seed in (1, 1)
    ]
    assert intervals[0] == intervals[1]
    means = [
        percentile_interval(sample, lambda rows: rows.mean(axis=1), BootstrapTerms(3, 200, seed))
        for seed in (1, 2)
    ]
    assert means[0] != means[1]


def test_a_block_below_one_observation_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a mean block of at least 1 observation"):
        stationary_indices(np.random.default_rng(1), 10, 0.5, 1)
