"""Checks of stress: intervals over samples, inverse contracts, and words that state what is measured."""

from dataclasses import replace

import pytest

from harmonize.document import Finding, StressRow, Verdict
from tests.harmonize.checks import stress_tests
from tests.harmonize.checks.examples import stressed


def findings(row: StressRow, code: str) -> list[Finding]:
    return [own for own in stressed(row).audited().findings if own.code == code]


@pytest.mark.parametrize(
    ("ratio", "low", "origin", "count"),
    [
        (1.9, 1.4, "synthetic", 0),  # an artefact of the sample
        (1.9, 1.51, "synthetic", 1),
        (1.9, None, "synthetic", 0),
        (None, None, "synthetic", 0),
        (1.51, None, "given", 1),  # given positions have no interval
        (1.5, None, "given", 0),
    ],
)
def test_a_share_is_reported_only_if_nearly_all_samples_exceed_the_limit(
    ratio: float | None, low: float | None, origin: str, count: int
) -> None:
    row = stress_tests.with_venue(shapley_ratio=ratio, shapley_ratio_low=low)
    assert len(findings(replace(row, is_synthetic=origin == "synthetic"), "MH552")) == count


def test_a_share_is_reported_with_its_interval() -> None:
    row = stress_tests.with_venue(shapley_ratio=1.8, shapley_ratio_low=1.6, shapley_ratio_high=2.1)
    (finding,) = findings(row, "MH552")
    assert (
        "1.80 times the venue's share of open interest (1.60 to 2.10 by sample)" in finding.message
    )


@pytest.mark.parametrize("code", ["MH552", "MH553"])
@pytest.mark.parametrize(
    ("marks", "verdict"),
    [
        (("measured", "measured"), Verdict.OVER),
        (("given", "given"), Verdict.OVER),
        (("assumed", "assumed"), Verdict.NOT_OBSERVABLE),
        (
            ("measured", "assumed"),
            Verdict.NOT_OBSERVABLE,
        ),  # of the others, which it is compared with
    ],
)
def test_what_follows_from_assumed_leverage_is_not_observable(
    code: str, marks: tuple[str, str], verdict: Verdict
) -> None:
    row = stress_tests.with_venue(shapley_ratio=1.8, shapley_ratio_low=1.6, overlap=0.99)
    own, other = (replace(row.venues[0], leverage_mark=mark) for mark in marks)
    venues = (own, replace(other, shapley_ratio=1.0, shapley_ratio_low=0.9, overlap=0.5))
    (finding,) = findings(replace(row, venues=venues), code)
    assert finding.verdict is verdict
    is_known = verdict is Verdict.OVER
    assert (finding.deviation is not None) == is_known
    count = marks.count("assumed")
    assert (f"is assumed on {count} of 2 venues" in finding.message) != is_known


def test_an_inverse_margin_is_compared_with_the_fall_that_loses_it() -> None:
    step = replace(stress_tests.STEP, margin_rate=0.25, step=0.22)
    assert not findings(replace(stress_tests.ROW, steps=(step,)), "MH551")
    inverse = replace(step, bankrupt_at=0.2)
    (finding,) = findings(replace(stress_tests.ROW, steps=(inverse,)), "MH551")
    assert (finding.observed, finding.required) == (0.2, 0.22)
    assert "IM of 25.0 % at the largest leverage is lost at a fall of 20.0 %" in finding.message


def test_a_step_is_between_the_lows_of_two_steps() -> None:
    step = replace(stress_tests.STEP, step=0.3)
    (finding,) = findings(replace(stress_tests.ROW, steps=(step,)), "MH551")
    assert (
        "the low of one step of 1 hour is 30.0 % below that of the step before" in finding.message
    )
    assert "within" not in finding.message
