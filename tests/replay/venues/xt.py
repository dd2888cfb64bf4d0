"""XT: the inverse market by the shape of the linear sample, for neither was recorded."""

from collections.abc import Mapping

from tests.replay.answering import Answer, fixed

ANSWERS: Mapping[str, Answer] = {
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
