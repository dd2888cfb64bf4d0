"""Positions without a verdict on their margins, and why."""

from collections.abc import Sequence

from harmonize.document import AdequacySection, UnjudgedRow
from harmonize.text import numbers
from harmonize.text.words import first_words
from reports.site.markup import Html, text
from reports.site.markup import words as paragraph
from reports.site.rankings import SHORT
from reports.site.tables import Cell, Row, Table, csv_bytes, number, table

NO_PRICES = "no archived prices of the underlying"
"""Reason of underlyings without prices, in the CSV file."""

_NAMED = 8
_NAMED_UNDERLYINGS = 40


def absent_section(section: AdequacySection, csv_name: str) -> Html:
    """Returns the reasons, most frequent first, and the underlyings without prices."""
    parts = [table(reason_table(section.unjudged), csv_name)]
    if section.without_prices:
        count = numbers.count_text(len(section.without_prices), "underlying")
        names = first_words(section.without_prices, _NAMED_UNDERLYINGS)
        shown = f"No archived prices, hence no verdict, for {count} with schedules: {names}."
        parts.append(paragraph("p", shown))
    return Html("".join(parts))


def reason_table(rows: Sequence[UnjudgedRow]) -> Table:
    """Returns a row per reason, with its number of positions and examples of them."""
    by_reason: dict[str, list[UnjudgedRow]] = {}
    for row in rows:
        by_reason.setdefault(row.reason, []).append(row)
    ordered = sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0]))
    return Table(
        "Not observable",
        text("Schedules without a verdict, by reason"),
        ("Reason", "#Positions", "Examples"),
        [_row(reason, group) for reason, group in ordered],
        tools=len(ordered) > SHORT,
    )


def _row(reason: str, rows: Sequence[UnjudgedRow]) -> Row:
    names = dict.fromkeys(f"{row.venue} {row.underlying}" for row in rows)
    return Row(
        (
            Cell(reason, css="why"),
            number(numbers.count(len(rows)), key=len(rows)),
            Cell(first_words(names, _NAMED), css="why"),
        )
    )


def absent_csv(section: AdequacySection) -> bytes:
    """Returns every position without a verdict, and every underlying without prices."""
    rows = [
        (
            *(row.underlying, row.venue, row.symbol),
            *("" if row.notional is None else f"{row.notional:.12g}", row.reason),
        )
        for row in section.unjudged
    ]
    rows += [(name, "", "", "", NO_PRICES) for name in section.without_prices]
    return csv_bytes(("underlying", "venue", "contract", "size_usd", "reason"), rows)
