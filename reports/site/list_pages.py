"""Lists of all venues and of all underlyings."""

from collections import Counter
from collections.abc import Iterator

from harmonize.document import CoverageStatus, Level
from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.lookup import newest_date
from reports.site import close_dates
from reports.site.addresses import underlying_path, venue_path
from reports.site.layout import Page
from reports.site.markup import NOTHING, Html, join, link_to, section, text
from reports.site.report_context import ReportContext
from reports.site.tables import Cell, Row, Table, number, table, table_csv

_NAMED = 2


def venues_page(context: ReportContext) -> Iterator[Page]:
    """Yields the list of venues."""
    errors = Counter(f.venue for f in context.findings if f.level is Level.ERROR)
    rows = []
    for venue in context.venues:
        statuses = Counter(
            row.status for (name, _), row in context.lookup.coverage.items() if name == venue
        )
        known = sum(statuses.values()) - statuses[CoverageStatus.NOT_OBSERVABLE]
        schedules = len(context.schedules_by_venue.get(venue, []))
        recording = "complete" if venue in context.lookup.complete_venues else "not complete"
        rows.append(
            Row(
                (
                    Cell(venue, link_to(venue_path(venue), venue)),
                    number(numbers.count(sum(statuses.values())), key=sum(statuses.values())),
                    number(numbers.count(known), key=known),
                    number(numbers.count(schedules), key=schedules),
                    number(numbers.count(errors[venue]), key=errors[venue]),
                    Cell(recording, css="t"),
                    Cell(newest_date(context.document, venue), css="dates"),
                )
            )
        )
    listed = Table(
        "Venues",
        text(
            "Underlyings known: with both margins observable. A complete recording contains every listed contract"
        ),
        (
            "Venue",
            "#Underlyings",
            "#Known",
            "#Schedules",
            "#Errors",
            "Recording",
            "Newest observation",
        ),
        rows,
        tools=True,
        numeric=True,
    )
    yield Page(
        "venues.html",
        "venues.html",
        "Venues",
        text(
            f"{numbers.count_text(len(rows), 'venue')}; each links to what it publishes, where it stands and what it changed."
        ),
        section("list", "All venues", table(listed, "venues.csv")),
        files=(("venues.csv", table_csv(listed)),),
    )


def _close_dates(context: ReportContext) -> Html:
    """Returns the table of the key messages on all underlyings; nothing without one."""
    compared = close_dates.underlyings_table(context)
    if compared is None:
        return NOTHING
    return section(
        close_dates.ANCHOR, close_dates.HEADING, close_dates.note(context), table(compared)
    )


def underlyings_page(context: ReportContext) -> Iterator[Page]:
    """Yields the list of underlyings."""
    heat = context.document.heat_map_notional
    venue_counts = Counter(underlying for _, underlying in context.lookup.coverage)
    rows = []
    for underlying in context.underlyings:
        point = context.lookup.spread_point(underlying, "initial", heat)
        spread = context.lookup.spreads.get((underlying, "initial"))
        lowest = point.lowest / heat if point else None
        highest = point.highest / heat if point else None
        ratio = point.highest / point.lowest if point and point.lowest > 0 else None
        lowest_venues = context.lookup.named(underlying, point.lowest_venues if point else ())
        highest_venues = context.lookup.named(underlying, point.highest_venues if point else ())
        dates = numbers.date_range(spread.oldest, spread.newest) if spread and point else ""
        rows.append(
            Row(
                (
                    Cell(underlying, link_to(underlying_path(underlying), underlying)),
                    number(numbers.count(venue_counts[underlying]), key=venue_counts[underlying]),
                    number(numbers.rate(lowest), key=lowest),
                    Cell(join_words(lowest_venues, _NAMED), css="t"),
                    number(numbers.rate(highest), key=highest),
                    Cell(join_words(highest_venues, _NAMED), css="t"),
                    number(numbers.times(ratio), key=ratio),
                    Cell(dates, css="dates"),
                )
            )
        )
    listed = Table(
        "Underlyings",
        text(
            f"Lowest and highest initial margin at {numbers.usd(heat)} over compared venues, as a share of notional"
        ),
        (
            "Underlying",
            "#Venues",
            "#Lowest",
            "at",
            "#Highest",
            "at",
            "#Highest ÷ lowest",
            "Dates compared",
        ),
        rows,
        tools=True,
        numeric=True,
    )
    yield Page(
        "underlyings.html",
        "underlyings.html",
        "Underlyings",
        text(
            f"{numbers.count_text(len(rows), 'underlying')}; each links to its ranking, curves, findings and evidence."
        ),
        join(
            [
                section("list", "All underlyings", table(listed, "underlyings.csv")),
                _close_dates(context),
            ]
        ),
        files=(("underlyings.csv", table_csv(listed)),),
    )
