"""Bitget: the list of the symbols whose tiers were recorded; tickers were not."""

from tests.replay import answering
from tests.replay.answering import Answer, Asked, Recorded
from venues.exchanges import bitget
from venues.exchanges.bitget import CONTRACTS, LEVERS, TICKERS


def _contracts(recorded: Recorded, asked: Asked) -> object:
    ids = recorded.ids(LEVERS, "/data", "symbol")
    rows = [
        {
            "symbol": one,
            "baseCoin": one.removesuffix("USDT"),
            "quoteCoin": bitget.instrument(one, "").quote,
            "symbolType": "perpetual",
            "symbolStatus": "normal",
            "deliveryTime": "",
        }
        for one in ids
    ]
    listed = rows if asked["productType"] == "USDT-FUTURES" else []
    return {"code": "00000", "msg": "success", "data": listed}


ANSWERS: dict[str, Answer] = {
    CONTRACTS: answering.made(_contracts),
    TICKERS: answering.fixed({"code": "00000", "msg": "success", "data": []}),
}
