"""One verdict in full: its sentences, its tests, and breaches to follow to two candles and one tier."""

from collections.abc import Iterator, Sequence
from dataclasses import astuple

from harmonize.document import AdequacyRow, BreachRow, ClearingRow, ScheduleRow
from harmonize.document.adequacy_sentences import sentences
from harmonize.text import numbers
from reports.piece_values import piece_at, pieces_of
from reports.site import adequacy_words as words
from reports.site import marks
from reports.site.adequacy_addresses import tier_address, verdict_anchor
from reports.site.markup import NOTHING, Html, element, join, link, text, unordered
from reports.site.markup import words as paragraph
from reports.site.report_context import ScheduleKey

_Breach = tuple[str, BreachRow]
"""What a breach is one of, and the breach."""


def verdict_detail(row: AdequacyRow, schedule: ScheduleRow | None, up: str) -> Html:
    """Returns a verdict that the reader opens; its permalink opens it."""
    anchor = f"detail-{verdict_anchor(row)}"
    profile = "" if row.profile == "any" else f" · {row.profile}"
    size = numbers.usd(row.notional)
    headline = words.share_after(row)
    after = f": {headline} over MM after a liquidation" if headline else ""
    body = join(
        [
            *(paragraph("p", sentence) for sentence in astuple(sentences(row))),
            _tier(row, schedule, up),
            _further(row),
            _breaches(row),
            _basis(row),
        ]
    )
    summary = text(f"{row.venue} {row.symbol}{profile}, {row.side}, {size}{after}")
    return Html(
        f'<details class="schedule"><summary>{summary}</summary>'
        f'<div id="{anchor}">{body}</div></details>\n'
    )


def _basis(row: AdequacyRow) -> Html:
    """Returns which series speak for the venue, and why."""
    return paragraph("p", f"Prices: {row.price_reason}." if row.price_reason else "")


def _tier(row: AdequacyRow, schedule: ScheduleRow | None, up: str) -> Html:
    """Returns the tier of the position, with a link to the evidence of its schedule."""
    if schedule is None:
        return NOTHING
    parts = []
    for margin_type, name, rate in (
        ("initial", "IM", row.initial),
        ("maintenance", "MM", row.maintenance),
    ):
        piece = piece_at(pieces_of(schedule, margin_type), row.notional)
        if piece is None or rate is None:
            continue
        bounds = numbers.notional_range(piece.lower, piece.upper)
        amount = numbers.amount(rate * row.notional)
        parts.append(f"{name} {numbers.rate(rate)} (USD {amount}), tier {bounds}")
    date = numbers.observation_date(row.observed_at, row.observed_from, row.date_kind)
    address = f"{up}{tier_address(row)}"
    tiers = link(address, text("tiers and evidence"))
    shown = "; ".join(parts) or f"Margins {marks.NOT_OBSERVABLE.sign}"
    return Html(f"<p>{text(f'{shown}. Table of {date}')}: {tiers}.</p>")


def _further(row: AdequacyRow) -> Html:
    """Returns what the sentences leave out: uncovered amounts, and the move beside IM."""
    items = []
    for name, test in (
        ("After a liquidation", row.after_liquidation),
        ("All windows", row.every_window),
    ):
        if test.breaches:
            items.append(
                f"{name}: {numbers.rate(test.largest_uncovered)} uncovered at most,"
                f" {numbers.rate(test.average_uncovered)} on average; {_span(test.first, test.last)}"
            )
    items += [item for part in row.clearing if (item := _clearing(part))]
    return unordered([text(item) for item in items], "evidence")


def _clearing(row: ClearingRow) -> str:
    test = row.test
    if test.breach_rate is None:
        return ""
    parts = []
    if row.move is not None:
        parts.append(f"measured move {numbers.rate(row.move)}")
    if test.breaches:
        parts.append(
            f"{numbers.rate(test.largest_uncovered)} uncovered at most,"
            f" {numbers.rate(test.average_uncovered)} on average"
        )
    if row.under is not None:
        day = f"open interest of {row.open_interest_day} " if row.open_interest_day else ""
        parts.append(
            f"{day}under-margined by {numbers.usd(row.under)}, over by {numbers.usd(row.over)}"
        )
    name = numbers.count_text(row.days, "day")
    return f"{name}: {'; '.join((*parts, _span(test.first, test.last)))}"


def _span(first: str, last: str) -> str:
    return f"{first[:10]} to {last[:10]}"


def worst_of_each(row: AdequacyRow) -> Iterator[_Breach]:
    """Yields the worst breach of the close-out and of the shortest clearing horizon, with its name."""
    breaches = words.worst_breaches(row)
    if breaches:
        name = "after a liquidation" if row.after_liquidation.worst else "all windows"
        yield f"MM, {name}", breaches[0]
    for part in row.clearing[:1]:
        if part.test.worst:
            yield f"IM over {numbers.count_text(part.days, 'day')}", part.test.worst[0]


def _breaches(row: AdequacyRow) -> Html:
    """Returns the worst breaches: both candles by opening, the prices, and the files that hold them."""
    return unordered([_breach(name, breach) for name, breach in worst_of_each(row)], "evidence")


def _breach(name: str, breach: BreachRow) -> Html:
    kind = text(
        f"Worst, {name}: {numbers.rate(breach.loss)} from {words.price(breach.start_close)}, close of"
        f" the candle of {words.candle_time(breach.start)}, to {words.price(breach.end_price)},"
        f" {breach.price} of {words.candle_time(breach.end)} UTC; {numbers.rate(breach.uncovered)}"
        f" uncovered{words.disputed(breach)}; {breach.series}, file "
    )
    files = join([element("code", text(source)) for source in breach.sources], ", ")
    return Html(f"{kind}{files}")


def detail_list(
    rows: Sequence[AdequacyRow],
    schedules: dict[ScheduleKey, ScheduleRow],
    up: str,
) -> Html:
    """Returns the details of verdicts, in their order."""
    return join(
        verdict_detail(row, schedules.get((row.venue, row.symbol, row.profile)), up) for row in rows
    )
