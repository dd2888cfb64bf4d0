"""Facts on opposite positions, and open interest in the recorded payloads."""

import json
from dataclasses import replace
from decimal import Decimal
from itertools import groupby

import pytest

from harmonize.api.audit import Question, read
from harmonize.core.open_interest import by_contract
from harmonize.core.payload import Payload, Snapshot, decode, resolve
from harmonize.core.venue_conventions import OffsetRule
from harmonize.core.yaml_source import WrittenError
from venues import conventions, open_interest, registry
from venues.facts import Confidence

READING, _ = read(Question())


def test_every_fact_is_about_a_venue_and_has_a_source() -> None:
    known = {one.venue for one in registry.VENUES}
    for venue, one in conventions.bundled().items():
        assert venue in known
        assert one.source
        assert one.confidence in {kind.value for kind in Confidence}
    assert conventions.bundled()["krakenfutures"].at_entry
    assert conventions.bundled()["okx"].opposite is OffsetRule.SUM


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- venue: okx\n", "a.yaml:1:3: a fact has exactly the keys confidence, opposite"),
        (
            "- {venue: a, opposite: half, valued: null, confidence: sourced, source: b}\n",
            "'half' is not a valid Opposite",
        ),
        (
            "- {venue: a, opposite: net, valued: last, confidence: sourced, source: b}\n",
            "valued is mark, entry or null",
        ),
    ],
)
def test_a_fact_that_is_none_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(WrittenError, match=said.replace("(", r"\(")):
        conventions.parse(text, "a.yaml")


def test_open_interest_stands_where_it_says() -> None:
    payloads = {
        payload.sha256: payload
        for _, snapshot in READING.snapshots
        for payload in snapshot.payloads
    }
    assert len(READING.interests) > 300
    for sha256, rows in groupby(READING.interests, key=lambda one: one.sha256):
        document = decode(payloads[sha256])
        for one in rows:
            amount = Decimal(str(resolve(document, one.pointer)))
            assert (amount == 0) == (one.value == 0)


@pytest.mark.parametrize(
    ("venue", "contract", "value"),
    [
        # amount and price as they stand in the payloads
        ("dydx", "1INCH-USD", Decimal(2260) * Decimal("0.3702664858")),
        ("hyperliquid", "BTC", Decimal("29533.7465200001") * Decimal("108174.0")),
        ("krakenfutures", "PI_XBTUSD", Decimal(3441100)),
        ("kucoin", "XBTUSDTM", Decimal(20308707) * Decimal("0.001") * Decimal("80689.98")),
        ("bitmart", "BTCUSDT", Decimal("146336048.47678677")),
        ("bitmex", "XBTUSDT", Decimal("14541384.2223")),
        ("extended", "BTC-USD", Decimal("114851569.088316")),
    ],
)
def test_open_interest_in_dollars(venue: str, contract: str, value: Decimal) -> None:
    found = by_contract(READING.interests)[venue, contract]
    assert found.value == value


def test_a_value_beside_the_amount_agrees() -> None:
    """Extended prints coins and dollars; BitMEX contracts of a millionth of a coin."""
    found = by_contract(READING.interests)
    coins = Decimal("1491.33012") * Decimal("77006.091897999984")
    assert float(found["extended", "BTC-USD"].value) == pytest.approx(float(coins), rel=1e-4)
    contracts = Decimal(188494800) / 10**6 * Decimal("77144.75")
    assert float(found["bitmex", "XBTUSDT"].value) == pytest.approx(float(contracts), rel=1e-4)


def altered(venue: str, content: bytes) -> Snapshot:
    snapshot = next(one for _, one in READING.snapshots if one.venue == venue)
    changed = tuple(
        Payload.of(venue, one.call, one.observed_at, one.provenance, content)
        for one in snapshot.payloads
    )
    return replace(snapshot, payloads=changed)


@pytest.mark.parametrize("venue", ["dydx", "hyperliquid", "kucoin", "bitmex", "krakenfutures"])
@pytest.mark.parametrize(
    "content", [b'{"no": 1}', b"[]", b"null", b"{", b'{"markets": []}', b"[1, 2]"]
)
def test_a_payload_of_another_shape_carries_no_open_interest(venue: str, content: bytes) -> None:
    assert open_interest.read(altered(venue, content)) == ()


def test_a_row_that_cannot_be_read_leaves_the_others() -> None:
    rows = [
        {"symbol": "A", "openInterest": None, "multiplier": 1, "isInverse": False, "markPrice": 2},
        {"symbol": None, "openInterest": 1, "multiplier": 1, "isInverse": False, "markPrice": 2},
        None,
        {"symbol": "B", "openInterest": 1e300, "multiplier": 1, "isInverse": False, "markPrice": 2},
        {"symbol": "C", "openInterest": 3, "multiplier": -1, "isInverse": True, "markPrice": 2},
    ]
    (found,) = open_interest.read(altered("kucoin", json.dumps({"data": rows}).encode()))
    assert (found.id, found.value, found.pointer) == ("C", Decimal(3), "/data/4/openInterest")
    huge = b'{"markets": {"A": {"ticker": "A", "openInterest": "1E+999999", "oraclePrice": "1E+999999"}}}'
    assert open_interest.read(altered("dydx", huge)) == ()
    contexts = b'[{"universe": [{"name": "A"}, {"name": "B"}]}, [null, {"openInterest": "2", "markPx": "3"}]]'
    (other,) = open_interest.read(altered("hyperliquid", contexts))
    assert (other.id, other.value, other.pointer) == ("B", Decimal(6), "/1/1/openInterest")
