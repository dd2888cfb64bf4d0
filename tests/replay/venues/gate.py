"""Gate: contract lists as recorded, and of each contract the one tier that its row carries.

The tiers themselves were not recorded. A contract's row has the bound and the rates of the first.
"""

import json
from decimal import Decimal
from typing import Any

from tests.replay import answering
from tests.replay.answering import Answer, Asked, Recorded
from venues.exchanges.gate import CONTRACTS, DATED_CONTRACTS, DATED_TIERS, PAGE, TIERS


def _tiers(contracts: str) -> Answer:
    def answer(recorded: Recorded, asked: Asked) -> bytes | None:
        listed = answering.as_recorded(contracts)(recorded, {"settle": asked["settle"]})
        if listed is None:
            return None
        start = int(asked["offset"])
        rows = json.loads(listed, parse_float=Decimal)[start : start + PAGE]
        return answering.written([_first(one) for one in rows])

    return answer


def _first(row: Any) -> object:
    return {
        "contract": row["name"],
        "tier": 1,
        "risk_limit": row["risk_limit_base"],
        "initial_rate": str(1 / Decimal(row["leverage_max"])),
        "maintenance_rate": row["maintenance_rate"],
        "leverage_max": row["leverage_max"],
        "deduction": "0",
    }


ANSWERS: dict[str, Answer] = {
    "publicFuturesGetSettleTickers": answering.fixed([]),
    "publicDeliveryGetSettleTickers": answering.fixed([]),
    TIERS: _tiers(CONTRACTS),
    DATED_TIERS: _tiers(DATED_CONTRACTS),
}
