"""Command ``thresholds``: what a margin should be, how it moves, and which models deserve trust."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harmonize.cli import request, sheets, signal_proposals
from harmonize.cli.adequacy import check_chart
from harmonize.cli.compare import answer_or_fail
from harmonize.cli.console import (
    INCOMPLETE,
    OK,
    USAGE,
    Settings,
    check_outputs,
    fail,
    note,
    write,
)
from harmonize.cli.executors import check_workers, workers_of
from harmonize.cli.options import AsOf, OutputOption, SheetForm, SheetFormOption

if TYPE_CHECKING:
    from harmonize.api.question import Selection
    from harmonize.api.threshold_terms import ThresholdsAnswer, ThresholdTerms


def thresholds(
    context: typer.Context,
    underlying: Annotated[
        list[str], typer.Argument(metavar="UNDERLYING...", help="Underlyings, such as BTC ETH.")
    ],
    *,
    level: Annotated[
        float, typer.Option("--level", help="Share of days that a threshold covers.")
    ] = 0.99,
    horizon: Annotated[
        int, typer.Option("--horizon", help="Days that a threshold covers, 1 to 10.")
    ] = 1,
    notional: Annotated[
        str,
        typer.Option("--notional", metavar="USD", help="Position size of margins and thresholds."),
    ] = "1m",
    learn: Annotated[
        bool,
        typer.Option("--learn", help="Include gradient-boosted quantiles (extra `learn`), slow."),
    ] = False,
    chart: Annotated[
        Path | None, typer.Option("--chart", help="Write cost against calm to this SVG file.")
    ] = None,
    cluster: Annotated[
        str,
        typer.Option("--cluster", metavar="ADDRESS", help="Scheduler of a Dask cluster to use."),
    ] = "",
    workers: Annotated[
        int | None,
        typer.Option("--workers", help="Processes to use, from 1 (default: one per processor)."),
    ] = None,
    apply: Annotated[
        Path | None,
        typer.Option(
            "--apply",
            help="Write harmonized-baseline with the proposals of signals to this YAML file.",
        ),
    ] = None,
    as_of: AsOf = None,
    form: SheetFormOption = SheetForm.TABLE,
    output: OutputOption = None,
) -> None:
    """Test models of daily margin thresholds on past prices, and say whether margins should move."""
    from harmonize.api.question import AnswerOptions, Question
    from harmonize.api.threshold_terms import ThresholdTerms
    from harmonize.api.thresholds import judge_thresholds

    _check(chart, cluster, workers)
    check_outputs((output, chart, apply))
    if apply is not None:
        signal_proposals.check_target(apply, as_of)
    sizes = request.parse_notionals([notional])
    terms = ThresholdTerms(level, horizon, sizes[0] if sizes else 1e6, is_learning=learn)
    _check_terms(terms)
    selection = request.selection(context.obj, underlying=underlying, as_of=as_of)
    _check_day(selection)
    question = Question.of(selection, AnswerOptions())
    with workers_of(cluster, workers) as executor, _progress(context.obj) as on_progress:
        answer = answer_or_fail(lambda: judge_thresholds(question, terms, executor, on_progress))
    _print(answer, form, output)
    if chart is not None:
        from harmonize.cli.thresholds_chart import thresholds_chart

        write(chart, thresholds_chart(answer))
    for line in answer.notes:
        note(context.obj, f"note: {line}")
    for line in answer.missing:
        note(context.obj, f"incomplete: {line}")
    if apply is not None:
        signal_proposals.write_proposals(context.obj, apply, answer)
    raise typer.Exit(INCOMPLETE if answer.missing else OK)


def _check(chart: Path | None, cluster: str, workers: int | None) -> None:
    """Ends the program if an option is wrong, before anything is computed."""
    check_workers(cluster, workers)
    if chart is not None:
        check_chart(chart)


def _check_terms(terms: "ThresholdTerms") -> None:
    """Ends the program if the level or horizon is out of range, and names the option."""
    from harmonize.api.audit import RequestError
    from harmonize.api.thresholds import check_terms

    try:
        check_terms(terms)
    except RequestError as error:
        fail(f"--{error}", USAGE)


def _check_day(selection: "Selection") -> None:
    """Ends the program if the day of the answer has not come yet."""
    if selection.as_of is None:
        return
    today = request.age_reference(replace(selection, as_of=None)).date()
    day = request.age_reference(selection).date()
    if day > today:
        fail(f"--as-of: expected a day up to {today}, found {day}; use an earlier day", USAGE)


@contextmanager
def _progress(settings: Settings) -> Iterator[Callable[[str, int, int], None]]:
    """Shows bars on stderr if that is a terminal."""
    if settings.quiet or not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

    columns = (TextColumn("{task.description:<10}"), BarColumn(bar_width=24), MofNCompleteColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:

        def show(step: str, finished: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
            bars.update(tasks[step], completed=finished)

        yield show


def _print(answer: "ThresholdsAnswer", form: SheetForm, output: Path | None) -> None:
    from harmonize.api import thresholds_object, thresholds_table
    from harmonize.cli import thresholds_text

    sheets.print_answer(
        sheets.Printout(
            value=lambda: thresholds_object.thresholds_object(answer),
            table=lambda: thresholds_table.path_sheet(answer),
            pages=lambda: thresholds_table.threshold_sheets(answer),
            text=lambda: thresholds_text.thresholds_text(answer),
            title=f"Thresholds of margins, as of {answer.as_of:%Y-%m-%d}",
            created=answer.as_of,
        ),
        form,
        output,
    )
