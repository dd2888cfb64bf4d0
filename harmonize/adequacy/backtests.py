"""Tests of coverage: do breaches occur as often as stated, and independently of one another.

A breach is a loss above the margin. ``expected_rate`` is one minus the level, such as 0.01.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import log

import numpy as np
from numpy.typing import NDArray

from harmonize.core.schedule import Unknown

Breaches = NDArray[np.bool_]

YELLOW_FROM = 0.95
RED_FROM = 0.9999
"""Cumulative probabilities from which the traffic light is yellow and red (Basel 1996)."""


@dataclass(frozen=True, slots=True)
class LikelihoodRatio:
    """Statistic and p-value of a likelihood-ratio test with its degrees of freedom."""

    statistic: float
    degrees: int
    p_value: float


class Zone(StrEnum):
    """Zone of the traffic light."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


@dataclass(frozen=True, slots=True)
class TrafficLight:
    """Zone of a number of breaches.

    ``at_most`` is the probability of so many breaches or fewer from a correct margin, ``at_least`` of
    so many or more.
    """

    zone: Zone
    at_most: float
    at_least: float


@dataclass(frozen=True, slots=True)
class Transitions:
    """Numbers of successive rows: ``calm_breach`` counts a breach after a row without one."""

    calm_calm: int
    calm_breach: int
    breach_calm: int
    breach_breach: int


def unconditional_coverage(breaches: Breaches, expected_rate: float) -> LikelihoodRatio | Unknown:
    """Returns the test of the number of breaches (Kupiec 1995). Unknown: no observations."""
    _check_rate(expected_rate)
    if not breaches.size:
        return Unknown("0 observations, 1 is required")
    count = int(np.count_nonzero(breaches))
    expected = _log_likelihood(count, breaches.size, expected_rate)
    observed = _log_likelihood(count, breaches.size, count / breaches.size)
    return _ratio(expected, observed, 1)


def independence(breaches: Breaches) -> LikelihoodRatio | Unknown:
    """Returns the test that a breach is as likely after a breach as otherwise (Christoffersen 1998).

    Unknown: fewer than two observations.
    """
    if breaches.size < 2:  # noqa: PLR2004 - a transition has two ends
        return Unknown(f"{breaches.size} observations, 2 are required")
    counts = transitions(breaches)
    after_calm = counts.calm_calm + counts.calm_breach
    after_breach = counts.breach_calm + counts.breach_breach
    total = counts.calm_breach + counts.breach_breach
    same = _log_likelihood(total, after_calm + after_breach, _share(total, breaches.size - 1))
    different = _log_likelihood(
        counts.calm_breach, after_calm, _share(counts.calm_breach, after_calm)
    ) + _log_likelihood(
        counts.breach_breach, after_breach, _share(counts.breach_breach, after_breach)
    )
    return _ratio(same, different, 1)


def conditional_coverage(breaches: Breaches, expected_rate: float) -> LikelihoodRatio | Unknown:
    """Returns the joint test of number and independence (Christoffersen 1998): the sum of both.

    Unknown: fewer than two observations.
    """
    return joint_test(unconditional_coverage(breaches, expected_rate), independence(breaches))


def joint_test(
    number: LikelihoodRatio | Unknown, order: LikelihoodRatio | Unknown
) -> LikelihoodRatio | Unknown:
    """Returns the joint test from those of number and independence. Unknown: one of them is."""
    if isinstance(number, Unknown):
        return number
    if isinstance(order, Unknown):
        return order
    statistic = number.statistic + order.statistic
    return LikelihoodRatio(statistic, 2, _chi_squared_tail(2, statistic))


def traffic_light(count: int, observations: int, expected_rate: float) -> TrafficLight:
    """Returns the zone of a number of breaches, for any number of observations.

    The limits are binomial probabilities of 95 % and 99.99 %, which give the table of Basel for 250
    observations at 99 %. Raises ValueError: more breaches than observations, or no rate.
    """
    from scipy.special import bdtr, bdtrc  # noqa: PLC0415 - heavy

    _check_rate(expected_rate)
    if not 0 <= count <= observations or not observations:
        message = f"breaches: expected 0 to {observations} in {observations} observations, found {count}; correct the count"
        raise ValueError(message)
    at_most = float(bdtr(count, observations, expected_rate))
    at_least = float(bdtrc(count - 1, observations, expected_rate)) if count else 1.0
    is_yellow, is_red = at_most >= YELLOW_FROM, at_most >= RED_FROM
    zone = Zone.RED if is_red else Zone.YELLOW if is_yellow else Zone.GREEN
    return TrafficLight(zone, at_most, at_least)


def transitions(breaches: Breaches) -> Transitions:
    """Returns how many rows of each kind follow rows of each kind."""
    before, after = breaches[:-1].astype(bool), breaches[1:].astype(bool)
    return Transitions(
        int(np.count_nonzero(~before & ~after)),
        int(np.count_nonzero(~before & after)),
        int(np.count_nonzero(before & ~after)),
        int(np.count_nonzero(before & after)),
    )


def rule_of_three(observations: int, confidence: float = 0.95) -> float:
    """Returns the highest rate of breaches that no breach in so many observations still permits.

    It is exact, ``1 - (1 - confidence) ** (1 / observations)``, and close to three divided by the
    number of observations at 95 %. No observations permit every rate.
    """
    if observations <= 0:
        return 1.0
    return float(-np.expm1(np.log1p(-confidence) / observations))


def _check_rate(expected_rate: float) -> None:
    if not 0 < expected_rate < 1:
        message = f"expected rate of breaches: expected a rate above 0 and below 1, found {expected_rate}; use 0.01 for 99 %"
        raise ValueError(message)


def _share(count: int, total: int) -> float:
    return count / total if total else 0.0


def _log_likelihood(count: int, observations: int, rate: float) -> float:
    """Returns the logarithm of the likelihood of a count; zero to the power of zero is one."""
    calm = observations - count
    return (count * log(rate) if count else 0.0) + (calm * log(1 - rate) if calm else 0.0)


def _ratio(restricted: float, free: float, degrees: int) -> LikelihoodRatio:
    statistic = max(0.0, 2 * (free - restricted))
    return LikelihoodRatio(statistic, degrees, _chi_squared_tail(degrees, statistic))


def _chi_squared_tail(degrees: int, statistic: float) -> float:
    from scipy.special import chdtrc  # noqa: PLC0415 - heavy

    return float(chdtrc(degrees, statistic))
