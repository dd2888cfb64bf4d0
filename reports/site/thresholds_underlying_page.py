"""Pages on the daily threshold of one underlying, and its summary on the page of the underlying."""

from collections.abc import Iterator

from harmonize.document import ThresholdAdviceRow, ThresholdRow, ThresholdSection
from harmonize.document.threshold_sentences import (
    DISPUTED,
    dispute_text,
    size_sentence,
    volumes_sentence,
)
from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.site import thresholds_underlying_tables as tables
from reports.site.addresses import underlying_path
from reports.site.adequacy_words import level_text
from reports.site.figures import Figure, side_by_side
from reports.site.layout import Page, in_page_links
from reports.site.markup import (
    NOTHING,
    Html,
    join,
    link_to,
    section,
    text,
    unordered,
    words,
)
from reports.site.report_context import ReportContext
from reports.site.tables import table
from reports.site.thresholds_addresses import THRESHOLDS_PATH, thresholds_path
from reports.site.thresholds_charts import default_name, path_figure


def threshold_pages(context: ReportContext) -> Iterator[Page]:
    """Yields a page per underlying with a row of thresholds."""
    for row in context.document.thresholds.rows:
        yield _page(context, row)


def threshold_block(context: ReportContext, underlying: str) -> Html:
    """Returns whether the margins on an underlying should move, with a link; nothing without any test."""
    content = context.document.thresholds
    row = next((own for own in content.rows if own.underlying == underlying), None)
    if row is None:
        reasons = [own.reason for own in content.without if own.underlying == underlying]
        return words("p", f"No threshold: {'; '.join(reasons)}." if reasons else "", css="note")
    link = link_to(f"../{thresholds_path(underlying)}", "Its path, models, signals and episodes")
    return Html(f'<p class="note">{text(_verdict(content, row))} {link}.</p>')


def _verdict(content: ThresholdSection, row: ThresholdRow) -> str:
    """Returns whether the margins should move, how sure that is, and the threshold behind it."""
    sentences = "".join(f"{_capital(_move(own))}. " for own in row.advice)
    return f"{sentences}{_certainty(row)}{_threshold_text(content, row)}"


def _certainty(row: ThresholdRow) -> str:
    """Returns how sure the statements are, in one sentence if all are equally sure."""
    levels = [own.certainty for own in row.advice]
    if not levels:
        return ""
    if len(set(levels)) == 1:
        return f"Certainty: {levels[0]}. "
    named = [f"{own.certainty} for the {own.subject}" for own in row.advice]
    return f"Certainty: {join_words(named)}. "


def _capital(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}"


def _threshold_text(content: ThresholdSection, row: ThresholdRow) -> str:
    level = level_text(content.level)
    if row.threshold is None:
        return f"{level} threshold: not known, because {row.threshold_reason}."
    name = default_name(content).lower()
    rates = _rates_text(row, numbers.usd(content.notional))
    return f"{level} threshold ({name}) on {numbers.date(row.day)}: {rates}."


def _rates_text(row: ThresholdRow, size: str) -> str:
    """Returns the threshold at the size of the position, which margins are compared with, and without size."""
    rate = numbers.rate(row.threshold)
    unsized = f"{rate} without size"
    if row.size_reason:
        return f"{unsized}, because {row.size_reason}"
    sized = next((own.threshold for own in row.advice if own.threshold is not None), None)
    if sized is None:
        return unsized
    words = f"{numbers.rate(sized)} at {size}"
    return words if numbers.rate(sized) == rate else f"{words}, {unsized}"


def _page(context: ReportContext, row: ThresholdRow) -> Page:
    content = context.document.thresholds
    chart = path_figure(content, row)
    parts = [
        ("moves", "Should the margin move?", _moves(row)),
        ("path", "Path of the threshold", _path(content, row, chart)),
        (
            "models",
            "What each model asks",
            table(tables.value_table(row), "../thresholds-models.csv"),
        ),
        ("signals", "Signals", _signals(content, row)),
        ("episodes", "Episodes", _episodes(content, row)),
        ("prices", "Series of prices", table(tables.series_table(row))),
    ]
    shown = [part for part in parts if part[2]]
    body = join(
        [
            in_page_links([(anchor, name) for anchor, name, _ in shown]),
            Html(f'<p class="note">{_links(context, row)}</p>'),
            *(section(anchor, name, markup) for anchor, name, markup in shown),
        ]
    )
    return Page(
        thresholds_path(row.underlying),
        THRESHOLDS_PATH,
        f"{row.underlying}: what should the margin be?",
        text(_standfirst(content, row)),
        body,
        chart.files if chart else (),
        "Thresholds",
    )


def _links(context: ReportContext, row: ThresholdRow) -> Html:
    has_page = row.underlying in context.underlyings
    own = link_to(f"../{underlying_path(row.underlying)}", f"{row.underlying}: margins by venue")
    everything = link_to(f"../{THRESHOLDS_PATH}", "All thresholds, the gate and the method")
    return join([everything, *([own] if has_page else [])], " · ")


def _standfirst(content: ThresholdSection, row: ThresholdRow) -> str:
    age = f"The last price is {numbers.count_text(row.age_days, 'day')} old."
    return f"{_verdict(content, row)} {age}"


def _move(advice: ThresholdAdviceRow) -> str:
    """Returns a statement as a clause, with the margin that it is about."""
    rate = "" if advice.required is None else f" ({numbers.rate(advice.required)})"
    subject = f"the {advice.subject}{rate}"
    if advice.move == DISPUTED:
        return f"whether {subject} should move is disputed: {dispute_text(advice)}"
    is_open = advice.move.startswith("cannot")
    return f"whether {subject} should move {advice.move}" if is_open else f"{subject} {advice.move}"


def _moves(row: ThresholdRow) -> Html:
    sentences = unordered([text(own.sentence) for own in row.advice])
    return join([sentences, table(tables.advice_table(row), "../thresholds.csv")])


def _path(content: ThresholdSection, row: ThresholdRow, chart: Figure | None) -> Html:
    """Returns the chart, and below it how liquidity moved the threshold."""
    if chart is None:
        return NOTHING
    asked = [own for own in row.sizes if own.notional == content.notional]
    sentences = [size_sentence(own) for own in asked]
    sentences += filter(None, (volumes_sentence(row.size_volumes),))
    sentences += [f"{note}." for note in row.size_notes]
    known = unordered([text(_capital(words)) for words in sentences]) if asked else NOTHING
    return join(
        [side_by_side((chart,)), known, table(tables.size_table(row), "../thresholds-sizes.csv")]
    )


def _signals(content: ThresholdSection, row: ThresholdRow) -> Html:
    if not content.signals:
        return NOTHING
    on = table(tables.signal_table(content, row.underlying), "../thresholds-evidence.csv")
    return on or words("p", f"No signal is on for {row.underlying}.")


def _episodes(content: ThresholdSection, row: ThresholdRow) -> Html:
    shown = [table(own) for own in tables.episode_tables(content, row.underlying)]
    if not any(shown):
        return NOTHING
    file = Html(
        '<p class="files"><a href="../thresholds-episodes.csv">thresholds-episodes.csv</a></p>'
    )
    return join([*shown, file])
