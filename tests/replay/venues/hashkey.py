"""Hashkey: last prices by the market prices archived beside the recording."""

import json
from collections.abc import Mapping

from tests.replay.answering import Answer, Asked, Recorded, made
from venues.parsing.units import PRICE


def prices(recorded: Recorded, _: Asked) -> object:
    by_asset = {
        dict(one.call.params)["asset"]: json.loads(one.content)["price"]
        for one in recorded.payloads(PRICE)
    }
    contracts = recorded.document("publicGetApiV1ExchangeInfo")["contracts"]
    return [
        {"s": row["symbol"], "c": by_asset[row["underlying"]]}
        for row in contracts
        if row["underlying"] in by_asset
    ]


ANSWERS: Mapping[str, Answer] = {"publicGetQuoteV1Ticker24hr": made(prices)}
