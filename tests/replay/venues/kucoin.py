"""KuCoin: the contracts whose levels were recorded, and unified tiers by lists of symbols."""

from tests.replay import answering
from tests.replay.answering import Answer, Asked, Recorded
from venues.exchanges import kucoin
from venues.exchanges.kucoin import CONTRACTS, LEVELS, UNIFIED, UNIFIED_CONTRACTS


def _contracts(recorded: Recorded, _: Asked) -> object:
    ids = recorded.ids(LEVELS, "/data", "symbol")
    document = recorded.document(CONTRACTS)
    return {**document, "data": [one for one in document["data"] if one["symbol"] in ids]}


def _unified(recorded: Recorded, asked: Asked) -> object:
    rows = [
        {
            "symbol": one,
            "baseCurrency": one.removesuffix("USDTM"),
            "quoteCurrency": kucoin.instrument(one, "").quote,
            "settlementCurrency": kucoin.instrument(one, "").settle,
            "expiryTime": None,
        }
        for one in recorded.ids(UNIFIED, "/data", "symbol")
    ]
    return {"code": "200000", "data": {"tradeType": asked["tradeType"], "list": rows}}


ANSWERS: dict[str, Answer] = {
    CONTRACTS: answering.made(_contracts),
    UNIFIED_CONTRACTS: answering.made(_unified),
    UNIFIED: answering.picked(UNIFIED, "/data", "symbol", "symbol"),
}
