"""Small markets for the tests: thresholds stated directly, or positions on flat tiers."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from harmonize.stress.falls import Falls, falls
from harmonize.stress.positions import build_positions
from harmonize.stress.thresholds import Thresholds, thresholds
from harmonize.stress.tiers import VenueMargins, tiers_from_pieces


def stated(
    fall: ArrayLike,
    notional: ArrayLike,
    *,
    venue: ArrayLike = 0,
    bankrupt: ArrayLike | None = None,
) -> Thresholds:
    """Returns longs with stated falls; they are bankrupt where they are liquidated by default."""
    size = max(np.size(fall), np.size(notional))
    amounts = np.broadcast_to(np.array(notional, float), size)
    lost_at = np.broadcast_to(np.array(fall if bankrupt is None else bankrupt, float), size)
    codes = np.broadcast_to(np.array(venue, np.intp), size)
    names = "abcdefghijklmnopqrstuvwxyz"[: int(codes.max()) + 1]
    positions = build_positions(tuple(names), codes, 1.0, amounts, amounts)
    falls_ = np.broadcast_to(np.array(fall, float), size)
    found = thresholds(positions, Falls(falls_, lost_at, amounts, falls_ < 0.0, falls_ < 0.0))
    return replace(found, margin=found.exposure * found.bankrupt)  # also of a bankruptcy at 0


def flat_margins(
    maintenance: float, initial: float = 0.0, venue: str = "a", largest: float = np.inf
) -> VenueMargins:
    """Returns one open-ended tier with a rate of IM and of MM."""
    own, required = (
        tiers_from_pieces([(0.0, 1e15, 0.0, rate, 0.0, 2.0)]) for rate in (initial, maintenance)
    )
    return VenueMargins(venue, own, required, largest=largest)


def longs(leverages: Sequence[float], notionals: Sequence[float], maintenance: float) -> Thresholds:
    """Returns longs at effective leverages under one MM rate."""
    margins = np.array(notionals) / np.array(leverages)
    positions = build_positions(["a"], 0, 1.0, notionals, margins)
    return thresholds(positions, falls(positions, [flat_margins(maintenance)]))
