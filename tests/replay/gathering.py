"""Real gathering from the replay server, as tests ask for it."""

import asyncio
import random
from collections.abc import Iterable
from contextlib import aclosing
from datetime import UTC, datetime
from functools import cache

from tests.replay.faults import NONE, Faulty
from tests.replay.server import Replay, open_venues
from venues.adapter import VenueAdapter
from venues.gathering.client import GatherOptions, Progress, gather
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
"""Credentials that open nothing; tests look for them where they must not be."""


def terms(mirror: str, **changes: object) -> GatherOptions:
    """Terms under which nothing waits longer than it must."""
    fast: dict[str, object] = {
        "budget": 30.0,
        "chance": random.Random(7).random,  # noqa: S311 - jitter
        "now": lambda: datetime.now(UTC),
        "keys": lambda _: SECRETS,
        "mirror": mirror,
        "backoff": 0.001,
        "paced": False,
    }
    return GatherOptions(**(fast | changes))  # type: ignore[arg-type]


def outcomes(
    adapters: Iterable[VenueAdapter], asked: GatherOptions, told: list[Progress] | None = None
) -> dict[str, Outcome]:
    """Gather, and give what came of it by venue."""

    async def run() -> dict[str, Outcome]:
        found: dict[str, Outcome] = {}
        tell = told.append if told is not None else lambda _: None
        async with aclosing(gather(adapters, asked, tell)) as coming:
            async for one in coming:
                found[venue_of(one)] = one
        return found

    return asyncio.run(run())


def venue_of(outcome: Outcome) -> str:
    """The venue that an outcome is of."""
    return outcome.snapshot.venue if isinstance(outcome, Gathered) else outcome.venue


def replayed(
    fault: Faulty = NONE, adapters: Iterable[VenueAdapter] | None = None, **changes: object
) -> tuple[dict[str, Outcome], Replay]:
    """Gather open venues from a replay server with a fault; give the server too, now stopped."""
    with Replay(fault=fault) as server:
        chosen = open_venues() if adapters is None else list(adapters)
        return outcomes(chosen, terms(server.url, **changes)), server


@cache
def baseline() -> tuple[dict[str, Gathered], Replay]:
    """Every open venue gathered without any fault."""
    found, server = replayed()
    gathered = {}
    for venue, one in found.items():
        assert isinstance(one, Gathered), f"{venue}: {_why(one)}"
        gathered[venue] = one
    return gathered, server


def _why(outcome: Outcome) -> str:
    return outcome.reason if isinstance(outcome, Failed | Skipped) else ""
