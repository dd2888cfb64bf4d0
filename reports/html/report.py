"""The audit as one self-contained HTML file: no scripts, no requests, printable."""

from pathlib import Path
from typing import TYPE_CHECKING

from harmonize.document import AuditDocument
from harmonize.text import numbers
from harmonize.text.sanitize import plain
from harmonize.text.words import join_words
from reports.finding_order import (
    LEVEL_MEANINGS,
    PER_CHECK,
    PER_VENUE,
    VERDICT_MEANINGS,
    group_by_check,
    level_counts,
    select_leading,
    sort_by_severity,
)
from reports.html.appendix import (
    check_row,
    coverage_view,
    exclusions,
    explanations,
    finding_row,
    input_views,
    omitted_text,
    rule_set_view,
    snapshot_view,
    waiver_views,
)
from reports.html.emphasis import venue_styles
from reports.html.gap import gap_sections
from reports.html.heat_map import heat_legend, heat_maps, omitted_underlyings
from reports.html.history import history_view
from reports.html.page import ReportPage
from reports.html.ranking import ranking
from reports.html.references import references
from reports.html.summary import key_figures, summary
from reports.html.underlyings import underlying_sections
from reports.lookup import Lookup, snapshot_span

if TYPE_CHECKING:
    from jinja2 import Environment

TOP = 40
"""Largest number of findings printed individually."""

_HERE = Path(__file__).parent


def html(document: AuditDocument) -> str:
    """Renders the report; reproducible byte for byte from the document."""
    return environment().get_template("report.html.j2").render(page=page(document))


def page(document: AuditDocument) -> ReportPage:
    """Builds the template context. Every omission for length is stated and counted."""
    lookup = Lookup(document)
    rule_set_references = references(document)
    findings = sort_by_severity(document.findings)
    printed = select_leading(findings, TOP)
    levels = [f"{numbers.count(number)} {level.value}" for level, number in level_counts(findings)]
    return ReportPage(
        stylesheet=stylesheet(),
        title="Margin across crypto derivatives venues",
        as_of=numbers.date(document.as_of),
        tool=f"{document.tool.name} {document.tool.version}",
        archive=document.archive,
        schema_version=document.schema_version,
        snapshot_dates=snapshot_span(document),
        heat_notional=numbers.usd(document.heat_map_notional),
        stale_after=numbers.age(document.stale_after_days),
        key_figures=key_figures(lookup),
        summary=summary(lookup),
        ranking=ranking(lookup, rule_set_references),
        heat_maps=heat_maps(lookup, rule_set_references),
        heat_legend=heat_legend(),
        heat_maps_omitted=omitted_underlyings(lookup),
        underlyings=underlying_sections(lookup, rule_set_references),
        gap=gap_sections(lookup),
        history=history_view(
            document.history,
            document.heat_map_notional,
            venue_styles(lookup, lookup.venues),
        ),
        finding_counts=_finding_counts(levels),
        checks=tuple(check_row(check) for check in group_by_check(findings)),
        findings=tuple(finding_row(finding, rule_set_references) for finding in printed),
        findings_selection=f"at most {PER_CHECK} per check and {PER_VENUE} per check and venue",
        findings_omitted=omitted_text(len(findings) - len(printed), "finding"),
        exclusions=exclusions(document),
        waivers=waiver_views(document),
        inputs=input_views(document),
        coverage=coverage_view(lookup),
        rule_sets=tuple(
            rule_set_view(row, number) for number, row in enumerate(document.rule_sets)
        ),
        explanations=explanations(document),
        snapshots=tuple(
            snapshot_view(row, number) for number, row in enumerate(document.snapshots)
        ),
    )


def _finding_counts(levels: list[str]) -> str:
    """Returns the number of findings per level, with the meaning of levels and verdicts."""
    return f"{join_words(levels)}. {LEVEL_MEANINGS} Verdicts: {VERDICT_MEANINGS}"


def stylesheet() -> str:
    """Returns the stylesheet of all pages."""
    return (_HERE / "static" / "report.css").read_text(encoding="utf-8")


def environment() -> "Environment":
    """Creates the template environment: always escaped, and a missing field is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - one format

    return Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def _finalized(value: object) -> object:
    """Escapes control characters in text from venues; markup of this package is unchanged."""
    return plain(value) if type(value) is str else value
