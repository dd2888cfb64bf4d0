"""Joins parts of one series, of several files or years, into one."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harmonize.market.prices import (
    COLUMNS,
    DefectKind,
    Floats,
    PriceSeries,
    SeriesDefect,
    SeriesId,
    Times,
    utc_time,
)


def merge(parts: Iterable[PriceSeries]) -> tuple[PriceSeries, ...]:
    """Returns a series per identity, in the order of its first part.

    Of two candles of one time, the earlier part counts. A close that differs between parts is recorded
    as a defect.
    """
    by_id: dict[SeriesId, list[PriceSeries]] = {}
    for part in parts:
        by_id.setdefault(part.id, []).append(part)
    return tuple(_merged(same) for same in by_id.values())


def _merged(parts: Sequence[PriceSeries]) -> PriceSeries:
    if len(parts) == 1:
        return parts[0]
    all_times = np.concatenate([part.times for part in parts])
    times, first = np.unique(all_times, return_index=True)
    columns: dict[str, Any] = {
        name: joined[first] for name in COLUMNS if (joined := _joined(parts, name)) is not None
    }
    if "disputed" in columns:
        columns["disputed"] = columns["disputed"].astype(bool)
    defects = [defect for part in parts for defect in part.defects]
    defects += _restated(all_times, np.concatenate([part.close for part in parts]), times, first)
    return replace(
        parts[0],
        times=times,
        **{**dict.fromkeys(COLUMNS), **columns},
        defects=tuple(sorted(dict.fromkeys(defects), key=lambda defect: defect.first)),
        sources=tuple(dict.fromkeys(source for part in parts for source in part.sources)),
    )


def _joined(parts: Sequence[PriceSeries], name: str) -> Floats | None:
    """Returns a column of all parts; NaN, or False, where a part does not have it."""
    columns = [getattr(part, name) for part in parts]
    if all(column is None for column in columns):
        return None
    absent = 0.0 if name == "disputed" else np.nan
    filled = [
        np.full(part.times.size, absent) if column is None else column.astype(np.float64)
        for part, column in zip(parts, columns, strict=True)
    ]
    return np.concatenate(filled)


def _restated(
    all_times: Times, closes: Floats, times: Times, first: NDArray[np.int64]
) -> list[SeriesDefect]:
    used = closes[first][np.searchsorted(times, all_times)]
    different = np.unique(all_times[closes != used])
    if not different.size:
        return []
    return [SeriesDefect(DefectKind.RESTATED, different.size, utc_time(different[0]))]


def latest_end(series: Iterable[PriceSeries]) -> datetime:
    """Returns the close of the last candle of several series. Raises ValueError: no candles."""
    end = max(int(part.times[-1]) + part.step for part in series if part.times.size)
    return utc_time(end)
