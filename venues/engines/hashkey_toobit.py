"""Parser for HashKey and Toobit, which list risk limits, in contracts, with each contract."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import Column, Defect, Factor, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import MarginMode, Profile, Tier, Unknown
from venues.adapter import Parsed
from venues.facts import Facts
from venues.fields import JsonObject, iter_objects, rate, read_rows, text_value, upper_bound
from venues.parsing import tier_tables
from venues.parsing.units import UsdConversion, archived_price, contracts_to_usd, read_factor

CONTRACTS = "bounds assumed to be in contracts, converted with the multiplier in the same row"

EVERY_ACCOUNT = "limits read as those of every account: the response does not mark other ones"


@dataclass(frozen=True, slots=True)
class RiskLimitBrand:
    """One brand: its endpoints for contracts and prices, and its instrument names.

    ``named`` returns the instrument of a contract row.
    """

    venue: str
    contracts: str
    tickers: str
    named: Callable[[str, JsonObject, str], Instrument]


def parse(engine: RiskLimitBrand, snapshot: Snapshot, facts: Facts) -> Parsed:
    """Schedules of all contracts; limits for whitelisted accounts are excluded."""
    defects: list[Defect] = []
    prices = dict(read_rows(snapshot.answers(engine.tickers), (), _price, defects, symbol_key="s"))

    def build(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
        return _tier_table(engine, snapshot, payload, row, pointer, prices)

    tables = read_rows(snapshot.answers(engine.contracts), ("contracts",), build, defects)
    return tier_tables.build_schedules(snapshot, tables, facts, defects)


def _price(payload: Payload, row: JsonObject, pointer: str) -> list[tuple[str, Factor]]:
    symbol = text_value(row, "s", pointer)
    return [(symbol, read_factor(payload, f"last price of {symbol}", row, "c", pointer, "USD"))]


def _tier_table(  # noqa: PLR0913, PLR0917 - the inputs of a tier table
    engine: RiskLimitBrand,
    snapshot: Snapshot,
    payload: Payload,
    row: JsonObject,
    pointer: str,
    prices: dict[str, Factor],
) -> Iterator[tier_tables.TierTable]:
    if text_value(row, "status", pointer) != "TRADING":
        return
    if row.get("inverse") is not False:
        reason = f"expected a linear contract, found inverse: {row.get('inverse')!r}"
        raise UnreadablePayloadError(where=f"{pointer}/inverse", reason=reason)
    instrument = engine.named(engine.venue, row, pointer)
    pointers, tiers = _limits(row, pointer)
    yield tier_tables.TierTable(
        payload=payload,
        instrument=instrument,
        profile=Profile(MarginMode.ANY),
        tiers=tiers,
        rows=pointers,
        columns=(
            Column("upper", "/quantity", "contracts"),
            Column("initial", "/initialMargin", "rate"),
            Column("maintenance", "/maintMargin", "rate"),
        ),
        usd=_usd(snapshot, payload, row, pointer, instrument, prices),
        unverified=(CONTRACTS, "" if _marks_whitelisted(row) else EVERY_ACCOUNT),
    )


def _marks_whitelisted(row: JsonObject) -> bool:
    limits = row.get("riskLimits")
    return isinstance(limits, list) and all("isWhite" in limit for limit in limits)


def _limits(row: JsonObject, pointer: str) -> tuple[tuple[str, ...], tuple[Tier, ...]]:
    """JSON pointers and tiers of the limits that apply to all accounts."""
    pointers, tiers = [], []
    for limit_pointer, limit in iter_objects(row.get("riskLimits"), f"{pointer}/riskLimits"):
        is_whitelisted = limit.get("isWhite", False)
        if not isinstance(is_whitelisted, bool):
            reason = f"expected true or false, found {is_whitelisted!r}"
            raise UnreadablePayloadError(where=f"{limit_pointer}/isWhite", reason=reason)
        if is_whitelisted:  # applies only to accounts on the venue's whitelist
            continue
        pointers.append(limit_pointer)
        tiers.append(
            Tier(
                upper_bound(limit, "quantity", limit_pointer),
                rate(limit, "initialMargin", limit_pointer),
                rate(limit, "maintMargin", limit_pointer),
            )
        )
    return tuple(pointers), tuple(tiers)


def _usd(  # noqa: PLR0913, PLR0917 - the inputs of a conversion
    snapshot: Snapshot,
    payload: Payload,
    row: JsonObject,
    pointer: str,
    instrument: Instrument,
    prices: dict[str, Factor],
) -> UsdConversion | Unknown:
    size = read_factor(
        payload,
        f"multiplier of {instrument.id}",
        row,
        "contractMultiplier",
        pointer,
        "coins per contract",
    )
    price = prices.get(instrument.id) or archived_price(
        snapshot, instrument.underlying.asset, payload.observed_at
    )
    return contracts_to_usd(payload, (size,), price)


def linear_instrument(venue: str, row: JsonObject, pointer: str) -> Instrument:
    """Instrument of a linear contract, from its underlying coin and margin token."""
    base, settle = text_value(row, "underlying", pointer), text_value(row, "marginToken", pointer)
    return contract(
        venue, text_value(row, "symbol", pointer), base=base, quote=settle, settle=settle
    )
