"""The diff and history commands: changes between two days, and margins over time."""

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
    """Output format of changes."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


def diff(
    context: typer.Context,
    since: Annotated[
        datetime,
        typer.Argument(metavar="FROM", formats=["%Y-%m-%d"], help="Earlier date, as 2026-08-01."),
    ],
    until: Annotated[
        datetime, typer.Argument(metavar="TO", formats=["%Y-%m-%d"], help="Later date.")
    ],
    *,
    venue: Venues = None,
    underlying: Underlyings = None,
    profile: ProfileOption = "",
    notional: Notionals = None,
    form: Annotated[DiffForm, typer.Option("--format", help="Output format.")] = DiffForm.TABLE,
) -> None:
    """Print the changes between two dates in margins, tiers, capacities and listings, not in prices."""
    from harmonize.cli import changes_text
    from harmonize.core.notionals import NOTIONAL_GRID
    from harmonize.history import diff as changes

    if not since < until:
        fail(f"FROM: expected a date before {until:%Y-%m-%d}, found {since:%Y-%m-%d}", USAGE)
    selection = request.selection(
        context.obj, venue=venue, underlying=underlying, as_of=until, profile=profile
    )
    after, missing = _observation(selection)
    before, _ = _observation(replace(selection, as_of=since.date()))
    differences = changes.changes(before, after, request.notionals(notional) or NOTIONAL_GRID)
    if form is DiffForm.JSON:
        print_json([asdict(change) for change in differences])
    elif form is DiffForm.CSV:
        write_stdout(changes_text.csv(differences).encode())
    elif form is DiffForm.MARKDOWN:
        write_stdout(changes_text.markdown(differences).encode())
    else:
        write_stdout(changes_text.table(differences).encode())
    for line in _unobserved_between(before, after):
        note(context.obj, line)
    for reason in missing:
        note(context.obj, f"incomplete: {reason}")
    raise typer.Exit(INCOMPLETE if missing else OK)


def _unobserved_between(before: "Observed", after: "Observed") -> list[str]:
    """Returns a line per venue not observed between the two days, with its last observation."""
    times: dict[str, tuple[set[datetime], set[datetime]]] = {}
    for index, observation in enumerate((before, after)):
        for schedule in observation.schedules:
            pair = times.setdefault(schedule.instrument.venue, (set(), set()))
            pair[index].add(schedule.observed_at)
    return [
        f"{venue}: not observed between the two dates; both use the observation of {max(earlier):%Y-%m-%d}"
        for venue, (earlier, later) in sorted(times.items())
        if earlier and earlier == later
    ]


def _observation(selection: "Selection") -> "tuple[Observed, tuple[str, ...]]":
    """Returns the observation as of the selection's day, and what the selection names without one."""
    from harmonize.api.audit import missing
    from harmonize.history.diff import Observed

    reading = request.read(selection)
    venues = {snapshot.venue for _, snapshot in reading.snapshots}
    partial = {snapshot.venue for _, snapshot in reading.snapshots if not snapshot.complete}
    observation = Observed.of(reading.schedules, venues - partial, reading.defects)
    return observation, missing(selection, reading)


class SeriesForm(StrEnum):
    """Output format of a series."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def history(
    context: typer.Context,
    venue: Annotated[str, typer.Argument(help="Venue; omit it with --underlying.")] = "",
    symbol: Annotated[str, typer.Argument(help="Symbol (default: changes per week).")] = "",
    *,
    underlying: Annotated[
        str, typer.Option(help="Underlying whose IM is compared over all venues, such as BTC.")
    ] = "",
    notional: Notionals = None,
    profile: ProfileOption = "",
    as_of: AsOf = None,
    form: Annotated[SeriesForm, typer.Option("--format", help="Output format.")] = SeriesForm.TABLE,
    chart: Annotated[Path | None, typer.Option("--chart", help="SVG file for a chart.")] = None,
) -> None:
    """Print margins over time: of one schedule, of a venue per week, or of an underlying per venue."""
    from harmonize.api.audit import AskedError, NotObservedError
    from harmonize.api.question import Question
    from harmonize.archive.archive import ArchiveError

    if bool(venue) == bool(underlying):
        found = "both" if venue else "neither"
        fail(f"expected a venue or --underlying, found {found}; use one of the two", USAGE)
    if underlying and notional and len(notional) > 1:
        fail(f"--underlying: expected one --notional, found {len(notional)}", USAGE)
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

    margins = series.series(question, venue, symbol)
    if chart:
        from reports.html import chart_file

        drawn = series.drawn(question, venue, symbol)
        write(chart, chart_file.schedule_file(drawn, windows()))
    if form is SeriesForm.JSON:
        print_json(margins.as_object())
    else:
        text = history_text.csv if form is SeriesForm.CSV else history_text.table
        write_stdout(text(margins).encode())
    return INCOMPLETE if margins.left_out else OK


def _of_venue(question: "Question", venue: str, form: SeriesForm, chart: Path | None) -> int:
    from harmonize.api import history as series
    from harmonize.cli import history_text

    weeks = series.weeks(question, venue)
    moves = series.moves(question, venue)
    if chart:
        from reports.html import chart_file

        write(chart, chart_file.weeks_file(weeks, windows()))
    if form is SeriesForm.JSON:
        print_json(
            {"weeks": [asdict(row) for row in weeks], "moves": [asdict(row) for row in moves]}
        )
    else:
        no_schedule = "no schedule has two observations at these notionals"
        _print(form, history_text.rows_of(weeks), history_text.rows_of_moves(moves), no_schedule)
    return OK


def _of_underlying(
    question: "Question", underlying: str, form: SeriesForm, chart: Path | None
) -> int:
    from harmonize.api import history as series
    from harmonize.cli import history_text
    from harmonize.core.instrument import asset_meant

    comparison = series.compared(question, asset_meant(underlying))
    if chart:
        from reports.html import chart_file

        write(chart, chart_file.underlying_file(comparison.courses, windows()))
    if form is SeriesForm.JSON:
        print_json(asdict(comparison))
    else:
        leads = history_text.rows_of_leads(comparison.leads)
        no_pair = "no two venues tightened within 30 days of each other"
        _print(form, history_text.rows_of_courses(comparison.courses), leads, no_pair)
    return OK


def _print(form: SeriesForm, rows: "Rows", more: "Rows", if_empty: str) -> None:
    """Prints a table; except as CSV, a second table follows, or a line if that one is empty."""
    from harmonize.cli import history_text

    if form is SeriesForm.CSV:
        write_stdout(history_text.as_csv(rows).encode())
        return
    write_stdout(history_text.aligned(rows).encode())
    text = history_text.aligned(more) if more[1] else f"{if_empty}\n"
    write_stdout(b"\n" + text.encode())
