"""OKX: the families with recorded tiers, per list of families, and the archived prices.

Tiers were recorded for isolated margin; requests for cross margin receive the same rows. Prices
are those archived for the day of the tiers.
"""

import json
from typing import Any

from tests.replay import answering
from tests.replay.answering import Recorded, RequestParams, Responder
from venues.exchanges.okx import INSTRUMENTS, MARKS, TIERS
from venues.parsing.units import ARCHIVED_PRICE

_EMPTY = {"code": "0", "msg": "", "data": []}


def _instrument_rows(recorded: Recorded) -> list[Any]:
    families = recorded.ids(TIERS, "/data", "instFamily")
    rows = recorded.document(INSTRUMENTS)["data"]
    return [row for row in rows if row["instFamily"] in families]


def _instruments(recorded: Recorded, params: RequestParams) -> object:
    rows = [row for row in _instrument_rows(recorded) if row["instType"] == params["instType"]]
    return {**_EMPTY, "data": rows}


def _marks(recorded: Recorded, params: RequestParams) -> object:
    prices = {
        price["asset"]: price["price"]
        for price in map(_document, recorded.payloads(ARCHIVED_PRICE))
    }
    rows = [
        {
            "instId": row["instId"],
            "instType": row["instType"],
            "markPx": prices[row["ctValCcy"]],
        }
        for row in _instrument_rows(recorded)
        if row["instType"] == params["instType"]
    ]
    return {**_EMPTY, "data": rows}


def _document(payload: Any) -> Any:
    return json.loads(payload.content)


ANSWERS: dict[str, Responder] = {
    INSTRUMENTS: answering.made(_instruments),
    "publicGetPublicOpenInterest": answering.fixed(_EMPTY),
    "publicGetMarketTickers": answering.fixed(_EMPTY),
    MARKS: answering.made(_marks),
    TIERS: answering.picked(TIERS, "/data", "instFamily", "instFamily"),
}
