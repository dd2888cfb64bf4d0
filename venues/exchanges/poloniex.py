"""Poloniex futures: tiers in contracts, one call per symbol; otherwise the first tier's rates."""

from collections.abc import Iterator

from harmonize.core.instrument import Instrument, Payoff, contract
from harmonize.core.payload import (
    Column,
    Defect,
    Factor,
    Payload,
    Snapshot,
    UnreadablePayloadError,
    decode,
)
from harmonize.core.schedule import MarginMode, Profile, Tier, Unknown
from venues.adapter import Calls, Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import call_per_value, field_values
from venues.facts import Facts
from venues.fields import (
    JsonObject,
    build_defect,
    check_tier_number,
    iter_objects,
    non_empty,
    number,
    positive_number,
    rate,
    read_rows,
    text_value,
    upper_bound,
    value_at,
)
from venues.parsing import flat_rates, tier_tables
from venues.parsing.listing import closed_contracts
from venues.parsing.narrow_answers import contract_name, requested_name
from venues.parsing.units import UsdConversion, contracts_to_usd, read_factor

INSTRUMENTS = "swapPublicGetV3MarketAllInstruments"
TICKERS = "swapPublicGetV3MarketTickers"
TIERS = "swapPublicGetV3MarketRiskLimit"
INITIAL = flat_rates.PublishedRate("iM", leverage="maxLever")
MAINTENANCE = flat_rates.PublishedRate("mM")
FIRST_TIER_ONLY = "rates of the first tier; the instrument list does not state its upper bound"
_MODES = {"CROSS": MarginMode.CROSS, "ISOLATED": MarginMode.ISOLATED}

_Contracts = dict[str, tuple[Instrument, Factor]]


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads the tiers of each symbol by margin mode. A symbol without tiers gets its first tier."""
    defects: list[Defect] = []
    contracts_by_symbol: _Contracts = dict(
        read_rows(snapshot.answers(INSTRUMENTS), ("data",), _sized_instrument, defects)
    )
    tickers = non_empty(snapshot.answers(TICKERS), "data")
    marks = dict(read_rows(tickers, ("data",), _mark, defects))
    tables: list[tier_tables.TierTable] = []
    tiered_symbols = set()
    closed = closed_contracts(snapshot.answers(INSTRUMENTS), ("data",), "symbol", _is_trading)
    for payload in snapshot.answers(TIERS):
        symbol = requested_name(payload, "symbol")
        tiered_symbols.add(symbol)
        try:
            tables += _tier_tables(payload, contracts_by_symbol, closed, marks)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a defect here alone
            defects.append(build_defect(payload, error, symbol))

    def first_tier(
        payload: Payload, row: JsonObject, pointer: str
    ) -> Iterator[tier_tables.TierTable]:
        id_ = text_value(row, "symbol", pointer)
        if id_ in contracts_by_symbol and id_ not in tiered_symbols:
            instrument = contracts_by_symbol[id_][0]
            yield flat_rates.table_from_rates(
                payload,
                row,
                pointer,
                instrument,
                INITIAL,
                MAINTENANCE,
                doubts=(FIRST_TIER_ONLY,),
                exclusion_reason=FIRST_TIER_ONLY,
            )

    tables += read_rows(snapshot.answers(INSTRUMENTS), ("data",), first_tier, defects)
    return tier_tables.build_schedules(snapshot, tables, facts, defects)


def _is_trading(_: Payload, row: JsonObject, pointer: str) -> bool:
    return text_value(row, "status", pointer) == "OPEN"


def _sized_instrument(
    payload: Payload, row: JsonObject, pointer: str
) -> Iterator[tuple[str, tuple[Instrument, Factor]]]:
    if not _is_trading(payload, row, pointer):
        return
    contract_type = text_value(row, "ctType", pointer)
    if contract_type not in {"LINEAR", "INVERSE"}:
        reason = f"expected LINEAR or INVERSE, found {contract_type!r}"
        raise UnreadablePayloadError(where=f"{pointer}/ctType", reason=reason)
    base, quote = text_value(row, "bCcy", pointer), text_value(row, "qCcy", pointer)
    id_, settle = text_value(row, "symbol", pointer), text_value(row, "sCcy", pointer)
    size = read_factor(
        payload, f"contract value of {id_}", row, "ctVal", pointer, "coins per contract"
    )
    yield id_, (contract("poloniex", id_, base=base, quote=quote, settle=settle), size)


def _mark(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tuple[str, Factor]]:
    symbol = text_value(row, "symbol", pointer)
    yield symbol, read_factor(payload, f"mark price of {symbol}", row, "mPx", pointer, "USD")


def _tier_tables(
    payload: Payload,
    contracts_by_symbol: _Contracts,
    closed: frozenset[str],
    marks: dict[str, Factor],
) -> Iterator[tier_tables.TierTable]:
    data, data_pointer = value_at(decode(payload), "data")
    by_mode: dict[tuple[str, str], list[tuple[str, Tier]]] = {}
    for pointer, row in iter_objects(data, data_pointer):
        symbol = contract_name(payload, row, pointer, "symbol", "symbol")
        key = (symbol, text_value(row, "mgnMode", pointer))
        mode_rows = by_mode.setdefault(key, [])
        check_tier_number(row, "tier", len(mode_rows) + 1, pointer)
        tier = Tier(
            upper=upper_bound(row, "maxSize", pointer),
            lower=number(row, "minSize", pointer),
            initial_rate=tier_tables.leverage_to_rate(positive_number(row, "maxLever", pointer)),
            maintenance_rate=rate(row, "mMRatio", pointer),
        )
        mode_rows.append((pointer, tier))
    for (symbol, mode), tier_rows in by_mode.items():
        if symbol in closed:
            continue
        if mode not in _MODES or symbol not in contracts_by_symbol:
            reason = (
                f"expected CROSS or ISOLATED of a listed contract, found {mode!r} of {symbol!r}"
            )
            raise UnreadablePayloadError(where=data_pointer, reason=reason)
        instrument, size = contracts_by_symbol[symbol]
        yield tier_tables.TierTable(
            payload=payload,
            instrument=instrument,
            profile=Profile(_MODES[mode]),
            tiers=tuple(tier for _, tier in tier_rows),
            rows=tuple(pointer for pointer, _ in tier_rows),
            columns=(
                Column("upper", "/maxSize", "contracts"),
                Column("lower", "/minSize", "contracts"),
                Column("initial", "/maxLever", "leverage"),
                Column("maintenance", "/mMRatio", "rate"),
            ),
            usd=_to_usd(payload, instrument, size, marks.get(symbol)),
        )


def _to_usd(
    payload: Payload, instrument: Instrument, size: Factor, mark: Factor | None
) -> UsdConversion | Unknown:
    if instrument.payoff is not Payoff.LINEAR:
        return Unknown("no source states the value of a coin-margined contract")
    if mark is None:
        return Unknown(f"the snapshot has no mark price of {instrument.id}")
    return contracts_to_usd(payload, (size,), mark)


ADAPTER = VenueAdapter(
    venue="poloniex",
    title="Poloniex",
    host="api.poloniex.com",
    endpoints=(
        Endpoint(TICKERS, "GET /v3/market/tickers", Purpose.PRICES),
        Endpoint(INSTRUMENTS, "GET /v3/market/allInstruments", Purpose.INSTRUMENTS),
        Endpoint(
            TIERS,
            "GET /v3/market/riskLimit",
            Purpose.MARGIN,
            calls=Calls.PER_SYMBOL,
            call_plan=call_per_value(
                "symbol",
                field_values(
                    INSTRUMENTS,
                    "data",
                    field="symbol",
                    where=lambda row: row.get("status") == "OPEN",
                ),
            ),
        ),
    ),
    parse=parse,
)
