"""KuCoin: the contracts with recorded levels, and unified tiers per list of symbols."""

from tests.replay import answering
from tests.replay.answering import Recorded, RequestParams, Responder
from venues.exchanges import kucoin
from venues.exchanges.kucoin import CONTRACTS, LEVELS, UNIFIED, UNIFIED_CONTRACTS


def _contracts(recorded: Recorded, _: RequestParams) -> object:
    ids = recorded.ids(LEVELS, "/data", "symbol")
    document = recorded.document(CONTRACTS)
    return {**document, "data": [row for row in document["data"] if row["symbol"] in ids]}


def _unified(recorded: Recorded, params: RequestParams) -> object:
    rows = [
        {
            "symbol": symbol,
            "baseCurrency": symbol.removesuffix("USDTM"),
            "quoteCurrency": kucoin.parse_symbol(symbol, "").quote,
            "settlementCurrency": kucoin.parse_symbol(symbol, "").settle,
            "expiryTime": None,
        }
        for symbol in recorded.ids(UNIFIED, "/data", "symbol")
    ]
    return {"code": "200000", "data": {"tradeType": params["tradeType"], "list": rows}}


ANSWERS: dict[str, Responder] = {
    CONTRACTS: answering.made(_contracts),
    UNIFIED_CONTRACTS: answering.made(_unified),
    UNIFIED: answering.picked(UNIFIED, "/data", "symbol", "symbol"),
}
