"""Coinbase futures: initial rates by time of day and side, or maximum leverage; no maintenance margin."""

from collections.abc import Iterator

from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import Column, Payload, Snapshot
from harmonize.core.schedule import INFINITY, MarginMode, Profile, Tier
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import single_call
from venues.facts import Facts
from venues.fields import JsonObject, iso_date, json_object, rate, text_value
from venues.parsing import flat_rates, tier_tables
from venues.parsing.listing import has_ended_on, states_closure
from venues.parsing.units import currency_to_usd

PRODUCTS = "v3PublicGetBrokerageMarketProducts"
LEVERAGE = flat_rates.PublishedRate("max_leverage", "leverage")
_TIMES = (("intraday", "intraday_margin_rate"), ("overnight", "overnight_margin_rate"))
_SIDES = (("long", "long_margin_rate"), ("short", "short_margin_rate"))


_NOT_TRADING = ("is_disabled", "trading_disabled", "view_only", "cancel_only")
"""Flags of a product whose orders are not taken."""


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads US futures by time and side, and international perpetuals by maximum leverage."""
    return flat_rates.parse_rows(
        snapshot, facts, PRODUCTS, ("products",), _tier_tables, "product_id"
    )


def _tier_tables(
    payload: Payload, row: JsonObject, pointer: str
) -> Iterator[tier_tables.TierTable]:
    if text_value(row, "product_type", pointer) != "FUTURE":
        return
    if any(row.get(flag) is True for flag in _NOT_TRADING) or states_closure(row, "status"):
        return
    details_pointer = f"{pointer}/future_product_details"
    details = json_object(row.get("future_product_details"), details_pointer)
    if has_ended_on(payload, details, "contract_expiry", details_pointer):
        return
    instrument = _instrument(row, pointer, details, details_pointer)
    if details.get("intraday_margin_rate") is not None:
        yield from _by_time_and_side(payload, instrument, details, details_pointer)
        return
    limits_pointer = f"{details_pointer}/perpetual_details"
    limits = json_object(details.get("perpetual_details"), limits_pointer)
    yield flat_rates.table_from_leverage(payload, limits, limits_pointer, instrument, LEVERAGE)


def _by_time_and_side(
    payload: Payload, instrument: Instrument, details: JsonObject, pointer: str
) -> Iterator[tier_tables.TierTable]:
    for time, key in _TIMES:
        rates = json_object(details.get(key), f"{pointer}/{key}")
        for side, name in _SIDES:
            yield tier_tables.TierTable(
                payload=payload,
                instrument=instrument,
                profile=Profile(MarginMode.CROSS, time, side),
                tiers=(Tier(INFINITY, rate(rates, name, f"{pointer}/{key}"), None),),
                rows=(f"{pointer}/{key}",),
                columns=(Column("initial", f"/{name}", "rate"),),
                usd=currency_to_usd(instrument, "USD"),
                no_maintenance=flat_rates.NO_MAINTENANCE,
            )


def _instrument(
    row: JsonObject, pointer: str, details: JsonObject, details_pointer: str
) -> Instrument:
    id_ = text_value(row, "product_id", pointer)
    base = text_value(details, "contract_root_unit", details_pointer)
    quote = text_value(row, "quote_currency_id", pointer)
    expiry = (
        iso_date(details, "contract_expiry", details_pointer)
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
            call_plan=single_call(product_type="FUTURE"),
        ),
    ),
    parse=parse,
)
