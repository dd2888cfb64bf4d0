"""Poloniex: tiers by the fields of the documentation, for no recording of them exists."""

from collections.abc import Mapping

from tests.replay.answering import Answer, Asked, Recorded, fixed, made

SIZES = ((0, 10000, "75", "0.006"), (10000, 50000, "50", "0.01"))


def tiers(_: Recorded, asked: Asked) -> object:
    rows = [
        {
            "symbol": asked["symbol"],
            "mgnMode": mode,
            "tier": number,
            "minSize": str(least),
            "maxSize": str(most),
            "maxLever": leverage,
            "mMRatio": ratio,
        }
        for mode in ("CROSS", "ISOLATED")
        for number, (least, most, leverage, ratio) in enumerate(SIZES, start=1)
    ]
    return {"code": 200, "msg": "Success", "data": rows}


ANSWERS: Mapping[str, Answer] = {
    "swapPublicGetV3MarketTickers": fixed(
        {"code": 200, "data": [{"symbol": "BTC_USDT_PERP", "mPx": "60000"}]}
    ),
    "swapPublicGetV3MarketRiskLimit": made(tiers),
}
