"""Report card of a calibration: how the last version of a rule set did, and its formula in the past."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from statistics import fmean

from harmonize.document import (
    CalibrationReviewRow,
    ReviewSideRow,
    ThresholdRow,
    UntestedUnderlyingRow,
)
from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.site import marks
from reports.site.addresses import rule_set_path
from reports.site.adequacy_words import p_value
from reports.site.markup import NOTHING, Html, details, join, link_to, text, unordered, words
from reports.site.rankings import SHORT
from reports.site.report_context import ReportContext
from reports.site.tables import Cell, Row, Table, csv_bytes, csv_number, number, table

CSV_NAME = "thresholds-review.csv"
"""File of both tests, with numbers unrounded."""

_TOO_FEW = "too few"

Tests = tuple[tuple[str, tuple[ReviewSideRow, ...]], ...]


def review_part(context: ReportContext, review: CalibrationReviewRow | None) -> Html:
    """Returns the report card; nothing if none was requested."""
    if review is None:
        return NOTHING
    name = f"{review.rule_set} {review.version}"
    has_page = review.rule_set in context.rule_sets
    link = link_to(rule_set_path(review.rule_set) if has_page else "", name)
    if review.reason:
        return Html(f"<p>{link}: {text(f'not reviewed: {review.reason}.')}</p>")
    return join(
        [
            unordered([text(_tally(test, rows)) for test, rows in _tests(review)]),
            Html(f"<p>{link} {text(_made_text(review, context.document.as_of))}</p>"),
            words("p", _series_text(review, context.document.thresholds.rows)),
            table(_summary_table(review), CSV_NAME),
            *(
                details(f"Sides of underlyings: {test}", table(_side_table(test, rows)))
                for test, rows in _tests(review)
            ),
            _untested(review.untested),
        ]
    )


def review_file(review: CalibrationReviewRow | None) -> tuple[tuple[str, bytes], ...]:
    """Returns the file of the report card; none without a test."""
    if review is None or not (review.since or review.in_past):
        return ()
    return ((CSV_NAME, csv_bytes(_HEADS, _csv_rows(review))),)


def _tests(review: CalibrationReviewRow) -> Tests:
    return (("since the last version", review.since), ("formula in the past", review.in_past))


def _made_text(review: CalibrationReviewRow, as_of: str) -> str:
    made = (
        f"was made on prices to {numbers.date(review.made_on)}"
        if review.made_on
        else "states no day on which it was made"
    )
    early = " That is before it was made." if review.made_on > review.day else ""
    days = numbers.count_text(review.horizon_days or 1, "day")
    return (
        f"{made}. The review ends on {numbers.date(review.day)}, {review.day_reason}.{early} It tests"
        f" moves over {days}: the margins as they were made, against all later moves, and the formula,"
        f" measured anew every day. {_next_text(review.next_on, as_of)}"
    )


def _series_text(review: CalibrationReviewRow, thresholds: Sequence[ThresholdRow]) -> str:
    """Returns which series the review has, and which of them end later than those of the thresholds.

    Empty if the document does not state the series of the review.
    """
    ends = {row.underlying: max((p.last_day for p in row.series), default="") for row in thresholds}
    series = {row.underlying: row for row in (*review.in_past, *review.since) if row.series}
    later = [
        f"{name} by {row.series} to {numbers.date(row.last_day)}"
        for name, row in series.items()
        if ends.get(name) and row.last_day > ends[name]
    ]
    if not series:
        return ""
    ending = (
        f" These end later than those of the thresholds: {'; '.join(later)}. The thresholds end on the days"
        " stated above."
        if later
        else ""
    )
    return (
        "The review uses one series per underlying, the longest with recent prices, which the CSV file"
        f" names.{ending}"
    )


def _next_text(day: str, as_of: str) -> str:
    """Returns when the next review is due, or that it is overdue on the day of the report."""
    if day < as_of[: len(day)]:
        return f"The next review was due on {numbers.date(day)}: it is overdue."
    return f"The next review is due on {numbers.date(day)}."


def _summary_table(review: CalibrationReviewRow) -> Table:
    return Table(
        "Report card of the calibration",
        text(
            f"How {review.rule_set} covered the moves of its underlyings on both sides at 99 %; cost is"
            " the mean margin, and Kupiec's test needs 100 moves that do not overlap"
        ),
        (
            *("Test", "#Sides", "#Moves", "#Breaches", "#Coverage", "#Sides tested"),
            *("#Too many breaches", "#Cost", "Worst breach"),
        ),
        [_summary_row(test, rows) for test, rows in _tests(review)],
        numeric=True,
    )


def _summary_row(test: str, rows: Sequence[ReviewSideRow]) -> Row:
    moves, breaches = sum(row.moves for row in rows), sum(row.breaches for row in rows)
    is_known = bool(moves) and all(row.coverage is not None for row in rows)
    coverage = 1.0 - breaches / moves if is_known else None
    tested = sum(row.p_value is not None for row in rows)
    too_many = sum(row.too_many for row in rows) if tested else None
    costs = [row.mean_margin for row in rows if row.mean_margin is not None]
    cost = fmean(costs) if costs else None
    return Row(
        (
            Cell(test),
            *(number(numbers.count(own), key=own) for own in (len(rows), moves, breaches)),
            number(
                marks.rate_or_sign(coverage) if coverage is not None else "too few moves",
                key=coverage,
            ),
            number(numbers.count(tested), key=tested),
            number("not tested" if too_many is None else numbers.count(too_many), key=too_many),
            number(marks.rate_or_sign(cost), key=cost),
            Cell(_worst_text(_worst(rows), is_named=True) if rows else "no move", css="why"),
        )
    )


def _worst(rows: Sequence[ReviewSideRow]) -> ReviewSideRow | None:
    known = [row for row in rows if row.worst_loss is not None]
    return max(known, key=_uncovered, default=None)


def _uncovered(row: ReviewSideRow) -> float:
    return (row.worst_loss or 0.0) - (row.worst_margin or 0.0)


def _worst_text(row: ReviewSideRow | None, *, is_named: bool = False) -> str:
    if row is None or not row.worst_day:
        return "none"
    side = f"{row.underlying} {row.side}, " if is_named else ""
    return f"{side}{row.worst_day}: {marks.rate_or_sign(row.worst_loss)} against {marks.rate_or_sign(row.worst_margin)}"


def _tally(test: str, rows: Sequence[ReviewSideRow]) -> str:
    """Returns on how many sides there are too many breaches, or why no test can tell."""
    tested = [row for row in rows if row.p_value is not None]
    if not rows:
        return f"{_name(test)}: no move to test."
    if not tested:
        most = max(row.moves for row in rows)
        return (
            f"{_name(test)}: no side has enough moves for a test. The longest history has"
            f" {numbers.count_text(most, 'move')}, 100 are required: this neither confirms nor"
            " refutes the margins."
        )
    rejected = [f"{row.underlying} {row.side}" for row in tested if row.too_many]
    names = f": {join_words(rejected)}" if rejected else ""
    sides = numbers.count_text(len(tested), "tested side")
    return f"{_name(test)}: too many breaches on {len(rejected)} of {sides}{names}."


def _name(test: str) -> str:
    return f"{test[:1].upper()}{test[1:]}"


def _side_table(test: str, rows: Sequence[ReviewSideRow]) -> Table:
    return Table(
        f"Review, {test}",
        text(
            f"Moves of each underlying and side, {test}. p below 0.05 rejects the coverage, whether"
            " breaches are too many or too few; too few moves give neither"
        ),
        (
            *("Underlying", "Side", "Moves", "#n", "#Breaches", "#Coverage", "#p", "Too many"),
            *("#Cost", "Worst breach"),
        ),
        [_side_row(row) for row in rows],
        tools=len(rows) > SHORT,
        numeric=True,
    )


def _side_row(row: ReviewSideRow) -> Row:
    verdict = "yes" if row.too_many else "no"
    return Row(
        (
            Cell(row.underlying),
            Cell(row.side, css="t"),
            Cell(f"{row.first_day} to {row.last_day}", css="why"),
            number(numbers.count(row.moves), key=row.moves),
            number(numbers.count(row.breaches), key=row.breaches),
            number(
                _TOO_FEW if row.coverage is None else marks.rate_or_sign(row.coverage),
                key=row.coverage,
            ),
            number(_TOO_FEW if row.p_value is None else p_value(row.p_value), key=row.p_value),
            Cell("not tested" if row.p_value is None else verdict, css="t"),
            number(marks.rate_or_sign(row.mean_margin), key=row.mean_margin),
            Cell(_worst_text(row), css="why"),
        )
    )


def _untested(rows: Sequence[UntestedUnderlyingRow]) -> Html:
    """Returns what neither or one test has, a line per test and reason."""

    def key(row: UntestedUnderlyingRow) -> tuple[str, str]:
        return row.test, row.reason

    groups = groupby(sorted(rows, key=key, reverse=True), key=key)
    lines = [
        text(f"{test}: {', '.join(sorted(row.underlying for row in own))}: {reason}")
        for (test, reason), own in groups
    ]
    names = len({row.underlying for row in rows})
    title = f"Not tested: {numbers.count_text(names, 'underlying')}, with the reason"
    return details(title, unordered(lines))


_HEADS = (
    *("test", "underlying", "side", "first_day", "last_day", "moves", "breaches", "coverage"),
    *("p_value", "too_many", "mean_margin", "worst_day", "worst_loss", "worst_margin"),
    "series",
)


def _csv_rows(review: CalibrationReviewRow) -> Iterator[tuple[str, ...]]:
    for test, rows in _tests(review):
        for row in rows:
            figures = (row.mean_margin, row.worst_loss, row.worst_margin)
            cost, loss, margin = map(csv_number, figures)
            yield (
                *(test, row.underlying, row.side, row.first_day, row.last_day, str(row.moves)),
                *(str(row.breaches), csv_number(row.coverage), csv_number(row.p_value)),
                *("" if row.p_value is None else str(row.too_many).lower(), cost),
                *(row.worst_day, loss, margin, row.series),
            )
