"""Commands ``diff`` and ``history``: changes between two days, and margins over time."""

from dataclasses import asdict, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harmonize.cli import request, sheets
from harmonize.cli.compare import answer_or_fail
from harmonize.cli.console import (
    INCOMPLETE,
    OK,
    USAGE,
    Settings,
    fail,
    note,
    print_json,
    print_text,
    write,
    write_stdout,
)
from harmonize.cli.options import (
    AsOf,
    Notionals,
    OutputOption,
    ProfileOption,
    Underlyings,
    Venues,
)
from harmonize.history.change_order import ChangeOrder
from harmonize.history.stress_windows import windows
from harmonize.text.messages import counted

if TYPE_CHECKING:
    from harmonize.api.changes import ObservedChanges
    from harmonize.api.question import Question, Selection
    from harmonize.cli.history_text import Table
    from harmonize.document.change import Change, ChangeKind


class DiffForm(StrEnum):
    """Output format of changes."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"
    MARKDOWN = "markdown"


def diff(
    context: typer.Context,
    since: Annotated[
        datetime,
        typer.Argument(metavar="FROM", formats=["%Y-%m-%d"], help="First day, as 2026-08-01."),
    ],
    until: Annotated[
        datetime, typer.Argument(metavar="TO", formats=["%Y-%m-%d"], help="Last day, after FROM.")
    ],
    *,
    venue: Venues = None,
    underlying: Underlyings = None,
    profile: ProfileOption = "",
    notional: Notionals = None,
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", help="Kind of change to include, such as tighter (repeatable)."),
    ] = None,
    sort: Annotated[
        ChangeOrder, typer.Option("--sort", help="Order of the changes.")
    ] = ChangeOrder.VENUE,
    top: Annotated[
        int | None, typer.Option("--top", min=1, help="Largest number of changes to print.")
    ] = None,
    form: Annotated[DiffForm, typer.Option("--format", help="Output format.")] = DiffForm.TABLE,
    output: OutputOption = None,
) -> None:
    """Print schedule changes between two days, except those caused by prices alone."""
    from harmonize.api.changes import changes_between
    from harmonize.api.question import Question
    from harmonize.history.change_order import in_order, of_kinds

    if not since < until:
        fail(f"expected FROM before TO, found {since:%Y-%m-%d} and {until:%Y-%m-%d}", USAGE)
    kinds = [_change_kind(text) for text in kind or ()]
    selection = request.selection(
        context.obj, venue=venue, underlying=underlying, as_of=until, profile=profile
    )
    request.note_date(context.obj, selection)
    question = Question.of(selection, request.options())
    notionals = request.parse_notionals(notional)
    answer = answer_or_fail(
        lambda: changes_between(question, since.date(), until.date(), notionals)
    )
    selected = in_order(of_kinds(answer.changes, kinds), sort)
    _print_changes(answer, selected, top, (form, output))
    for line in answer.unobserved:
        note(context.obj, line)
    for reason in answer.missing:
        note(context.obj, f"incomplete: {reason}")
    raise typer.Exit(INCOMPLETE if answer.missing else OK)


def _change_kind(text: str) -> "ChangeKind":
    """Returns a kind of change; an unknown one ends the program."""
    from harmonize.document.change import ChangeKind
    from harmonize.text.suggest import did_you_mean

    kinds = [kind.value for kind in ChangeKind]
    if text not in kinds:
        fix = did_you_mean(text, kinds, f"use one of {', '.join(kinds)}")
        fail(f"--kind: unknown kind of change {text!r}{fix}", USAGE)
    return ChangeKind(text)


def _print_changes(
    answer: "ObservedChanges",
    selected: "tuple[Change, ...]",
    top: int | None,
    target: tuple[DiffForm, Path | None],
) -> None:
    from harmonize.cli import changes_text

    form, output = target
    shown = selected[:top]
    if form is DiffForm.JSON:
        print_json(answer.as_object(shown), output)
    elif form is DiffForm.CSV:
        sheets.emit(changes_text.csv(shown).encode(), output)
    elif form is DiffForm.XLSX:
        created = datetime.fromisoformat(f"{answer.until}T00:00:00+00:00")
        title = f"Changes from {answer.since} to {answer.until}"
        sheets.write_workbook((changes_text.sheet(shown),), title, created, output)
    elif form is DiffForm.MARKDOWN:
        sheets.emit_text(changes_text.markdown(shown), output)
    else:
        heading = f"from {answer.since} to {answer.until}, read from {answer.archive}\n"
        omitted = len(selected) - len(shown)
        more = f"\n{counted(omitted, 'more change')}; use a larger --top\n" if omitted else ""
        sheets.emit_text(f"{heading}{changes_text.table(shown)}{more}", output)


class SeriesForm(StrEnum):
    """Output format of a history."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def history(
    context: typer.Context,
    venue: Annotated[str, typer.Argument(help="Venue; omit it with --underlying.")] = "",
    symbol: Annotated[str, typer.Argument(help="Symbol; without it, changes per week.")] = "",
    *,
    underlying: Annotated[str, typer.Option(help="Underlying, as BTC: IM at every venue.")] = "",
    notional: Notionals = None,
    profile: ProfileOption = "",
    as_of: AsOf = None,
    form: Annotated[SeriesForm, typer.Option("--format", help="Output format.")] = SeriesForm.TABLE,
    chart: Annotated[
        Path | None, typer.Option("--chart", help="Write a chart to this SVG file.")
    ] = None,
) -> None:
    """Print margins over time: of one schedule, of a venue per week, or of an underlying per venue."""
    from harmonize.api.audit import NotObservedError, RequestError
    from harmonize.api.question import Question
    from harmonize.archive.archive import ArchiveError

    if bool(venue) == bool(underlying):
        found = "both" if venue else "neither"
        fail(f"expected a venue or --underlying, found {found}; use one of the two", USAGE)
    if underlying and notional and len(notional) > 1:
        fail(f"--underlying: expected one --notional, found {len(notional)}", USAGE)
    notionals = request.parse_notionals(notional) or ((1e5, 1e6, 1e7) if venue else (1e6,))
    selection = request.selection(context.obj, as_of=as_of, profile=profile)
    request.note_date(context.obj, selection)
    question = Question.of(replace(selection, notional_grid=notionals), request.options())
    try:
        if underlying:
            code = _print_underlying(question, underlying, form, chart)
        elif symbol:
            code = _print_schedule(question, venue, symbol, form, chart)
        else:
            code = _print_venue(question, venue, form, chart)
    except NotObservedError as error:
        _note_unreadable(context.obj, selection, venue, symbol)
        fail(str(error), INCOMPLETE)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)
    except RequestError as error:
        fail(str(error), USAGE)
    unreadable = _note_unreadable(context.obj, selection, venue, symbol)
    raise typer.Exit(INCOMPLETE if unreadable else code)


def _note_unreadable(settings: Settings, selection: "Selection", venue: str, symbol: str) -> bool:
    """Writes a note per unreadable part of a venue's newest data, or of one contract's."""
    if not venue:
        return False
    reading = request.read(replace(selection, venues=(venue,)))
    names = {"", symbol}
    for instrument in (schedule.instrument for schedule in reading.schedules):
        if symbol.casefold() in {instrument.symbol.casefold(), instrument.id.casefold()}:
            names |= {instrument.symbol, instrument.id}
    lines = [defect for defect in reading.defects if not symbol or defect.symbol in names]
    for line in lines:
        note(settings, f"incomplete: {line}")
    return bool(lines)


def _print_schedule(
    question: "Question", venue: str, symbol: str, form: SeriesForm, chart: Path | None
) -> int:
    """Prints the history of one schedule. Returns the exit code."""
    from harmonize.api.history import schedule_history, schedule_series
    from harmonize.cli import history_text

    history = schedule_history(question, venue, symbol)
    if chart:
        from reports.html import chart_file

        write(chart, chart_file.schedule_file(schedule_series(question, venue, symbol), windows()))
    if form is SeriesForm.JSON:
        print_json(history.as_object())
    elif form is SeriesForm.CSV:
        write_stdout(history_text.schedule_csv(history).encode())
    else:
        print_text(history_text.schedule_table(history, request.age_reference(question)))
    return INCOMPLETE if history.left_out else OK


def _print_venue(question: "Question", venue: str, form: SeriesForm, chart: Path | None) -> int:
    """Prints a venue's changes per week and the procyclicality of its margins."""
    from harmonize.api import history as api
    from harmonize.cli import history_text

    weeks = api.weekly_changes(question, venue)
    measured = api.venue_procyclicality(question, venue)
    if chart:
        from reports.html import chart_file

        gaps = api.weeks_not_observed(question, venue)
        write(chart, chart_file.weeks_file(weeks, windows(), gaps))
    if form is SeriesForm.JSON:
        print_json(
            {
                "weeks": [asdict(week) for week in weeks],
                "moves": [asdict(margin) for margin in measured],
            }
        )
    elif form is SeriesForm.CSV:
        write_stdout(history_text.as_csv(history_text.weeks_columns(weeks)).encode())
    else:
        _print_as_of(question)
        _print_tables(
            history_text.weeks_table(weeks),
            history_text.procyclicality_table(measured),
            between=history_text.undated_changes(weeks),
            if_empty="no schedule has two observations at these notionals",
        )
    return OK


def _print_underlying(
    question: "Question", underlying: str, form: SeriesForm, chart: Path | None
) -> int:
    """Prints IM on an underlying per venue and the lead-lag between the venues."""
    from harmonize.api.history import underlying_history
    from harmonize.cli import history_text

    history = underlying_history(question, request.asset_name(underlying, "UNDERLYING"))
    if chart:
        from reports.html import chart_file

        write(chart, chart_file.underlying_file(history.series, windows()))
    if form is SeriesForm.JSON:
        print_json(asdict(history))
    elif form is SeriesForm.CSV:
        write_stdout(history_text.as_csv(history_text.series_columns(history.series)).encode())
    else:
        _print_as_of(question)
        _print_tables(
            history_text.series_table(history.series),
            history_text.lead_lag_table(history.leads),
            if_empty="no increases at two venues within 30 days of each other",
        )
    return OK


def _print_as_of(question: "Question") -> None:
    print_text(f"as of {request.age_reference(question):%Y-%m-%d}\n")


def _print_tables(table: "Table", second: "Table", *, if_empty: str, between: str = "") -> None:
    """Prints a table, a line below it, and a second table, or a line if the second one is empty."""
    from harmonize.cli import history_text

    print_text(history_text.aligned(table))
    below = history_text.aligned(second) if second[1] else f"{if_empty}\n"
    print_text(f"{between}\n{below}")
