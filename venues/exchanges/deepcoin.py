"""Deepcoin swaps: maximum leverage from the instrument list; no recording contains its tiers."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import single_call
from venues.facts import Facts
from venues.fields import JsonObject, text_value
from venues.parsing import flat_rates, tier_tables

INSTRUMENTS = "publicGetDeepcoinMarketInstruments"

LEVERAGE = flat_rates.PublishedRate("lever", "leverage")


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads every contract. IM is 1 / maximum leverage, the lowest possible rate; MM is unknown."""
    return flat_rates.parse_rows(snapshot, facts, INSTRUMENTS, ("data",), _tier_table, "instId")


def _tier_table(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
    if row.get("instType") != "SWAP" or row.get("state") != "live":
        return
    base, quote = text_value(row, "baseCcy", pointer), text_value(row, "quoteCcy", pointer)
    settle = base if quote == "USD" else quote
    instrument = contract(
        "deepcoin", text_value(row, "instId", pointer), base=base, quote=quote, settle=settle
    )
    yield flat_rates.table_from_leverage(payload, row, pointer, instrument, LEVERAGE)


ADAPTER = VenueAdapter(
    venue="deepcoin",
    title="Deepcoin",
    host="api.deepcoin.com",
    endpoints=(
        Endpoint(
            "publicGetDeepcoinMarketTickers",
            "GET /deepcoin/market/tickers",
            Purpose.PRICES,
            call_plan=single_call(instType="SWAP"),
        ),
        Endpoint(
            INSTRUMENTS,
            "GET /deepcoin/market/instruments",
            Purpose.MARGIN,
            call_plan=single_call(instType="SWAP"),
        ),
    ),
    parse=parse,
)
