"""Kraken Futures: marginal IM and MM by margin level, with retail and per-entity schedules."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
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
from venues.fields import Row, mapping, number, positive, rate, read_rows, rows, word
from venues.parsing import tier_tables
from venues.parsing.units import contracts, factor

INSTRUMENTS = "publicGetInstruments"
TICKERS = "publicGetTickers"

_KINDS = {"flexible_futures": "numNonContractUnits", "futures_inverse": "contracts"}
"""The key of a level's lower bound: USD notional on PF contracts, contracts of 1 USD on PI, FI."""


@dataclass(frozen=True, slots=True)
class _Levels:
    account_class: str
    at: str
    value: object


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every margin ladder of every contract; the last level ends at the largest position."""
    defects: list[Defect] = []
    marks = dict(read_rows(snapshot.answers(TICKERS), ("tickers",), _mark, defects))

    def build(payload: Payload, row: Row, at: str) -> Iterator[tier_tables.TierTable]:
        return _ladders(payload, row, at, marks)

    found = read_rows(snapshot.answers(INSTRUMENTS), ("instruments",), build, defects)
    return tier_tables.parsed(snapshot, found, facts, defects)


def _mark(payload: Payload, row: Row, at: str) -> list[tuple[str, Factor]]:
    if "markPrice" not in row:
        return []
    symbol = word(row, "symbol", at)
    name = f"mark price of {symbol}"
    return [(symbol, factor(payload, name, row, "markPrice", at, "USD"))]


def _ladders(
    payload: Payload, row: Row, at: str, marks: dict[str, Factor]
) -> Iterator[tier_tables.TierTable]:
    kind = word(row, "type", at)
    if kind not in _KINDS:
        reason = f"one of {', '.join(sorted(_KINDS))} was due, was {kind!r}"
        raise UnreadablePayloadError(where=f"{at}/type", reason=reason)
    if row.get("tradeable") is not True:
        return
    listed = instrument(row, at)
    mark = marks.get(listed.id)
    capacity = _capacity(payload, row, at, mark)
    in_coins = kind != "futures_inverse"
    size = factor(payload, f"contract size of {listed.id}", row, "contractSize", at, "USD")
    for levels in _schedules(row, at):
        key = _KINDS[kind]
        pointers, tiers = _tiers(levels, key, capacity)
        yield tier_tables.TierTable(
            payload=payload,
            instrument=listed,
            profile=Profile(MarginMode.ANY, levels.account_class),
            tiers=tiers,
            rows=pointers,
            columns=(
                Column("lower", f"/{key}", "USD" if key == "numNonContractUnits" else "contracts"),
                Column("initial", "/initialMargin", "rate"),
                Column("maintenance", "/maintenanceMargin", "rate"),
            ),
            usd=contracts(payload, (size,), None),
            capacity=capacity,
            capacity_price=mark.value if mark and in_coins else None,
        )


def _schedules(row: Row, at: str) -> Iterator[_Levels]:
    """Name every ladder by the account class it is for; ``any`` is the venue's default one."""
    yield _Levels("any", f"{at}/marginLevels", row.get("marginLevels"))
    if "retailMarginLevels" in row:
        yield _Levels("retail", f"{at}/retailMarginLevels", row["retailMarginLevels"])
    schedules = mapping(row.get("marginSchedules", {}), f"{at}/marginSchedules")
    for entity, by_class in sorted(schedules.items()):
        there = f"{at}/marginSchedules/{entity}"
        for account_class, levels in sorted(mapping(by_class, there).items()):
            yield _Levels(f"{account_class} {entity}", f"{there}/{account_class}", levels)


def _tiers(
    levels: _Levels, key: str, capacity: Observed[Decimal]
) -> tuple[tuple[str, ...], tuple[Tier, ...]]:
    pointers, lowers, rates = [], [], []
    for pointer, level in rows(levels.value, levels.at):
        pointers.append(pointer)
        lowers.append(number(level, key, pointer))
        rates.append(
            (rate(level, "initialMargin", pointer), rate(level, "maintenanceMargin", pointer))
        )
    largest = value_of(capacity)
    # Levels that begin above the largest position are never reached.
    reached = [low for low in lowers if largest is None or low < largest]
    uppers = tier_tables.open_ended(reached, INFINITY if largest is None else largest)
    return tuple(pointers[: len(uppers)]), tuple(
        Tier(upper, initial, maintenance, lower)
        for upper, lower, (initial, maintenance) in zip(uppers, lowers, rates, strict=False)
    )


def _capacity(payload: Payload, row: Row, at: str, mark: Factor | None) -> Observed[Decimal]:
    """The largest position: contracts of 1 USD on inverse contracts, coins on flexible ones."""
    largest = positive(row, "maxPositionSize", at)
    if word(row, "type", at) == "futures_inverse":
        return Known(largest * positive(row, "contractSize", at))
    if mark is None:
        return Unknown("maxPositionSize is in coins and the snapshot has no mark price")
    if mark.observed_at.date() != payload.observed_at.date():
        note = f"maxPositionSize converted with the {mark.name} of {mark.observed_at.date()}"
        return Derived(largest * mark.value, note)
    return Known(largest * mark.value)


def instrument(row: Row, at: str) -> Instrument:
    """Name a contract: PF_XBTUSD, PI_XBTUSD, FI_XBTUSD_YYMMDD. Raises UnreadablePayloadError."""
    id_ = word(row, "symbol", at)
    base, quote = word(row, "base", at), word(row, "quote", at)
    inverse = word(row, "type", at) == "futures_inverse"
    day = None
    if "lastTradingTime" in row:
        day = datetime.fromisoformat(word(row, "lastTradingTime", at)).date()
    settle = base if inverse else quote
    return contract("krakenfutures", id_, base=base, quote=quote, settle=settle, expiry=day)


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
