"""First page: key messages, then links to everything else."""

from collections import Counter
from collections.abc import Iterator
from html import escape

from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.lookup import snapshot_span
from reports.site.addresses import rule_set_path, underlying_path, venue_path
from reports.site.key_messages import (
    COMPARING,
    KeyMessage,
    comparison_note,
    key_messages,
    no_message_text,
)
from reports.site.layout import Page
from reports.site.markup import Html, facts, join, link_to, section, text, unordered, words
from reports.site.report_context import ReportContext

TITLE = "Margin across crypto derivatives venues"
"""Title of the report."""

_UNDERLYINGS = 40


def index_page(context: ReportContext) -> Iterator[Page]:
    """Yields the first page."""
    messages = key_messages(context)
    are_compared = any(message.name in COMPARING for message in messages)
    note = words("p", "" if are_compared else no_message_text(context), css="empty")
    basis = words("p", comparison_note(context) if are_compared else "", css="note")
    listed = "".join(map(_message, messages))
    document = context.document
    yield Page(
        "index.html",
        "index.html",
        TITLE,
        text(
            f"Margin that {numbers.count_text(len(context.schedules_by_venue), 'venue')} required"
            f" on {numbers.count_text(len(context.schedules_by_underlying), 'underlying')}, observed"
            f" {_observed(context)}, compared with reference rules and across venues."
        ),
        join(
            [
                Html(
                    '<section id="messages" aria-labelledby="messages-h">'
                    f'<h2 id="messages-h" class="unseen">Key messages</h2>{note}'
                    f'<ol class="messages">{listed}</ol>{basis}{_definitions()}</section>\n'
                ),
                section("venues", "Venues", _venues(context)),
                section("underlyings", "Underlyings on most venues", _underlyings(context)),
                section("rules", "Rule sets", _rules(context)),
            ]
        ),
        kicker=f"Margin audit · as of {numbers.date(document.as_of)}",
    )


def _observed(context: ReportContext) -> str:
    """Returns the dates of all observations; in words where the first one is not known."""
    document = context.document
    newest = max((row.observed_at for row in document.snapshots), default="")
    span = snapshot_span(document)
    return f"on or before {numbers.date(newest)}" if span.startswith("≤") else span


def _definitions() -> Html:
    """Explains the words of the messages, one line each."""
    return facts(
        (
            (
                "Initial margin",
                text("what a venue requires to be deposited before a position is opened"),
            ),
            (
                "Position size",
                text(
                    "the market value that a position controls, in USD (notional); with 2 % initial"
                    " margin, $20,000 hold a $1m position: 50 times the deposit (leverage 50×)"
                ),
            ),
            (
                "Maintenance margin",
                text("the level below which the venue closes the position (liquidation)"),
            ),
        )
    )


def _message(message: KeyMessage) -> str:
    return (
        f'<li id="message-{escape(message.name)}"><p class="figure">{text(message.figure)}</p>'
        f'<p class="sentence">{text(message.sentence)}</p>'
        f'<p class="note">{text(message.dates)} · {link_to(message.address, message.page)}</p></li>\n'
    )


def _venues(context: ReportContext) -> Html:
    listed = unordered((link_to(venue_path(venue), venue) for venue in context.venues), css="index")
    without = [venue for venue in context.venues if venue not in context.schedules_by_venue]
    if not without:
        return listed
    count = numbers.count_text(len(context.venues), "venue")
    names = join_words(without)
    sentence = f"{count} in this list; without an observed margin schedule: {names}."
    return Html(f"{listed}{words('p', sentence, css='note')}")


def _underlyings(context: ReportContext) -> Html:
    counts = Counter(underlying for _, underlying in context.lookup.coverage)
    ordered = sorted(context.underlyings, key=lambda name: (-counts[name], name))
    shown = unordered(
        (
            Html(f"{link_to(underlying_path(name), name)} <span>{counts[name]}</span>")
            for name in ordered[:_UNDERLYINGS]
        ),
        css="index",
    )
    total = numbers.count_text(len(context.underlyings), "underlying")
    return Html(f'{shown}<p><a href="underlyings.html">All {text(total)}, with search</a></p>')


def _rules(context: ReportContext) -> Html:
    return unordered(
        (
            link_to(rule_set_path(rule_set.id), rule_set.title)
            for rule_set in context.document.rule_sets
        ),
        css="index wide",
    )
