"""A schedule over time as text: for a terminal and for a spreadsheet."""

from collections.abc import Iterator, Sequence
from csv import writer
from io import StringIO

from harmonize.api.history import Course, Series
from harmonize.cli.console import one_line
from harmonize.document.history import MarginSeries as Drawn
from harmonize.document.history import Week
from harmonize.history.lead_lag import LeadLag
from harmonize.history.procyclicality import VenueMoves

_NONE = "–"
_WORDS = {"initial": "IM", "maintenance": "MM"}


def table(series: Series) -> str:
    """Margins where they changed, what changed, and how far they moved."""
    return "".join(f"{one_line(line)}\n" for line in _lines(series))


def _lines(series: Series) -> Iterator[str]:
    times = f"{series.observations} observation{'' if series.observations == 1 else 's'}"
    yield f"{series.venue} {series.symbol} ({series.profile}), {times}"
    heads = [f"{word} of {size:,.0f}" for size in series.notionals for word in _WORDS.values()]
    yield f"{'observed':<20} {' '.join(f'{head:>18}' for head in heads)}  changed"
    for one in series.seen:
        margins = [
            value for pair in zip(one.initial, one.maintenance, strict=True) for value in pair
        ]
        said = " ".join(f"{_usd(value):>18}" for value in margins)
        yield f"{one.observed_at[:19]:<20} {said}  {one.kind}".rstrip()
    if len(series.seen) < series.observations:
        yield f"{series.until[:19]:<20} the newest observation; between the lines nothing changed"
    yield ""
    yield f"{'margin':<22} {'peak to trough':>15} {'in 1 day':>10} {'in 5 days':>10} {'in 30 days':>10} {'large calls':>12}"
    for course in series.courses:
        yield _course(course)
    widest = max((one.measured.widest_days for one in series.courses), default=0.0)
    yield f"a margin holds until the next observation; the longest time without one is {widest:,.0f} days"
    for left_out in series.left_out:
        yield f"left out: {left_out}"


def _course(course: Course) -> str:
    measured = course.measured
    ratio = measured.peak_to_trough
    rises = {one.days: f"{one.share:+.2%}" for one in measured.rises}
    return (
        f"{f'{_WORDS[course.figure]} of {course.notional:,.0f}':<22} "
        f"{_NONE if ratio is None else f'{ratio:.4g}':>15} "
        f"{rises.get(1, _NONE):>10} {rises.get(5, _NONE):>10} {rises.get(30, _NONE):>10} "
        f"{measured.calls:>12}"
    )


def csv(series: Series) -> str:
    """A row a change and notional."""
    written = StringIO()
    lines = writer(written, lineterminator="\n")
    heads = (
        "observed_at",
        "notional_usd",
        "initial_usd",
        "maintenance_usd",
        "capacity_usd",
        "kind",
        "effective_from",
    )
    lines.writerow(("venue", "symbol", "profile", *heads))
    for one in series.seen:
        rows = zip(series.notionals, one.initial, one.maintenance, strict=True)
        for size, initial, maintenance in rows:
            numbers = (size, initial, maintenance, one.capacity)
            lines.writerow(
                (
                    *(_text(text) for text in (series.venue, series.symbol, series.profile)),
                    one.observed_at,
                    *("" if number is None else repr(number) for number in numbers),
                    one.kind,
                    one.effective_from,
                )
            )
    return written.getvalue()


def _text(text: str) -> str:
    plain = one_line(text)
    return f"'{plain}" if plain[:1] in {"=", "+", "-", "@"} else plain


def _usd(amount: float | None) -> str:
    return _NONE if amount is None else f"{amount:,.2f}"


Rows = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""The heads of a table and its rows."""


def rows_of(weeks: Sequence[Week]) -> Rows:
    """A row a week in which something changed."""
    heads = ("week", "tighter", "looser", "mixed", "other", "listed", "delisted")
    return heads, [(one.week, *(str(getattr(one, head)) for head in heads[1:])) for one in weeks]


def rows_of_courses(courses: Sequence[Drawn]) -> Rows:
    """A row a mark: from when, at which venue, IM as a share of notional."""
    heads = ("venue", "symbol", "profile", "notional_usd", "from", "initial_rate")
    return heads, [
        (
            *(_text(text) for text in (one.venue, one.symbol, one.profile)),
            f"{one.notional:.0f}",
            mark.observed_at,
            "" if mark.rate is None else f"{mark.rate:.6g}",
        )
        for one in courses
        for mark in one.points
    ]


def rows_of_moves(moves: Sequence[VenueMoves]) -> Rows:
    """A row a figure and notional: how far the margins of a venue moved."""
    heads = ("margin", "schedules", "moved", "peak to trough", "largest", "of", "large calls")
    days = tuple(one.days for one in moves[0].rises) if moves else ()
    found = []
    for one in moves:
        shares = {rise.days: f"{rise.share:+.2%} {rise.symbol}" for rise in one.rises}
        found.append(
            (
                f"{_WORDS[one.figure]} of {one.notional:,.0f}",
                f"{one.schedules}",
                f"{one.moved}",
                f"{one.median_peak_to_trough:.4g}",
                f"{one.largest_peak_to_trough:.4g}",
                one.symbol,
                f"{one.calls}",
                *(shares.get(number, "") for number in days),
            )
        )
    return (*heads, *(f"in {number} day{'' if number == 1 else 's'}" for number in days)), found


def rows_of_leads(leads: Sequence[LeadLag]) -> Rows:
    """A row a pair of venues: which tightened first, how often, and by how many days."""
    heads = ("venue", "and venue", "first led", "second led", "not to be told", "median days")
    return heads, [
        (
            *(_text(text) for text in (one.first, one.second)),
            *(f"{number}" for number in (one.first_led, one.second_led, one.untold)),
            f"{one.median_days:+.4g}",
        )
        for one in leads
    ]


def aligned(rows: Rows) -> str:
    """Rows as a table for a terminal; what is not known is a dash."""
    lines = [rows[0], *(tuple(cell or _NONE for cell in row) for row in rows[1])]
    widths = [max(len(line[column]) for line in lines) for column in range(len(rows[0]))]
    return "".join(
        one_line(
            "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
        ).rstrip()
        + "\n"
        for line in lines
    )


def as_csv(rows: Rows) -> str:
    """Rows for a spreadsheet."""
    written = StringIO()
    lines = writer(written, lineterminator="\n")
    lines.writerow(rows[0])
    lines.writerows(rows[1])
    return written.getvalue()
