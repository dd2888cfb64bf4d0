"""Binance: COIN-M brackets from the documentation's sample, because none were recorded.

Lists of contracts have the fields that the documentation of ``exchangeInfo`` names, with the ids of
the recorded brackets.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from tests.replay.answering import Recorded, RequestParams, Responder, fixed, made

SAMPLE = [
    {
        "symbol": "BTCUSD_PERP",
        "notionalCoef": 1.5,
        "brackets": [
            {
                "bracket": 1,
                "initialLeverage": 125,
                "qtyCap": 50,
                "qtylFloor": 0,
                "maintMarginRatio": 0.004,
                "cum": 0.0,
            }
        ],
    }
]

PERPETUAL_END = 4133404800000
"""Date of delivery, in milliseconds, that the venue states for perpetuals: 25 December 2100."""


def contract_row(symbol: str, status_key: str = "status") -> dict[str, object]:
    """Returns the row of a contract that trades until the end in its symbol, if it has one."""
    pair, _, end = symbol.partition("_")
    delivery = PERPETUAL_END
    if end.isdigit():
        day = datetime.strptime(end, "%y%m%d").replace(hour=8, tzinfo=UTC)
        delivery = int(day.timestamp()) * 1000
    return {
        "symbol": symbol,
        "pair": pair,
        "contractType": "CURRENT_QUARTER" if end.isdigit() else "PERPETUAL",
        "deliveryDate": delivery,
        "onboardDate": 1567965300000,
        status_key: "TRADING",
    }


def contracts(recorded: Recorded, _: RequestParams) -> dict[str, object]:
    """Returns the list of every USDⓈ-M contract with recorded brackets."""
    brackets = recorded.document("fapiPrivateGetLeverageBracket")
    return {"timezone": "UTC", "symbols": [contract_row(row["symbol"]) for row in brackets]}


ANSWERS: Mapping[str, Responder] = {
    "fapiPublicGetExchangeInfo": made(contracts),
    "dapiPublicGetExchangeInfo": fixed(
        {"timezone": "UTC", "symbols": [contract_row("BTCUSD_PERP", "contractStatus")]}
    ),
    "dapiPrivateV2GetLeverageBracket": fixed(SAMPLE),
    "dapiPublicGetPremiumIndex": fixed([{"symbol": "BTCUSD_PERP", "markPrice": "60000"}]),
}
