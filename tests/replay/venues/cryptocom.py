"""Crypto.com: risk parameters from the documentation's sample, because none were recorded."""

from collections.abc import Mapping

from tests.replay.answering import Responder, fixed

ANSWERS: Mapping[str, Responder] = {
    "v1PublicGetPublicGetRiskParameters": fixed(
        {
            "id": -1,
            "method": "public/get-risk-parameters",
            "code": 0,
            "result": {
                "default_max_product_leverage_for_perps": "20.0",
                "default_unit_margin_rate": "0.05",
                "base_currency_config": [
                    {"instrument_name": "AAVE", "unit_margin_rate": "0.007"},
                ],
            },
        }
    )
}
