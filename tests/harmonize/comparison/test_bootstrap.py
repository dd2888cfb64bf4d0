"""Bootstrap interval of the index: against all possible samples, and by hand."""

from itertools import product
from math import exp, log

import numpy as np
import pytest

from harmonize.comparison import index as bootstrap
from harmonize.comparison.index import index_of, interval, leave_one_out


def test_the_interval_is_that_of_all_possible_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    distances = [0.1, 0.4, 0.5, 1.2, 0.3, 0.9, 0.2]
    values = sorted(100 * exp(-sum(sample) / 7) for sample in product(distances, repeat=7))
    monkeypatch.setattr(bootstrap, "DRAWS", 20_000)
    bootstrap._samples.cache_clear()  # noqa: SLF001 - the cached samples have another number of draws
    bounds = interval(distances)
    bootstrap._samples.cache_clear()  # noqa: SLF001 - as above
    assert bounds == pytest.approx((np.percentile(values, 2.5), np.percentile(values, 97.5)))


def test_equal_distances_have_no_width_and_two_no_interval() -> None:
    assert interval([0.3] * 5) == pytest.approx((100 * exp(-0.3),) * 2)
    assert interval([0.3, 0.4]) is None
    assert interval([0.3] * 5, [1.0, 2.0, 3.0, 4.0, 5.0]) == pytest.approx((100 * exp(-0.3),) * 2)


def test_an_interval_is_deterministic() -> None:
    assert interval([0.1, 0.5, 0.9]) == interval([0.1, 0.5, 0.9])


def test_weights_draw_the_index_and_its_interval_towards_the_heavy_one() -> None:
    distances, weights = [0.0, 1.0, 1.0, 1.0], [97.0, 1.0, 1.0, 1.0]
    assert index_of(distances, weights) == pytest.approx(100 * exp(-0.03))
    low, high = interval(distances, weights) or (0.0, 0.0)
    assert high == pytest.approx(100.0, abs=0.5)
    assert low == pytest.approx(100 * exp(-1.0))  # some samples do not contain the heavy one


def test_the_venue_whose_omission_changes_the_index_most_is_named() -> None:
    distances = [0.1, 0.2, 1.5]
    largest = leave_one_out(distances)
    assert largest is not None
    assert largest.position == 2
    assert largest.value == pytest.approx(100 * exp(-0.15))
    weighted = leave_one_out([log(2), log(4)], [3.0, 1.0])
    assert weighted is not None
    assert weighted.position == 0
    assert weighted.value == pytest.approx(25.0)
    assert leave_one_out([0.1]) is None
