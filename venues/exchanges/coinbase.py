"""Coinbase futures: initial rates by time of day and side, or the largest leverage; no maintenance."""

from collections.abc import Iterator

from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import Column, Payload, Snapshot
from harmonize.core.schedule import INFINITY, MarginMode, Profile, Tier
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import once
from venues.facts import Facts
from venues.fields import Row, iso_day, mapping, rate, word
from venues.parsing import flat_rates, tier_tables
from venues.parsing.units import currency

PRODUCTS = "v3PublicGetBrokerageMarketProducts"
LEVERAGE = flat_rates.PublishedRate("max_leverage", "leverage")
_TIMES = (("intraday", "intraday_margin_rate"), ("overnight", "overnight_margin_rate"))
_SIDES = (("long", "long_margin_rate"), ("short", "short_margin_rate"))


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read futures of the US exchange by time and side, perpetuals abroad by largest leverage."""
    return flat_rates.parsed(snapshot, facts, PRODUCTS, ("products",), _ladders, "product_id")


def _ladders(payload: Payload, row: Row, at: str) -> Iterator[tier_tables.TierTable]:
    if word(row, "product_type", at) != "FUTURE" or row.get("is_disabled") is True:
        return
    there = f"{at}/future_product_details"
    details = mapping(row.get("future_product_details"), there)
    listed = _instrument(row, at, details, there)
    if details.get("intraday_margin_rate") is not None:
        yield from _by_time_and_side(payload, listed, details, there)
        return
    perpetual = f"{there}/perpetual_details"
    limits = mapping(details.get("perpetual_details"), perpetual)
    yield flat_rates.only_leverage(payload, limits, perpetual, listed, LEVERAGE)


def _by_time_and_side(
    payload: Payload, listed: Instrument, details: Row, at: str
) -> Iterator[tier_tables.TierTable]:
    for time, key in _TIMES:
        rates = mapping(details.get(key), f"{at}/{key}")
        for side, name in _SIDES:
            yield tier_tables.TierTable(
                payload=payload,
                instrument=listed,
                profile=Profile(MarginMode.CROSS, time, side),
                tiers=(Tier(INFINITY, rate(rates, name, f"{at}/{key}"), None),),
                rows=(f"{at}/{key}",),
                columns=(Column("initial", f"/{name}", "rate"),),
                usd=currency(listed, "USD"),
                no_maintenance=flat_rates.NO_MAINTENANCE,
            )


def _instrument(row: Row, at: str, details: Row, there: str) -> Instrument:
    id_, base = word(row, "product_id", at), word(details, "contract_root_unit", there)
    quote = word(row, "quote_currency_id", at)
    expiry = (
        iso_day(details, "contract_expiry", there)
        if details.get("contract_expiry") is not None
        else None
    )
    return contract("coinbase", id_, base=base, quote=quote, settle=quote, expiry=expiry)


ADAPTER = VenueAdapter(
    venue="coinbase",
    title="Coinbase",
    host="api.coinbase.com",
    endpoints=(
        Endpoint(
            PRODUCTS,
            "GET /api/v3/brokerage/market/products",
            Purpose.MARGIN,
            ask=once(product_type="FUTURE"),
        ),
    ),
    parse=parse,
)
