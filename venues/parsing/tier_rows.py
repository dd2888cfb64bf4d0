"""Tiers that come as one list for all symbols, put together by symbol."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from harmonize.core.payload import Defect, Payload
from harmonize.core.schedule import Tier

Page = tuple[Payload, tuple[str, ...]]
"""A payload, and the pointers of the rows in it."""


@dataclass(frozen=True, slots=True)
class TierRow:
    """One tier of one symbol, and where it stands; its number where the venue counts tiers."""

    symbol: str
    tier: Tier
    at: str
    payload: Payload
    number: object = None


@dataclass(frozen=True, slots=True)
class SymbolTiers:
    """All tiers of one symbol, rising, with their pointers into the page of the lowest.

    ``continued`` are the further pages that they stand on.
    """

    symbol: str
    payload: Payload
    tiers: tuple[Tier, ...]
    rows: tuple[str, ...]
    continued: tuple[Page, ...] = ()


def group_by_symbol(
    scattered: Iterable[TierRow], defects: list[Defect], paging: frozenset[str] = frozenset()
) -> list[SymbolTiers]:
    """Put tiers together; their order is that of the bounds, whatever the venue's order or ids.

    A symbol of which a row could not be read is left out, for its tier table would have a hole. One
    whose tiers stand in two payloads becomes a defect, unless these are pages of one list that
    the venue cuts anywhere: calls that differ in the parameters ``paging`` alone.
    """
    broken = {one.symbol for one in defects}
    by_symbol: defaultdict[str, list[TierRow]] = defaultdict(list)
    for one in scattered:
        if one.symbol not in broken:
            by_symbol[one.symbol].append(one)
    found = []
    for symbol, rows in by_symbol.items():
        rows.sort(key=lambda one: one.tier.upper)
        payload = rows[0].payload
        reason = _fault(rows, paging)
        if reason:
            defects.append(Defect(payload.venue, str(payload.call), reason, symbol))
            continue
        (payload, pointers), *further = _pages(rows)
        tiers = tuple(one.tier for one in rows)
        found.append(SymbolTiers(symbol, payload, tiers, pointers, tuple(further)))
    return found


def _fault(rows: Sequence[TierRow], paging: frozenset[str]) -> str:
    """Say why rows are not the one tier table of a symbol; empty when they are."""
    if len({id(one.payload) for one in rows}) > 1:
        calls = {
            (one.payload.call.method, *(p for p in one.payload.call.params if p[0] not in paging))
            for one in rows
        }
        if not paging or len(calls) > 1:
            return "its tiers stand on two pages; a symbol's tiers come on one"
        if len({one.tier.upper for one in rows}) < len(rows):
            return "a tier stands on two pages: the list moved while it was read"
    for due, one in enumerate(rows, start=1):
        if one.number is not None and one.number != due and one.number != str(due):
            return f"tier {due} was due at {one.at}, was {one.number!r}"
    return ""


def _pages(rows: Sequence[TierRow]) -> list[Page]:
    """Give the rows by page, the page of the lowest tier first."""
    first: dict[int, int] = {}
    for place, one in enumerate(rows):
        first.setdefault(id(one.payload), place)
    by_page = sorted(rows, key=lambda one: first[id(one.payload)])
    return [
        (found[0].payload, tuple(one.at for one in found))
        for _, group in groupby(by_page, key=lambda one: id(one.payload))
        for found in [list(group)]
    ]
