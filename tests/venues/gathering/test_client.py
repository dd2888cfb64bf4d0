"""Real ccxt calls against a server of recordings with faults of protocol and content."""

import socket
from collections import Counter

import pytest

from harmonize.archive.archive import Archive
from harmonize.core.payload import Origin
from harmonize.core.schedule import Unknown, value_of
from tests.replay import drift, faults
from tests.replay.faults import Fault
from tests.replay.gathering import SECRETS, baseline, fast_options, outcomes, replayed
from tests.replay.server import Replay, open_venues
from tests.support.oracles import exact_margin
from tests.support.paths import ROOT
from tests.support.receivers import receiver
from venues import facts, registry
from venues.adapter import Access, Endpoint, Purpose, VenueAdapter
from venues.beliefs import Beliefs
from venues.gathering.client import Progress
from venues.gathering.connection import MAX_CONCURRENT_CALLS, MAX_CONSECUTIVE_FAILURES
from venues.gathering.credentials import NONE
from venues.gathering.http_session import MAX_RESPONSE_BYTES
from venues.gathering.outcome import Failed, Gathered, Skipped, failure_reason


def adapter(venue: str) -> VenueAdapter:
    venue_adapter = registry.find_adapter(venue)
    assert venue_adapter is not None
    return venue_adapter


BITGET, MEXC = adapter("bitget"), adapter("mexc")


def contents(gathered: Gathered) -> list[tuple[str, bytes]]:
    return sorted((str(payload.call), payload.content) for payload in gathered.snapshot.payloads)


def test_every_open_venue_is_gathered_only_by_its_documented_paths() -> None:
    gathered, server = baseline()
    assert sorted(gathered) == [venue_adapter.venue for venue_adapter in open_venues()]
    unmatched = [(r.venue, r.verb, r.path) for r in server.requests if r.endpoint is None]
    assert unmatched == []
    assert {venue: g.missing for venue, g in gathered.items() if g.missing} == {}


def test_no_call_is_repeated_or_unplanned() -> None:
    gathered, server = baseline()
    for venue, outcome in gathered.items():
        payloads = set(outcome.snapshot.payloads) - set(adapter(venue).documented_payloads())
        calls = Counter(str(payload.call) for payload in payloads)
        assert [call for call, count in calls.items() if count > 1] == []
        paged = sum(endpoint.next_page is not None for endpoint in adapter(venue).endpoints)
        assert len(calls) <= outcome.requests <= len(calls) + paged, venue
    assert len(server.requests) == sum(outcome.requests for outcome in gathered.values())


@pytest.mark.parametrize("venue", [venue_adapter.venue for venue_adapter in open_venues()])
def test_gathered_snapshots_are_parsed_without_defect_and_keep_their_provenance(venue: str) -> None:
    gathered = baseline()[0][venue]
    parsed = registry.parse([gathered.snapshot], facts.bundled())
    assert parsed.defects == ()
    assert parsed.schedules
    assert gathered.snapshot.complete
    documented = adapter(venue).documented_payloads()
    assert set(documented) <= set(gathered.snapshot.payloads)
    for payload in gathered.snapshot.payloads:
        if payload in documented:
            assert payload.provenance.origin is Origin.DOCUMENTATION
            continue
        assert payload.provenance.origin is Origin.LIVE
        assert "HTTP status 200" in payload.provenance.source
        assert payload.provenance.request


@pytest.mark.sample(3)
@pytest.mark.parametrize("fault", faults.PASSING, ids=lambda fault: fault.name)
def test_responses_are_complete_after_a_temporary_fault(fault: Fault) -> None:
    by_venue, _ = replayed(fault)
    for venue, expected in baseline()[0].items():
        outcome = by_venue[venue]
        assert isinstance(outcome, Gathered), f"{venue}: {getattr(outcome, 'reason', '')}"
        assert contents(outcome) == contents(expected), venue


@pytest.mark.sample(4)
@pytest.mark.parametrize("fault", faults.LASTING, ids=lambda fault: fault.name)
def test_a_permanent_fault_is_a_failure_with_a_reason(fault: Fault) -> None:
    by_venue, _ = replayed(fault, timeout=0.4, budget=10.0)
    for venue, outcome in by_venue.items():
        assert isinstance(outcome, Failed), venue
        assert outcome.reason
        assert "://" not in outcome.reason
        assert outcome.seconds < 11
        assert failure_reason(outcome.snapshot) == outcome.reason
        assert not outcome.snapshot.complete


def test_a_connection_refused_is_a_failure() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    by_venue = outcomes(open_venues(), fast_options(f"http://127.0.0.1:{port}"))
    for outcome in by_venue.values():
        assert isinstance(outcome, Failed)
        assert "no response" in outcome.reason


@pytest.mark.parametrize("name", drift.CHANGES)
def test_a_changed_structure_withholds_the_schedule_and_names_the_location(name: str) -> None:
    change, columns = drift.CHANGES[name]
    original = baseline()[0]
    bodies, changed = {}, {}
    for venue, gathered in original.items():
        for schedule in registry.parse([gathered.snapshot], facts.bundled()).schedules:
            altered = drift.drifted(gathered, schedule, change, columns)
            if altered is not None:
                bodies[altered[0]] = altered[1]
                changed[venue] = schedule
                break
    assert len(changed) >= len(original) * 3 // 4 or name == "percent for fraction"
    by_venue, _ = replayed(drift.Drift(bodies))
    for venue, schedule in changed.items():
        after = by_venue[venue]
        if isinstance(after, Failed):
            assert after.reason
            continue
        assert isinstance(after, Gathered)
        good = original[venue].snapshot
        before = registry.read(good, facts.bundled()).schedules
        beliefs = Beliefs().with_recording(good, before)
        parsed = registry.parse([after.snapshot], facts.bundled(), beliefs)
        assert parsed.defects, venue
        assert all(" at " in defect.where for defect in parsed.defects), venue
        same_key = [other for other in parsed.schedules if other.key == schedule.key]
        for other in same_key:
            for margin_type in ("initial", "maintenance"):
                margin = getattr(other, margin_type)
                expected = value_of(getattr(schedule, margin_type))
                assert isinstance(margin, Unknown) or value_of(margin) == expected, venue
            assert isinstance(other.initial, Unknown) or isinstance(other.maintenance, Unknown)


def test_rows_of_a_new_structure_withhold_the_schedule() -> None:
    original = baseline()[0]
    changed = {
        venue: registry.parse([gathered.snapshot], facts.bundled()).schedules[0]
        for venue, gathered in original.items()
    }
    bodies = dict(drift.reshaped(original[venue], schedule) for venue, schedule in changed.items())
    by_venue, _ = replayed(drift.Drift(bodies))
    for venue, schedule in changed.items():
        after = by_venue[venue]
        if isinstance(after, Failed):
            continue
        assert isinstance(after, Gathered)
        parsed = registry.parse([after.snapshot], facts.bundled())
        assert parsed.defects, venue
        for other in parsed.schedules:
            if other.key == schedule.key:
                assert isinstance(other.initial, Unknown), venue
                assert isinstance(other.maintenance, Unknown), venue


def is_instrument_list(endpoint: Endpoint, _number: int) -> bool:
    return endpoint.purpose is Purpose.INSTRUMENTS


def is_market_data(endpoint: Endpoint, _number: int) -> bool:
    return not endpoint.required


@pytest.mark.sample(4)
@pytest.mark.parametrize("fault", faults.LASTING, ids=lambda fault: fault.name)
def test_a_fault_in_a_list_of_instruments_fails_the_venues_that_need_it(fault: Fault) -> None:
    adapters = [
        venue_adapter
        for venue_adapter in open_venues()
        if any(is_instrument_list(endpoint, 1) for endpoint in venue_adapter.endpoints)
    ]
    list_fault = Fault(fault.name, fault.change, is_instrument_list)
    by_venue, _ = replayed(list_fault, adapters, timeout=0.4, budget=10.0)
    assert [venue for venue, o in by_venue.items() if not isinstance(o, Failed)] == []
    assert len(by_venue) >= 8


def test_only_market_data_may_be_missing_and_is_reported() -> None:
    down = next(fault for fault in faults.LASTING if fault.name == "500")
    by_venue, _ = replayed(Fault(down.name, down.change, is_market_data))
    for venue, outcome in by_venue.items():
        assert isinstance(outcome, Gathered), venue
        optional = [e.request for e in adapter(venue).endpoints if not e.required]
        assert len(outcome.missing) == len(optional), venue
        for request, message in zip(optional, outcome.missing, strict=True):
            assert message.startswith(f"{request}: ")
            assert "HTTP status 500" in message


def paged() -> list[VenueAdapter]:
    """Adapters of venues with an endpoint of more than two pages."""
    adapters = []
    for venue, gathered in baseline()[0].items():
        methods = {e.method for e in adapter(venue).endpoints if e.next_page is not None}
        counts = Counter(payload.call.method for payload in gathered.snapshot.payloads)
        if any(counts[method] > 2 for method in methods):
            adapters.append(adapter(venue))
    return adapters


@pytest.mark.parametrize("cycle", [1, 2])
def test_a_repeated_page_fails_the_venue(cycle: int) -> None:
    adapters = [venue_adapter for venue_adapter in paged() if venue_adapter.venue == "bybit"]
    assert adapters
    by_venue, _ = replayed(faults.Repeating(cycle), adapters)
    for venue, outcome in by_venue.items():
        assert isinstance(outcome, Failed), venue
        assert "repeats page" in outcome.reason


def test_a_silently_truncated_list_is_detected_by_the_instrument_list() -> None:
    cut = faults.CutShort("publicGetV5MarketRiskLimit", ("result", "nextPageCursor"))
    by_venue, _ = replayed(cut, [adapter("bybit")])
    outcome = by_venue["bybit"]
    assert isinstance(outcome, Failed)
    assert "listed instruments without margins" in outcome.reason


def test_an_unknown_field_withholds_the_schedule() -> None:
    original = baseline()[0]["bybit"]
    schedule = registry.parse([original.snapshot], facts.bundled()).schedules[0]

    def with_new_field(holder: dict[str, object], _key: str, _column: object) -> None:
        holder["marginFloor"] = "5"

    altered = drift.drifted(original, schedule, with_new_field, frozenset({"initial"}))
    assert altered is not None
    by_venue, _ = replayed(drift.Drift(dict([altered])), [adapter("bybit")])
    changed = by_venue["bybit"]
    assert isinstance(changed, Gathered)
    parsed = registry.parse([changed.snapshot], facts.bundled())
    (same,) = [other for other in parsed.schedules if other.key == schedule.key]
    assert isinstance(same.initial, Unknown)
    (defect,) = parsed.defects
    assert defect.where.endswith("/marginFloor")
    assert defect.symbol == schedule.instrument.id
    assert len(parsed.schedules) == len(
        registry.parse([original.snapshot], facts.bundled()).schedules
    )


def test_slopes_from_help_pages_have_the_origin_documentation() -> None:
    schedules = registry.parse([baseline()[0]["deribit"].snapshot], facts.bundled()).schedules
    (btc,) = [s for s in schedules if s.instrument.id == "BTC-PERPETUAL"]
    assert btc.origin is Origin.DOCUMENTATION
    function = value_of(btc.initial)
    assert function is not None
    # 25 BTC at the mark price: 2 % + 25 × 0.005 %
    price = btc.evidence[0].conversion.factors[0]  # type: ignore[union-attr]
    assert price.name == "mark price of BTC-PERPETUAL"
    initial = float(exact_margin(function, 25 * price.value) or 0)
    assert initial == pytest.approx(float(25 * price.value) * 0.02125)


def test_a_blocked_venue_is_called_once() -> None:
    blocked = next(fault for fault in faults.LASTING if fault.name == "403 geo-block")
    by_venue, server = replayed(blocked, [MEXC])
    outcome = by_venue["mexc"]
    assert isinstance(outcome, Failed)
    assert "block" in outcome.reason
    margin_requests = [request for request in server.requests if "detail" in request.path]
    assert len(margin_requests) == 1


def test_a_venue_that_keeps_failing_is_abandoned() -> None:
    down = next(fault for fault in faults.LASTING if fault.name == "500")
    by_venue, server = replayed(down, [BITGET], max_attempts=100)
    outcome = by_venue["bitget"]
    assert isinstance(outcome, Failed)
    assert f"{MAX_CONSECUTIVE_FAILURES} consecutive calls" in outcome.reason
    lever_requests = [
        request for request in server.requests if "query-position-lever" in request.path
    ]
    assert len(lever_requests) <= MAX_CONSECUTIVE_FAILURES + MAX_CONCURRENT_CALLS


def test_the_delay_of_retry_after_is_kept() -> None:
    pause = Fault(
        "429",
        faults.status(429, "1"),
        lambda endpoint, number: faults.margin(endpoint, number) and number == 1,
    )
    by_venue, _ = replayed(pause, [MEXC])
    outcome = by_venue["mexc"]
    assert isinstance(outcome, Gathered)
    assert outcome.seconds >= 1


def test_no_recorded_response_comes_near_the_largest_that_is_read() -> None:
    archive = Archive.open(ROOT / "venues" / "recorded" / "archive")
    largest = max(
        len(payload.content)
        for entry in archive.entries()
        for payload in archive.read(entry).payloads
    )
    assert 20 * largest < MAX_RESPONSE_BYTES <= 32 * 2**20


def test_an_oversized_response_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("venues.gathering.http_session.MAX_RESPONSE_BYTES", 1000)
    with Replay() as server:
        outcome = outcomes([MEXC], fast_options(server.url))["mexc"]
    assert isinstance(outcome, Failed)
    assert "contract/detail" in outcome.reason


def test_a_delay_above_the_budget_fails_the_venue() -> None:
    hour = next(fault for fault in faults.LASTING if fault.name == "429 for an hour")
    by_venue, _ = replayed(hour, [MEXC])
    outcome = by_venue["mexc"]
    assert isinstance(outcome, Failed)
    assert "3600 s" in outcome.reason
    assert outcome.seconds < 5


def test_the_budget_ends_a_hanging_venue() -> None:
    hanging = next(fault for fault in faults.LASTING if fault.name == "timeout")
    by_venue, _ = replayed(hanging, [BITGET], budget=1.0)
    outcome = by_venue["bitget"]
    assert isinstance(outcome, Failed)
    assert "within 1 s" in outcome.reason
    assert outcome.seconds < 3


def test_a_venue_that_requires_a_key_is_not_called_without_one() -> None:
    adapters = [
        venue_adapter
        for venue_adapter in open_venues()
        if any(e.access is Access.KEY and e.required for e in venue_adapter.endpoints)
    ]
    venues = {venue_adapter.venue for venue_adapter in adapters}
    assert "binance" in venues
    with Replay() as server:
        by_venue = outcomes(adapters, fast_options(server.url, keys=lambda _: NONE))
        assert server.requests == []
    assert set(by_venue.values()) == {Skipped(venue, "needs a key") for venue in venues}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("venue", ["binance", "mudrex", "bingx", "aster", "mexc", "hyperliquid"])
def test_no_redirect_is_followed(status: int, venue: str) -> None:
    with receiver(200) as other_host:
        fault = Fault("redirect", faults.redirect(status, f"{other_host.url}/elsewhere"))
        outcome = replayed(fault, [adapter(venue)])[0][venue]
        assert other_host.requests == []
    assert isinstance(outcome, Failed)
    assert f"HTTP status {status}, a redirect, which is not followed" in outcome.reason
    assert outcome.payloads == ()


@pytest.mark.parametrize("status", [300, 305, 307, 399])
def test_a_redirect_without_an_address_is_not_an_answer(status: int) -> None:
    outcome = replayed(Fault("redirect", faults.redirect(status, "")), [MEXC])[0]["mexc"]
    assert isinstance(outcome, Failed)
    assert f"HTTP status {status}, a redirect" in outcome.reason
    assert outcome.payloads == ()


def test_no_outcome_contains_a_secret() -> None:
    gathered, _ = baseline()
    down = next(fault for fault in faults.LASTING if fault.name == "500")
    failed, _ = replayed(down)
    text = repr([gathered, failed, SECRETS])
    for secret in SECRETS.values.values():
        assert secret not in text


def test_a_deviating_venue_clock_is_named() -> None:
    skewed = next(fault for fault in faults.PASSING if fault.name == "clock skew")
    by_venue, _ = replayed(skewed, [MEXC])
    outcome = by_venue["mexc"]
    assert isinstance(outcome, Gathered)
    (detail,) = outcome.snapshot.answers("contractPublicGetDetail")
    assert "the venue's clock read 2001-01-01" in detail.provenance.dating
    assert detail.observed_at.year > 2025


def test_progress_counts_up_to_the_planned_calls() -> None:
    reports: list[Progress] = []
    with Replay() as server:
        outcomes([BITGET], fast_options(server.url), reports)
    counts = [report.completed for report in reports]
    assert counts == list(range(1, len(reports) + 1))
    assert reports[-1].completed == reports[-1].planned
