"""Real ccxt calls against a server of recordings that breaks every rule of HTTP and of sense."""

import socket
from collections import Counter

import pytest

from harmonize.core.payload import Origin
from harmonize.core.schedule import Unknown, value_of
from tests.replay import drift, faults
from tests.replay.faults import Fault
from tests.replay.gathering import SECRETS, baseline, outcomes, replayed, terms
from tests.replay.server import Replay, open_venues
from tests.support.oracles import value
from venues import facts, registry
from venues.adapter import Access, Endpoint, Purpose, VenueAdapter
from venues.gathering.client import MAX_CONCURRENT_CALLS, MAX_CONSECUTIVE_FAILURES, Progress
from venues.gathering.credentials import NONE
from venues.gathering.outcome import Failed, Gathered, Skipped, attempt


def adapter(venue: str) -> VenueAdapter:
    found = registry.adapter(venue)
    assert found is not None
    return found


BITGET, MEXC = adapter("bitget"), adapter("mexc")


def contents(found: Gathered) -> list[tuple[str, bytes]]:
    return sorted((str(one.call), one.content) for one in found.snapshot.payloads)


def test_every_open_venue_is_gathered_by_its_documented_paths_alone() -> None:
    gathered, server = baseline()
    assert sorted(gathered) == [one.venue for one in open_venues()]
    strangers = [(one.venue, one.verb, one.path) for one in server.requests if one.endpoint is None]
    assert strangers == []
    assert {venue: one.missing for venue, one in gathered.items() if one.missing} == {}


def test_no_call_is_made_twice_and_none_that_the_plan_does_not_need() -> None:
    gathered, server = baseline()
    for venue, one in gathered.items():
        answers = set(one.snapshot.payloads) - set(adapter(venue).documented())
        calls = Counter(str(payload.call) for payload in answers)
        assert [call for call, times in calls.items() if times > 1] == []
        past_the_end = sum(step.next_page is not None for step in adapter(venue).endpoints)
        assert len(calls) <= one.requests <= len(calls) + past_the_end, venue
    assert len(server.requests) == sum(one.requests for one in gathered.values())


@pytest.mark.parametrize("venue", [one.venue for one in open_venues()])
def test_what_was_gathered_is_read_without_defect_and_its_bytes_are_those_sent(venue: str) -> None:
    one = baseline()[0][venue]
    found = registry.parse([one.snapshot], facts.bundled())
    assert found.defects == ()
    assert found.schedules
    assert one.snapshot.complete
    documented = adapter(venue).documented()
    assert set(documented) <= set(one.snapshot.payloads)
    for payload in one.snapshot.payloads:
        if payload in documented:
            assert payload.provenance.origin is Origin.DOCUMENTATION
            continue
        assert payload.provenance.origin is Origin.LIVE
        assert "HTTP status 200" in payload.provenance.source
        assert payload.provenance.request


@pytest.mark.parametrize("fault", faults.PASSING, ids=lambda one: one.name)
def test_a_fault_that_passes_leaves_the_answers_whole(fault: Fault) -> None:
    found, _ = replayed(fault)
    for venue, sound in baseline()[0].items():
        one = found[venue]
        assert isinstance(one, Gathered), f"{venue}: {getattr(one, 'reason', '')}"
        assert contents(one) == contents(sound), venue


@pytest.mark.parametrize("fault", faults.LASTING, ids=lambda one: one.name)
def test_a_fault_that_lasts_is_a_failure_with_a_reason_and_never_a_snapshot(fault: Fault) -> None:
    found, _ = replayed(fault, timeout=0.4, budget=10.0)
    for venue, one in found.items():
        assert isinstance(one, Failed), venue
        assert one.reason
        assert "://" not in one.reason
        assert one.seconds < 11
        assert attempt(one.snapshot) == one.reason
        assert not one.snapshot.complete


def test_a_connection_refused_is_a_failure() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = outcomes(open_venues(), terms(f"http://127.0.0.1:{port}"))
    assert all(isinstance(one, Failed) for one in found.values())
    assert {"no answer" in one.reason for one in found.values() if isinstance(one, Failed)} == {
        True
    }


@pytest.mark.parametrize("shape", drift.SHAPES)
def test_a_changed_shape_hides_the_schedule_and_names_the_place(shape: str) -> None:
    change, figures = drift.SHAPES[shape]
    sound = baseline()[0]
    bodies, touched = {}, {}
    for venue, one in sound.items():
        for schedule in registry.parse([one.snapshot], facts.bundled()).schedules:
            altered = drift.drifted(one, schedule, change, figures)
            if altered is not None:
                bodies[altered[0]] = altered[1]
                touched[venue] = schedule
                break
    assert len(touched) >= len(sound) * 3 // 4 or shape == "percent for fraction"
    found, _ = replayed(drift.Drift(bodies))
    for venue, schedule in touched.items():
        after = found[venue]
        if isinstance(after, Failed):
            assert after.reason
            continue
        assert isinstance(after, Gathered)
        before = registry.read(sound[venue].snapshot, facts.bundled()).schedules
        read = registry.parse([after.snapshot], facts.bundled(), before)
        assert read.defects, venue
        assert all(" at " in defect.where for defect in read.defects), venue
        same = [other for other in read.schedules if other.key == schedule.key]
        for other in same:
            for name in ("initial", "maintenance"):
                figure = getattr(other, name)
                was = getattr(schedule, name)
                assert isinstance(figure, Unknown) or value_of(figure) == value_of(was), venue
            assert isinstance(other.initial, Unknown) or isinstance(other.maintenance, Unknown)


def test_rows_in_a_new_shape_hide_the_schedule() -> None:
    sound = baseline()[0]
    touched = {
        venue: registry.parse([one.snapshot], facts.bundled()).schedules[0]
        for venue, one in sound.items()
    }
    bodies = dict(drift.reshaped(sound[venue], one) for venue, one in touched.items())
    found, _ = replayed(drift.Drift(bodies))
    for venue, schedule in touched.items():
        after = found[venue]
        if isinstance(after, Failed):
            continue
        assert isinstance(after, Gathered)
        read = registry.parse([after.snapshot], facts.bundled())
        assert read.defects, venue
        for other in read.schedules:
            if other.key == schedule.key:
                assert isinstance(other.initial, Unknown), venue
                assert isinstance(other.maintenance, Unknown), venue


def listing(endpoint: Endpoint, _number: int) -> bool:
    return endpoint.purpose is Purpose.INSTRUMENTS


def market_data(endpoint: Endpoint, _number: int) -> bool:
    return not endpoint.required


@pytest.mark.parametrize("fault", faults.LASTING, ids=lambda one: one.name)
def test_a_fault_in_a_list_of_instruments_fails_the_venues_that_need_it(fault: Fault) -> None:
    needing = [one for one in open_venues() if any(listing(each, 1) for each in one.endpoints)]
    found, _ = replayed(Fault(fault.name, fault.change, listing), needing, timeout=0.4, budget=10.0)
    assert {venue for venue, one in found.items() if not isinstance(one, Failed)} == set()
    assert len(found) >= 8


def test_market_data_alone_can_be_missing_and_that_is_said() -> None:
    down = next(one for one in faults.LASTING if one.name == "500")
    found, _ = replayed(Fault(down.name, down.change, market_data))
    for venue, one in found.items():
        assert isinstance(one, Gathered), venue
        asked = [each.request for each in adapter(venue).endpoints if not each.required]
        assert len(one.missing) == len(asked), venue
        for request, said in zip(asked, one.missing, strict=True):
            assert said.startswith(f"{request}: ")
            assert "HTTP status 500" in said


def paged() -> list[VenueAdapter]:
    """The venues that answered some endpoint on more than two pages."""
    found = []
    for venue, one in baseline()[0].items():
        pages = {step.method for step in adapter(venue).endpoints if step.next_page is not None}
        counts = Counter(payload.call.method for payload in one.snapshot.payloads)
        if any(counts[method] > 2 for method in pages):
            found.append(adapter(venue))
    return found


@pytest.mark.parametrize("cycle", [1, 2])
def test_a_page_that_comes_again_fails_the_venue(cycle: int) -> None:
    chosen = [one for one in paged() if one.venue == "bybit"]
    assert chosen
    found, _ = replayed(faults.Repeating(cycle), chosen)
    for venue, one in found.items():
        assert isinstance(one, Failed), venue
        assert "repeats page" in one.reason


def test_a_list_cut_short_in_silence_is_given_away_by_the_instruments() -> None:
    cut = faults.CutShort("publicGetV5MarketRiskLimit", ("result", "nextPageCursor"))
    found, _ = replayed(cut, [adapter("bybit")])
    one = found["bybit"]
    assert isinstance(one, Failed)
    assert "listed instruments have no margins" in one.reason


def test_a_field_that_nobody_knows_hides_the_schedule() -> None:
    sound = baseline()[0]["bybit"]
    schedule = registry.parse([sound.snapshot], facts.bundled()).schedules[0]

    def added(holder: dict[str, object], _key: str, _column: object) -> None:
        holder["marginFloor"] = "5"

    altered = drift.drifted(sound, schedule, added, frozenset({"initial"}))
    assert altered is not None
    found, _ = replayed(drift.Drift(dict([altered])), [adapter("bybit")])
    changed = found["bybit"]
    assert isinstance(changed, Gathered)
    read = registry.parse([changed.snapshot], facts.bundled())
    (same,) = [other for other in read.schedules if other.key == schedule.key]
    assert isinstance(same.initial, Unknown)
    (defect,) = read.defects
    assert defect.where.endswith("/marginFloor")
    assert defect.symbol == schedule.instrument.id
    assert len(read.schedules) == len(registry.parse([sound.snapshot], facts.bundled()).schedules)


def test_slopes_that_only_help_pages_state_stand_beside_live_answers_as_what_they_are() -> None:
    found = registry.parse([baseline()[0]["deribit"].snapshot], facts.bundled()).schedules
    (btc,) = [one for one in found if one.instrument.id == "BTC-PERPETUAL"]
    assert btc.origin is Origin.DOCUMENTATION
    function = value_of(btc.initial)
    assert function is not None
    # 25 BTC at the mark price: 2 % + 25 × 0.005 %
    price = btc.evidence[0].conversion.factors[0]  # type: ignore[union-attr]
    assert price.name == "mark price of BTC-PERPETUAL"
    due = float(value(function, 25 * price.value) or 0)
    assert due == pytest.approx(float(25 * price.value) * 0.02125)


def test_a_blocked_venue_is_asked_once() -> None:
    blocked = next(one for one in faults.LASTING if one.name == "403 geo-block")
    found, server = replayed(blocked, [MEXC])
    one = found["mexc"]
    assert isinstance(one, Failed)
    assert "block" in one.reason
    asked = [request for request in server.requests if "detail" in request.path]
    assert len(asked) == 1


def test_a_venue_that_keeps_failing_is_left_alone() -> None:
    down = next(one for one in faults.LASTING if one.name == "500")
    found, server = replayed(down, [BITGET], max_attempts=100)
    one = found["bitget"]
    assert isinstance(one, Failed)
    assert f"{MAX_CONSECUTIVE_FAILURES} calls in a row" in one.reason
    levers = [request for request in server.requests if "query-position-lever" in request.path]
    assert len(levers) <= MAX_CONSECUTIVE_FAILURES + MAX_CONCURRENT_CALLS


def test_retry_after_is_waited_for() -> None:
    pause = Fault("429", faults.status(429, "1"), lambda e, n: faults.margin(e, n) and n == 1)
    found, _ = replayed(pause, [MEXC])
    one = found["mexc"]
    assert isinstance(one, Gathered)
    assert one.seconds >= 1


def test_an_answer_without_end_is_not_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("venues.gathering.client.MAX_RESPONSE_BYTES", 1000)
    with Replay() as server:
        one = outcomes([MEXC], terms(server.url))["mexc"]
    assert isinstance(one, Failed)
    assert "contract/detail" in one.reason


def test_a_wait_longer_than_the_budget_is_not_waited_for() -> None:
    hour = next(one for one in faults.LASTING if one.name == "429 for an hour")
    found, _ = replayed(hour, [MEXC])
    one = found["mexc"]
    assert isinstance(one, Failed)
    assert "3600 s" in one.reason
    assert one.seconds < 5


def test_the_budget_ends_a_venue_that_hangs() -> None:
    hanging = next(one for one in faults.LASTING if one.name == "timeout")
    found, _ = replayed(hanging, [BITGET], budget=1.0)
    one = found["bitget"]
    assert isinstance(one, Failed)
    assert "within 1 s" in one.reason
    assert one.seconds < 3


def test_a_venue_that_needs_a_key_is_not_asked_without_one() -> None:
    keyed = [
        one
        for one in open_venues()
        if any(e.access is Access.KEY and e.required for e in one.endpoints)
    ]
    assert "binance" in {one.venue for one in keyed}
    with Replay() as server:
        found = outcomes(keyed, terms(server.url, keys=lambda _: NONE))
        assert server.requests == []
    assert set(found.values()) == {Skipped(one.venue, "needs a key") for one in keyed}


def test_no_secret_is_in_what_is_kept() -> None:
    gathered, _ = baseline()
    down = next(one for one in faults.LASTING if one.name == "500")
    failed, _ = replayed(down)
    kept = repr([gathered, failed, SECRETS])
    for secret in SECRETS.values.values():
        assert secret not in kept


def test_the_clock_of_a_venue_that_is_off_is_named() -> None:
    skewed = next(one for one in faults.PASSING if one.name == "clock skew")
    found, _ = replayed(skewed, [MEXC])
    one = found["mexc"]
    assert isinstance(one, Gathered)
    (detail,) = one.snapshot.answers("contractPublicGetDetail")
    assert "the venue's said 2001-01-01" in detail.provenance.dating
    assert detail.observed_at.year > 2025


def test_progress_counts_up_to_the_calls_due() -> None:
    told: list[Progress] = []
    with Replay() as server:
        outcomes([BITGET], terms(server.url), told)
    counts = [one.done for one in told]
    assert counts == list(range(1, len(told) + 1))
    assert told[-1].done == told[-1].due
