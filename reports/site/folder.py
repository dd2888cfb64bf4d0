"""The report as a folder: registry of its pages, and all its files.

To add a page, write a function that takes a `ReportContext` and yields `Page`s, and add a line to
`PAGES`. A `PageKind` with a name appears in the navigation of every page.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harmonize.document import AuditDocument
from reports.site.adequacy_page import adequacy_page
from reports.site.comparison_pages import divergence_page, gap_page, harmonization_page
from reports.site.findings_page import findings_page
from reports.site.index_page import TITLE, index_page
from reports.site.layout import (
    Frame,
    NavigationEntry,
    Page,
    page_bytes,
    script_file,
    style_file,
)
from reports.site.list_pages import underlyings_page, venues_page
from reports.site.observation_pages import changes_page, coverage_page
from reports.site.reference_pages import data_page, glossary_page, method_page
from reports.site.report_context import Download, ReportContext
from reports.site.rule_set_page import rule_set_pages, rules_page
from reports.site.stress_page import stress_page
from reports.site.thresholds_page import thresholds_page
from reports.site.underlying_page import underlying_pages
from reports.site.venue_page import venue_pages

SiteFile = tuple[str, bytes]
"""Path from the folder, with slashes, and content."""


@dataclass(frozen=True, slots=True)
class PageKind:
    """Kind of page: the function that yields its pages, and its entry in the navigation.

    A ``main`` entry is also in the navigation of the pages of one venue, underlying or rule set.
    """

    pages: Callable[[ReportContext], Iterator[Page]]
    path: str = ""
    name: str = ""
    is_main: bool = False


PAGES = (
    PageKind(index_page, "index.html", "Key messages", is_main=True),
    PageKind(venues_page, "venues.html", "Venues", is_main=True),
    PageKind(venue_pages),
    PageKind(underlyings_page, "underlyings.html", "Underlyings", is_main=True),
    PageKind(underlying_pages),
    PageKind(rules_page, "rules.html", "Rule sets", is_main=True),
    PageKind(rule_set_pages),
    PageKind(findings_page, "findings.html", "Findings", is_main=True),
    PageKind(divergence_page, "divergence.html", "Divergence"),
    PageKind(harmonization_page, "harmonization.html", "Harmonization"),
    PageKind(gap_page, "gap.html", "Arbitrage gap"),
    PageKind(adequacy_page, "adequacy.html", "Adequacy"),
    PageKind(thresholds_page, "thresholds.html", "Thresholds"),
    PageKind(stress_page, "stress.html", "Stress"),
    PageKind(changes_page, "history.html", "Changes"),
    PageKind(coverage_page, "coverage.html", "Coverage"),
    PageKind(method_page, "method.html", "Method"),
    PageKind(glossary_page, "glossary.html", "Glossary"),
    PageKind(data_page, "data.html", "Data"),
)
"""Pages of the report, in the order of the navigation."""


def site_files(document: AuditDocument, downloads: tuple[Download, ...] = ()) -> Iterator[SiteFile]:
    """Yields every file of the report but its downloads: pages, tables, charts, style sheet.

    Equal documents give equal bytes. `downloads` are listed on the page of data.
    """
    context = ReportContext(document, downloads)
    frame = Frame(
        TITLE,
        tuple(NavigationEntry(kind.path, kind.name, kind.is_main) for kind in PAGES if kind.name),
        f"{document.tool.name} {document.tool.version}",
        document.archive,
    )
    yield style_file()
    yield script_file()
    for kind in PAGES:
        for page in kind.pages(context):
            yield page.path, page_bytes(page, frame)
            yield from page.files
