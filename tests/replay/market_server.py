"""A loopback server of market data: recorded rows in the documented form of Binance and Bybit.

The server is a mirror, ``/venue/host/path``. Pages have few rows, so that paging is exercised.
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

DATA = Path(__file__).parents[1] / "venues" / "gathering" / "data" / "market_data.json"

PAGE = 10
"""Rows of a page, whatever the client asks for."""

Params = Mapping[str, str]
Respond = Callable[[Params], object]


@cache
def rows(name: str) -> list[list[Any]]:
    """Recorded rows of one series."""
    document: dict[str, list[list[Any]]] = json.loads(DATA.read_text(encoding="utf-8"))
    return document[name]


def page(name: str, params: Params, start: str, end: str = "") -> list[list[Any]]:
    """The first rows from the requested time on."""
    first = int(params.get(start, "0"))
    last = int(params.get(end, "9" * 15))
    return [row for row in rows(name) if first <= row[0] <= last][:PAGE]


def binance_symbol(symbol: str, base: str, quote: str = "USDT") -> dict[str, object]:
    """Row of a perpetual in ``exchangeInfo``."""
    return {
        "symbol": symbol,
        "pair": symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": 4133404800000,
        "onboardDate": 1569398400000,
        "status": "TRADING",
        "baseAsset": base,
        "quoteAsset": quote,
        "marginAsset": quote,
        "pricePrecision": 2,
        "quantityPrecision": 3,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "filters": [],
        "orderTypes": ["LIMIT"],
        "timeInForce": ["GTC"],
    }


def bybit_symbol(symbol: str, base: str) -> dict[str, object]:
    """Row of a linear perpetual in ``instruments-info``."""
    return {
        "symbol": symbol,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": base,
        "quoteCoin": "USDT",
        "settleCoin": "USDT",
        "launchTime": "1615766400000",
        "deliveryTime": "0",
        "priceScale": "2",
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": "0.05", "maxPrice": "100000", "tickSize": "0.05"},
        "lotSizeFilter": {"maxOrderQty": "1000", "minOrderQty": "0.01", "qtyStep": "0.01"},
        "fundingInterval": 480,
    }


def _kline(row: list[Any]) -> list[object]:
    """Row of Binance's klines: the recorded columns, and those that nothing reads as zeros."""
    volume = row[5] if len(row) > 5 else "0"
    turnover = row[6] if len(row) > 6 else "0"
    return [*row[:5], volume, row[0] + 1, turnover, 0, "0", "0", "0"]


def _binance_klines(params: Params) -> object:
    name = f"binance_{params['interval']}"
    return [_kline(row) for row in page(name, params, "startTime")]


def newest_klines(params: Params) -> object:
    """Klines as a venue answers that keeps the end of the time asked for, and drops its beginning."""
    first, name = int(params["startTime"]), f"binance_{params['interval']}"
    step = 86_400_000 if params["interval"] == "1d" else 3_600_000
    asked = [row for row in rows(name) if first <= row[0] < first + int(params["limit"]) * step]
    return [_kline(row) for row in asked[-PAGE:]]


def _binance_mark(params: Params) -> object:
    if params["interval"] != "1d":
        return []
    return [_kline(row) for row in page("binance_mark_1d", params, "startTime")]


def _binance_funding(params: Params) -> object:
    return [
        {"symbol": "BTCUSDT", "fundingTime": time, "fundingRate": rate, "markPrice": ""}
        for time, rate in page("binance_funding", params, "startTime")
    ]


def _binance_open_interest(params: Params) -> object:
    return [
        {
            "symbol": "BTCUSDT",
            "sumOpenInterest": coins,
            "sumOpenInterestValue": value,
            "timestamp": time,
        }
        for time, coins, value in page("binance_open_interest", params, "startTime", "endTime")
    ]


def _bybit(result: object, code: int = 0, message: str = "OK") -> dict[str, object]:
    return {"retCode": code, "retMsg": message, "result": result, "time": 1704190000000}


def _bybit_klines(params: Params) -> object:
    listed = [] if params["interval"] != "D" else page(f"bybit_1d_{params['symbol']}", params, "start")  # fmt: skip
    return _bybit({"category": "linear", "symbol": params["symbol"], "list": listed[::-1]})


def _bybit_open_interest(params: Params) -> object:
    """Coins of ETH, as many each day, in the form of the documentation."""
    start = int(params["startTime"])
    times = [row[0] for row in rows("bybit_1d_ETHUSDT") if start <= row[0]][:PAGE]
    if params["symbol"] != "ETHUSDT":
        return _bybit({}, 10001, "params error: symbol invalid")
    listed = [{"openInterest": "1000", "timestamp": str(time)} for time in times]
    return _bybit({"symbol": "ETHUSDT", "category": "linear", "list": listed[::-1]})


ANSWERS: Mapping[str, Respond] = {
    "/binance/fapi.binance.com/fapi/v1/exchangeInfo": lambda _: {
        "symbols": [
            binance_symbol("BTCUSDT", "BTC"),
            binance_symbol("BTCUSDC", "BTC", "USDC"),
            binance_symbol("ETHBTC", "ETH", "BTC"),
        ]
    },
    "/binance/dapi.binance.com/dapi/v1/exchangeInfo": lambda _: {"symbols": []},
    "/binance/fapi.binance.com/fapi/v1/klines": _binance_klines,
    "/binance/fapi.binance.com/fapi/v1/markPriceKlines": _binance_mark,
    "/binance/fapi.binance.com/fapi/v1/fundingRate": _binance_funding,
    "/binance/fapi.binance.com/futures/data/openInterestHist": _binance_open_interest,
    "/bybit/api.bybit.com/v5/market/instruments-info": lambda params: _bybit(
        {
            "category": params["category"],
            "list": [bybit_symbol("ETHUSDT", "ETH"), bybit_symbol("SHIB1000USDT", "SHIB1000")]
            if params["category"] == "linear"
            else [],
            "nextPageCursor": "",
        }
    ),
    "/bybit/api.bybit.com/v5/market/kline": _bybit_klines,
    "/bybit/api.bybit.com/v5/market/open-interest": _bybit_open_interest,
    "/bybit/api.bybit.com/v5/market/funding/history": lambda _: _bybit(
        {"category": "linear", "list": []}
    ),
}
"""Responses by path. An index or mark price without a recording is not served."""


@dataclass(slots=True)
class MarketReplay:
    """The server, a context manager. ``changed`` and ``special`` replace responses by path.

    The first states a status and a body, the second builds the document.
    """

    changed: Mapping[str, tuple[int, bytes]] = field(default_factory=dict)
    special: Mapping[str, Respond] = field(default_factory=dict)
    url: str = ""
    requests: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        """Starts listening on a free port of the loopback interface."""
        replay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                params = dict(parse_qsl(parts.query))
                replay.requests.append((parts.path, params, dict(self.headers)))
                status, body = replay.answer(parts.path, params)
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", f"{replay.url}/elsewhere")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
                """Prints nothing."""

            def date_time_string(self, timestamp: float | None = None) -> str:
                """The day after that of the recording, which no check of clocks refuses."""
                del timestamp
                return "Tue, 02 Jan 2024 10:30:00 GMT"

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stops listening."""
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, params: Params) -> tuple[int, bytes]:
        """Status and body of a request."""
        if path in self.changed:
            return self.changed[path]
        respond = self.special.get(path) or ANSWERS.get(path)
        if respond is None:
            return 404, b'{"code": -1, "msg": "no such path"}'
        return 200, json.dumps(respond(params)).encode()
