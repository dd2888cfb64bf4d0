"""Bybit: risk limits in pages that do not split symbols, and the list of their symbols."""

import json
from datetime import UTC, date, datetime, time
from functools import cache
from typing import Any

from tests.replay import answering
from tests.replay.answering import Recorded, RequestParams, Responder
from venues.exchanges import bybit
from venues.exchanges.bybit import INSTRUMENTS, RISK_LIMIT, TICKERS

SYMBOLS = 60
"""Symbols per page; the venue serves 15."""


@cache
def _pages(content: bytes) -> list[Any]:
    by_symbol: dict[str, list[Any]] = {}
    for row in json.loads(content)["result"]["list"]:
        by_symbol.setdefault(row["symbol"], []).append(row)
    groups = list(by_symbol.values())
    return [
        [row for group in groups[start : start + SYMBOLS] for row in group]
        for start in range(0, len(groups), SYMBOLS)
    ]


def _risk_limits(recorded: Recorded, params: RequestParams) -> bytes | None:
    recording = answering.as_recorded(RISK_LIMIT)(recorded, {"category": params["category"]})
    if recording is None:
        return None
    pages, number = _pages(recording), int(params.get("cursor", "0"))
    next_cursor = str(number + 1) if number + 1 < len(pages) else ""
    return answering.written(_envelope(params, pages[number], next_cursor))


def _instruments(recorded: Recorded, params: RequestParams) -> object:
    """Every symbol of the recording, all linear, with the attributes that its name implies."""
    ids = recorded.ids(RISK_LIMIT, "/result/list", "symbol")
    return _envelope(
        params, [_row(symbol) for symbol in ids] if params["category"] == "linear" else []
    )


def _row(symbol: str) -> object:
    instrument = bybit.parse_symbol(symbol)
    base = symbol.partition("-")[0].removesuffix("PERP").removesuffix("USDT")
    return {
        "symbol": symbol,
        "contractType": "LinearPerpetual" if instrument.perpetual else "LinearFutures",
        "status": "Trading",
        "baseCoin": base,
        "quoteCoin": instrument.quote,
        "settleCoin": instrument.settle,
        "deliveryTime": _milliseconds(instrument.expiry),
    }


def _milliseconds(day: date | None) -> str:
    if day is None:
        return "0"
    return str(int(datetime.combine(day, time(8), UTC).timestamp()) * 1000)


def _envelope(params: RequestParams, rows: list[Any], cursor: str = "") -> object:
    result = {"category": params["category"], "list": rows, "nextPageCursor": cursor}
    return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}}


ANSWERS: dict[str, Responder] = {
    INSTRUMENTS: answering.made(_instruments),
    TICKERS: answering.made(lambda _, params: _envelope(params, [])),
    RISK_LIMIT: _risk_limits,
}
