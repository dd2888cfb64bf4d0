"""Every venue the tool can read."""

from collections.abc import Iterable

from harmonize.payload import Defect, Snapshot
from harmonize.schedule import MarginSchedule
from venues import (
    binance,
    bitget,
    bybit,
    deribit,
    dydx,
    gate,
    htx,
    hyperliquid,
    krakenfutures,
    kucoin,
    mexc,
    okx,
)
from venues.adapter import Parsed, VenueAdapter
from venues.facts import Facts

VENUES = (
    binance.ADAPTER,
    bitget.ADAPTER,
    bybit.ADAPTER,
    deribit.ADAPTER,
    dydx.ADAPTER,
    gate.ADAPTER,
    htx.ADAPTER,
    hyperliquid.ADAPTER,
    krakenfutures.ADAPTER,
    kucoin.ADAPTER,
    mexc.ADAPTER,
    okx.ADAPTER,
)


def adapter(venue: str) -> VenueAdapter | None:
    """Find the adapter of a venue by its ccxt id; None when there is none."""
    return next((one for one in VENUES if one.venue == venue), None)


def parse(snapshots: Iterable[Snapshot], facts: Facts) -> Parsed:
    """Read snapshots of one venue, newest first: an instrument is taken from the first that has it."""
    found: dict[tuple[str, str, str], MarginSchedule] = {}
    defects: list[Defect] = []
    for snapshot in snapshots:
        one = adapter(snapshot.venue)
        if one is None:
            reason = "the archive holds a venue that this version cannot read"
            defects.append(Defect(snapshot.venue, "snapshot", reason))
            continue
        parsed = one.parse(snapshot, facts)
        found = {schedule.key: schedule for schedule in parsed.schedules} | found
        defects.extend(parsed.defects)
    return Parsed(tuple(found.values()), tuple(defects))
