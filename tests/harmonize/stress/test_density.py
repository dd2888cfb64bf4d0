"""Density of liquidations by fall, and the overlap of venues."""

import numpy as np
import pytest

from harmonize.stress.density import density
from harmonize.stress.errors import StressInputError
from tests.harmonize.stress.markets import stated


def test_notional_lies_in_the_bin_of_its_fall() -> None:
    found = density(stated([0.001, 0.004, 0.012, 2.0], [1.0, 2.0, 4.0, 8.0]))
    assert found.edges.size == 201
    assert found.notional[0, :4].tolist() == [3.0, 0.0, 4.0, 0.0]
    assert found.notional.sum() == 7.0


def test_overlap_is_the_common_part_of_both_densities() -> None:
    # Venue a: half at 1 %, half at 2 %. The others: one quarter at 1 %, three quarters at 5 %.
    market = stated([0.01, 0.02, 0.01, 0.05], [5.0, 5.0, 1.0, 3.0], venue=[0, 0, 1, 1])
    assert density(market).overlap == pytest.approx([0.25, 0.25])


def test_equal_densities_overlap_whatever_their_size() -> None:
    market = stated([0.01, 0.02, 0.01, 0.02], [5.0, 5.0, 100.0, 100.0], venue=[0, 0, 1, 1])
    assert density(market).overlap == pytest.approx([1.0, 1.0])


def test_a_venue_without_others_has_no_overlap() -> None:
    assert np.isnan(density(stated([0.01], [5.0])).overlap).all()


@pytest.mark.parametrize("width", [0.0, -0.1, 2.0, float("nan")])
def test_bins_have_a_width(width: float) -> None:
    with pytest.raises(StressInputError, match="bins: expected a width above 0"):
        density(stated([0.01], [5.0]), width=width)


def test_a_smooth_density_has_the_notional_of_the_rows() -> None:
    rows = np.linspace(0.0, 0.4, 4001)
    market = stated(np.append(rows, np.inf), np.append(1.0 + rows, 9.0))
    smooth, stepped = density(market, is_smooth=True), density(market)
    assert smooth.notional.sum() == pytest.approx((1.0 + rows).sum())
    assert smooth.notional[0, :80] == pytest.approx(stepped.notional[0, :80], rel=0.02)
    assert smooth.notional[0, 81:].sum() == 0.0


def test_rows_that_no_fall_liquidates_have_no_smooth_density() -> None:
    assert density(stated([np.inf, np.inf], [1.0, 2.0]), is_smooth=True).notional.sum() == 0.0


def test_positions_below_their_margin_are_in_the_first_bin() -> None:
    assert density(stated([0.0, 0.0], [1.0, 2.0]), is_smooth=True).notional[0, 0] == 3.0
