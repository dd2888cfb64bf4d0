"""Aster: a list of contracts in Binance's format, with the ids of the recorded brackets."""

from collections.abc import Mapping

from tests.replay.answering import Recorded, RequestParams, Responder, made
from tests.replay.venues.binance import contract_row
from venues.exchanges.aster import BRACKETS, CONTRACTS


def contracts(recorded: Recorded, _: RequestParams) -> dict[str, object]:
    """Returns the list of every contract with recorded brackets."""
    brackets = recorded.document(BRACKETS)
    return {"timezone": "UTC", "symbols": [contract_row(row["symbol"]) for row in brackets]}


ANSWERS: Mapping[str, Responder] = {CONTRACTS: made(contracts)}
