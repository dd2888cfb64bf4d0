"""WhiteBIT futures: collateral brackets, how much position value each leverage reaches."""

from collections.abc import Iterator
from decimal import Decimal

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import MarginMode, Profile, Tier
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, mapping, number, word
from venues.parsing import flat_rates, tier_tables
from venues.parsing.units import currency

FUTURES = "v4PublicGetFutures"
AMOUNTS = "amounts of the brackets read as position value in the quote currency"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every contract. Initial margin is asked slice by slice; maintenance is not published.

    A leverage without an amount (0) is not offered.
    """
    return flat_rates.parsed(snapshot, facts, FUTURES, ("result",), _ladder, "ticker_id")


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[tier_tables.TierTable]:
    base, quote = word(row, "stock_currency", at), word(row, "money_currency", at)
    listed = contract("whitebit", word(row, "ticker_id", at), base=base, quote=quote, settle=quote)
    there = f"{at}/brackets"
    brackets = mapping(row.get("brackets"), there)
    by_leverage = [(_leverage(key, there), key) for key in brackets]
    tiers = tuple(
        Tier(number(brackets, key, there), tier_tables.inverse(leverage), None)
        for leverage, key in sorted(by_leverage, reverse=True)
        if number(brackets, key, there)
    )
    yield tier_tables.TierTable(
        payload=payload,
        instrument=listed,
        profile=Profile(MarginMode.CROSS),
        tiers=tiers,
        rows=(there,),
        columns=tuple(
            Column(f"upper at {leverage:f}x", f"/{key}", "quote currency")
            for leverage, key in sorted(by_leverage, reverse=True)
        ),
        usd=currency(listed, quote),
        unverified=(AMOUNTS,),
        no_maintenance=flat_rates.NO_MAINTENANCE,
    )


def _leverage(key: str, at: str) -> Decimal:
    if not (key.isascii() and key.isdecimal() and int(key)):
        reason = f"a leverage was due, was {key!r}"
        raise UnreadablePayloadError(where=f"{at}/{key}", reason=reason)
    return Decimal(key)


ADAPTER = VenueAdapter(
    venue="whitebit",
    title="WhiteBIT",
    host="whitebit.com",
    endpoints=(Endpoint(FUTURES, "GET /api/v4/public/futures", Purpose.MARGIN),),
    parse=parse,
)
