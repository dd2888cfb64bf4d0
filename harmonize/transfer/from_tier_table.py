"""Reads a table of dated tiers as an import source: each day becomes one response of the venue.

The table holds the Binance USDⓈ-M brackets that freqtrade keeps in its public history. Rows are
restored unchanged and sorted, also if they leave a gap or overlap, which the parser reports.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from harmonize.core.payload import Call, Origin, Payload, Provenance, Snapshot
from harmonize.transfer.freqtrade import binance_id, commit_precision
from harmonize.transfer.source import SkippedItem, SourceItem, UnreadableSourceError
from venues.exchanges.binance import BRACKETS

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "observed",
    "commit",
    "symbol",
    "tier",
    "min_notional",
    "max_notional",
    "maintenance_margin_rate",
    "max_leverage",
    "deduction",
)

_KEYS = {
    "tier": "bracket",
    "max_leverage": "initialLeverage",
    "max_notional": "notionalCap",
    "min_notional": "notionalFloor",
    "maintenance_margin_rate": "maintMarginRatio",
    "deduction": "cum",
}
"""The venue's key for each column, in the venue's order."""

_SYMBOL = r"\w+(?:_[0-9]{6})?|\w+/\w+(?::\w+(?:-[0-9]{6})?)?"
"""The venue's contract names (BTCUSDT, BTCUSDT_220325) and ccxt symbols (BTC/USDT:USDT-220325)."""

_NO_CAP = 2**63 - 1
"""The venue's cap of an unlimited bracket; a table of 64-bit floats holds it as 2^63."""

_DATING_OF_JOB = (
    "date of the commit by freqtrade's weekly job, which records and commits in one run"
)
_DATING_BY_HAND = (
    "date of a commit by hand in freqtrade's public history, so the date is an upper bound"
)


def read_items(path: Path) -> Iterator[SourceItem]:
    """Yields one snapshot per day, and a SkippedItem per kind of excluded row.

    Raises UnreadableSourceError: not such a table.
    """
    table = _table(path)
    exclusions = {"duplicate of another row": table.duplicated(), **_foreign_rows(table)}
    included = table
    for reason, is_excluded in exclusions.items():
        rows = included[is_excluded.reindex(included.index)]
        if len(rows):
            what = f"rows of {path.name}, such as {rows['symbol'].iloc[0]}"
            yield SkippedItem(what, reason, len(rows))
        included = included.drop(rows.index)
    included = included.assign(id=included["symbol"].map(binance_id))
    included = included.sort_values(["observed", "id", "tier"], kind="stable")
    for day, rows in included.groupby("observed", sort=True):
        yield _snapshot(path, str(day), rows)


def _table(path: Path) -> "pd.DataFrame":
    import pyarrow as pa  # noqa: PLC0415 - heavy
    from pyarrow import parquet  # noqa: PLC0415 - as above

    try:
        table: pd.DataFrame = parquet.read_table(path).to_pandas()
    except (pa.ArrowException, OSError) as error:
        message = f"{path}: cannot be read as a Parquet table ({str(error).splitlines()[0]}); copy it again"
        raise UnreadableSourceError(message) from error
    missing = [column for column in COLUMNS if column not in table]
    if missing:
        message = (
            f"{path}: missing columns {', '.join(missing)}; use a table with {', '.join(COLUMNS)}"
        )
        raise UnreadableSourceError(message)
    texts, numbers = table[list(COLUMNS[:3])], table[list(COLUMNS[3:])]
    is_text = all(texts.map(lambda value: isinstance(value, str)).all())
    if not is_text or not all(dtype.kind in "iuf" for dtype in numbers.dtypes):
        message = f"{path}: expected text in observed, commit and symbol and numbers in the other columns; export it again"
        raise UnreadableSourceError(message)
    return table[list(COLUMNS)]


def _foreign_rows(table: "pd.DataFrame") -> Mapping[str, "pd.Series[bool]"]:
    """Returns by reason which rows are not of a contract that settles in its quote currency."""
    symbol = table["symbol"]
    parts = symbol.str.partition(":")
    quote, settlement = parts[0].str.rpartition("/")[2], parts[2].str.partition("-")[0]
    return {
        "neither a ccxt symbol nor a contract name of the venue": ~symbol.str.fullmatch(_SYMBOL),
        "settlement currency differs from quote currency": (parts[1] == ":")
        & (settlement != quote),
    }


def _snapshot(path: Path, day: str, rows: "pd.DataFrame") -> Snapshot:
    try:
        observed_at = datetime.combine(date.fromisoformat(day), time(), UTC)
    except ValueError as error:
        message = f"{path}: observed: expected a day such as 2022-02-12, found {day!r}; correct it"
        raise UnreadableSourceError(message) from error
    commits = sorted(set(rows["commit"]))
    precision = commit_precision(observed_at.date())
    payload = Payload.of(
        "binance",
        Call(BRACKETS),
        observed_at,
        Provenance(
            Origin.RECORDED,
            f"freqtrade/freqtrade freqtrade/exchange/binance_leverage_tiers.json at {', '.join(commits)}; "
            "endpoint list rebuilt from the rows of a table of dated tiers made from freqtrade's public history",
            _DATING_OF_JOB if precision.is_exact else _DATING_BY_HAND,
            "GET /fapi/v1/leverageBracket",
        ),
        _response(rows),
        precision,
    )
    return Snapshot("binance", observed_at, (payload,), complete=True)


def _response(rows: "pd.DataFrame") -> bytes:
    """Returns the venue's list of contracts with their brackets, as compact JSON."""
    brackets: dict[str, list[str]] = {}
    columns: Sequence[Sequence[float]] = [rows[column].tolist() for column in _KEYS]
    for symbol, *values in zip(rows["id"], *columns, strict=True):
        brackets.setdefault(symbol, []).append(_bracket(*values))
    contracts = (
        f'{{"symbol":{json.dumps(symbol, ensure_ascii=False)},"brackets":[{",".join(texts)}]}}'
        for symbol, texts in brackets.items()
    )
    return f"[{','.join(contracts)}]".encode()


@lru_cache(maxsize=2**17)
def _bracket(*values: float) -> str:
    """Returns one bracket as JSON, without keys for absent values.

    Cached, because most brackets equal those of the week before.
    """
    fields = zip(_KEYS.values(), map(_number, values), strict=True)
    present = {key: number for key, number in fields if number is not None}
    return json.dumps(present, separators=(",", ":"))


def _number(value: float) -> float | None:
    """Returns the number whose shortest text restores it, integers as int; None if not finite."""
    if not abs(value) < float("inf"):
        return None
    if value == float(_NO_CAP):
        return _NO_CAP
    return int(value) if value == int(value) else value
