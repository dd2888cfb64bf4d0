import os
import re
from dataclasses import replace

import pytest

from harmonize.document import Finding, Level, Verdict
from reports.finding_order import FindingOrder, sort_findings
from reports.formats.table import FindingSelection, table
from tests.support.sample_documents import ESCAPE, empty, large, sample


def test_what_venues_send_reaches_no_terminal_as_code() -> None:
    text = table(sample(), 140)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "RED/USDT\\x1b[31m[red]\\u202e" in text
    assert "<script>alert(1)</script>" in text


def test_colour_is_only_by_request_and_only_ours() -> None:
    text = table(sample(), colour=True)
    assert "\x1b[" in text
    assert ESCAPE not in text
    assert re.sub(r"\x1b\[[\d;]*m", "", text).split() == table(sample()).split()


@pytest.mark.parametrize("width", [60, 100, 140])
def test_no_line_is_wider_than_asked(width: int) -> None:
    assert max(len(line) for line in table(large(), width).splitlines()) <= width


def test_the_terminal_it_runs_in_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    before = table(sample())
    for name, value in {"COLUMNS": "40", "TERM": "dumb", "FORCE_COLOR": "1"}.items():
        monkeypatch.setitem(os.environ, name, value)
    assert table(sample()) == before


def test_findings_are_counted_by_cause_and_level() -> None:
    lines = table(sample()).splitlines()
    assert "2 error, 2 warning and 3 info" in lines[1]
    start = next(n for n, line in enumerate(lines) if "MH301" in line)
    cause = lines[start]
    assert cause.split()[:2] == ["▲", "1"]
    assert cause.split()[4:9] == ["initial-diverges", "synthetic-baseline", "4", "3", "3"]
    assert [line[:13].split() for line in lines[start : start + 3]] == [
        ["▲", "1", "error"],
        ["◆", "1", "warning"],
        ["○", "2", "info"],
    ]
    assert "2 under, 1 over" in cause


def test_a_finding_on_a_whole_venue_counts_its_schedules() -> None:
    document = sample()
    whole = replace(
        document.findings[0],
        code="MH403",
        name="prohibited",
        venue="venue-a",
        symbol="",
        profile="",
        rule_set="synthetic-baseline",
        verdict=Verdict.UNDER,
    )
    rows = [x for x in document.divergences if x.venue == "venue-a" and x.verdict is Verdict.UNDER]
    schedules = {(x.symbol, x.profile) for x in rows if x.rule_set == "synthetic-baseline"}
    assert schedules
    lines = table(replace(document, findings=(whole,))).splitlines()
    (cause,) = [
        line for line in lines if "MH403" in line and "prohibited" in line and "  1  " in line
    ]
    assert cause.split()[5:8] == ["1", str(len(schedules)), "1"]


def test_coverage_is_counted_by_venue() -> None:
    (row,) = [line for line in table(sample()).splitlines() if line.startswith("venue-b")]
    assert row.replace("\N{NO-BREAK SPACE}", " ").split() == [
        "venue-b",
        "0",
        "2",
        "0",
        "0",
        "3",
        "Sep",
        "2025",
    ]


def listed(*findings: Finding, selection: FindingSelection = FindingSelection()) -> list[str]:  # noqa: B008 - frozen
    document = replace(sample(), findings=findings)
    lines = table(document, 140, selection=selection).splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("Findings by severity"))
    return lines[start:]


def many(count: int) -> tuple[Finding, ...]:
    first = sample().findings[0]
    return tuple(
        replace(first, symbol=f"S{number:03}/USDT", fingerprint=f"{number:016x}")
        for number in range(count)
    )


def test_every_listed_finding_has_its_message() -> None:
    lines = table(sample()).splitlines()
    (at,) = [k for k, line in enumerate(lines) if line.startswith("◆ MH201 maintenance-unknown")]
    assert lines[at + 1] == "    MM is not published"


def test_findings_equal_but_for_the_profile_are_one_row_with_a_count() -> None:
    first = sample().findings[0]
    same = replace(first, profile="isolated", fingerprint="1" * 16)
    other = replace(first, profile="isolated", message="another", fingerprint="2" * 16)
    text = "\n".join(listed(first, same, other))
    assert "2 of 2; 3 findings, equal ones of several profiles joined" in text.replace("\xa0", " ")
    assert text.count("(2 profiles)") == 1
    assert text.count("(isolated)") == 1


def test_top_and_all_choose_how_many_are_listed() -> None:
    findings = many(30)
    default = listed(*findings)
    assert default[0].endswith("2 of 30")  # two per check and venue, so that others are seen
    assert listed(*findings, selection=FindingSelection(limit=12))[0].endswith("12 of 30")
    assert listed(*findings, selection=FindingSelection(every=True))[0].endswith("30 of 30")


def test_findings_are_sorted_by_venue_or_by_divergence() -> None:
    first = sample().findings[0]
    small = replace(first, venue="a", deviation=-0.1, level=Level.ERROR, margin_type="initial")
    large = replace(first, venue="b", deviation=-0.9, level=Level.INFO, margin_type="initial")
    share = replace(first, venue="c", deviation=-1.0, level=Level.INFO, margin_type="")
    for order, venues in (
        (FindingOrder.SEVERITY, ["a", "c", "b"]),
        (FindingOrder.VENUE, ["a", "b", "c"]),
        (FindingOrder.DIVERGENCE, ["b", "a", "c"]),
    ):
        assert [x.venue for x in sort_findings((share, large, small), order)] == venues


def test_without_findings_none_are_listed() -> None:
    assert "Findings by severity" in table(sample())
    assert "Findings by severity" not in table(empty())
