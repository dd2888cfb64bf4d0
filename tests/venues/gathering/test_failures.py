"""Requests without a response: their time limit, and the cause that a failure names."""

import re
from collections.abc import Awaitable, Callable

import ccxt
import pytest

from tests.replay import faults
from tests.replay.faults import Fault
from tests.replay.gathering import replayed
from venues import registry
from venues.adapter import VenueAdapter
from venues.gathering.connection import VenueConnection
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


class _FailingClient:
    """Client whose calls all fail before any connection, so that no other error caused them."""

    def __getattr__(self, name: str) -> Callable[[object], Awaitable[object]]:
        async def fail(_: object) -> object:
            raise ccxt.NetworkError(name)

        return fail

    async def close(self) -> None:
        """Closes nothing."""


def test_a_failure_without_a_cause_is_named_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VenueConnection, "connect", lambda _: _FailingClient())
    by_venue, _ = replayed(adapters=[adapter("mexc")], max_attempts=1)
    outcome = by_venue["mexc"]
    assert isinstance(outcome, Failed)
    assert outcome.reason.endswith("no response (NetworkError)")
