"""BingX: the contract list reduced to the contract whose tiers were recorded."""

from collections.abc import Mapping

from tests.replay.answering import Answer, Asked, Recorded, made

CONTRACTS = "swapV2PublicGetQuoteContracts"


def listed(recorded: Recorded, _: Asked) -> object:
    document = recorded.document(CONTRACTS)
    tiers = recorded.payloads("swapV1PrivateGetMaintMarginRatio")
    symbols = {dict(one.call.params)["symbol"] for one in tiers}
    document["data"] = [row for row in document["data"] if row["symbol"] in symbols]
    return document


ANSWERS: Mapping[str, Answer] = {CONTRACTS: made(listed)}
