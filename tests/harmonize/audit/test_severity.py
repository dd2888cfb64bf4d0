"""Severity of findings, check by check: which of two audits has the worse finding, and from where on."""

import json
from dataclasses import replace
from functools import partial

import pytest

from harmonize.audit.baseline import compare_with_baseline, read, to_baseline
from harmonize.audit.waivers import severity_metric, waive
from harmonize.document import AuditDocument, StressRow, Verdict
from tests.harmonize.checks.examples import (
    HALF,
    NEAR,
    NOW,
    SOUND,
    Case,
    after_change,
    flat_schedule,
    of,
    priced,
    stressed,
    two_venues,
    waiver,
)
from tests.harmonize.checks.price_tests import (
    ROW,
    clearing,
    holding,
    past,
    sized,
    with_clearing,
    with_holding,
)
from tests.harmonize.checks.stress_tests import ROW as STRESS
from tests.harmonize.checks.stress_tests import STEP, with_venue
from tests.support.nights import FINDING


def lost_at(rate: float) -> StressRow:
    """Returns a fall of 24.39 % in a step, beside an IM at the largest leverage."""
    return replace(STRESS, steps=(replace(STEP, margin_rate=rate, step=0.2439),))


def shared(ratio: float) -> StressRow:
    return with_venue(shapley_ratio=ratio, shapley_ratio_low=1.51)


def held(minutes: float) -> Case:
    return priced(with_holding(ROW, holding("maintenance", minutes)))


def rates(initial: str, maintenance: str) -> Case:
    return of(flat_schedule((50_000, initial, maintenance)))


MILDER_AND_WORSE: dict[str, tuple[Case, ...]] = {
    "MH102": (rates("0.5", "0.55"), rates("0.5", "0.6")),
    "MH105": tuple(
        of(flat_schedule((20_000, "0.3", "0.27"), (50_000, last, "0.28")))
        for last in ("0.4", "0.5")
    ),
    "MH107": (rates("0.5", "0.46"), rates("0.5", "0.49")),
    "MH114": (rates("0.5", "0.1"), rates("0.5", "0.05")),
    "MH501": (held(40.0), held(30.0)),
    "MH502": tuple(priced(replace(ROW, every_window=past(n))) for n in (200, 300)),
    "MH503": tuple(priced(replace(ROW, after_liquidation=past(n, 300))) for n in (40, 60)),
    "MH504": tuple(priced(with_clearing(ROW, clearing(2, n))) for n in (40, 140)),
    "MH506": tuple(priced(sized(1e4, 0.05, 0.1), sized(1e7, rate, 12.0)) for rate in (0.08, 0.07)),
    "MH551": (stressed(lost_at(0.025)), stressed(lost_at(0.0067))),
    "MH552": (stressed(shared(1.6)), stressed(shared(1.8))),
    "MH553": (stressed(with_venue(overlap=0.9)), stressed(with_venue(overlap=0.96))),
    "MH601": tuple(after_change(HALF, flat_schedule((50_000, i, "0.04"))) for i in ("0.09", "0.1")),
    "MH602": tuple(
        after_change(NEAR, flat_schedule((50_000, i, "0.04"))) for i in ("0.06", "0.05")
    ),
    "MH704": tuple(
        two_venues(flat_schedule((50_000, i, "0.005")), SOUND) for i in ("0.02", "0.01")
    ),
}


def single(case: Case, code: str) -> AuditDocument:
    """Returns the audit of a case with the first finding of a check alone."""
    document = case.audited()
    found = next(finding for finding in document.findings if finding.code == code)
    return replace(document, findings=(found,), waived=())


def states(now: AuditDocument, before: AuditDocument) -> list[str]:
    known = read(to_baseline(before), "b.json")
    return [finding.state for finding in compare_with_baseline(now, known).findings]


@pytest.mark.parametrize("code", MILDER_AND_WORSE)
def test_a_finding_is_worse_in_one_direction_alone(code: str) -> None:
    milder, worse = (single(case, code) for case in MILDER_AND_WORSE[code])
    assert milder.findings[0].fingerprint == worse.findings[0].fingerprint
    assert states(worse, milder) == ["worse"]
    assert states(milder, worse) == []
    assert states(worse, worse) == []


@pytest.mark.parametrize("code", ["MH107", "MH114", "MH551", "MH552", "MH601"])
def test_a_waiver_of_a_deviation_lapses_when_the_finding_is_worse(code: str) -> None:
    milder, worse = (single(case, code).findings[0] for case in MILDER_AND_WORSE[code])
    for accepted, found, status in (
        (milder, worse, "lapsed"),
        (worse, milder, "active"),
        (milder, milder, "active"),
    ):
        metric = severity_metric(accepted)
        assert metric is not None
        _, _, (row,) = waive([found], [waiver((code,), value=metric[0])], NOW.date())
        assert row.status == status


def audit_of(**fields: object) -> AuditDocument:
    """Returns an audit with one finding from past prices."""
    template = replace(FINDING, rule_set="", observed=None, required=None, intervals=())
    finding = replace(template, **fields)  # type: ignore[arg-type]
    return replace(SOUND_AUDIT, findings=(finding,), waived=())


SOUND_AUDIT = of(SOUND).audited()
over = partial(audit_of, code="MH552", verdict=Verdict.OVER)
under = partial(audit_of, code="MH551", verdict=Verdict.UNDER)
margin = partial(
    audit_of, code="MH502", verdict=Verdict.UNDER, rule_set="x", deviation=-0.98, required=None
)


@pytest.mark.parametrize(
    ("now", "before", "worse"),
    [
        # A ratio of 1.60 against a limit of 1.5, and 5 % more: 1.68.
        (over(deviation=1.67 / 1.5 - 1), over(deviation=1.6 / 1.5 - 1), False),
        (over(deviation=1.69 / 1.5 - 1), over(deviation=1.6 / 1.5 - 1), True),
        # An IM of 10 %, and 5 % less.
        (under(deviation=0.097 / 0.25 - 1), under(deviation=0.1 / 0.25 - 1), False),
        (under(deviation=0.094 / 0.25 - 1), under(deviation=0.1 / 0.25 - 1), True),
        # An MM of 0.5 % against a rule set, and 5 % less.
        (margin(observed=0.0048), margin(observed=0.005), False),
        (margin(observed=0.0047), margin(observed=0.005), True),
        (margin(observed=0.0051), margin(observed=0.005), False),
        # At the limit itself, a finding is not worse than above it.
        (over(deviation=0.0), over(deviation=0.1), False),
        (under(deviation=-1.0), under(deviation=-1.0), False),
    ],
)
def test_findings_from_past_prices_are_worse_from_5_percent_of_their_figure_on(
    now: AuditDocument, before: AuditDocument, *, worse: bool
) -> None:
    assert states(now, before) == ["worse"] * worse


@pytest.mark.parametrize("code", ["MH104", "MH301"])
def test_other_findings_are_worse_with_any_worsening(code: str) -> None:
    now, before = (over(code=code, deviation=deviation) for deviation in (0.1001, 0.1))
    assert states(now, before) == ["worse"]
    now, before = (margin(code=code, observed=observed) for observed in (0.00499, 0.005))
    assert states(now, before) == ["worse"]


def test_a_baseline_that_records_a_deviation_as_value_alone_is_compared() -> None:
    whole = json.loads(to_baseline(over(deviation=0.1)))
    for known in whole["findings"].values():
        del known["divergence"]
    older = read(json.dumps(whole).encode(), "b.json")
    (found,) = compare_with_baseline(over(deviation=0.2), older).findings
    assert found.state == "worse"
    assert compare_with_baseline(over(deviation=0.1), older).findings == ()


def test_a_share_of_what_is_not_observable_worsens_as_well() -> None:
    unknown = partial(
        audit_of, code="MH211", verdict=Verdict.NOT_OBSERVABLE, rule_set="x", deviation=-0.4
    )
    assert states(unknown(deviation=-0.5), unknown()) == ["worse"]
    assert states(unknown(deviation=-0.3), unknown()) == []
