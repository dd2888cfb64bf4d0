"""Binance: COIN-M brackets by the documentation's sample, for no recording of them exists."""

from collections.abc import Mapping

from tests.replay.answering import Answer, fixed

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

ANSWERS: Mapping[str, Answer] = {
    "dapiPrivateV2GetLeverageBracket": fixed(SAMPLE),
    "dapiPublicGetPremiumIndex": fixed([{"symbol": "BTCUSD_PERP", "markPrice": "60000"}]),
}
