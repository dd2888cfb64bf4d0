"""Series cards: what a series is, how far it reaches, and what is wrong with it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from harmonize.market.prices import PriceSeries, SeriesDefect, SeriesId, utc_time


@dataclass(frozen=True, slots=True)
class Gap:
    """Missing candles: the opening of the last one before, of the first one after, and their number."""

    after: datetime
    before: datetime
    missing: int


@dataclass(frozen=True, slots=True)
class SeriesCard:
    """Description of a series.

    ``first`` is the opening of the first candle and ``end`` the close of the last one, in UTC; both
    are None for a series without candles. ``idle`` counts candles without a trade: one price and no
    volume.
    """

    id: SeriesId
    candles: int
    first: datetime | None
    end: datetime | None
    gaps: tuple[Gap, ...]
    idle: int
    defects: tuple[SeriesDefect, ...]
    sources: tuple[str, ...]

    @property
    def missing(self) -> int:
        """Number of missing candles between the first and the last."""
        return sum(gap.missing for gap in self.gaps)


def card_of(series: PriceSeries) -> SeriesCard:
    """Returns the card of a series."""
    times = series.times
    return SeriesCard(
        id=series.id,
        candles=times.size,
        first=utc_time(times[0]) if times.size else None,
        end=utc_time(times[-1]) + timedelta(seconds=series.id.interval) if times.size else None,
        gaps=_gaps(series),
        idle=_idle(series),
        defects=series.defects,
        sources=series.sources,
    )


def _gaps(series: PriceSeries) -> tuple[Gap, ...]:
    steps = np.diff(series.times) // series.step
    return tuple(
        Gap(utc_time(series.times[row]), utc_time(series.times[row + 1]), int(steps[row]) - 1)
        for row in np.flatnonzero(steps > 1)
    )


def _idle(series: PriceSeries) -> int:
    if series.volume is None or series.open is None:
        return 0
    is_flat = (series.open == series.close) & (series.volume == 0)
    if series.high is not None and series.low is not None:
        is_flat &= series.high == series.low
    return int(np.count_nonzero(is_flat))
