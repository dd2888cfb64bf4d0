"""MEXC contracts: flat risk levels from the contract detail, sized in contracts or in value."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from harmonize.core.instrument import Instrument, Payoff, contract
from harmonize.core.payload import Column, Defect, Factor, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import MarginMode, Profile, Tier, Unknown
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import (
    JsonObject,
    check_tier_number,
    is_missing,
    iter_objects,
    number,
    positive_number,
    rate,
    read_rows,
    text_value,
    upper_bound,
)
from venues.parsing import mark_prices, tier_tables
from venues.parsing.leverage_rates import initial_rate, leverage_columns
from venues.parsing.units import UsdConversion, contracts_to_usd, currency_to_usd, read_factor

DETAIL = "contractPublicGetDetail"
TICKER = "contractPublicGetTicker"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads the risk levels of every contract. Volumes become USD by contract size and fair price."""
    defects: list[Defect] = []
    tickers = snapshot.answers(TICKER)
    prices = mark_prices.read_prices(
        tickers, ("data",), ("symbol", "fairPrice"), defects, kind="fair price"
    )

    def price(instrument: Instrument, payload: Payload) -> Factor | Unknown:
        return prices.price(snapshot, instrument, payload)

    def build(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
        return _tier_table(payload, row, pointer, price)

    tables = read_rows(snapshot.answers(DETAIL), ("data",), build, defects)
    return tier_tables.build_schedules(snapshot, tables, facts, defects)


_PriceLookup = Callable[[Instrument, Payload], Factor | Unknown]


def _tier_table(
    payload: Payload, row: JsonObject, pointer: str, price: _PriceLookup
) -> Iterator[tier_tables.TierTable]:
    if not _is_trading(row, pointer):
        return
    id_ = text_value(row, "symbol", pointer)
    base, quote, settle = (
        text_value(row, key, pointer) for key in ("baseCoin", "quoteCoin", "settleCoin")
    )
    instrument = contract("mexc", id_, base=base, quote=quote, settle=settle)
    by_value = _has_value_limits(row, pointer)
    is_inverse = instrument.payoff is Payoff.INVERSE
    size = read_factor(
        payload,
        f"contract size of {id_}",
        row,
        "contractSize",
        pointer,
        quote if is_inverse else base,
    )
    reader = _level_reader(row, pointer)
    pointers, tiers = reader.read(row, pointer)
    levels = row.get("riskLimitCustom")
    published = levels if reader.initial == "/imr" and isinstance(levels, list) else [row]
    yield tier_tables.TierTable(
        payload=payload,
        instrument=instrument,
        profile=Profile(MarginMode.ANY),
        tiers=tiers,
        rows=pointers,
        columns=(
            Column("upper", reader.upper, "quote currency" if by_value else "contracts"),
            Column("initial", reader.initial, "rate"),
            Column("maintenance", reader.maintenance, "rate"),
            *leverage_columns(published, _LEVERAGE),
        ),
        usd=_to_usd(payload, instrument, size, price, by_value=by_value),
        doubts=(reader.doubt,),
        notes=_country_leverage_notes(row),
        assumed_unit="; ".join(_assumed_units(row, is_inverse=is_inverse)),
    )


def _assumed_units(row: JsonObject, *, is_inverse: bool) -> Iterator[str]:
    if is_inverse:
        yield _SIZE_IN_USD
    if is_missing(row, "riskLimitType"):
        yield _LIMITS_IN_CONTRACTS


_LEVERAGE = "maxLeverage"
_LIMITS_IN_CONTRACTS = "limits read as contracts: the response does not state their unit"
_SIZE_IN_USD = "contract size of coin-margined contracts read as USD"

_IS_TRADING_BY_STATE = {"0": True, "1": False, "2": False, "3": False, "4": False}
"""Whether a contract trades, per state: enabled, in delivery, delivered, offline, paused."""


def _is_trading(row: JsonObject, pointer: str) -> bool:
    state = str(row.get("state"))
    if state not in _IS_TRADING_BY_STATE:
        reason = f"expected one of {', '.join(_IS_TRADING_BY_STATE)}, found {state!r}"
        raise UnreadablePayloadError(where=f"{pointer}/state", reason=reason)
    return _IS_TRADING_BY_STATE[state]


def _to_usd(
    payload: Payload,
    instrument: Instrument,
    size: Factor,
    price: _PriceLookup,
    *,
    by_value: bool,
) -> UsdConversion | Unknown:
    """Contracts × size × fair price. The size of a coin-margined contract is already in USD."""
    is_inverse = instrument.payoff is Payoff.INVERSE
    if by_value and is_inverse:
        return Unknown("the unit of a coin-margined contract's limits by value is unknown")
    if by_value:
        return currency_to_usd(instrument, instrument.quote)
    return contracts_to_usd(payload, (size,), None if is_inverse else price(instrument, payload))


def _country_leverage_notes(row: JsonObject) -> tuple[str, ...]:
    """Notes the maximum leverage per country, which the levels do not include."""
    country_leverage = row.get("countryConfigContractMaxLeverage")
    if country_leverage is None or country_leverage == row.get("maxLeverage"):
        return ()
    return (
        f"The venue also states a country-specific maximum leverage of {_text(country_leverage)}x.",
    )


def _text(value: object) -> str:
    return str(value) if isinstance(value, int | Decimal) else ascii(value)


def _has_value_limits(row: JsonObject, pointer: str) -> bool:
    """Whether limits are position value (BY_VALUE) or contracts (BY_VOLUME, or not stated)."""
    if is_missing(row, "riskLimitType"):
        return False
    unit = text_value(row, "riskLimitType", pointer)
    if unit not in {"BY_VALUE", "BY_VOLUME"}:
        reason = f"expected BY_VALUE or BY_VOLUME, found {unit!r}"
        raise UnreadablePayloadError(where=f"{pointer}/riskLimitType", reason=reason)
    return unit == "BY_VALUE"


_PointersAndTiers = tuple[tuple[str, ...], tuple[Tier, ...]]


def _custom_levels(row: JsonObject, pointer: str) -> _PointersAndTiers:
    """Reads the levels of ``riskLimitCustom``; the riskIncr fields are then zero and unused."""
    pointers, tiers = [], []
    levels = iter_objects(row.get("riskLimitCustom"), f"{pointer}/riskLimitCustom")
    for ordinal, (tier_pointer, level) in enumerate(levels, start=1):
        check_tier_number(level, "level", ordinal, tier_pointer)
        pointers.append(tier_pointer)
        tiers.append(
            Tier(
                upper=upper_bound(level, "maxVol", tier_pointer),
                initial_rate=initial_rate(
                    rate(level, "imr", tier_pointer), level, _LEVERAGE, tier_pointer
                ),
                maintenance_rate=rate(level, "mmr", tier_pointer),
            )
        )
    return tuple(pointers), tuple(tiers)


def _increasing_levels(row: JsonObject, pointer: str) -> _PointersAndTiers:
    """Level k ends at riskBaseVol + (k - 1) * riskIncrVol; rates rise by a constant per level."""
    base_volume = positive_number(row, "riskBaseVol", pointer)
    volume_step = number(row, "riskIncrVol", pointer)
    initial = initial_rate(rate(row, "initialMarginRate", pointer), row, _LEVERAGE, pointer)
    maintenance = rate(row, "maintenanceMarginRate", pointer)
    initial_step = number(row, "riskIncrImr", pointer)
    maintenance_step = number(row, "riskIncrMmr", pointer)
    count = positive_number(row, "riskLevelLimit", pointer)
    if count != int(count) or count > _MAX_LEVELS:
        reason = f"expected a number of levels from 1 to {_MAX_LEVELS}, found {count}"
        raise UnreadablePayloadError(where=f"{pointer}/riskLevelLimit", reason=reason)
    full_rate = Decimal(1)
    tiers = tuple(
        Tier(
            upper=base_volume + level * volume_step,
            initial_rate=min(full_rate, initial + level * initial_step),
            maintenance_rate=min(full_rate, maintenance + level * maintenance_step),
        )
        for level in range(int(count))
    )
    return (pointer,) * len(tiers), tiers


_MAX_LEVELS = 1000


@dataclass(frozen=True, slots=True)
class _LevelReader:
    """Reader of one risk limit mode, with the keys of its columns and its derivation."""

    read: Callable[[JsonObject, str], _PointersAndTiers]
    upper: str
    initial: str
    maintenance: str
    doubt: str


_LEVEL_READERS = {
    "CUSTOM": _LevelReader(_custom_levels, "/maxVol", "/imr", "/mmr", ""),
    "INCREASE": _LevelReader(
        _increasing_levels,
        "/riskBaseVol",
        "/initialMarginRate",
        "/maintenanceMarginRate",
        "levels calculated from riskBaseVol and the riskIncr fields",
    ),
}


def _level_reader(row: JsonObject, pointer: str) -> _LevelReader:
    """Selects the reader for the contract's risk limit mode. Raises UnreadablePayloadError.

    Responses from before the mode existed have increasing levels.
    """
    if is_missing(row, "riskLimitMode") and is_missing(row, "riskLimitCustom"):
        return _LEVEL_READERS["INCREASE"]
    mode = text_value(row, "riskLimitMode", pointer)
    if mode not in _LEVEL_READERS:
        reason = f"expected one of {', '.join(sorted(_LEVEL_READERS))}, found {mode!r}"
        raise UnreadablePayloadError(where=f"{pointer}/riskLimitMode", reason=reason)
    return _LEVEL_READERS[mode]


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
