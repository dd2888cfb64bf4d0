"""Gate: contract lists as recorded, and per contract the first tier from its row.

Tiers were not recorded. A contract's row has the bound and the rates of the first tier.
"""

import json
from decimal import Decimal
from typing import Any

from tests.replay import answering
from tests.replay.answering import Recorded, RequestParams, Responder
from venues.exchanges.gate import CONTRACTS, DATED_CONTRACTS, DATED_TIERS, PAGE, TIERS


def _tiers(contracts: str) -> Responder:
    def respond(recorded: Recorded, params: RequestParams) -> bytes | None:
        recording = answering.as_recorded(contracts)(recorded, {"settle": params["settle"]})
        if recording is None:
            return None
        start = int(params["offset"])
        rows = json.loads(recording, parse_float=Decimal)[start : start + PAGE]
        return answering.written([_first_tier(row) for row in rows])

    return respond


def _first_tier(row: Any) -> object:
    return {
        "contract": row["name"],
        "tier": 1,
        "risk_limit": row["risk_limit_base"],
        "initial_rate": str(1 / Decimal(row["leverage_max"])),
        "maintenance_rate": row["maintenance_rate"],
        "leverage_max": row["leverage_max"],
        "deduction": "0",
    }


ANSWERS: dict[str, Responder] = {
    "publicFuturesGetSettleTickers": answering.fixed([]),
    "publicDeliveryGetSettleTickers": answering.fixed([]),
    TIERS: _tiers(CONTRACTS),
    DATED_TIERS: _tiers(DATED_CONTRACTS),
}
