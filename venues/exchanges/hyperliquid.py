"""Hyperliquid perpetuals: margin tables of maximum leverage, MM half the IM of each tier."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError, decode
from harmonize.core.schedule import MarginMode, Profile, Tier, Unknown
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import once
from venues.facts import Facts
from venues.fields import Row, defect, listing, mapping, number, positive, read_rows, rows, word
from venues.parsing import tier_tables
from venues.parsing.units import ToUsd, currency

INFO = "publicPostInfo"
ALL = "allPerpMetas"
_MAIN = {"meta", "metaAndAssetCtxs"}

_SINGLE_TIER_BELOW = 50
"""A margin table id below 50 is no table: one tier, and the id is its maximum leverage."""


@dataclass(frozen=True, slots=True)
class _Table:
    at: str
    lowers: tuple[Decimal, ...]
    leverages: tuple[Decimal, ...]


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Join each market with the margin table of the same payload, never of another date."""
    defects: list[Defect] = []
    found: list[tier_tables.TierTable] = []
    for payload in _answers(snapshot):
        try:
            metas = list(_metas(payload))
        except UnreadablePayloadError as error:
            defects.append(defect(payload, error))
            continue
        for found_meta, at in metas:
            try:
                meta = mapping(found_meta, at)
                tables = _tables(meta, at)
                settle = _collateral(meta)
            except UnreadablePayloadError as error:
                defects.append(defect(payload, error))
                continue

            def build(
                payload: Payload,
                row: Row,
                at: str,
                tables: Mapping[int, _Table] = tables,
                settle: str = settle,
            ) -> Iterator[tier_tables.TierTable]:
                return _ladder(payload, row, at, tables, settle)

            keys = (*at.split("/")[1:], "universe")
            found += read_rows((payload,), keys, build, defects, symbol_key="name")
    return tier_tables.parsed(snapshot, found, facts, defects)


def _answers(snapshot: Snapshot) -> list[Payload]:
    """The answers that hold markets; where one holds those of all exchanges, that one alone."""
    answers = snapshot.answers(INFO)
    every = [one for one in answers if dict(one.call.params).get("type") == ALL]
    return every or [one for one in answers if dict(one.call.params).get("type") in _MAIN]


def _metas(payload: Payload) -> Iterator[tuple[object, str]]:
    """``meta`` answers with an object, ``metaAndAssetCtxs`` with a list that begins with it.

    ``allPerpMetas`` answers with a list of such objects: the venue's own, then those of HIP-3.
    """
    document = decode(payload)
    if not isinstance(document, list):
        yield document, ""
    elif dict(payload.call.params).get("type") == ALL:
        for index, meta in enumerate(listing(document, "")):
            yield meta, f"/{index}"
    else:
        yield listing(document, "")[0], "/0"


def _collateral(meta: Row) -> str:
    """What a market's amounts are in: USDC, or a token that the payload names by number alone."""
    token = meta.get("collateralToken", 0)
    return "USDC" if token == 0 else f"TOKEN{token}"


def _tables(meta: Row, at: str) -> dict[int, _Table]:
    tables: dict[int, _Table] = {}
    for index, pair in enumerate(_list(meta, "marginTables", at)):
        there = f"{at}/marginTables/{index}"
        id_, body = _pair(pair, there)
        found = list(rows(mapping(body, f"{there}/1").get("marginTiers"), f"{there}/1/marginTiers"))
        tables[id_] = _Table(
            f"{there}/1/marginTiers",
            tuple(number(row, "lowerBound", place) for place, row in found),
            tuple(positive(row, "maxLeverage", place) for place, row in found),
        )
    return tables


def _list(meta: Row, key: str, at: str) -> list[object]:
    """A recording may lack the tables altogether; then markets that need one stay unknown."""
    return listing(meta[key], f"{at}/{key}") if meta.get(key, []) != [] else []


def _pair(pair: object, at: str) -> tuple[int, object]:
    parts = listing(pair, at)
    if len(parts) != 2 or not isinstance(parts[0], int):  # noqa: PLR2004 - a pair
        raise UnreadablePayloadError(where=at, reason="a pair [id, table] was due")
    return parts[0], parts[1]


def _ladder(
    payload: Payload, row: Row, at: str, tables: Mapping[int, _Table], settle: str
) -> Iterator[tier_tables.TierTable]:
    if row.get("isDelisted") is True:
        return
    listed = instrument(word(row, "name", at), settle)
    id_ = row.get("marginTableId")
    if not isinstance(id_, int):
        reason = f"a table id was due, was {id_!r}"
        raise UnreadablePayloadError(where=f"{at}/marginTableId", reason=reason)
    usd: ToUsd | Unknown = currency(listed, settle)
    pointers: tuple[str, ...] = (at,)
    columns: tuple[Column, ...] = (Column("initial", "/maxLeverage", "leverage"),)
    tiers: tuple[Tier, ...] = ()
    if id_ < _SINGLE_TIER_BELOW:
        tiers = _tiers((Decimal(0),), (positive(row, "maxLeverage", at),))
    elif id_ in tables:
        table = tables[id_]
        pointers = tuple(f"{table.at}/{index}" for index in range(len(table.lowers)))
        columns = (Column("lower", "/lowerBound", "USDC"), *columns)
        tiers = _tiers(table.lowers, table.leverages)
    else:
        columns = (Column("table", "/marginTableId", "id"),)
        usd = Unknown(f"margin table {id_} is not in the recording")
    mode = MarginMode.ISOLATED if _isolated_only(row, at) else MarginMode.ANY
    yield tier_tables.TierTable(
        payload=payload,
        instrument=listed,
        profile=Profile(mode),
        tiers=tiers,
        rows=pointers,
        columns=columns,
        usd=usd,
        notes=("MM rate is half the IM rate of the tier, as the venue states.",),
    )


def _isolated_only(row: Row, at: str) -> bool:
    """Markets of HIP-3 say it by a mode, the others by a flag."""
    mode = row.get("marginMode")
    if mode is not None and mode not in ("strictIsolated", "noCross"):
        reason = f"strictIsolated or noCross was due, was {mode!r}"
        raise UnreadablePayloadError(where=f"{at}/marginMode", reason=reason)
    return mode is not None or row.get("onlyIsolated") is True


def _tiers(lowers: tuple[Decimal, ...], leverages: tuple[Decimal, ...]) -> tuple[Tier, ...]:
    """IM rate = 1 / leverage, MM rate = 1 / (2 × leverage). Source: Hyperliquid, "Margin tiers"."""
    return tuple(
        Tier(upper, 1 / leverage, 1 / (2 * leverage), lower)
        for upper, lower, leverage in zip(
            tier_tables.open_ended(lowers), lowers, leverages, strict=True
        )
    )


def instrument(name: str, settle: str = "USDC") -> Instrument:
    """Name a market: BTC settles in USDC; kPEPE stands for 1000 PEPE; HIP-3 markets are dex:COIN.

    A market of HIP-3 keeps its exchange in its base, for its oracle is its own.
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
            ask=once(type="metaAndAssetCtxs"),
        ),
        Endpoint(INFO, "POST /info {type: allPerpMetas}", Purpose.MARGIN, ask=once(type=ALL)),
    ),
    parse=parse,
)
