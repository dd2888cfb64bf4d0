"""Pacifica perpetuals: the largest leverage of each market; MM is half of IM, as far as known."""

from collections.abc import Iterator
from dataclasses import replace

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import INFINITY, MarginMode, Profile, Tier
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, positive, word
from venues.parsing import flat_rates, tier_tables

INFO = "publicGetInfo"
LEVERAGE = flat_rates.PublishedRate("max_leverage", "leverage")


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """``IM = N / L`` and ``MM = N / (2 * L)``, L the largest leverage; the half is unverified."""
    return flat_rates.parsed(snapshot, facts, INFO, ("data",), _ladder)


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[tier_tables.TierTable]:
    symbol = word(row, "symbol", at)
    alone = row.get("isolated_only")
    if not isinstance(alone, bool):
        reason = f"true or false was due, was {alone!r}"
        raise UnreadablePayloadError(where=f"{at}/isolated_only", reason=reason)
    listed = contract("pacifica", symbol, base=symbol, quote="USDC", settle="USDC")
    least = flat_rates.only_leverage(payload, row, at, listed, LEVERAGE)
    leverage = positive(row, "max_leverage", at)
    yield replace(
        least,
        profile=Profile(MarginMode.ISOLATED if alone else MarginMode.ANY),
        tiers=(Tier(INFINITY, tier_tables.inverse(leverage), tier_tables.inverse(2 * leverage)),),
        columns=(Column("initial", "/max_leverage", "leverage"),),
        unverified=("MM read as half of IM at the largest leverage",),
        no_maintenance="",
        exclusion_reason="",
        notes=(),
    )


ADAPTER = VenueAdapter(
    venue="pacifica",
    title="Pacifica",
    host="api.pacifica.fi",
    endpoints=(
        Endpoint("publicGetInfoPrices", "GET /api/v1/info/prices", Purpose.PRICES),
        Endpoint(INFO, "GET /api/v1/info", Purpose.MARGIN),
    ),
    parse=parse,
)
