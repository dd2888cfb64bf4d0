"""Coinbase International: the sample response of its current API; older recordings are of another API."""

from collections.abc import Mapping

from tests.replay.answering import Responder, fixed

ANSWERS: Mapping[str, Responder] = {
    "publicGetGetInstruments": fixed(
        {
            "jsonrpc": "2.0",
            "result": [
                {
                    "settlement_currency": "USDC",
                    "state": "open",
                    "base_currency": "AAVE",
                    "kind": "future",
                    "is_active": True,
                    "instrument_type": "linear",
                    "expiration_timestamp": 32503708800000,
                    "max_leverage": 50,
                    "counter_currency": "USDC",
                    "settlement_period": "perpetual",
                    "product_group": "TIER_3",
                    "contract_size": 0.01,
                    "quote_currency": "USDC",
                    "instrument_name": "AAVE_USDC-PERPETUAL",
                    "max_non_default_leverage": 5.0,
                }
            ],
        }
    )
}
