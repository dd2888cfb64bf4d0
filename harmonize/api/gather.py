"""Gathering into an archive: the plan of calls, reachability, and the gathering itself."""

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harmonize.api.known_venues import unknown_venue_error
from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry, latest, newest_by_venue
from harmonize.archive.location import ArchiveLocation, recorded_archive
from harmonize.core.payload import PRICES, Snapshot
from harmonize.history import derived
from harmonize.history.venue_lists import VenueLists
from venues import facts, registry
from venues.adapter import VenueAdapter
from venues.completeness import as_partial, missing_page
from venues.gathering import reachability
from venues.gathering.credentials import NONE, Credentials, from_environment, from_file
from venues.gathering.outcome import Failed, Gathered, Outcome, failure_reason
from venues.gathering.plan import VenuePlan, plan_calls, reason_to_skip

if TYPE_CHECKING:
    from venues.gathering.client import Progress


@dataclass(frozen=True, slots=True)
class GatherRequest:
    """What to gather, and into which archive; ``venues`` empty means all.

    ``timeout`` is the time limit per venue in seconds; venues are gathered at once, so it limits the
    whole. ``keys`` returns a venue's credentials. ``mirror`` is a URL to call in place of the venues.
    """

    archive: ArchiveLocation
    venues: tuple[str, ...] = ()
    timeout: float = 600.0
    mirror: str = ""
    keys: Callable[[str], Credentials] = lambda _: NONE


class GatheringError(Exception):
    """A request that cannot be gathered: one line with the reason."""


def requested_adapters(request: GatherRequest) -> tuple[VenueAdapter, ...]:
    """The adapters of the requested venues. Raises GatheringError: an unknown venue."""
    if message := unknown_venue_error(request.venues):
        raise GatheringError(message)
    return tuple(a for a in registry.VENUES if not request.venues or a.venue in request.venues)


def keyring(environment: Mapping[str, str], file: Path | None) -> Callable[[str], Credentials]:
    """Returns a look-up of credentials: the environment first, otherwise the file.

    Raises CredentialsError: a file that cannot be used.
    """
    of_file = from_file(file) if file else {}

    def keys(venue: str) -> Credentials:
        of_environment = from_environment(environment, venue)
        return of_environment if of_environment.values else of_file.get(venue, NONE)

    return keys


def plan_gathering(request: GatherRequest) -> tuple[VenuePlan, ...]:
    """Plans the calls from what each venue's newest snapshot lists. Raises GatheringError."""
    from venues.gathering.client import costs  # noqa: PLC0415 - ccxt takes a second to load

    adapters = requested_adapters(request)
    return plan_calls(
        adapters, _newest(request.archive), lambda venue: bool(request.keys(venue).values), costs
    )


def _newest(place: ArchiveLocation) -> dict[str, Snapshot]:
    """The newest content of each venue as one snapshot: from the archive, otherwise the recorded one.

    A complete snapshot stands alone; a partial one is combined with those that it updates. A failed
    attempt has no content.
    """
    newest: dict[str, Snapshot] = {}
    with recorded_archive() as bundled:
        for archive in (Archive.open(bundled), Archive.find(place)):
            if archive is None:
                continue
            of_venues = [entry for entry in archive.entries() if entry.venue != PRICES]
            for venue, entries in latest(of_venues).items():
                snapshots = [s for s in map(archive.read, entries) if failure_reason(s) is None]
                if snapshots:
                    payloads = tuple(p for snapshot in snapshots for p in snapshot.payloads)
                    newest[venue] = replace(snapshots[0], payloads=payloads)
    return newest


def is_reachable(request: GatherRequest) -> bool:
    """Whether any requested venue, or the mirror, accepts a connection; takes a few seconds."""
    adapters = [
        adapter
        for adapter in requested_adapters(request)
        if not reason_to_skip(adapter, keyed=bool(request.keys(adapter.venue).values))
    ]
    if not adapters:
        return True  # the reasons why no venue is called need no connection
    if request.mirror:
        return reachability.any_reachable([reachability.parse_address(request.mirror)])
    hosts = sorted({adapter.host for adapter in adapters})
    addresses = [reachability.parse_address(f"https://{host}") for host in hosts]
    return reachability.uses_proxy() or reachability.any_reachable(addresses)


def gather_into_archive(
    request: GatherRequest,
    on_progress: "Callable[[Progress], None]",
    on_outcome: Callable[[Outcome], None],
) -> tuple[Outcome, ...]:
    """Gathers venues and archives each as soon as it is complete, failed attempts included.

    Raises GatheringError, or ArchiveError: the archive cannot be created or written.
    """
    from venues.gathering.client import gather  # noqa: PLC0415 - ccxt takes a second to load
    from venues.gathering.connection import GatherOptions  # noqa: PLC0415 - as above

    adapters = requested_adapters(request)
    archive = Archive.open_or_create(request.archive)
    entries = derived.list_entries(archive)
    newest, lists = newest_by_venue(entries), VenueLists(archive, entries)
    options = GatherOptions(
        budget=request.timeout,
        jitter=random.random,
        now=lambda: datetime.now(UTC),
        keys=request.keys,
        mirror=request.mirror,
    )

    async def run() -> list[Outcome]:
        outcomes = []
        async with aclosing(gather(adapters, options, on_progress)) as gathering:
            async for outcome in gathering:
                checked = outcome
                if isinstance(outcome, Gathered):
                    snapshot = await asyncio.to_thread(_as_far_as_whole, lists, outcome.snapshot)
                    checked = replace(outcome, snapshot=snapshot)
                if isinstance(checked, Gathered | Failed):
                    await asyncio.to_thread(_append, archive, newest, checked.snapshot)
                on_outcome(checked)
                outcomes.append(checked)
        return outcomes

    return tuple(sorted(asyncio.run(run()), key=venue_of))


def venue_of(outcome: Outcome) -> str:
    """The venue of an outcome."""
    return outcome.snapshot.venue if isinstance(outcome, Gathered) else outcome.venue


def _as_far_as_whole(lists: VenueLists, snapshot: Snapshot) -> Snapshot:
    """The snapshot, as partial with the reason if it holds a part of the venue's list."""
    adapter = registry.find_adapter(snapshot.venue)
    further = missing_page(adapter, snapshot) if adapter else ""
    if further:
        return as_partial(snapshot, further)
    return lists.add(snapshot, registry.read(snapshot, facts.bundled()))


def _append(archive: Archive, newest: dict[str, Entry], snapshot: Snapshot) -> None:
    """Archives a snapshot as a difference to the newest of its venue, which it resembles most."""
    entry = archive.append(snapshot, newest.get(snapshot.venue))
    if not entry.failed:
        newest[entry.venue] = entry
