"""Pages that explain: method, glossary with the marks, and the files to download."""

from collections.abc import Iterator

from harmonize.text import numbers
from harmonize.text.words import VERIFIED_SIGNS
from reports.html.appendix import explanations
from reports.html.report import environment
from reports.site import marks
from reports.site.layout import Page
from reports.site.markup import Html, facts, join, link_to, section, text
from reports.site.report_context import ReportContext
from reports.site.tables import Cell, Row, Table, table

_VERIFICATION_MEANINGS = {
    "primary": "the original text was read",
    "secondary": "reported by others; the original text was not read",
    "derived": "computed here from stated inputs",
    "unverified": "no source was read that supports the number",
}


def method_page(context: ReportContext) -> Iterator[Page]:
    """Yields the explanations of the audit."""
    parts = [
        Html(
            f"<h3>{text(explanation.heading)}</h3>"
            + "".join(f"<p>{text(paragraph)}</p>" for paragraph in explanation.paragraphs)
        )
        for explanation in explanations(context.document)
    ]
    document = context.document
    limits = facts(
        (
            ("Stale from an age of", text(numbers.age(document.stale_after_days))),
            ("Sizes compared", text(", ".join(map(numbers.usd, document.notional_grid)))),
            ("Cost of capital", text(f"{numbers.rate(document.cost_of_capital)} per year")),
        )
    )
    yield Page(
        "method.html",
        "method.html",
        "Method",
        text("How margins are read, compared and judged, in the order of the audit."),
        join([section("limits", "Settings", limits), section("method", "Method", *parts)]),
    )


def glossary_page(context: ReportContext) -> Iterator[Page]:  # noqa: ARG001 - as all pages
    """Yields the definitions, the marks and the signs of verification."""
    rows = [
        Row((Cell(mark.sign or "(none)"), Cell(mark.name), Cell(mark.meaning, css="why")))
        for mark in marks.LEGEND
    ]
    legend = Table("Marks", text("Marks beside numbers"), ("Mark", "Name", "Meaning"), rows)
    signs = [
        Row((Cell(sign), Cell(name), Cell(_VERIFICATION_MEANINGS[name], css="why")))
        for name, sign in VERIFIED_SIGNS.items()
    ]
    signs.append(
        Row((Cell(marks.FLAG.sign), Cell(marks.FLAG.name), Cell(marks.FLAG.meaning, css="why")))
    )
    verification = Table(
        "Verification of sources",
        text(
            "Verification of the source of a required number; a number after a sign counts sources"
        ),
        ("Sign", "Name", "Meaning"),
        signs,
    )
    definitions = Html(environment().get_template("glossary.html.j2").render())
    yield Page(
        "glossary.html",
        "glossary.html",
        "Glossary",
        text("What marks and words mean. No meaning depends on colour."),
        join(
            [
                section("marks", "Marks", table(legend), table(verification)),
                section("words", "Words", definitions),
            ]
        ),
    )


def data_page(context: ReportContext) -> Iterator[Page]:
    """Yields the list of files to download."""
    document = context.document
    rows = [
        Row((Cell(name, link_to(address, name)), Cell(meaning, css="why")))
        for address, name, meaning in context.downloads
    ]
    listed = Table("Files", text("Files of this audit"), ("File", "Content"), rows)
    beside = text(
        "Beside each table is its CSV file, with numbers unrounded, and beside the charts of history,"
        " gap and of the underlyings with a reference curve an SVG file. Every file is reproducible"
        " byte for byte: harmonize verify builds a report again from the archive and the rule sets,"
        " and names the first file and figure that differs."
    )
    origin = facts(
        (
            ("Archive", text(document.archive)),
            ("Tool", text(f"{document.tool.name} {document.tool.version}")),
            ("Document schema", text(document.schema_version)),
        )
    )
    yield Page(
        "data.html",
        "data.html",
        "Data",
        text("The audit as files, for other programs."),
        join([section("files", "Files", Html(f"{table(listed)}<p>{beside}</p>"), origin)]),
    )
