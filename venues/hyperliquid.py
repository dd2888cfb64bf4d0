"""Hyperliquid perpetuals: margin tables of maximum leverage, MM half the IM of each tier."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from harmonize.instrument import Instrument, contract
from harmonize.payload import (
    Column,
    Defect,
    Payload,
    Snapshot,
    UnreadablePayloadError,
    decode,
)
from harmonize.schedule import MarginMode, Profile, Tier, Unknown
from venues import ladder
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.reading import (
    Row,
    defect,
    listing,
    mapping,
    number,
    positive,
    read_rows,
    rows,
    word,
)
from venues.units import ToUsd, currency

INFO = "publicPostInfo"

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
    found: list[ladder.Ladder] = []
    for payload in snapshot.answers(INFO):
        try:
            meta, at = _meta(payload)
            tables = _tables(meta, at)
        except UnreadablePayloadError as error:
            defects.append(defect(payload, error))
            continue

        def build(
            payload: Payload, row: Row, at: str, tables: Mapping[int, _Table] = tables
        ) -> Iterator[ladder.Ladder]:
            return _ladder(payload, row, at, tables)

        keys = (*at.split("/")[1:], "universe")
        found += read_rows((payload,), keys, build, defects, symbol_key="name")
    return ladder.parsed(snapshot, found, facts, defects)


def _meta(payload: Payload) -> tuple[Row, str]:
    """``meta`` answers with an object, ``metaAndAssetCtxs`` with a list that begins with it."""
    document = decode(payload)
    if isinstance(document, list):
        return mapping(listing(document, "")[0], "/0"), "/0"
    return mapping(document, ""), ""


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
    return listing(meta[key], f"{at}/{key}") if key in meta else []


def _pair(pair: object, at: str) -> tuple[int, object]:
    parts = listing(pair, at)
    if len(parts) != 2 or not isinstance(parts[0], int):  # noqa: PLR2004 - a pair
        raise UnreadablePayloadError(where=at, reason="a pair [id, table] was due")
    return parts[0], parts[1]


def _ladder(
    payload: Payload, row: Row, at: str, tables: Mapping[int, _Table]
) -> Iterator[ladder.Ladder]:
    if row.get("isDelisted") is True:
        return
    listed = instrument(word(row, "name", at))
    id_ = row.get("marginTableId")
    if not isinstance(id_, int):
        reason = f"a table id was due, was {id_!r}"
        raise UnreadablePayloadError(where=f"{at}/marginTableId", reason=reason)
    usd: ToUsd | Unknown = currency(listed, listed.quote)
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
    mode = MarginMode.ISOLATED if row.get("onlyIsolated") is True else MarginMode.ANY
    yield ladder.Ladder(
        payload=payload,
        instrument=listed,
        profile=Profile(mode),
        tiers=tiers,
        rows=pointers,
        columns=columns,
        usd=usd,
        notes=("MM rate is half the IM rate of the tier, as the venue states.",),
    )


def _tiers(lowers: tuple[Decimal, ...], leverages: tuple[Decimal, ...]) -> tuple[Tier, ...]:
    """IM rate = 1 / leverage, MM rate = 1 / (2 × leverage). Source: Hyperliquid, "Margin tiers"."""
    return tuple(
        Tier(upper, 1 / leverage, 1 / (2 * leverage), lower)
        for upper, lower, leverage in zip(ladder.open_ended(lowers), lowers, leverages, strict=True)
    )


def instrument(name: str) -> Instrument:
    """Name a market: BTC settles in USDC; kPEPE stands for 1000 PEPE."""
    return contract("hyperliquid", name, base=name, quote="USDC", settle="USDC")


ADAPTER = VenueAdapter(
    venue="hyperliquid",
    title="Hyperliquid",
    endpoints=(Endpoint(INFO, "POST /info {type: metaAndAssetCtxs}", Purpose.MARGIN),),
    parse=parse,
)
