"""A table of dated tiers as a source: each day becomes the answer of the venue that it was made from.

The table is that of Binance USDⓈ-M brackets which freqtrade keeps in its public history. Rows are put
back as they stand, sorted, also where they leave a gap or overlap: that is for the parser to say.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from harmonize.core.payload import Call, Origin, Payload, Provenance, Snapshot
from harmonize.transfer.freqtrade import binance_id
from harmonize.transfer.source import LeftOut, SourceItem, UnreadableSourceError
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
"""The venue's word for each column, in the venue's order."""

_SYMBOL = r"\w+(?:_[0-9]{6})?|\w+/\w+(?::\w+(?:-[0-9]{6})?)?"
"""BTCUSDT or BTCUSDT_220325, as the venue names contracts; or BTC/USDT:USDT-220325, as ccxt does."""

_NO_CAP = 2**63 - 1
"""The venue's cap of a bracket without end; a table of 64-bit floats holds it as 2^63."""


def offered(path: Path) -> Iterator[SourceItem]:
    """Give one snapshot a day, and tell which rows are none of it. Raises UnreadableSourceError."""
    table = _table(path)
    repeated = table.duplicated()
    left_out = {"another row says the same": repeated, **_strange(table)}
    taken = table
    for reason, marked in left_out.items():
        rows = taken[marked.reindex(taken.index)]
        if len(rows):
            what = f"rows of {path.name}, as {rows['symbol'].iloc[0]}"
            yield LeftOut(what, reason, len(rows))
        taken = taken.drop(rows.index)
    taken = taken.assign(id=taken["symbol"].map(binance_id))
    taken = taken.sort_values(["observed", "id", "tier"], kind="stable")
    for day, rows in taken.groupby("observed", sort=True):
        yield _snapshot(path, str(day), rows)


def _table(path: Path) -> "pd.DataFrame":
    import pyarrow as pa  # noqa: PLC0415 - heavy
    from pyarrow import parquet  # noqa: PLC0415 - as above

    try:
        table: pd.DataFrame = parquet.read_table(path).to_pandas()
    except (pa.ArrowException, OSError) as error:
        message = f"{path} is no Parquet table that can be read ({str(error).splitlines()[0]}); copy it again"
        raise UnreadableSourceError(message) from error
    missing = [one for one in COLUMNS if one not in table]
    if missing:
        message = f"{path} lacks the columns {', '.join(missing)}; a table of dated tiers has {', '.join(COLUMNS)}"
        raise UnreadableSourceError(message)
    words, numbers = table[list(COLUMNS[:3])], table[list(COLUMNS[3:])]
    if not all(words.map(lambda one: isinstance(one, str)).all()) or not all(
        kind.kind in "iuf" for kind in numbers.dtypes
    ):
        message = f"{path}: observed, commit and symbol must be text and the other columns numbers; write it anew"
        raise UnreadableSourceError(message)
    return table[list(COLUMNS)]


def _strange(table: "pd.DataFrame") -> Mapping[str, "pd.Series[bool]"]:
    """Rows that are not of a contract which settles in its quote currency, by reason."""
    symbol = table["symbol"]
    pair = symbol.str.partition(":")
    quote, settled = pair[0].str.rpartition("/")[2], pair[2].str.partition("-")[0]
    return {
        "neither a unified symbol nor a name that the venue gives": ~symbol.str.fullmatch(_SYMBOL),
        "settles in another currency than it is quoted in": (pair[1] == ":") & (settled != quote),
    }


def _snapshot(path: Path, day: str, rows: "pd.DataFrame") -> Snapshot:
    try:
        observed_at = datetime.combine(date.fromisoformat(day), time(), UTC)
    except ValueError as error:
        message = f"{path}: observed must be a day as 2022-02-12, was {day!r}; correct it"
        raise UnreadableSourceError(message) from error
    commits = sorted(set(rows["commit"]))
    payload = Payload.of(
        "binance",
        Call(BRACKETS),
        observed_at,
        Provenance(
            Origin.RECORDED,
            f"freqtrade/freqtrade freqtrade/exchange/binance_leverage_tiers.json at {', '.join(commits)}; "
            "endpoint list rebuilt from the rows of a table of dated tiers made from freqtrade's public history",
            "date of the commit in freqtrade's public history",
            "GET /fapi/v1/leverageBracket",
        ),
        _answer(rows),
    )
    return Snapshot("binance", observed_at, (payload,), complete=True)


def _answer(rows: "pd.DataFrame") -> bytes:
    """The venue's list of contracts with their brackets, as compact JSON."""
    brackets: dict[str, list[str]] = {}
    columns: Sequence[Sequence[float]] = [rows[one].tolist() for one in _KEYS]
    for symbol, *figures in zip(rows["id"], *columns, strict=True):
        brackets.setdefault(symbol, []).append(_bracket(*figures))
    contracts = (
        f'{{"symbol":{json.dumps(symbol, ensure_ascii=False)},"brackets":[{",".join(held)}]}}'
        for symbol, held in brackets.items()
    )
    return f"[{','.join(contracts)}]".encode()


@lru_cache(maxsize=2**17)
def _bracket(*figures: float) -> str:
    """One bracket; what the table leaves out has no key. Most are as they were the week before."""
    held = zip(_KEYS.values(), map(_number, figures), strict=True)
    return json.dumps({key: one for key, one in held if one is not None}, separators=(",", ":"))


def _number(figure: float) -> float | None:
    """A number by the shortest text that gives it again, whole ones whole; None where there is none."""
    if not abs(figure) < float("inf"):
        return None
    if figure == float(_NO_CAP):
        return _NO_CAP
    return int(figure) if figure == int(figure) else figure
