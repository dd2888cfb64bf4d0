"""OKX swaps and futures: flat position tiers sized in contracts, one tier table per family."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from harmonize.core.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError, decode
from harmonize.core.schedule import MarginMode, Profile, Tier, Unknown
from venues.adapter import Calls, Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import (
    Params,
    batched_calls,
    calls_with,
    combined_calls,
    field_values,
    unanswered_check,
)
from venues.exchanges import okx_contracts
from venues.facts import Facts
from venues.fields import (
    JsonObject,
    build_defect,
    check_tier_number,
    is_missing,
    iter_objects,
    non_empty,
    optional_number,
    rate,
    read_rows,
    upper_bound,
    value_at,
)
from venues.parsing import mark_prices, tier_tables
from venues.parsing.leverage_rates import initial_rate, leverage_columns
from venues.parsing.units import UsdConversion, contracts_to_usd

TIERS = "publicGetPublicPositionTiers"
INSTRUMENTS = "publicGetPublicInstruments"
MARKS = "publicGetPublicMarkPrice"

COLUMNS = (
    Column("upper", "/maxSz", "contracts"),
    Column("initial", "/imr", "rate"),
    Column("maintenance", "/mmr", "rate"),
)
LOWER = Column("lower", "/minSz", "contracts")
_LEVERAGE = "maxLever"
_MODES = ("cross", "isolated")
_FAMILIES_PER_CALL = 5
"""Largest number of families per call."""


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads the tiers of each family. Sizes become USD by contract value, multiplier and price.

    ``minSz`` of a tier is one step above ``maxSz`` of the tier before, so a tier is read as
    (previous maxSz, maxSz]; a wider distance is a gap. ccxt labels these contract counts with the quote currency. All
    contracts of a family share its tiers, whatever their expiry. The family is ``instFamily``, not
    ``uly``: the ``uly`` of an X-perpetual names another family.
    """
    defects: list[Defect] = []
    instrument_lists = non_empty(snapshot.answers(INSTRUMENTS), "data")
    by_family: defaultdict[tuple[str, str], list[okx_contracts.Contract]] = defaultdict(list)
    for contract in read_rows(
        instrument_lists, ("data",), okx_contracts.read, defects, symbol_key="instId"
    ):
        by_family[contract.family].append(contract)
    listed = frozenset(read_rows(instrument_lists, ("data",), okx_contracts.listed_family, []))
    marks = mark_prices.read_prices(
        snapshot.answers(MARKS), ("data",), ("instId", "markPx"), defects
    )
    tables: list[tier_tables.TierTable] = []
    for payload in snapshot.answers(TIERS):
        try:
            answer = _read_answer(payload)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a defect here alone
            defects.append(build_defect(payload, error, ",".join(_requested_families(payload))))
            continue
        for family in answer.rows_by_family:
            try:
                tables += [
                    _tier_table(
                        answer, family, contract, _to_usd(snapshot, payload, contract, marks)
                    )
                    for contract in _contracts_of_family(by_family, listed, answer, family)
                ]
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a defect here alone
                defects.append(build_defect(payload, error, family))
    return tier_tables.build_schedules(snapshot, tables, facts, defects)


_TierRows = list[tuple[str, JsonObject]]


@dataclass(frozen=True, slots=True)
class _TierAnswer:
    """Rows of one response by family, with the requested instrument type and margin mode."""

    payload: Payload
    instrument_type: str
    mode: str
    rows_by_family: dict[str, _TierRows]


def _read_answer(payload: Payload) -> _TierAnswer:
    """Groups the rows of a response by family.

    Raises UnreadablePayloadError: a family was not requested.
    """
    params = dict(payload.call.params)
    mode = _parameter_of(params, "tdMode", _MODES)
    instrument_type = _parameter_of(params, "instType", okx_contracts.INSTRUMENT_TYPES)
    requested_families = _requested_families(payload)
    data, data_pointer = value_at(decode(payload), "data")
    rows_by_family: dict[str, _TierRows] = {}
    for pointer, row in iter_objects(data, data_pointer):
        family = _family_of(row, pointer, requested_families)
        if (
            requested_families
            and family not in requested_families
            and not _is_asked_by_uly(params, row)
        ):
            reason = f"expected a family among {', '.join(requested_families)}, found {family}"
            raise UnreadablePayloadError(where=f"{pointer}/instFamily", reason=reason)
        rows_by_family.setdefault(family, []).append((pointer, row))
    return _TierAnswer(payload, instrument_type, mode, rows_by_family)


def _requested_families(payload: Payload) -> list[str]:
    """Families that a request names: by ``instFamily``, or by ``uly`` or one contract's id."""
    params = dict(payload.call.params)
    if params.get("instFamily"):
        return params["instFamily"].split(",")
    if params.get("uly"):
        return params["uly"].split(",")
    id_ = params.get("instId", "")
    return ["-".join(id_.split("-")[:2])] if id_ else []


def _family_of(row: JsonObject, pointer: str, requested_families: list[str]) -> str:
    """Family of a tier, which the request names if the row does not."""
    if is_missing(row, "instFamily") and is_missing(row, "uly") and len(requested_families) == 1:
        return requested_families[0]
    return okx_contracts.family_of(row, pointer)


def _is_asked_by_uly(params: dict[str, str], row: JsonObject) -> bool:
    """Whether a request by ``uly`` covers a row: an X-perpetual's family has another name."""
    return not params.get("instFamily") and row.get("uly") in params.get("uly", "").split(",")


_ByFamily = dict[tuple[str, str], list[okx_contracts.Contract]]


def _contracts_of_family(
    by_family: _ByFamily,
    listed: frozenset[tuple[str, str]],
    answer: _TierAnswer,
    family: str,
) -> list[okx_contracts.Contract]:
    """Contracts of a family that trade. Raises UnreadablePayloadError: the family is not listed."""
    key = (answer.instrument_type, family)
    if key not in by_family and key not in listed:
        reason = f"no instrument of family {family} in the snapshot, so no contract value"
        raise UnreadablePayloadError(where="/data", reason=reason)
    return by_family.get(key, [])


def _parameter_of(params: dict[str, str], name: str, allowed: tuple[str, str]) -> str:
    value = params.get(name, "")
    if value not in allowed:
        reason = f"expected a call with {name} {' or '.join(allowed)}, found {value!r}"
        raise UnreadablePayloadError(where="", reason=reason)
    return value


def _tiers(tier_rows: _TierRows) -> tuple[Tier, ...]:
    tiers = []
    for ordinal, (pointer, row) in enumerate(tier_rows, start=1):
        check_tier_number(row, "tier", ordinal, pointer)
        tiers.append(
            Tier(
                upper=upper_bound(row, "maxSz", pointer),
                lower=optional_number(row, "minSz", pointer),
                initial_rate=initial_rate(rate(row, "imr", pointer), row, _LEVERAGE, pointer),
                maintenance_rate=rate(row, "mmr", pointer),
            )
        )
    return tuple(tiers)


def _tier_table(
    answer: _TierAnswer, family: str, contract: okx_contracts.Contract, usd: UsdConversion | Unknown
) -> tier_tables.TierTable:
    tier_rows = answer.rows_by_family[family]
    return tier_tables.TierTable(
        payload=answer.payload,
        instrument=contract.instrument,
        profile=Profile(MarginMode(answer.mode)),
        tiers=_tiers(tier_rows),
        rows=tuple(pointer for pointer, _ in tier_rows),
        columns=(
            *COLUMNS,
            *((LOWER,) if all("minSz" in row for _, row in tier_rows) else ()),
            *leverage_columns((row for _, row in tier_rows), _LEVERAGE),
        ),
        usd=usd,
        supporting=(contract.payload,),
    )


def _to_usd(
    snapshot: Snapshot,
    payload: Payload,
    contract: okx_contracts.Contract,
    marks: mark_prices.MarkPrices,
) -> UsdConversion | Unknown:
    sizes = (contract.size, contract.multiplier)
    if contract.value_currency == "USD":
        return contracts_to_usd(payload, sizes, None)
    return contracts_to_usd(payload, sizes, marks.price(snapshot, contract.instrument, payload))


def _listed_families(instrument_type: str) -> Callable[[Snapshot], Iterable[str]]:
    def is_traded(row: JsonObject) -> bool:
        return row.get("instType") == instrument_type and okx_contracts.is_known_to_trade(row)

    return field_values(INSTRUMENTS, "data", field="instFamily", where=is_traded)


def _listed_tables(snapshot: Snapshot) -> Iterator[str]:
    for instrument_type in okx_contracts.INSTRUMENT_TYPES:
        for family in set(_listed_families(instrument_type)(snapshot)):
            yield from (f"{family} ({instrument_type}, {mode})" for mode in _MODES)


def _answered_tables(snapshot: Snapshot) -> Iterator[str]:
    for payload in snapshot.answers(TIERS):
        answer = _read_answer(payload)
        yield from (
            f"{family} ({answer.instrument_type}, {answer.mode})"
            for family in answer.rows_by_family
        )


def _all_families(snapshot: Snapshot) -> Iterable[Params]:
    """Plans calls for the tiers of all families in both margin modes."""
    plans = (
        batched_calls(
            "instFamily",
            _listed_families(instrument_type),
            _FAMILIES_PER_CALL,
            instType=instrument_type,
            tdMode=mode,
        )
        for instrument_type in okx_contracts.INSTRUMENT_TYPES
        for mode in _MODES
    )
    return combined_calls(*plans)(snapshot)


_EACH_INSTRUMENT_TYPE = calls_with(
    *({"instType": instrument_type} for instrument_type in okx_contracts.INSTRUMENT_TYPES)
)

ADAPTER = VenueAdapter(
    venue="okx",
    title="OKX",
    host="www.okx.com",
    endpoints=(
        Endpoint(
            INSTRUMENTS,
            "GET /api/v5/public/instruments",
            Purpose.INSTRUMENTS,
            call_plan=_EACH_INSTRUMENT_TYPE,
        ),
        Endpoint(
            "publicGetPublicOpenInterest",
            "GET /api/v5/public/open-interest",
            Purpose.OPEN_INTEREST,
            call_plan=_EACH_INSTRUMENT_TYPE,
        ),
        Endpoint(
            "publicGetMarketTickers",
            "GET /api/v5/market/tickers",
            Purpose.PRICES,
            call_plan=_EACH_INSTRUMENT_TYPE,
        ),
        Endpoint(
            MARKS, "GET /api/v5/public/mark-price", Purpose.PRICES, call_plan=_EACH_INSTRUMENT_TYPE
        ),
        Endpoint(
            TIERS,
            "GET /api/v5/public/position-tiers",
            Purpose.MARGIN,
            calls=Calls.PER_FAMILY,
            call_plan=_all_families,
        ),
    ),
    parse=parse,
    completeness_error=unanswered_check(_listed_tables, _answered_tables),
)
