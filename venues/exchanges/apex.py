"""ApeX Omni perpetuals: position-value tiers with initial and maintenance rates."""

from collections.abc import Iterator
from decimal import Decimal

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import Derived, MarginMode, Profile, Tier
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import (
    JsonObject,
    json_array,
    json_object,
    number,
    rate,
    text_value,
    upper_bound,
)
from venues.parsing import flat_rates, tier_tables
from venues.parsing.listing import has_ended
from venues.parsing.units import currency_to_usd

SYMBOLS = "publicGetV3Symbols"
_STEPS = "riskLimitConfig"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads the tiers of every contract that trades.

    A tier begins at its ``positionSteps`` entry and ends where the next tier begins. The last tier
    ends at ``maxPositionValue``. The older fields (a baseline and increments) describe a different
    tier table and are ignored. The contract size that ccxt reports is the minimum order size.
    """
    keys = ("data", "contractConfig", "perpetualContract")
    return flat_rates.parse_rows(snapshot, facts, SYMBOLS, keys, _tier_table)


def _tier_table(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
    if row.get("enableTrade") is not True or has_ended(payload, row, "settleTimeStamp", pointer):
        return
    base, settle = (
        text_value(row, "baseTokenId", pointer),
        text_value(row, "settleAssetId", pointer),
    )
    instrument = contract(
        "apex", text_value(row, "symbol", pointer), base=base, quote=settle, settle=settle
    )
    steps_pointer = f"{pointer}/{_STEPS}"
    steps = json_object(row.get(_STEPS), steps_pointer)
    lowers = _column(steps, "positionSteps", steps_pointer)
    initial_rates = _column(steps, "imrSteps", steps_pointer)
    maintenance_rates = _column(steps, "mmrSteps", steps_pointer)
    if not len(lowers) == len(initial_rates) == len(maintenance_rates):
        reason = f"expected lists of equal length, found {len(lowers)}, {len(initial_rates)} and {len(maintenance_rates)}"
        raise UnreadablePayloadError(where=steps_pointer, reason=reason)
    max_position = upper_bound(row, "maxPositionValue", pointer, open_ended_if_missing=True)
    uppers = tier_tables.upper_bounds(lowers, max(max_position, lowers[-1] + 1))
    yield tier_tables.TierTable(
        payload=payload,
        instrument=instrument,
        profile=Profile(MarginMode.CROSS),
        tiers=tuple(
            Tier(upper, initial_rate, maintenance_rate, lower)
            for upper, lower, initial_rate, maintenance_rate in zip(
                uppers, lowers, initial_rates, maintenance_rates, strict=True
            )
        ),
        rows=(steps_pointer,),
        columns=(
            Column("lower bounds", "/positionSteps", "settlement currency"),
            Column("initial rates", "/imrSteps", "rate"),
            Column("maintenance rates", "/mmrSteps", "rate"),
        ),
        usd=currency_to_usd(instrument, settle),
        capacity=Derived(max_position, "maxPositionValue read as the largest position"),
    )


def _column(steps: JsonObject, key: str, pointer: str) -> list[Decimal]:
    list_pointer = f"{pointer}/{key}"
    values = json_array(steps.get(key), list_pointer)
    read = number if key == "positionSteps" else rate
    return [
        read({str(index): value}, str(index), list_pointer) for index, value in enumerate(values)
    ]


ADAPTER = VenueAdapter(
    venue="apex",
    title="ApeX Omni",
    host="omni.apex.exchange",
    endpoints=(
        Endpoint(
            "publicGetV3DataAllTickerInfo", "GET /api/v3/data/all-ticker-info", Purpose.PRICES
        ),
        Endpoint(SYMBOLS, "GET /api/v3/symbols", Purpose.MARGIN),
    ),
    parse=parse,
)
