"""Command ``adequacy``: how long margins hold, whether they survive a close-out, and would clear."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harmonize.cli import request, sheets
from harmonize.cli.compare import answer_or_fail
from harmonize.cli.console import INCOMPLETE, OK, USAGE, Settings, fail, note, write
from harmonize.cli.options import (
    AsOf,
    Instruments,
    Notionals,
    OutputOption,
    ProfileOption,
    SheetForm,
    SheetFormOption,
    Underlyings,
    VerifiedOnlyOption,
)

if TYPE_CHECKING:
    from harmonize.api.adequacy import AdequacyAnswer, SeriesAnswer
    from harmonize.api.question import Question


def adequacy(
    context: typer.Context,
    venue: Annotated[str, typer.Argument(help="Venue to judge (default all).")] = "",
    *,
    underlying: Underlyings = None,
    notional: Notionals = None,
    as_of: AsOf = None,
    profile: ProfileOption = "",
    instrument: Instruments = None,
    verified_only: VerifiedOnlyOption = False,
    exclude_disputed: Annotated[
        bool,
        typer.Option(
            "--exclude-disputed", help="Exclude candles whose close another source disputes."
        ),
    ] = False,
    series: Annotated[
        bool, typer.Option("--series", help="List the series of prices, in place of verdicts.")
    ] = False,
    chart: Annotated[
        Path | None,
        typer.Option("--chart", help="Write a chart of one underlying to this SVG file."),
    ] = None,
    form: SheetFormOption = SheetForm.TABLE,
    output: OutputOption = None,
) -> None:
    """Test margins against past prices: how long they hold, and whether they survive a close-out."""
    from harmonize.api.adequacy import AdequacyTerms, judge_adequacy, list_series
    from harmonize.api.question import AnswerOptions, Question

    if chart is not None and (series or len(underlying or []) != 1):
        found = "--series" if series else f"{len(underlying or [])} underlyings"
        fail(f"--chart: expected one underlying, found {found}; use --underlying BTC", USAGE)
    if chart is not None:
        check_chart(chart)
    terms = AdequacyTerms(
        request.parse_notionals(notional) or AdequacyTerms().notionals,
        include_disputed=not exclude_disputed,
    )
    selection = request.selection(
        context.obj,
        venue=[venue] if venue else None,
        underlying=underlying,
        as_of=as_of,
        profile=profile,
        instrument=instrument,
        strict=verified_only,
    )
    question = Question.of(selection, AnswerOptions())
    if series:
        _print_series(answer_or_fail(lambda: list_series(question)), form, output)
        return
    answer = answer_or_fail(lambda: judge_adequacy(question, terms))
    _print(answer, form, output)
    if chart is not None:
        from harmonize.cli.adequacy_chart import adequacy_chart

        write(chart, adequacy_chart(answer))
    _exit(context.obj, question, answer)


def _print(answer: "AdequacyAnswer", form: SheetForm, output: Path | None) -> None:
    from harmonize.api import adequacy_object, adequacy_table
    from harmonize.cli import adequacy_text

    sheets.print_answer(
        sheets.Printout(
            value=lambda: adequacy_object.adequacy_object(answer),
            table=lambda: adequacy_table.verdict_sheet(answer),
            pages=lambda: adequacy_table.adequacy_sheets(answer),
            text=lambda: adequacy_text.adequacy_text(answer),
            title=f"Adequacy of margins, as of {answer.as_of:%Y-%m-%d}",
            created=answer.as_of,
        ),
        form,
        output,
    )


def _print_series(answer: "SeriesAnswer", form: SheetForm, output: Path | None) -> None:
    from harmonize.api import adequacy_object, adequacy_table
    from harmonize.cli import adequacy_text

    sheets.print_answer(
        sheets.Printout(
            value=lambda: adequacy_object.series_object(answer),
            table=lambda: adequacy_table.series_sheet(answer),
            pages=lambda: (adequacy_table.series_sheet(answer),),
            text=lambda: adequacy_text.series_text(answer),
            title=f"Series of prices, as of {answer.as_of:%Y-%m-%d}",
            created=answer.as_of,
        ),
        form,
        output,
    )


def check_chart(path: Path) -> None:
    """Ends the program if a chart cannot be written to a path, before anything is computed."""
    if path.suffix.lower() != ".svg":
        fail(
            f"--chart: expected a file that ends in .svg, found {path.name}; charts are SVG", USAGE
        )
    if not path.parent.is_dir():
        fail(f"--chart: no folder {path.parent}; create it, or choose another", USAGE)


def _exit(settings: Settings, question: "Question", answer: "AdequacyAnswer") -> None:
    """Prints notes, and ends with exit code 3 if something requested was not observed."""
    for line in answer.notes:
        note(settings, f"note: {line}")
    missing = list(answer.missing)
    if question.venues:
        missing += [f"{x.venue} {x.symbol}: {x.reason}" for x in answer.not_observable]
    for line in missing:
        note(settings, f"incomplete: {line}")
    raise typer.Exit(INCOMPLETE if missing else OK)
