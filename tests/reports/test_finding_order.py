from harmonize.document import Level, Verdict
from reports.finding_order import (
    group_by_check,
    level_counts,
    levels_text,
    select_leading,
    sort_by_severity,
)
from tests.support.sample_documents import finding, findings


def test_order_is_level_then_verdict_then_how_many_times_off() -> None:
    ordered = sort_by_severity(
        (
            finding(1, Level.INFO, Verdict.BREACH),
            finding(2, Level.ERROR, Verdict.UNDER, deviation=-0.5),
            finding(3, Level.ERROR, Verdict.UNDER, deviation=1.2),
            finding(4, Level.ERROR, Verdict.BREACH, deviation=None),
            finding(5, Level.ERROR, Verdict.UNDER, deviation=-1.0),
        )
    )
    assert [item.fingerprint[-1] for item in ordered] == ["4", "5", "3", "2", "1"]


def test_order_does_not_depend_on_the_order_given() -> None:
    assert sort_by_severity(findings()) == sort_by_severity(reversed(findings()))


def test_every_finding_is_under_its_check_once() -> None:
    groups = group_by_check(sort_by_severity(findings()))
    assert [group.code for group in groups] == ["MH401", "MH301", "MH201", "MH902"]
    assert sum(len(group.findings) for group in groups) == len(findings())
    diverges = groups[1]
    assert levels_text(diverges.findings, has_signs=False) == "1 error, 1 warning, 2 info"
    assert diverges.venues == ("venue-a", "venue-c", "venue-d")
    assert diverges.verdicts == (
        (Verdict.UNDER, 2),
        (Verdict.OVER, 1),
        (Verdict.COMPLIANT, 1),
    )


def test_levels_without_findings_are_counted_as_none() -> None:
    counts = level_counts((finding(1, Level.INFO, Verdict.OVER),))
    assert counts == ((Level.ERROR, 0), (Level.WARNING, 0), (Level.INFO, 1))


def test_findings_of_several_levels_have_a_count_per_level() -> None:
    errors = [finding(n, Level.ERROR, Verdict.BREACH) for n in range(1200)]
    mixed = [*errors, finding(5000, Level.INFO, Verdict.OVER)]
    assert levels_text(errors, has_signs=False) == "error"
    assert levels_text(errors, has_signs=True) == "▲ error"
    assert levels_text(mixed, has_signs=True) == "▲ 1,200 error, ○ 1 info"
    assert levels_text(mixed, "\n", has_signs=False) == "1,200 error\n1 info"
    assert levels_text([], has_signs=True) == ""


def test_no_check_or_venue_crowds_out_the_others() -> None:
    many = [finding(n, Level.ERROR, Verdict.BREACH, venue=f"v{n % 9}") for n in range(90)]
    other = finding(99, Level.INFO, Verdict.OVER, code="MH105")
    selected = select_leading(sort_by_severity([*many, other]), 40)
    assert len(selected) == 9
    assert selected[-1] == other
    assert len({item.venue for item in selected[:-1]}) >= 4
    assert select_leading(sort_by_severity(many), 3) == (
        *sort_by_severity(many)[:2],
        sort_by_severity(many)[10],
    )
