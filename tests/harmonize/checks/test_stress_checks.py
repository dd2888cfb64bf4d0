"""MH554: the effect of a whole rule set at the shock counts, not that of one of its margins."""

from dataclasses import replace

from harmonize.document import Finding, StressEffectRow
from tests.harmonize.checks import stress_tests
from tests.harmonize.checks.examples import stressed

MORE = stress_tests.effect("more")


def findings(*effects: StressEffectRow) -> list[Finding]:
    document = stressed(replace(stress_tests.ROW, effects=effects)).audited()
    return [finding for finding in document.findings if finding.code == "MH554"]


def test_a_margin_of_a_rule_set_alone_is_not_reported() -> None:
    part = replace(MORE, what_if="reference=mm")
    assert not findings(stress_tests.effect("depends on"), part)
    (finding,) = findings(MORE, part)
    assert "(reference)" in finding.message


def test_the_only_margin_of_a_rule_set_is_reported() -> None:
    (finding,) = findings(replace(MORE, what_if="reference=mm"))
    assert "(reference=mm)" in finding.message


def test_the_effect_at_another_shock_is_not_reported() -> None:
    assert not findings(replace(MORE, shock=0.3))
