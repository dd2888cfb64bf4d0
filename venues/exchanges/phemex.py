"""Phemex perpetuals: leverage and margin tables that contracts share, or a first risk limit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError, decode
from harmonize.core.schedule import INFINITY, MarginMode, Profile, Tier
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import (
    Row,
    defect,
    listing,
    member,
    number,
    positive,
    rate,
    read_rows,
    rows,
    word,
)
from venues.parsing import tier_tables
from venues.parsing.units import currency

PRODUCTS = "v2GetPublicProducts"
LEGACY = (
    "rates of the first risk limit, the older scheme beside the table of leverage and margin "
    "that the answer lacks"
)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of one table or of one contract's risk limits, with their pointers."""

    found: tuple[tuple[str, Row], ...]


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read linear perpetuals by their table; those without one, and inverse ones, by risk limit.

    Tables are in the quote currency, ``MM = N * rate - maintenance amount``. Source: Phemex help,
    "risk limit". Rates with ``Er`` are scaled by 10^8.
    """
    defects: list[Defect] = []
    found: list[tier_tables.TierTable] = []
    for payload in snapshot.answers(PRODUCTS):
        try:
            tables = _tables(payload)
            limits = _limits(payload, "riskLimits") | _limits(payload, "riskLimitsV2")
        except UnreadablePayloadError as error:
            defects.append(defect(payload, error))
            continue

        def linear(
            payload: Payload,
            row: Row,
            at: str,
            tables: Mapping[str, _Rows] = tables,
            limits: Mapping[str, _Rows] = limits,
        ) -> Iterator[tier_tables.TierTable]:
            return _linear(payload, row, at, tables, limits)

        def inverse(
            payload: Payload, row: Row, at: str, limits: Mapping[str, _Rows] = limits
        ) -> Iterator[tier_tables.TierTable]:
            return _inverse(payload, row, at, limits)

        found += read_rows((payload,), ("data", "perpProductsV2"), linear, defects)
        found += read_rows((payload,), ("data", "products"), inverse, defects)
    return tier_tables.parsed(snapshot, found, facts, defects)


def _tables(payload: Payload) -> dict[str, _Rows]:
    tables, top = member(decode(payload), "data", "leverageMargins")
    if tables == []:
        return {}
    found = {}
    for at, table in rows(tables, top):
        items = tuple(rows(table.get("items"), f"{at}/items"))
        found[str(positive(table, "index_id", at))] = _Rows(items)
    return found


def _limits(payload: Payload, key: str) -> dict[str, _Rows]:
    contracts, top = member(decode(payload), "data", key)
    return {
        word(row, "symbol", at): _Rows(tuple(rows(row.get("riskLimits"), f"{at}/riskLimits")))
        for at, row in rows(listing(contracts, top), top)
    }


def _linear(
    payload: Payload, row: Row, at: str, tables: Mapping[str, _Rows], limits: Mapping[str, _Rows]
) -> Iterator[tier_tables.TierTable]:
    if word(row, "status", at) != "Listed":
        return
    base, quote = word(row, "baseCurrency", at), word(row, "quoteCurrency", at)
    settle = word(row, "settleCurrency", at)
    id_ = word(row, "symbol", at)
    listed = contract("phemex", id_, base=base, quote=quote, settle=settle)
    table = tables.get(str(positive(row, "leverageMargin", at)))
    if table is None:
        yield _first(payload, listed, limits, at, "Rr")
        return
    yield tier_tables.TierTable(
        payload=payload,
        instrument=listed,
        profile=Profile(MarginMode.ANY),
        tiers=tuple(
            Tier(
                upper=positive(item, "notionalValueRv", pointer),
                initial_rate=tier_tables.inverse(positive(item, "maxLeverage", pointer)),
                maintenance_rate=rate(item, "maintenanceMarginRateRr", pointer),
                deduction=number(item, "maintenanceAmountRv", pointer),
            )
            for pointer, item in table.found
        ),
        rows=tuple(pointer for pointer, _ in table.found),
        columns=(
            Column("upper", "/notionalValueRv", "quote currency"),
            Column("initial", "/maxLeverage", "leverage"),
            Column("maintenance", "/maintenanceMarginRateRr", "rate"),
            Column("deduction", "/maintenanceAmountRv", "quote currency"),
        ),
        usd=currency(listed, quote),
    )


def _inverse(
    payload: Payload, row: Row, at: str, limits: Mapping[str, _Rows]
) -> Iterator[tier_tables.TierTable]:
    if word(row, "type", at) != "Perpetual" or word(row, "status", at) != "Listed":
        return
    id_, settle = word(row, "symbol", at), word(row, "settleCurrency", at)
    quote = word(row, "quoteCurrency", at)
    base = id_.removeprefix("u").removesuffix(quote)
    listed = contract("phemex", id_, base=base, quote=quote, settle=settle)
    yield _first(payload, listed, limits, at, "Er")


def _first(
    payload: Payload, listed: Instrument, limits: Mapping[str, _Rows], at: str, ending: str
) -> tier_tables.TierTable:
    """Only the first limit's rates: how far it reaches, and what follows, the answer lacks."""
    if listed.id not in limits:
        reason = f"neither a table nor a risk limit of {listed.id} is in the answer"
        raise UnreadablePayloadError(where=at, reason=reason)
    pointer, first = limits[listed.id].found[0]
    unit, scale = ("rate", 1) if ending == "Rr" else ("1/100000000", 10**8)
    names = (f"initialMargin{ending}", f"maintenanceMargin{ending}")
    initial, maintenance = (positive(first, name, pointer) / scale for name in names)
    if max(initial, maintenance) > 1:
        reason = f"rates of at most 1 were due, were {initial} and {maintenance}"
        raise UnreadablePayloadError(where=pointer, reason=reason)
    return tier_tables.TierTable(
        payload=payload,
        instrument=listed,
        profile=Profile(MarginMode.ANY),
        tiers=(Tier(INFINITY, initial, maintenance),),
        rows=(pointer,),
        columns=(
            Column("initial", f"/{names[0]}", unit),
            Column("maintenance", f"/{names[1]}", unit),
        ),
        usd=currency(listed, "USD"),
        doubts=(LEGACY,),
        exclusion_reason=LEGACY,
    )


ADAPTER = VenueAdapter(
    venue="phemex",
    title="Phemex",
    host="api.phemex.com",
    endpoints=(
        Endpoint("v2GetMdV2Ticker24hrAll", "GET /md/v2/ticker/24hr/all", Purpose.PRICES),
        Endpoint(PRODUCTS, "GET /public/products", Purpose.MARGIN),
    ),
    parse=parse,
)
