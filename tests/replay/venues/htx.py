"""HTX: last prices from the market prices archived with the documentation's samples."""

import json
from collections.abc import Mapping

from tests.replay.answering import Recorded, RequestParams, Responder, made
from venues.parsing.units import ARCHIVED_PRICE


def prices(recorded: Recorded, _: RequestParams) -> object:
    return {
        "status": "ok",
        "ticks": [
            {
                "contract_code": f"{dict(payload.call.params)['asset']}-USDT",
                "close": json.loads(payload.content)["price"],
            }
            for payload in recorded.payloads(ARCHIVED_PRICE)[:1]
        ],
    }


ANSWERS: Mapping[str, Responder] = {
    "contractPublicGetLinearSwapExMarketDetailBatchMerged": made(prices)
}
