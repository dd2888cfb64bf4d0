"""Thresholds from GARCH residuals: filtered historical simulation, and peaks over threshold."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from harmonize.adequacy.tail import Floats, least_observations, tail_mean
from harmonize.core.schedule import Unknown
from harmonize.thresholds.ewma import filtered_paths
from harmonize.thresholds.garch import PERCENT, GarchBlock, GarchFit
from harmonize.thresholds.history import MOST_RETURNS, DailyHistory
from harmonize.thresholds.path import Fallback, Model, Paths, both_losses, paths_of
from harmonize.thresholds.peaks import fit_tail

INSTEAD = Model.FILTERED_94
"""Model that replaces a GARCH fit that fails its checks."""

NO_SHORTFALL = "shape of the tail is not below 1, so that ES is infinite"


@dataclass(frozen=True, slots=True, eq=False)
class _Tails:
    """VaR and ES of residual losses with the axes level, row of the block and side."""

    var: Floats
    es: Floats
    reason: str = ""


_Measure = Callable[[GarchBlock, Sequence[float]], _Tails | Unknown]


def garch_paths(
    history: DailyHistory, blocks: Sequence[GarchBlock], levels: Sequence[float]
) -> Paths | Unknown:
    """Returns the paths of filtered historical simulation (Barone-Adesi et al. 1999).

    The tail of the last 1,095 residuals is multiplied by the volatility of the day. Rows before the
    first block are NaN. Unknown: see ``ewma.filtered_paths``, which replaces blocks without a fit.
    """
    return _paths(history, blocks, levels, Model.GARCH, _historical)


def peaks_paths(
    history: DailyHistory, blocks: Sequence[GarchBlock], levels: Sequence[float]
) -> Paths | Unknown:
    """Returns the paths of peaks over threshold on residuals (McNeil and Frey 2000).

    ES is NaN if the fitted shape is 1 or more, which the fallbacks state. Unknown, as ``garch_paths``.
    """
    return _paths(history, blocks, levels, Model.PEAKS, _peaks)


def _paths(
    history: DailyHistory,
    blocks: Sequence[GarchBlock],
    levels: Sequence[float],
    model: Model,
    measure: _Measure,
) -> Paths | Unknown:
    replacements = filtered_paths(history, INSTEAD, levels)
    if isinstance(replacements, Unknown):
        return replacements
    var, es = (
        np.stack([np.stack([getattr(p.long, c), getattr(p.short, c)], 1) for p in replacements])
        for c in ("var", "es")
    )
    for table in (var, es):
        table[:, : blocks[0].first] = np.nan
    notes: list[tuple[GarchBlock, str, Model | None]] = []
    for block in blocks:
        tails = block.fit if isinstance(block.fit, Unknown) else measure(block, levels)
        if isinstance(tails, Unknown):
            notes.append((block, tails.reason, INSTEAD))
            continue
        rows = slice(block.first, block.stop)
        var[:, rows], es[:, rows] = (_scaled(block, table) for table in (tails.var, tails.es))
        if tails.reason:
            notes.append((block, tails.reason, None))
    fallbacks = _fallbacks(history, notes)
    return paths_of(history, model, levels, (var, es), is_fitted=True, fallbacks=fallbacks)


def _scaled(block: GarchBlock, tails: Floats) -> Floats:
    """Returns the tails of losses from those of residuals; a positive mean lowers long losses."""
    mean = block.fit.mean / PERCENT if isinstance(block.fit, GarchFit) else 0.0
    return np.asarray(tails * block.volatility[:, None] + np.array([-mean, mean]))


def _historical(block: GarchBlock, levels: Sequence[float]) -> _Tails:
    rows = block.stop - block.first
    var, es = np.full((2, len(levels), rows, 2), np.nan)
    losses = both_losses(block.residuals)
    for row in range(rows):
        end = block.first + row - block.start
        descending = np.sort(losses[max(0, end - MOST_RETURNS) : end], axis=0)[::-1]
        for index, level in enumerate(levels):
            if descending.shape[0] < least_observations(level):
                continue
            position = (descending.shape[0] - 1) * (1 - level)
            place = int(position)
            weight = position - place
            var[index, row] = descending[place] * (1 - weight) + descending[place + 1] * weight
            es[index, row] = [tail_mean(descending[:, side], level) for side in (0, 1)]
    return _Tails(var, es)


def _peaks(block: GarchBlock, levels: Sequence[float]) -> _Tails | Unknown:
    end = block.first - block.start
    losses = both_losses(block.residuals[:end])
    fits = [fit_tail(losses[:, side]) for side in (0, 1)]
    shape = (len(levels), block.stop - block.first, 2)
    var, es = np.empty((2, *shape))
    reason = ""
    for side, fit in enumerate(fits):
        if isinstance(fit, Unknown):
            return fit
        for index, level in enumerate(levels):
            var[index, :, side] = fit.value_at_risk(level)
            shortfall = fit.expected_shortfall(level)
            es[index, :, side] = np.nan if shortfall is None else shortfall
            reason = NO_SHORTFALL if shortfall is None else reason
    return _Tails(var, es, reason)


def _fallbacks(
    history: DailyHistory, notes: Sequence[tuple[GarchBlock, str, Model | None]]
) -> tuple[Fallback, ...]:
    """Returns the notes of blocks, with those of neighbours for the same reason as one."""
    days = history.threshold_days
    fallbacks: list[Fallback] = []
    for (reason, instead), group in groupby(notes, key=lambda note: note[1:]):
        blocks = [block for block, _, _ in group]
        runs = [[blocks[0]]]
        for block in blocks[1:]:
            if block.first == runs[-1][-1].stop:
                runs[-1].append(block)
            else:
                runs.append([block])
        for run in runs:
            first, stop = run[0].first, run[-1].stop
            ends = int(days[first]), int(days[stop - 1])
            fallbacks.append(Fallback(*ends, stop - first, reason, instead))
    return tuple(fallbacks)
