"""Gate futures: risk-limit tiers, or only the first of them where the tiers are missing."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from harmonize.core.instrument import Instrument, Payoff
from harmonize.core.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError, decode
from harmonize.core.schedule import UNSTATED, MarginMode, Observed, Profile, Tier, Unknown
from venues.adapter import Calls, Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import all_answered, every, offset
from venues.exchanges.gate_contracts import ToUsdOf, first_tier, guess, instrument, trades
from venues.facts import Facts
from venues.fields import Row, defect, member, number, positive, rate, read_rows, rows, word
from venues.parsing import effective_date, mark_prices, tier_tables
from venues.parsing.tier_rows import SymbolTiers, TierRow, group_by_symbol
from venues.parsing.units import ToUsd, coins, currency

TIERS = "publicFuturesGetSettleRiskLimitTiers"
CONTRACTS = "publicFuturesGetSettleContracts"
DATED_TIERS = "publicDeliveryGetSettleRiskLimitTiers"
DATED_CONTRACTS = "publicDeliveryGetSettleContracts"

PAGE = 100
"""Contracts on a page of tiers, each with all its tiers, as the venue's API reference says.

Rows are counted all the same: a page of fewer rows than that is the last either way.
"""

_PAGING = frozenset({"limit", "offset"})

_COLUMNS = (
    Column("upper", "/risk_limit", "settlement currency"),
    Column("initial", "/initial_rate", "rate"),
    Column("maintenance", "/maintenance_rate", "rate"),
    Column("deduction", "/deduction", "settlement currency"),
)


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read the tiers; a contract without tiers in the snapshot keeps its first tier alone."""
    defects: list[Defect] = []
    answers = (*snapshot.answers(TIERS), *snapshot.answers(DATED_TIERS))
    listed = (*snapshot.answers(CONTRACTS), *snapshot.answers(DATED_CONTRACTS))
    published = read_rows(answers, (), _tier, defects, symbol_key="contract")
    tiered = {*(one.symbol for one in published), *(one.symbol for one in defects)}
    marks = mark_prices.read(listed, (), ("name", "mark_price"), defects, also_read=True)

    def to_usd(payload: Payload, one: Instrument) -> ToUsd | Unknown:
        if one.payoff is Payoff.INVERSE:
            return coins(payload, marks.price(snapshot, one, payload))
        return currency(one, one.settle)

    def first(payload: Payload, row: Row, at: str) -> Iterator[tier_tables.TierTable]:
        return first_tier(payload, row, at, tiered, to_usd)

    found = []
    for one in group_by_symbol(published, defects, _PAGING):
        try:
            found.append(_ladder(one, to_usd))
        except UnreadablePayloadError as error:
            defects.append(defect(one.payload, error, one.symbol))
    found += read_rows(listed, (), first, defects, symbol_key="name")
    since = dict(read_rows(listed, (), _changed, []))
    dated = [replace(one, effective=since.get(one.instrument.id, UNSTATED)) for one in found]
    return tier_tables.parsed(snapshot, dated, facts, defects)


def _changed(_: Payload, row: Row, at: str) -> list[tuple[str, Observed[datetime]]]:
    """When a contract's settings were last changed; rows that cannot be read are told elsewhere."""
    said = effective_date.stated(row, "config_change_time", effective_date.SECOND)
    return [(word(row, "name", at), said)]


def _tier(payload: Payload, row: Row, at: str) -> Iterator[TierRow]:
    tier = Tier(
        upper=positive(row, "risk_limit", at),
        initial_rate=rate(row, "initial_rate", at),
        maintenance_rate=rate(row, "maintenance_rate", at),
        deduction=number(row, "deduction", at) if "deduction" in row else None,
    )
    name = word(row, "contract", at)
    instrument(name, at, payload)
    yield TierRow(name, tier, at, payload, row.get("tier"))


def _ladder(found: SymbolTiers, to_usd: ToUsdOf) -> tier_tables.TierTable:
    listed = instrument(found.symbol, "", found.payload)
    return tier_tables.TierTable(
        payload=found.payload,
        instrument=listed,
        profile=Profile(MarginMode.ANY),
        tiers=found.tiers,
        rows=found.rows,
        columns=_COLUMNS,
        usd=to_usd(found.payload, listed),
        guessed_unit=guess(listed),
        continued=found.continued,
    )


def _names(
    methods: tuple[str, ...], field: str, where: Callable[[Row], bool] = lambda _: True
) -> Callable[[Snapshot], Iterator[str]]:
    """Name contracts with what they settle in, from lists that are the whole answer."""

    def found(snapshot: Snapshot) -> Iterator[str]:
        for payload in (one for method in methods for one in snapshot.answers(method)):
            listed, top = member(decode(payload))
            for at, row in rows(listed, top):
                if where(row):
                    yield f"{word(row, field, at)} ({dict(payload.call.params)['settle']})"

    return found


_PERPETUAL = ({"settle": "usdt"}, {"settle": "btc"})
_DATED = ({"settle": "usdt"},)


def _endpoints(
    path: str, contracts: str, tickers: str, tiers: str, settles: tuple[dict[str, str], ...]
) -> tuple[Endpoint, ...]:
    base = f"GET /api/v4/{path}/{{settle}}"
    paged = [{**one, "limit": str(PAGE), "offset": "0"} for one in settles]
    return (
        Endpoint(contracts, f"{base}/contracts", Purpose.INSTRUMENTS, ask=every(*settles)),
        Endpoint(tickers, f"{base}/tickers", Purpose.PRICES, ask=every(*settles)),
        Endpoint(
            tiers,
            f"{base}/risk_limit_tiers",
            Purpose.MARGIN,
            calls=Calls.PAGES,
            ask=every(*paged),
            next_page=offset("offset", PAGE),
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
    whole=all_answered(
        _names((CONTRACTS, DATED_CONTRACTS), "name", trades),
        _names((TIERS, DATED_TIERS), "contract"),
    ),
)
