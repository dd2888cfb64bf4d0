"""HashKey: last prices from the market prices archived with the recording."""

import json
from collections.abc import Mapping

from tests.replay.answering import Recorded, RequestParams, Responder, made
from venues.parsing.units import ARCHIVED_PRICE


def prices(recorded: Recorded, _: RequestParams) -> object:
    by_asset = {
        dict(payload.call.params)["asset"]: json.loads(payload.content)["price"]
        for payload in recorded.payloads(ARCHIVED_PRICE)
    }
    contracts = recorded.document("publicGetApiV1ExchangeInfo")["contracts"]
    return [
        {"s": row["symbol"], "c": by_asset[row["underlying"]]}
        for row in contracts
        if row["underlying"] in by_asset
    ]


ANSWERS: Mapping[str, Responder] = {"publicGetQuoteV1Ticker24hr": made(prices)}
