"""Page of findings: by check, and the most severe ones."""

from collections.abc import Iterator

from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.finding_order import (
    LEVEL_MEANINGS,
    PER_CHECK,
    PER_VENUE,
    VERDICT_MEANINGS,
    group_by_check,
    level_counts,
)
from reports.html.appendix import check_row, exclusions, waiver_views
from reports.site.addresses import id_slug
from reports.site.finding_tables import finding_list, gravest_table, leading_findings
from reports.site.layout import Page, page_of_parts
from reports.site.markup import Html, link_to, text
from reports.site.report_context import ReportContext
from reports.site.tables import Cell, Row, Table, number, table, table_csv

_LEADING = 40


def findings_page(context: ReportContext) -> Iterator[Page]:
    """Yields the findings by check, and the most severe ones."""
    checks = _check_table(context)
    leading = leading_findings(context.findings, _LEADING)
    caption = (
        f"At most {PER_CHECK} per check and {PER_VENUE} per check and venue, most severe first"
    )
    selected = table(gravest_table(context, "", "Most severe findings", caption, leading))
    unplaced = [
        finding
        for finding in context.findings
        if not finding.venue
        and not finding.underlying
        and finding.rule_set not in context.rule_sets
    ]
    levels = [
        f"{numbers.count(count)} {level.value}" for level, count in level_counts(context.findings)
    ]
    excluded = exclusions(context.document)
    parts = [
        ("checks", "By check", table(checks, "findings-by-check.csv")),
        ("leading", "Most severe", selected),
        ("other", "On the audit itself", finding_list(unplaced)),
        ("waivers", "Waivers", table(_waiver_table(context))),
        (
            "meanings",
            "Levels and verdicts",
            Html(f"<p>{text(f'{LEVEL_MEANINGS} Verdicts: {VERDICT_MEANINGS}.')}</p>"),
        ),
    ]
    yield page_of_parts(
        "findings.html",
        "Findings",
        f"{join_words(levels)}. Each finding is on the page of its underlying or venue.{f' {excluded}.' if excluded else ''}",
        parts,
        files=(("findings-by-check.csv", table_csv(checks)),) if checks.rows else (),
    )


def _check_table(context: ReportContext) -> Table:
    rows = []
    for check in group_by_check(context.findings):
        view = check_row(check)
        first = check.findings[0]
        example = " ".join(
            part
            for part in (first.venue, first.symbol or first.underlying or first.rule_set)
            if part
        )
        rows.append(
            Row(
                (
                    Cell(
                        f"{check.code} {check.name}",
                        Html(f"<code>{text(check.code)}</code> {text(check.name)}"),
                    ),
                    Cell(view.level, css="level"),
                    number(view.findings, key=len(check.findings)),
                    number(view.venues, key=len(check.venues)),
                    Cell(view.verdicts, css="why"),
                    Cell(example, link_to(context.finding_address(first), example), "why"),
                ),
                f"check-{id_slug(check.code.lower())}",
            )
        )
    return Table(
        "Findings by check",
        text("Checks with findings, most severe first"),
        ("Check", "Level", "#Findings", "#Venues", "Verdicts", "Most severe"),
        rows,
        tools=True,
        numeric=True,
    )


def _waiver_table(context: ReportContext) -> Table:
    rows = [
        Row(
            (
                Cell(view.codes),
                Cell(view.status),
                Cell(view.scope, css="why"),
                Cell(view.reason, css="why"),
                Cell(view.owner),
                Cell(view.expires, css="dates"),
                number(view.findings),
            )
        )
        for view in waiver_views(context.document)
    ]
    heads = ("Checks", "Status", "Scope", "Reason", "Owner", "Expires", "#Findings")
    return Table("Waivers", text("Waivers of the configuration"), heads, rows)
