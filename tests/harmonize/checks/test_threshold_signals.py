"""Signals on thresholds as findings: evidence, proposal and record, and nothing from old prices."""

from dataclasses import replace

import pytest

from harmonize.document import Finding, Level, Verdict
from harmonize.thresholds.signals import PROPOSAL_IN_WORDS, Signal
from tests.harmonize.checks.examples import SOUND, of, signalled
from tests.support.sample_thresholds import CODES, evidence, row, signal, signals


def findings(code: str, *, day: str = "2026-03-10", on: str = "") -> list[Finding]:
    document = signalled(on or code, day).audited()
    return [finding for finding in document.findings if finding.code == code]


def test_a_finding_states_evidence_proposal_and_record() -> None:
    (only,) = findings("MH511")
    assert only.message == (
        "BTC on 2026-03-10: fast margin 9.0 %, above 1.25 × 7.0 % by the formula of harmonized-baseline, "
        "recalculated daily; proposal for the formula margin: raise to 9.0 %; harmonize "
        "thresholds BTC --as-of 2026-03-10 --apply FILE.yaml writes it, if a class changes; record: on for 100 of 2,000 days of underlyings (5.0 %), in 12 "
        "runs, each underlying counted alone (10 separate runs); a breach followed within five days on 25.0 % of these days and "
        "5.0 % of any (p 0.013); first breaches foretold: 15 % (3 of 20), "
        "20.0 % expected by chance: confirms but does not foresee"
    )
    assert (only.underlying, only.remedy, only.venue) == ("BTC", "raise to 9.0 %", "")
    assert only.observed_at == "2026-03-10T00:00:00Z"


@pytest.mark.parametrize(
    ("code", "verdict", "level", "remedy"),
    [
        ("MH511", Verdict.UNDER, Level.WARNING, "raise to 9.0 %"),
        ("MH512", Verdict.UNDER, Level.WARNING, "raise to 9.0 %"),
        ("MH513", Verdict.OVER, Level.INFO, "could be lowered to 9.0 %"),
        ("MH514", Verdict.NOT_OBSERVABLE, Level.INFO, "use the class of new assets"),
        (
            "MH515",
            Verdict.NOT_OBSERVABLE,
            Level.WARNING,
            "margin at the whole position or close the contract",
        ),
    ],
)
def test_each_signal_has_its_verdict_level_and_proposal(
    code: str, verdict: Verdict, level: Level, remedy: str
) -> None:
    (only,) = findings(code)
    assert (only.verdict, only.level, only.remedy) == (verdict, level, remedy)
    command = (
        "; harmonize thresholds BTC --as-of 2026-03-10 --apply FILE.yaml writes it, if a class"
    )
    assert (command in only.message) == (code != "MH514")


@pytest.mark.parametrize("own", [Signal.SHORT_HISTORY, Signal.FAILING_ASSET])
def test_a_proposal_in_words_is_stated_once(own: Signal) -> None:
    found = replace(evidence("2026-03-10"), text=f"x; {PROPOSAL_IN_WORDS[own]}", proposal=None)
    document = replace(of(SOUND), thresholds=signals(own.value, found)).audited()
    (message,) = [f.message for f in document.findings if f.code == own and "on 2026" in f.message]
    assert f"BTC on 2026-03-10: x; proposal: {PROPOSAL_IN_WORDS[own]}; " in message
    assert message.count(PROPOSAL_IN_WORDS[own]) == 1


@pytest.mark.parametrize("code", ["MH511", "MH512", "MH513", "MH515"])
@pytest.mark.parametrize(("day", "count"), [("2026-02-07", 1), ("2026-02-06", 0)])
def test_a_signal_of_more_than_31_days_ago_is_no_finding(code: str, day: str, count: int) -> None:
    """The audit is of 10 March 2026."""
    assert len(findings(code, day=day)) == count


def test_prices_that_end_early_are_one_finding_and_not_silence() -> None:
    ended = signals(ends="2025-12-01")
    case = replace(
        of(SOUND), thresholds=replace(ended, rows=(*ended.rows, row("ETH", "2026-03-10")))
    )
    (only,) = [f for f in case.audited().findings if f.code == "MH514"]
    assert only.message == (
        "no signal can tell of the present on 1 underlying whose prices end more than 31 days before the "
        "audit; days of their last thresholds: BTC (2025-12-01)"
    )
    assert only.verdict is Verdict.NOT_OBSERVABLE


def test_without_a_proposal_or_a_record_the_finding_says_so() -> None:
    unknown = replace(
        signal("MH511", evidence("2026-03-10", proposal=None)), days=None, reason="no asset tested"
    )
    case = replace(of(SOUND), thresholds=replace(signals(), signals=(unknown,)))
    (only,) = [f for f in case.audited().findings if f.code == "MH511"]
    assert only.message.endswith("recalculated daily; record: none, no asset tested")
    assert only.remedy == ""


def test_each_underlying_has_a_fingerprint_of_its_own() -> None:
    found = (evidence("2026-03-10"), evidence("2026-03-10", "ETH"))
    case = replace(of(SOUND), thresholds=signals("MH511", *found))
    own = [f for f in case.audited().findings if f.code == "MH511"]
    assert [f.underlying for f in own] == ["BTC", "ETH"]
    assert len({f.fingerprint for f in own}) == 2


def test_an_audit_without_thresholds_has_no_signal() -> None:
    assert [f for f in of(SOUND).audited().findings if f.code in CODES] == []
