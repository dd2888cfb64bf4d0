"""Turns the candles of a file into series: refuses bad rows, and excludes what is no observation.

An error names file, row and fix. Defects that ``series.yaml`` or the file itself states are no
errors: the candle, or its impossible price, is excluded, and the series records it. Nothing is filled.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from harmonize.core.instrument import Underlying, is_asset_name
from harmonize.market.candle_file import CandleError, Candles
from harmonize.market.prices import (
    MICROSECONDS,
    DefectKind,
    Floats,
    PriceKind,
    PriceSeries,
    SeriesDefect,
    SeriesId,
    interval_text,
    microseconds,
    utc_time,
)
from harmonize.market.series_table import SeriesException, SeriesFile

MAX_JUMP = 10.0
"""Largest ratio of successive closes, and of a close and a high or low of its candle or the next one.

A larger one is a change of unit or of coin.
"""

_MIN_CANDLES = 30
"""Fewest candles of which equal closes are taken for a fault."""

_PRICES = ("open", "high", "low", "close")


def check_closed(candles: Candles, entry: SeriesFile, now: datetime) -> None:
    """Raises CandleError: a candle that cannot be known at a time with a time zone.

    All have closed by then. The last one of a file whose last candle is unfinished has opened.
    """
    opened, limit = candles.times, microseconds(now)
    is_late = opened + entry.interval * MICROSECONDS > limit
    if not entry.last_is_finished:
        is_late[int(np.argmax(opened))] = False
    late = np.concatenate([np.flatnonzero(opened > limit), np.flatnonzero(is_late)])
    if late.size:
        row = int(late[0])
        problem = f"{_iso(opened[row])} opens a candle that had not closed at the import, {now:%Y-%m-%d %H:%M} UTC; correct the time or remove the row"
        raise _error(candles, row, problem)


def series_of(candles: Candles, entry: SeriesFile) -> list[PriceSeries]:
    """Returns the series of one symbol, one per underlying that it means. Raises CandleError."""
    symbol = entry.symbol or candles.symbol
    own = tuple(
        row
        for row in entry.exceptions
        if symbol in row.symbols and row.venue in {"", entry.venue_of(candles.venue)}
    )
    work = _Cleaning(candles, entry, own)
    work.exclude_unfinished()
    work.exclude_filled()
    work.exclude_off_grid()
    work.check_order()
    work.mark_exceptions()
    work.check_prices()
    work.exclude_contracts()
    return list(work.series(symbol))


@dataclass(slots=True)
class _Cleaning:
    """Candles of one symbol on their way to a series; ``kept`` marks those that remain."""

    candles: Candles
    entry: SeriesFile
    exceptions: tuple[SeriesException, ...]
    defects: list[SeriesDefect] = field(default_factory=list)
    kept: NDArray[np.bool_] = field(init=False)
    disputed: NDArray[np.bool_] = field(init=False)
    numbers: dict[str, Floats] = field(init=False)

    def __post_init__(self) -> None:
        self.kept = np.ones(self.candles.times.size, dtype=bool)
        self.disputed = np.zeros(self.candles.times.size, dtype=bool)
        self.numbers = {name: column.copy() for name, column in self.candles.numbers.items()}

    def exclude_unfinished(self) -> None:
        """Excludes the last candle, unless the table states that it is finished."""
        if not self.entry.last_is_finished:
            last = np.zeros_like(self.kept)
            last[int(np.argmax(self.candles.times))] = True
            self._exclude(last, DefectKind.UNFINISHED)

    def exclude_filled(self) -> None:
        """Excludes the candles that the source interpolated."""
        if self.candles.filled is not None:
            self._exclude(self.candles.filled, DefectKind.FILLED)

    def exclude_off_grid(self) -> None:
        """Excludes candles that do not open at a whole interval since 1970.

        Raises CandleError: none does, so that the file has other candles than the table states.
        """
        off_grid = self.candles.times % (self.entry.interval * MICROSECONDS) != 0
        rows = np.flatnonzero(self.kept)
        if rows.size and off_grid[rows].all():
            interval, first = interval_text(self.entry.interval), _iso(self.candles.times[rows[0]])
            problem = f"{first} is no opening of a {interval} candle in UTC, nor is any other time; use {interval} candles that open at whole intervals in UTC"
            raise self._error(int(rows[0]), problem)
        self._exclude(off_grid, DefectKind.OFF_GRID)

    def _exclude(self, rows: NDArray[np.bool_], kind: DefectKind, note: str = "") -> None:
        concerned = np.flatnonzero(rows & self.kept)
        if concerned.size:
            first = utc_time(self.candles.times[concerned].min())
            self.defects.append(SeriesDefect(kind, concerned.size, first, note))
            self.kept[concerned] = False

    def check_order(self) -> None:
        """Raises CandleError: a row that repeats the time of another, or precedes the one before."""
        rows = np.flatnonzero(self.kept)
        steps = np.diff(self.candles.times[rows])
        bad = np.flatnonzero(steps <= 0)
        if bad.size:
            row = rows[bad[0] + 1]
            time = _iso(self.candles.times[row])
            problem = (
                f"{time} appears twice; remove one of the rows"
                if steps[bad[0]] == 0
                else f"{time} is earlier than the row before; sort the rows by time"
            )
            raise self._error(row, problem)

    def mark_exceptions(self) -> None:
        """Marks impossible prices as not observed, and disputed candles."""
        for exception in self.exceptions:
            if exception.at is None:
                continue
            rows = np.flatnonzero((self.candles.times == microseconds(exception.at)) & self.kept)
            for column in exception.unobserved:
                self.numbers[column][rows] = np.nan
            if exception.disputed:
                self.disputed[rows] = True
            if rows.size and (exception.unobserved or exception.disputed):
                kind = DefectKind.DISPUTED if exception.disputed else DefectKind.UNOBSERVED
                self.defects.append(SeriesDefect(kind, rows.size, exception.at, exception.source))

    def exclude_contracts(self) -> None:
        """Excludes volumes in contracts: neither coins nor, times the price, a turnover."""
        stated = [row for row in self.exceptions if row.volume_in_contracts]
        if stated and "volume" in self.numbers and self.kept.any():
            del self.numbers["volume"]
            first = utc_time(self.candles.times[self.kept].min())
            count = int(np.count_nonzero(self.kept))
            self.defects.append(SeriesDefect(DefectKind.CONTRACTS, count, first, stated[0].source))

    def check_prices(self) -> None:
        """Raises CandleError: a price that is no price, out of order, constant or in another unit."""
        rows = np.flatnonzero(self.kept)
        unobserved = {
            (name, row)
            for exception in self.exceptions
            if exception.at is not None
            for name in exception.unobserved
            for row in np.flatnonzero(self.candles.times == microseconds(exception.at))
        }
        for name in _PRICES:
            column = self.numbers[name]
            for row in rows[~(column[rows] > 0) | ~np.isfinite(column[rows])]:
                if (name, row) not in unobserved:
                    problem = f"{name}: expected a price above 0, found {column[row]:g}; correct or remove the row"
                    raise self._error(int(row), problem)
        self._check_range(rows)
        self._check_volume(rows)
        self._check_jumps(rows)
        if self._kind.has_excursions:
            self._check_excursions(rows)

    def _check_range(self, rows: NDArray[np.int64]) -> None:
        high, low = self.numbers["high"][rows], self.numbers["low"][rows]
        for name in ("open", "close"):
            column = self.numbers[name][rows]
            bad = rows[(column > high) | (column < low)]
            if bad.size:
                row = int(bad[0])
                problem = f"{name} {self.numbers[name][row]:g} is not between low {self.numbers['low'][row]:g} and high {self.numbers['high'][row]:g}; correct or remove the row"
                raise self._error(row, problem)

    def _check_volume(self, rows: NDArray[np.int64]) -> None:
        for name in ("volume", "turnover"):
            column = self.numbers.get(name)
            if column is None:
                continue
            bad = rows[(column[rows] < 0) | (column[rows] == np.inf)]
            if bad.size:
                row = int(bad[0])
                expected = "at least 0" if column[row] < 0 else "a finite amount"
                problem = (
                    f"{name}: expected {expected}, found {column[row]:g}; correct or remove the row"
                )
                raise self._error(row, problem)

    def _check_jumps(self, rows: NDArray[np.int64]) -> None:
        close, times = self.numbers["close"][rows], self.candles.times[rows]
        if rows.size >= _MIN_CANDLES and close.min() == close.max():
            problem = f"all {rows.size} closes are {close[0]:g}; use a series of traded prices"
            raise self._error(None, problem)
        if rows.size > 1:
            ratio = np.maximum(close[1:] / close[:-1], close[:-1] / close[1:])
            is_next = np.diff(times) == self.entry.interval * MICROSECONDS
            bad = np.flatnonzero((ratio > MAX_JUMP) & is_next)
            if bad.size:
                row = int(rows[bad[0] + 1])
                problem = f"close {close[bad[0] + 1]:g} after {close[bad[0]]:g}: more than a factor of {MAX_JUMP:g}; split the file where the unit or the coin changes"
                raise self._error(row, problem)

    def _check_excursions(self, rows: NDArray[np.int64]) -> None:
        """Raises CandleError: a high or a low in another unit than the closes on both its sides.

        Without the close before, the open takes its place.
        """
        close, times = self.numbers["close"][rows], self.candles.times[rows]
        before = self.numbers["open"][rows]
        is_next = np.diff(times) == self.entry.interval * MICROSECONDS
        before[1:][is_next] = close[:-1][is_next]
        before = np.where(np.isnan(before), close, before)
        for name, ratio in (
            ("high", self.numbers["high"][rows] / np.maximum(close, before)),
            ("low", np.minimum(close, before) / self.numbers["low"][rows]),
        ):
            confirmed = [
                microseconds(row.at) for row in self.exceptions if row.at and name in row.confirmed
            ]
            bad = np.flatnonzero((ratio > MAX_JUMP) & ~np.isin(times, confirmed))
            if bad.size:
                row = int(rows[bad[0]])
                problem = f"{name} {self.numbers[name][row]:g} beside {before[bad[0]]:g} and {close[bad[0]]:g}, the prices before and at its close: more than a factor of {MAX_JUMP:g}; correct or remove the row"
                raise self._error(row, problem)

    @property
    def _kind(self) -> PriceKind:
        return next((row.kind for row in self.exceptions if row.kind), self.entry.kind)

    def series(self, symbol: str) -> Iterator[PriceSeries]:
        """Yields a series per underlying. Raises CandleError: no underlying."""
        venue = self.entry.venue_of(self.candles.venue)
        if venue is None:
            problem = f"venue {self.candles.venue!r} is not listed in series.yaml; add its ccxt id"
            raise self._error(None, problem)
        for underlying, span in self._underlyings(symbol):
            identity = SeriesId(
                venue, self._kind, symbol, underlying, self.entry.quote, self.entry.interval
            )
            yield self._series(identity, span)

    def _underlyings(self, symbol: str) -> Iterator[tuple[Underlying, tuple[float, float]]]:
        """Yields what the symbol means, and from when to before when, in microseconds."""
        named = [row for row in self.exceptions if row.underlying]
        if not named:
            base = symbol.removesuffix(self.entry.quote)
            if not is_asset_name(base):
                raise self._error(None, f"{symbol!r} names no underlying; correct the symbol")
            yield Underlying.of(base), (-np.inf, np.inf)
        for row in named:
            since = -np.inf if row.since is None else microseconds(row.since)
            until = np.inf if row.until is None else microseconds(row.until)
            yield Underlying.of(row.underlying), (since, until)

    def _series(self, identity: SeriesId, span: tuple[float, float]) -> PriceSeries:
        times = self.candles.times
        rows = self.kept & (times >= span[0]) & (times < span[1])
        columns = {name: column[rows] for name, column in self.numbers.items()}
        if not identity.kind.has_excursions:
            del columns["high"], columns["low"]
        defects = (d for d in self.defects if span[0] <= microseconds(d.first) < span[1])
        return PriceSeries(
            id=identity,
            times=times[rows],
            disputed=self.disputed[rows] if self.disputed[rows].any() else None,
            defects=tuple(defects),
            sources=(self.candles.file,),
            **columns,
        )

    def _error(self, row: int | None, problem: str) -> CandleError:
        return _error(self.candles, row, problem)


def _error(candles: Candles, row: int | None, problem: str) -> CandleError:
    name = " ".join(part for part in (candles.venue, candles.symbol) if part)
    number = None if row is None else int(candles.rows[row])
    return CandleError(candles.file, number, f"{name}: {problem}" if name else problem)


def _iso(time: int) -> str:
    return utc_time(time).isoformat()


def all_series(candles: Sequence[Candles], entry: SeriesFile) -> list[PriceSeries]:
    """Returns the series of every symbol of a file that has candles. Raises CandleError."""
    return [
        series for symbol in candles for series in series_of(symbol, entry) if series.times.size
    ]
