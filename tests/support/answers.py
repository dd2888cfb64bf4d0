"""Builds answers of venues that a test writes itself, and reads them with the venue's adapter."""

from datetime import UTC, datetime

from harmonize.core.payload import Call, Origin, Payload, Provenance, Snapshot
from harmonize.core.schedule import MarginSchedule
from tests.support.altered_snapshots import parsed, written
from venues.adapter import Parsed
from venues.calls import call

WHEN = datetime(2026, 6, 20, 12, tzinfo=UTC)
"""When every answer was observed."""

SECONDS = int(WHEN.timestamp())
PAST, FUTURE = SECONDS - 3600, SECONDS + 3600
PAST_MS, FUTURE_MS = PAST * 1000, FUTURE * 1000


def answer(venue: str, method: str, document: object, **params: str) -> Payload:
    """Returns a recorded answer to ``method(**params)``."""
    provenance = Provenance(Origin.RECORDED, "a test", "a test")
    return Payload.of(venue, Call(method, call(**params)), WHEN, provenance, written(document))


def read(*payloads: Payload) -> Parsed:
    """Returns what the venue's adapter reads in its answers."""
    return parsed(Snapshot(payloads[0].venue, WHEN, payloads, complete=False))


def ids(result: Parsed) -> list[str]:
    """Returns the ids of the contracts that have a schedule."""
    return sorted({schedule.instrument.id for schedule in result.schedules})


def only(*payloads: Payload) -> MarginSchedule:
    """Returns the one schedule of the answers, which have no defect."""
    result = read(*payloads)
    assert result.defects == ()
    (schedule,) = result.schedules
    return schedule


def uppers(schedule: MarginSchedule) -> list[float]:
    """Returns the bounds of the tiers in USD."""
    return [float(tier.upper) for tier in schedule.tiers]
