"""Command ``compare``: the venues on one underlying, ranked by margin for one position."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from harmonize.cli import request, sheets
from harmonize.cli.console import INCOMPLETE, OK, USAGE, Settings, fail, fail_with, note
from harmonize.cli.options import (
    AsOf,
    ConfigOption,
    Instruments,
    OutputOption,
    ProfileOption,
    SheetForm,
    SheetFormOption,
    StaleAfter,
    Venues,
    VerifiedOnlyOption,
)

if TYPE_CHECKING:
    from harmonize.api.compare import VenueComparison

T = TypeVar("T")

MarginTypeOption = Annotated[
    str,
    typer.Option("--margin-type", "--figure", help="Margin type: initial or maintenance."),
]

RulesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--rules",
        help="Rule set, by id or YAML file (repeatable; default harmonized-baseline).",
    ),
]


def compare(
    context: typer.Context,
    underlying: str,
    *,
    notional: Annotated[
        str, typer.Option("--notional", metavar="USD", help="Position size, in USD, such as 5m.")
    ] = "1m",
    margin_type: MarginTypeOption = "initial",
    rules: RulesOption = None,
    venue: Venues = None,
    as_of: AsOf = None,
    profile: ProfileOption = "",
    stale_after: StaleAfter = 30.0,
    instrument: Instruments = None,
    verified_only: VerifiedOnlyOption = False,
    config: ConfigOption = None,
    form: SheetFormOption = SheetForm.TABLE,
    output: OutputOption = None,
) -> None:
    """Rank the venues on an underlying by margin for a position, against rule sets."""
    from harmonize.api.compare import compare_venues
    from harmonize.api.question import Question

    check_margin_type(margin_type)
    (size,) = request.parse_notionals([notional])
    selection = request.selection(
        context.obj,
        venue=venue,
        underlying=[underlying],
        rules=rules,
        as_of=as_of,
        profile=profile,
        instrument=instrument,
        strict=verified_only,
    )
    options = request.options(stale_after=stale_after, config=config)
    question = Question.of(replace(selection, notional_grid=(size,)), options)
    answer = answer_or_fail(lambda: compare_venues(question, underlying, size, margin_type))
    _print(answer, form, output)
    _exit(context.obj, answer)


def check_margin_type(margin_type: str) -> None:
    """Ends the program unless the text is a margin type."""
    if margin_type not in {"initial", "maintenance"}:
        fail(f"--margin-type: expected initial or maintenance, found {margin_type!r}", USAGE)


def answer_or_fail(answer: Callable[[], T]) -> T:
    """Returns the answer; an error in the request, or nothing observed, ends the program."""
    from harmonize.api.audit import NotObservedError, RequestError
    from harmonize.archive.archive import ArchiveError
    from rules.loader import RuleError

    try:
        return answer()
    except (NotObservedError, ArchiveError) as error:
        fail(str(error), INCOMPLETE)
    except (RequestError, RuleError) as error:
        fail_with(error, USAGE)


def _print(answer: "VenueComparison", form: SheetForm, output: OutputOption) -> None:
    from harmonize.api import compare_table
    from harmonize.cli import compare_text

    sheets.print_answer(
        sheets.Printout(
            value=answer.as_object,
            table=lambda: compare_table.comparison_sheet(answer),
            pages=lambda: (
                compare_table.comparison_sheet(answer),
                compare_table.rule_set_sheet(answer),
            ),
            text=lambda: compare_text.comparison_text(answer),
            title=f"{answer.underlying} {answer.margin_type} margin, as of {answer.as_of[:10]}",
            created=datetime.fromisoformat(answer.as_of),
        ),
        form,
        output,
    )


def _exit(settings: Settings, answer: "VenueComparison") -> None:
    """Prints notes, and ends with exit code 3 if something was not observed."""
    for line in answer.notes:
        note(settings, f"note: {line}")
    for line in answer.missing:
        note(settings, f"incomplete: {line}")
    if not answer.venues:
        note(settings, "incomplete: no venue has an observed margin for this position")
    raise typer.Exit(INCOMPLETE if answer.missing or not answer.venues else OK)
