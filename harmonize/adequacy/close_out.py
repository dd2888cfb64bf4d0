"""Does a margin survive the close-out: excursions beyond MM, in all candles and after a liquidation.

A position at full leverage is liquidated when a candle closes beyond IM − MM. What remains is MM. The
share of the following windows in which the price moves on by more than MM is the headline figure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from harmonize.adequacy.contract_risk import CloseOutMoves
from harmonize.adequacy.coverage import (
    Coverage,
    Rows,
    checked_rate,
    coverage,
    summarised,
    too_few,
)
from harmonize.adequacy.factors import VenueVolume
from harmonize.adequacy.horizons import Side
from harmonize.core.schedule import Unknown
from harmonize.text.messages import counted

PARTICIPATION = 0.05
"""Share of traded volume that a close-out takes: a design choice of the harmonized baseline.

Source: pi in the rule set ``harmonized-baseline``, which it marks as a design choice.
"""

LEAST_WINDOWS = 100
"""Fewest windows of which a share is stated: one expected breach at 99 %."""

LEAST_LIQUIDATIONS = 30
"""Fewest liquidating candles after which a share is stated."""

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class WindowCoverage:
    """Excursions beyond MM over one close-out window, on one side.

    ``every_window`` counts all windows, and ``after_liquidation`` those that follow a candle that
    closed beyond IM − MM, which is ``buffer``: the candle from whose close each of them begins.
    """

    seconds: int
    buffer: float | Unknown
    every_window: Coverage | Unknown
    after_liquidation: Coverage | Unknown


@dataclass(frozen=True, slots=True)
class CloseOutTime:
    """Time in seconds in which a position is closed at the share ``participation`` of volume."""

    seconds: float
    volume: VenueVolume
    participation: float


@dataclass(frozen=True, slots=True)
class CloseOut:
    """Whether MM covers the close-out of a position of one side.

    ``one_candle`` uses the shortest window. ``own_time`` uses the shortest window that is not below
    ``time``, the close-out time of the position, or the longest one if closing takes longer.
    """

    one_candle: WindowCoverage | Unknown
    own_time: WindowCoverage | Unknown
    time: CloseOutTime | Unknown

    @property
    def result(self) -> WindowCoverage | Unknown:
        """Coverage over the close-out time of the position; over one candle if it is unknown."""
        return self.one_candle if isinstance(self.own_time, Unknown) else self.own_time

    @property
    def is_at_least(self) -> bool:
        """Whether closing takes longer than the longest window: shares beyond MM are lower bounds."""
        return (
            isinstance(self.own_time, WindowCoverage)
            and isinstance(self.time, CloseOutTime)
            and self.own_time.seconds < self.time.seconds
        )


def has_headline(answer: CloseOut) -> bool:
    """Whether the share of liquidations that overran MM is known."""
    result = answer.result
    return isinstance(result, WindowCoverage) and isinstance(result.after_liquidation, Coverage)


def close_out_time(
    notional: float, volume: VenueVolume | Unknown, participation: float = PARTICIPATION
) -> CloseOutTime | Unknown:
    """Returns the time in which a position is closed: N ÷ (π × ADV) days. Unknown: no volume.

    Raises ValueError: a notional that is not above 0, or a share of volume outside (0, 1].
    """
    if not notional > 0:
        message = f"notional: expected above 0 USD, found {notional:g}; correct the size"
        raise ValueError(message)
    if not 0 < participation <= 1:
        message = f"participation: expected above 0 and at most 1, found {participation:g}; use 0.05 for 5 %"
        raise ValueError(message)
    if isinstance(volume, Unknown):
        return Unknown(f"no size verdict: {volume.reason}")
    if not volume.value > 0:
        return Unknown("no size verdict: the median daily volume is 0")
    seconds = notional / (participation * volume.value) * _DAY
    return CloseOutTime(seconds, volume, participation)


def window_coverage(
    window: CloseOutMoves, initial: float | Unknown, maintenance: float
) -> WindowCoverage:
    """Returns both coverages of one window; rates are fractions of notional.

    Raises ValueError: see ``checked_rate``.
    """
    buffer = buffer_of(initial, maintenance)
    return WindowCoverage(
        window.seconds,
        buffer,
        coverage(window.moves, maintenance, LEAST_WINDOWS),
        after_liquidation(window, buffer, maintenance),
    )


def buffer_of(initial: float | Unknown, maintenance: float | Unknown) -> float | Unknown:
    """Returns IM − MM, the loss that liquidates a position at full leverage.

    Unknown: one of them is, or IM is not above MM.
    """
    if isinstance(initial, Unknown):
        return initial
    if isinstance(maintenance, Unknown):
        return maintenance
    if initial <= maintenance:
        return Unknown("IM is not above MM: a position at full leverage is liquidated at once")
    return checked_rate(initial) - checked_rate(maintenance)


Cover = Callable[[CloseOutMoves, float | Unknown, float], WindowCoverage]


def close_out(
    windows: Sequence[CloseOutMoves] | Unknown,
    side: Side,
    rates: tuple[float | Unknown, float | Unknown],
    time: CloseOutTime | Unknown,
    cover: Cover = window_coverage,
) -> CloseOut:
    """Returns the coverage of one side's excursions by MM; ``rates`` are IM and MM of notional.

    ``cover`` answers as ``window_coverage``, possibly from earlier answers. Raises ValueError: see
    ``checked_rate``.
    """
    initial, maintenance = rates
    if isinstance(windows, Unknown):
        return CloseOut(windows, windows, time)
    if isinstance(maintenance, Unknown):
        return CloseOut(maintenance, maintenance, time)
    own = sorted((w for w in windows if w.side is side), key=lambda w: w.seconds)
    first = cover(own[0], initial, maintenance)
    if isinstance(time, Unknown):
        return CloseOut(first, time, time)
    return CloseOut(first, cover(_fitting(own, time.seconds), initial, maintenance), time)


def after_liquidation(
    window: CloseOutMoves, buffer: float | Unknown, maintenance: float
) -> Coverage | Unknown:
    """Returns the coverage by MM in windows after a candle that closed beyond ``buffer``.

    Unknown: ``buffer`` is, or there are too few such candles whose windows do not overlap.
    """
    if isinstance(buffer, Unknown):
        return buffer
    count = int(np.searchsorted(-window.prior_losses, -buffer, side="left"))
    indices = window.after[:count]
    separate = separate_windows(window.moves.starts[indices], window.candles)
    if separate < LEAST_LIQUIDATIONS:
        return _too_few_liquidations(count, separate)
    losses = window.moves.losses[indices]
    breaching = indices[losses > maintenance]
    ordered = breaching[np.argsort(window.moves.losses[breaching], kind="stable")]
    starts = window.moves.starts[indices]
    return summarised(window.moves, maintenance, ordered, starts, separate)


def separate_windows(starts: Rows, candles: int) -> int:
    """Returns how many windows of so many candles do not overlap, each the next one that begins."""
    if candles == 1:
        return int(starts.size)
    count, free = 0, -1
    for start in np.sort(starts).tolist():
        if start >= free:
            count, free = count + 1, start + candles
    return count


def _too_few_liquidations(count: int, separate: int) -> Unknown:
    """Returns why liquidations are too few: they, or those whose windows do not overlap."""
    if count < LEAST_LIQUIDATIONS:
        shortage = too_few(count, LEAST_LIQUIDATIONS)
        return Unknown(f"candles that close beyond IM − MM: {shortage.reason}")
    return Unknown(
        f"candles that close beyond IM − MM: {counted(count, 'observation')}, of which {separate} have "
        f"windows that do not overlap, {LEAST_LIQUIDATIONS} are required"
    )


def _fitting(own: Sequence[CloseOutMoves], seconds: float) -> CloseOutMoves:
    """Returns the shortest window in which the position can be closed, or the longest one."""
    return next((window for window in own if window.seconds >= seconds), own[-1])
