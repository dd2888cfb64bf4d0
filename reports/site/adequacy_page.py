"""Pages on whether margins are enough: all verdicts, and a page per underlying."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from harmonize.document import AdequacyRow, DatedBacktestRow
from harmonize.text import numbers
from reports.site import adequacy_words as words
from reports.site.addresses import underlying_path
from reports.site.adequacy_absent import absent_csv, absent_section
from reports.site.adequacy_addresses import (
    ADEQUACY_PATH,
    adequacy_path,
    history_path,
    size_path,
)
from reports.site.adequacy_charts import size_figures, time_figures
from reports.site.adequacy_details import detail_list
from reports.site.adequacy_history import (
    history_csv,
    history_figures,
    history_table,
)
from reports.site.adequacy_results import (
    close_out_sentence,
    results,
    shown_rows,
    shown_size,
)
from reports.site.adequacy_table import (
    VerdictColumns,
    legend,
    schedules_by_key,
    verdict_csv,
    verdict_table,
)
from reports.site.figures import Figure, files_of, side_by_side
from reports.site.layout import Page, in_page_links, page_of_parts
from reports.site.markup import (
    NOTHING,
    Html,
    facts,
    join,
    link_to,
    section,
    text,
    unordered,
)
from reports.site.report_context import ReportContext
from reports.site.tables import table

MOST_ROWS = 120
"""Largest number of verdicts on the page of all underlyings; the CSV file and the other pages have all."""

_CHARTED = 1
"""Number of underlyings whose charts are on the page of all underlyings."""

_EMPTY = "No margin was tested against past prices: the document has no verdicts, because no prices were archived or the tests were not requested."

_Part = tuple[str, str, Html]
"""Anchor, name and markup of a section."""


def adequacy_page(context: ReportContext) -> Iterator[Page]:
    """Yields the page of all verdicts, and a page per underlying with verdicts."""
    rows = context.document.adequacy.rows
    if not rows:
        yield page_of_parts(ADEQUACY_PATH, "Adequacy", _EMPTY, [])
        return
    yield _overview(context)
    for underlying in judged_underlyings(context):
        yield from _underlying_pages(context, underlying)


def judged_underlyings(context: ReportContext) -> list[str]:
    """Returns the underlyings with verdicts, those with most verdicts first."""
    counts: dict[str, int] = {}
    for row in context.document.adequacy.rows:
        counts[row.underlying] = counts.get(row.underlying, 0) + 1
    return sorted(counts, key=lambda name: (-counts[name], name))


def _overview(context: ReportContext) -> Page:
    content = context.document.adequacy
    rows = shown_rows(context)
    columns = VerdictColumns(
        context,
        schedules_by_key(context),
        "",
        shown_size(context),
        has_underlying=True,
        has_age=True,
    )
    charts = _overview_charts(context)
    history, history_files = _overview_history(context)
    parts: list[_Part] = [
        ("results", "Results", unordered(map(text, results(rows, _level(context))))),
        ("terms", "Terms", _terms(context)),
        ("moves", "Moves against time", _overview_moves(context, charts)),
        ("verdicts", "Verdicts, worst first", _overview_table(columns, rows)),
        ("history", "Breaches over time", history),
        ("sizes", "Required and measured over size", _overview_sizes(context)),
        ("absent", "Not observable", absent_section(content, "adequacy-not-observable.csv")),
    ]
    files = (
        *files_of(charts),
        ("adequacy.csv", verdict_csv(content.rows, context.document.as_of)),
        ("adequacy-not-observable.csv", absent_csv(content)),
        *history_files,
    )
    page = page_of_parts(ADEQUACY_PATH, "Adequacy", _standfirst(rows), parts, files)
    return Page(
        page.path,
        page.part,
        "Are the margins enough?",
        page.standfirst,
        join([page.body, legend(rows, columns)]),
        page.files,
    )


def _level(context: ReportContext) -> str:
    return words.level_text(context.document.adequacy.level)


def _standfirst(rows: Sequence[AdequacyRow]) -> str:
    venues = numbers.count_text(len({row.venue for row in rows}), "venue")
    underlyings = numbers.count_text(len({row.underlying for row in rows}), "underlying")
    size = numbers.usd(rows[0].notional)
    verdicts = numbers.count_text(len(rows), "verdict")
    return (
        f"{verdicts} on margins of {venues} on {underlyings}, at {size}, against prices that happened:"
        " how long a margin holds, whether it survives the close-out, and whether it would do as"
        " clearing margin. The three answers are never averaged."
    )


def _terms(context: ReportContext) -> Html:
    """Explains the words of the page."""
    beyond = words.level_text(1.0 - (context.document.adequacy.level or 0.0))
    participation = numbers.rate(context.document.adequacy.rows[0].participation)
    meanings = {
        name: text(
            meaning.format(level=_level(context), beyond=beyond, participation=participation)
        )
        for name, meaning in _TERMS.items()
    }
    return facts(meanings.items())


_TERMS = {
    "Level": "The {level} move is the loss over a time that {beyond} of past losses exceeded, long and"
    " short apart. A margin holds up to the time at which this move reaches it.",
    "Buffer, IM − MM": "The loss that liquidates a position at full leverage. What remains for the"
    " close-out is at most MM: a candle that closes beyond IM − MM has used part of it. Shares beyond MM"
    " are therefore lower bounds.",
    "√t": "Time by the square root of time from the one-day move, beside the measured one. Nothing else"
    " is scaled.",
    "After a liquidation": "Share of candles that closed beyond IM − MM after which the price moved on by"
    " more than MM while the position was closed at {participation} of the daily volume of the venue's"
    " own perpetual; over one candle (*) if that volume is unknown, over the longest window, as a lower"
    " bound (≥), if closing takes longer. At least 30 windows that do not overlap. Verdicts from daily candles come last:"
    " within a day the price exceeds most margins, which says nothing of a close-out.",
    "Zone": "Traffic light for the number of moves above IM: green below 95 %, yellow from 95 %, red from"
    " 99.99 % of the binomial distribution. p-values: Kupiec (number), Christoffersen (independence),"
    " both together, and Z₂ (expected shortfall), of the worst phase.",
    "Without a breach": "The number after ≤ is the share that so many moves still permit at 95 % (rule of"
    " three).",
    "Counts": "Each share counts the positions for which it is known: a margin that is not published, too"
    " few moves or no volume leave one out.",
    "<, >": "Shorter than the shortest measured time, longer than the longest.",
}


def _overview_charts(context: ReportContext) -> list[Figure]:
    names = judged_underlyings(context)[:_CHARTED]
    return [
        drawn
        for name in names
        for drawn in time_figures(context, name, shown_rows(context, name), "adequacy-")
    ]


def _overview_moves(context: ReportContext, charts: Sequence[Figure]) -> Html:
    links = _page_links(judged_underlyings(context))
    note = Html(f'<p class="note">Charts and verdicts at every size: {links}.</p>')
    return Html(f"{side_by_side(charts)}{note}")


def _page_links(names: Iterable[str], fragment: str = "") -> Html:
    return join([link_to(f"{adequacy_path(name)}{fragment}", name) for name in names], ", ")


def _overview_table(columns: VerdictColumns, rows: Sequence[AdequacyRow]) -> Html:
    shown = rows[:MOST_ROWS]
    rest = len(rows) - len(shown)
    caption = text(
        f"Position of {numbers.usd(rows[0].notional)}. Below each time its 95 % interval and √t; below"
        " each share its counts; below each coverage zone, breaches and p-values. The venue's contract"
        " leads to its sentences and breaches, the date of the table to its tiers. * over one candle: the"
        " volume of the venue's own perpetual is unknown, so there is no verdict on the size"
    )
    note = NOTHING
    if rest:
        count = numbers.count_text(rest, "further verdict")
        note = Html(
            f'<p class="note">{text(count)} in the CSV file and on the pages of the underlyings.</p>'
        )
    content = table(verdict_table(columns, shown, "Verdicts", caption), "adequacy.csv")
    return Html(f"{content}{note}")


def _overview_history(context: ReportContext) -> tuple[Html, tuple[tuple[str, bytes], ...]]:
    """Returns the charts of one schedule and the breaches of all, with their files."""
    backtests = context.document.adequacy.backtests
    if not backtests:
        return NOTHING, ()
    leading = _leading(context, backtests)
    charts = list(history_figures(context, leading, "adequacy-", has_files=True))
    size = shown_size(context)
    compared = [row for row in backtests if row.notional == size] or list(backtests)
    names = sorted({row.underlying for row in backtests})
    links = join([link_to(history_path(name), name) for name in names], ", ")
    note = Html(f'<p class="note">Charts by year and size: {links}.</p>')
    content = table(history_table(context, compared), "adequacy-history.csv")
    files = (*files_of(charts), ("adequacy-history.csv", history_csv(backtests)))
    return Html(f"{side_by_side(charts)}{content}{note}"), files


def _leading(
    context: ReportContext, backtests: Sequence[DatedBacktestRow]
) -> list[DatedBacktestRow]:
    """Returns the backtests of MM after liquidations of the schedule with most verdicts beside it."""
    order = {name: place for place, name in enumerate(judged_underlyings(context))}
    measure = "maintenance after a liquidation"
    known = [row for row in backtests if row.measure == measure] or list(backtests)
    first = min(
        known, key=lambda row: (order.get(row.underlying, len(order)), row.venue, row.symbol)
    )
    key = (first.venue, first.symbol, first.measure)
    return [row for row in known if (row.venue, row.symbol, row.measure) == key]


def _overview_sizes(context: ReportContext) -> Html:
    """Returns links to the charts over size: of venues whose volume is known."""
    names = dict.fromkeys(row.underlying for row in shown_rows(context) if row.volume)
    if not names:
        return NOTHING
    return Html(
        "<p>IM and MM of venues with a known volume, beside the move over the time in which a position"
        f" of each size is closed: {_page_links(names, '#sizes')}.</p>"
    )


def _underlying_pages(context: ReportContext, underlying: str) -> Iterator[Page]:
    """Yields the page of one underlying, a page for each other size, and that of its history."""
    sizes = {r.notional for r in context.document.adequacy.rows if r.underlying == underlying}
    yield _main(context, underlying)
    for size in sorted(sizes - {shown_size(context)}):
        yield _at_size(context, underlying, size)
    backtests = _backtests(context, underlying)
    if backtests:
        yield _history(context, underlying, backtests)


def _backtests(context: ReportContext, underlying: str) -> list[DatedBacktestRow]:
    return [row for row in context.document.adequacy.backtests if row.underlying == underlying]


def _main(context: ReportContext, underlying: str) -> Page:
    rows = shown_rows(context, underlying)
    moves = list(time_figures(context, underlying, rows, "adequacy/"))
    columns = _columns(context)
    over_size = list(size_figures(context, columns.schedules, rows, "adequacy/"))
    caption = text(
        "Worst first; the contract leads to sentences and breaches, the date to its tiers. * over one candle:"
        " the volume of the venue's own perpetual is unknown, so there is no verdict on the size"
    )
    parts: list[_Part] = [
        ("moves", "Moves against time", side_by_side(moves)),
        _verdicts(columns, underlying, rows, caption),
        ("details", "Verdicts in full", detail_list(rows, columns.schedules, "../")),
        ("sizes", "Required and measured over size", side_by_side(over_size)),
    ]
    return _page(
        context,
        (adequacy_path(underlying), f"{underlying}: are the margins enough?"),
        (underlying, rows),
        parts,
        files_of(moves),
    )


def _at_size(context: ReportContext, underlying: str, size: float) -> Page:
    rows = [
        row
        for row in context.document.adequacy.rows
        if row.underlying == underlying and row.notional == size
    ]
    title = f"{underlying}: are the margins enough at {numbers.usd(size)}?"
    columns = replace(_columns(context), has_breach=True)
    caption = text(
        "Worst first, with the two candles of the worst breach; the date leads to the tiers"
    )
    return _page(
        context,
        (size_path(underlying, size), title),
        (underlying, rows),
        [_verdicts(columns, underlying, rows, caption)],
    )


def _history(
    context: ReportContext, underlying: str, backtests: Sequence[DatedBacktestRow]
) -> Page:
    charts = list(history_figures(context, backtests, "adequacy/", has_files=False))
    by_venue = [("history", "Breaches over time", side_by_side(charts))]
    title = f"{underlying}: breaches over time"
    return _page(context, (history_path(underlying), title), (underlying, ()), by_venue)


def _columns(context: ReportContext) -> VerdictColumns:
    return VerdictColumns(
        context,
        schedules_by_key(context),
        "../",
        shown_size(context),
        has_underlying=False,
    )


def _verdicts(
    columns: VerdictColumns, underlying: str, rows: Sequence[AdequacyRow], caption: Html
) -> _Part:
    listed = verdict_table(columns, rows, f"Verdicts on {underlying}", caption)
    marks_line = legend(rows, columns) if rows else NOTHING
    content = Html(f"{table(listed, '../adequacy.csv')}{marks_line}")
    return "verdicts", "Verdicts, worst first", content


def _page(
    context: ReportContext,
    name: tuple[str, str],
    subject: tuple[str, Sequence[AdequacyRow]],
    parts: Sequence[_Part],
    files: tuple[tuple[str, bytes], ...] = (),
) -> Page:
    """Returns a page on one underlying; ``name`` is its path and title, ``subject`` what it is about."""
    path, title = name
    underlying, rows = subject
    shown = [part for part in parts if part[2]]
    body = join(
        [
            in_page_links([(anchor, heading) for anchor, heading, _ in shown]),
            Html(f'<p class="note">{_siblings(context, underlying, path)}</p>'),
            *(section(anchor, heading, markup) for anchor, heading, markup in shown),
        ]
    )
    verdicts = f"{numbers.count_text(len(rows), 'verdict')}. {close_out_sentence(rows)}"
    standfirst = text(verdicts.rstrip() if rows else _HISTORY)
    return Page(path, ADEQUACY_PATH, title, standfirst, body, files, "Adequacy")


_HISTORY = (
    "Moves above the margin that was in force when each of them began, by calendar year and position"
    " size. Shaded: market stress. Below: days of the worst breaches, and of changes of the table."
)


def _siblings(context: ReportContext, underlying: str, path: str) -> Html:
    """Returns links to the other pages on an underlying, and to those of its margins and of all."""
    sizes = {r.notional for r in context.document.adequacy.rows if r.underlying == underlying}
    shown = shown_size(context)
    pages = [
        (size_path(underlying, size) if size != shown else adequacy_path(underlying), size)
        for size in sorted({*sizes, shown})
    ]
    entries = [(address, f"verdicts at {numbers.usd(size)}") for address, size in pages]
    if _backtests(context, underlying):
        entries.append((history_path(underlying), "breaches over time"))
    if underlying in context.underlyings:
        entries.append((underlying_path(underlying), f"margins on {underlying}"))
    entries.append((ADEQUACY_PATH, "all underlyings, and the terms"))
    links = [link_to(f"../{address}" if address != path else "", name) for address, name in entries]
    return join(links, " · ")
