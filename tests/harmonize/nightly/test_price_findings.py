"""Signals are reported once, as ended when they end, and never lost with a calculation that failed."""

from dataclasses import replace

from harmonize.audit.baseline import Baseline, compare_with_baseline, read, to_baseline
from harmonize.checks.threshold_signals import PRICES_END, signal_fingerprint
from harmonize.document import (
    AdequacySection,
    AuditDocument,
    Finding,
    Level,
    StressOmittedRow,
    ThresholdSection,
)
from harmonize.document.night import EndedSignal
from harmonize.nightly.price_findings import ended_signals, kept
from harmonize.nightly.site import night_from_json, night_json
from reports.site.pages import Site as PageSite
from reports.site.pages import changes_page
from tests.harmonize.checks.examples import signalled
from tests.support.nights import FINDING, QUIET_NIGHT
from tests.support.sample_documents import sample
from tests.support.sample_thresholds import CODES, row
from tests.support.sample_thresholds import signal as record

DAY = "2026-11-20"
JUDGED = ThresholdSection(level=0.99, rows=(row("BTC", DAY), row("SOL", DAY)))
RECORDS = tuple(map(record, CODES))
ENDED = EndedSignal("MH515", "asset-failing", Level.WARNING, "SOL")


def signal(underlying: str, code: str = "MH515") -> Finding:
    """Returns the finding of a signal as its check writes it."""
    return replace(
        FINDING,
        code=code,
        level=Level.WARNING,
        venue="",
        symbol="",
        rule_set="",
        underlying=underlying,
        deviation=None,
        fingerprint=signal_fingerprint(code, underlying),
    )


def document(*findings: Finding, thresholds: ThresholdSection = JUDGED) -> AuditDocument:
    """Returns a document of the day with findings, without tests of margins and without stress."""
    return replace(
        sample(),
        as_of=f"{DAY}T01:15:00Z",
        findings=findings,
        waived=(),
        thresholds=thresholds,
        adequacy=AdequacySection(),
        stress=(),
        stress_omitted=(),
    )


def after(*nights: AuditDocument) -> Baseline:
    """Returns the findings that are known after some nights."""
    known = Baseline("none", "", {})
    for night in nights:
        known = read(to_baseline(night, kept(night, known)), "a night")
    return known


def test_the_fingerprint_of_a_signal_is_that_of_its_finding() -> None:
    (found,) = [own for own in signalled("MH511").audited().findings if own.code == "MH511"]
    assert found.fingerprint == signal_fingerprint("MH511", "BTC")


def test_a_signal_that_is_no_longer_on_has_ended_once() -> None:
    on, off = document(signal("SOL"), signal("BTC")), document(signal("BTC"))
    assert ended_signals(off, after(on)) == (ENDED,)
    assert ended_signals(off, after(on, off)) == ()
    assert ended_signals(on, after(on)) == ()


def test_a_waived_signal_has_not_ended() -> None:
    waived = replace(document(), waived=(signal("SOL"),))
    assert ended_signals(waived, after(document(signal("SOL")))) == ()


def test_a_signal_that_was_not_calculated_has_neither_ended_nor_is_it_new_afterwards() -> None:
    on = document(signal("SOL"), FINDING)
    for section in (ThresholdSection(), replace(JUDGED, rows=(row("BTC", DAY),))):
        failed = document(FINDING, thresholds=section)
        assert ended_signals(failed, after(on)) == ()
        known = after(on, failed, failed)
        assert compare_with_baseline(on, known).findings == ()
        assert ended_signals(document(FINDING), known) == (ENDED,)


def test_a_signal_that_lacks_a_margin_has_not_ended_and_another_one_has() -> None:
    on = document(signal("SOL", "MH511"), signal("SOL"))
    states = tuple(replace(own, not_judged=("SOL",) * (own.signal == "MH511")) for own in RECORDS)
    off = document(thresholds=replace(JUDGED, signals=states))
    assert ended_signals(off, after(on)) == (ENDED,)
    assert compare_with_baseline(document(signal("SOL", "MH511")), after(on, off)).findings == ()
    known = replace(JUDGED, signals=RECORDS)
    (ended,) = ended_signals(document(thresholds=known), after(on, off))
    assert (ended.code, ended.underlying) == ("MH511", "SOL")


def test_a_signal_whose_prices_end_has_not_ended() -> None:
    old = replace(JUDGED, rows=(row("BTC", DAY), row("SOL", "2026-10-01")))
    prices_end = signal(PRICES_END, "MH514")
    on, silent = document(signal("SOL")), document(prices_end, thresholds=old)
    assert ended_signals(silent, after(on)) == ()
    assert compare_with_baseline(on, after(on, silent)).findings == ()
    # That prices no longer end concerns no single underlying: docs/nightly.md states the exception.
    assert PRICES_END not in {own.underlying for own in ended_signals(on, after(on, silent))}
    again = compare_with_baseline(silent, after(on, silent, on)).findings
    assert [own.fingerprint for own in again] == [prices_end.fingerprint]


def test_findings_of_a_part_that_was_not_calculated_are_not_new_afterwards() -> None:
    tested = {"MH502": "adequacy", "MH551": "stress"}
    found = tuple(replace(FINDING, code=code, fingerprint=code) for code in tested)
    on = replace(document(*found), adequacy=AdequacySection(level=0.99))
    known = after(on, document())
    assert compare_with_baseline(on, known).findings == ()
    decided = replace(
        document(),
        adequacy=AdequacySection(level=0.99),
        stress_omitted=(StressOmittedRow("X", 0.0, ""),),
    )
    assert {own.code for own in compare_with_baseline(on, after(on, decided)).findings} == set(
        tested
    )


def test_ended_signals_are_in_the_record_of_the_night_and_on_its_page() -> None:
    night = replace(QUIET_NIGHT, ended_signals=(ENDED,))
    assert night_from_json(night_json(night)) == night
    older = night_json(QUIET_NIGHT).replace(b',\n "ended_signals": []', b"")
    assert b"ended" not in older
    assert night_from_json(older) == QUIET_NIGHT
    page = changes_page([night], [], PageSite("", "")).decode()
    line = "MH515 ended: SOL: the signal is no longer on"
    assert (line in page, "Ended signals" in page) == (True, True)
    assert "Ended signals" not in changes_page([QUIET_NIGHT], [], PageSite("", "")).decode()


def beyond(share: float, code: str = "MH502") -> AuditDocument:
    """Returns a document with the finding that a share of windows is above a limit of 1 %."""
    found = replace(FINDING, code=code, observed=0.005, deviation=0.01 / share - 1)
    return replace(document(found), adequacy=AdequacySection(level=0.99))


def states(now: AuditDocument, *before: AuditDocument) -> list[str]:
    return [own.state for own in compare_with_baseline(now, after(*before)).findings]


def test_a_figure_from_past_prices_that_drifts_is_not_worse_every_night() -> None:
    assert states(beyond(0.487), beyond(0.486)) == []
    assert states(beyond(0.52), beyond(0.487)) == ["worse"]
    assert states(beyond(0.96), beyond(0.487)) == ["worse"]
    assert states(beyond(0.487, "MH301"), beyond(0.486, "MH301")) == ["worse"]


def test_small_steps_add_up_until_they_are_a_worsening() -> None:
    steps = [beyond(0.40 + 0.01 * step) for step in range(4)]
    assert [states(steps[n], *steps[:n]) for n in (1, 2, 3)] == [[], [], ["worse"]]
    assert states(beyond(0.44), *steps) == []  # counted from the night that reported it
    assert states(beyond(0.40), beyond(0.40), beyond(0.30)) == ["worse"]


def test_other_findings_end_with_the_night_that_does_not_have_them() -> None:
    (again,) = compare_with_baseline(
        document(FINDING), after(document(FINDING), document())
    ).findings
    assert again.state == "new"
