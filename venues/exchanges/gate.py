"""Gate futures: risk-limit tiers, or the first tier alone where the list is missing."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial

from harmonize.core.instrument import Instrument, Payoff
from harmonize.core.payload import Column, Defect, Payload, Snapshot, decode
from harmonize.core.schedule import UNSTATED, MarginMode, Observed, Profile, Tier, Unknown
from venues.adapter import Calls, Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import calls_with, next_by_offset, unanswered_check
from venues.exchanges.gate_contracts import (
    UsdConverter,
    assumed_unit,
    first_tier,
    is_trading,
    parse_symbol,
)
from venues.facts import Facts
from venues.fields import (
    JsonObject,
    build_defect,
    iter_objects,
    optional_number,
    rate,
    read_rows,
    text_value,
    upper_bound,
    value_at,
)
from venues.parsing import effective_date, mark_prices, tier_tables
from venues.parsing.listing import closed_contracts, has_expired, is_known_to_trade
from venues.parsing.narrow_answers import contract_name, name_defects, without_empty_lists
from venues.parsing.tier_rows import SymbolTiers, TierRow, group_by_symbol
from venues.parsing.units import UsdConversion, coins_to_usd, currency_to_usd

TIERS = "publicFuturesGetSettleRiskLimitTiers"
CONTRACTS = "publicFuturesGetSettleContracts"
DATED_TIERS = "publicDeliveryGetSettleRiskLimitTiers"
DATED_CONTRACTS = "publicDeliveryGetSettleContracts"

PAGE = 100
"""Contracts per page of tiers, each with all its tiers, according to the venue's API reference.

Paging counts rows: a page with fewer rows than contracts per page is the last.
"""

_PAGING = frozenset({"limit", "offset"})

_COLUMNS = (
    Column("upper", "/risk_limit", "settlement currency"),
    Column("initial", "/initial_rate", "rate"),
    Column("maintenance", "/maintenance_rate", "rate"),
    Column("deduction", "/deduction", "settlement currency"),
)


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads all tiers. A contract without tiers in the snapshot gets its first tier alone."""
    defects: list[Defect] = []
    tier_lists = without_empty_lists((*snapshot.answers(TIERS), *snapshot.answers(DATED_TIERS)))
    contract_lists = without_empty_lists(
        (*snapshot.answers(CONTRACTS), *snapshot.answers(DATED_CONTRACTS))
    )
    unnamed: list[Defect] = []
    all_rows = read_rows(tier_lists, (), _tier_row, unnamed, symbol_key="contract")
    defects += name_defects(unnamed, tier_lists, "contract")
    closed = closed_contracts(contract_lists, (), "name", is_trading)
    tier_rows = [row for row in all_rows if row.symbol not in closed]
    tiered_symbols = {row.symbol for row in tier_rows} | {failed.symbol for failed in defects}
    marks = mark_prices.read_prices(
        contract_lists, (), ("name", "mark_price"), defects, has_other_reader=True
    )

    def to_usd(payload: Payload, instrument: Instrument) -> UsdConversion | Unknown:
        if instrument.payoff is Payoff.INVERSE:
            return coins_to_usd(payload, marks.price(snapshot, instrument, payload))
        return currency_to_usd(instrument, instrument.settle)

    def build_first_tier(
        payload: Payload, row: JsonObject, pointer: str
    ) -> Iterator[tier_tables.TierTable]:
        return first_tier(payload, row, pointer, tiered_symbols, to_usd)

    tables: list[tier_tables.TierTable] = []
    for symbol_tiers in group_by_symbol(tier_rows, defects, _PAGING):
        try:
            tables += _tier_tables(symbol_tiers, to_usd)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a defect here alone
            defects.append(build_defect(symbol_tiers.payload, error, symbol_tiers.symbol))
    tables += read_rows(contract_lists, (), build_first_tier, defects, symbol_key="name")
    effective_dates = dict(read_rows(contract_lists, (), _last_change, []))
    dated_tables = [
        replace(table, effective=effective_dates.get(table.instrument.id, UNSTATED))
        for table in tables
    ]
    return tier_tables.build_schedules(snapshot, dated_tables, facts, defects)


def _last_change(_: Payload, row: JsonObject, pointer: str) -> list[tuple[str, Observed[datetime]]]:
    """Pairs a contract with the time of its last change; defects of its row are reported elsewhere."""
    effective = effective_date.read_effective_date(row, "config_change_time", effective_date.SECOND)
    return [(text_value(row, "name", pointer), effective)]


def _tier_row(payload: Payload, row: JsonObject, pointer: str) -> Iterator[TierRow]:
    tier = Tier(
        upper=upper_bound(row, "risk_limit", pointer),
        initial_rate=rate(row, "initial_rate", pointer),
        maintenance_rate=rate(row, "maintenance_rate", pointer),
        deduction=optional_number(row, "deduction", pointer),
    )
    name = contract_name(payload, row, pointer, "contract", "contract")
    parse_symbol(name, pointer, payload)
    yield TierRow(name, tier, pointer, payload, row.get("tier"))


def _tier_tables(
    symbol_tiers: SymbolTiers, to_usd: UsdConverter
) -> Iterator[tier_tables.TierTable]:
    instrument = parse_symbol(symbol_tiers.symbol, "", symbol_tiers.payload)
    if has_expired(instrument, symbol_tiers.payload):
        return
    yield tier_tables.TierTable(
        payload=symbol_tiers.payload,
        instrument=instrument,
        profile=Profile(MarginMode.ANY),
        tiers=symbol_tiers.tiers,
        rows=symbol_tiers.rows,
        columns=_COLUMNS,
        usd=to_usd(symbol_tiers.payload, instrument),
        assumed_unit=assumed_unit(instrument),
        continued=symbol_tiers.continued,
    )


def _contract_names(
    methods: tuple[str, ...],
    field: str,
    where: Callable[[Payload, JsonObject, str], bool] = lambda *_: True,
) -> Callable[[Snapshot], Iterator[str]]:
    """Reads contract names with their settlement currency from lists, which may be empty."""

    def names(snapshot: Snapshot) -> Iterator[str]:
        payloads = (payload for method in methods for payload in snapshot.answers(method))
        for payload in payloads:
            contracts, list_pointer = value_at(decode(payload))
            for pointer, row in iter_objects(contracts, list_pointer) if contracts != [] else ():
                if where(payload, row, pointer):
                    yield f"{text_value(row, field, pointer)} ({dict(payload.call.params)['settle']})"

    return names


_PERPETUAL = ({"settle": "usdt"}, {"settle": "btc"})
_DATED = ({"settle": "usdt"},)


def _endpoints(
    path: str, contracts: str, tickers: str, tiers: str, settlements: tuple[dict[str, str], ...]
) -> tuple[Endpoint, ...]:
    base = f"GET /api/v4/{path}/{{settle}}"
    paged = [{**settlement, "limit": str(PAGE), "offset": "0"} for settlement in settlements]
    return (
        Endpoint(
            contracts,
            f"{base}/contracts",
            Purpose.INSTRUMENTS,
            call_plan=calls_with(*settlements),
            lists_margins=True,
        ),
        Endpoint(tickers, f"{base}/tickers", Purpose.PRICES, call_plan=calls_with(*settlements)),
        Endpoint(
            tiers,
            f"{base}/risk_limit_tiers",
            Purpose.MARGIN,
            calls=Calls.PAGES,
            call_plan=calls_with(*paged),
            next_page=next_by_offset("offset", PAGE),
        ),
    )


ADAPTER = VenueAdapter(
    venue="gate",
    title="Gate",
    host="api.gateio.ws",
    endpoints=(
        *_endpoints("futures", CONTRACTS, "publicFuturesGetSettleTickers", TIERS, _PERPETUAL),
        *_endpoints(
            "delivery", DATED_CONTRACTS, "publicDeliveryGetSettleTickers", DATED_TIERS, _DATED
        ),
    ),
    parse=parse,
    completeness_error=unanswered_check(
        _contract_names(
            (CONTRACTS, DATED_CONTRACTS), "name", partial(is_known_to_trade, is_trading)
        ),
        _contract_names((TIERS, DATED_TIERS), "contract"),
    ),
)
