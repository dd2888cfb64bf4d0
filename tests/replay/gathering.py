"""Gathers from the replay server with the real client, for tests."""

import asyncio
import random
from collections.abc import Iterable
from contextlib import aclosing
from datetime import UTC, datetime
from functools import cache

from tests.replay.faults import NONE, Faulty
from tests.replay.server import Replay, open_venues
from venues.adapter import VenueAdapter
from venues.gathering.client import Progress, gather
from venues.gathering.connection import GatherOptions
from venues.gathering.credentials import Credentials
from venues.gathering.outcome import Failed, Gathered, Outcome, Skipped

SECRETS = Credentials(
    {
        "apiKey": "planted-key-5d1f",
        "secret": "planted-secret-93ab",
        "password": "planted-password-77c2",
        "uid": "planted-uid-1e0d",
        "privateKey": "0x" + "5d1f93ab" * 8,
        "walletAddress": "0x" + "93ab77c2" * 5,
    }
)
"""Fake credentials; tests check that they do not leak."""


def fast_options(mirror: str, **changes: object) -> GatherOptions:
    """Options with minimal delays."""
    defaults: dict[str, object] = {
        "budget": 30.0,
        "jitter": random.Random(7).random,  # noqa: S311 - jitter
        "now": lambda: datetime.now(UTC),
        "keys": lambda _: SECRETS,
        "mirror": mirror,
        "backoff": 0.001,
        "paced": False,
    }
    return GatherOptions(**(defaults | changes))  # type: ignore[arg-type]


def outcomes(
    adapters: Iterable[VenueAdapter],
    options: GatherOptions,
    progress: list[Progress] | None = None,
) -> dict[str, Outcome]:
    """Outcomes by venue; appends the progress reports to ``progress``."""

    async def run() -> dict[str, Outcome]:
        by_venue: dict[str, Outcome] = {}
        on_progress = progress.append if progress is not None else lambda _: None
        async with aclosing(gather(adapters, options, on_progress)) as arriving:
            async for outcome in arriving:
                by_venue[venue_of(outcome)] = outcome
        return by_venue

    return asyncio.run(run())


def venue_of(outcome: Outcome) -> str:
    """Venue of an outcome."""
    return outcome.snapshot.venue if isinstance(outcome, Gathered) else outcome.venue


def replayed(
    fault: Faulty = NONE, adapters: Iterable[VenueAdapter] | None = None, **changes: object
) -> tuple[dict[str, Outcome], Replay]:
    """Outcomes of gathering from a replay server with a fault, and the stopped server."""
    with Replay(fault=fault) as server:
        selected = open_venues() if adapters is None else list(adapters)
        return outcomes(selected, fast_options(server.url, **changes)), server


@cache
def baseline() -> tuple[dict[str, Gathered], Replay]:
    """Every open venue, gathered without faults, and the stopped server."""
    by_venue, server = replayed()
    gathered = {}
    for venue, outcome in by_venue.items():
        assert isinstance(outcome, Gathered), f"{venue}: {_reason(outcome)}"
        gathered[venue] = outcome
    return gathered, server


def _reason(outcome: Outcome) -> str:
    return outcome.reason if isinstance(outcome, Failed | Skipped) else ""
