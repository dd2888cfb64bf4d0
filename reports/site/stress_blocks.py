"""What a fall liquidates in short: on the first page, and on the pages of venues and underlyings."""

from collections.abc import Sequence

from harmonize.document import StressRow, StressVenueRow
from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.site.markup import NOTHING, Html, join, link_to, text
from reports.site.report_context import ReportContext
from reports.site.stress_addresses import STRESS_PATH, stress_path
from reports.site.stress_words import (
    IF_LEVERAGE,
    at_shock,
    interest_mark,
    leverage_range,
    multiplier,
    ratio_text,
    short_dates,
    span,
)

_LONGEST = 4
"""Largest number of underlyings that the block of a venue states."""


def largest(context: ReportContext) -> StressRow | None:
    """Returns the underlying with the largest open interest; None without any stress."""
    return max(context.document.stress, key=lambda row: row.open_interest, default=None)


def result_address(context: ReportContext, row: StressRow) -> str:
    """Returns the address of the result of an underlying, from the folder of the site."""
    if row is largest(context):
        return f"{STRESS_PATH}#result"
    return f"{stress_path(row.underlying)}#result"


def underlying_block(context: ReportContext, underlying: str) -> Html:
    """Returns what a fall of an underlying liquidates; nothing if none was simulated."""
    row = next((own for own in context.document.stress if own.underlying == underlying), None)
    points = at_shock(row) if row else []
    if row is None or not points:
        return NOTHING
    link = link_to(f"../{result_address(context, row)}", "What it rests on")
    leverage = span(leverage_range(row))
    first, last = points[0], points[-1]
    upper = f", {numbers.usd(last.liquidated)} at liquidity {multiplier(last.liquidity)}"
    sentence = (
        f"A sudden fall by {numbers.axis_rate(row.shock)} would liquidate"
        f" {numbers.usd(first.liquidated)} of longs (modelled{upper if last is not first else ''}) at"
        f" {numbers.count_text(len(row.venues), 'venue')}, {numbers.axis_rate(first.share)} of"
        f" their open interest{f'; {leverage} {IF_LEVERAGE}' if leverage else ''}."
        f" {short_dates(row)}"
    )
    return Html(f'<p class="note">{text(sentence)} {link}.</p>')


def venue_block(context: ReportContext, venue: str) -> Html:
    """Returns what a fall of each underlying liquidates at a venue; nothing if none was simulated."""
    found = [
        (row, own)
        for row in sorted(context.document.stress, key=lambda row: -row.open_interest)
        for own in row.venues
        if own.venue == venue and own.liquidated is not None
    ]
    if not found:
        return NOTHING
    named = [_amount_text(row, own) for row, own in found[:_LONGEST]]
    links = join(
        [
            link_to(f"../{result_address(context, row)}", row.underlying)
            for row, _ in found[:_LONGEST]
        ],
        ", ",
    )
    leverage = join_words(sorted({own.leverage_mark for _, own in found}))
    interest = sorted({own.open_interest_at for _, own in found if own.open_interest_at})
    mark = interest_mark([row for row, _ in found])
    measured = (
        f" open interest of {numbers.date_range(interest[0], interest[-1])} ({mark});"
        if interest
        else ""
    )
    margins = dict.fromkeys(
        numbers.observation_date(own.observed_at, own.observed_from, own.date_kind)
        for _, own in found
    )
    sentence = (
        f"A sudden fall by {numbers.axis_rate(found[0][0].shock)} would liquidate here, in longs"
        f" (modelled{_liquidity([row for row, _ in found])}): {join_words(named)}."
        f"{_recorded([row for row, _ in found[:_LONGEST]])} It rests on{measured} leverage ({leverage}); margins of"
        f" {join_words(list(margins), 3)}."
    )
    return Html(f'<p class="note">{text(sentence)} {text("Ranges: ")}{links}.</p>')


def _liquidity(rows: Sequence[StressRow]) -> str:
    """Returns the liquidity multiplier of figures by venue: the least; empty if they differ."""
    least = {point.liquidity for row in rows for point in at_shock(row)[:1]}
    return f" at liquidity {multiplier(*least)}" if len(least) == 1 else ""


def _recorded(rows: Sequence[StressRow]) -> str:
    """Returns how far the amounts of underlyings are validated, on all venues; empty if given."""
    if not any(row.is_synthetic for row in rows):
        return ""
    known = [
        f"{ratio_text(own.ratio)} times ({row.underlying})"
        for row in rows
        for own in row.validation
        if own.ratio is not None
    ]
    if not known:
        return " No recorded liquidation validates it."
    where = join_words(sorted({own.venue for row in rows for own in row.validation}))
    return f" On days recorded at {where} the model states {join_words(known)} what was liquidated."


def _amount_text(row: StressRow, own: StressVenueRow) -> str:
    share = (own.liquidated or 0.0) / own.open_interest if own.open_interest else 0.0
    return (
        f"{numbers.usd(own.liquidated)} of {row.underlying} ({numbers.axis_rate(share)} of"
        f" {numbers.usd(own.open_interest)})"
    )
