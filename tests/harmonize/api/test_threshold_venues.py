"""Whether a margin should move: the interval, the models that agree and the age of prices decide."""

from datetime import UTC, datetime
from statistics import median

import numpy as np
import pytest

from harmonize.adequacy.tail import TailEstimate, value_at_risk
from harmonize.api.threshold_terms import Certainty, Move, ThresholdTerms, VenueRate
from harmonize.api.threshold_venues import AdviceBasis, advise, relative_interval
from harmonize.core.schedule import Unknown
from harmonize.thresholds.history import DailyHistory
from tests.harmonize.thresholds.samples import history

TERMS = ThresholdTerms()
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def own() -> DailyHistory:
    return history(1_200, seed=3)


def rates(*values: float | Unknown) -> tuple[VenueRate, ...]:
    return tuple(VenueRate(f"venue{n}", "X", value, NOW) for n, value in enumerate(values))


def test_the_interval_is_that_of_the_worse_side_relative_to_it(own: DailyHistory) -> None:
    last = own.returns[-1095:]
    sides = [value_at_risk(sign * last, 0.99) for sign in (-1, 1)]
    worse = max((s for s in sides if isinstance(s, TailEstimate)), key=lambda side: side.value)
    lower, upper, count = relative_interval(own, 0.99)
    assert worse.lower is not None
    assert worse.upper is not None
    assert lower == pytest.approx(worse.lower / worse.value)
    assert upper == pytest.approx(worse.upper / worse.value)
    assert count == 1_095
    assert lower is not None
    assert upper is not None
    assert lower < 1 < upper


def test_the_median_of_known_rates_counts_and_the_rule_set_is_judged_apart(
    own: DailyHistory,
) -> None:
    basis = AdviceBasis(own, 0.10, "a model", [0.10, 0.11, 0.09], 0)
    venues, reference = advise(basis, TERMS, rates(0.01, 0.03, 0.02, Unknown("absent")), 0.30)
    assert venues.required == median([0.01, 0.02, 0.03])
    assert (venues.move, venues.certainty) == (Move.RISE, Certainty.HIGH)
    assert venues.sentence.startswith("BTC: the median IM of 3 venues at $1,000,000, 2.0 %, should")
    assert (reference.move, reference.certainty) == (Move.FALL, Certainty.HIGH)
    assert "harmonized-baseline" in reference.sentence


def test_a_margin_inside_the_interval_need_not_move(own: DailyHistory) -> None:
    basis = AdviceBasis(own, 0.10, "a model", [0.10], 0)
    inside = advise(basis, TERMS, rates(0.10), 0.10)[0]
    assert inside.move is Move.STAY
    assert inside.lower is not None
    edge = advise(basis, TERMS, rates(inside.lower * 0.99), 0.10)[0]
    assert edge.move is Move.RISE


@pytest.mark.parametrize(
    ("covering", "age", "expected"),
    [
        ([0.10, 0.10, 0.10], 0, Certainty.HIGH),
        ([0.10, 0.10, 0.02], 0, Certainty.MEDIUM),
        ([0.10, 0.02], 0, Certainty.LOW),
        ([], 0, Certainty.LOW),
        ([0.10, 0.10, 0.10], 31, Certainty.LOW),
    ],
)
def test_certainty_follows_the_models_that_agree_and_the_age_of_prices(
    own: DailyHistory, covering: list[float], age: int, expected: Certainty
) -> None:
    found = advise(AdviceBasis(own, 0.10, "m", covering, age), TERMS, rates(0.02), 0.1)[0]
    assert found.certainty is expected
    assert ("31 days old" in found.sentence) == (age == 31)


def test_an_unknown_margin_or_threshold_is_not_judged(own: DailyHistory) -> None:
    basis = AdviceBasis(own, 0.10, "m", [0.1], 0)
    venues, reference = advise(basis, TERMS, (), Unknown("BTC has no class"))
    assert venues.move is reference.move is Move.UNKNOWN
    assert reference.sentence.endswith("cannot be judged: BTC has no class.")
    absent = advise(AdviceBasis(own, Unknown("none"), "m", [], 0), TERMS, rates(0.1), 0.1)[0]
    assert absent.sentence.endswith("cannot be judged: none.")


def test_a_sample_that_does_not_bound_the_quantile_lets_no_margin_fall() -> None:
    own = DailyHistory("BTC", np.arange(365), history(365).returns.copy())
    lower, upper, _ = relative_interval(own, 0.997)
    assert upper is None
    assert lower is not None
    found = advise(
        AdviceBasis(own, 0.1, "m", [0.1], 0), ThresholdTerms(level=0.997), rates(0.9), 0.9
    )
    assert found[0].move is Move.STAY
    assert "unbounded" in found[0].sentence
