"""MEXC contracts: flat risk levels in the contract detail, sized in contracts or in value."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from harmonize.instrument import contract
from harmonize.payload import Column, Defect, Factor, Payload, Snapshot, UnreadablePayloadError
from harmonize.schedule import MarginMode, Profile, Tier, Unknown
from venues import ladder
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.reading import Row, in_sequence, number, positive, rate, read_rows, rows, word
from venues.units import contracts, currency, factor

DETAIL = "contractPublicGetDetail"
TICKER = "contractPublicGetTicker"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every contract's risk levels; volumes become USD by contract size and fair price."""
    defects: list[Defect] = []
    prices = dict(read_rows(snapshot.answers(TICKER), ("data",), _price, defects))

    def build(payload: Payload, row: Row, at: str) -> Iterator[ladder.Ladder]:
        return _ladder(payload, row, at, prices)

    found = read_rows(snapshot.answers(DETAIL), ("data",), build, defects)
    return ladder.parsed(snapshot, found, facts, defects)


def _price(payload: Payload, row: Row, at: str) -> list[tuple[str, Factor]]:
    symbol = word(row, "symbol", at)
    return [(symbol, factor(payload, f"fair price of {symbol}", row, "fairPrice", at, "USD"))]


def _ladder(
    payload: Payload, row: Row, at: str, prices: dict[str, Factor]
) -> Iterator[ladder.Ladder]:
    id_ = word(row, "symbol", at)
    base, quote, settle = (word(row, key, at) for key in ("baseCoin", "quoteCoin", "settleCoin"))
    listed = contract("mexc", id_, base=base, quote=quote, settle=settle)
    by_value = _by_value(row, at)
    size = factor(payload, f"contract size of {id_}", row, "contractSize", at, base)
    missing = Unknown(f"risk levels are in contracts and the snapshot has no price of {id_}")
    usd = (
        currency(listed, quote)
        if by_value
        else contracts(payload, (size,), prices.get(id_, missing))
    )
    mode = word(row, "riskLimitMode", at)
    if mode not in _READERS:
        reason = f"one of {', '.join(sorted(_READERS))} was due, was {mode!r}"
        raise UnreadablePayloadError(where=f"{at}/riskLimitMode", reason=reason)
    reader = _READERS[mode]
    pointers, tiers = reader.read(row, at)
    yield ladder.Ladder(
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
        usd=usd,
        doubts=(reader.doubt,),
        notes=_lower_leverage(row),
    )


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
    endpoints=(
        Endpoint(DETAIL, "GET /api/v1/contract/detail", Purpose.MARGIN),
        Endpoint(TICKER, "GET /api/v1/contract/ticker", Purpose.PRICES),
    ),
    parse=parse,
)
