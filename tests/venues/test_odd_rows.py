"""One odd row never ends a command: it is a defect with its place, and everything else stays whole."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harmonize.audit.assemble import AuditOptions, Reading, audit
from harmonize.core.notionals import NOTIONAL_GRID
from harmonize.core.payload import Call, Defect, Origin, Payload, Provenance, Snapshot
from harmonize.core.schedule import Known, MarginSchedule, Unknown, value_of
from harmonize.history.diff import ObservedSchedules, find_changes
from rules import loader
from tests.replay.venues import grvt as grvt_answers
from tests.support import odd_rows, recorded
from tests.support.altered_snapshots import changed
from venues import facts, open_interest, plausibility, registry
from venues.adapter import Parsed
from venues.beliefs import Beliefs
from venues.exchanges import binance, deribit, gate, krakenfutures, kucoin
from venues.registry import VENUES

RECORDED = [adapter.venue for adapter in VENUES if odd_rows.samples(adapter.venue)]
MOVES_ROWS = (odd_rows.DUPLICATE, odd_rows.SWAPPED)
PEERS = ("binance", "bybit", "gate", "okx")
"""Venues that are compared with an odd one."""


@pytest.mark.parametrize("venue", RECORDED)
def test_an_odd_value_anywhere_never_raises_and_hides_no_other_contract(
    venue: str, *, whole: bool
) -> None:
    """A row's defect may hide the contracts of that row alone; 100,000 odd values with --whole."""
    for mutation in odd_rows.draw(venue, 2000 if whole else 25):
        snapshot, sample = mutation.snapshot(), mutation.sample
        read = registry.read(snapshot, facts.bundled())
        for defect in read.defects:
            assert 0 < len(defect.reason) <= 300, (mutation, defect)
            assert "\n" not in defect.reason, (mutation, defect)
        open_interest.read(snapshot)
        registry.parse([snapshot], facts.bundled(), beliefs_after(sample))
        own = odd_rows.contracts_of_row(mutation)
        if own is not None and mutation.value not in MOVES_ROWS:
            hidden = odd_rows.changed(sample, {s.key: s for s in read.schedules})
            assert hidden <= own, (str(mutation), hidden - own, read.defects)


@pytest.mark.sample(10)
@pytest.mark.parametrize("venue", RECORDED)
def test_an_odd_value_anywhere_leaves_a_whole_audit_and_comparison(
    venue: str, *, whole: bool
) -> None:
    rule_sets = loader.load_packs()
    peers = [s for peer in PEERS if peer != venue for s in _schedules_of(peer)]
    for mutation in odd_rows.draw(f"{venue}", 40 if whole else 4):
        snapshot, before = mutation.snapshot(), mutation.sample.schedules
        parsed = registry.parse([snapshot], facts.bundled(), beliefs_after(mutation.sample))
        reading = Reading(
            "",
            (("", snapshot),),
            (*peers, *parsed.schedules),
            parsed.defects,
            open_interest=open_interest.read(snapshot),
        )
        document = audit(reading, rule_sets, AuditOptions(snapshot.observed_at))
        assert len(document.schedules) == len(peers) + len(parsed.schedules)
        assert len(document.defects) == len(parsed.defects), document.defects
        one = ObservedSchedules.of(tuple(before.values()), [venue], ())
        other = ObservedSchedules.of(parsed.schedules, [venue], parsed.defects)
        find_changes(one, other, NOTIONAL_GRID)
        find_changes(other, one, NOTIONAL_GRID)


def beliefs_after(sample: odd_rows.Sample) -> Beliefs:
    return Beliefs().with_recording(sample.snapshot, sample.schedules.values())


def _schedules_of(venue: str) -> list[MarginSchedule]:
    schedules: dict[odd_rows.Key, MarginSchedule] = {}
    for sample in odd_rows.samples(venue):
        schedules |= sample.schedules
    return list(schedules.values())


def test_every_venue_with_a_recording_is_drawn_from() -> None:
    assert {adapter.venue for adapter in VENUES} - set(RECORDED) == {"fmfwio", "grvt"}
    assert all(sample.schedules for venue in RECORDED for sample in odd_rows.samples(venue))


def test_a_draw_reaches_every_place_and_every_kind_of_value() -> None:
    mutations = list(odd_rows.draw("gate", 3000))
    assert {type(m.value) for m in mutations} >= {type(None), list, dict, str, int, float, bool}
    places = {(id(m.sample), m.payload, m.path) for m in mutations}
    assert len(places) == sum(
        len(list(odd_rows.paths(document)))
        for sample in odd_rows.samples("gate")
        for document in sample.documents
    )
    assert len({m.snapshot().payloads[m.payload].sha256 for m in mutations[:200]}) > 150


def odd(venue: str, method: str, change: Callable[[Any], object]) -> tuple[Parsed, Parsed]:
    """A recording, and the same recording with one odd value in its answer to ``method``."""
    snapshot = next(s for s in recorded.of_venue(venue) if s.answers(method))
    both = (snapshot, changed(snapshot, method, change))
    original, altered = (registry.parse([one], facts.bundled()) for one in both)
    return original, altered


def only_defect(parsed: Parsed) -> Defect:
    (defect,) = parsed.defects
    return defect


def missing(original: Parsed, altered: Parsed) -> set[str]:
    keys = {schedule.key for schedule in altered.schedules}
    return {s.instrument.id for s in original.schedules if s.key not in keys}


def test_a_date_that_is_none_is_the_defect_of_its_row() -> None:
    def change(document: Any) -> None:
        row = next(r for r in document["instruments"] if r["symbol"] == "PF_XBTUSD")
        row["lastTradingTime"] = "20260925 15:00:00 GB"

    original, altered = odd("krakenfutures", krakenfutures.INSTRUMENTS, change)
    defect = only_defect(altered)
    assert (missing(original, altered), defect.symbol) == ({"PF_XBTUSD"}, "PF_XBTUSD")
    assert "/instruments/" in defect.where
    assert "20260925 15:00:00 GB" in defect.reason


def test_a_status_of_another_type_is_the_defect_of_its_row() -> None:
    def change(document: Any) -> None:
        document[0]["status"] = []

    original, altered = odd("gate", gate.CONTRACTS, change)
    assert len(missing(original, altered)) <= 1
    assert all(f"{gate.CONTRACTS}" in defect.where for defect in altered.defects)


def test_a_contract_in_a_third_currency_is_unknown_with_a_reason() -> None:
    def change(document: Any) -> None:
        row = next(r for r in document["data"] if r["symbol"] == "XBTUSDTM")
        row["settleCurrency"] = "KCS"

    original, altered = odd("kucoin", kucoin.CONTRACTS, change)
    assert len(original.schedules) - len(altered.schedules) in {0, 1, 2}
    for schedule in altered.schedules:
        if schedule.instrument.settle == "KCS" and schedule.tiers:
            assert isinstance(schedule.initial, Unknown)
            assert "no source states how the venue's tiers" in schedule.initial.reason


def test_a_base_rate_of_1_is_the_defect_of_the_contracts_that_use_it() -> None:
    def change(document: Any) -> None:
        document["slopes"][0]["initial_base"] = 1

    original, altered = odd("deribit", deribit.SLOPES, change)
    assert altered.defects
    assert missing(original, altered) < {s.instrument.id for s in original.schedules}


NO_END_FIRST = "tier 1 has no end, but tier 2 follows"


def test_a_first_bracket_without_end_is_a_fault_of_the_tiers() -> None:
    def change(document: Any) -> None:
        document[0]["brackets"][0]["notionalCap"] = 2**63 - 1

    original, altered = odd("binance", binance.BRACKETS, change)
    assert missing(original, altered) == set()
    schedule = altered.schedules[0]
    assert schedule.initial == schedule.maintenance == Unknown(NO_END_FIRST)
    assert isinstance(schedule.capacity, Unknown)
    document = audited(altered)
    messages = {finding.code: finding.message for finding in document.findings}
    assert messages["MH101"] == f"{NO_END_FIRST}; IM and MM are not observable"
    assert "MH106" not in {f.code for f in document.findings if f.symbol == schedule.key[1]}
    assert document.defects == ()


def audited(parsed: Parsed) -> Any:
    as_of = parsed.schedules[0].observed_at
    reading = Reading("", (), parsed.schedules, parsed.defects)
    return audit(reading, loader.load_packs(), AuditOptions(as_of))


@pytest.mark.parametrize("cap", ["", None, "0"])
def test_signs_for_no_end_hold_for_the_last_grvt_bracket_and_for_no_other(cap: object) -> None:
    last, first = (registry.parse([_grvt(number, cap)], facts.bundled()) for number in (1, 0))
    (schedule,) = last.schedules
    assert not last.defects
    initial = value_of(schedule.initial)
    assert initial is not None
    assert not initial.upper.is_finite()
    assert not isinstance(schedule.capacity, Known)
    assert [s.initial for s in first.schedules] == [Unknown(NO_END_FIRST)]
    assert audited(first).defects == ()


def _grvt(bracket: int, cap: object) -> Snapshot:
    """The brackets of the GRVT specification, with another upper bound in one of them."""
    method = "publicMarketPostFullV1MarginRules"
    answer = grvt_answers.ANSWERS[method]
    rules = json.loads(answer(None, {}) or b"")  # type: ignore[arg-type]  # a fixed answer
    rules["risk_brackets"][bracket]["notional_cap"] = cap
    at = datetime(2026, 3, 1, tzinfo=UTC)
    call = Call(method, (("instrument", "BTC_USDT_Perp"),))
    provenance = Provenance(Origin.RECORDED, "a test", "written today")
    payload = Payload.of("grvt", call, at, provenance, json.dumps(rules).encode())
    return Snapshot("grvt", at, (payload,), complete=True)


def test_an_adapter_that_fails_is_a_defect_of_its_snapshot_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    currency = "KCS"

    def fail(*_: object) -> Parsed:
        raise KeyError(currency)

    monkeypatch.setattr(registry, "VENUES", (replace(VENUES[0], venue="okx", parse=fail),))
    snapshot = recorded.of_venue("okx")[0]
    parsed = registry.read(snapshot, facts.bundled())
    assert parsed.schedules == ()
    assert only_defect(parsed) == Defect("okx", "snapshot", "cannot be read: KeyError: 'KCS'")


def test_a_schedule_that_cannot_be_screened_is_withheld_and_the_others_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sample = odd_rows.samples("mudrex")[0]
    odd_key = next(iter(sample.schedules))

    def fail_on_one(snapshot: Snapshot, parsed: Parsed, *rest: Any) -> plausibility.Screened:
        if any(schedule.key == odd_key for schedule in parsed.schedules):
            raise ZeroDivisionError
        return plausibility.screen(snapshot, parsed, *rest)

    monkeypatch.setattr(registry, "screen", fail_on_one)
    parsed = registry.parse([sample.snapshot], facts.bundled())
    assert len(parsed.schedules) == len(sample.schedules) > 1
    unknown = [s.key for s in parsed.schedules if isinstance(s.initial, Unknown)]
    assert unknown == [odd_key]
    assert only_defect(parsed).reason == "plausibility: cannot be read: ZeroDivisionError"


def test_two_contracts_under_one_symbol_are_withheld_in_every_profile() -> None:
    """TRUMP-USD in cross margin and a long ticker in isolated margin are two coins."""

    def change(document: Any) -> None:
        row = document["markets"]["BTC-USD"]
        other = dict(row, ticker="BTC-USD", marketType="ISOLATED")
        document["markets"]["SECOND"] = other

    original, altered = odd("dydx", "indexerGetPerpetualMarkets", change)
    assert missing(original, altered) == set()  # one contract in two profiles

    schedules = [s for s in altered.schedules if s.instrument.id == "BTC-USD"]
    second = replace(schedules[1], instrument=replace(schedules[1].instrument, id="BTC,RAY-USD"))
    kept, defects = _parsed_from((*altered.schedules[:1], schedules[0], second))
    assert "BTC/USDC:USDC" not in {schedule.instrument.symbol for schedule in kept}
    assert [(d.symbol, d.reason) for d in defects] == [
        (
            "BTC/USDC:USDC",
            "contracts BTC,RAY-USD, BTC-USD share one symbol; none of them is observable",
        )
    ]


def _parsed_from(
    schedules: tuple[MarginSchedule, ...],
) -> tuple[tuple[MarginSchedule, ...], tuple[Defect, ...]]:
    """What the registry makes of schedules that an adapter returns."""
    (snapshot,) = recorded.of_venue("dydx")
    with pytest.MonkeyPatch.context() as patch:
        adapter = replace(VENUES[0], venue="dydx", parse=lambda *_: Parsed(schedules, ()))
        patch.setattr(registry, "VENUES", (adapter,))
        parsed = registry.parse([snapshot], facts.bundled())
    return parsed.schedules, parsed.defects


def test_a_symbol_that_an_older_snapshot_gives_to_another_contract_is_withheld() -> None:
    (snapshot,) = recorded.of_venue("dydx")
    base = next(s for s in recorded.schedules("dydx") if s.instrument.id == "BTC-USD")
    other = replace(base, instrument=replace(base.instrument, id="BTC,RAY-USD"))
    older = replace(snapshot, observed_at=snapshot.observed_at - timedelta(days=1))
    with pytest.MonkeyPatch.context() as patch:
        adapter = replace(
            VENUES[0],
            venue="dydx",
            parse=lambda s, _: Parsed((base if s is snapshot else other,), ()),
        )
        patch.setattr(registry, "VENUES", (adapter,))
        parsed = registry.parse([snapshot, older], facts.bundled())
    assert parsed.schedules == ()
    assert only_defect(parsed).symbol == "BTC/USDC:USDC"


def test_no_recording_has_two_contracts_under_one_symbol() -> None:
    defects = [defect for venue in RECORDED for defect in _defects_of(venue)]
    assert not [defect for defect in defects if "share one symbol" in defect.reason]


def _defects_of(venue: str) -> tuple[Defect, ...]:
    return registry.parse(recorded.of_venue(venue), facts.bundled()).defects
