"""Gathers market data into an archive, each series from where the archive's ends."""

import asyncio
import random
from collections.abc import Callable, Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from harmonize.api.gather import GatherRequest, requested_adapters
from harmonize.archive.archive import Archive
from harmonize.core.payload import PRICES, Origin, Snapshot
from harmonize.history import derived
from harmonize.market.gathered import convert, last_time
from harmonize.market.prices import DefectKind, interval_text
from harmonize.policy.rule_set import ReferenceSchedule
from rules import loader
from venues.gathering.connection import GatherOptions
from venues.gathering.market_data import MarketDataRequest, gather_market_data
from venues.gathering.market_series import (
    DAY,
    HOUR,
    MissingSeries,
    SeriesKey,
    SeriesKind,
    VenueMarketData,
)

BASELINE = "harmonized-baseline"
"""Rule set whose assets are gathered unless others are named."""

FIRST_DAYS = {DAY: 1100, 0: 365}
"""Days that a first gathering reaches back, by interval: three years of daily moves, a year of rates."""

FIRST_DAYS_OF_HOURS = 60

OPEN_INTEREST_DAYS = 29
"""Days of open interest: venues keep the last 30, and refuse what begins earlier."""


@dataclass(frozen=True, slots=True)
class MarketOutcome:
    """What a venue gave: the number of series and payloads archived, and what is missing."""

    venue: str
    series: int
    payloads: int
    unfinished: int
    requests: int
    seconds: float
    missing: tuple[MissingSeries, ...]
    failure: str = ""


def baseline_assets() -> tuple[str, ...]:
    """Returns the assets that the baseline rule set classifies."""
    requirement = loader.load(BASELINE).requirement
    classes = requirement.classes if isinstance(requirement, ReferenceSchedule) else ()
    return tuple(sorted({asset for class_ in classes for asset in class_.assets}))


def gather_into_archive(
    request: GatherRequest,
    underlyings: Collection[str],
    since: datetime | None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> tuple[MarketOutcome, ...]:
    """Gathers market data and archives each venue as soon as it is complete, or as far as it goes.

    ``underlyings`` empty means those of the baseline. ``since`` is the time from which a series is
    gathered if the archive does not hold it. Raises GatheringError, ArchiveError.
    """
    adapters = requested_adapters(request)
    archive = Archive.open_or_create(request.archive)
    last = _last_times(archive)
    now = clock()
    wanted = MarketDataRequest(
        frozenset(underlyings or baseline_assets()),
        lambda key: _start(key, last, now, since),
    )
    options = GatherOptions(
        budget=request.timeout,
        jitter=random.random,
        now=clock,
        mirror=request.mirror,
    )

    async def run() -> list[MarketOutcome]:
        outcomes = []
        async with aclosing(gather_market_data(adapters, wanted, options)) as gathering:
            async for gathered in gathering:
                outcome = await asyncio.to_thread(_archive, archive, gathered)
                outcomes.append(outcome)
        return outcomes

    return tuple(sorted(asyncio.run(run()), key=lambda outcome: outcome.venue))


_SeriesName = tuple[str, str, str, str]
"""Venue, kind, symbol and interval of an archived series."""


def _last_times(archive: Archive) -> Mapping[_SeriesName, datetime]:
    """Returns the end of each archived series: the close of its last candle, or its last value."""
    last: dict[_SeriesName, datetime] = {}
    for entry in derived.list_entries(archive):
        if entry.venue != PRICES or entry.failed or entry.pruned:
            continue
        for payload in archive.read(entry).payloads:
            params = dict(payload.call.params)
            kind = params.get("kind") or params.get("quantity", "")
            name = (
                params.get("venue", ""),
                kind,
                params.get("symbol", ""),
                params.get("interval", ""),
            )
            if payload.provenance.origin is Origin.LIVE:
                last[name] = max(last.get(name, payload.observed_at), payload.observed_at)
    return last


def _start(
    key: SeriesKey, last: Mapping[_SeriesName, datetime], now: datetime, since: datetime | None
) -> datetime:
    """Returns the time from which a series is gathered: its end in the archive, otherwise the first.

    Only what was gathered before is continued: imported candles may end with a day of another source.
    """
    is_points = key.kind in {SeriesKind.FUNDING, SeriesKind.OPEN_INTEREST}
    interval = "" if is_points else interval_text(key.interval)
    archived = last.get((key.venue, key.kind.value, key.contract.id, interval))
    if archived is not None:
        return archived + timedelta(minutes=1) if is_points else archived
    days = FIRST_DAYS.get(key.interval, FIRST_DAYS_OF_HOURS)
    first = since or now - timedelta(days=days)
    if key.kind is SeriesKind.OPEN_INTEREST:
        first = max(first, now - timedelta(days=OPEN_INTEREST_DAYS))
    step = key.interval or HOUR
    return datetime.fromtimestamp(first.timestamp() // step * step, UTC)


def _archive(archive: Archive, gathered: VenueMarketData) -> MarketOutcome:
    """Archives the series of a venue as one snapshot."""
    converted = convert(gathered.series)
    if converted.payloads:
        newest = last_time(converted.payloads)
        snapshot = Snapshot(PRICES, newest, converted.payloads, complete=False)
        archive.append(snapshot, imported=True)  # its date is that of the candles, not of the call
    unfinished = sum(
        defect.count
        for series in converted.series
        for defect in series.defects
        if defect.kind is DefectKind.UNFINISHED
    )
    return MarketOutcome(
        gathered.venue,
        len(converted.series),
        len(converted.payloads),
        unfinished,
        gathered.requests,
        gathered.seconds,
        (*gathered.missing, *converted.missing),
        gathered.failure,
    )
