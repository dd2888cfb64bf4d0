"""Coinbase International: the sample response of the API it moved to; older recordings are of another."""

from collections.abc import Mapping

from tests.replay.answering import Answer, fixed

ANSWERS: Mapping[str, Answer] = {
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
