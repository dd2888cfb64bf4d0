"""The audit as plain-text tables of a given width, identical on every machine."""

from collections import Counter
from io import StringIO
from typing import TYPE_CHECKING

from harmonize.document import AuditDocument, CoverageStatus, Finding
from harmonize.text import numbers
from harmonize.text.sanitize import plain
from harmonize.text.words import VERIFIED_SIGNS, join_words
from reports.finding_order import (
    LEVEL_MEANINGS,
    LEVEL_SIGNS,
    VERDICT_MEANINGS,
    group_by_check,
    level_counts,
    select_leading,
    sort_by_severity,
)
from reports.lookup import Lookup, newest_date, snapshot_span

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

TOP = 20
"""Largest number of findings listed individually."""

_STYLES = {"error": "red", "warning": "yellow", "info": "cyan"}


def table(document: AuditDocument, width: int = 110, *, colour: bool = False) -> str:
    """Renders coverage, findings per check and the most severe findings, `width` characters wide.

    Colour adds terminal codes for the level only; text from venues never contains any.
    """
    from rich.console import Console  # noqa: PLC0415 - only this format needs it

    buffer = StringIO()
    console = Console(
        file=buffer,
        width=width,
        color_system="standard" if colour else None,
        force_terminal=colour,
        no_color=not colour,
        force_jupyter=False,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
    )
    findings = sort_by_severity(document.findings)
    _heading(console, document)
    _exclusions(console, document)
    _coverage(console, Lookup(document))
    _checks(console, findings)
    _most_severe(console, findings)
    _source_signs(console, findings)
    return "".join(f"{line.rstrip()}\n" for line in buffer.getvalue().splitlines())


def _heading(console: "Console", document: AuditDocument) -> None:
    console.print(
        plain(
            f"{document.tool.name} {document.tool.version}, as of {numbers.date(document.as_of)},"
            f" read from {document.archive}"
        )
    )
    levels = [f"{numbers.count(n)} {level.value}" for level, n in level_counts(document.findings)]
    console.print(
        f"{numbers.count_text(len(document.schedules), 'schedule')},"
        f" {numbers.count_text(len(document.findings), 'finding')}: {join_words(levels)};"
        f" snapshots of {snapshot_span(document)}"
    )


def _coverage(console: "Console", lookup: Lookup) -> None:
    grid = _table(
        "Coverage, number of underlyings", "venue", *(s.value for s in CoverageStatus), "newest"
    )
    for column in grid.columns[1:]:
        column.justify = "right"
    for venue in lookup.venues:
        tally = Counter(
            row.status for (row_venue, _), row in lookup.coverage.items() if row_venue == venue
        )
        counts = [numbers.count(tally[status]) for status in CoverageStatus]
        grid.add_row(plain(venue), *counts, newest_date(lookup.document, venue))
    console.print(grid)


def _checks(console: "Console", findings: tuple[Finding, ...]) -> None:
    grid = _table(
        "Findings by check", "", "level", "code", "check", "findings", "venues", "verdicts"
    )
    grid.columns[4].justify = grid.columns[5].justify = "right"
    for check in group_by_check(findings):
        verdicts = [f"{numbers.count(number)} {verdict}" for verdict, number in check.verdicts]
        grid.add_row(
            LEVEL_SIGNS[check.level],
            check.level.value,
            plain(check.code),
            plain(check.name),
            numbers.count(len(check.findings)),
            numbers.count(len(check.venues)),
            ", ".join(verdicts),
            style=_STYLES[check.level.value],
        )
    console.print(grid)
    if findings:
        console.print(f"\nLevels. {LEVEL_MEANINGS}\nVerdicts. {VERDICT_MEANINGS}.")


def _most_severe(console: "Console", findings: tuple[Finding, ...]) -> None:
    selected = select_leading(findings, TOP)
    for level, number in level_counts(findings):
        level_findings = [finding for finding in selected if finding.level is level]
        if not level_findings:
            continue
        title = f"{level.value.capitalize()}: {numbers.count(len(level_findings))} of {numbers.count(number)}"
        grid = _table(
            title,
            "code",
            "venue",
            "symbol",
            "rule set",
            "verdict",
            "notional",
            "observed",
            "required",
            "deviation",
        )
        for column in grid.columns[5:]:
            column.justify = "right"
        for column in (*grid.columns[:2], *grid.columns[4:]):
            column.no_wrap = True
        for finding in level_findings:
            grid.add_row(*_finding_cells(finding), style=_STYLES[level.value])
        console.print(grid)


def _finding_cells(finding: Finding) -> tuple[str, ...]:
    return (
        plain(finding.code),
        plain(finding.venue),
        plain(finding.symbol),
        plain(finding.rule_set),
        finding.verdict.value,
        numbers.usd(finding.notional),
        numbers.rate(finding.observed),
        f"{numbers.rate(finding.required)} {VERIFIED_SIGNS.get(finding.verified, '')}".rstrip(),
        numbers.deviation(finding.deviation),
    )


def _source_signs(console: "Console", findings: tuple[Finding, ...]) -> None:
    """Prints the meaning of the signs beside required rates, if there are any."""
    if any(finding.verified in VERIFIED_SIGNS for finding in findings):
        marks = ", ".join(f"{sign} {mark}" for mark, sign in VERIFIED_SIGNS.items())
        console.print(f"\nSources of required rates: {marks}")


def _exclusions(console: "Console", document: AuditDocument) -> None:
    """Prints which findings are excluded, and why."""
    if document.waived:
        console.print(f"{numbers.count_text(len(document.waived), 'more finding')} waived")
    if document.baseline:
        baseline = document.baseline
        console.print(
            plain(
                f"compared with {baseline.name}: {numbers.count(baseline.new)} new, {numbers.count(baseline.worse)} worse,"
                f" {numbers.count(baseline.unchanged)} unchanged and excluded,"
                f" {numbers.count(baseline.resolved)} resolved"
            )
        )


def _table(title: str, *headings: str) -> "Table":
    from rich import box  # noqa: PLC0415 - as above
    from rich.table import Table  # noqa: PLC0415 - as above

    return Table(
        *headings,
        title=f"\n{title}",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
        header_style="dim",
    )
