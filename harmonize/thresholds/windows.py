"""VaR and ES of the losses before each row, from windows that grow to a longest length.

The result has a row per loss and one for the next day. A window ends with the row before, so that no
loss is used at or after the row of its threshold.
"""

from collections.abc import Sequence
from math import floor

import numpy as np

from harmonize.adequacy.rolling import rolling_tails
from harmonize.adequacy.tail import Floats, least_observations, tail_size
from harmonize.thresholds.history import LEAST_RETURNS


def trailing_tails(
    losses: Floats, longest: int, levels: Sequence[float], least: int = LEAST_RETURNS
) -> tuple[Floats, Floats]:
    """Returns VaR and ES per level, row and series, of the last ``least`` to ``longest`` losses.

    ``losses`` has a row per day and a column per series. VaR is the quantile of Hyndman and Fan, type
    7. Rows with fewer losses before them than ``least``, or than one expected loss beyond the level,
    are NaN.
    """
    rows, series = losses.shape
    var, es = np.full((2, len(levels), rows + 1, series), np.nan)
    places = [place for place, level in enumerate(levels) if least_observations(level) <= longest]
    if rows >= longest and places:
        tails = rolling_tails(losses, longest, [levels[place] for place in places])
        var[places, longest:], es[places, longest:] = tails.var, tails.es
    if longest > least:
        _write_growing(losses, (least, min(longest, rows + 1)), levels, (var, es))
    return var, es


def _write_growing(
    losses: Floats,
    ends: tuple[int, int],
    levels: Sequence[float],
    out: tuple[Floats, Floats],
) -> None:
    """Writes the rows whose windows are all losses before them, from the first one on."""
    first, stop = ends
    if first >= stop:
        return
    depth = max(_depth(count, level) for level in levels for count in (first, stop - 1))
    largest = np.full((depth, losses.shape[1]), -np.inf)
    ordered = np.sort(losses[:first], axis=0)[::-1][:depth]
    largest[: ordered.shape[0]] = ordered
    required = [least_observations(level) for level in levels]
    for row in range(first, stop):
        for index, level in enumerate(levels):
            if row < required[index]:
                continue
            out[0][index, row] = _quantile(largest, row, level)
            out[1][index, row] = _tail_mean(largest, row, level)
        if row < losses.shape[0]:
            displaced = np.minimum(largest[:-1], losses[row])
            largest[1:] = np.maximum(largest[1:], displaced)
            largest[0] = np.maximum(largest[0], losses[row])


def _depth(count: int, level: float) -> int:
    """Returns how many of the largest losses decide VaR and ES."""
    beyond = count - 1 - floor((count - 1) * level)
    return min(count, max(beyond + 1, floor(tail_size(count, level)) + 1))


def _quantile(largest: Floats, count: int, level: float) -> Floats:
    position = (count - 1) * level
    previous = count - 1 - floor(position)
    weight = position - floor(position)
    lower, upper = largest[previous], largest[max(previous - 1, 0)]
    return np.asarray(lower + weight * (upper - lower))


def _tail_mean(largest: Floats, count: int, level: float) -> Floats:
    size = tail_size(count, level)
    whole = floor(size)
    total = largest[:whole].sum(axis=0)
    if size > whole:
        total = total + (size - whole) * largest[whole]
    return np.asarray(total / size)
