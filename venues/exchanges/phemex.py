"""Phemex perpetuals: leverage and margin tables shared by contracts, or the first risk limit."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError, decode
from harmonize.core.schedule import INFINITY, MarginMode, Profile, Tier
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import object_at
from venues.facts import Facts
from venues.fields import (
    JsonObject,
    build_defect,
    is_missing,
    iter_objects,
    number,
    positive_number,
    rate,
    read_rows,
    text_value,
    upper_bound,
)
from venues.parsing import tier_tables
from venues.parsing.leverage_rates import exact_rate, has_leverage
from venues.parsing.units import currency_to_usd

PRODUCTS = "v2GetPublicProducts"
FIRST_LIMIT_ONLY = "rates of the first risk limit, an older scheme; the response lacks the leverage and margin table"

DEDUCTION = Column("deduction", "/maintenanceAmountRv", "quote currency")
NO_DEDUCTION = "MM by continuity at the bounds: the response has no maintenanceAmountRv"

HIGHER_LIMIT = (
    "the response lists only a higher risk limit: its IM rate is above 1 / maximum leverage"
)

_BASE_RATES = ("initMarginEr", "maintMarginEr")
_BASE_LIMIT = (*_BASE_RATES, "defaultRiskLimitEv")
"""Fields of a product with the rates and the bound of its default risk limit, scaled."""

_ROUNDED_UP = Decimal("1.1")
"""Most by which a printed rate is above that of the maximum leverage because it is rounded up."""

_TierRows = tuple[tuple[str, JsonObject], ...]
"""Rows of one table or of one contract's risk limits, with their pointers."""

_Reader = Callable[[Payload, JsonObject, str], Iterator[tier_tables.TierTable]]


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads linear perpetuals by margin table; other perpetuals by their first risk limit.

    Tables are in the quote currency: ``MM = N * rate - maintenance amount``. Source: Phemex help,
    "risk limit". Rates in ``Er`` fields are scaled by 10^8.
    """
    defects: list[Defect] = []
    tables: list[tier_tables.TierTable] = []
    for payload in snapshot.answers(PRODUCTS):
        try:
            data, _ = object_at(decode(payload), "data")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a defect here alone
            defects.append(build_defect(payload, error))
            continue
        unreadable: list[Defect] = []
        margin_tables = _margin_tables(payload, data, unreadable)
        defects += unreadable
        risk_limits = _risk_limits(payload, data, defects)

        def linear(  # noqa: PLR0913, PLR0917 - a row, and the tables of its payload
            payload: Payload,
            row: JsonObject,
            pointer: str,
            margin_tables: Mapping[str, _TierRows] = margin_tables,
            risk_limits: Mapping[str, _TierRows] = risk_limits,
            unreadable: Sequence[Defect] = unreadable,
        ) -> Iterator[tier_tables.TierTable]:
            if unreadable:
                _check_table(row, pointer, margin_tables)
            return _linear(payload, row, pointer, margin_tables, risk_limits)

        def inverse(
            payload: Payload,
            row: JsonObject,
            pointer: str,
            risk_limits: Mapping[str, _TierRows] = risk_limits,
        ) -> Iterator[tier_tables.TierTable]:
            return _inverse(payload, row, pointer, risk_limits)

        readers: dict[str, _Reader] = {"perpProductsV2": linear, "products": inverse}
        # Linear perpetuals came later, and either list may be empty; both together may not.
        filled = [key for key in readers if data.get(key, []) != []]
        for key in filled or readers:
            tables += read_rows((payload,), ("data", key), readers[key], defects)
    return tier_tables.build_schedules(snapshot, tables, facts, defects)


def _with_list(payload: Payload, data: JsonObject, key: str) -> tuple[Payload, ...]:
    """The payload if its list has rows; responses before 2023 lack some lists."""
    return () if data.get(key, []) == [] else (payload,)


def _margin_tables(
    payload: Payload, data: JsonObject, defects: list[Defect]
) -> dict[str, _TierRows]:
    """Tables by id; an unreadable table is a defect, and the others are kept."""
    key = "leverageMargins"
    return dict(read_rows(_with_list(payload, data, key), ("data", key), _margin_table, defects))


def _margin_table(_: Payload, table: JsonObject, pointer: str) -> Iterator[tuple[str, _TierRows]]:
    items = tuple(iter_objects(table.get("items"), f"{pointer}/items"))
    yield str(positive_number(table, "index_id", pointer)), items


def _risk_limits(payload: Payload, data: JsonObject, defects: list[Defect]) -> dict[str, _TierRows]:
    """Risk limits by contract; an unreadable contract is a defect, and the others are kept."""
    return {
        symbol: rows
        for key in ("riskLimits", "riskLimitsV2")
        for symbol, rows in read_rows(
            _with_list(payload, data, key), ("data", key), _contract_limits, defects
        )
    }


def _contract_limits(_: Payload, row: JsonObject, pointer: str) -> Iterator[tuple[str, _TierRows]]:
    limits = tuple(iter_objects(row.get("riskLimits"), f"{pointer}/riskLimits"))
    yield text_value(row, "symbol", pointer), limits


def _check_table(row: JsonObject, pointer: str, margin_tables: Mapping[str, _TierRows]) -> None:
    """Checks that a contract's table is readable, where some are not. Raises UnreadablePayloadError.

    The older risk limits never stand in for a table that exists and cannot be read.
    """
    if is_missing(row, "leverageMargin"):
        return
    table_id = str(positive_number(row, "leverageMargin", pointer))
    if table_id not in margin_tables:
        reason = f"margin table {table_id} cannot be read"
        raise UnreadablePayloadError(where=f"{pointer}/leverageMargin", reason=reason)


def _linear(
    payload: Payload,
    row: JsonObject,
    pointer: str,
    margin_tables: Mapping[str, _TierRows],
    risk_limits: Mapping[str, _TierRows],
) -> Iterator[tier_tables.TierTable]:
    if text_value(row, "status", pointer) != "Listed":
        return
    base, quote = (
        text_value(row, "baseCurrency", pointer),
        text_value(row, "quoteCurrency", pointer),
    )
    settle = text_value(row, "settleCurrency", pointer)
    id_ = text_value(row, "symbol", pointer)
    instrument = contract("phemex", id_, base=base, quote=quote, settle=settle)
    has_table = not is_missing(row, "leverageMargin")
    table_id = str(positive_number(row, "leverageMargin", pointer)) if has_table else ""
    table = margin_tables.get(table_id)
    if table is None:
        yield _first_limit(payload, instrument, risk_limits, row, pointer)
        return
    has_amounts = any("maintenanceAmountRv" in item for _, item in table)
    yield tier_tables.TierTable(
        payload=payload,
        instrument=instrument,
        profile=Profile(MarginMode.ANY),
        tiers=tuple(
            Tier(
                upper=upper_bound(item, "notionalValueRv", tier_pointer),
                initial_rate=tier_tables.leverage_to_rate(
                    positive_number(item, "maxLeverage", tier_pointer)
                ),
                maintenance_rate=rate(item, "maintenanceMarginRateRr", tier_pointer),
                deduction=number(item, "maintenanceAmountRv", tier_pointer)
                if has_amounts
                else None,
            )
            for tier_pointer, item in table
        ),
        rows=tuple(tier_pointer for tier_pointer, _ in table),
        columns=(
            Column("upper", "/notionalValueRv", "quote currency"),
            Column("initial", "/maxLeverage", "leverage"),
            Column("maintenance", "/maintenanceMarginRateRr", "rate"),
            *((DEDUCTION,) if has_amounts else ()),
        ),
        usd=currency_to_usd(instrument, quote),
        maintenance_doubts=() if has_amounts else (NO_DEDUCTION,),
    )


def _inverse(
    payload: Payload, row: JsonObject, pointer: str, risk_limits: Mapping[str, _TierRows]
) -> Iterator[tier_tables.TierTable]:
    if (
        text_value(row, "type", pointer) != "Perpetual"
        or text_value(row, "status", pointer) != "Listed"
    ):
        return
    id_, settle = text_value(row, "symbol", pointer), text_value(row, "settleCurrency", pointer)
    quote = text_value(row, "quoteCurrency", pointer)
    base = id_.removeprefix("u").removesuffix(quote)
    instrument = contract("phemex", id_, base=base, quote=quote, settle=settle)
    yield _first_limit(payload, instrument, risk_limits, row, pointer)


def _first_limit(
    payload: Payload,
    instrument: Instrument,
    risk_limits: Mapping[str, _TierRows],
    row: JsonObject,
    pointer: str,
) -> tier_tables.TierTable:
    """Rates of the lowest risk limit; the response lacks its upper bound and later limits.

    A product that states its own rates states those of its default risk limit, the lowest one. The
    listed limits may begin at a higher one: their first rate is then above 1 / maximum leverage, and
    only IM at that leverage is known.
    """
    if not any(is_missing(row, key) for key in _BASE_LIMIT):
        rates = _scaled_rates(row, _BASE_RATES, pointer)
        return _open_ended(payload, instrument, pointer, rates)
    if instrument.id not in risk_limits:
        reason = f"the response has neither a margin table nor a risk limit of {instrument.id}"
        raise UnreadablePayloadError(where=pointer, reason=reason)
    limit_pointer, first = risk_limits[instrument.id][0]
    suffix = "Er" if "initialMarginEr" in first else "Rr"
    names = (f"initialMargin{suffix}", f"maintenanceMargin{suffix}")
    rates = _scaled_rates(first, names, limit_pointer)
    table = _open_ended(payload, instrument, limit_pointer, rates)
    if not has_leverage(row, "maxLeverage"):
        return table
    leverage = positive_number(row, "maxLeverage", pointer)
    lowest = tier_tables.leverage_to_rate(leverage)
    initial = exact_rate(rates[names[0]], leverage)
    if initial <= lowest * _ROUNDED_UP:
        return replace(table, tiers=(Tier(INFINITY, initial, rates[names[1]]),))
    return replace(
        table,
        tiers=(Tier(INFINITY, lowest, None),),
        rows=(pointer,),
        columns=(Column("initial", "/maxLeverage", "leverage"),),
        no_maintenance=HIGHER_LIMIT,
    )


def _scaled_rates(row: JsonObject, names: Sequence[str], pointer: str) -> dict[str, Decimal]:
    """Rates of IM and MM by the names of their fields. Raises UnreadablePayloadError."""
    rates = {
        name: positive_number(row, name, pointer) / (10**8 if name.endswith("Er") else 1)
        for name in names
    }
    if max(rates.values()) > 1:
        found = " and ".join(str(value) for value in rates.values())
        reason = f"expected rates of at most 1, found {found}"
        raise UnreadablePayloadError(where=pointer, reason=reason)
    return rates


def _open_ended(
    payload: Payload, instrument: Instrument, pointer: str, rates: Mapping[str, Decimal]
) -> tier_tables.TierTable:
    """Table of IM and MM rates, in this order, that hold up to a limit which is not read."""
    (initial_name, initial), (maintenance_name, maintenance) = rates.items()
    unit = "1/100000000" if initial_name.endswith("Er") else "rate"
    return tier_tables.TierTable(
        payload=payload,
        instrument=instrument,
        profile=Profile(MarginMode.ANY),
        tiers=(Tier(INFINITY, initial, maintenance),),
        rows=(pointer,),
        columns=(
            Column("initial", f"/{initial_name}", unit),
            Column("maintenance", f"/{maintenance_name}", unit),
        ),
        usd=currency_to_usd(instrument, "USD"),
        doubts=(FIRST_LIMIT_ONLY,),
        exclusion_reason=FIRST_LIMIT_ONLY,
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
