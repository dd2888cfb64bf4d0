"""Waivers and baselines: what they exclude, what returns, and that nothing is hidden twice."""

import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.audit.baseline import (
    Baseline,
    BaselineError,
    compare_with_baseline,
    read,
    to_baseline,
)
from harmonize.audit.waivers import is_worse, severity_metric, waive
from harmonize.document import Finding, Interval, Level, Verdict
from tests.harmonize.checks.examples import LAX, Case, of, waived, waiver
from tests.support.sample_documents import sample

BREACH = Finding(
    code="MH401",
    name="initial-below-cap",
    verdict=Verdict.BREACH,
    level=Level.WARNING,
    venue="okx",
    symbol="BTC/USDT:USDT",
    profile="any",
    underlying="BTC",
    rule_set="esma-retail",
    message="m",
    intervals=(),
    notional=1.0,
    observed=0.01,
    required=0.5,
    deviation=-0.98,
    observed_at="",
    fingerprint="f" * 16,
    margin_type="initial",
)
CLIFF = replace(BREACH, code="MH104", verdict=Verdict.UNDER, rule_set="", deviation=0.5)
OVER = replace(BREACH, code="MH301", verdict=Verdict.OVER, observed=0.2)
UNKNOWN = replace(
    BREACH, code="MH201", verdict=Verdict.NOT_OBSERVABLE, observed=None, deviation=None
)
ON = date(2026, 3, 10)


@pytest.mark.parametrize(
    ("finding", "metric"),
    [
        (BREACH, (0.01, -1.0)),
        (CLIFF, (0.5, 1.0)),
        (OVER, (0.2, 1.0)),
        (UNKNOWN, None),
        (replace(BREACH, observed=None, deviation=None), None),
        (replace(CLIFF, deviation=None), (0.01, -1.0)),
    ],
)
def test_what_gets_worse_and_in_which_direction(
    finding: Finding, metric: tuple[float, float] | None
) -> None:
    assert severity_metric(finding) == metric


@given(st.floats(0.001, 0.5), st.floats(0.001, 0.5), st.floats(0, 1))
def test_a_margin_is_worse_when_it_fell_by_more_than_is_allowed(
    before: float, now: float, allowed: float
) -> None:
    worse = is_worse(replace(BREACH, observed=now), before, allowed)
    lost = (before - now) / before
    if abs(lost - allowed) > 1e-8:
        assert worse == (lost > allowed)


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        ({}, True),
        ({"venues": ("okx", "bybit")}, True),
        ({"venues": ("bybit",)}, False),
        ({"symbols": ("BTC/USDT:USDT",)}, True),
        ({"symbols": ("ETH/USDT:USDT",)}, False),
        ({"underlyings": ("BTC",), "venues": ("okx",)}, True),
        ({"underlyings": ("ETH",), "venues": ("okx",)}, False),
        ({"profiles": ("any",)}, True),
        ({"profiles": ("cross",)}, False),
        ({"rule_sets": ("jfsa-retail",)}, False),
        ({"figures": ("maintenance",)}, False),
        ({"codes": ("MH402",)}, False),
    ],
)
def test_a_waiver_covers_what_all_its_selectors_select(
    scope: dict[str, tuple[str, ...]], *, covered: bool
) -> None:
    scoped = replace(waiver(), **scope)  # type: ignore[arg-type]
    counted, exempt, (row,) = waive([BREACH], [scoped], ON)
    assert (len(counted), len(exempt)) == ((0, 1) if covered else (1, 0))
    assert row.status == ("active" if covered else "unused")


def test_what_is_waived_stands_apart_with_who_why_and_until_when() -> None:
    document = waived().audited()
    assert [finding.code for finding in document.waived] == ["MH401"]
    assert document.waived[0].waiver == "known (risk, until 2027-01-01)"
    assert all(finding.code != "MH401" for finding in document.findings)
    assert document.waivers[0].findings == 1


def test_a_lapsed_waiver_lets_back_what_worsened_and_keeps_the_rest() -> None:
    worse = replace(BREACH, observed=0.004, venue="bybit")
    limited = waiver(value=0.01, may_worsen=0.5)
    counted, exempt, (row,) = waive([BREACH, worse], [limited], ON)
    assert counted == (worse,)
    assert [finding.venue for finding in exempt] == ["okx"]
    assert (row.status, row.findings) == ("lapsed", 1)


def test_a_second_waiver_may_allow_what_the_first_does_not() -> None:
    strict, lenient = waiver(value=0.02), waiver(owner="board")
    counted, exempt, rows = waive([BREACH], [strict, lenient], ON)
    assert counted == ()
    assert exempt[0].waiver.startswith("known (board")
    assert [row.status for row in rows] == ["lapsed", "active"]


def test_a_waiver_holds_through_its_last_day() -> None:
    last = waiver(expires=ON)
    counted, exempt, (row,) = waive([BREACH], [last], ON)
    assert (counted, len(exempt), row.status) == ((), 1, "active")
    counted, exempt, (row,) = waive([BREACH], [waiver(expires=date(2026, 3, 9))], ON)
    assert (len(counted), exempt, row.status) == (1, (), "expired")


def test_findings_about_waivers_are_about_the_waiver() -> None:
    document = waived(expires=date(2026, 1, 1), venues=("okx",)).audited()
    (expired,) = [finding for finding in document.findings if finding.code == "MH801"]
    assert expired.message == (
        "c.yaml:1: the waiver of MH401 for venue okx (risk) expired on 2026-01-01; renew it or "
        "remove it"
    )


# baselines

DOCUMENT = of(LAX, rules=("esma-retail",)).audited()


def baseline(document: object = DOCUMENT) -> Baseline:
    return read(to_baseline(document), "b.json")  # type: ignore[arg-type]


def test_what_is_known_and_no_worse_is_excluded() -> None:
    fresh = compare_with_baseline(DOCUMENT, baseline())
    assert fresh.findings == ()
    assert fresh.baseline is not None
    assert (fresh.baseline.unchanged, fresh.baseline.new) == (len(DOCUMENT.findings), 0)
    assert to_baseline(DOCUMENT) == to_baseline(DOCUMENT)


def test_what_is_new_worse_or_resolved_is_reported() -> None:
    first, *rest = [replace(finding, level=Level.INFO) for finding in DOCUMENT.findings]
    low = replace(first, observed=0.5, level=Level.INFO)
    older = replace(DOCUMENT, findings=(low, *rest[1:], replace(first, fingerprint="0" * 16)))
    now = replace(DOCUMENT, findings=(replace(first, observed=0.4, rule_set="x"), *rest))
    fresh = compare_with_baseline(now, baseline(older))
    assert [finding.state for finding in fresh.findings] == ["worse", "new"]
    assert fresh.baseline is not None
    assert (fresh.baseline.worse, fresh.baseline.new, fresh.baseline.resolved) == (1, 1, 1)


def test_a_graver_level_is_worse() -> None:
    lighter = tuple(replace(finding, level=Level.INFO) for finding in DOCUMENT.findings)
    fresh = compare_with_baseline(DOCUMENT, baseline(replace(DOCUMENT, findings=lighter)))
    assert {finding.state for finding in fresh.findings} == {"worse"}
    assert len(fresh.findings) == sum(
        finding.level is not Level.INFO for finding in DOCUMENT.findings
    )


def test_a_better_value_is_not_reported() -> None:
    older = tuple(
        replace(finding, observed=finding.observed / 2 if finding.observed else None)
        for finding in DOCUMENT.findings
        if finding.rule_set
    )
    known = replace(DOCUMENT, findings=older)
    fresh = compare_with_baseline(
        replace(DOCUMENT, findings=tuple(o for o in DOCUMENT.findings if o.rule_set)),
        baseline(known),
    )
    assert fresh.findings == ()


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"deviation": -0.981}, "worse"),  # the same margin, and more is required
        ({"deviation": -0.5}, None),
        ({"intervals": (Interval(0.0, 60_000.0),)}, "worse"),
        ({"intervals": (Interval(0.0, 40_000.0),)}, None),
        ({"intervals": (Interval(0.0, None),)}, "worse"),
    ],
)
def test_further_off_or_over_more_sizes_is_worse(
    change: dict[str, object], state: str | None
) -> None:
    kept = next(finding for finding in DOCUMENT.findings if finding.code == "MH401")
    known = replace(kept, deviation=-0.98, intervals=(Interval(0.0, 50_000.0),))
    now = replace(known, **change)  # type: ignore[arg-type] # each case changes what it names
    fresh = compare_with_baseline(
        replace(DOCUMENT, findings=(now,)), baseline(replace(DOCUMENT, findings=(known,)))
    )
    assert [finding.state for finding in fresh.findings] == [state] * bool(state)


def test_a_baseline_of_before_says_less_and_is_read() -> None:
    whole = json.loads(to_baseline(DOCUMENT))
    for finding in whole["findings"].values():
        del finding["divergence"], finding["extent"]
    older = read(json.dumps(whole).encode(), "b.json")
    assert compare_with_baseline(DOCUMENT, older).findings == ()


def test_what_is_waived_is_not_gone() -> None:
    before = of(LAX, rules=("esma-retail",)).audited()
    fresh = compare_with_baseline(waived().audited(), baseline(before))
    assert fresh.baseline is not None
    assert fresh.baseline.resolved == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "b.json: expected JSON"),
        (b"\xff", "b.json: expected JSON"),
        (b"[]", "b.json: expected a baseline of this tool (harmonize-baseline/1); write one"),
        (b'{"format": "harmonize-baseline/2"}', "b.json: expected a baseline of this tool"),
        (
            b'{"format": "harmonize-baseline/1"}',
            "b.json: cannot read the baseline (KeyError 'findings')",
        ),
        (
            b'{"format": "harmonize-baseline/1", "as_of": "x", "findings": {"a": {"value": "x"}}}',
            "b.json: cannot read the baseline (ValueError",
        ),
        (
            b'{"format": "harmonize-baseline/1", "as_of": "x", "findings": {"a": {"value": NaN}}}',
            "b.json: cannot read the baseline (ValueError",
        ),
        (
            b'{"format": "harmonize-baseline/1", "as_of": "x", "findings": {"a": {"value": 1'
            + b"0" * 400
            + b"}}}",
            "b.json: cannot read the baseline (OverflowError",
        ),
    ],
)
def test_a_file_that_is_no_baseline_has_a_one_line_error(content: bytes, message: str) -> None:
    with pytest.raises(BaselineError) as raised:
        read(content, "b.json")
    assert str(raised.value).startswith(message)
    assert "--write-baseline" in str(raised.value)


def test_a_baseline_is_json_sorted_by_fingerprint() -> None:
    known = json.loads(to_baseline(sample()))["findings"]
    assert list(known) == sorted(known)
    assert Case().audited().baseline is None
