"""HTX: last prices by the market prices archived beside the documentation's samples."""

import json
from collections.abc import Mapping

from tests.replay.answering import Answer, Asked, Recorded, made
from venues.parsing.units import PRICE


def prices(recorded: Recorded, _: Asked) -> object:
    return {
        "status": "ok",
        "ticks": [
            {
                "contract_code": f"{dict(one.call.params)['asset']}-USDT",
                "close": json.loads(one.content)["price"],
            }
            for one in recorded.payloads(PRICE)[:1]
        ],
    }


ANSWERS: Mapping[str, Answer] = {
    "contractPublicGetLinearSwapExMarketDetailBatchMerged": made(prices)
}
