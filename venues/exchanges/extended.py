"""Extended perpetuals: initial margin by tiers of position value; maintenance is not published."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Payload, Snapshot
from harmonize.core.schedule import Known, MarginMode, Profile, Tier
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, mapping, positive, rate, rows, word
from venues.parsing import flat_rates, tier_tables
from venues.parsing.units import currency

MARKETS = "v1PublicGetInfoMarkets"
_TIERS = "riskFactorConfig"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every active market: the tier's risk factor is its IM rate, on the whole position."""
    return flat_rates.parsed(snapshot, facts, MARKETS, ("data",), _ladder, "name")


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[tier_tables.TierTable]:
    if word(row, "status", at) != "ACTIVE":
        return
    name, base = word(row, "name", at), word(row, "assetName", at)
    quote = word(row, "collateralAssetName", at)
    listed = contract("extended", name, base=base, quote=quote, settle=quote)
    there = f"{at}/tradingConfig"
    config = mapping(row.get("tradingConfig"), there)
    pointers, tiers = [], []
    for pointer, tier in rows(config.get(_TIERS), f"{there}/{_TIERS}"):
        if tier.get("isAvailableForUsers") is not True:
            continue
        pointers.append(pointer)
        tiers.append(
            Tier(positive(tier, "upperBound", pointer), rate(tier, "riskFactor", pointer), None)
        )
    yield tier_tables.TierTable(
        payload=payload,
        instrument=listed,
        profile=Profile(MarginMode.CROSS),
        tiers=tuple(tiers),
        rows=tuple(pointers),
        columns=(
            Column("upper", "/upperBound", "collateral currency"),
            Column("initial", "/riskFactor", "rate"),
        ),
        usd=currency(listed, quote),
        capacity=Known(positive(config, "maxPositionValue", there)),
        no_maintenance=flat_rates.NO_MAINTENANCE,
    )


ADAPTER = VenueAdapter(
    venue="extended",
    title="Extended",
    host="api.starknet.extended.exchange",
    endpoints=(Endpoint(MARKETS, "GET /api/v1/info/markets", Purpose.MARGIN),),
    parse=parse,
)
