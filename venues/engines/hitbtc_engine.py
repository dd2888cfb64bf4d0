"""Adapter for HitBTC and its brands, which publish only the maximum leverage of each contract."""

from collections.abc import Callable, Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Defect, Payload, Snapshot
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import JsonObject, is_missing, iso_date, read_members, text_value
from venues.parsing import flat_rates, tier_tables
from venues.parsing.listing import has_ended_on

SYMBOLS = "publicGetPublicSymbol"
LEVERAGE = flat_rates.PublishedRate("max_initial_leverage", "leverage")


def parse(venue: str, snapshot: Snapshot, facts: Facts) -> Parsed:
    """Schedules of all contracts; IM is the lowest under the maximum leverage."""
    defects: list[Defect] = []

    def build(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
        return _tier_table(venue, payload, row, pointer)

    tables = read_members(snapshot.answers(SYMBOLS), (), build, defects)
    return tier_tables.build_schedules(snapshot, tables, facts, defects)


def _tier_table(
    venue: str, payload: Payload, row: JsonObject, pointer: str
) -> Iterator[tier_tables.TierTable]:
    if row.get("type") != "futures" or row.get("status") != "working":
        return
    quote, base = text_value(row, "quote_currency", pointer), text_value(row, "underlying", pointer)
    if has_ended_on(payload, row, "expiry", pointer):
        return
    expiry = None if is_missing(row, "expiry") else iso_date(row, "expiry", pointer)
    id_ = pointer.removeprefix("/")
    instrument = contract(venue, id_, base=base, quote=quote, settle=quote, expiry=expiry)
    yield flat_rates.table_from_leverage(payload, row, pointer, instrument, LEVERAGE)


def build_adapter(
    venue: str, title: str, host: str, read: Callable[[Snapshot, Facts], Parsed]
) -> VenueAdapter:
    """Adapter of one brand on the engine."""
    prefix = "GET /api/3/public"
    return VenueAdapter(
        venue=venue,
        title=title,
        host=host,
        endpoints=(
            Endpoint("publicGetPublicFuturesInfo", f"{prefix}/futures/info", Purpose.OPEN_INTEREST),
            Endpoint("publicGetPublicTicker", f"{prefix}/ticker", Purpose.PRICES),
            Endpoint(SYMBOLS, f"{prefix}/symbol", Purpose.MARGIN),
        ),
        parse=read,
    )
