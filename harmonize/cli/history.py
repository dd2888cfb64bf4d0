"""The commands about time: what changed between two days, and one schedule through all of them."""

from dataclasses import asdict, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harmonize.cli import request
from harmonize.cli.console import (
    INCOMPLETE,
    OK,
    USAGE,
    fail,
    note,
    print_json,
    write,
    write_stdout,
)
from harmonize.cli.options import AsOf, Notionals, ProfileOption, Underlyings, Venues
from harmonize.history.stress_windows import windows

if TYPE_CHECKING:
    from harmonize.api.question import Question, Selection
    from harmonize.cli.history_text import Rows
    from harmonize.history.diff import Observed


class DiffForm(StrEnum):
    """How changes are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


def diff(
    context: typer.Context,
    since: Annotated[
        datetime,
        typer.Argument(metavar="FROM", formats=["%Y-%m-%d"], help="A day, as 2026-08-01."),
    ],
    until: Annotated[
        datetime, typer.Argument(metavar="TO", formats=["%Y-%m-%d"], help="A later day.")
    ],
    *,
    venue: Venues = None,
    underlying: Underlyings = None,
    profile: ProfileOption = "",
    notional: Notionals = None,
    form: Annotated[DiffForm, typer.Option("--format", help="How to print it.")] = DiffForm.TABLE,
) -> None:
    """Print what changed between two days: tighter, looser, bands, capacity, listings; not prices."""
    from harmonize.cli import changes_text
    from harmonize.core.notionals import NOTIONAL_GRID
    from harmonize.history import diff as changes

    if not since < until:
        fail(f"FROM comes before TO, was {since:%Y-%m-%d} and {until:%Y-%m-%d}", USAGE)
    selection = request.selection(
        context.obj, venue=venue, underlying=underlying, as_of=until, profile=profile
    )
    after, missing = _observed(selection)
    before, _ = _observed(replace(selection, as_of=since.date()))
    found = changes.changes(before, after, request.notionals(notional) or NOTIONAL_GRID)
    if form is DiffForm.JSON:
        print_json([asdict(one) for one in found])
    elif form is DiffForm.CSV:
        write_stdout(changes_text.csv(found).encode())
    elif form is DiffForm.MARKDOWN:
        write_stdout(changes_text.markdown(found).encode())
    else:
        write_stdout(changes_text.table(found).encode())
    for line in _unseen(before, after):
        note(context.obj, line)
    for one in missing:
        note(context.obj, f"incomplete: {one}")
    raise typer.Exit(INCOMPLETE if missing else OK)


def _unseen(before: "Observed", after: "Observed") -> list[str]:
    """The venues of which nothing was observed between the two days, and of when what was read is."""
    times: dict[str, list[set[datetime]]] = {}
    for place, one in enumerate((before, after)):
        for schedule in one.schedules:
            both = times.setdefault(schedule.instrument.venue, [set(), set()])
            both[place].add(schedule.observed_at)
    return [
        f"{venue}: nothing was observed in between; both days read what was seen by {max(was):%Y-%m-%d}"
        for venue, (was, now) in sorted(times.items())
        if was and was == now
    ]


def _observed(selection: "Selection") -> "tuple[Observed, tuple[str, ...]]":
    """What was read as of the selection's day, and what of it was asked for and is not there."""
    from harmonize.api.audit import missing
    from harmonize.history.diff import Observed

    reading = request.read(selection)
    venues = {snapshot.venue for _, snapshot in reading.snapshots}
    partial = {snapshot.venue for _, snapshot in reading.snapshots if not snapshot.complete}
    found = Observed.of(reading.schedules, venues - partial, reading.defects)
    return found, missing(selection, reading)


class SeriesForm(StrEnum):
    """How a series is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def history(
    context: typer.Context,
    venue: Annotated[str, typer.Argument(help="A venue; without it, --underlying.")] = "",
    symbol: Annotated[str, typer.Argument(help="Its symbol; without it, changes by week.")] = "",
    *,
    underlying: Annotated[str, typer.Option(help="All venues' IM on an asset, as BTC.")] = "",
    notional: Notionals = None,
    profile: ProfileOption = "",
    as_of: AsOf = None,
    form: Annotated[
        SeriesForm, typer.Option("--format", help="How to print it.")
    ] = SeriesForm.TABLE,
    chart: Annotated[Path | None, typer.Option("--chart", help="Draw it too, as SVG.")] = None,
) -> None:
    """Print margins over time: of a schedule, a venue's changes by week, or an asset at all venues."""
    from harmonize.api.audit import AskedError, NotObservedError
    from harmonize.api.question import Question
    from harmonize.archive.archive import ArchiveError

    if bool(venue) == bool(underlying):
        fail("name a venue, a venue and a symbol, or --underlying and an asset", USAGE)
    if underlying and notional and len(notional) > 1:
        fail(f"--underlying compares at one --notional, was given {len(notional)}", USAGE)
    sizes = request.notionals(notional) or ((1e5, 1e6, 1e7) if venue else (1e6,))
    selection = request.selection(context.obj, as_of=as_of, profile=profile)
    question = Question.of(replace(selection, ladder=sizes), request.options())
    try:
        if underlying:
            code = _of_underlying(question, underlying, form, chart)
        elif symbol:
            code = _of_schedule(question, venue, symbol, form, chart)
        else:
            code = _of_venue(question, venue, form, chart)
    except (NotObservedError, ArchiveError) as error:
        fail(str(error), INCOMPLETE)
    except AskedError as error:
        fail(str(error), USAGE)
    raise typer.Exit(code)


def _of_schedule(
    question: "Question", venue: str, symbol: str, form: SeriesForm, chart: Path | None
) -> int:
    from harmonize.api import history as series
    from harmonize.cli import history_text

    found = series.series(question, venue, symbol)
    if chart:
        from reports.html import chart_file

        drawn = series.drawn(question, venue, symbol)
        write(chart, chart_file.schedule_file(drawn, windows()))
    if form is SeriesForm.JSON:
        print_json(found.as_object())
    else:
        text = history_text.csv if form is SeriesForm.CSV else history_text.table
        write_stdout(text(found).encode())
    return INCOMPLETE if found.left_out else OK


def _of_venue(question: "Question", venue: str, form: SeriesForm, chart: Path | None) -> int:
    from harmonize.api import history as series
    from harmonize.cli import history_text

    found = series.weeks(question, venue)
    moved = series.moves(question, venue)
    if chart:
        from reports.html import chart_file

        write(chart, chart_file.weeks_file(found, windows()))
    if form is SeriesForm.JSON:
        print_json(
            {"weeks": [asdict(one) for one in found], "moves": [asdict(one) for one in moved]}
        )
    else:
        still = "no schedule was observed twice at these sizes"
        _print(form, history_text.rows_of(found), history_text.rows_of_moves(moved), still)
    return OK


def _of_underlying(
    question: "Question", underlying: str, form: SeriesForm, chart: Path | None
) -> int:
    from harmonize.api import history as series
    from harmonize.cli import history_text
    from harmonize.core.instrument import asset_meant

    found = series.compared(question, asset_meant(underlying))
    if chart:
        from reports.html import chart_file

        write(chart, chart_file.underlying_file(found.courses, windows()))
    if form is SeriesForm.JSON:
        print_json(asdict(found))
    else:
        leads = history_text.rows_of_leads(found.leads)
        nobody = "no two venues were seen to tighten within 30 days of one another"
        _print(form, history_text.rows_of_courses(found.courses), leads, nobody)
    return OK


def _print(form: SeriesForm, rows: "Rows", more: "Rows", nothing: str) -> None:
    """Print a table, and for people one more below it, or a line where that one is empty."""
    from harmonize.cli import history_text

    if form is SeriesForm.CSV:
        write_stdout(history_text.as_csv(rows).encode())
        return
    write_stdout(history_text.aligned(rows).encode())
    told = history_text.aligned(more) if more[1] else f"{nothing}\n"
    write_stdout(b"\n" + told.encode())
