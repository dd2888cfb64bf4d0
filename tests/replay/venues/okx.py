"""OKX: the families whose tiers were recorded, by lists of families, and the archived prices.

Tiers were recorded for isolated margin; asked for cross, the same rows are given. Prices are those
archived for the day of the tiers.
"""

import json
from typing import Any

from tests.replay import answering
from tests.replay.answering import Answer, Asked, Recorded
from venues.exchanges.okx import INSTRUMENTS, MARKS, TIERS
from venues.parsing.units import PRICE

_NOTHING = {"code": "0", "msg": "", "data": []}


def _listed(recorded: Recorded) -> list[Any]:
    families = recorded.ids(TIERS, "/data", "instFamily")
    rows = recorded.document(INSTRUMENTS)["data"]
    return [one for one in rows if one["instFamily"] in families]


def _instruments(recorded: Recorded, asked: Asked) -> object:
    rows = [one for one in _listed(recorded) if one["instType"] == asked["instType"]]
    return {**_NOTHING, "data": rows}


def _marks(recorded: Recorded, asked: Asked) -> object:
    prices = {one["asset"]: one["price"] for one in map(_row, recorded.payloads(PRICE))}
    rows = [
        {
            "instId": one["instId"],
            "instType": one["instType"],
            "markPx": prices[one["ctValCcy"]],
        }
        for one in _listed(recorded)
        if one["instType"] == asked["instType"]
    ]
    return {**_NOTHING, "data": rows}


def _row(payload: Any) -> Any:
    return json.loads(payload.content)


ANSWERS: dict[str, Answer] = {
    INSTRUMENTS: answering.made(_instruments),
    "publicGetPublicOpenInterest": answering.fixed(_NOTHING),
    "publicGetMarketTickers": answering.fixed(_NOTHING),
    MARKS: answering.made(_marks),
    TIERS: answering.picked(TIERS, "/data", "instFamily", "instFamily"),
}
