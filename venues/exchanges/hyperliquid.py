"""Hyperliquid perpetuals: margin tables of maximum leverage; MM is half of each tier's IM."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError, decode
from harmonize.core.schedule import MarginMode, Profile, Tier, Unknown
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import single_call
from venues.facts import Facts
from venues.fields import (
    JsonObject,
    build_defect,
    iter_objects,
    json_array,
    json_object,
    number,
    positive_number,
    read_rows,
    text_value,
)
from venues.parsing import tier_tables
from venues.parsing.units import UsdConversion, currency_to_usd

INFO = "publicPostInfo"
ALL = "allPerpMetas"
_OWN_MARKETS = {"meta", "metaAndAssetCtxs"}

_SINGLE_TIER_BELOW = 50
"""A margin table id below this value stands for one tier whose maximum leverage is the id."""


@dataclass(frozen=True, slots=True)
class _MarginTable:
    """Lower bounds and maximum leverages of one margin table, with the pointer to its tiers."""

    pointer: str
    lowers: tuple[Decimal, ...]
    leverages: tuple[Decimal, ...]


HALF_OF_INITIAL = "The MM rate is half of the tier's IM rate, as the venue states."
NO_TABLES = "maximum leverage read as one tier: the response has no margin table for the market"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Joins each market with the margin table of the same payload, never of another date."""
    defects: list[Defect] = []
    tables: list[tier_tables.TierTable] = []
    for payload in _answers(snapshot):
        try:
            metas = list(_metas(payload))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a defect here alone
            defects.append(build_defect(payload, error))
            continue
        for raw_meta, meta_pointer in _with_markets(metas):
            try:
                meta = json_object(raw_meta, meta_pointer)
                margin_tables = (
                    _margin_tables(payload, meta, meta_pointer, defects)
                    if "marginTables" in meta
                    else None
                )
                settle = _collateral(meta)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a defect here alone
                defects.append(build_defect(payload, error))
                continue

            def build(
                payload: Payload,
                row: JsonObject,
                pointer: str,
                margin_tables: Mapping[int, _MarginTable | Unknown] | None = margin_tables,
                settle: str = settle,
            ) -> Iterator[tier_tables.TierTable]:
                return _tier_table(payload, row, pointer, margin_tables, settle)

            keys = (*meta_pointer.split("/")[1:], "universe")
            tables += read_rows((payload,), keys, build, defects, symbol_key="name")
    return tier_tables.build_schedules(snapshot, tables, facts, defects)


def _answers(snapshot: Snapshot) -> list[Payload]:
    """Payloads with markets: those covering all exchanges if present, otherwise the venue's own."""
    answers = snapshot.answers(INFO)
    all_exchanges = [payload for payload in answers if dict(payload.call.params).get("type") == ALL]
    return all_exchanges or [
        payload for payload in answers if dict(payload.call.params).get("type") in _OWN_MARKETS
    ]


def _metas(payload: Payload) -> Iterator[tuple[object, str]]:
    """Yields each ``meta`` object of a response with its pointer.

    ``meta`` returns one object and ``metaAndAssetCtxs`` a list that begins with it.
    ``allPerpMetas`` returns a list of objects: the venue's own, then those of HIP-3 exchanges.
    """
    document = decode(payload)
    if not isinstance(document, list):
        yield document, ""
    elif dict(payload.call.params).get("type") == ALL:
        for index, meta in enumerate(json_array(document, "")):
            yield meta, f"/{index}"
    else:
        yield json_array(document, "")[0], "/0"


def _with_markets(metas: list[tuple[object, str]]) -> list[tuple[object, str]]:
    """Exchanges that list markets: some places are null, and a new exchange has none.

    If no exchange lists any, the markets are missing and every exchange is returned.
    """
    with_markets = [
        (meta, pointer)
        for meta, pointer in metas
        if meta is not None and not (isinstance(meta, dict) and meta.get("universe") == [])
    ]
    return with_markets or metas


def _collateral(meta: JsonObject) -> str:
    """Currency of a market's amounts: USDC, or a token that the payload identifies by number only."""
    token = meta.get("collateralToken", 0)
    return "USDC" if token == 0 else f"TOKEN{token}"


def _margin_tables(
    payload: Payload, meta: JsonObject, pointer: str, defects: list[Defect]
) -> dict[int, _MarginTable | Unknown]:
    """Margin tables by id; an unreadable table is a defect, and the others are kept."""
    margin_tables: dict[int, _MarginTable | Unknown] = {}
    for index, pair in enumerate(_table_list(meta, "marginTables", pointer)):
        table_pointer = f"{pointer}/marginTables/{index}"
        try:
            table_id, body = _table_entry(pair, table_pointer)
            margin_tables[table_id] = Unknown(f"margin table {table_id} cannot be read")
            margin_tables[table_id] = _margin_table(body, f"{table_pointer}/1")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a defect here alone
            defects.append(build_defect(payload, error))
    return margin_tables


def _margin_table(body: object, pointer: str) -> _MarginTable:
    tiers_pointer = f"{pointer}/marginTiers"
    tier_rows = list(iter_objects(json_object(body, pointer).get("marginTiers"), tiers_pointer))
    return _MarginTable(
        tiers_pointer,
        tuple(number(row, "lowerBound", tier_pointer) for tier_pointer, row in tier_rows),
        tuple(positive_number(row, "maxLeverage", tier_pointer) for tier_pointer, row in tier_rows),
    )


def _table_list(meta: JsonObject, key: str, pointer: str) -> list[object]:
    """Margin tables of a payload; empty if the recording lacks them, so their markets stay unknown."""
    return json_array(meta[key], f"{pointer}/{key}") if meta.get(key, []) != [] else []


def _table_entry(entry: object, pointer: str) -> tuple[int, object]:
    parts = json_array(entry, pointer)
    if len(parts) != 2 or not isinstance(parts[0], int):  # noqa: PLR2004 - a pair
        raise UnreadablePayloadError(where=pointer, reason="expected a pair [id, table]")
    return parts[0], parts[1]


def _tier_table(
    payload: Payload,
    row: JsonObject,
    pointer: str,
    margin_tables: Mapping[int, _MarginTable | Unknown] | None,
    settle: str,
) -> Iterator[tier_tables.TierTable]:
    if row.get("isDelisted") is True:
        return
    instrument = parse_symbol(text_value(row, "name", pointer), settle)
    mode = MarginMode.ISOLATED if _is_isolated_only(row, pointer) else MarginMode.ANY
    table_id = row.get("marginTableId")
    if table_id is None:
        yield _without_table(
            payload, row, pointer, instrument, mode, has_tables=bool(margin_tables)
        )
        return
    if not isinstance(table_id, int):
        reason = f"expected a table id, found {table_id!r}"
        raise UnreadablePayloadError(where=f"{pointer}/marginTableId", reason=reason)
    usd: UsdConversion | Unknown = currency_to_usd(instrument, settle)
    pointers: tuple[str, ...] = (pointer,)
    columns: tuple[Column, ...] = (Column("initial", "/maxLeverage", "leverage"),)
    tiers: tuple[Tier, ...] = ()
    missing = Unknown(f"margin table {table_id} is not in the recording")
    if table_id < _SINGLE_TIER_BELOW:
        tiers = _tiers((Decimal(0),), (positive_number(row, "maxLeverage", pointer),))
    elif isinstance(table := (margin_tables or {}).get(table_id, missing), _MarginTable):
        pointers = tuple(f"{table.pointer}/{index}" for index in range(len(table.lowers)))
        columns = (Column("lower", "/lowerBound", "USDC"), *columns)
        tiers = _tiers(table.lowers, table.leverages)
    else:
        columns = (Column("table", "/marginTableId", "id"),)
        usd = table
    yield tier_tables.TierTable(
        payload=payload,
        instrument=instrument,
        profile=Profile(mode),
        tiers=tiers,
        rows=pointers,
        columns=columns,
        usd=usd,
        notes=(HALF_OF_INITIAL,),
        instrument_row=pointer,
    )


def _without_table(  # noqa: PLR0913 - a row with its location, and what its payload has
    payload: Payload,
    row: JsonObject,
    pointer: str,
    instrument: Instrument,
    mode: MarginMode,
    *,
    has_tables: bool,
) -> tier_tables.TierTable:
    """Table of a market that names no margin table.

    Responses from before margin tables existed state one maximum leverage per market.
    """
    leverage = positive_number(row, "maxLeverage", pointer)
    no_table = Unknown("the market names none of the margin tables in the recording")
    return tier_tables.TierTable(
        payload=payload,
        instrument=instrument,
        profile=Profile(mode),
        tiers=() if has_tables else _tiers((Decimal(0),), (leverage,)),
        rows=(pointer,),
        columns=(Column("initial", "/maxLeverage", "leverage"),),
        usd=no_table if has_tables else currency_to_usd(instrument, instrument.settle),
        unverified=(NO_TABLES,),
        exclusion_reason=NO_TABLES,
        notes=(HALF_OF_INITIAL,),
    )


def _is_isolated_only(row: JsonObject, pointer: str) -> bool:
    """Whether a market allows isolated margin only: HIP-3 markets use a mode, others a flag."""
    mode = row.get("marginMode")
    if mode is not None and mode not in ("strictIsolated", "noCross"):
        reason = f"expected strictIsolated or noCross, found {mode!r}"
        raise UnreadablePayloadError(where=f"{pointer}/marginMode", reason=reason)
    return mode is not None or row.get("onlyIsolated") is True


def _tiers(lowers: tuple[Decimal, ...], leverages: tuple[Decimal, ...]) -> tuple[Tier, ...]:
    """IM rate = 1 / leverage, MM rate = 1 / (2 × leverage). Source: Hyperliquid, "Margin tiers"."""
    return tuple(
        Tier(upper, 1 / leverage, 1 / (2 * leverage), lower)
        for upper, lower, leverage in zip(
            tier_tables.upper_bounds(lowers), lowers, leverages, strict=True
        )
    )


def parse_symbol(name: str, settle: str = "USDC") -> Instrument:
    """Parses a market name: BTC settles in USDC, kPEPE is 1000 PEPE, HIP-3 markets are dex:COIN.

    The base of a HIP-3 market includes its exchange, because each exchange has its own oracle.
    """
    dex, colon, coin = name.partition(":")
    base = f"{dex.upper()}-{coin}" if colon else name
    return contract("hyperliquid", name, base=base, quote=settle, settle=settle)


ADAPTER = VenueAdapter(
    venue="hyperliquid",
    title="Hyperliquid",
    host="api.hyperliquid.xyz",
    endpoints=(
        Endpoint(
            INFO,
            "POST /info {type: metaAndAssetCtxs}",
            Purpose.PRICES,
            call_plan=single_call(type="metaAndAssetCtxs"),
        ),
        Endpoint(
            INFO, "POST /info {type: allPerpMetas}", Purpose.MARGIN, call_plan=single_call(type=ALL)
        ),
    ),
    parse=parse,
    recorded_only=(Endpoint(INFO, "POST /info {type: meta}", Purpose.MARGIN),),
)
