"""Where liquidations lie: notional by fall and venue, and how far venues coincide."""

from dataclasses import dataclass

import numpy as np

from harmonize.stress.errors import StressInputError
from harmonize.stress.positions import Floats
from harmonize.stress.thresholds import Thresholds

BIN = 0.005
"""Width of a bin of falls: 0.5 % of the first mark."""


@dataclass(frozen=True, slots=True)
class Density:
    """Liquidated notional in USD by venue (row) and bin of falls (column).

    ``edges`` bound the bins: bin k is [edges[k], edges[k + 1]). Falls above the last edge are left out.
    """

    venues: tuple[str, ...]
    edges: Floats
    notional: Floats

    @property
    def overlap(self) -> Floats:
        """Share of each venue's density that the density of all other venues covers, from 0 to 1.

        Both densities are normalised to 1. NaN if the venue or the others have no liquidation.
        """
        others = self.notional.sum(axis=0) - self.notional
        with np.errstate(divide="ignore", invalid="ignore"):
            own_share = self.notional / self.notional.sum(axis=1, keepdims=True)
            other_share = others / others.sum(axis=1, keepdims=True)
        return np.asarray(np.minimum(own_share, other_share).sum(axis=1))


def density(
    given: Thresholds, up_to: float = 1.0, width: float = BIN, *, is_smooth: bool = False
) -> Density:
    """Returns the density of liquidations up to a fall.

    ``is_smooth`` spreads each row over the falls around its own, for synthetic positions. Raises StressInputError: the width is not above 0 and at most ``up_to``.
    """
    if not 0.0 < width <= up_to < np.inf:
        message = f"bins: expected a width above 0 and at most {up_to}, found {width}"
        raise StressInputError(message)
    count = round(up_to / width)
    edges = np.linspace(0.0, up_to, count + 1)
    if is_smooth:
        notional = np.diff(given.smoothed_by_venue(edges), axis=0).T
        notional[:, 0] += given.smoothed_by_venue(edges[:1])[0]
        return Density(given.venues, edges, notional)
    rows = [
        np.histogram(given.fall[own], edges, weights=given.notional[own])[0] for own in given.rows
    ]
    return Density(given.venues, edges, np.stack(rows).astype(float))
