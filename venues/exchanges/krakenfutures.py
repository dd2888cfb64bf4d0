"""Kraken Futures: marginal IM and MM per margin level, with retail and per-entity schedules."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import Column, Defect, Factor, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import (
    INFINITY,
    Derived,
    Known,
    MarginMode,
    Observed,
    Profile,
    Tier,
    Unknown,
    value_of,
)
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import (
    JsonObject,
    is_missing,
    iso_date,
    iter_objects,
    json_object,
    number,
    positive_number,
    rate,
    read_rows,
    text_value,
    upper_bound,
)
from venues.parsing import tier_tables
from venues.parsing.listing import has_ended_on, has_expired, parse_day
from venues.parsing.units import contracts_to_usd, read_factor

INSTRUMENTS = "publicGetInstruments"
TICKERS = "publicGetTickers"

_LOWER_BOUND_KEYS = {"flexible_futures": "numNonContractUnits", "futures_inverse": "contracts"}
"""Key of a level's lower bound: USD notional on PF contracts, contracts of 1 USD on PI and FI."""

_NO_CONTRACTS = frozenset({"index", "spot index"})
"""Types of rows that are no contracts."""

_SYMBOL = re.compile(r"^[A-Z]{2}_(?P<base>.+?)(?P<quote>USD)(?:_(?P<day>\d{6}))?$", re.IGNORECASE)
"""Symbol of a contract in USD, for rows from before the venue named currencies."""


@dataclass(frozen=True, slots=True)
class _LevelList:
    """Margin levels of one account class, as decoded from the payload."""

    account_class: str
    pointer: str
    levels: object


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads all margin levels of every contract. The last level ends at the largest position."""
    defects: list[Defect] = []
    marks = dict(read_rows(snapshot.answers(TICKERS), ("tickers",), _mark, defects))

    def build(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
        return _tier_tables(payload, row, pointer, marks)

    tables = read_rows(snapshot.answers(INSTRUMENTS), ("instruments",), build, defects)
    return tier_tables.build_schedules(snapshot, tables, facts, defects)


def _mark(payload: Payload, row: JsonObject, pointer: str) -> list[tuple[str, Factor]]:
    if "markPrice" not in row:
        return []
    symbol = text_value(row, "symbol", pointer)
    name = f"mark price of {symbol}"
    return [(symbol, read_factor(payload, name, row, "markPrice", pointer, "USD"))]


def _tier_tables(
    payload: Payload, row: JsonObject, pointer: str, marks: dict[str, Factor]
) -> Iterator[tier_tables.TierTable]:
    if row.get("tradeable") is not True or row.get("isExpired") is True:
        return
    contract_type = text_value(row, "type", pointer)
    if contract_type in _NO_CONTRACTS:
        return
    if contract_type not in _LOWER_BOUND_KEYS:
        reason = f"expected one of {', '.join(sorted(_LOWER_BOUND_KEYS))}, found {contract_type!r}"
        raise UnreadablePayloadError(where=f"{pointer}/type", reason=reason)
    if has_ended_on(payload, row, "lastTradingTime", pointer):
        return
    instrument = read_instrument(row, pointer)
    if has_expired(instrument, payload):
        return
    mark = marks.get(instrument.id)
    capacity = _capacity(payload, row, pointer, mark)
    is_sized_in_coins = contract_type != "futures_inverse"
    size = read_factor(
        payload, f"contract size of {instrument.id}", row, "contractSize", pointer, "USD"
    )
    for level_list in _level_lists(row, pointer):
        key = _LOWER_BOUND_KEYS[contract_type]
        pointers, tiers = _tiers(level_list, key, capacity)
        yield tier_tables.TierTable(
            payload=payload,
            instrument=instrument,
            profile=Profile(MarginMode.ANY, level_list.account_class),
            tiers=tiers,
            rows=pointers,
            columns=(
                Column("lower", f"/{key}", "USD" if key == "numNonContractUnits" else "contracts"),
                Column("initial", "/initialMargin", "rate"),
                Column("maintenance", "/maintenanceMargin", "rate"),
            ),
            usd=contracts_to_usd(payload, (size,), None),
            capacity=capacity,
            capacity_price=mark.value if mark and is_sized_in_coins else None,
        )


def _level_lists(row: JsonObject, pointer: str) -> Iterator[_LevelList]:
    """Yields the margin levels of each account class; ``any`` is the venue's default."""
    yield _LevelList("any", f"{pointer}/marginLevels", row.get("marginLevels"))
    if "retailMarginLevels" in row:
        yield _LevelList("retail", f"{pointer}/retailMarginLevels", row["retailMarginLevels"])
    schedules = json_object(row.get("marginSchedules", {}), f"{pointer}/marginSchedules")
    for entity, by_class in sorted(schedules.items()):
        entity_pointer = f"{pointer}/marginSchedules/{entity}"
        for account_class, levels in sorted(json_object(by_class, entity_pointer).items()):
            yield _LevelList(
                f"{account_class} {entity}", f"{entity_pointer}/{account_class}", levels
            )


def _tiers(
    level_list: _LevelList, key: str, capacity: Observed[Decimal]
) -> tuple[tuple[str, ...], tuple[Tier, ...]]:
    pointers, lowers, rates = [], [], []
    for level_pointer, level in iter_objects(level_list.levels, level_list.pointer):
        pointers.append(level_pointer)
        lowers.append(number(level, key, level_pointer))
        rates.append(
            (
                rate(level, "initialMargin", level_pointer),
                rate(level, "maintenanceMargin", level_pointer),
            )
        )
    max_position = value_of(capacity)
    # Levels that begin above the largest position are never reached.
    reachable_lowers = [lower for lower in lowers if max_position is None or lower < max_position]
    uppers = tier_tables.upper_bounds(
        reachable_lowers, INFINITY if max_position is None else max_position
    )
    return tuple(pointers[: len(uppers)]), tuple(
        Tier(upper, initial, maintenance, lower)
        for upper, lower, (initial, maintenance) in zip(uppers, lowers, rates, strict=False)
    )


def _capacity(
    payload: Payload, row: JsonObject, pointer: str, mark: Factor | None
) -> Observed[Decimal]:
    """Largest position in USD; published in contracts of 1 USD (inverse) or in coins (flexible)."""
    max_position = upper_bound(row, "maxPositionSize", pointer, open_ended_if_missing=True)
    if not max_position.is_finite():
        return tier_tables.NO_CAPACITY
    if text_value(row, "type", pointer) == "futures_inverse":
        return Known(max_position * positive_number(row, "contractSize", pointer))
    if mark is None:
        return Unknown("maxPositionSize is in coins and the snapshot has no mark price")
    if mark.observed_at.date() != payload.observed_at.date():
        note = f"maxPositionSize converted with the {mark.name} of {mark.observed_at.date()}"
        return Derived(max_position * mark.value, note)
    return Known(max_position * mark.value)


def read_instrument(row: JsonObject, pointer: str) -> Instrument:
    """Reads a contract: PF_XBTUSD, PI_XBTUSD, FI_XBTUSD_YYMMDD. Raises UnreadablePayloadError."""
    id_ = text_value(row, "symbol", pointer)
    base, quote, expiry = _names(id_, row, pointer)
    is_inverse = text_value(row, "type", pointer) == "futures_inverse"
    if not is_missing(row, "lastTradingTime"):
        expiry = iso_date(row, "lastTradingTime", pointer)
    settle = base if is_inverse else quote
    return contract("krakenfutures", id_, base=base, quote=quote, settle=settle, expiry=expiry)


def _names(id_: str, row: JsonObject, pointer: str) -> tuple[str, str, date | None]:
    """Currencies and expiry of a contract; rows of 2021 state them in the symbol alone."""
    match = _SYMBOL.match(id_)
    expiry = None
    if match and match["day"]:
        expiry = parse_day(match["day"], "%y%m%d", f"{pointer}/symbol")
    if match and is_missing(row, "base") and is_missing(row, "quote"):
        return match["base"].upper(), match["quote"].upper(), expiry
    return text_value(row, "base", pointer), text_value(row, "quote", pointer), expiry


ADAPTER = VenueAdapter(
    venue="krakenfutures",
    title="Kraken Futures",
    host="futures.kraken.com",
    endpoints=(
        Endpoint(TICKERS, "GET /derivatives/api/v3/tickers", Purpose.PRICES),
        Endpoint(INSTRUMENTS, "GET /derivatives/api/v3/instruments", Purpose.MARGIN),
    ),
    parse=parse,
)
