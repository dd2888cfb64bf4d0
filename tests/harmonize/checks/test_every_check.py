"""Each check reports its failing case, accepts its passing case, and has a complete page."""

import re
from dataclasses import replace
from decimal import Decimal
from inspect import cleandoc

import pytest

from harmonize import checks
from harmonize.checks import CHECKS, WAIVER_CHECKS
from harmonize.checks.base import Check, Draft, fingerprint
from harmonize.document import AuditDocument, Finding, Level, Verdict
from harmonize.policy.rule_set import CrossVenueLimits
from tests.harmonize.checks.examples import (
    CASES,
    LAX,
    TUNED,
    Case,
    flat_schedule,
    measured,
    of,
    two_venues,
)
from tests.support import recorded

BY_CODE = {check.code: check for check in CHECKS}


def findings_of(document: AuditDocument, code: str) -> list[Finding]:
    findings = (*document.findings, *document.waived)
    return [finding for finding in findings if finding.code == code]


def test_there_are_at_least_forty_and_each_has_its_two_cases() -> None:
    assert len(CHECKS) >= 40
    assert set(CASES) == set(BY_CODE)


@pytest.mark.parametrize("code", CASES)
def test_a_check_reports_its_failing_case(code: str) -> None:
    failing, _ = CASES[code]
    (first, *_) = findings_of(failing.audited(), code)
    assert first.message
    assert first.name == BY_CODE[code].name
    assert first.verdict is not Verdict.COMPLIANT


@pytest.mark.parametrize("code", CASES)
def test_a_check_accepts_its_passing_case(code: str) -> None:
    _, passing = CASES[code]
    assert findings_of(passing.audited(), code) == []


def test_a_class_in_place_of_the_formula_is_reported() -> None:
    """BTC has all inputs and ETH none: only one of both follows its own prices."""
    inputs = (
        measured("var_99_1d_1095d", "0.08"),
        measured("var_99_1d_worst_365d", "0.1"),
        measured("adv_30d_median", "14_000_000_000"),
    )
    ether = flat_schedule((50_000, "0.52", "0.27"), asset="ETH")
    case = of(LAX, ether, rules=("harmonized-baseline",), inputs=inputs)
    (finding,) = findings_of(case.audited(), "MH307")
    assert finding.message == (
        "harmonized-baseline: class in place of the formula for 1 of 2 underlyings; "
        "no measurement of var_99_1d_1095d for ETH"
    )
    assert (finding.level, finding.verdict) == (Level.WARNING, Verdict.NOT_APPLICABLE)
    of_class = of(LAX, ether, rules=("harmonized-baseline",))
    assert findings_of(of_class.audited(), "MH307") == []


@pytest.mark.parametrize("code", TUNED)
def test_an_option_moves_the_threshold(code: str) -> None:
    failing, _ = CASES[code]
    assert findings_of(failing.audited({code: TUNED[code]}), code) == []


def test_every_option_is_tuned_by_a_test() -> None:
    options = {
        check.code: {option.name for option in check.options} for check in CHECKS if check.options
    }
    assert options == {code: set(tuned) for code, tuned in TUNED.items()}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_a_page_has_every_section_and_option(check: Check) -> None:
    page = checks.explain(check)
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    expected = ["What it checks", "Why it matters", "Formula", "Example", "Citation"]
    expected += ["Options"] * bool(check.options) + ["Status"]
    assert headings == expected
    assert page.startswith(f"# {check.code} {check.name}\n\n{cleandoc(check.run.__doc__ or '')}")
    assert all(part.strip() for part in re.split(r"^## .*$", page, flags=re.MULTILINE))
    assert check.status in {"stable", "preview"}
    for option in check.options:
        assert f"`{option.name}`" in page


def test_a_fingerprint_depends_on_the_subject_of_a_finding_and_nothing_else() -> None:
    draft = Draft(Verdict.UNDER, Level.INFO, "okx", "a message", symbol="BTC/USDT:USDT")
    same = draft._replace(message="another", level=Level.ERROR, observed=0.1, intervals=())
    assert fingerprint("MH401", draft) == fingerprint("MH401", same)
    others = [
        draft._replace(venue="bybit"),
        draft._replace(symbol="ETH/USDT:USDT"),
        draft._replace(profile="isolated"),
        draft._replace(rule_set="esma-retail"),
        draft._replace(margin_type="initial"),
        draft._replace(subject="the other"),
    ]
    fingerprints = {fingerprint("MH401", other) for other in (draft, *others)}
    assert len(fingerprints | {fingerprint("MH402", draft)}) == 8


def test_a_fingerprint_never_changes() -> None:
    """Baselines of users contain fingerprints."""
    draft = Draft(
        *(Verdict.BREACH, Level.WARNING, "okx", "m"),
        symbol="BTC/USDT:USDT",
        profile="any",
        rule_set="esma-retail",
        margin_type="initial",
    )
    assert fingerprint("MH401", draft) == "c8f81c2819e0a0e0"


def test_no_two_findings_of_the_recorded_archive_share_a_fingerprint() -> None:
    fingerprints = [finding.fingerprint for finding in recorded.audited().document.findings]
    assert len(set(fingerprints)) == len(fingerprints)


def test_a_disclosure_finding_has_one_fingerprint_whichever_rule_set_expects_it() -> None:
    case, _ = CASES["MH203"]
    (alone,) = findings_of(case.audited(), "MH203")
    (expected,) = findings_of(of(*case.schedules, rules=("disclosure",)).audited(), "MH203")
    assert (alone.rule_set, expected.rule_set) == ("", "disclosure")
    assert alone.fingerprint == expected.fingerprint


def test_a_finding_states_observed_required_interval_source_and_the_smallest_change() -> None:
    (initial,) = findings_of(of(LAX, rules=("esma-retail",)).audited(), "MH401")
    assert initial.message == (
        "observed IM 1.0 % at $1, required at least 50.0 % (primary) by esma-retail if offered to the "
        "clients it protects; below the requirement on $0 to $50,000; to comply, raise tiers 1 to "
        "2 from 1.0 % … 2.0 % to 50.0 %"
    )
    assert initial.remedy == "raise tiers 1 to 2 from 1.0 % … 2.0 % to 50.0 %"
    assert initial.verified == "primary"


def test_checks_of_waivers_run_only_after_all_others() -> None:
    assert [check.code for check in WAIVER_CHECKS] == ["MH801", "MH802", "MH803", "MH804"]
    findings = Case().audited().findings
    assert not [finding for finding in findings if finding.code.startswith("MH80")]


def test_a_gap_above_the_limit_of_the_rule_set_is_reported() -> None:
    """5 % against the baseline's 10 %: a gap of half, above a limit of 49 % and below 51 %."""
    half = flat_schedule((50_000, "0.05", "0.025"))
    for limit, count in (("0.49", 1), ("0.51", 0)):
        case = two_venues(half)
        (rule,) = case.rules
        limited = replace(rule, cross_venue=CrossVenueLimits(gap=Decimal(limit)))
        assert len(findings_of(replace(case, rules=(limited,)).audited(), "MH701")) == count


def test_leverage_is_weighted_by_capacity() -> None:
    """100x up to $20,000 and 10x up to $180,000: 19x on average, where the reference allows 10x."""
    case = two_venues(
        flat_schedule((20_000, "0.01", "0.005")), flat_schedule((180_000, "0.1", "0.05"))
    )
    (rule,) = case.rules
    for limit, count in (("1.89", 1), ("1.91", 0)):
        limited = replace(rule, cross_venue=CrossVenueLimits(leverage=Decimal(limit)))
        assert len(findings_of(replace(case, rules=(limited,)).audited(), "MH703")) == count
