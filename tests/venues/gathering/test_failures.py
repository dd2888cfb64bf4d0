"""Requests without a response: their time limit, and the cause that a failure names."""

import re

from tests.replay import faults
from tests.replay.faults import Fault
from tests.replay.gathering import replayed
from venues import registry
from venues.adapter import VenueAdapter
from venues.gathering.outcome import Failed


def adapter(venue: str) -> VenueAdapter:
    found = registry.find_adapter(venue)
    assert found is not None
    return found


def lasting(name: str) -> Fault:
    return next(fault for fault in faults.LASTING if fault.name == name)


def test_a_request_ends_after_its_own_time_limit() -> None:
    by_venue, _ = replayed(
        lasting("timeout"), [adapter("mexc")], timeout=0.5, max_attempts=1, budget=20.0
    )
    outcome = by_venue["mexc"]
    assert isinstance(outcome, Failed)
    assert "no response within 0.5 s" in outcome.reason
    assert 0.4 < outcome.seconds < 10


def test_a_reset_connection_is_named_by_its_cause() -> None:
    by_venue, _ = replayed(lasting("reset"), [adapter("mexc")], max_attempts=1)
    outcome = by_venue["mexc"]
    assert isinstance(outcome, Failed)
    # the connection's own error, not the one that ccxt raises for all of them
    assert re.search(r"no response \((Client|Server|Connection)\w*Error\)$", outcome.reason)
