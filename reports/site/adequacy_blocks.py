"""Tests against past prices in short, on the pages of a venue and of an underlying."""

from collections.abc import Sequence

from harmonize.document import AdequacyRow
from harmonize.text import numbers
from harmonize.text.words import first_words
from reports.site import adequacy_words as words
from reports.site import marks
from reports.site.adequacy_addresses import ADEQUACY_PATH, adequacy_path, verdict_address
from reports.site.adequacy_results import (
    clearing_sentence,
    close_out_sentence,
    holding_of,
    holding_sentence,
    shown_rows,
    shown_size,
)
from reports.site.markup import NOTHING, Html, join, link_to, text
from reports.site.markup import words as paragraph
from reports.site.report_context import ReportContext
from reports.site.tables import Cell, Row, Table, number, table

_MOST = 5
"""Largest number of verdicts in a block; the pages of adequacy have all."""

_MOST_REASONS = 3


def underlying_block(context: ReportContext, underlying: str) -> Html:
    """Returns the worst verdicts on an underlying, or why there are none; nothing without any test."""
    content = context.document.adequacy
    if not content.rows:
        return NOTHING
    rows = shown_rows(context, underlying=underlying)
    if rows:
        address = f"../{adequacy_path(underlying)}"
        name = f"All {numbers.count_text(len(rows), 'verdict')} at {_size(context)}, charts and breaches"
        return _block(context, rows, _link_note(address, name), by_venue=True)
    reasons = [row.reason for row in content.unjudged if row.underlying == underlying]
    if underlying in content.without_prices:
        reasons.append("no archived prices")
    return _absent(reasons)


def venue_block(context: ReportContext, venue: str) -> Html:
    """Returns the worst verdicts on a venue, or why there are none; nothing without any test."""
    content = context.document.adequacy
    if not content.rows:
        return NOTHING
    rows = shown_rows(context, venue=venue)
    if rows:
        names = sorted({row.underlying for row in rows})
        links = join([link_to(f"../{adequacy_path(name)}", name) for name in names], ", ")
        count = numbers.count_text(len(rows), "verdict")
        note = Html(f'<p class="note">{text(f"All {count} at {_size(context)}: ")}{links}.</p>')
        return _block(context, rows, note, by_venue=False)
    return _absent([row.reason for row in content.unjudged if row.venue == venue])


def _size(context: ReportContext) -> str:
    return numbers.usd(shown_size(context))


def _link_note(address: str, name: str) -> Html:
    return Html(f'<p class="note">{link_to(address, name)}.</p>')


def _absent(reasons: Sequence[str]) -> Html:
    """Returns why nothing was tested, in one line with a link to all reasons."""
    known = first_words(dict.fromkeys(reasons), _MOST_REASONS) or "no contract with archived prices"
    link = link_to(f"../{ADEQUACY_PATH}#absent", "Not tested against past prices")
    return Html(f'<p class="note">{link}: {text(known)}.</p>')


def _block(
    context: ReportContext, rows: Sequence[AdequacyRow], note: Html, *, by_venue: bool
) -> Html:
    level = words.level_text(context.document.adequacy.level)
    sentences = (holding_sentence(rows, level), close_out_sentence(rows), clearing_sentence(rows))
    shown = " ".join(filter(None, sentences))
    subject = "Venue" if by_venue else "Underlying"
    worst = Table(
        "Worst verdicts",
        text(f"Worst verdicts at {_size(context)} against the {level} move"),
        (
            *(subject, "Side"),
            *(f"#{name} holds" for name in words.MARGIN_NAMES.values()),
            *("#Over MM after a liquidation", "#IM over 1 day", "Worst day"),
        ),
        [_row(context, row, by_venue=by_venue) for row in rows[:_MOST]],
        numeric=True,
    )
    return Html(f"{paragraph('p', shown)}{table(worst)}{note}")


def _row(context: ReportContext, row: AdequacyRow, *, by_venue: bool) -> Row:
    name = row.venue if by_venue else row.underlying
    holding = [holding_of(row, margin) for margin in words.MARGIN_NAMES]
    times = [words.holding_time(part) if part else "" for part in holding]
    daily = next((part for part in row.clearing if part.days == 1), None)
    clearing = f"{words.covered(daily)} {daily.zone}".strip() if daily else ""
    counts = words.window(row)
    after = f"{words.share_after(row)} ({counts})" if counts else ""
    days = words.worst_days(row)
    address = f"../{verdict_address(row, shown_size(context))}"
    values = (*times, after, clearing)
    return Row(
        (
            Cell(name, link_to(address, name)),
            Cell(row.side, css="t"),
            *(number(value or marks.NOT_OBSERVABLE.sign) for value in values),
            Cell(days[0] if days else numbers.NOT_OBSERVABLE, css="dates"),
        )
    )
