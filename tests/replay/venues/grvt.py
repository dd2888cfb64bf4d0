"""GRVT: risk brackets with the fields of the API specification, because none were recorded."""

from collections.abc import Mapping

from tests.replay.answering import Responder, fixed

ANSWERS: Mapping[str, Responder] = {
    "publicMarketPostFullV1AllInstruments": fixed(
        {"result": [{"instrument": "BTC_USDT_Perp", "kind": "PERPETUAL"}]}
    ),
    "publicMarketPostFullV1MarginRules": fixed(
        {
            "instrument": "BTC_USDT_Perp",
            "max_position_size": "1000.0",
            "risk_brackets": [
                {
                    "tier": 1,
                    "notional_floor": "0.0",
                    "notional_cap": "600000.0",
                    "maintenance_margin_rate": "0.01",
                    "initial_margin_rate": "0.02",
                    "max_leverage": "50",
                    "cumulative_maintenance_amount": "0.0",
                },
                {
                    "tier": 2,
                    "notional_floor": "600000.0",
                    "notional_cap": "1600000.0",
                    "maintenance_margin_rate": "0.02",
                    "initial_margin_rate": "0.04",
                    "max_leverage": "25",
                    "cumulative_maintenance_amount": "6000.0",
                },
            ],
        }
    ),
}
