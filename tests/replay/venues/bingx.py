"""BingX: the contract list, reduced to the contract with recorded tiers."""

from collections.abc import Mapping

from tests.replay.answering import Recorded, RequestParams, Responder, made

CONTRACTS = "swapV2PublicGetQuoteContracts"


def contracts(recorded: Recorded, _: RequestParams) -> object:
    document = recorded.document(CONTRACTS)
    tier_payloads = recorded.payloads("swapV1PrivateGetMaintMarginRatio")
    symbols = {dict(payload.call.params)["symbol"] for payload in tier_payloads}
    document["data"] = [row for row in document["data"] if row["symbol"] in symbols]
    return document


ANSWERS: Mapping[str, Responder] = {CONTRACTS: made(contracts)}
