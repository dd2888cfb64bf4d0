"""The audit as one HTML file that needs nothing else: no script, no request, readable on paper."""

from pathlib import Path
from typing import TYPE_CHECKING

from harmonize.document import AuditDocument
from harmonize.text import numbers
from harmonize.text.sanitize import plain
from harmonize.text.words import listed
from reports.finding_order import PER_CHECK, PER_VENUE, by_code, gravest, leading, level_counts
from reports.html.appendix import (
    code_row,
    coverage_view,
    explanations,
    finding_row,
    input_views,
    known,
    left,
    rule_set_view,
    snapshot_view,
    waiver_views,
)
from reports.html.gap import worth
from reports.html.heat_map import heat_legend, heat_maps, left_out
from reports.html.history import over_time
from reports.html.page import ReportPage
from reports.html.ranking import ranking
from reports.html.references import references
from reports.html.summary import key_figures, summary
from reports.html.underlyings import chart_sections
from reports.lookup import Lookup, snapshot_span

if TYPE_CHECKING:
    from jinja2 import Environment

TOP = 40
"""How many findings are printed one by one."""

_HERE = Path(__file__).parent


def html(document: AuditDocument) -> str:
    """Write the report: the same text for the same document."""
    return environment().get_template("report.html.j2").render(page=page(document))


def page(document: AuditDocument) -> ReportPage:
    """Build all that the templates print. What is left out for length is said and counted."""
    lookup = Lookup(document)
    named = references(document)
    ordered = gravest(document.findings)
    shown = leading(ordered, TOP)
    levels = [f"{numbers.count(n)} {level.value}" for level, n in level_counts(ordered)]
    return ReportPage(
        stylesheet=stylesheet(),
        title="Margin across crypto derivatives venues",
        as_of=numbers.date(document.as_of),
        tool=f"{document.tool.name} {document.tool.version}",
        archive=document.archive,
        schema_version=document.schema_version,
        span=snapshot_span(document),
        heat_notional=numbers.usd(document.heat_map_notional),
        stale_after=numbers.age(document.stale_after_days),
        key_figures=key_figures(lookup),
        summary=summary(lookup),
        ranking=ranking(lookup, named),
        heat_maps=heat_maps(lookup, named),
        heat_legend=heat_legend(),
        heat_left=left_out(lookup),
        charts=chart_sections(lookup, named),
        worth=worth(lookup),
        past=over_time(
            document.history,
            document.heat_map_notional,
            {venue: number for number, venue in enumerate(lookup.venues)},
        ),
        finding_counts=listed(levels),
        codes=tuple(code_row(found) for found in by_code(ordered)),
        findings=tuple(finding_row(finding, named) for finding in shown),
        findings_cut=f"at most {PER_CHECK} of one check and {PER_VENUE} of those at one venue",
        findings_left=left(len(ordered) - len(shown), "finding"),
        known=known(document),
        waivers=waiver_views(document),
        inputs=input_views(document),
        coverage=coverage_view(lookup),
        rule_sets=tuple(rule_set_view(row, n) for n, row in enumerate(document.rule_sets)),
        explanations=explanations(document),
        snapshots=tuple(snapshot_view(row, n) for n, row in enumerate(document.snapshots)),
    )


def stylesheet() -> str:
    """The one stylesheet of all pages."""
    return (_HERE / "static" / "report.css").read_text(encoding="utf-8")


def environment() -> "Environment":
    """Make the templates' environment: escaped always, and a field that is not there an error."""
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
    """Neutralise control characters in venues' text; markup that is ours passes as it is."""
    return plain(value) if type(value) is str else value
