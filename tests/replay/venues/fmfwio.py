"""FMFW.io: one contract in the shape that HitBTC's engine gives, for no recording exists."""

from collections.abc import Mapping

from tests.replay.answering import Answer, fixed

ANSWERS: Mapping[str, Answer] = {
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
