"""Binance: COIN-M brackets from the documentation's sample, because none were recorded."""

from collections.abc import Mapping

from tests.replay.answering import Responder, fixed

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

ANSWERS: Mapping[str, Responder] = {
    "dapiPrivateV2GetLeverageBracket": fixed(SAMPLE),
    "dapiPublicGetPremiumIndex": fixed([{"symbol": "BTCUSD_PERP", "markPrice": "60000"}]),
}
