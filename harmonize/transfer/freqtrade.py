"""Rebuilds venue responses from freqtrade's files of leverage tiers.

Such a file names each symbol in ccxt's notation and keeps the venue's row of each tier under ``info``.
"""

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

from harmonize.core.date_precision import EXACT, NO_LATER_THAN, DatePrecision
from harmonize.transfer.requests import Params

VenueRow = Mapping[str, object]
Responses = list[tuple[Params, bytes]]
"""Parameters and content of the calls to which a file holds the response."""

_ADDED_BY_CCXT = frozenset({"info", "nextPageCursor"})
"""Keys that ccxt adds to the rows of bybit."""


WEEKLY_JOB_SINCE = date(2024, 4, 4)
"""First day of freqtrade's weekly job for the tiers of Binance."""

_THURSDAY: Final = 3


def commit_precision(day: date) -> DatePrecision:
    """Returns how far the day of a commit to freqtrade's Binance tiers is that of the recording.

    The weekly job runs on Thursdays at 3:00 UTC; it records and commits in one run (freqtrade,
    .github/workflows/binance-lev-tier-update.yml). Its day is exact. Other commits were made by hand,
    at an unknown time after the recording.
    """
    is_of_job = day >= WEEKLY_JOB_SINCE and day.weekday() == _THURSDAY
    return EXACT if is_of_job else NO_LATER_THAN


def rows_by_symbol(document: object) -> dict[str, list[VenueRow]] | None:
    """Returns the venue's rows by symbol; None if the document is not such a file."""
    tiers_by_symbol = document.get("data", document) if isinstance(document, dict) else None
    if not isinstance(tiers_by_symbol, dict) or not tiers_by_symbol:
        return None
    rows_of = {}
    for symbol, tiers in tiers_by_symbol.items():
        rows = [_row(tier) for tier in tiers] if isinstance(tiers, list) else []
        if not rows or None in rows:
            return None
        rows_of[symbol] = [row for row in rows if row is not None]
    return rows_of


def _row(tier: object) -> VenueRow | None:
    row = tier.get("info") if isinstance(tier, dict) else None
    return row if isinstance(row, dict) else None


def rebuild_responses(
    venue: str, rows: Mapping[str, list[VenueRow]], params: Params
) -> Responses | None:
    """Returns the venue's responses; ``params`` are the known parameters of the request.

    None if this module cannot rebuild responses of the venue, or a row is not of its kind.
    """
    try:
        return _REBUILDERS[venue](rows, dict(params)) if venue in _REBUILDERS else None
    except KeyError:
        return None


def _json_bytes(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _binance(rows: Mapping[str, list[VenueRow]], params: dict[str, str]) -> Responses:
    contracts = [
        {"symbol": binance_id(symbol), "brackets": brackets} for symbol, brackets in rows.items()
    ]
    return [(tuple(params.items()), _json_bytes(contracts))]


def binance_id(symbol: str) -> str:
    """Returns the venue's contract name: BTCUSDT for BTC/USDT:USDT.

    A delivery date follows: BTCUSDT_260925 for BTC/USDT:USDT-260925.
    """
    pair, _, settlement = symbol.partition(":")
    _, _, delivery = settlement.partition("-")
    return pair.replace("/", "") + (f"_{delivery}" if delivery else "")


def _bybit(rows: Mapping[str, list[VenueRow]], params: dict[str, str]) -> Responses:
    own_rows = [
        {key: value for key, value in row.items() if key not in _ADDED_BY_CCXT}
        for symbol_rows in rows.values()
        for row in symbol_rows
    ]
    result = {"category": params["category"], "list": own_rows, "nextPageCursor": ""}
    response = {"retCode": 0, "retMsg": "OK", "result": result}
    return [(tuple(params.items()), _json_bytes(response))]


def _bitget(rows: Mapping[str, list[VenueRow]], params: dict[str, str]) -> Responses:
    product_types = {"USDT": "USDT-FUTURES", "USDC": "USDC-FUTURES"}
    responses = []
    for symbol, symbol_rows in rows.items():
        product_type = product_types[symbol.partition(":")[2]]
        venue_symbol = str(symbol_rows[0]["symbol"])
        call_params = {**params, "productType": product_type, "symbol": venue_symbol}
        response = {"code": "00000", "msg": "success", "data": symbol_rows}
        responses.append((tuple(sorted(call_params.items())), _json_bytes(response)))
    return responses


def _okx(rows: Mapping[str, list[VenueRow]], params: dict[str, str]) -> Responses:
    responses = []
    for symbol_rows in rows.values():
        call_params = {**params, "instFamily": str(symbol_rows[0]["instFamily"])}
        response = {"code": "0", "msg": "", "data": symbol_rows}
        responses.append((tuple(sorted(call_params.items())), _json_bytes(response)))
    return responses


_REBUILDERS: dict[str, Callable[[Mapping[str, list[VenueRow]], dict[str, str]], Responses]] = {
    "binance": _binance,
    "bitget": _bitget,
    "bybit": _bybit,
    "okx": _okx,
}
