"""Bybit: risk limits page by page, each symbol whole on one page, and the list of their symbols."""

import json
from datetime import UTC, date, datetime, time
from functools import cache
from typing import Any

from tests.replay import answering
from tests.replay.answering import Answer, Asked, Recorded
from venues.exchanges import bybit
from venues.exchanges.bybit import INSTRUMENTS, RISK_LIMIT, TICKERS

SYMBOLS = 60
"""Symbols on a page; the venue puts 15 there."""


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


def _risk_limits(recorded: Recorded, asked: Asked) -> bytes | None:
    whole = answering.as_recorded(RISK_LIMIT)(recorded, {"category": asked["category"]})
    if whole is None:
        return None
    pages, here = _pages(whole), int(asked.get("cursor", "0"))
    following = str(here + 1) if here + 1 < len(pages) else ""
    return answering.written(_envelope(asked, pages[here], following))


def _instruments(recorded: Recorded, asked: Asked) -> object:
    """Every symbol of the recording, all linear, with what its name says of it."""
    ids = recorded.ids(RISK_LIMIT, "/result/list", "symbol")
    return _envelope(asked, [_row(one) for one in ids] if asked["category"] == "linear" else [])


def _row(symbol: str) -> object:
    listed = bybit.instrument(symbol)
    base = symbol.partition("-")[0].removesuffix("PERP").removesuffix("USDT")
    return {
        "symbol": symbol,
        "contractType": "LinearPerpetual" if listed.perpetual else "LinearFutures",
        "status": "Trading",
        "baseCoin": base,
        "quoteCoin": listed.quote,
        "settleCoin": listed.settle,
        "deliveryTime": _milliseconds(listed.expiry),
    }


def _milliseconds(day: date | None) -> str:
    if day is None:
        return "0"
    return str(int(datetime.combine(day, time(8), UTC).timestamp()) * 1000)


def _envelope(asked: Asked, rows: list[Any], cursor: str = "") -> object:
    result = {"category": asked["category"], "list": rows, "nextPageCursor": cursor}
    return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}}


ANSWERS: dict[str, Answer] = {
    INSTRUMENTS: answering.made(_instruments),
    TICKERS: answering.made(lambda _, asked: _envelope(asked, [])),
    RISK_LIMIT: _risk_limits,
}
