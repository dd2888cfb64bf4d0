"""How sure an index is: against draws of another kind, and by hand."""

from itertools import product
from math import exp, log

import numpy as np
import pytest

from harmonize.comparison import index as bootstrap
from harmonize.comparison.index import index_of, interval, without_one


def test_the_interval_is_that_of_all_possible_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    distances = [0.1, 0.4, 0.5, 1.2, 0.3, 0.9, 0.2]
    values = sorted(100 * exp(-sum(drawn) / 7) for drawn in product(distances, repeat=7))
    monkeypatch.setattr(bootstrap, "DRAWS", 20_000)
    bootstrap._drawn.cache_clear()  # noqa: SLF001 - so that the draws are as many
    found = interval(distances)
    bootstrap._drawn.cache_clear()  # noqa: SLF001 - as above
    assert found == pytest.approx((np.percentile(values, 2.5), np.percentile(values, 97.5)))


def test_equal_distances_have_no_width_and_two_no_interval() -> None:
    assert interval([0.3] * 5) == pytest.approx((100 * exp(-0.3),) * 2)
    assert interval([0.3, 0.4]) is None
    assert interval([0.3] * 5, [1.0, 2.0, 3.0, 4.0, 5.0]) == pytest.approx((100 * exp(-0.3),) * 2)


def test_an_interval_is_the_same_every_time() -> None:
    assert interval([0.1, 0.5, 0.9]) == interval([0.1, 0.5, 0.9])


def test_weights_draw_the_index_and_its_interval_towards_the_heavy_one() -> None:
    distances, weights = [0.0, 1.0, 1.0, 1.0], [97.0, 1.0, 1.0, 1.0]
    assert index_of(distances, weights) == pytest.approx(100 * exp(-0.03))
    low, high = interval(distances, weights) or (0.0, 0.0)
    assert high == pytest.approx(100.0, abs=0.5)
    assert low == pytest.approx(100 * exp(-1.0))  # now and then the heavy one is not drawn


def test_the_venue_that_matters_most_is_found_by_leaving_each_out() -> None:
    distances = [0.1, 0.2, 1.5]
    found = without_one(distances)
    assert found is not None
    assert found.place == 2
    assert found.value == pytest.approx(100 * exp(-0.15))
    weighed = without_one([log(2), log(4)], [3.0, 1.0])
    assert weighed is not None
    assert weighed.place == 0
    assert weighed.value == pytest.approx(25.0)
    assert without_one([0.1]) is None
