"""The engine behind HashKey and Toobit: risk limits in contracts, listed with each contract."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import Column, Defect, Factor, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import MarginMode, Profile, Tier, Unknown
from venues.adapter import Parsed
from venues.facts import Facts
from venues.fields import Row, positive, rate, read_rows, rows, word
from venues.parsing import tier_tables
from venues.parsing.units import ToUsd, archived_price, contracts, factor

CONTRACTS = "bounds read as contracts, by the multiplier beside them"


@dataclass(frozen=True, slots=True)
class Engine:
    """One brand: how it names a contract, and the endpoints that hold contracts and prices."""

    venue: str
    contracts: str
    tickers: str
    named: Callable[[str, Row, str], Instrument]


def parse(engine: Engine, snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every contract's limits; those for whitelisted accounts alone are left out."""
    defects: list[Defect] = []
    prices = dict(read_rows(snapshot.answers(engine.tickers), (), _price, defects, symbol_key="s"))

    def build(payload: Payload, row: Row, at: str) -> Iterator[tier_tables.TierTable]:
        return _tier_table(engine, snapshot, payload, row, at, prices)

    found = read_rows(snapshot.answers(engine.contracts), ("contracts",), build, defects)
    return tier_tables.parsed(snapshot, found, facts, defects)


def _price(payload: Payload, row: Row, at: str) -> list[tuple[str, Factor]]:
    symbol = word(row, "s", at)
    return [(symbol, factor(payload, f"last price of {symbol}", row, "c", at, "USD"))]


def _tier_table(  # noqa: PLR0913, PLR0917 - what a tier table rests on
    engine: Engine,
    snapshot: Snapshot,
    payload: Payload,
    row: Row,
    at: str,
    prices: dict[str, Factor],
) -> Iterator[tier_tables.TierTable]:
    if word(row, "status", at) != "TRADING":
        return
    if row.get("inverse") is not False:
        reason = f"a linear contract was due, inverse was {row.get('inverse')!r}"
        raise UnreadablePayloadError(where=f"{at}/inverse", reason=reason)
    listed = engine.named(engine.venue, row, at)
    pointers, tiers = [], []
    for pointer, limit in rows(row.get("riskLimits"), f"{at}/riskLimits"):
        open_to_all = limit.get("isWhite")
        if not isinstance(open_to_all, bool):
            reason = f"true or false was due, was {open_to_all!r}"
            raise UnreadablePayloadError(where=f"{pointer}/isWhite", reason=reason)
        if open_to_all:  # only for accounts on the venue's white list
            continue
        pointers.append(pointer)
        tiers.append(
            Tier(
                positive(limit, "quantity", pointer),
                rate(limit, "initialMargin", pointer),
                rate(limit, "maintMargin", pointer),
            )
        )
    yield tier_tables.TierTable(
        payload=payload,
        instrument=listed,
        profile=Profile(MarginMode.ANY),
        tiers=tuple(tiers),
        rows=tuple(pointers),
        columns=(
            Column("upper", "/quantity", "contracts"),
            Column("initial", "/initialMargin", "rate"),
            Column("maintenance", "/maintMargin", "rate"),
        ),
        usd=_usd(snapshot, payload, row, at, listed, prices),
        unverified=(CONTRACTS,),
    )


def _usd(  # noqa: PLR0913, PLR0917 - what a conversion rests on
    snapshot: Snapshot,
    payload: Payload,
    row: Row,
    at: str,
    listed: Instrument,
    prices: dict[str, Factor],
) -> ToUsd | Unknown:
    size = factor(
        payload, f"multiplier of {listed.id}", row, "contractMultiplier", at, "coins a contract"
    )
    price = prices.get(listed.id)
    when = payload.observed_at
    return contracts(
        payload, (size,), price or archived_price(snapshot, listed.underlying.asset, when)
    )


def linear(venue: str, row: Row, at: str) -> Instrument:
    """Name a contract by the coin under it and its margin token."""
    base, settle = word(row, "underlying", at), word(row, "marginToken", at)
    return contract(venue, word(row, "symbol", at), base=base, quote=settle, settle=settle)
