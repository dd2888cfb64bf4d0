"""Open interest of a venue with an odd row: that row has none, and the others keep theirs."""

import json
from datetime import UTC, datetime

import pytest

from harmonize.core.payload import Call, Origin, Payload, Provenance, Snapshot
from venues import open_interest

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("coin", [None, [], {}, {"name": 5}, "BTC"])
def test_a_coin_without_a_name_hides_no_other_coin(coin: object) -> None:
    assert _contracts({"name": "BTC"}) == ["BTC", "ETH"]
    assert _contracts(coin) == ["ETH"]


def _contracts(first: object) -> list[str]:
    """Contracts with an open interest, where the first coin of two is as given."""
    row = {"openInterest": "10", "markPx": "2"}
    document = [{"universe": [first, {"name": "ETH"}]}, [row, row]]
    provenance = Provenance(Origin.LIVE, "a test", "written today")
    call, content = Call("publicPostInfo"), json.dumps(document).encode()
    payload = Payload.of("hyperliquid", call, NOON, provenance, content)
    snapshot = Snapshot("hyperliquid", NOON, (payload,), complete=True)
    return [interest.id for interest in open_interest.read(snapshot)]
