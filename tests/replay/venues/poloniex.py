"""Poloniex: tiers with the fields of the documentation, because none were recorded."""

from collections.abc import Mapping

from tests.replay.answering import Recorded, RequestParams, Responder, fixed, made

SIZES = ((0, 10000, "75", "0.006"), (10000, 50000, "50", "0.01"))


def tiers(_: Recorded, params: RequestParams) -> object:
    rows = [
        {
            "symbol": params["symbol"],
            "mgnMode": mode,
            "tier": number,
            "minSize": str(lower),
            "maxSize": str(upper),
            "maxLever": leverage,
            "mMRatio": ratio,
        }
        for mode in ("CROSS", "ISOLATED")
        for number, (lower, upper, leverage, ratio) in enumerate(SIZES, start=1)
    ]
    return {"code": 200, "msg": "Success", "data": rows}


ANSWERS: Mapping[str, Responder] = {
    "swapPublicGetV3MarketTickers": fixed(
        {"code": 200, "data": [{"symbol": "BTC_USDT_PERP", "mPx": "60000"}]}
    ),
    "swapPublicGetV3MarketRiskLimit": made(tiers),
}
