from fractions import Fraction
from math import comb

import numpy as np
import pytest
import vartests

from harmonize.adequacy.backtests import (
    LikelihoodRatio,
    Zone,
    conditional_coverage,
    independence,
    rule_of_three,
    traffic_light,
    transitions,
    unconditional_coverage,
)
from harmonize.adequacy.overlapping import PhaseTests, phase_tests, split_phases
from harmonize.adequacy.shortfall_test import (
    ShortfallTest,
    critical_value,
    shortfall_statistic,
    shortfall_test,
)
from harmonize.core.schedule import Unknown


def published_breaches() -> np.ndarray:
    """Breaches with the transitions that MathWorks prints for its example of varbacktest.

    1,043 observations, 57 failures, N00 932, N10 53, N01 53, N11 4 (mathworks.com, varbacktest.cc).
    """
    breaches = np.zeros(1043, dtype=bool)
    place = 1
    for length in (2, 2, 2, 2, *[1] * 49):
        breaches[place : place + length] = True
        place += length + 5
    return breaches


def known(result: LikelihoodRatio | Unknown) -> tuple[float, float]:
    assert isinstance(result, LikelihoodRatio)
    return result.statistic, result.p_value


def test_the_tests_of_coverage_equal_a_published_example() -> None:
    breaches = published_breaches()
    counts = transitions(breaches)
    assert (counts.calm_calm, counts.breach_calm) == (932, 53)
    assert (counts.calm_breach, counts.breach_breach) == (53, 4)
    assert known(unconditional_coverage(breaches, 0.05)) == pytest.approx(
        (0.4614664, 0.49693945), abs=1e-7
    )
    assert known(independence(breaches)) == pytest.approx((0.25866315, 0.61104008), abs=1e-7)
    assert known(conditional_coverage(breaches, 0.05)) == pytest.approx(
        (0.72013, 0.69763), abs=5e-6
    )


def test_the_traffic_light_equals_a_published_example() -> None:
    light = traffic_light(57, 1043, 0.05)
    assert (light.at_most, light.at_least) == pytest.approx((0.77912724, 0.26395847), abs=1e-8)


SERIES = [
    (57, 1043, 0.05),
    (9, 500, 0.01),
    (0, 250, 0.01),
    (250, 250, 0.01),
    (1, 2041, 0.005),
    (33, 2041, 0.01),
]


@pytest.mark.parametrize(("count", "observations", "rate"), SERIES)
def test_the_test_of_the_number_equals_another_program(
    count: int, observations: int, rate: float
) -> None:
    breaches = np.arange(observations) < count
    other = vartests.kupiec_test(x=count, n=observations, risk_conf_level=1 - rate)
    assert known(unconditional_coverage(breaches, rate)) == pytest.approx(
        (other["statistic"], other["p-value"]), rel=1e-9
    )


@pytest.mark.parametrize(("count", "observations", "rate"), SERIES)
def test_the_share_of_the_traffic_light_equals_another_program(
    count: int, observations: int, rate: float
) -> None:
    other = vartests.binomial_test(x=count, n=observations, risk_conf_level=1 - rate)
    light = traffic_light(count, observations, rate)
    assert light.at_least == pytest.approx(other["p-value"], rel=1e-9)


@pytest.mark.parametrize("observations", [1, 30, 250, 2041, 102_782])
def test_the_rule_of_three_equals_another_program(observations: int) -> None:
    other = vartests.upper_confidence_limit(x=0, n=observations)
    assert rule_of_three(observations) == pytest.approx(other["upper limit"], rel=1e-9)


def test_no_breach_in_a_year_is_too_few_and_counts_zero_powers_as_one() -> None:
    calm = np.zeros(250, dtype=bool)
    assert known(unconditional_coverage(calm, 0.01)) == pytest.approx(
        (5.0251679, 0.024981503), abs=1e-7
    )
    assert known(independence(calm)) == (0.0, 1.0)
    assert known(unconditional_coverage(~calm, 0.01))[0] == pytest.approx(-500 * np.log(0.01))


@pytest.mark.parametrize(
    ("count", "zone"),
    [(0, "green"), (4, "green"), (5, "yellow"), (9, "yellow"), (10, "red")],
)
def test_the_zones_are_those_of_basel_for_250_days(count: int, zone: str) -> None:
    assert traffic_light(count, 250, 0.01).zone == zone


@pytest.mark.parametrize("observations", [100, 731, 3120])
def test_zones_begin_where_exact_binomial_sums_pass_their_limits(observations: int) -> None:
    rate, total = Fraction(1, 100), Fraction(0)
    for count in range(60):
        term = comb(observations, count) * rate**count * (1 - rate) ** (observations - count)
        total += term
        expected = (
            Zone.RED
            if total >= Fraction(9999, 10000)
            else Zone.YELLOW
            if total >= Fraction(95, 100)
            else Zone.GREEN
        )
        light = traffic_light(count, observations, 0.01)
        assert light.zone is expected
        assert light.at_least == pytest.approx(float(1 - total + term), rel=1e-9)


def test_clustered_breaches_are_rejected_and_independent_ones_are_not() -> None:
    rng = np.random.default_rng(4)
    p_values = [known(independence(rng.random(1000) < 0.05))[1] for _ in range(400)]
    assert 0.02 < np.mean(np.array(p_values) < 0.05) < 0.09
    clustered = np.repeat(rng.random(250) < 0.05, 4)
    assert known(independence(clustered))[1] < 1e-6


def test_the_number_of_breaches_is_rejected_as_often_as_the_significance() -> None:
    rng = np.random.default_rng(8)
    p_values = [known(unconditional_coverage(rng.random(2000) < 0.05, 0.05))[1] for _ in range(500)]
    assert 0.03 < np.mean(np.array(p_values) < 0.05) < 0.08


def test_too_few_observations_give_a_reason() -> None:
    empty, single = np.zeros(0, dtype=bool), np.zeros(1, dtype=bool)
    assert unconditional_coverage(empty, 0.01) == Unknown("0 observations, 1 is required")
    for breaches in (empty, single):
        reason = f"{breaches.size} observations, 2 are required"
        assert independence(breaches) == Unknown(reason)
    assert conditional_coverage(empty, 0.01) == Unknown("0 observations, 1 is required")
    assert conditional_coverage(single, 0.01) == Unknown("1 observations, 2 are required")


@pytest.mark.parametrize("rate", [0.0, 1.0, 99.0])
def test_a_level_in_percent_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match=r"expected a rate above 0 and below 1.*use 0.01 for 99 %"):
        unconditional_coverage(np.zeros(5, dtype=bool), rate)
    with pytest.raises(ValueError, match="expected a rate above 0 and below 1"):
        traffic_light(0, 250, rate)


@pytest.mark.parametrize(("count", "observations"), [(-1, 250), (251, 250), (0, 0)])
def test_an_impossible_count_is_refused(count: int, observations: int) -> None:
    with pytest.raises(ValueError, match=f"found {count}; correct the count"):
        traffic_light(count, observations, 0.01)


def test_the_rule_of_three_is_close_to_three_per_observation() -> None:
    assert rule_of_three(100) == pytest.approx(0.029513, abs=1e-6)
    assert rule_of_three(3000) * 3000 == pytest.approx(3, rel=0.002)
    assert (1 - rule_of_three(250)) ** 250 == pytest.approx(0.05)
    assert rule_of_three(0) == 1.0


def test_phases_do_not_overlap_and_are_tested_one_by_one() -> None:
    breaches = np.arange(10) == 4
    phases = list(split_phases(breaches, 3))
    assert [phase.size for phase in phases] == [4, 3, 3]
    assert [phase.any() for phase in phases] == [False, True, False]
    tests = phase_tests(breaches, 3, lambda phase: 0.01 if phase.any() else 0.5)
    assert tests == PhaseTests((0.5, 0.01, 0.5), 3)
    assert tests.lowest == pytest.approx(0.03)
    assert (tests.rejected(0.05), PhaseTests((0.9, 0.8), 5).lowest) == (1, 1.0)
    for horizon in (0, 11):
        with pytest.raises(ValueError, match="expected a horizon from 1 to 10 rows"):
            list(split_phases(breaches, horizon))


def test_critical_values_of_the_shortfall_test_equal_those_published() -> None:
    normal, student = critical_value(250, 0.975, 0.05), critical_value(250, 0.975, 0.05, 3)
    assert normal == pytest.approx(-0.7, abs=0.02)  # Acerbi and Székely 2014
    assert (normal, student) == pytest.approx((-0.694, -0.812), abs=0.02)
    assert critical_value(250, 0.975, 0.0001) == pytest.approx(-1.8, abs=0.15)
    assert critical_value(1000, 0.975, 0.05) > normal
    with pytest.raises(ValueError, match="expected at least 2, found 1"):
        critical_value(250, 0.975, 0.05, 1)


def test_the_shortfall_statistic_counts_losses_beyond_var_in_units_of_es() -> None:
    losses = np.array([0.1, 0.02, 0.06, 0.0])
    var, es = np.full(4, 0.05), np.full(4, 0.08)
    assert shortfall_statistic(losses, var, es, 0.5) == pytest.approx(1 - (0.16 / 0.08) / 2)


def test_a_right_shortfall_passes_and_half_of_it_fails() -> None:
    rng = np.random.default_rng(6)
    losses = rng.standard_t(3, size=1000)
    var, es = np.full(1000, 3.1824), np.full(1000, 5.0397)  # exact, at 97.5 %
    right = shortfall_test(losses, var, es, 0.975)
    assert isinstance(right, ShortfallTest)
    assert not right.rejected
    low = shortfall_test(losses, var / 2, es / 2, 0.975)
    assert isinstance(low, ShortfallTest)
    assert low.rejected
    assert shortfall_test(losses[:30], var[:30], es[:30], 0.975) == Unknown(
        "30 observations, 40 are required at 0.975"
    )


def test_a_shortfall_without_losses_or_of_another_length_is_refused() -> None:
    ones = np.ones(50)
    with pytest.raises(ValueError, match="ES: row 0: expected a number above 0, found 0"):
        shortfall_statistic(ones, ones, ones * 0, 0.975)
    with pytest.raises(ValueError, match="expected one of each per row"):
        shortfall_statistic(ones, ones[:4], ones, 0.975)
