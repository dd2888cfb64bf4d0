"""The audit as plain-text tables of a given width, identical on every machine."""

from collections import Counter
from dataclasses import dataclass
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
    CauseFindings,
    FindingOrder,
    ListedFinding,
    collapse_profiles,
    group_by_cause,
    level_counts,
    levels_text,
    select_leading,
    sort_by_severity,
    sort_findings,
)
from reports.lookup import Lookup, newest_date, snapshot_span

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

TOP = 20
"""Largest number of findings listed without a selection."""

_STYLES = {"error": "red", "warning": "yellow", "info": "cyan"}


@dataclass(frozen=True, slots=True)
class FindingSelection:
    """Which findings are listed, and in which order.

    ``limit`` is the largest number; None lists the leading findings of each check, ``every`` all.
    """

    limit: int | None = None
    every: bool = False
    order: FindingOrder = FindingOrder.SEVERITY


LEADING = FindingSelection()
"""The leading findings of each check, most severe first."""


def table(
    document: AuditDocument,
    width: int = 110,
    *,
    colour: bool = False,
    selection: FindingSelection = LEADING,
) -> str:
    """Renders coverage, findings by cause and the selected findings, `width` characters wide.

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
    _causes(console, document, findings)
    _listed(console, findings, selection)
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


def _causes(console: "Console", document: AuditDocument, findings: tuple[Finding, ...]) -> None:
    """Prints one line per check and rule set, however many schedules are concerned."""
    headings = ("", "level", "code", "check", "rule set", "findings", "schedules", "venues")
    grid = _table("Findings by cause", *headings, "verdicts")
    for column in grid.columns[5:8]:
        column.justify = "right"
    for cause in group_by_cause(findings):
        levels = level_counts(cause.findings)
        verdicts = [f"{numbers.count(number)} {verdict}" for verdict, number in cause.verdicts]
        number = _schedule_count(cause, document)
        grid.add_row(
            "\n".join(LEVEL_SIGNS[level] for level, number in levels if number),
            levels_text(cause.findings, "\n", has_signs=False),
            plain(cause.code),
            plain(cause.name),
            plain(cause.rule_set),
            numbers.count(len(cause.findings)),
            numbers.count(number) if number else numbers.NOT_OBSERVABLE,
            numbers.count(len(cause.venues)),
            ", ".join(verdicts),
            style=_STYLES[cause.findings[0].level.value],
        )
    console.print(grid)
    if findings:
        console.print(f"\nLevels. {LEVEL_MEANINGS}\nVerdicts. {VERDICT_MEANINGS}.")


def _schedule_count(cause: CauseFindings, document: AuditDocument) -> int:
    """Returns the number of schedules concerned; 0 for findings that concern no schedule.

    A finding on a whole venue concerns its schedules with the same verdict under the rule set.
    """
    own = {(x.venue, x.symbol, x.profile) for x in cause.findings if x.symbol}
    whole = {(x.venue, x.verdict) for x in cause.findings if not x.symbol and x.rule_set}
    if whole:
        own |= {
            (row.venue, row.symbol, row.profile)
            for row in document.divergences
            if row.rule_set == cause.rule_set and (row.venue, row.verdict) in whole
        }
    return len(own)


def _listed(console: "Console", findings: tuple[Finding, ...], selection: FindingSelection) -> None:
    """Prints findings with their messages; those equal but for the profile as one row."""
    ordered = sort_findings(findings, selection.order)
    rows = collapse_profiles(ordered)
    if selection.limit is None and not selection.every:
        leading = set(select_leading((row.finding for row in rows), TOP))
        shown = tuple(row for row in rows if row.finding in leading)
    else:
        shown = rows if selection.every else rows[: selection.limit]
    if not shown:
        return
    count = f"{numbers.count(len(shown))} of {numbers.count(len(rows))}"
    joined = ""
    if len(rows) < len(findings):
        joined = f"; {numbers.count_text(len(findings), 'finding')}, equal ones of several profiles joined"
    console.print(f"\nFindings by {selection.order.value}: {count}{joined}", style="bold")
    for row in shown:
        _print_finding(console, row)


def _print_finding(console: "Console", row: ListedFinding) -> None:
    """Prints what a finding concerns on one line, and its message below."""
    from rich.padding import Padding  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    finding = row.finding
    several = f" ({len(row.profiles)} profiles)" if len(row.profiles) > 1 else ""
    profile = f" ({finding.profile})" if finding.profile and not several else ""
    deviation = numbers.deviation(finding.deviation) if finding.deviation is not None else ""
    source = VERIFIED_SIGNS.get(finding.verified, "")
    parts = (
        f"{LEVEL_SIGNS[finding.level]} {finding.code} {finding.name}",
        finding.venue,
        f"{finding.symbol}{profile}{several}",
        finding.rule_set,
        finding.verdict.value,
        f"{deviation} {source}".strip(),
    )
    heading = "  ".join(plain(part) for part in parts if part)
    console.print(Text(heading, style=_STYLES[finding.level.value]))
    console.print(Padding(Text(plain(finding.message)), (0, 0, 0, 4)))


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
