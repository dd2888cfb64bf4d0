"""Deribit: mark prices by the market price archived beside the recording."""

import json
from collections.abc import Mapping

from tests.replay.answering import Answer, Asked, Recorded, made
from venues.exchanges.deribit import INSTRUMENTS, SUMMARIES
from venues.parsing.units import PRICE


def summaries(recorded: Recorded, asked: Asked) -> object:
    (price,) = [json.loads(one.content)["price"] for one in recorded.payloads(PRICE)]
    rows = [
        {"instrument_name": row["instrument_name"], "mark_price": price}
        for row in recorded.document(INSTRUMENTS)["result"]
        if row["base_currency"] == "BTC" and row["settlement_currency"] == asked["currency"]
    ]
    return {"jsonrpc": "2.0", "result": rows}


ANSWERS: Mapping[str, Answer] = {SUMMARIES: made(summaries)}
