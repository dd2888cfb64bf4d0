"""FMFW.io: one contract in the format of HitBTC's engine, because none was recorded."""

from collections.abc import Mapping

from tests.replay.answering import Responder, fixed

ANSWERS: Mapping[str, Responder] = {
    "publicGetPublicSymbol": fixed(
        {
            "BTCUSDT_PERP": {
                "type": "futures",
                "contract_type": "perpetual",
                "expiry": None,
                "underlying": "BTC",
                "base_currency": None,
                "quote_currency": "USDT",
                "status": "working",
                "max_initial_leverage": "100.00",
            }
        }
    )
}
