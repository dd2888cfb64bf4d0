"""Reads a file of open interest or funding as a snapshot; ``market_files.yaml`` states its meaning."""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from harmonize.core.instrument import Underlying, is_asset_name
from harmonize.core.payload import PRICES, Snapshot
from harmonize.market.candle_file import CandleError
from harmonize.market.file_table import COINALYZE, PointsFile, Unit
from harmonize.market.points import PointSeries, PointsId, Quantity, to_minute
from harmonize.market.points_codec import point_payloads
from harmonize.market.prices import DefectKind, SeriesDefect, microseconds, utc_time
from harmonize.transfer.folder_provenance import FolderFile, provenance_of
from harmonize.transfer.source import SkippedItem, SourceItem
from venues import assets

_COINALYZE_CODE = re.compile(
    r"(?P<base>[A-Z0-9]+?)(?P<quote>USDT|USDC|USD)(?P<perp>_PERP)?\.(?P<code>[A6])"
)
_COINALYZE_VENUES = {"A": "binance", "6": "bybit"}
"""Venues by the last letter of Coinalyze's codes, of those that the source states."""

_Row = tuple[int, datetime, float, float]
"""Number in the file, time, value and hours; the hours are NaN if they are not stated."""


@dataclass(slots=True)
class _Contract:
    """Rows of one contract, in the order of the file."""

    identity: PointsId
    asset: str
    rows: list[_Row] = field(default_factory=list)


def read_points_file(
    content: bytes,
    entry: PointsFile,
    manifest_row: Mapping[str, object],
    sha256: str,
    now: datetime,
) -> Iterator[SourceItem]:
    """Yields the snapshot of a file, and what of it is not imported.

    Raises CandleError: a row that cannot be right, or whose time is later than ``now``.
    """
    contracts, omitted = _contracts(_columns(content, entry), entry)
    for contract in contracts:
        _check_known(contract, entry, now)
    for reason, symbols in omitted.items():
        yield SkippedItem(f"{entry.file}: {', '.join(sorted(symbols)[:2])}", reason, len(symbols))
    series = [built for contract in contracts if (built := _series(contract, entry)) is not None]
    if not series:
        yield SkippedItem(entry.file, "no value that counts")
        return
    dating = "time of the last value; the source states no time of recording"
    kept = "values converted without loss" if entry.unit is not Unit.PERCENT else "percent / 100"
    provenance = provenance_of(
        FolderFile(entry.file, manifest_row, sha256, entry.source), kept, dating
    )
    payloads = tuple(payload for part in series for payload in point_payloads(part, provenance))
    newest = max(payload.observed_at for payload in payloads)
    yield Snapshot(PRICES, newest, payloads, complete=False)


def _columns(content: bytes, entry: PointsFile) -> Mapping[str, Sequence[object]]:
    """Returns the columns of a Parquet or CSV file by name. Raises CandleError."""
    wanted = [
        name
        for name in (
            entry.time, entry.value, entry.venue_column, entry.symbol_column, entry.asset_column,
            entry.hours_column,
        )
        if name
    ]  # fmt: skip
    if entry.file.endswith(".csv"):
        columns = _csv_columns(content, entry.file)
    else:
        columns = _parquet_columns(content, entry.file)
    missing = [name for name in wanted if name not in columns]
    if missing:
        raise CandleError(entry.file, None, f"missing columns: {', '.join(missing)}; add them")
    return columns


def _csv_columns(content: bytes, file: str) -> dict[str, Sequence[object]]:
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        names, rows = reader.fieldnames or (), list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        problem = f"cannot be read: {error}; copy it again"
        raise CandleError(file, None, problem) from error
    for number, row in enumerate(rows, 1):
        if None in row or None in row.values():
            problem = f"expected {len(names)} fields; complete the row"
            raise CandleError(file, number, problem)
    return {name: [row[name] for row in rows] for name in names}


def _parquet_columns(content: bytes, file: str) -> dict[str, Sequence[object]]:
    import pyarrow as pa  # noqa: PLC0415 - heavy
    from pyarrow import parquet  # noqa: PLC0415 - as above

    try:
        table = parquet.read_table(pa.BufferReader(content), partitioning=None)
        columns: dict[str, Sequence[object]] = {}
        for name, column in zip(table.column_names, table.columns, strict=True):
            if pa.types.is_timestamp(column.type):
                column = column.cast(pa.timestamp("us", column.type.tz), safe=False)  # noqa: PLW2901 - of the same values
            columns[name] = column.to_pylist()
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        text = str(error).splitlines()[0]
        raise CandleError(file, None, f"is not a Parquet file: {text}; copy it again") from error
    return columns


def _contracts(
    columns: Mapping[str, Sequence[object]], entry: PointsFile
) -> tuple[list[_Contract], dict[str, set[str]]]:
    """Returns the rows of each contract, and the symbols that are omitted, by reason."""
    contracts: dict[tuple[str, str], _Contract] = {}
    omitted: dict[str, set[str]] = defaultdict(set)
    times, values = columns[entry.time], columns[entry.value]
    for index, (time, value) in enumerate(zip(times, values, strict=True)):
        venue = str(columns[entry.venue_column][index]) if entry.venue_column else entry.venue
        symbol = str(columns[entry.symbol_column][index]) if entry.symbol_column else entry.symbol
        identified = _identify(entry, venue, symbol)
        if isinstance(identified, str):
            omitted[identified].add(symbol)
            continue
        if (venue, symbol) not in contracts:
            asset = str(columns[entry.asset_column][index]) if entry.asset_column else ""
            contracts[venue, symbol] = _Contract(identified, asset)
        hours = (
            _hours(columns[entry.hours_column][index], entry, index + 1)
            if entry.hours_column
            else entry.hours_of(identified.venue, identified.symbol) or np.nan
        )
        row = (index + 1, _time(time, entry, index + 1), _value(value, entry, index + 1), hours)
        contracts[venue, symbol].rows.append(row)
    return list(contracts.values()), omitted


def _hours(value: object, entry: PointsFile, row: int) -> float:
    """Returns the hours of a rate, NaN if they are not stated. Raises CandleError: no such number."""
    if value in (None, ""):
        return np.nan
    try:
        hours = float(str(value))
    except ValueError:
        hours = np.nan
    if not 0 < hours < np.inf:
        problem = f"{entry.hours_column}: expected hours above 0, found {value!s:.40}; correct it"
        raise CandleError(entry.file, row, problem)
    return hours


def _check_known(contract: _Contract, entry: PointsFile, now: datetime) -> None:
    """Raises CandleError: a time later than ``now``."""
    for number, time, *_ in contract.rows:
        if time > now:
            problem = f"{contract.identity.symbol}: {time.isoformat()} is later than the import, {now:%Y-%m-%d %H:%M} UTC; correct the time or remove the row"
            raise CandleError(entry.file, number, problem)


def _identify(entry: PointsFile, venue: str, symbol: str) -> PointsId | str:
    """Returns which contract a row is about, or why it is omitted."""
    if venue == COINALYZE:
        match = _COINALYZE_CODE.fullmatch(symbol)
        if match is None:
            return "codes of venues that the source does not state"
        own, base = _own_symbol(match), match["base"]
        return _id(entry, _COINALYZE_VENUES[match["code"]], own, base)
    if entry.venue_column:
        if venue not in entry.venue_ids:
            return f"venue {venue!r} that market_files.yaml does not list"
        venue = entry.venue_ids[venue]
    base = re.sub(r"(USDT|USDC|USD)(_PERP)?$", "", symbol) or symbol
    return _id(entry, venue, symbol, base)


def _own_symbol(match: re.Match[str]) -> str:
    """Returns the venue's symbol: only those of Binance that are margined in coins end in _PERP."""
    is_coin_margined = match["quote"] == "USD" and match["perp"] is not None
    return f"{match['base']}{match['quote']}{match['perp'] if is_coin_margined else ''}"


def _id(entry: PointsFile, venue: str, symbol: str, base: str) -> PointsId | str:
    if not is_asset_name(base):
        return "symbols that name no underlying"
    return PointsId(venue, entry.quantity, symbol, Underlying.of(base))


def _time(value: object, entry: PointsFile, row: int) -> datetime:
    """Returns a time in UTC; that of a value of a day is the end of the day. Raises CandleError."""
    time = value
    if not isinstance(time, datetime):
        try:
            time = datetime.fromisoformat(str(value))
        except ValueError as error:
            problem = f"expected a time such as 2024-01-01T00:00:00+00:00, found {str(value)[:40]!r}; correct it"
            raise CandleError(entry.file, row, problem) from error
    if time.tzinfo is None:
        if entry.has_zone:
            problem = f"expected a time zone, found none in {time}; add +00:00 for UTC"
            raise CandleError(entry.file, row, problem)
        time = time.replace(tzinfo=UTC)
    if not _FIRST <= time < _LAST:
        problem = f"expected a time from 1970 to 9998, found {time}; correct it"
        raise CandleError(entry.file, row, problem)
    return time.astimezone(UTC)


_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


def _value(value: object, entry: PointsFile, row: int) -> float:
    """Returns a value in USD or as a fraction. Raises CandleError: none, negative, or another unit."""
    try:
        number = float(str(value))
    except ValueError:
        number = np.nan
    if entry.unit is Unit.PERCENT:
        number /= 100
    if entry.quantity is Quantity.OPEN_INTEREST:
        if not (number >= 0 and np.isfinite(number)):
            problem = (
                f"expected an amount of at least 0, found {value!s:.40}; correct or remove the row"
            )
            raise CandleError(entry.file, row, problem)
    elif not abs(number) < 1:
        problem = f"expected a rate between -1 and 1, found {value!s:.40}; correct the unit"
        raise CandleError(entry.file, row, problem)
    return number


def _series(contract: _Contract, entry: PointsFile) -> PointSeries | None:
    """Returns the series of a contract; None if no value counts. Raises CandleError."""
    defects = list(_misnamed(contract))
    partial = [row for row in contract.rows if row[1].date() == entry.partial_day]
    if partial:
        defects.append(SeriesDefect(DefectKind.UNFINISHED, len(partial), partial[0][1]))
    rows = [row for row in contract.rows if row[1].date() != entry.partial_day]
    if not rows:
        return None
    shift = timedelta(days=1) if entry.covers_day else timedelta(0)
    times = np.array([microseconds(row[1] + shift) for row in rows], dtype=np.int64)
    if entry.quantity is Quantity.FUNDING:
        times = to_minute(times)
    _check_order(times, rows, contract, entry)
    has_hours = entry.quantity is Quantity.FUNDING
    return PointSeries(
        contract.identity,
        times,
        np.array([row[2] for row in rows]),
        np.array([row[3] for row in rows]) if has_hours else None,
        tuple(note for symbols, note in entry.notes if re.fullmatch(symbols, contract.identity.symbol)),
        tuple(defects),
        (entry.file,),
    )  # fmt: skip


def _check_order(
    times: "np.ndarray", rows: Sequence[_Row], contract: _Contract, entry: PointsFile
) -> None:
    bad = np.flatnonzero(np.diff(times) <= 0)
    if not bad.size:
        return
    index = int(bad[0]) + 1
    is_same = times[index] == times[index - 1]
    what = "appears twice; remove one of the rows" if is_same else "is earlier than the row before; sort the rows by time"  # fmt: skip
    time = utc_time(times[index]).isoformat()
    raise CandleError(entry.file, rows[index][0], f"{contract.identity.symbol}: {time} {what}")


def _misnamed(contract: _Contract) -> Iterator[SeriesDefect]:
    """Yields the defect of a contract whose underlying the source names otherwise than its symbol."""
    named = contract.asset
    identity, first = contract.identity, contract.rows[0][1]
    own = {identity.underlying.asset}
    entry = assets.bundled().find(identity.venue, identity.underlying.asset, first.date())
    if entry is not None:
        own.add(entry.asset)
    if named and Underlying.of(named).asset not in own:
        note = f"the source names {named}, the symbol {identity.underlying.asset}"
        yield SeriesDefect(DefectKind.MISNAMED, len(contract.rows), first, note)
