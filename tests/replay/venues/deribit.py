"""Deribit: mark prices from the market price archived with the recording."""

import json
from collections.abc import Mapping

from tests.replay.answering import Recorded, RequestParams, Responder, made
from venues.exchanges.deribit import INSTRUMENTS, SUMMARIES
from venues.parsing.units import ARCHIVED_PRICE


def summaries(recorded: Recorded, params: RequestParams) -> object:
    (price,) = [
        json.loads(payload.content)["price"] for payload in recorded.payloads(ARCHIVED_PRICE)
    ]
    rows = [
        {"instrument_name": row["instrument_name"], "mark_price": price}
        for row in recorded.document(INSTRUMENTS)["result"]
        if row["base_currency"] == "BTC" and row["settlement_currency"] == params["currency"]
    ]
    return {"jsonrpc": "2.0", "result": rows}


ANSWERS: Mapping[str, Responder] = {SUMMARIES: made(summaries)}
