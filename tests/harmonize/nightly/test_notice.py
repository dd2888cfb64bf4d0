"""A notice lists the most severe items first, counts omissions, and is complete for programs."""

import json
from dataclasses import fields, replace

import pytest

from harmonize.document import Finding, Level
from harmonize.document.change import Change, ChangeKind
from harmonize.document.night import EndedSignal, Night
from harmonize.nightly.notice import (
    CHANGES,
    ENDED,
    ERRORS,
    FINDINGS,
    MAX_LENGTH,
    notice,
    should_notify,
)
from tests.harmonize.checks.examples import signalled
from tests.support.nights import ALERT_NIGHT, CHANGE, FINDING, QUIET_NIGHT, RISE

LINK = "https://example.org/margins/2026-11-20/"
WARNING = replace(FINDING, level=Level.WARNING)
ENDED_NIGHT = replace(
    QUIET_NIGHT, ended_signals=(EndedSignal("MH515", "asset-failing", Level.WARNING, "SOL"),)
)
WORSE = replace(FINDING, state="worse")


def test_a_notice_lists_errors_then_findings_then_changes() -> None:
    message = notice(ALERT_NIGHT, LINK)
    assert message.title == "Margins on 2026-11-20: 1 error, 1 new or worse finding, 1 change"
    assert message.lines == (
        "error: gate: did not answer",
        "new error: okx BTC/USDT:USDT esma-retail: MH401 initial-below-cap: IM is 1 % at $1, 50 % is asked",
        "1 change: 1 tighter",
        "tighter: bybit ETH/USDT:USDT (isolated): IM +25.00% at $50,000",
    )
    assert (message.night, message.exit_code, message.link) == ("2026-11-20", 3, LINK)


def test_a_quiet_night_has_nothing_new() -> None:
    message = notice(QUIET_NIGHT, "")
    assert (message.title, message.lines) == ("Margins on 2026-11-20: nothing new", ())


def test_a_signal_on_a_threshold_has_its_evidence_and_proposal() -> None:
    (finding,) = [own for own in signalled("MH511").audited().findings if own.code == "MH511"]
    (line,) = notice(replace(QUIET_NIGHT, new_findings=(finding,)), "").lines
    assert line.startswith(
        "new warning: BTC: MH511 fast-margin-above-threshold: BTC on 2026-03-10:"
    )
    assert "fast margin 9.0 %, above 1.25 × 7.0 %" in line
    assert "raise to 9.0 %; harmonize thresholds BTC --as-of 2026-03-10 --apply" in line
    assert line.endswith("confirms but does not foresee")
    assert should_notify(replace(QUIET_NIGHT, new_findings=(finding,)), Level.WARNING)


def test_a_signal_is_not_omitted_behind_findings_with_a_deviation() -> None:
    signal = replace(WARNING, code="MH511", venue="", symbol="", deviation=None)
    others = tuple(replace(WARNING, fingerprint=f"f{number}") for number in range(FINDINGS))
    message = notice(replace(QUIET_NIGHT, new_findings=(*others, signal, WORSE)), "")
    assert message.lines[0].startswith("worse error: okx")
    assert "MH511" in message.lines[1]


def test_ended_signals_are_named_and_counted() -> None:
    first = EndedSignal("MH515", "asset-failing", Level.WARNING, "SOL")
    calm = EndedSignal("MH513", "threshold-above-need", Level.INFO, "BTC")
    night = replace(QUIET_NIGHT, ended_signals=(calm, first))
    message = notice(night, "")
    assert message.title == "Margins on 2026-11-20: 2 ended signals"
    assert message.lines == (
        "ended warning: SOL: MH515 asset-failing: the signal is no longer on",
        "ended info: BTC: MH513 threshold-above-need: the signal is no longer on",
    )
    many = replace(QUIET_NIGHT, ended_signals=(first,) * (ENDED + 3))
    assert notice(many, "").lines[-1] == "… and 3 more ended signals"
    assert json.loads(message.document)["ended_signals"][1] == {
        "code": "MH515",
        "name": "asset-failing",
        "level": "warning",
        "underlying": "SOL",
    }


def test_the_most_severe_findings_come_first() -> None:
    near = replace(WARNING, deviation=-0.1, symbol="near", fingerprint="n")
    far = replace(WARNING, deviation=0.9, symbol="far", fingerprint="f")
    unknown = replace(WARNING, deviation=None, symbol="unknown", fingerprint="u")
    message = notice(replace(QUIET_NIGHT, new_findings=(near, unknown, far, WORSE)), "")
    order = [line.split()[3] for line in message.lines]
    assert order == ["BTC/USDT:USDT", "far", "near", "unknown"]
    assert message.lines[0].startswith("worse error: okx")


def test_the_changes_that_rose_most_come_first() -> None:
    changes = (
        replace(CHANGE, kind=ChangeKind.LISTED, symbol="listed", moved=()),
        replace(CHANGE, kind=ChangeKind.LOOSER, symbol="looser", moved=()),
        replace(CHANGE, symbol="less", moved=(replace(RISE, largest_rise=0.1),)),
        replace(
            CHANGE, kind=ChangeKind.MIXED, symbol="most", moved=(replace(RISE, largest_rise=3.0),)
        ),
        replace(CHANGE, kind=ChangeKind.UNKNOWN, symbol="unknown", moved=()),
    )
    tally, *lines = notice(replace(QUIET_NIGHT, changes=changes), "").lines
    assert tally == "5 changes: 1 tighter, 1 looser, 1 mixed, 1 no longer known, 1 listed"
    named = [line.split(": ", 1)[1].split()[1] for line in lines]
    assert named == ["most", "less", "unknown", "looser", "listed"]


def test_omitted_lines_are_counted() -> None:
    night = replace(
        QUIET_NIGHT,
        errors=tuple(f"e{number}" for number in range(ERRORS + 1)),
        new_findings=(FINDING,) * (FINDINGS + 2),
        changes=(CHANGE,) * (CHANGES + 3),
    )
    lines = notice(night, "").lines
    assert [line for line in lines if line.startswith("…")] == [
        "… and 1 more error",
        "… and 2 more findings",
        "… and 3 more changes",
    ]
    assert len(lines) == ERRORS + FINDINGS + CHANGES + 4


def test_lines_are_short_and_single_and_show_what_does_not_print() -> None:
    evil = replace(FINDING, symbol="A\r\nBcc: x\x00\u202e", message="m" * 1000)
    (line,) = notice(replace(QUIET_NIGHT, new_findings=(evil,)), "").lines
    assert "A\\r\\nBcc: x\\x00\\u202e" in line
    assert len(line) == MAX_LENGTH
    assert line.endswith("m…")


def test_the_document_is_the_complete_night_under_stable_names() -> None:
    night = replace(ALERT_NIGHT, new_findings=(FINDING,) * 100, changes=(CHANGE,) * 100)
    whole = json.loads(notice(night, LINK).document)
    assert list(whole) == [
        *("format", "night", "as_of", "title", "link", "lines", "version", "exit_code"),
        *("counts", "errors", "venues", "findings", "ended_signals", "changes"),
    ]
    assert (len(whole["findings"]), len(whole["changes"])) == (100, 100)
    assert set(whole["findings"][0]) == {field.name for field in fields(Finding)}
    assert set(whole["changes"][0]) == {field.name for field in fields(Change)}
    assert whole["findings"][0]["level"] == "error"
    assert whole["changes"][0]["moved"][0]["tighter"] == [[0.0, None]]
    assert whole["venues"][0]["status"] == "gathered"


def test_numbers_without_json_form_are_null_and_lone_surrogates_are_escapes() -> None:
    odd = replace(FINDING, observed=float("inf"), symbol="\ud800", message="größer als 1 %")
    document = notice(replace(QUIET_NIGHT, new_findings=(odd,)), "").document
    assert "größer" in document.decode()
    (finding,) = json.loads(document)["findings"]
    assert (finding["observed"], finding["symbol"]) == (None, "\ud800")


def test_the_same_night_gives_the_same_notice() -> None:
    assert notice(ALERT_NIGHT, LINK) == notice(replace(ALERT_NIGHT), LINK)


@pytest.mark.parametrize(
    ("night", "level", "on", "answer"),
    [
        (QUIET_NIGHT, "info", ("new", "worse", "errors", "changes"), False),
        (replace(QUIET_NIGHT, errors=("e",)), "error", ("new", "worse", "errors"), True),
        (ENDED_NIGHT, "warning", ("ended",), True),
        (ENDED_NIGHT, "error", ("ended",), False),
        (ENDED_NIGHT, "info", ("new", "worse", "errors", "changes"), False),
        (replace(QUIET_NIGHT, errors=("e",)), "error", ("new",), False),
        (replace(QUIET_NIGHT, changes=(CHANGE,)), "error", ("new", "worse", "errors"), False),
        (replace(QUIET_NIGHT, changes=(CHANGE,)), "error", ("changes",), True),
        (replace(QUIET_NIGHT, new_findings=(WARNING,)), "error", ("new", "worse", "errors"), False),
        (replace(QUIET_NIGHT, new_findings=(WARNING,)), "warning", ("new",), True),
        (replace(QUIET_NIGHT, new_findings=(WARNING,)), "info", ("new",), True),
        (replace(QUIET_NIGHT, new_findings=(FINDING,)), "warning", ("new",), True),
        (replace(QUIET_NIGHT, new_findings=(WORSE,)), "error", ("new",), False),
        (replace(QUIET_NIGHT, new_findings=(WORSE,)), "error", ("worse",), True),
        (replace(QUIET_NIGHT, new_findings=(replace(FINDING, state=""),)), "error", ("new",), True),
    ],
)
def test_a_night_needs_a_notice_for_the_configured_reasons(
    night: Night, level: str, on: tuple[str, ...], *, answer: bool
) -> None:
    assert should_notify(night, Level(level), on) is answer


def test_changes_alone_need_no_notice_by_default() -> None:
    assert not should_notify(replace(QUIET_NIGHT, changes=(CHANGE,)), Level.INFO)
    assert should_notify(replace(QUIET_NIGHT, new_findings=(FINDING,)), Level.ERROR)
