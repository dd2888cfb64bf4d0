import pytest

from harmonize.core.payload import Snapshot
from tests.support import recorded
from tests.support.altered_snapshots import parsed
from tests.venues.exchanges import conformance
from venues.registry import VENUES

SCHEDULE_COUNTS = {
    "binance": 808,
    "bitget": 437,
    "bybit": 300,
    "deribit": 3,
    "dydx": 123,
    "gate": 5,
    "htx": 2,
    "krakenfutures": 80,
    "kucoin": 12,
    "mexc": 3,
    "okx": 2,
}


@pytest.mark.parametrize("snapshot", recorded.cases(recorded.snapshots()))
def test_every_recorded_snapshot_is_read_without_defect_and_holds_every_law(
    snapshot: Snapshot,
) -> None:
    parse_result = parsed(snapshot)
    assert parse_result.defects == ()
    assert parse_result.schedules
    assert conformance.all_laws(snapshot, iter(parse_result.schedules)) >= len(
        parse_result.schedules
    )


@pytest.mark.parametrize(("venue", "count"), SCHEDULE_COUNTS.items())
def test_every_instrument_of_the_recording_has_a_schedule(venue: str, count: int) -> None:
    assert len(recorded.schedules(venue)) == count


def test_a_trimmed_snapshot_takes_nothing_away_from_the_complete_one_before_it() -> None:
    newest, older = recorded.of_venue("hyperliquid")
    assert (newest.complete, older.complete) == (False, True)
    merged = {
        schedule.instrument.symbol: schedule for schedule in recorded.schedules("hyperliquid")
    }
    assert len(merged) == 169
    assert f"{merged['BTC/USDC:USDC'].observed_at:%Y-%m-%d}" == "2026-09-25"
    assert f"{merged['LTC/USDC:USDC'].observed_at:%Y-%m-%d}" == "2025-05-25"


@pytest.mark.parametrize("snapshot", recorded.cases(recorded.snapshots()))
def test_parse_does_not_depend_on_the_order_of_payloads(snapshot: Snapshot) -> None:
    reversed_snapshot = Snapshot(
        snapshot.venue, snapshot.observed_at, snapshot.payloads[::-1], snapshot.complete
    )
    assert parsed(reversed_snapshot) == parsed(snapshot)


def test_a_venue_that_is_closed_says_why_and_the_others_name_their_host() -> None:
    for adapter in VENUES:
        assert bool(adapter.closure_reason) != bool(adapter.host), adapter.venue


def test_every_endpoint_is_a_method_of_its_ccxt_exchange() -> None:
    import ccxt  # noqa: PLC0415 - heavy, and only this test needs it

    for adapter in VENUES:
        if adapter.closure_reason:
            continue
        exchange = getattr(ccxt, adapter.ccxt_class or adapter.venue)()
        for endpoint in adapter.endpoints:
            assert callable(getattr(exchange, endpoint.method, None)), endpoint.method
