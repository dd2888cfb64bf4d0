"""Reads files of candles as they are: CSV, Parquet or JSON, by venue and symbol, without judgement.

Column names differ between sources, and so do units of time. Anything ambiguous is an error with file
and row, such as a time without a time zone.
"""

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harmonize.market.prices import Floats, Times, microseconds

if TYPE_CHECKING:
    import pyarrow as pa

_NAMES = {
    "time": ("open_time", "timestamp", "time", "date"),
    "venue": ("venue",),
    "symbol": ("symbol", "coin"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "v"),
    "turnover": ("turnover", "quote_volume", "quote_asset_volume"),
    "filled": ("filled_by_source",),
}
"""Names of each column in files, of which a file uses one."""

_REQUIRED = ("time", "open", "high", "low", "close")
_NUMBERS = ("open", "high", "low", "close", "volume", "turnover")
_OHLCV = ("timestamp", "open", "high", "low", "close", "volume")
"""Columns of a candle that ccxt returns as a list."""

_MILLISECONDS = range(10**11, 10**14)
_SECONDS = range(10**8, 10**11)
"""Numbers that are times since 1970 in milliseconds or seconds, from 1973 on."""

_TIMES = range(microseconds(datetime(9999, 1, 1, tzinfo=UTC)))
"""Times since 1970 in microseconds that a date can state, also at the end of a candle."""

_INTEGER = re.compile(r"-?[0-9]{1,20}")


class CandleError(Exception):
    """File of candles that cannot be used: one line with file, row and fix."""

    def __init__(self, file: str, row: int | None, problem: str) -> None:
        """Builds the line; ``row`` counts the candles of the file from 1, None for the whole file."""
        super().__init__(f"{file}: {problem}" if row is None else f"{file}: row {row}: {problem}")


@dataclass(frozen=True, slots=True, eq=False)
class Candles:
    """Candles of one venue and symbol in the order of the file, unchecked.

    ``venue`` and ``symbol`` are empty if the file has no such column. ``rows`` number them in the file
    from 1. ``times`` are openings in microseconds since 1970. ``numbers`` are the columns that the file
    has. ``filled`` marks candles that the source interpolated.
    """

    file: str
    venue: str
    symbol: str
    rows: NDArray[np.int64]
    times: Times
    numbers: Mapping[str, Floats]
    filled: NDArray[np.bool_] | None = None


_Columns = Mapping[str, Sequence[object]]


def read_candles(path: Path, file: str) -> list[Candles]:
    """Reads a file of candles; ``file`` is its name in messages. Raises CandleError."""
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            return _from_parquet(path, file)
        if suffix == ".csv":
            return _from_columns(_csv_columns(path, file), file)
        if suffix == ".json":
            return _from_columns(_json_columns(path, file), file)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        text = str(error).splitlines()[0]
        raise CandleError(file, None, f"cannot be read: {text}; copy it again") from error
    problem = f"expected a CSV, Parquet or JSON file, found {suffix or 'no suffix'}; convert it"
    raise CandleError(file, None, problem)


def _from_parquet(path: Path, file: str) -> list[Candles]:
    import pyarrow as pa  # noqa: PLC0415 - heavy
    from pyarrow import parquet  # noqa: PLC0415 - as above

    try:
        names = _names(parquet.read_schema(path).names, file)
        table = parquet.read_table(path, partitioning=None)
    except pa.ArrowException as error:
        text = str(error).splitlines()[0]
        raise CandleError(file, None, f"is not a Parquet file: {text}; copy it again") from error
    columns: dict[str, NDArray[np.generic] | list[str]] = {}
    for key, name in names.items():
        column = table.column(name)
        if key == "time" and pa.types.is_timestamp(column.type):
            columns[key] = _timestamps(column, file)
        elif key in _NUMBERS and (
            pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
        ):
            columns[key] = column.cast(pa.float64(), safe=False).to_numpy()
        else:
            columns[key] = _converted(key, column.to_pylist(), file, name)
    return _split(columns, file)


def _timestamps(column: "pa.ChunkedArray", file: str) -> Times:
    """Returns a column of timestamps as microseconds. Raises CandleError: no time zone, or no time."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    if column.type.tz is None:
        raise _no_zone(file, 1, "the column of times")
    absent = np.flatnonzero(column.is_null().to_numpy())
    if absent.size:
        raise CandleError(file, int(absent[0]) + 1, _NO_TIME)
    times = column.cast(pa.timestamp("us", "UTC"), safe=False)
    return np.asarray(times.cast(pa.int64()).to_numpy(), dtype=np.int64)


def _csv_columns(path: Path, file: str) -> _Columns:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream)
        header = next(reader, [])
        rows = list(reader)
    _names(header, file)  # a mapping would lose a column that appears twice
    for number, row in enumerate(rows, 1):
        if len(row) != len(header):
            problem = f"expected {len(header)} fields, found {len(row)}; complete the row"
            raise CandleError(file, number, problem)
    return (
        dict(zip(header, zip(*rows, strict=True), strict=True))
        if rows
        else dict.fromkeys(header, ())
    )


def _json_columns(path: Path, file: str) -> _Columns:
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise CandleError(file, None, f"is not JSON: {error}; copy it again") from error
    if not isinstance(document, list) or not document:
        raise CandleError(file, None, "expected a list of candles; export it again")
    names = list(document[0]) if isinstance(document[0], dict) else list(_OHLCV)
    columns: dict[str, list[object]] = {name: [] for name in names}
    for number, row in enumerate(document, 1):
        values = [row.get(name) for name in names] if isinstance(row, dict) else row
        if not isinstance(values, list) or len(values) != len(names):
            problem = f"expected {len(names)} fields like the first candle; complete the row"
            raise CandleError(file, number, problem)
        for name, value in zip(names, values, strict=True):
            columns[name].append(value)
    return columns


def _from_columns(columns: _Columns, file: str) -> list[Candles]:
    names = _names(list(columns), file)
    return _split(
        {key: _converted(key, columns[name], file, name) for key, name in names.items()}, file
    )


def _converted(
    key: str, values: Sequence[object], file: str, name: str
) -> NDArray[np.generic] | list[str]:
    """Returns the values of a column by its key: times, numbers, truth or texts. Raises CandleError."""
    if key == "time":
        return _times(values, file)
    if key in _NUMBERS:
        return _numbers(values, file, name)
    if key == "filled":
        return np.array(
            [str(value).lower() in {"true", "1", "1.0"} for value in values], dtype=bool
        )
    return _texts(values, file, name)


def _names(found: list[str], file: str) -> dict[str, str]:
    """Returns the file's name of each column that it has. Raises CandleError: one is missing."""
    names = {
        key: next(name for name in known if name in found)
        for key, known in _NAMES.items()
        if any(name in found for name in known)
    }
    repeated = next((name for name in names.values() if found.count(name) > 1), None)
    if repeated is not None:
        raise CandleError(file, None, f"the column {repeated} appears twice; remove one")
    missing = [key for key in _REQUIRED if key not in names]
    if missing:
        expected = ", ".join(" or ".join(_NAMES[key]) for key in missing)
        raise CandleError(file, None, f"missing columns: {expected}; add them")
    return names


def _split(columns: Mapping[str, NDArray[np.generic] | list[str]], file: str) -> list[Candles]:
    """Returns the candles of each venue and symbol, in the order of their first rows."""
    times = np.asarray(columns["time"], dtype=np.int64)
    if not times.size:
        raise CandleError(file, None, "has no candles; copy it again")
    bad = np.flatnonzero((times < _TIMES.start) | (times >= _TIMES.stop))
    if bad.size:
        problem = "expected a time from 1970 to 9998, found another; correct the unit of the times"
        raise CandleError(file, int(bad[0]) + 1, problem)
    absent = np.zeros(times.size, dtype=np.int64), [""]
    venue_codes, venues = _codes(columns["venue"]) if "venue" in columns else absent
    symbol_codes, symbols = _codes(columns["symbol"]) if "symbol" in columns else absent
    labels = venue_codes * len(symbols) + symbol_codes
    found, first = np.unique(labels, return_index=True)
    numbers = {
        key: np.asarray(columns[key], dtype=np.float64) for key in _NUMBERS if key in columns
    }
    filled = np.asarray(columns["filled"], dtype=bool) if "filled" in columns else None
    candles = []
    for label in found[np.argsort(first)]:
        rows = np.flatnonzero(labels == label)
        own = {key: column[rows] for key, column in numbers.items()}
        is_filled = None if filled is None else filled[rows]
        names = venues[label // len(symbols)], symbols[label % len(symbols)]
        candles.append(Candles(file, *names, rows + 1, times[rows], own, is_filled))
    return candles


def _codes(values: "NDArray[np.generic] | list[str]") -> tuple[NDArray[np.int64], list[str]]:
    """Returns the number of each text, and the texts by their number."""
    numbers: dict[str, int] = {}
    codes = np.fromiter(
        (numbers.setdefault(value, len(numbers)) for value in values), np.int64, len(values)
    )
    return codes, list(numbers)


def _texts(values: Sequence[object], file: str, name: str) -> list[str]:
    for row, value in enumerate(values, 1):
        if value in (None, ""):
            raise CandleError(file, row, f"{name}: expected a name, found none; add it")
    return [str(value) for value in values]


def _times(values: Sequence[object], file: str) -> Times:
    return np.array(
        [_time(value, file, row) for row, value in enumerate(values, 1)], dtype=np.int64
    )


def _time(value: object, file: str, row: int) -> int:
    """Returns a time as microseconds since 1970; numbers are seconds or milliseconds."""
    text = "" if value is None else str(value).strip()
    if not text:
        raise CandleError(file, row, _NO_TIME)
    if _INTEGER.fullmatch(text):
        number = int(text)
        if number in _MILLISECONDS:
            return number * 1000
        if number in _SECONDS:
            return number * 1_000_000
        problem = (
            f"expected a time since 1970 in seconds or milliseconds, found {text[:30]}; convert it"
        )
        raise CandleError(file, row, problem)
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        problem = (
            f"expected a time such as 2024-01-01T00:00:00+00:00, found {text[:40]!r}; correct it"
        )
        raise CandleError(file, row, problem) from error
    if time.tzinfo is None:
        raise _no_zone(file, row, text)
    return microseconds(time)


_NO_TIME = "expected a time, found none; add it or remove the row"


def _no_zone(file: str, row: int, text: str) -> CandleError:
    return CandleError(file, row, f"expected a time zone, found none in {text}; add +00:00 for UTC")


def _numbers(values: Sequence[object], file: str, name: str) -> Floats:
    numbers = np.empty(len(values))
    for row, value in enumerate(values):
        text = "" if value is None else str(value)
        try:
            numbers[row] = float(text) if text else np.nan
        except ValueError as error:
            problem = f"{name}: expected a number, found {text[:40]!r}; correct it"
            raise CandleError(file, row + 1, problem) from error
    return numbers
