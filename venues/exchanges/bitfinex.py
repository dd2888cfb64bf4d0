"""Bitfinex derivatives: the least initial and maintenance rates, by place in a list without names."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Defect, Payload, Snapshot, UnreadablePayloadError, decode
from harmonize.core.schedule import MarginMode
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import once
from venues.facts import Facts
from venues.fields import defect, listing
from venues.parsing import flat_rates
from venues.parsing import tier_tables as tiers

CONF = "publicGetConfConfig"
INITIAL, MAINTENANCE = flat_rates.PublishedRate("8"), flat_rates.PublishedRate("9")
_PLACES = 10
_CODES = {"UST": "USDT", "EUT": "EURT"}
RISE = "the least rates; whether they rise with size the payload does not say"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read pairs as ``[name, [… initial at 8, maintenance at 9]]``, as a sample response has them."""
    defects: list[Defect] = []
    found: list[tiers.TierTable] = []
    for payload in snapshot.answers(CONF):
        try:
            pairs = listing(listing(decode(payload), "")[0], "/0")
        except UnreadablePayloadError as error:
            defects.append(defect(payload, error))
            continue
        for index, pair in enumerate(pairs):
            try:
                found += _ladder(payload, pair, f"/0/{index}")
            except UnreadablePayloadError as error:
                defects.append(defect(payload, error, _name(pair)))
    return tiers.parsed(snapshot, found, facts, defects)


def _name(pair: object) -> str:
    return pair[0] if isinstance(pair, list) and pair and isinstance(pair[0], str) else ""


def _ladder(payload: Payload, pair: object, at: str) -> Iterator[tiers.TierTable]:
    name, parts = _name(pair), listing(pair, at)
    base, colon, quote = name.partition(":")
    if not colon or not base.endswith("F0") or not quote.endswith("F0"):
        reason = f"BASEF0:QUOTEF0 was due, was {name!r}"
        raise UnreadablePayloadError(where=f"{at}/0", reason=reason)
    there = f"{at}/1"
    figures = listing(parts[1] if len(parts) > 1 else None, there)
    if len(figures) < _PLACES:
        reason = f"{_PLACES} places were due, were {len(figures)}"
        raise UnreadablePayloadError(where=there, reason=reason)
    row = {str(place): figure for place, figure in enumerate(figures)}
    code = quote.removesuffix("F0")
    settle = _CODES.get(code, code)
    base = base.removesuffix("F0")
    if base.startswith("TEST"):
        return
    listed = contract("bitfinex", name, base=base, quote=settle, settle=settle)
    yield flat_rates.both(
        payload,
        row,
        there,
        listed,
        INITIAL,
        MAINTENANCE,
        mode=MarginMode.ANY,
        unverified=("places 8 and 9 read as initial and maintenance rate", RISE),
        exclusion_reason=RISE,
    )


ADAPTER = VenueAdapter(
    venue="bitfinex",
    title="Bitfinex",
    host="api-pub.bitfinex.com",
    endpoints=(
        Endpoint(
            "publicGetStatusDeriv", "GET /v2/status/deriv", Purpose.PRICES, ask=once(keys="ALL")
        ),
        Endpoint(
            CONF,
            "GET /v2/conf/{config}",
            Purpose.MARGIN,
            ask=once(config="pub:info:pair:futures"),
        ),
    ),
    parse=parse,
)
