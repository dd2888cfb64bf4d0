"""Pacifica perpetuals: the maximum leverage of each market; MM is half of IM."""

from collections.abc import Iterator
from dataclasses import replace

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import INFINITY, MarginMode, Profile, Tier
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import JsonObject, positive_number, text_value
from venues.parsing import flat_rates, tier_tables

INFO = "publicGetInfo"
LEAST_MAINTENANCE = (
    "half of IM at the maximum leverage, the least: the page states half of IM, and not whether at "
    "the chosen or at the maximum leverage"
)
LEVERAGE = flat_rates.PublishedRate("max_leverage", "leverage")


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads ``IM = N / L`` and ``MM = N / (2 * L)``, L the maximum leverage.

    Source: docs.pacifica.fi, market specifications. The page does not state whether MM is half of IM
    at the chosen or at the maximum leverage; the maximum gives the least.
    """
    return flat_rates.parse_rows(snapshot, facts, INFO, ("data",), _tier_table)


def _tier_table(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
    symbol = text_value(row, "symbol", pointer)
    isolated_only = row.get("isolated_only")
    if not isinstance(isolated_only, bool):
        reason = f"expected true or false, found {isolated_only!r}"
        raise UnreadablePayloadError(where=f"{pointer}/isolated_only", reason=reason)
    instrument = contract("pacifica", symbol, base=symbol, quote="USDC", settle="USDC")
    leverage_table = flat_rates.table_from_leverage(payload, row, pointer, instrument, LEVERAGE)
    leverage = positive_number(row, "max_leverage", pointer)
    yield replace(
        leverage_table,
        profile=Profile(MarginMode.ISOLATED if isolated_only else MarginMode.ANY),
        tiers=(
            Tier(
                INFINITY,
                tier_tables.leverage_to_rate(leverage),
                tier_tables.leverage_to_rate(2 * leverage),
            ),
        ),
        columns=(Column("initial", "/max_leverage", "leverage"),),
        maintenance_steps=(LEAST_MAINTENANCE,),
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
