"""Extended perpetuals: initial rates per tier of position value; no maintenance margin."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Payload, Snapshot
from harmonize.core.schedule import Known, MarginMode, Profile, Tier
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import JsonObject, iter_objects, json_object, rate, text_value, upper_bound
from venues.parsing import flat_rates, tier_tables
from venues.parsing.units import currency_to_usd

MARKETS = "v1PublicGetInfoMarkets"
_TIERS = "riskFactorConfig"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads every active market. A tier's risk factor is its IM rate on the whole position."""
    return flat_rates.parse_rows(snapshot, facts, MARKETS, ("data",), _tier_table, "name")


def _tier_table(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
    if text_value(row, "status", pointer) != "ACTIVE" or row.get("active") is False:
        return
    name, base = text_value(row, "name", pointer), text_value(row, "assetName", pointer)
    quote = text_value(row, "collateralAssetName", pointer)
    instrument = contract("extended", name, base=base, quote=quote, settle=quote)
    config_pointer = f"{pointer}/tradingConfig"
    config = json_object(row.get("tradingConfig"), config_pointer)
    pointers, tiers = [], []
    for tier_pointer, tier in iter_objects(config.get(_TIERS), f"{config_pointer}/{_TIERS}"):
        if tier.get("isAvailableForUsers", True) is not True:
            continue
        pointers.append(tier_pointer)
        tiers.append(
            Tier(
                upper_bound(tier, "upperBound", tier_pointer),
                rate(tier, "riskFactor", tier_pointer),
                None,
            )
        )
    yield tier_tables.TierTable(
        payload=payload,
        instrument=instrument,
        profile=Profile(MarginMode.CROSS),
        tiers=tuple(tiers),
        rows=tuple(pointers),
        columns=(
            Column("upper", "/upperBound", "collateral currency"),
            Column("initial", "/riskFactor", "rate"),
        ),
        usd=currency_to_usd(instrument, quote),
        capacity=Known(
            upper_bound(config, "maxPositionValue", config_pointer, open_ended_if_missing=True)
        ),
        no_maintenance=flat_rates.NO_MAINTENANCE,
    )


ADAPTER = VenueAdapter(
    venue="extended",
    title="Extended",
    host="api.starknet.extended.exchange",
    endpoints=(Endpoint(MARKETS, "GET /api/v1/info/markets", Purpose.MARGIN),),
    parse=parse,
)
