"""WhiteBIT futures: collateral brackets, the position value available at each leverage."""

from collections.abc import Iterator
from decimal import Decimal

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import MarginMode, Profile, Tier
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import JsonObject, json_object, text_value, upper_bound
from venues.parsing import flat_rates, tier_tables
from venues.parsing.units import currency_to_usd

FUTURES = "v4PublicGetFutures"
MAINTENANCE_UP_TO_10X = Decimal("0.03")
"""Stated for leverage of 1 to 10. Source: whitebit-exchange docs, concepts/liquidation."""

NO_MAINTENANCE_ABOVE_10X = (
    "the venue states a maintenance margin of 3 % for leverage of 1 to 10, and none above"
)


_RATED_LEVERAGE = Decimal(10)


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads every contract. Initial margin is marginal; MM is known up to a leverage of 10.

    Bracket amounts are position value in the quote currency (whitebit-exchange docs).

    A leverage with an amount of 0 is not offered.
    """
    return flat_rates.parse_rows(snapshot, facts, FUTURES, ("result",), _tier_table, "ticker_id")


def _tier_table(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
    base, quote = (
        text_value(row, "stock_currency", pointer),
        text_value(row, "money_currency", pointer),
    )
    instrument = contract(
        "whitebit", text_value(row, "ticker_id", pointer), base=base, quote=quote, settle=quote
    )
    brackets_pointer = f"{pointer}/brackets"
    brackets = json_object(row.get("brackets"), brackets_pointer)
    by_leverage = [(_leverage(key, brackets_pointer), key) for key in brackets]
    offered = [
        (leverage, key)
        for leverage, key in sorted(by_leverage, reverse=True)
        if not _is_zero(brackets[key])
    ]
    has_rate = all(leverage <= _RATED_LEVERAGE for leverage, _ in offered)
    tiers = tuple(
        Tier(
            upper_bound(brackets, key, brackets_pointer),
            tier_tables.leverage_to_rate(leverage),
            MAINTENANCE_UP_TO_10X if has_rate else None,
        )
        for leverage, key in offered
    )
    yield tier_tables.TierTable(
        payload=payload,
        instrument=instrument,
        profile=Profile(MarginMode.CROSS),
        tiers=tiers,
        rows=(brackets_pointer,),
        columns=tuple(
            Column(f"upper at {leverage:f}x", f"/{key}", "quote currency")
            for leverage, key in sorted(by_leverage, reverse=True)
        ),
        usd=currency_to_usd(instrument, quote),
        no_maintenance="" if has_rate else NO_MAINTENANCE_ABOVE_10X,
    )


def _is_zero(amount: object) -> bool:
    """Whether an amount states that its leverage is not offered."""
    return str(amount).strip("0").strip(".") == "" and amount not in (None, "")


def _leverage(key: str, pointer: str) -> Decimal:
    if not (key.isascii() and key.isdecimal() and int(key)):
        reason = f"expected a leverage, found {key!r}"
        raise UnreadablePayloadError(where=f"{pointer}/{key}", reason=reason)
    return Decimal(key)


ADAPTER = VenueAdapter(
    venue="whitebit",
    title="WhiteBIT",
    host="whitebit.com",
    endpoints=(Endpoint(FUTURES, "GET /api/v4/public/futures", Purpose.MARGIN),),
    parse=parse,
)
