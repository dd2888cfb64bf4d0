"""Percentiles, remedies and curves against their definitions."""

from dataclasses import replace
from decimal import Decimal as D
from math import exp

import numpy as np
import pytest

from harmonize.comparison.curves import build_curves
from harmonize.comparison.index import CONFIDENCE, DRAWS, SEED, interval
from harmonize.comparison.remediation import RequiredMargin, remedy, tier_changes
from harmonize.comparison.universe import build_universe
from harmonize.core.schedule import Known, MarginSchedule, marginal
from tests.harmonize.checks.examples import NOW, flat_schedule
from tests.harmonize.comparison.test_remediation import CAP, INFINITE, flat_lines, marginal_lines


@pytest.mark.parametrize("count", [3, 5, 8, 13, 40])
def test_the_bounds_of_an_interval_are_percentiles_of_the_samples(count: int) -> None:
    distances = np.random.default_rng(count).uniform(0.0, 2.0, count)
    samples = np.random.default_rng(SEED).integers(0, count, (DRAWS, count))
    tail = 50.0 * (1.0 - CONFIDENCE)
    near, far = np.percentile(distances[samples].mean(axis=1), [tail, 100.0 - tail])
    found = interval(distances.tolist())
    assert found == pytest.approx((100 * exp(-far), 100 * exp(-near)), rel=1e-12)


def test_a_tier_is_raised_to_the_steepest_line_from_its_beginning() -> None:
    # 1 % up to 200,000, required from 150,000 on 3 %: 3,000 at 200,000, from 1,000 at 100,000
    own = marginal_lines((100_000, 0.01), (200_000, 0.01))
    reference = marginal_lines((150_000, 0.01), (200_000, 0.03))
    required = RequiredMargin(reference, 1.0, 0.0, 0.0, 200_000.0)
    (change,) = tier_changes(own, required)
    assert tuple(change) == pytest.approx((2, 0.01, 0.02))
    steeper = marginal_lines((150_000, 0.01), (200_000, 0.05))
    (change,) = tier_changes(own, RequiredMargin(steeper, 1.0, 0.0, 0.0, 200_000.0))
    assert tuple(change) == pytest.approx((2, 0.01, 0.03))


@pytest.mark.parametrize(("factor", "absolute"), [(1.0, 0.0), (1.0, 0.1), (0.8, 0.0), (0.8, 0.1)])
def test_a_tolerance_lowers_the_rate_that_is_required(factor: float, absolute: float) -> None:
    own = flat_lines((100_000, 0.01), (200_000, 0.6))
    required = RequiredMargin(CAP, factor, absolute, 0.0, INFINITE)
    (change,) = tier_changes(own, required)
    assert tuple(change) == pytest.approx((1, 0.01, 0.5 * factor - absolute))


@pytest.mark.parametrize(
    ("lowest", "text"),
    [
        (-1.0, "require a margin above 0 at every size"),
        (-0.5, "raise the margin by 100.0 % at every size"),
        (-2 / 3, "raise the margin by 200.0 % at every size"),
        (-0.75, "raise the margin to 4 times its amount at every size"),
        (-0.984, "raise the margin to 62.5 times its amount at every size"),
        (-0.9999, "raise the margin to 10,000 times its amount at every size"),
    ],
)
def test_a_margin_without_tiers_is_raised_as_a_whole(lowest: float, text: str) -> None:
    required = RequiredMargin(CAP, 1.0, 0.0, 0.0, INFINITE)
    assert remedy(None, required, (), lowest).replace("\N{NO-BREAK SPACE}", " ") == text


def curves_of(schedule: MarginSchedule) -> dict[str, tuple[tuple[float, ...], tuple[float, ...]]]:
    universe = build_universe([schedule], (), (), NOW, {}, venues=1)
    curves = build_curves(universe.peer_groups, universe.layout)
    return {curve.margin_type: (curve.notional, curve.rate) for curve in curves}


def test_a_flat_tier_has_two_points() -> None:
    curves = curves_of(flat_schedule((20_000, "0.1", "0.05"), (50_000, "0.2", "0.1")))
    bounds = (1000.0, 20_000.0, 20_000.0, 50_000.0)
    assert curves == {
        "initial": (bounds, (0.1, 0.1, 0.2, 0.2)),
        "maintenance": (bounds, (0.05, 0.05, 0.1, 0.1)),
    }


def test_a_marginal_tier_has_points_at_equal_ratios() -> None:
    uppers, rates = [D(20_000), D(50_000)], [D("0.1"), D("0.2")]
    schedule = replace(
        flat_schedule((20_000, "0.1", "0.05"), (50_000, "0.2", "0.1")),
        initial=Known(marginal(uppers, rates)),
    )
    notional, rate = curves_of(schedule)["initial"]
    # 8 points per decade: three between 20,000 and 50,000
    step = 2.5**0.25
    expected = [1000.0, 20_000.0, *(20_000 * step**n for n in range(5))]
    assert notional == pytest.approx(expected)
    assert rate == pytest.approx([0.1, *((0.2 * at - 2000) / at for at in expected[1:])])
