"""What trades on the date of an audit: expiries, and contracts that a venue's list keeps."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache

import pytest

from harmonize.api.audit import Answer, Question, answer, find_schedule
from harmonize.api.cross_venue import prepare_universe
from harmonize.api.excluded_venues import excluded_venues
from harmonize.api.schedule_view import schedule_object, schedule_text
from harmonize.comparison.peers import exclusion_reason
from harmonize.comparison.trading import FROZEN, with_trading
from harmonize.comparison.universe import Universe, build_universe
from harmonize.core.instrument import contract
from harmonize.core.schedule import MarginSchedule
from harmonize.document import Verdict
from tests.harmonize.checks.examples import LAX, NOW, SOUND, Case, flat_schedule, of
from tests.support import recorded

AUDIT_DAY = date(2026, 11, 29)
_EXPIRY_IN_SYMBOL = re.compile(r"-(\d{2})(\d{2})(\d{2})$")


@cache
def audited_in_november() -> Answer:
    """The audit of the whole recorded archive as of the day that the documentation names."""
    return answer(Question(as_of=AUDIT_DAY))


def symbol_expiry(symbol: str) -> date | None:
    """Returns the expiry in a unified symbol, read here without the program's own parser."""
    match = _EXPIRY_IN_SYMBOL.search(symbol)
    return date(2000 + int(match[1]), int(match[2]), int(match[3])) if match else None


def of_venue(venue: str, expiry: date | None = None) -> MarginSchedule:
    instrument = contract(venue, "x", base="BTC", quote="USDT", settle="USDT", expiry=expiry)
    return replace(LAX, instrument=instrument)


def universe_of(*schedules: MarginSchedule, as_of: datetime = NOW, venues: int = 1) -> Universe:
    return build_universe(schedules, (), (), as_of, {}, venues=venues)


def test_the_expired_contracts_of_the_recorded_archive_do_not_trade() -> None:
    document = audited_in_november().document
    expiries = {
        (s.venue, s.symbol, s.profile): expiry
        for s in document.schedules
        if (expiry := symbol_expiry(s.symbol))
    }
    expired = {key for key, expiry in expiries.items() if expiry <= AUDIT_DAY}
    # One contract of Coinbase has a schedule for each of four account classes.
    assert (len(expired), len(expiries)) == (25, 31)
    assert len({key[:2] for key in expired}) == 22
    marked = {
        (s.venue, s.symbol, s.profile): s.not_trading
        for s in document.schedules
        if s.not_trading.startswith("expired")
    }
    assert marked == {
        key: f"expired on {expiries[key]}, before the audit's date" for key in expired
    }


def test_what_does_not_trade_is_in_no_comparison_and_no_finding_on_its_margins() -> None:
    document = audited_in_november().document
    ended = {(s.venue, s.symbol) for s in document.schedules if s.not_trading}
    assert len(ended) == 31
    compared = {(m.venue, m.symbol) for c in document.comparisons for m in c.members}
    assert not ended & compared
    codes = {f.code[:3] for f in document.findings if (f.venue, f.symbol) in ended}
    assert codes == {"MH9"}
    told = Counter(f.code for f in document.findings if (f.venue, f.symbol) in ended)
    assert told["MH911"] == 31
    rows = [row for row in document.divergences if (row.venue, row.symbol) in ended]
    assert rows
    assert {row.verdict for row in rows} == {Verdict.NOT_APPLICABLE}
    assert {row.reason for row in rows} == {s.not_trading for s in document.schedules} - {""}


def test_an_audit_before_the_expiry_compares_the_contract() -> None:
    question = Question(venues=("binance",), underlyings=("BTC",), as_of=date(2026, 9, 24))
    schedules = answer(question).document.schedules
    assert [s.not_trading for s in schedules if s.expiry == "2026-09-25"] == [""]


def test_a_schedule_of_an_ended_contract_stays_readable() -> None:
    selection = Question(venues=("bybit",), as_of=AUDIT_DAY)
    schedule, _, payloads = find_schedule(selection, "BTC/USDC:USDC-241227")
    reason = "expired on 2024-12-27, before the audit's date"
    assert f"\nnot trading: {reason}\n" in schedule_text(schedule, [10_000], NOW)
    assert schedule_object(schedule, payloads, [10_000])["not_trading"] == reason
    perpetual, _, _ = find_schedule(selection, "BTC/USDT:USDT")
    assert "not trading" not in schedule_text(perpetual, [10_000], NOW)
    replaced, _, _ = find_schedule(Question(venues=("binance",)), "FTM/USDT:USDT")
    assert "not trading: inferred to be delisted" in schedule_text(replaced, [10_000], NOW)


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        (-1, f"expired on {NOW.date() - timedelta(days=1)}, before the audit's date"),
        (0, f"expired on {NOW.date()}, the audit's date"),
        (1, ""),
    ],
)
def test_a_contract_trades_until_the_day_before_its_expiry(days: int, reason: str) -> None:
    dated = of_venue("okx", NOW.date() + timedelta(days=days))
    (schedule,) = with_trading((dated,), NOW.date())
    assert schedule.not_trading == reason
    assert exclusion_reason(schedule) == reason


def test_a_contract_that_trades_represents_its_venue_before_one_that_does_not() -> None:
    over, open_ = of_venue("okx", NOW.date()), of_venue("okx", NOW.date() + timedelta(days=90))
    (group,) = universe_of(over, open_).peer_groups
    assert [s.instrument.expiry for s in group.schedules] == [open_.instrument.expiry]


def test_a_venue_without_a_trading_contract_is_in_no_group_and_keeps_its_reason() -> None:
    universe = universe_of(of_venue("okx", NOW.date()), of_venue("gate"), of_venue("mexc"))
    (group,) = universe.peer_groups
    assert [s.instrument.venue for s in group.schedules] == ["gate", "mexc"]
    assert universe.chosen["BTC"]["okx"].not_trading
    alone = universe_of(of_venue("okx", NOW.date()), of_venue("gate"), venues=2)
    assert alone.peer_groups == ()


def test_only_checks_of_data_quality_see_a_contract_that_does_not_trade() -> None:
    live, over = flat_schedule((20_000, "0.01", "0.005")), of_venue("okx", NOW.date())
    case: Case = of(live, rules=("esma-retail", "harmonized-baseline"))
    on_live = {f.code for f in case.audited().findings}
    assert {"MH401", "MH301"} <= on_live
    on_ended = replace(case, schedules=(over,)).audited()
    assert {f.code for f in on_ended.findings if f.symbol} == {"MH911"}
    assert {row.verdict for row in on_ended.divergences} == {Verdict.NOT_APPLICABLE}
    assert [row.status.value for row in on_ended.coverage] == ["observed"]
    assert on_ended.coverage[0].reason == on_ended.schedules[0].not_trading != ""


def test_the_excluded_venues_of_a_command_include_one_whose_contracts_have_ended() -> None:
    base = prepare_universe(Question(venues=("htx",), underlyings=("BTC",), as_of=AUDIT_DAY))
    ended = base.universe.chosen["BTC"]["htx"]
    forced = {("htx", "BTC"): "BTC/USDT:USDT-211210"}
    assert not ended.not_trading
    base = prepare_universe(
        Question(venues=("htx",), underlyings=("BTC",), as_of=AUDIT_DAY, instruments=forced)
    )
    assert base.universe.peer_groups == ()
    assert [(v.venue, v.reason) for v in excluded_venues(base.universe)] == [
        ("htx", "expired on 2021-12-10, before the audit's date")
    ]


# Contracts that a venue's list keeps although it gave their asset another code.

OLD, NEW = datetime(2024, 12, 19, tzinfo=UTC), datetime(2026, 7, 2, tzinfo=UTC)
SOURCE = "rename: a source"


def listed(
    base: str, *, asset: str = "S", source: str = SOURCE, former: bool = False, quote: str = "USDT"
) -> MarginSchedule:
    """Returns a perpetual of Binance on an asset that the venue lists under a code."""
    instrument = contract("binance", base + quote, base=base, quote=quote, settle=quote)
    underlying = replace(instrument.underlying, asset=asset)
    named = replace(instrument, underlying=underlying, asset_source=source, has_former_code=former)
    return replace(SOUND, instrument=named, observed_at=NEW, dates=(NEW,))


FORMER, CURRENT = listed("FTM", former=True), listed("S")


def judged(
    schedules: tuple[MarginSchedule, ...], since: Mapping[MarginSchedule, datetime]
) -> list[str]:
    unchanged = {schedule.key: time for schedule, time in since.items()}
    return [s.not_trading for s in with_trading(schedules, NEW.date(), unchanged)]


def test_a_frozen_table_beside_the_listed_successor_is_inferred_to_be_delisted() -> None:
    reasons = judged((FORMER, CURRENT), {FORMER: OLD, CURRENT: NEW})
    reason = "no change since 2024-12-19, and S/USDT:USDT on the same asset is listed"
    assert reasons == [f"inferred to be delisted: {reason}", ""]
    alias, frozen = listed("RAYSOL", asset="RAY"), listed("RAY", asset="RAY")
    assert [bool(x) for x in judged((frozen, alias), {frozen: OLD, alias: NEW})] == [True, False]


def test_without_history_nothing_is_inferred() -> None:
    assert judged((FORMER, CURRENT), {}) == ["", ""]


@pytest.mark.parametrize(
    ("frozen", "other", "since", "other_since"),
    [
        pytest.param(FORMER, CURRENT, NEW - FROZEN + timedelta(days=1), NEW, id="under a year"),
        pytest.param(FORMER, CURRENT, OLD, OLD, id="both unchanged"),
        pytest.param(listed("FTM", source=""), CURRENT, OLD, NEW, id="no source names the code"),
        pytest.param(FORMER, listed("S", source=""), OLD, NEW, id="no source names the other"),
        pytest.param(CURRENT, FORMER, OLD, NEW, id="the other is a former code"),
        pytest.param(FORMER, listed("S", quote="USDC"), OLD, NEW, id="another quote currency"),
        pytest.param(FORMER, listed("FET", asset="FET"), OLD, NEW, id="another asset"),
        pytest.param(
            FORMER, replace(CURRENT, observed_at=OLD), OLD, NEW, id="listed in another observation"
        ),
    ],
)
def test_nothing_else_is_inferred(
    frozen: MarginSchedule, other: MarginSchedule, since: datetime, other_since: datetime
) -> None:
    assert judged((frozen, other), {frozen: since, other: other_since}) == ["", ""]


def test_the_inference_marks_two_contracts_of_the_recorded_archive() -> None:
    document = recorded.audited().document
    inferred = {
        (s.venue, s.symbol) for s in document.schedules if s.not_trading.startswith("inferred")
    }
    assert inferred == {("binance", "FTM/USDT:USDT"), ("binance", "RAY/USDT:USDT")}
    ray = next(c for c in document.comparisons if c.underlying == "RAY")
    assert {m.symbol for m in ray.members if m.venue == "binance"} == {"RAYSOL/USDT:USDT"}


def test_a_venue_trades_until_the_day_on_which_it_closed() -> None:
    def of_day(day: date) -> set[str]:
        question = Question(venues=("bitmex",), as_of=day)
        return {schedule.not_trading for schedule in answer(question).document.schedules}

    assert of_day(date(2026, 9, 22)) == {""}
    assert of_day(date(2026, 9, 23)) == {"the venue closed on 2026-09-23"}
    findings = answer(Question(venues=("bitmex",), as_of=AUDIT_DAY)).document.findings
    own = {finding.code for finding in findings if finding.symbol}
    assert own <= {code for code in own if code.startswith("MH9")}
    assert "MH911" in own
