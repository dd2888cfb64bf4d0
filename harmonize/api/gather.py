"""Gathering wired to an archive: what would be asked, and what came of asking."""

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry, latest, newest_of
from harmonize.archive.location import Place, recorded
from harmonize.core.payload import Snapshot
from harmonize.history import derived
from venues import registry
from venues.adapter import VenueAdapter
from venues.gathering import reachability
from venues.gathering.credentials import NONE, Credentials, from_environment, from_file
from venues.gathering.outcome import Failed, Gathered, Outcome, failure_reason
from venues.gathering.plan import VenuePlan, plan_calls, reason_to_skip

if TYPE_CHECKING:
    from venues.gathering.client import Progress


@dataclass(frozen=True, slots=True)
class GatherRequest:
    """What to gather, and into which archive; ``venues`` empty means all.

    ``budget`` is the seconds a venue may take; all are asked at once, so it is that of the whole.
    ``keys`` gives a venue's credentials.
    """

    archive: Place
    venues: tuple[str, ...] = ()
    budget: float = 600.0
    mirror: str = ""
    keys: Callable[[str], Credentials] = lambda _: NONE


class GatheringError(Exception):
    """Nothing can be gathered as asked: one line that says why."""


def chosen(wanted: GatherRequest) -> tuple[VenueAdapter, ...]:
    """The adapters of the venues asked for. Raises GatheringError: no such venue."""
    known = [one.venue for one in registry.VENUES]
    for venue in wanted.venues:
        if venue not in known:
            message = f"no venue is called {venue}; there are {', '.join(known)}"
            raise GatheringError(message)
    return tuple(one for one in registry.VENUES if not wanted.venues or one.venue in wanted.venues)


def keyring(environment: Mapping[str, str], file: Path | None) -> Callable[[str], Credentials]:
    """Find keys in the environment, else in the file. Raises CredentialsError: a bad file."""
    held = from_file(file) if file else {}

    def keys(venue: str) -> Credentials:
        given = from_environment(environment, venue)
        return given if given.values else held.get(venue, NONE)

    return keys


def planned(wanted: GatherRequest) -> tuple[VenuePlan, ...]:
    """Plan the calls from what each venue's newest snapshot lists. Raises GatheringError."""
    from venues.gathering.client import costs  # noqa: PLC0415 - ccxt takes a second to load

    adapters = chosen(wanted)
    return plan_calls(
        adapters, _newest(wanted.archive), lambda venue: bool(wanted.keys(venue).values), costs
    )


def _newest(place: Place) -> dict[str, Snapshot]:
    """What is held of each venue, in the archive or else recorded, as one snapshot.

    A complete snapshot stands alone; partial ones are taken with those they are laid over. A failed
    try is none.
    """
    found: dict[str, Snapshot] = {}
    with recorded() as bundled:
        for archive in (Archive.open(bundled), Archive.found(place)):
            if archive is None:
                continue
            for venue, entries in latest(archive.entries()).items():
                held = [one for one in map(archive.read, entries) if failure_reason(one) is None]
                if held:
                    payloads = tuple(payload for one in held for payload in one.payloads)
                    found[venue] = replace(held[0], payloads=payloads)
    return found


def reachable(wanted: GatherRequest) -> bool:
    """Whether any venue to be asked, or the mirror, takes a connection; a few seconds at most."""
    asked = [
        one
        for one in chosen(wanted)
        if not reason_to_skip(one, keyed=bool(wanted.keys(one.venue).values))
    ]
    if not asked:
        return True  # nobody needs to be reached to say why nobody is asked
    if wanted.mirror:
        return reachability.any_reachable([reachability.parse_address(wanted.mirror)])
    hosts = sorted({one.host for one in asked})
    places = [reachability.parse_address(f"https://{host}") for host in hosts]
    return reachability.uses_proxy() or reachability.any_reachable(places)


def fetched(
    wanted: GatherRequest,
    tell: "Callable[[Progress], None]",
    done: Callable[[Outcome], None],
) -> tuple[Outcome, ...]:
    """Gather, and archive each venue as soon as it is there, failed tries too.

    Raises GatheringError, or ArchiveError: the archive cannot be made, or written.
    """
    from venues.gathering.client import GatherOptions, gather  # noqa: PLC0415 - ccxt takes a second to load

    adapters = chosen(wanted)
    archive = Archive.opened(wanted.archive)
    newest = newest_of(derived.entries_of(archive))
    terms = GatherOptions(
        budget=wanted.budget,
        jitter=random.random,
        now=lambda: datetime.now(UTC),
        keys=wanted.keys,
        mirror=wanted.mirror,
    )

    async def run() -> list[Outcome]:
        outcomes = []
        async with aclosing(gather(adapters, terms, tell)) as coming:
            async for outcome in coming:
                if isinstance(outcome, Gathered | Failed):
                    await asyncio.to_thread(_append, archive, newest, outcome.snapshot)
                done(outcome)
                outcomes.append(outcome)
        return outcomes

    return tuple(sorted(asyncio.run(run()), key=venue_of))


def venue_of(outcome: Outcome) -> str:
    """The venue that an outcome is of."""
    return outcome.snapshot.venue if isinstance(outcome, Gathered) else outcome.venue


def _append(archive: Archive, newest: dict[str, Entry], snapshot: Snapshot) -> None:
    """Archive a snapshot beside the last of its venue, which it most resembles."""
    entry = archive.append(snapshot, newest.get(snapshot.venue))
    if not entry.failed:
        newest[entry.venue] = entry
