"""Sensitivity: each assumption halved and doubled, ranked by spread."""

import pytest

from harmonize.liquidation.price import Side
from harmonize.stress.book import synthetic_book
from harmonize.stress.counterfactuals import unchanged
from harmonize.stress.curve import curve
from harmonize.stress.defaults import DEFAULTS, StressDefaults
from harmonize.stress.errors import StressInputError
from harmonize.stress.impact import SquareRootImpact
from harmonize.stress.sensitivity import SCALES, sensitivity
from harmonize.stress.thresholds import thresholds
from tests.harmonize.stress.markets import flat_margins


def liquidated(defaults: StressDefaults) -> float:
    own = {"a": flat_margins(0.005, 0.01)}
    book = synthetic_book("BTC", {"a": 1e9}, own, defaults=defaults, rows=400, sides=(Side.LONG,))
    impact = SquareRootImpact(
        0.03, 2e10, defaults.impact_coefficient.value, defaults.impact_exponent.value
    )
    outcome = unchanged(book)
    return float(curve(thresholds(outcome.positions, outcome.falls), impact, [0.1]).liquidated[0])


def test_assumptions_are_ranked_by_what_they_change() -> None:
    rows = sensitivity(DEFAULTS, liquidated)
    assert {row.name for row in rows} == set(SCALES)
    assert [row.spread for row in rows] == sorted((row.spread for row in rows), reverse=True)
    assert {row.name for row in rows[:2]} == {"leverage, median", "leverage, log-sd"}
    by_name = {row.name: row for row in rows}
    median, coefficient = by_name["leverage, median"], by_name["impact coefficient"]
    assert median.halved < median.base < median.doubled
    assert coefficient.halved <= coefficient.base <= coefficient.doubled
    assert by_name["largest size"].spread == 0.0  # one flat tier: size changes nothing
    assert by_name["time to sell"].spread == 0.0  # the curve has no time


@pytest.mark.parametrize(
    ("name", "field", "halved", "doubled"),
    [
        ("leverage, median", lambda own: own.leverage_of("ETH", Side.LONG).median, 0.47, 1.88),
        ("leverage, log-sd", lambda own: own.leverage_of("ETH", Side.LONG).log_sd, 0.565, 2.26),
        ("smallest size", lambda own: own.sizes.value.smallest, 500.0, 2e3),
        ("largest size", lambda own: own.sizes.value.largest, 5e7, 2e8),
        ("impact coefficient", lambda own: own.impact_coefficient.value, 0.5, 2.0),
        ("impact exponent", lambda own: own.impact_exponent.value, 0.25, 1.0),
        ("time to sell", lambda own: own.minutes_to_sell.value, 2.5, 10.0),
    ],
)
def test_each_scale_changes_its_own_assumption(
    name: str, field: object, halved: float, doubled: float
) -> None:
    assert callable(field)
    assert field(SCALES[name](DEFAULTS, 0.5)) == pytest.approx(halved)
    assert field(SCALES[name](DEFAULTS, 2.0)) == pytest.approx(doubled)


def test_a_figure_is_finite() -> None:
    with pytest.raises(StressInputError, match="sensitivity: base: expected a finite figure"):
        sensitivity(DEFAULTS, lambda _: float("nan"))
