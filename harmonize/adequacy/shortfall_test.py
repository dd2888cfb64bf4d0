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
SEED = 20_261_130

_MAX_CELLS = 4_000_000
"""Most simulated losses that are kept at a time."""


@dataclass(frozen=True, slots=True)
class ShortfallTest:
    """Statistic and critical value; ``rejected`` if the statistic is below the critical value."""

    statistic: float
    critical: float
    observations: int

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
    critical = critical_value(losses.size, level, significance, degrees=3)
    return ShortfallTest(statistic, critical, losses.size)


@lru_cache(maxsize=256)
def critical_value(
    observations: int, level: float, significance: float, degrees: int | None = None
) -> float:
    """Returns the quantile of Z2 at ``significance`` if VaR and ES are right, by simulation.

    Losses are independent: normal, or of a Student distribution with ``degrees`` of freedom, at least
    2. The seed is fixed. Raises ValueError: fewer degrees of freedom, so that ES is infinite.
    """
    rng = np.random.default_rng(SEED)
    var, es = _exact_tail(level, degrees)
    size = max(1, _MAX_CELLS // observations)
    values = []
    for start in range(0, DRAWS, size):
        shape = (min(size, DRAWS - start), observations)
        losses = rng.standard_normal(shape) if degrees is None else rng.standard_t(degrees, shape)
        tails = np.where(losses > var, losses, 0.0).sum(axis=1)
        values.append(1 - tails / (es * tail_size(observations, level)))
    return float(np.quantile(np.concatenate(values), significance))


def _exact_tail(level: float, degrees: int | None) -> tuple[float, float]:
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
