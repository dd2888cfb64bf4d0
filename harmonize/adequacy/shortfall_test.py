"""The second test of expected shortfall of Acerbi and Székely (2014), with simulated critical values.

The statistic compares the losses beyond VaR with the stated ES. Its mean is 0 if both are right. It is
negative if breaches are too frequent or too large.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import gamma, pi, sqrt

import numpy as np

from harmonize.adequacy.tail import Floats, least_observations, tail_size
from harmonize.core.schedule import Unknown

DRAWS = 20_000
TAIL_DRAWS = 1_000_000
SEED = 20_261_130

DEGREES = 3
"""Degrees of freedom of the Student losses against which a statistic is judged."""


@dataclass(frozen=True, slots=True)
class ShortfallTest:
    """Statistic, critical value and p-value.

    ``p_value`` is the probability of so low a statistic if VaR and ES are right.
    """

    statistic: float
    critical: float
    observations: int
    p_value: float

    @property
    def rejected(self) -> bool:
        """Whether the stated ES is too low at the significance of the critical value."""
        return self.statistic < self.critical


def shortfall_statistic(losses: Floats, var: Floats, es: Floats, level: float) -> float:
    """Returns Z2 of losses against the VaR and ES stated before them.

    Raises ValueError: not as many of each, or an ES that is not above 0.
    """
    if not losses.shape == var.shape == es.shape or losses.ndim != 1 or not losses.size:
        message = f"losses, VaR and ES: expected one of each per row, found the shapes {losses.shape}, {var.shape} and {es.shape}; align them"
        raise ValueError(message)
    bad = np.flatnonzero(~(es > 0))
    if bad.size:
        message = (
            f"ES: row {bad[0]}: expected a number above 0, found {es[bad[0]]:g}; remove the row"
        )
        raise ValueError(message)
    beyond = losses > var
    return 1 - float(np.sum(losses[beyond] / es[beyond])) / tail_size(losses.size, level)


def shortfall_test(
    losses: Floats, var: Floats, es: Floats, level: float, significance: float = 0.05
) -> ShortfallTest | Unknown:
    """Returns the test, against the critical value of Student losses with three degrees of freedom.

    Their tails are as heavy as those of crypto-assets; normal tails would reject too often. Unknown:
    fewer observations than one expected breach.
    """
    required = least_observations(level)
    if losses.size < required:
        return Unknown(f"{losses.size} observations, {required} are required at {level:.4g}")
    statistic = shortfall_statistic(losses, var, es, level)
    return judged_statistic(statistic, losses.size, level, significance)


def judged_statistic(
    statistic: float, observations: int, level: float, significance: float = 0.05
) -> ShortfallTest:
    """Returns the test of a statistic of so many observations, against the same Student losses."""
    simulated = simulated_statistics(observations, level, DEGREES)
    return ShortfallTest(
        statistic,
        critical_value(observations, level, significance, DEGREES),
        observations,
        (float(np.searchsorted(simulated, statistic, side="right")) + 1) / (DRAWS + 1),
    )


@lru_cache(maxsize=4096)
def critical_value(
    observations: int, level: float, significance: float, degrees: int | None = None
) -> float:
    """Returns the quantile of Z2 at ``significance`` if VaR and ES are right, by simulation.

    Losses are independent: normal, or of a Student distribution with ``degrees`` of freedom, at least
    2. The seed is fixed. Raises ValueError: fewer degrees of freedom, so that ES is infinite.
    """
    return float(np.quantile(simulated_statistics(observations, level, degrees), significance))


@lru_cache(maxsize=256)
def simulated_statistics(observations: int, level: float, degrees: int | None) -> Floats:
    """Returns ``DRAWS`` simulated statistics in rising order.

    Only losses beyond VaR count. Their number is binomial, and each is drawn from the tail.
    """
    rng = np.random.default_rng(SEED)
    sums = _tail_sums(level, degrees)
    ends = np.cumsum(rng.binomial(observations, 1 - level, size=DRAWS))
    # Beyond the last of the drawn losses, sums begin again at the first one.
    rounds, places = np.divmod(np.concatenate([[0], ends]), TAIL_DRAWS)
    totals = np.diff(rounds * sums[-1] + sums[places])
    _, es = exact_tail(level, degrees)
    statistics = np.sort(1 - totals / (es * tail_size(observations, level)))
    statistics.setflags(write=False)
    return statistics


@lru_cache(maxsize=16)
def _tail_sums(level: float, degrees: int | None) -> Floats:
    """Returns the running sums, from 0 on, of losses drawn beyond VaR."""
    from scipy.special import ndtri, stdtrit  # noqa: PLC0415 - heavy

    exact_tail(level, degrees)  # refuses degrees of freedom without ES
    beyond = (1 - level) * (1 - np.random.default_rng(SEED + 1).random(TAIL_DRAWS))
    losses = -ndtri(beyond) if degrees is None else -stdtrit(degrees, beyond)
    return np.concatenate([[0.0], np.cumsum(losses)])


def exact_tail(level: float, degrees: int | None) -> tuple[float, float]:
    """Returns VaR and ES of the standard normal or Student distribution."""
    from scipy.special import ndtri, stdtrit  # noqa: PLC0415 - heavy

    if degrees is None:
        var = float(ndtri(level))
        return var, float(np.exp(-(var**2) / 2)) / sqrt(2 * pi) / (1 - level)
    if degrees < 2:  # noqa: PLR2004 - the mean of the tail does not exist below
        message = f"degrees of freedom: expected at least 2, found {degrees}; use 2 or more"
        raise ValueError(message)
    var = float(stdtrit(degrees, level))
    scale = gamma((degrees + 1) / 2) / (sqrt(degrees * pi) * gamma(degrees / 2))
    density = scale * (1 + var**2 / degrees) ** (-(degrees + 1) / 2)
    return var, density * (degrees + var**2) / (degrees - 1) / (1 - level)
