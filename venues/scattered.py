"""Tiers that come as one list for all symbols, put together by symbol."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from harmonize.payload import Defect, Payload
from harmonize.schedule import Tier


@dataclass(frozen=True, slots=True)
class Scattered:
    """One tier of one symbol, and where it stands."""

    symbol: str
    tier: Tier
    at: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class Gathered:
    """All tiers of one symbol, rising, with their pointers into one payload."""

    symbol: str
    payload: Payload
    tiers: tuple[Tier, ...]
    rows: tuple[str, ...]


def gather(scattered: Iterable[Scattered], defects: list[Defect]) -> list[Gathered]:
    """Put tiers together; their order is that of the bounds, whatever the venue's order or ids.

    A symbol of which a row could not be read is left out, for its ladder would have a hole. One
    whose tiers stand in two payloads becomes a defect: the list was paged through its middle.
    """
    broken = {one.symbol for one in defects}
    by_symbol: defaultdict[str, list[Scattered]] = defaultdict(list)
    for one in scattered:
        if one.symbol not in broken:
            by_symbol[one.symbol].append(one)
    found = []
    for symbol, rows in by_symbol.items():
        rows.sort(key=lambda one: one.tier.upper)
        payload = rows[0].payload
        if any(one.payload is not payload for one in rows):
            reason = "its tiers stand on two pages; a symbol's tiers come on one"
            defects.append(Defect(payload.venue, str(payload.call), reason, symbol))
            continue
        tiers, pointers = tuple(one.tier for one in rows), tuple(one.at for one in rows)
        found.append(Gathered(symbol, payload, tiers, pointers))
    return found
