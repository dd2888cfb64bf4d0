"""The audit as a table for a terminal: plain text of a given width, the same on every machine."""

from collections import Counter
from io import StringIO
from typing import TYPE_CHECKING

from harmonize.document import AuditDocument, CoverageStatus, Finding
from harmonize.text import numbers
from harmonize.text.sanitize import plain
from harmonize.text.words import VERIFIED_SIGNS, listed
from reports.finding_order import LEVEL_SIGNS, by_code, gravest, leading, level_counts
from reports.lookup import Lookup, snapshot_span

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

TOP = 20
"""How many findings get a line of their own."""

_STYLES = {"error": "red", "warning": "yellow", "info": "cyan"}


def table(document: AuditDocument, width: int = 100, *, colour: bool = False) -> str:
    """Write coverage, counts by check, and the gravest findings, `width` characters wide.

    Colour adds terminal codes for the level and nothing else; venues' text never carries any.
    """
    from rich.console import Console  # noqa: PLC0415 - only this format needs it

    written = StringIO()
    console = Console(
        file=written,
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
    ordered = gravest(document.findings)
    _heading(console, document)
    _known(console, document)
    _coverage(console, Lookup(document))
    _codes(console, ordered)
    _top(console, ordered)
    _marks(console, ordered)
    return "".join(f"{line.rstrip()}\n" for line in written.getvalue().splitlines())


def _heading(console: "Console", document: AuditDocument) -> None:
    console.print(
        plain(
            f"{document.tool.name} {document.tool.version}, as of {numbers.date(document.as_of)},"
            f" read from {document.archive}"
        )
    )
    levels = [f"{numbers.count(n)} {level.value}" for level, n in level_counts(document.findings)]
    console.print(
        f"{numbers.counted(len(document.schedules), 'schedule')},"
        f" {numbers.counted(len(document.findings), 'finding')}: {listed(levels)};"
        f" snapshots of {snapshot_span(document)}"
    )


def _coverage(console: "Console", lookup: Lookup) -> None:
    grid = _table("Coverage, in underlyings", "venue", *(s.value for s in CoverageStatus), "dated")
    for column in grid.columns[1:]:
        column.justify = "right"
    for venue in lookup.venues:
        tally = Counter(row.status for (at, _), row in lookup.coverage.items() if at == venue)
        dates = [row.observed_at for row in lookup.document.snapshots if row.venue == venue]
        counts = [numbers.count(tally[status]) for status in CoverageStatus]
        grid.add_row(plain(venue), *counts, numbers.date(max(dates, default=None)))
    console.print(grid)


def _codes(console: "Console", ordered: tuple[Finding, ...]) -> None:
    grid = _table(
        "Findings by check", "", "level", "code", "check", "findings", "venues", "verdicts"
    )
    grid.columns[4].justify = grid.columns[5].justify = "right"
    for found in by_code(ordered):
        verdicts = [f"{numbers.count(number)} {verdict}" for verdict, number in found.verdicts]
        grid.add_row(
            LEVEL_SIGNS[found.level],
            found.level.value,
            plain(found.code),
            plain(found.name),
            numbers.count(len(found.findings)),
            numbers.count(len(found.venues)),
            ", ".join(verdicts),
            style=_STYLES[found.level.value],
        )
    console.print(grid)


def _top(console: "Console", ordered: tuple[Finding, ...]) -> None:
    picked = leading(ordered, TOP)
    for level, number in level_counts(ordered):
        shown = [finding for finding in picked if finding.level is level]
        if not shown:
            continue
        title = (
            f"{level.value.capitalize()}: {numbers.count(len(shown))} of {numbers.count(number)}"
        )
        grid = _table(
            title, "code", "venue", "symbol", "rule set", "verdict", "at", "found", "asked", "off"
        )
        for column in grid.columns[5:]:
            column.justify = "right"
        for column in (*grid.columns[:2], *grid.columns[4:]):
            column.no_wrap = True
        for finding in shown:
            grid.add_row(*_cells(finding), style=_STYLES[level.value])
        console.print(grid)


def _cells(finding: Finding) -> tuple[str, ...]:
    return (
        plain(finding.code),
        plain(finding.venue),
        plain(finding.symbol),
        plain(finding.rule_set),
        finding.verdict.value,
        numbers.usd(finding.notional),
        numbers.rate(finding.observed),
        f"{numbers.rate(finding.required)} {VERIFIED_SIGNS.get(finding.verified, '')}".rstrip(),
        numbers.divergence(finding.deviation),
    )


def _marks(console: "Console", ordered: tuple[Finding, ...]) -> None:
    """Say what the marks beside required rates mean, where there are any."""
    if any(finding.verified in VERIFIED_SIGNS for finding in ordered):
        marks = ", ".join(f"{sign} {mark}" for mark, sign in VERIFIED_SIGNS.items())
        console.print(f"\nSources of what is asked: {marks}")


def _known(console: "Console", document: AuditDocument) -> None:
    """Say what is left out of the findings, and why."""
    if document.waived:
        console.print(f"{numbers.counted(len(document.waived), 'more finding')} waived")
    if document.baseline:
        one = document.baseline
        console.print(
            plain(
                f"against {one.name}: {numbers.count(one.new)} new, {numbers.count(one.worse)} worse,"
                f" {numbers.count(one.unchanged)} unchanged and left out,"
                f" {numbers.count(one.resolved)} gone"
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
