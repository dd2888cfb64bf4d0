"""The files in which freqtrade keeps leverage tiers: the venue's own rows, put back into its answers.

Such a file names each symbol in ccxt's way and keeps the venue's row of each tier under ``info``.
"""

import json
from collections.abc import Callable, Mapping

from harmonize.transfer.requests import Params

Row = Mapping[str, object]
Answers = list[tuple[Params, bytes]]
"""Parameters and content of the calls that a file answers."""

_BY_CCXT = frozenset({"info", "nextPageCursor"})
"""What ccxt put into rows of bybit."""


def rows_by_symbol(document: object) -> dict[str, list[Row]] | None:
    """The venue's rows by symbol; None when the document is not such a file."""
    held = document.get("data", document) if isinstance(document, dict) else None
    if not isinstance(held, dict) or not held:
        return None
    found = {}
    for symbol, tiers in held.items():
        rows = [_row(one) for one in tiers] if isinstance(tiers, list) else []
        if not rows or None in rows:
            return None
        found[symbol] = [one for one in rows if one is not None]
    return found


def _row(tier: object) -> Row | None:
    row = tier.get("info") if isinstance(tier, dict) else None
    return row if isinstance(row, dict) else None


def answers(venue: str, rows: Mapping[str, list[Row]], params: Params) -> Answers | None:
    """The venue's answers; ``params`` are those of the request as far as they are known.

    None: how this venue answers is not known here, or a row is not of its kind.
    """
    try:
        return _ANSWERS[venue](rows, dict(params)) if venue in _ANSWERS else None
    except KeyError:
        return None


def _written(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _binance(rows: Mapping[str, list[Row]], params: dict[str, str]) -> Answers:
    listed = [{"symbol": binance_id(one), "brackets": held} for one, held in rows.items()]
    return [(tuple(params.items()), _written(listed))]


def binance_id(symbol: str) -> str:
    """The venue's name of a contract: BTCUSDT of BTC/USDT:USDT, BTCUSDT_260925 of BTC/USDT:USDT-260925."""
    pair, _, settled = symbol.partition(":")
    _, _, delivered = settled.partition("-")
    return pair.replace("/", "") + (f"_{delivered}" if delivered else "")


def _bybit(rows: Mapping[str, list[Row]], params: dict[str, str]) -> Answers:
    listed = [
        {key: one for key, one in row.items() if key not in _BY_CCXT}
        for held in rows.values()
        for row in held
    ]
    result = {"category": params["category"], "list": listed, "nextPageCursor": ""}
    return [(tuple(params.items()), _written({"retCode": 0, "retMsg": "OK", "result": result}))]


def _bitget(rows: Mapping[str, list[Row]], params: dict[str, str]) -> Answers:
    kinds = {"USDT": "USDT-FUTURES", "USDC": "USDC-FUTURES"}
    found = []
    for symbol, held in rows.items():
        kind = kinds[symbol.partition(":")[2]]
        asked = {**params, "productType": kind, "symbol": str(held[0]["symbol"])}
        answer = {"code": "00000", "msg": "success", "data": held}
        found.append((tuple(sorted(asked.items())), _written(answer)))
    return found


def _okx(rows: Mapping[str, list[Row]], params: dict[str, str]) -> Answers:
    found = []
    for held in rows.values():
        asked = {**params, "instFamily": str(held[0]["instFamily"])}
        answer = {"code": "0", "msg": "", "data": held}
        found.append((tuple(sorted(asked.items())), _written(answer)))
    return found


_ANSWERS: dict[str, Callable[[Mapping[str, list[Row]], dict[str, str]], Answers]] = {
    "binance": _binance,
    "bitget": _bitget,
    "bybit": _bybit,
    "okx": _okx,
}
