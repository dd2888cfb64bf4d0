"""MEXC contracts: flat risk levels in the contract detail, sized in contracts or in value."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from harmonize.core.instrument import Instrument, Payoff, contract
from harmonize.core.payload import Column, Defect, Factor, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import MarginMode, Profile, Tier, Unknown
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, in_sequence, number, positive, rate, read_rows, rows, word
from venues.parsing import mark_prices, tier_tables
from venues.parsing.units import ToUsd, contracts, currency, factor

DETAIL = "contractPublicGetDetail"
TICKER = "contractPublicGetTicker"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every contract's risk levels; volumes become USD by contract size and fair price."""
    defects: list[Defect] = []
    tickers = snapshot.answers(TICKER)
    prices = mark_prices.read(
        tickers, ("data",), ("symbol", "fairPrice"), defects, kind="fair price"
    )

    def price(listed: Instrument, payload: Payload) -> Factor | Unknown:
        return prices.price(snapshot, listed, payload)

    def build(payload: Payload, row: Row, at: str) -> Iterator[tier_tables.TierTable]:
        return _ladder(payload, row, at, price)

    found = read_rows(snapshot.answers(DETAIL), ("data",), build, defects)
    return tier_tables.parsed(snapshot, found, facts, defects)


_Price = Callable[[Instrument, Payload], Factor | Unknown]


def _ladder(payload: Payload, row: Row, at: str, price: _Price) -> Iterator[tier_tables.TierTable]:
    if not _trades(row, at):
        return
    id_ = word(row, "symbol", at)
    base, quote, settle = (word(row, key, at) for key in ("baseCoin", "quoteCoin", "settleCoin"))
    listed = contract("mexc", id_, base=base, quote=quote, settle=settle)
    by_value = _by_value(row, at)
    inverse = listed.payoff is Payoff.INVERSE
    size = factor(
        payload, f"contract size of {id_}", row, "contractSize", at, quote if inverse else base
    )
    mode = word(row, "riskLimitMode", at)
    if mode not in _READERS:
        reason = f"one of {', '.join(sorted(_READERS))} was due, was {mode!r}"
        raise UnreadablePayloadError(where=f"{at}/riskLimitMode", reason=reason)
    reader = _READERS[mode]
    pointers, tiers = reader.read(row, at)
    yield tier_tables.TierTable(
        payload=payload,
        instrument=listed,
        profile=Profile(MarginMode.ANY),
        tiers=tiers,
        rows=pointers,
        columns=(
            Column("upper", reader.upper, "quote currency" if by_value else "contracts"),
            Column("initial", reader.initial, "rate"),
            Column("maintenance", reader.maintenance, "rate"),
        ),
        usd=_to_usd(payload, listed, size, price, by_value=by_value),
        doubts=(reader.doubt,),
        notes=_lower_leverage(row),
        guessed_unit=_IN_USD if inverse else "",
    )


_IN_USD = "the contract size of coin-margined contracts is read as US dollars"

_STATES = {"0": True, "1": False, "2": False, "3": False, "4": True}
"""Whether a contract trades: enabled, in delivery, delivered, offline, paused."""


def _trades(row: Row, at: str) -> bool:
    state = str(row.get("state"))
    if state not in _STATES:
        reason = f"one of {', '.join(_STATES)} was due, was {state!r}"
        raise UnreadablePayloadError(where=f"{at}/state", reason=reason)
    return _STATES[state]


def _to_usd(
    payload: Payload,
    listed: Instrument,
    size: Factor,
    price: _Price,
    *,
    by_value: bool,
) -> ToUsd | Unknown:
    """Contracts × size × fair price; the size of a coin-margined contract is in dollars already."""
    inverse = listed.payoff is Payoff.INVERSE
    if by_value and inverse:
        return Unknown("the unit of a coin-margined contract's limits by value is not known")
    if by_value:
        return currency(listed, listed.quote)
    return contracts(payload, (size,), None if inverse else price(listed, payload))


def _lower_leverage(row: Row) -> tuple[str, ...]:
    """Note the lower maximum that the contract states by country; levels do not carry it."""
    stated = row.get("countryConfigContractMaxLeverage")
    if stated is None or stated == row.get("maxLeverage"):
        return ()
    return (f"The contract also states a maximum leverage by country of {_text(stated)}x.",)


def _text(value: object) -> str:
    return str(value) if isinstance(value, int | Decimal) else ascii(value)


def _by_value(row: Row, at: str) -> bool:
    """Whether limits are position value (BY_VALUE) or contracts (BY_VOLUME)."""
    unit = word(row, "riskLimitType", at)
    if unit not in {"BY_VALUE", "BY_VOLUME"}:
        reason = f"BY_VALUE or BY_VOLUME was due, was {unit!r}"
        raise UnreadablePayloadError(where=f"{at}/riskLimitType", reason=reason)
    return unit == "BY_VALUE"


_Levels = tuple[tuple[str, ...], tuple[Tier, ...]]


def _custom(row: Row, at: str) -> _Levels:
    """``riskLimitCustom`` lists the levels; the riskIncr fields are zero and say nothing."""
    pointers, tiers = [], []
    levels = rows(row.get("riskLimitCustom"), f"{at}/riskLimitCustom")
    for position, (pointer, level) in enumerate(levels, start=1):
        in_sequence(level, "level", position, pointer)
        pointers.append(pointer)
        tiers.append(
            Tier(
                upper=positive(level, "maxVol", pointer),
                initial_rate=rate(level, "imr", pointer),
                maintenance_rate=rate(level, "mmr", pointer),
            )
        )
    return tuple(pointers), tuple(tiers)


def _increasing(row: Row, at: str) -> _Levels:
    """Level k reaches riskBaseVol + (k - 1) * riskIncrVol, its rates rise by a constant."""
    base, step = positive(row, "riskBaseVol", at), number(row, "riskIncrVol", at)
    initial, maintenance = (
        rate(row, "initialMarginRate", at),
        rate(row, "maintenanceMarginRate", at),
    )
    more_initial, more_maintenance = number(row, "riskIncrImr", at), number(row, "riskIncrMmr", at)
    count = positive(row, "riskLevelLimit", at)
    if count != int(count) or count > _MOST_LEVELS:
        reason = f"a count of levels up to {_MOST_LEVELS} was due, was {count}"
        raise UnreadablePayloadError(where=f"{at}/riskLevelLimit", reason=reason)
    one = Decimal(1)
    tiers = tuple(
        Tier(
            upper=base + level * step,
            initial_rate=min(one, initial + level * more_initial),
            maintenance_rate=min(one, maintenance + level * more_maintenance),
        )
        for level in range(int(count))
    )
    return (at,) * len(tiers), tiers


_MOST_LEVELS = 1000


@dataclass(frozen=True, slots=True)
class _Reader:
    read: Callable[[Row, str], _Levels]
    upper: str
    initial: str
    maintenance: str
    doubt: str


_READERS = {
    "CUSTOM": _Reader(_custom, "/maxVol", "/imr", "/mmr", ""),
    "INCREASE": _Reader(
        _increasing,
        "/riskBaseVol",
        "/initialMarginRate",
        "/maintenanceMarginRate",
        "levels built from riskBaseVol and the riskIncr fields",
    ),
}


ADAPTER = VenueAdapter(
    venue="mexc",
    title="MEXC",
    host="api.mexc.com",
    endpoints=(
        Endpoint(TICKER, "GET /api/v1/contract/ticker", Purpose.PRICES),
        Endpoint(DETAIL, "GET /api/v1/contract/detail", Purpose.MARGIN),
    ),
    parse=parse,
)
