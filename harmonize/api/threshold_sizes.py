"""Default threshold of an asset by size: today, by day, and how volume moved it over the tested days.

The size of a day follows from the volume that was known before it. Order books of the past are not
archived, so that depth acts on the last day alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import isclose

import numpy as np
from numpy.typing import NDArray

from harmonize.adequacy.factors import DAY, Depth, VenueVolume
from harmonize.adequacy.tail import Floats
from harmonize.api.threshold_market import SIZES, volume_factor
from harmonize.api.threshold_terms import (
    SizeEffect,
    SizeThreshold,
    ThresholdsBySize,
    ThresholdTerms,
    VolumeSource,
)
from harmonize.core.schedule import Unknown
from harmonize.market.aggregate import aggregate
from harmonize.market.prices import MICROSECONDS, PriceKind, PriceSeries
from harmonize.text import numbers
from harmonize.text.messages import counted
from harmonize.thresholds.history import Days
from harmonize.thresholds.horizon import scaled
from harmonize.thresholds.liquidity import (
    NO_VOLUME,
    KnownVolume,
    Turnover,
    known_volume,
    size_factor,
    volume_scaled,
    with_depth_cost,
)
from harmonize.thresholds.path import SidePath, ThresholdPath, rounded_figure
from harmonize.thresholds.scores import cost_score

_PAST_BOOKS = (
    "order books of the past are not archived: closing at once is a threshold of the last day alone"
)
"""Why depth has no path."""


@dataclass(frozen=True, slots=True, eq=False)
class SizeInputs:
    """Default path over one day with its tool, the tested days, and what is known of liquidity.

    ``volume`` and ``book`` are those of the time of the answer, ``turnovers`` those of every day.
    """

    path: ThresholdPath | Unknown
    tested: Days
    turnovers: Sequence[Turnover]
    volume: VenueVolume | Unknown
    book: Depth | Unknown


@dataclass(frozen=True, slots=True, eq=False)
class SizedDays:
    """Margin at the size of the question over one day, and the volume known before each row of a path."""

    margin: Floats
    volume: Floats


def turnovers_of(
    prices: Sequence[PriceSeries], asset: str, as_of: datetime
) -> tuple[Turnover, ...]:
    """Returns the daily turnover of the perpetuals on an asset, by the candles closed at a time.

    As for ``venue_volume``, shorter candles are added up to days, with turnover as volume × close if
    the venue states none, and quote currencies count as USD.
    """
    return tuple(_turnovers(prices, asset, as_of))


def _turnovers(prices: Sequence[PriceSeries], asset: str, as_of: datetime) -> Iterator[Turnover]:
    for part in sorted(prices, key=lambda own: str(own.id)):
        is_its = part.id.kind is PriceKind.PERP and part.id.underlying.asset == asset
        if not is_its or DAY % part.id.interval:
            continue
        known = part.known_at(as_of)
        daily = known if part.id.interval == DAY or not known.times.size else aggregate(known, DAY)
        if daily.turnover is not None and daily.times.size:
            days = np.asarray(daily.times // (DAY * MICROSECONDS), dtype=np.int64)
            yield Turnover(daily.id, days, daily.turnover)


def sized_days(inputs: SizeInputs, notional: float) -> SizedDays | None:
    """Returns the margin of a position in USD and the volume known before, per row; None without a path."""
    path = inputs.path
    if isinstance(path, Unknown):
        return None
    known = known_volume(path.days, inputs.turnovers)
    return SizedDays(volume_scaled(path, notional, known.values).margin, known.values)


def thresholds_by_size(inputs: SizeInputs, terms: ThresholdTerms) -> ThresholdsBySize:
    """Returns the threshold of the usual sizes and of the size of the question, smallest first."""
    sizes = sorted({*SIZES, terms.notional})
    if isinstance(inputs.path, Unknown):
        return ThresholdsBySize(tuple(SizeThreshold(size, *(inputs.path,) * 3) for size in sizes))
    path = scaled(inputs.path, terms.horizon)
    known = known_volume(path.days, inputs.turnovers)
    is_tested = np.isin(path.days, inputs.tested) & np.isfinite(path.margin)
    return ThresholdsBySize(
        sizes=tuple(_size(size, path, inputs, known, is_tested) for size in sizes),
        sources=_sources(path.days, inputs.turnovers, known, is_tested),
        notes=(*_notes(path, inputs, terms.notional, known, is_tested), _PAST_BOOKS),
    )


def _size(
    size: float,
    path: ThresholdPath,
    inputs: SizeInputs,
    known: KnownVolume,
    is_tested: NDArray[np.bool_],
) -> SizeThreshold:
    threshold = float(path.margin[-1])
    if not np.isfinite(threshold):
        reason = Unknown("no threshold of the next day")
        by_volume: float | Unknown = reason
        by_depth: float | Unknown = reason
    else:
        factor = volume_factor(size, inputs.volume)
        by_volume = (
            factor
            if isinstance(factor, Unknown)
            else rounded_figure(min(1.0, rounded_figure(threshold) * factor))
        )
        by_depth = _by_depth(path, size, inputs.book)
    return SizeThreshold(
        size, by_volume, by_depth, _effect(size, path, inputs.turnovers, known, is_tested)
    )


def _by_depth(path: ThresholdPath, size: float, book: Depth | Unknown) -> float | Unknown:
    charged = book if isinstance(book, Unknown) else with_depth_cost(path, size, book)
    return charged if isinstance(charged, Unknown) else rounded_figure(float(charged.margin[-1]))


def _effect(
    size: float,
    path: ThresholdPath,
    turnovers: Sequence[Turnover],
    known: KnownVolume,
    is_tested: NDArray[np.bool_],
) -> SizeEffect | Unknown:
    """Returns how volume moved the threshold on the tested days that have one."""
    rows = np.flatnonzero(is_tested & np.isfinite(known.values))
    if not rows.size:
        return Unknown(NO_VOLUME if is_tested.any() else "no day tested")
    factor = size_factor(size, known.values[rows])
    most = int(np.argmax(factor))
    return SizeEffect(
        smallest=rounded_factor(float(factor.min())),
        largest=rounded_factor(float(factor[most])),
        largest_day=int(path.days[rows[most]]),
        volume=float(known.values[rows[most]]),
        source=turnovers[int(known.sources[rows[most]])].id,
        days=int(rows.size),
        sized=cost_score(volume_scaled(path, size, known.values).margin[rows]),
        unsized=cost_score(path.margin[rows]),
    )


def rounded_factor(factor: float) -> float:
    """Returns a factor of at least 1 with four significant digits of what it adds."""
    return float(f"{1 + float(f'{factor - 1:.4g}'):.12g}")


def _sources(
    days: Days, turnovers: Sequence[Turnover], known: KnownVolume, is_tested: NDArray[np.bool_]
) -> tuple[VolumeSource, ...]:
    """Returns the perpetuals with the largest volume on a tested day or on the last one, in order of time."""
    is_used = is_tested.copy()
    is_used[-1] = True
    names = [str(own.id) for own in turnovers]
    found = []
    for name in dict.fromkeys(names):
        places = [place for place, own in enumerate(names) if own == name]
        rows = np.flatnonzero(np.isin(known.sources, places) & is_used)
        if rows.size:
            first, last = int(days[rows[0]]), int(days[rows[-1]])
            found.append(VolumeSource(turnovers[places[0]].id, first, last, int(rows.size)))
    return tuple(sorted(found, key=lambda own: own.first_day))


def _notes(
    path: ThresholdPath,
    inputs: SizeInputs,
    notional: float,
    known: KnownVolume,
    is_tested: NDArray[np.bool_],
) -> Iterator[str]:
    """Yields the tested days without a size, and how the last factor differs from that of today."""
    nothing = np.full(path.days.size, np.nan)
    long, short = (
        SidePath(np.where(is_tested, side.var, nothing), nothing)
        for side in (path.long, path.short)
    )
    own = replace(path, long=long, short=short, fallbacks=())
    for gap in volume_scaled(own, notional, known.values).fallbacks:
        first, last = np.datetime64(gap.first_day, "D"), np.datetime64(gap.last_day, "D")
        yield f"without a size on {counted(gap.rows, 'tested day')}, {first} to {last}: {gap.reason}"
    today = volume_factor(notional, inputs.volume)
    if isinstance(today, Unknown) or isinstance(inputs.volume, Unknown):
        return
    day = np.datetime64(int(path.days[-1]), "D")
    used = f"the volume of {inputs.volume.series} up to {inputs.volume.last_day:%Y-%m-%d}"
    factor = float(size_factor(notional, known.values[-1:])[0])
    if np.isnan(factor):
        yield f"on {day}, the last one, {NO_VOLUME}; the threshold now is by {used}"
    elif not isclose(factor, today, rel_tol=1e-9):
        source = inputs.turnovers[int(known.sources[-1])].id
        yield (
            f"the last factor, {factor:.5g} on {day}, is by {source}, {numbers.usd(float(known.values[-1]))}"
            f" in the 30 days before; the threshold now is by {used}, {today:.5g}"
        )
