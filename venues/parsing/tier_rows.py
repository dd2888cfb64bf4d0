"""Groups tier rows by symbol, for venues that list the tiers of all symbols together."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from harmonize.core.payload import Defect, Payload
from harmonize.core.schedule import Tier

Page = tuple[Payload, tuple[str, ...]]
"""A payload, and the JSON pointers of rows in it."""


@dataclass(frozen=True, slots=True)
class TierRow:
    """One tier of one symbol, with its JSON pointer ``pointer`` and payload.

    ``number`` is the tier number, for venues that publish it.
    """

    symbol: str
    tier: Tier
    pointer: str
    payload: Payload
    number: object = None


@dataclass(frozen=True, slots=True)
class SymbolTiers:
    """All tiers of one symbol in ascending order.

    ``payload`` is the page of the lowest tier and ``rows`` are the JSON pointers into it.
    ``continued`` are the further pages with tiers of the symbol.
    """

    symbol: str
    payload: Payload
    tiers: tuple[Tier, ...]
    rows: tuple[str, ...]
    continued: tuple[Page, ...] = ()


def group_by_symbol(
    tier_rows: Iterable[TierRow], defects: list[Defect], paging: frozenset[str] = frozenset()
) -> list[SymbolTiers]:
    """Groups tiers by symbol and sorts them by upper bound, whatever the venue's order or ids.

    A symbol with an unreadable row is excluded, because its tier table would be incomplete. A
    symbol with tiers in two payloads becomes a defect. The exception is a list that the venue
    pages between any two rows: calls that differ only in the parameters ``paging``.
    """
    unreadable = {defect.symbol for defect in defects}
    by_symbol: defaultdict[str, list[TierRow]] = defaultdict(list)
    for row in tier_rows:
        if row.symbol not in unreadable:
            by_symbol[row.symbol].append(row)
    tables = []
    for symbol, rows in by_symbol.items():
        rows.sort(key=lambda row: row.tier.upper)
        payload = rows[0].payload
        reason = _fault(rows, paging)
        if reason:
            defects.append(Defect(payload.venue, str(payload.call), reason, symbol))
            continue
        (payload, pointers), *further_pages = _pages(rows)
        tiers = tuple(row.tier for row in rows)
        tables.append(SymbolTiers(symbol, payload, tiers, pointers, tuple(further_pages)))
    return tables


def _fault(rows: Sequence[TierRow], paging: frozenset[str]) -> str:
    """Reason why rows do not form one tier table of a symbol; empty if they do."""
    if len({id(row.payload) for row in rows}) > 1:
        calls = {
            (row.payload.call.method, *(p for p in row.payload.call.params if p[0] not in paging))
            for row in rows
        }
        if not paging or len(calls) > 1:
            return "tiers on two pages; expected all tiers of a symbol on one page"
        if len({row.tier.upper for row in rows}) < len(rows):
            return "the same tier on two pages; the list changed while its pages were gathered"
    for expected, row in enumerate(rows, start=1):
        if row.number is not None and row.number != expected and row.number != str(expected):
            return f"expected tier {expected} at {row.pointer}, found {row.number!r}"
    return ""


def _pages(rows: Sequence[TierRow]) -> list[Page]:
    """Rows grouped by page, ordered by the lowest tier of each page."""
    first_position: dict[int, int] = {}
    for position, row in enumerate(rows):
        first_position.setdefault(id(row.payload), position)
    by_page = sorted(rows, key=lambda row: first_position[id(row.payload)])
    return [
        (page_rows[0].payload, tuple(row.pointer for row in page_rows))
        for _, group in groupby(by_page, key=lambda row: id(row.payload))
        for page_rows in [list(group)]
    ]
