"""The index over time as a plain reading of the archive on each day computes it, and archives for it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from harmonize.api.audit import observation_days
from harmonize.api.cross_venue import prepare_universe
from harmonize.api.question import Question
from harmonize.archive.archive import Archive
from harmonize.comparison.cross_venue import CostTerms, index_summaries, spreads_and_indices
from harmonize.core.open_interest import newest_by_contract
from harmonize.core.payload import Origin, Payload, Snapshot
from harmonize.document import IndexSummary
from tests.support import recorded
from tests.support.paths import VECTORS

VENUES = ("bitget", "bybit", "gate", "hyperliquid", "modetrade", "okx", "woo", "woofipro")
"""Venues with tiers in USD and in contracts, with prices, open interest and a shared order book."""

FIRST = datetime(2026, 8, 3, 1, tzinfo=UTC)
TIERS = VECTORS / "binance_usdm_tiers.parquet"


def by_day(question: Question) -> tuple[tuple[str, IndexSummary], ...]:
    """Returns the indices over all underlyings on each day, each read from the payloads."""
    series = []
    for day in observation_days(question):
        base = prepare_universe(replace(question, as_of=day), lenient=True)
        terms = CostTerms((), 0.1, newest_by_contract(base.reading.open_interest))
        _, indices = spreads_and_indices(base.universe.peer_groups, base.universe.layout, terms)
        series += [(day.isoformat(), row) for row in index_summaries(indices) if not row.venue]
    return tuple(series)


def dated(snapshot: Snapshot, at: datetime, *, live: bool = True) -> Snapshot:
    """Returns a recorded snapshot as one of another time, gathered live or recorded.

    Spaces at the end of each payload make its bytes, and so its pack, those of its day.
    """
    payloads = []
    for payload in snapshot.payloads:
        origin = Origin.LIVE if live else payload.provenance.origin
        provenance = replace(payload.provenance, origin=origin)
        content = payload.content + b" " * at.day
        payloads.append(Payload.of(payload.venue, payload.call, at, provenance, content))
    return Snapshot(snapshot.venue, at, tuple(payloads), snapshot.complete)


def add_night(archive: Archive, night: int, venues: Sequence[str] = VENUES) -> None:
    """Appends one live snapshot per venue; the order of the venues differs from night to night."""
    shift = night % len(venues)
    for minute, venue in enumerate((*venues[shift:], *venues[:shift])):
        at = FIRST + timedelta(days=night, minutes=minute)
        for snapshot in reversed(recorded.of_venue(venue)):
            archive.append(dated(snapshot, at))


def own_archive(path: Path, nights: int, venues: Sequence[str] = VENUES) -> Archive:
    """Returns an archive of some nights of recorded venues."""
    archive = Archive.create(path)
    for night in range(nights):
        add_night(archive, night, venues)
    return archive
