"""Generalised Pareto tail of losses above a high threshold (McNeil and Frey 2000)."""

from dataclasses import dataclass
from math import expm1, isfinite, log

import numpy as np

from harmonize.adequacy.tail import Floats
from harmonize.core.schedule import Unknown

TAIL_SHARE = 0.1
"""Share of losses that are peaks."""

LEAST_PEAKS = 30
"""Fewest peaks to which a tail is fitted."""


_USUAL_SHAPE = 0.1


@dataclass(frozen=True, slots=True)
class TailFit:
    """Tail of ``observations`` losses, of which ``peaks`` are above ``threshold``."""

    threshold: float
    shape: float
    scale: float
    peaks: int
    observations: int

    def value_at_risk(self, level: float) -> float:
        """Returns VaR. Raises ValueError: a level at which losses are below the threshold."""
        ratio = self.observations / self.peaks * (1 - level)
        if ratio > 1:
            message = f"level {level:g}: expected at least {1 - self.peaks / self.observations:g} for a tail of {self.peaks} peaks; raise it"
            raise ValueError(message)
        if self.shape == 0:
            return self.threshold - self.scale * log(ratio)
        return self.threshold + self.scale / self.shape * expm1(-self.shape * log(ratio))

    def expected_shortfall(self, level: float) -> float | None:
        """Returns ES; None if the shape is 1 or more, because the mean of the tail is infinite."""
        if self.shape >= 1:
            return None
        var = self.value_at_risk(level)
        return (var + self.scale - self.shape * self.threshold) / (1 - self.shape)


def fit_tail(losses: Floats, share: float = TAIL_SHARE) -> TailFit | Unknown:
    """Returns the fit of the largest ``share`` of losses.

    Unknown: fewer than 30 peaks, or a fit without a scale.
    """
    from scipy.stats import genpareto  # noqa: PLC0415 - heavy

    threshold = float(np.quantile(losses, 1 - share))
    excesses = losses[losses > threshold] - threshold
    if excesses.size < LEAST_PEAKS:
        return Unknown(f"{excesses.size} peaks, {LEAST_PEAKS} are required")
    # A free location would move to the smallest excess and triple the shape. The start is that of a
    # usual tail, and halves the time of the search.
    start = {"scale": (1 - _USUAL_SHAPE) * float(excesses.mean())}
    found = genpareto.fit(excesses, _USUAL_SHAPE, floc=0, **start)
    shape, _, scale = (float(value) for value in found)
    if not (isfinite(shape) and scale > 0):
        return Unknown("the fit of the tail has no scale")
    return TailFit(threshold, shape, scale, int(excesses.size), int(losses.size))
