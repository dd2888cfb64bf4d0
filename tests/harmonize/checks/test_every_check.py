"""Every check finds what it is for, lets pass what it is not for, and says what it must."""

import re
from dataclasses import replace
from decimal import Decimal
from inspect import cleandoc

import pytest

from harmonize import checks
from harmonize.checks import CHECKS, OF_WAIVERS
from harmonize.checks.base import Check, Draft, fingerprint
from harmonize.document import AuditDocument, Finding, Level, Verdict
from harmonize.policy.rule_set import CrossVenue
from tests.harmonize.checks.examples import CASES, LAX, TUNED, Case, flat_schedule, of, pair
from tests.support import recorded

BY_CODE = {one.code: one for one in CHECKS}


def found(document: AuditDocument, code: str) -> list[Finding]:
    return [one for one in (*document.findings, *document.waived) if one.code == code]


def test_there_are_at_least_forty_and_each_has_its_two_cases() -> None:
    assert len(CHECKS) >= 40
    assert set(CASES) == set(BY_CODE)


@pytest.mark.parametrize("code", CASES)
def test_a_check_finds_what_fails_it(code: str) -> None:
    failing, _ = CASES[code]
    (first, *_) = found(failing.audited(), code)
    assert first.message
    assert first.name == BY_CODE[code].name
    assert first.verdict is not Verdict.COMPLIANT


@pytest.mark.parametrize("code", CASES)
def test_a_check_lets_pass_what_passes_it(code: str) -> None:
    _, passing = CASES[code]
    assert found(passing.audited(), code) == []


@pytest.mark.parametrize("code", TUNED)
def test_an_option_moves_the_threshold(code: str) -> None:
    failing, _ = CASES[code]
    assert found(failing.audited({code: TUNED[code]}), code) == []


def test_every_option_is_tuned_by_a_test() -> None:
    assert {one.code: {each.name for each in one.options} for one in CHECKS if one.options} == {
        code: set(options) for code, options in TUNED.items()
    }


@pytest.mark.parametrize("check", CHECKS, ids=lambda one: one.code)
def test_a_page_says_all_that_a_reader_must_know(check: Check) -> None:
    page = checks.explain(check)
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    due = ["What it checks", "Why it matters", "Formula", "Example", "Citation"]
    due += ["Options"] * bool(check.options) + ["Status"]
    assert headings == due
    assert page.startswith(f"# {check.code} {check.name}\n\n{cleandoc(check.run.__doc__ or '')}")
    assert all(part.strip() for part in re.split(r"^## .*$", page, flags=re.MULTILINE))
    assert check.status in {"stable", "preview"}
    for one in check.options:
        assert f"`{one.name}`" in page


def test_fingerprints_are_of_what_a_finding_is_about_and_nothing_else() -> None:
    draft = Draft(Verdict.UNDER, Level.INFO, "okx", "a message", symbol="BTC/USDT:USDT")
    same = draft._replace(message="another", level=Level.ERROR, observed=0.1, intervals=())
    assert fingerprint("MH401", draft) == fingerprint("MH401", same)
    others = [
        draft._replace(venue="bybit"),
        draft._replace(symbol="ETH/USDT:USDT"),
        draft._replace(profile="isolated"),
        draft._replace(rule_set="esma-retail"),
        draft._replace(figure="initial"),
        draft._replace(subject="the other"),
    ]
    marks = {fingerprint("MH401", one) for one in (draft, *others)} | {fingerprint("MH402", draft)}
    assert len(marks) == 8


def test_a_fingerprint_never_changes() -> None:
    """Baselines and waivers of users rest on it."""
    draft = Draft(
        *(Verdict.BREACH, Level.WARNING, "okx", "m"),
        symbol="BTC/USDT:USDT",
        profile="any",
        rule_set="esma-retail",
        figure="initial",
    )
    assert fingerprint("MH401", draft) == "c8f81c2819e0a0e0"


def test_no_two_findings_of_the_recorded_archive_share_a_fingerprint() -> None:
    marks = [one.fingerprint for one in recorded.audited().document.findings]
    assert len(set(marks)) == len(marks)


def test_what_is_published_has_one_fingerprint_whichever_rule_set_expects_it() -> None:
    case, _ = CASES["MH203"]
    (alone,) = found(case.audited(), "MH203")
    (expected,) = found(of(*case.schedules, rules=("disclosure",)).audited(), "MH203")
    assert (alone.rule_set, expected.rule_set) == ("", "disclosure")
    assert alone.fingerprint == expected.fingerprint


def test_a_finding_says_observed_required_interval_source_and_the_smallest_change() -> None:
    (initial,) = found(of(LAX, rules=("esma-retail",)).audited(), "MH401")
    assert initial.message == (
        "IM 1 % at $1 is below the 50 % (primary) of esma-retail, if offered to the clients it "
        "protects; below it on $0 to $50,000; to comply, raise tiers 1 to 2 from 1 % … 2 % to 50 %"
    )
    assert initial.remedy == "raise tiers 1 to 2 from 1 % … 2 % to 50 %"
    assert initial.verified == "primary"


def test_checks_of_waivers_are_asked_in_the_second_round_alone() -> None:
    assert [one.code for one in OF_WAIVERS] == ["MH801", "MH802", "MH803", "MH804"]
    assert not [one for one in Case().audited().findings if one.code.startswith("MH80")]


def test_a_gap_counts_from_the_limit_of_the_rule_set() -> None:
    """5 % against the baseline's 10 %: a gap of half, found under a limit of 49 % and not of 51 %."""
    half = flat_schedule((50_000, "0.05", "0.025"))
    for limit, due in (("0.49", 1), ("0.51", 0)):
        case = pair(half)
        (rule,) = case.rules
        own = replace(rule, cross_venue=CrossVenue(gap=Decimal(limit)))
        assert len(found(replace(case, rules=(own,)).audited(), "MH701")) == due


def test_leverage_is_weighted_by_capacity() -> None:
    """100x up to $20,000 and 10x up to $180,000: 19x on average, where the reference allows 10x."""
    case = pair(flat_schedule((20_000, "0.01", "0.005")), flat_schedule((180_000, "0.1", "0.05")))
    (rule,) = case.rules
    for limit, due in (("1.89", 1), ("1.91", 0)):
        own = replace(rule, cross_venue=CrossVenue(leverage=Decimal(limit)))
        assert len(found(replace(case, rules=(own,)).audited(), "MH703")) == due
