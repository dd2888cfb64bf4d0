"""ApeX Omni perpetuals: steps of position value, each with its initial and maintenance rate."""

from collections.abc import Iterator
from decimal import Decimal

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import Derived, MarginMode, Profile, Tier
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, listing, mapping, number, positive, rate, word
from venues.parsing import flat_rates, tier_tables
from venues.parsing.units import currency

SYMBOLS = "publicGetV3Symbols"
_STEPS = "riskLimitConfig"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read the steps of every contract that trades.

    A step begins at its position and ends where the next begins, the last at the largest position
    value. The older fields beside it (a baseline and increments) give another ladder; ccxt's
    contract size is the least order and no contract size.
    """
    keys = ("data", "contractConfig", "perpetualContract")
    return flat_rates.parsed(snapshot, facts, SYMBOLS, keys, _ladder)


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[tier_tables.TierTable]:
    if row.get("enableTrade") is not True:
        return
    base, settle = word(row, "baseTokenId", at), word(row, "settleAssetId", at)
    listed = contract("apex", word(row, "symbol", at), base=base, quote=settle, settle=settle)
    there = f"{at}/{_STEPS}"
    steps = mapping(row.get(_STEPS), there)
    lowers = _column(steps, "positionSteps", there)
    initial, maintenance = _column(steps, "imrSteps", there), _column(steps, "mmrSteps", there)
    if not len(lowers) == len(initial) == len(maintenance):
        reason = f"lists of {len(lowers)}, {len(initial)} and {len(maintenance)} do not match"
        raise UnreadablePayloadError(where=there, reason=reason)
    largest = positive(row, "maxPositionValue", at)
    uppers = tier_tables.open_ended(lowers, max(largest, lowers[-1] + 1))
    yield tier_tables.TierTable(
        payload=payload,
        instrument=listed,
        profile=Profile(MarginMode.CROSS),
        tiers=tuple(
            Tier(upper, first, second, lower)
            for upper, lower, first, second in zip(
                uppers, lowers, initial, maintenance, strict=True
            )
        ),
        rows=(there,),
        columns=(
            Column("lower bounds", "/positionSteps", "settlement currency"),
            Column("initial rates", "/imrSteps", "rate"),
            Column("maintenance rates", "/mmrSteps", "rate"),
        ),
        usd=currency(listed, settle),
        capacity=Derived(largest, "maxPositionValue read as the largest position"),
    )


def _column(steps: Row, key: str, at: str) -> list[Decimal]:
    there = f"{at}/{key}"
    values = listing(steps.get(key), there)
    read = number if key == "positionSteps" else rate
    return [read({str(index): one}, str(index), there) for index, one in enumerate(values)]


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
