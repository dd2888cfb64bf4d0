"""Page of one rule set: what it requires, its sources, and where every venue stands."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from harmonize.document import DivergenceRow, RuleSetRow, Verdict
from harmonize.text import numbers
from harmonize.text.words import VERIFIED_SIGNS
from reports.finding_order import EVALUATED
from reports.html.appendix import input_views, rule_set_view
from reports.html.page import RuleSetView
from reports.site.addresses import rule_set_path, venue_path
from reports.site.close_dates import RETAIL_ANCHOR, retail_table
from reports.site.finding_tables import finding_list
from reports.site.layout import Page, in_page_links
from reports.site.markup import NOTHING, Html, facts, join, link_to, section, text, unordered
from reports.site.outbound import with_links
from reports.site.rankings import SHORT
from reports.site.report_context import ReportContext
from reports.site.requirement_tables import requirement_csv, requirement_section
from reports.site.tables import Cell, Row, Table, number, table, table_csv

VERIFICATION = (
    "● the original text was read (primary), or an excerpt of it where stated, ◐ reported by others (secondary), ◇ computed here"
    " (derived), ○ not verified (unverified)"
)
"""Meaning of the signs of verification."""

_BELOW = (Verdict.BREACH, Verdict.UNDER)


def rule_set_pages(context: ReportContext) -> Iterator[Page]:
    """Yields a page per rule set of the document."""
    for rule_set in context.document.rule_sets:
        yield _page(context, rule_set)


def _page(context: ReportContext, rule_set: RuleSetRow) -> Page:
    path = rule_set_path(rule_set.id)
    stem = path.removesuffix(".html")
    view = rule_set_view(rule_set, 0)
    standing = _standing(context, rule_set.id)
    own_csv = f"{stem.rpartition('/')[2]}-requirements.csv"
    own_findings = [
        finding
        for finding in context.findings
        if finding.rule_set == rule_set.id and not finding.venue and not finding.underlying
    ]
    sections = [
        ("text", "Text", Html(f"{_description(view)}{_facts(view)}")),
        ("requirements", "Requirements", requirement_section(context, rule_set, own_csv)),
        ("sources", "Sources", _sources(view)),
        ("caveats", "Caveats", _caveats(view)),
        ("standing", "Venues", table(standing, f"{stem.rpartition('/')[2]}.csv")),
        ("findings", "Findings on the rule set", finding_list(own_findings)),
    ]
    shown = [entry for entry in sections if entry[2]]
    return Page(
        path,
        "rules.html",
        rule_set.title,
        text(rule_set.requirement),
        join(
            [
                in_page_links([(anchor, name) for anchor, name, _ in shown]),
                *(section(anchor, name, markup) for anchor, name, markup in shown),
            ]
        ),
        files=(
            *(((f"{stem}.csv", table_csv(standing)),) if standing.rows else ()),
            *(((f"rules/{own_csv}", requirement_csv(rule_set)),) if rule_set.requirements else ()),
        ),
        kicker=f"Rule set {view.label}",
    )


def _description(view: RuleSetView) -> Html:
    return join(
        Html(f"<pre>{join(map(text, formula), chr(10))}</pre>")
        if formula
        else Html(f'<p class="about">{with_links(paragraph)}</p>')
        for paragraph, formula in view.description
    )


def _facts(view: RuleSetView) -> Html:
    caveats = {
        name: sorted({flag.status for flag in view.flags if flag.field in fields})
        for name, fields in _CAVEATS.items()
    }
    return facts(
        (name, Html(f"{with_links(value)}{_caveat_link(caveats.get(name, ()))}"))
        for name, value in view.facts
    )


_CAVEATS = {
    "Requirement": ("requirement", "initial", "maintenance", "rates", "published"),
    "Scope": ("scope", "contracts", "undetermined", "except_underlyings"),
    "In force": ("in_force",),
}
"""Fields of caveats by the fact that a reader must not take without them."""


def _caveat_link(statuses: Sequence[str]) -> Html:
    if not statuses:
        return NOTHING
    return Html(f' <a href="#caveats">⚑ {text(", ".join(statuses))}, see caveats</a>')


_EXCERPT = re.compile(r"^(?P<kind>excerpts?) (?:at|of) ")


def _via_text(via: str) -> str:
    """Returns the copy that was read; of an excerpt, it says so."""
    return _EXCERPT.sub(lambda match: f"{match['kind']} read via ", via)


def _sources(view: RuleSetView) -> Html:
    rows = [
        Row(
            (
                Cell(
                    f"{source.sign} {source.verified}"
                    f"{', excerpt' if _EXCERPT.match(source.via) else ''}",
                    css="level",
                ),
                Cell(source.reference, with_links(source.reference), "why"),
                Cell(_via_text(source.via), with_links(_via_text(source.via)), "why"),
            )
        )
        for source in view.sources
    ]
    caption = text(f"Sources and their verification: {VERIFICATION}")
    return table(Table("Sources", caption, ("Verification", "Source", "Read via"), rows))


def _caveats(view: RuleSetView) -> Html:
    return unordered(
        (
            Html(
                f"<strong>⚑ {text(flag.field)}</strong>: {text(flag.status)}. {with_links(flag.note)}"
            )
            for flag in view.flags
        ),
        css="flags",
    )


def _standing(context: ReportContext, rule_set: str) -> Table:
    """Returns the verdicts on each venue's schedules."""
    rows = []
    for venue in context.venues:
        compared = context.verdicts_by_venue.get(venue, {}).get(rule_set, [])
        if compared:
            rows.append(_standing_row(venue, compared))
    return Table(
        "Venues against the rule set",
        text(
            "Comparisons of initial and of maintenance margin, over all schedules of a venue."
            " Below: below the requirement by more than its tolerance, if it protects the client."
            " Not covered: outside its scope, or no longer trading"
        ),
        (
            *("Venue", "#Evaluated", "#Below", "#Above", "#Prohibited"),
            *("#Not observable", "#Not covered", "#Lowest deviation"),
        ),
        rows,
        tools=len(rows) > SHORT,
        numeric=True,
    )


def _standing_row(venue: str, compared: Sequence[DivergenceRow]) -> Row:
    tally = Counter(row.verdict for row in compared)
    lowest = min((row.lowest for row in compared if row.lowest is not None), default=None)
    counts = (
        sum(tally[verdict] for verdict in EVALUATED),
        sum(tally[verdict] for verdict in _BELOW),
        *(tally[Verdict.OVER], tally[Verdict.PROHIBITED]),
        *(tally[Verdict.NOT_OBSERVABLE], tally[Verdict.NOT_APPLICABLE]),
    )
    return Row(
        (
            Cell(venue, link_to(f"../{venue_path(venue)}#rules", venue)),
            *(number(numbers.count(count), key=count) for count in counts),
            number(numbers.deviation(lowest), key=lowest),
        )
    )


def rules_page(context: ReportContext) -> Iterator[Page]:
    """Yields the list of rule sets."""
    rows = []
    for rule_set in context.document.rule_sets:
        signs = [VERIFIED_SIGNS.get(citation.verified, "○") for citation in rule_set.citations]
        rows.append(
            Row(
                (
                    Cell(rule_set.title, link_to(rule_set_path(rule_set.id), rule_set.title)),
                    Cell(rule_set.kind),
                    Cell(rule_set.requirement, css="why"),
                    Cell("statutory" if rule_set.statutory else "not statutory"),
                    _in_force_cell(rule_set),
                    Cell(" ".join(sorted(signs)), css="level"),
                    Cell(f"{rule_set.id} {rule_set.version}", css="dim"),
                )
            )
        )
    listed = Table(
        "Rule sets",
        text(f"Applied rule sets. Sources: {VERIFICATION}"),
        ("Rule set", "Kind", "Requirement", "Legal status", "In force", "Sources", "Identifier"),
        rows,
    )
    inputs = _inputs(context)
    yield Page(
        "rules.html",
        "rules.html",
        "Rule sets",
        text(
            "Every reference value cites its sources. A cap is a hard limit, a schedule a reference over all sizes, a model a formula with measured inputs."
        ),
        join(
            [
                section("list", "Rule sets", table(listed, "rules.csv")),
                section(RETAIL_ANCHOR, "Minimums for retail clients", *_retail(context)),
                section("inputs", "Measured inputs", table(inputs, "inputs.csv")),
            ]
        ),
        files=(
            ("rules.csv", table_csv(listed)),
            *((("inputs.csv", table_csv(inputs)),) if inputs.rows else ()),
        ),
    )


def _in_force_cell(rule_set: RuleSetRow) -> Cell:
    """Returns the days of a rule set; a caveat on them leads to its text."""
    value = rule_set.in_force or "always"
    statuses = [flag.status for flag in rule_set.flags if flag.field == "in_force"]
    if not statuses:
        return Cell(value)
    caveat = f"⚑ {', '.join(statuses)}"
    address = f"{rule_set_path(rule_set.id)}#caveats"
    return Cell(f"{value} {caveat}", Html(f"{text(value)} {link_to(address, caveat)}"))


def _retail(context: ReportContext) -> Iterator[Html]:
    """Yields the table of the key message on retail clients, if a statutory minimum applied."""
    compared = retail_table(context)
    if compared is not None:
        yield table(compared)


def _inputs(context: ReportContext) -> Table:
    rows = [
        Row(
            (
                Cell(view.name),
                Cell(view.underlying, css="t"),
                number(view.value),
                number(view.interval),
                number(view.observations),
                Cell(view.observed_at, css="dates"),
                Cell(view.verified, css="level"),
                Cell(view.source, with_links(view.source), "why"),
            )
        )
        for view in input_views(context.document)
    ]
    heads = (
        "Input",
        "Underlying",
        "#Value",
        "#Interval",
        "#Observations",
        "Last observation",
        "Verification",
        "Source",
    )
    return Table(
        "Measured inputs",
        text("Inputs of formulas; a rate is a share of the price"),
        heads,
        rows,
        numeric=True,
    )
