"""Page of one venue: how its margins are known, rule sets, findings, schedules, changes, evidence."""

from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from harmonize.document import (
    DivergenceRow,
    Finding,
    ScheduleRow,
    Status,
    UnobservedRow,
    Verdict,
)
from harmonize.document.history import MarginSeries
from harmonize.text import numbers
from harmonize.text.words import join_words, margin_abbreviation
from reports.finding_order import EVALUATED
from reports.html.history import venue_gaps, weeks_chart
from reports.html.history_captions import has_dated_changes, weeks_caption
from reports.lookup import MARGIN_TYPES, date_text, newest_date
from reports.piece_values import margin_at, tier_count
from reports.site import marks, stress_blocks
from reports.site.addresses import rule_set_path, underlying_path, venue_path
from reports.site.adequacy_blocks import venue_block
from reports.site.figures import figure
from reports.site.finding_tables import finding_list, gravest_table, leading_findings
from reports.site.layout import Page, in_page_links
from reports.site.markup import (
    Html,
    facts,
    join,
    link_to,
    section,
    text,
    unordered,
    words,
)
from reports.site.rankings import SHORT
from reports.site.report_context import ReportContext, schedule_address
from reports.site.tables import Cell, Row, Table, number, table, table_csv
from reports.site.venue_evidence import evidence

_GRAVEST = 12
_NAMED = 8
_LONG = 200  # rows that print in two columns
_STATUS_WORDS = {Status.UNKNOWN: "not observable", Status.AT_LEAST: "lower bounds only"}
_BELOW = (Verdict.BREACH, Verdict.UNDER)

_Section = tuple[str, str, Html]
"""Anchor, name and markup of a section; nothing without data."""


def venue_pages(context: ReportContext) -> Iterator[Page]:
    """Yields a page per venue of the document."""
    for venue in context.venues:
        yield _page(context, venue)


def _page(context: ReportContext, venue: str) -> Page:
    path = venue_path(venue)
    stem = path.removesuffix(".html")
    schedules = _schedule_table(context, venue)
    changes, files = _changes(context, venue, stem)
    csv_name = f"{stem.rpartition('/')[2]}.csv"
    findings = context.findings_by_venue.get(venue, [])
    sections: list[_Section] = [
        ("known", "What is published", _known(context, venue)),
        ("rules", "Rule sets", _rules(context, venue)),
        ("gravest", "Gravest findings", _gravest(context, venue)),
        ("adequacy", "Adequacy", venue_block(context, venue)),
        ("stress", "Stress", stress_blocks.venue_block(context, venue)),
        ("schedules", "Schedules", table(schedules, csv_name)),
        ("changes", "Changes", changes),
        ("findings", "Venue findings", _venue_findings(context, findings)),
        ("evidence", "Evidence", evidence(context, venue)),
    ]
    shown = [entry for entry in sections if entry[2]]
    csv_files = ((f"{stem}.csv", table_csv(schedules)),) if schedules.rows else ()
    return Page(
        path,
        "venues.html",
        venue,
        _standfirst(context, venue),
        join(
            [
                in_page_links([(anchor, name) for anchor, name, _ in shown]),
                *(section(anchor, name, markup) for anchor, name, markup in shown),
                marks.legend_line(context.schedules_by_venue.get(venue, []), "../"),
            ]
        ),
        files=(*csv_files, *files),
        kicker="Venue",
    )


def _venue_findings(context: ReportContext, findings: Sequence[Finding]) -> Html:
    """Returns the findings on the venue as a whole; the others are on pages of underlyings."""
    own = [finding for finding in findings if not finding.underlying]
    return finding_list(own, context.rule_set_links("../"))


def _standfirst(context: ReportContext, venue: str) -> Html:
    rows = context.schedules_by_venue.get(venue, [])
    if not rows:
        return text("No margin schedule of this venue was observed.")
    underlyings = len({row.underlying for row in rows})
    newest = max(rows, key=lambda row: row.observed_at)
    return text(
        f"{numbers.count_text(len(rows), 'margin schedule')} on"
        f" {numbers.count_text(underlyings, 'underlying')}, newest observation {date_text(newest)}."
    )


def _known(context: ReportContext, venue: str) -> Html:
    """Returns what the venue publishes and how each kind of number is known."""
    rows = context.schedules_by_venue.get(venue, [])
    unobserved = [row for row in context.document.unobserved if row.venue == venue]
    statements: list[tuple[str, Html]] = [
        ("Not observed", text(_unobserved_text(context, row))) for row in unobserved
    ]
    for name, of_row in (
        ("Initial margin", lambda row: (row.initial_status, row.initial_note)),
        ("Maintenance margin", lambda row: (row.maintenance_status, row.maintenance_note)),
        ("Largest position", lambda row: (row.capacity_status, row.capacity_note)),
    ):
        statements.append((name, unordered(_status_lines(map(of_row, rows)))))
    statements += [
        ("Published sizes", _sizes(rows)),
        ("Not trading", _not_trading(rows)),
        ("Meaning of maintenance margin", _values(row.maintenance_meaning for row in rows)),
        ("Tiers", _values(row.tier_rule or "not stated" for row in rows)),
        ("Liquidation fee", _values(_fee_text(row) for row in rows)),
        ("Notes", _values(note for row in rows for note in row.notes)),
        ("Recording", _recording(context, venue)),
    ]
    return facts(statements)


def _unobserved_text(context: ReportContext, row: UnobservedRow) -> str:
    if not row.last_observed_at:
        return row.reason
    return f"{row.reason}; last observed {newest_date(context.document, row.venue)}"


def _status_lines(pairs: Iterator[tuple[Status, str]]) -> Iterator[Html]:
    tally = Counter(pairs).most_common()
    for (status, note), count in tally[:_NAMED]:
        name = _STATUS_WORDS.get(status, status.value)
        sign = f"{marks.UNVERIFIED.sign} " if status is Status.UNVERIFIED else ""
        yield text(
            f"{sign}{name}: {numbers.count_text(count, 'schedule')}{f'. {note}' if note else ''}"
        )
    if len(tally) > _NAMED:
        yield text(f"and {numbers.count(len(tally) - _NAMED)} other reasons, on each schedule")


def _sizes(rows: Sequence[ScheduleRow]) -> Html:
    """States for how many schedules margins are lower bounds above a size, or at every size."""
    sign = marks.LOWER_BOUND.sign
    lines = [
        text(f"{sign} lower bounds {place}: {numbers.count_text(count, 'schedule')}")
        for place, count in (
            ("at every size", sum(row.known_up_to == 0 for row in rows)),
            ("above the largest published size", sum(bool(row.known_up_to) for row in rows)),
        )
        if count
    ]
    return unordered(lines)


def _not_trading(rows: Sequence[ScheduleRow]) -> Html:
    tally = Counter(row.not_trading for row in rows if row.not_trading).most_common()
    return unordered(text(f"{reason} ({numbers.count(count)})") for reason, count in tally)


def _values(values: Iterator[str]) -> Html:
    """Returns the distinct values with their number, most frequent first."""
    tally = Counter(value for value in values if value).most_common()
    if len(tally) == 1:
        return text(tally[0][0])
    shown = [text(f"{value} ({numbers.count(count)})") for value, count in tally[:_NAMED]]
    if len(tally) > _NAMED:
        shown.append(text(f"and {numbers.count(len(tally) - _NAMED)} more"))
    return unordered(shown)


def _fee_text(row: ScheduleRow) -> str:
    rate = numbers.rate(row.fee_rate) if row.fee_rate is not None else ""
    return "; ".join(part for part in (row.fee_rule, rate, row.fee_note) if part)


def _recording(context: ReportContext, venue: str) -> Html:
    tally = Counter(
        row.status.value for (name, _), row in context.lookup.coverage.items() if name == venue
    )
    words = join_words(
        [f"{numbers.count(count)} {status}" for status, count in tally.most_common()]
    )
    is_complete = venue in context.lookup.complete_venues
    whole = (
        "Complete: an underlying without a schedule is not listed."
        if is_complete
        else f"Not complete: an underlying without a schedule may be listed ({marks.NOT_RECORDED.sign})."
    )
    return text(f"{whole} Underlyings: {words or 'none'}.")


def _rules(context: ReportContext, venue: str) -> Html:
    """Returns where the venue stands against each rule set, in words."""
    by_rule = context.verdicts_by_venue.get(venue, {})
    ended = {row.not_trading for row in context.schedules_by_venue.get(venue, [])} - {""}
    rows = []
    for rule_set in context.document.rule_sets:
        compared = by_rule.get(rule_set.id, [])
        if compared:
            title = link_to(f"../{rule_set_path(rule_set.id)}", rule_set.title)
            standing = _standing_text(compared, ended)
            rows.append(Row((Cell(rule_set.title, title), Cell(standing, css="why"))))
    return table(
        Table(
            f"{venue} against each rule set",
            text("Of all its schedules, including further profiles of one contract"),
            ("Rule set", "Where the venue stands"),
            rows,
            css="standing",
        )
    )


def _standing_text(rows: Sequence[DivergenceRow], ended: AbstractSet[str]) -> str:
    """States the verdicts on a venue's schedules in a sentence per margin type.

    ``ended`` are the reasons why contracts of the venue no longer trade.
    """
    sentences = []
    for margin_type, name in MARGIN_TYPES:
        of_type = [row for row in rows if row.margin_type == margin_type]
        tally = Counter(row.verdict for row in of_type)
        evaluated = sum(tally[verdict] for verdict in EVALUATED)
        below = sum(tally[verdict] for verdict in _BELOW)
        parts = []
        if tally[Verdict.PROHIBITED]:
            parts.append(
                f"{numbers.count_text(tally[Verdict.PROHIBITED], 'schedule')} of contracts that would"
                " be prohibited, if offered to the clients it protects"
            )
        if evaluated:
            parts.append(_evaluated_text(of_type, tally, evaluated, below))
        if tally[Verdict.NOT_OBSERVABLE]:
            parts.append(f"{numbers.count(tally[Verdict.NOT_OBSERVABLE])} not observable")
        uncovered = [row.reason for row in of_type if row.verdict is Verdict.NOT_APPLICABLE]
        closed = sum(reason in ended for reason in uncovered)
        if len(uncovered) > closed:
            parts.append(f"{numbers.count(len(uncovered) - closed)} not covered by it")
        if closed:
            parts.append(f"{numbers.count(closed)} no longer trading")
        if parts:
            sentences.append(f"{name}: {'; '.join(parts)}.")
    return " ".join(sentences)


def _evaluated_text(
    rows: Sequence[DivergenceRow], tally: Counter[Verdict], evaluated: int, below: int
) -> str:
    if not below:
        over = (
            f", {numbers.count(tally[Verdict.OVER])} of them above" if tally[Verdict.OVER] else ""
        )
        return f"all {numbers.count(evaluated)} evaluated required at least as much{over}"
    worst = min(
        (row for row in rows if row.verdict in _BELOW and row.lowest is not None),
        key=lambda row: (row.lowest or 0.0, row.symbol),
        default=None,
    )
    words = f"{numbers.count(below)} of {numbers.count(evaluated)} evaluated required less"
    if worst is None or worst.observed is None:
        return words
    return (
        f"{words}, {worst.symbol} the least: {numbers.rate(worst.observed)} where"
        f" {numbers.rate(worst.required)} is required"
    )


def _gravest(context: ReportContext, venue: str) -> Html:
    leading = leading_findings(context.findings_by_venue.get(venue, []), _GRAVEST)
    caption = "At most two findings per check, most severe first; each links to its place"
    return table(gravest_table(context, "../", f"Gravest findings at {venue}", caption, leading))


def _schedule_table(context: ReportContext, venue: str) -> Table:
    heat = context.document.heat_map_notional
    at_heat = numbers.usd(heat)
    rows = [
        _schedule_row(row, heat)
        for row in sorted(
            context.schedules_by_venue.get(venue, []),
            key=lambda row: (row.underlying, row.symbol, row.profile),
        )
    ]
    return Table(
        f"Schedules of {venue}",
        text("Each contract links to its tiers and evidence"),
        (
            *("Contract", "Underlying"),
            *(f"#Initial margin at {at_heat}", f"#Maintenance margin at {at_heat}"),
            *("#Largest position", "#Tiers", "Observed"),
        ),
        rows,
        tools=len(rows) > SHORT,
        numeric=True,
        css="narrow" if len(rows) > _LONG else "",
    )


def _schedule_row(row: ScheduleRow, heat: float) -> Row:
    name = row.symbol if row.profile == "any" else f"{row.symbol} · {row.profile}"
    signs = "".join(mark.sign for mark in marks.schedule_marks(row) if mark is not marks.DATE_BOUND)
    page = link_to(f"../{underlying_path(row.underlying)}", row.underlying)
    capacity = numbers.usd(row.capacity)
    return Row(
        (
            Cell(name, link_to(f"../{schedule_address(row)}", name)),
            Cell(row.underlying, page, "t"),
            *(_rate_cell(row, margin_type, heat) for margin_type, _ in MARGIN_TYPES),
            number(capacity, key=row.capacity),
            number(numbers.count(tier_count(row)), key=tier_count(row)),
            Cell(f"{date_text(row)} {signs}".strip(), css="dates"),
        )
    )


def _rate_cell(row: ScheduleRow, margin_type: str, notional: float) -> Cell:
    margin = margin_at(row, margin_type, notional)
    if margin.amount is None:
        sign = marks.ABOVE_CAPACITY if margin.is_above_capacity else marks.NOT_OBSERVABLE
        return number(margin.at_least or sign.sign)
    rate = margin.amount / notional
    return number(f"{numbers.rate(rate)}{marks.margin_marks(row, margin_type)}", key=rate)


def _changes(
    context: ReportContext, venue: str, stem: str
) -> tuple[Html, tuple[tuple[str, bytes], ...]]:
    """Returns the changes of a venue's margins: per week, and of selected underlyings."""
    history = context.document.history
    weeks = [week for week in history.weeks if week.venue == venue]
    gaps = venue_gaps(history, venue)
    parts: list[Html] = []
    files: list[tuple[str, bytes]] = []
    if sum(map(has_dated_changes, weeks)) > 1:
        drawn = figure(venue, weeks_chart(weeks, history.stress_windows, 0, gaps), f"{stem}-weeks")
        parts.append(drawn.markup)
        files += drawn.files
    elif weeks:
        parts.append(words("p", weeks_caption(weeks, history.stress_windows, gaps), css="note"))
    rows = [
        row for series in history.series if series.venue == venue for row in _change_rows(series)
    ]
    rows.sort(key=lambda row: row.cells[2].key, reverse=True)
    changes = Table(
        f"Changes at {venue}",
        text("Changes of margin at selected notionals, newest first, by first observation"),
        ("Contract", "Margin", "First observed", "#Before", "#After"),
        rows,
        numeric=True,
        css="narrow",
    )
    if rows:
        name = f"{stem.rpartition('/')[2]}-changes.csv"
        parts.append(table(changes, name))
        files.append((f"{stem}-changes.csv", table_csv(changes)))
    return join(parts), tuple(files)


def _change_rows(series: MarginSeries) -> Iterator[Row]:
    previous = None
    for point in series.points:
        if previous is not None and point.rate is not None and point.rate != previous:
            margin = f"{margin_abbreviation(series.margin_type)} at {numbers.usd(series.notional)}"
            yield Row(
                (
                    Cell(
                        series.symbol,
                        link_to(f"../{underlying_path(series.underlying)}#history", series.symbol),
                    ),
                    Cell(margin, css="t"),
                    Cell(date_text(point), css="dates", key=point.observed_at),
                    number(numbers.rate(previous)),
                    number(numbers.rate(point.rate)),
                )
            )
        previous = point.rate if point.rate is not None else previous
