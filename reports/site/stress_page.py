"""Pages on what a fall liquidates, and what other rules would change."""

from collections.abc import Iterator, Sequence

from harmonize.document import StressRow, StressValidationRow
from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.site import stress_effects as effects
from reports.site import stress_tables as tables
from reports.site import stress_venue_tables as venue_tables
from reports.site.figures import Figure, files_of, side_by_side
from reports.site.layout import Page, in_page_links, page_of_parts
from reports.site.markup import (
    NOTHING,
    Html,
    details,
    facts,
    join,
    link_to,
    section,
    text,
    unordered,
    words,
)
from reports.site.report_context import ReportContext
from reports.site.stress_addresses import STRESS_PATH, stress_path
from reports.site.stress_charts import stress_figures
from reports.site.stress_csv import CSV_NAMES, csv_files
from reports.site.stress_glossary import WORDS
from reports.site.stress_result import result_statements
from reports.site.stress_standfirst import standfirst
from reports.site.stress_words import ratio_text
from reports.site.tables import table

_TITLE = "What does a fall liquidate?"

_EMPTY = (
    "No fall was simulated: the simulation was not requested (harmonize report --stress), or no"
    " underlying of a rule set has open interest and margins."
)

_UNVALIDATED = "No liquidations are recorded on these underlyings: unvalidated."

_Part = tuple[str, str, Html]
"""Anchor, name and markup of a section."""

_Files = tuple[tuple[str, bytes], ...]


def stress_page(context: ReportContext) -> Iterator[Page]:
    """Yields the page of all underlyings with the largest one in full, and a page per further one."""
    rows = context.document.stress
    if not rows:
        omitted = [("underlyings", "All underlyings", _omitted(context))]
        yield page_of_parts(STRESS_PATH, "Stress", _EMPTY, omitted)
        return
    leading = max(rows, key=lambda row: row.open_interest)
    yield _overview(context, leading)
    for row in rows:
        if row is not leading:
            yield _further(context, row, leading)


def _overview(context: ReportContext, leading: StressRow) -> Page:
    rows = context.document.stress
    links = {row.underlying: stress_path(row.underlying) for row in rows}
    links[leading.underlying] = "#result"
    charts = stress_figures(context, leading, "stress-")
    curve = CSV_NAMES["curve"] if any(row.points for row in rows) else ""
    underlyings = tables.underlying_table(context, links) if len(rows) > 1 else None
    parts: list[_Part] = [
        (
            "underlyings",
            "All underlyings",
            join([table(underlyings, curve) if underlyings else NOTHING, _omitted(context)]),
        ),
        *_sections(context, leading, charts, ""),
        ("validation", "Validation", _validation(rows)),
    ]
    page = page_of_parts(
        STRESS_PATH, "Stress", standfirst(rows), parts, (*files_of(charts), *csv_files(context))
    )
    return Page(page.path, page.part, _TITLE, page.standfirst, page.body, page.files, "Stress")


def _omitted(context: ReportContext) -> Html:
    """Returns the underlyings with open interest on which no fall was simulated, by reason."""
    return unordered(
        text(
            f"Not simulated: {row.underlying}, with an open interest of"
            f" {numbers.usd(row.open_interest)}: {row.reason}."
        )
        for row in context.document.stress_omitted
    )


def _further(context: ReportContext, row: StressRow, leading: StressRow) -> Page:
    charts = stress_figures(context, row, "stress/")
    shown = [
        *_sections(context, row, charts, "../"),
        ("validation", "Validation", _validation([row])),
    ]
    shown = [part for part in shown if part[2]]
    body = join(
        [
            in_page_links([(anchor, name) for anchor, name, _ in shown]),
            Html(f'<p class="note">{_siblings(context, row, leading)}</p>'),
            *(section(anchor, name, content) for anchor, name, content in shown),
        ]
    )
    title = f"{row.underlying}: what does a fall liquidate?"
    path = stress_path(row.underlying)
    return Page(path, STRESS_PATH, title, text(standfirst([row])), body, files_of(charts), "Stress")


def _siblings(context: ReportContext, row: StressRow, leading: StressRow) -> Html:
    links = [
        link_to(
            f"../{STRESS_PATH}" if sibling is leading else f"../{stress_path(sibling.underlying)}",
            sibling.underlying,
        )
        for sibling in context.document.stress
        if sibling is not row
    ]
    return join([*links, tables.underlying_link(context, row.underlying, "../")], " · ")


def _sections(
    context: ReportContext, row: StressRow, charts: Sequence[Figure], up: str
) -> list[_Part]:
    """Returns the sections on one underlying; ``up`` leads from the page to the folder."""
    name = row.underlying
    contributions = Html(
        table(venue_tables.contribution_table(context, row, up), f"{up}{CSV_NAMES['venues']}")
        + table(venue_tables.resilience_table(context, row, up), f"{up}{CSV_NAMES['reverse']}")
    )
    changes = Html(
        table(effects.threshold_table(context, row, up), f"{up}{CSV_NAMES['margins']}")
        + table(effects.sign_table(context, row, up))
        + _effects(context, row, up)
        + words("p", _further_text(row), css="note")
        + table(effects.reaction_table(context, row, up), f"{up}{CSV_NAMES['reactions']}")
    )
    absent = Html(
        unordered(map(text, row.limits))
        + table(tables.absent_table(context, row, up), f"{up}{CSV_NAMES['absent']}")
    )
    return [
        ("result", f"{name}: result", _result(context, row)),
        ("curve", f"{name}: curve and liquidation map", side_by_side(charts)),
        ("paths", f"{name}: path of the scenario", table(tables.path_table(row))),
        ("contributions", f"{name}: contributions of venues", contributions),
        ("counterfactuals", f"{name}: other rules", changes),
        (
            "sensitivity",
            f"{name}: sensitivity",
            table(tables.sensitivity_table(row), f"{up}{CSV_NAMES['sensitivity']}"),
        ),
        (
            "assumptions",
            f"{name}: assumptions",
            table(tables.default_table(row), f"{up}{CSV_NAMES['assumptions']}"),
        ),
        ("absent", f"{name}: limits", absent),
    ]


def _further_text(row: StressRow) -> str:
    """Returns how to have the changes and scenarios that the page does not have; empty without changes."""
    if not row.effects:
        return ""
    return (
        "Not on this page: a cap of leverage, a multiple of MM, a release of MM in a fall, the margins of one"
        " venue on all, changes on the day of the fall, and recorded scenarios. The command line has them:"
        f" harmonize stress {row.underlying} --what-if leverage=10 --scenario 2020-03-12."
    )


def _effects(context: ReportContext, row: StressRow, up: str) -> Html:
    """Returns the sizes of changes, those of the harmonized rules first and the others folded."""
    if not row.effects:
        return NOTHING
    first, others = effects.effect_tables(context, row, up)
    address = f"{up}{CSV_NAMES['effects']}"
    folded = details("Size of each change under the other rule sets", table(others, address))
    return join([table(first, address), folded if others.rows else NOTHING])


def _result(context: ReportContext, row: StressRow) -> Html:
    """Returns the result in statements, and the words that they use."""
    statements = result_statements(row, effects.threshold_sentence(context, row))
    meanings = details("Words", facts((name, text(meaning)) for name, meaning in WORDS))
    return Html(f"{facts((name, text(own)) for name, own in statements)}{meanings}")


def _validation(rows: Sequence[StressRow]) -> Html:
    """Returns the comparison with recorded liquidations, and the underlyings without any."""
    known = [comparison for row in rows for comparison in row.validation]
    others = [row.underlying for row in rows if not row.validation]
    if not known:
        return words("p", _UNVALIDATED)
    note = f"Unvalidated, without recorded liquidations: {', '.join(others)}." if others else ""
    return Html(
        f"{words('p', _validation_words(known))}{table(tables.validation_table(known))}"
        f"{words('p', note, css='note')}"
    )


def _validation_words(rows: Sequence[StressValidationRow]) -> str:
    """Returns what was compared, and what it cannot tell."""
    known = [comparison for comparison in rows if comparison.ratio is not None]
    if not known:
        return "Nothing was compared with recorded liquidations: unvalidated."
    venues = join_words(sorted({comparison.venue for comparison in known}))
    caveats = "".join(
        f" ({caveat})"
        for caveat in sorted({comparison.caveat for comparison in known if comparison.caveat})
    )
    leverages = {
        f"{leverage:g}" for comparison in known for leverage in comparison.heat_map_leverages
    }
    named = join_words(sorted(leverages, key=float))
    ratios = join_words(
        [f"{ratio_text(row.ratio)} ({row.underlying})" for row in known if row.ratio is not None]
    )
    overstated = join_words([f"{row.overstatement:.0f} ({row.underlying})" for row in known])
    return (
        f"Recorded liquidations are attributed to {venues}{caveats}; every other venue is unvalidated."
        f" Modelled over recorded totals are {ratios}. Positions opened within the day are not modelled."
        f" Heat maps assume leverage settings ({named}×), not effective leverage, and state"
        f" {overstated} times the recorded totals. No public data identifies by how much forced sales"
        " deepen a fall; differences between rules on the same positions are steadier."
    )
