"""XT: the inverse market in the format of the linear sample, because neither was recorded."""

from collections.abc import Mapping

from tests.replay.answering import Responder, fixed

ANSWERS: Mapping[str, Responder] = {
    "publicInverseGetFutureMarketV1PublicLeverageBracketList": fixed(
        {
            "returnCode": 0,
            "msgInfo": "success",
            "error": None,
            "result": [
                {
                    "symbol": "btc_usd",
                    "leverageBrackets": [
                        {
                            "symbol": "btc_usd",
                            "bracket": 1,
                            "maxNominalValue": "5000",
                            "maintMarginRate": "0.025",
                            "startMarginRate": "0.05",
                            "maxStartMarginRate": None,
                            "maxLeverage": "20",
                            "minLeverage": "1",
                        }
                    ],
                }
            ],
        }
    )
}
