"""Gathering every open venue from a server that keeps their rate limits, against the least possible."""

import sys
import time

from tests.replay.gathering import fast_options, outcomes
from tests.replay.server import Replay, open_venues
from venues.gathering.client import costs
from venues.gathering.outcome import Gathered

WALL, REQUESTS = 1.05, 1.05
START_UP = 2.0
"""The goals: so many times the floor of the slowest venue and so many seconds; times the fewest calls."""


def main() -> None:
    """Print wall time and requests beside the floor that limits set and the fewest calls."""
    adapters = open_venues()
    pace = {
        (one.venue, endpoint.method): held
        for one in adapters
        for endpoint, held in zip(
            one.endpoints, costs(one, [(each, ()) for each in one.endpoints]), strict=True
        )
    }
    with Replay(pace=pace) as server:
        started = time.perf_counter()
        found = outcomes(adapters, fast_options(server.url, paced=True, budget=300.0))
        wall = time.perf_counter() - started
    calls, floors = 0, {}
    for one in adapters:
        gathered = found[one.venue]
        assert isinstance(gathered, Gathered), one.venue
        by_method = [payload.call.method for payload in gathered.snapshot.payloads]
        calls += len(by_method)
        floors[one.venue] = sum(pace[one.venue, method] for method in by_method[:-1])
    slowest = max(floors, key=lambda venue: floors[venue])
    least, made = floors[slowest], len(server.requests)
    say(
        f"gathering {len(adapters)} venues: {wall:.1f} s; the limits of {slowest} set {least:.1f} s"
    )
    say(
        f"  goal {WALL} × floor + {START_UP:g} s = {WALL * least + START_UP:.1f} s: {_met(wall <= WALL * least + START_UP)}"
    )
    say(
        f"  {made} requests, {calls} answers kept; goal {REQUESTS} × fewest: {_met(made <= REQUESTS * calls)}"
    )
    say(f"  {sum(server.early.values())} requests came before the limit allowed them")


def say(line: str) -> None:
    """Write one line."""
    sys.stdout.write(f"{line}\n")


def _met(holds: bool) -> str:  # noqa: FBT001 - the truth of a sentence
    return "met" if holds else "missed"


if __name__ == "__main__":
    main()
