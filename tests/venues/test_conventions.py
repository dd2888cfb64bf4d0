"""Venue conventions, and open interest in the recorded payloads."""

import json
from dataclasses import replace
from decimal import Decimal
from itertools import groupby

import pytest

from harmonize.api.audit import Question, read
from harmonize.core.open_interest import newest_by_contract
from harmonize.core.payload import Payload, Snapshot, decode, resolve
from harmonize.core.venue_conventions import OffsetRule
from harmonize.core.yaml_source import YamlSourceError
from venues import conventions, open_interest, registry
from venues.facts import Confidence

READING, _ = read(Question())


def test_every_fact_is_about_a_venue_and_has_a_source() -> None:
    venues = {adapter.venue for adapter in registry.VENUES}
    for venue, convention in conventions.bundled().items():
        assert venue in venues
        assert convention.source
        assert convention.confidence in {kind.value for kind in Confidence}
    assert conventions.bundled()["krakenfutures"].uses_entry_price
    assert conventions.bundled()["okx"].offset_rule is OffsetRule.SUM


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- venue: okx\n", "a.yaml:1:3: expected exactly the keys confidence, opposite"),
        (
            "- {venue: a, opposite: half, valued: null, confidence: sourced, source: b}\n",
            "opposite: expected one of net, larger side, both sides as one, each side alone; found 'half'",
        ),
        (
            "- {venue: a, opposite: net, valued: last, confidence: sourced, source: b}\n",
            "valued: expected mark, entry or null, found 'last'",
        ),
    ],
)
def test_a_malformed_convention_is_refused_with_its_location(text: str, message: str) -> None:
    with pytest.raises(YamlSourceError, match=message.replace("(", r"\(")):
        conventions.parse(text, "a.yaml")


def test_open_interest_has_the_pointer_of_its_amount() -> None:
    payloads = {
        payload.sha256: payload
        for _, snapshot in READING.snapshots
        for payload in snapshot.payloads
    }
    assert len(READING.open_interest) > 300
    for sha256, rows in groupby(READING.open_interest, key=lambda interest: interest.sha256):
        document = decode(payloads[sha256])
        for interest in rows:
            amount = Decimal(str(resolve(document, interest.pointer)))
            assert (amount == 0) == (interest.value == 0)


@pytest.mark.parametrize(
    ("venue", "contract", "value"),
    [
        # amount and price as in the payloads
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
    interest = newest_by_contract(READING.open_interest)[venue, contract]
    assert interest.value == value


def test_a_value_published_with_the_amount_agrees() -> None:
    """Extended publishes coins and USD; BitMEX publishes contracts of a millionth of a coin."""
    interests = newest_by_contract(READING.open_interest)
    coins = Decimal("1491.33012") * Decimal("77006.091897999984")
    assert float(interests["extended", "BTC-USD"].value) == pytest.approx(float(coins), rel=1e-4)
    contracts = Decimal(188494800) / 10**6 * Decimal("77144.75")
    assert float(interests["bitmex", "XBTUSDT"].value) == pytest.approx(float(contracts), rel=1e-4)


def altered(venue: str, content: bytes) -> Snapshot:
    snapshot = next(entry for _, entry in READING.snapshots if entry.venue == venue)
    changed = tuple(
        Payload.of(venue, payload.call, payload.observed_at, payload.provenance, content)
        for payload in snapshot.payloads
    )
    return replace(snapshot, payloads=changed)


@pytest.mark.parametrize("venue", ["dydx", "hyperliquid", "kucoin", "bitmex", "krakenfutures"])
@pytest.mark.parametrize(
    "content", [b'{"no": 1}', b"[]", b"null", b"{", b'{"markets": []}', b"[1, 2]"]
)
def test_a_payload_of_another_structure_carries_no_open_interest(
    venue: str, content: bytes
) -> None:
    assert open_interest.read(altered(venue, content)) == ()


def test_an_unreadable_row_does_not_affect_the_others() -> None:
    rows = [
        {"symbol": "A", "openInterest": None, "multiplier": 1, "isInverse": False, "markPrice": 2},
        {"symbol": None, "openInterest": 1, "multiplier": 1, "isInverse": False, "markPrice": 2},
        None,
        {"symbol": "B", "openInterest": 1e300, "multiplier": 1, "isInverse": False, "markPrice": 2},
        {"symbol": "C", "openInterest": 3, "multiplier": -1, "isInverse": True, "markPrice": 2},
    ]
    (interest,) = open_interest.read(altered("kucoin", json.dumps({"data": rows}).encode()))
    assert (interest.id, interest.value, interest.pointer) == (
        "C",
        Decimal(3),
        "/data/4/openInterest",
    )
    huge = b'{"markets": {"A": {"ticker": "A", "openInterest": "1E+999999", "oraclePrice": "1E+999999"}}}'
    assert open_interest.read(altered("dydx", huge)) == ()
    contexts = b'[{"universe": [{"name": "A"}, {"name": "B"}]}, [null, {"openInterest": "2", "markPx": "3"}]]'
    (other,) = open_interest.read(altered("hyperliquid", contexts))
    assert (other.id, other.value, other.pointer) == ("B", Decimal(6), "/1/1/openInterest")
