"""Bitget: the list of symbols with recorded tiers; tickers were not recorded."""

from tests.replay import answering
from tests.replay.answering import Recorded, RequestParams, Responder
from venues.exchanges import bitget
from venues.exchanges.bitget import CONTRACTS, LEVERS, TICKERS


def _contracts(recorded: Recorded, params: RequestParams) -> object:
    ids = recorded.ids(LEVERS, "/data", "symbol")
    rows = [
        {
            "symbol": symbol,
            "baseCoin": symbol.removesuffix("USDT"),
            "quoteCoin": bitget.parse_symbol(symbol, "").quote,
            "symbolType": "perpetual",
            "symbolStatus": "normal",
            "deliveryTime": "",
        }
        for symbol in ids
    ]
    contracts = rows if params["productType"] == "USDT-FUTURES" else []
    return {"code": "00000", "msg": "success", "data": contracts}


ANSWERS: dict[str, Responder] = {
    CONTRACTS: answering.made(_contracts),
    TICKERS: answering.fixed({"code": "00000", "msg": "success", "data": []}),
}
