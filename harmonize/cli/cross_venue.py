"""The cross-venue commands: gap, pair, liquidation, portfolio, index."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from harmonize.cli import book, request, sheets, tables
from harmonize.cli.console import INCOMPLETE, OK, USAGE, Settings, fail, fail_with, note
from harmonize.cli.options import (
    AsOf,
    Instruments,
    Notionals,
    OutputOption,
    ProfileOption,
    Rules,
    SheetForm,
    SheetFormOption,
    Venues,
    VerifiedOnlyOption,
)
from harmonize.cli.split_options import (
    AccountCostOption,
    ExcludeOption,
    LimitOption,
    MinPositionOption,
    SubAccountsOption,
    split_constraints,
)
from harmonize.text.messages import iso_utc

if TYPE_CHECKING:
    from harmonize.api.cross_venue import PreparedUniverse
    from harmonize.api.question import Question, Selection
    from harmonize.arbitrage.position_file import Book, BookFile
    from reports.formats.sheets import Sheet

T = TypeVar("T")

_SCHEMA_VERSION = "1.0"
"""Version of the JSON; its first number rises when a field is removed or changes its meaning."""

MarginTypeOption = Annotated[
    str, typer.Option("--margin-type", help="Margin type: initial or maintenance.")
]
ColumnsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--columns",
        help="Columns of the file, as symbol=HEAD,side=HEAD,notional=HEAD; also quantity, price.",
    ),
]
CostOfCapitalOption = Annotated[
    str, typer.Option("--cost-of-capital", help="Annual cost of capital, as 10% or 0.1.")
]


def gap(
    context: typer.Context,
    underlying: str,
    *,
    notional: Notionals = None,
    venue: Venues = None,
    rules: Rules = None,
    as_of: AsOf = None,
    profile: ProfileOption = "",
    instrument: Instruments = None,
    verified_only: VerifiedOnlyOption = False,
    margin_type: MarginTypeOption = "initial",
    exclude: ExcludeOption = None,
    limit: LimitOption = None,
    min_position: MinPositionOption = "0",
    account_cost: AccountCostOption = "0",
    sub_accounts: SubAccountsOption = None,
    cost_of_capital: CostOfCapitalOption = "10%",
    what_if: Annotated[
        list[str] | None,
        typer.Option(
            "--what-if",
            help="Scenario: leverage=20, minimum=0.5%, aggregate or adopt=VENUE (repeatable).",
        ),
    ] = None,
    form: SheetFormOption = SheetForm.TABLE,
    output: OutputOption = None,
) -> None:
    """Print the spread between venues, the optimal split and the arbitrage gap to the reference."""
    from harmonize.api import cross_venue
    from harmonize.cli import cross_venue_text

    if margin_type not in {"initial", "maintenance"}:
        fail(f"--margin-type: expected initial or maintenance, found {margin_type!r}", USAGE)
    conditions = split_constraints(exclude, limit, min_position, account_cost, sub_accounts)
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
    question = _question(selection, notional, cost_of_capital)
    base = _prepare(question)
    answer = _answer_or_fail(
        lambda: cross_venue.answer_gap(base, question, margin_type, conditions, what_if or ())
    )
    _print(
        _Printed(base, f"Gap on {underlying}", form, output),
        lambda: _envelope(base, asdict(answer)),
        lambda: tables.gap_sheet(answer),
        lambda: cross_venue_text.gap_text(answer),
    )
    if not any(row.points for row in answer.arbitrages):
        note(context.obj, f"incomplete: {answer.arbitrages[0].reason}")
        raise typer.Exit(INCOMPLETE)
    _exit(context.obj, base)


def pair(
    context: typer.Context,
    underlying: str,
    long: Annotated[str, typer.Argument(help="Venue of the long leg.")],
    short: Annotated[str, typer.Argument(help="Venue of the short leg.")],
    *,
    single_venue: Annotated[
        str,
        typer.Option("--single-venue", help="Venue for both legs (default: that of the long leg)."),
    ] = "",
    offset_rule: Annotated[
        str, typer.Option("--offset-rule", help="Offset rule of that venue for long and short.")
    ] = "",
    notional: Notionals = None,
    as_of: AsOf = None,
    instrument: Instruments = None,
    cost_of_capital: CostOfCapitalOption = "10%",
    form: SheetFormOption = SheetForm.TABLE,
    output: OutputOption = None,
) -> None:
    """Print the margin of a long and a short leg on two venues, and of both legs on one venue."""
    from harmonize.api import cross_venue
    from harmonize.cli import cross_venue_text
    from harmonize.core.venue_conventions import OffsetRule

    kinds = [kind.value for kind in OffsetRule]
    if offset_rule and offset_rule not in kinds:
        fail(
            f"--offset-rule: expected one of {', '.join(map(repr, kinds))}, found {offset_rule!r}",
            USAGE,
        )
    rule = OffsetRule(offset_rule) if offset_rule else None
    selection = request.selection(
        context.obj, underlying=[underlying], as_of=as_of, instrument=instrument
    )
    question = _question(selection, notional, cost_of_capital)
    base = _prepare(question)
    answer = _answer_or_fail(
        lambda: cross_venue.answer_pair(base, question, (long, short), single_venue or long, rule)
    )
    _print(
        _Printed(base, f"Pair on {underlying}", form, output),
        lambda: _envelope(base, asdict(answer)),
        lambda: tables.pair_sheet(answer),
        lambda: cross_venue_text.pair_text(answer),
    )
    _exit(context.obj, base)


def liquidation(
    context: typer.Context,
    underlying: str,
    *,
    notional: Annotated[
        str, typer.Option("--notional", metavar="USD", help="Position size, in USD.")
    ] = "1m",
    leverage: Annotated[
        float, typer.Option("--leverage", help="Leverage for the comparison at equal leverage.")
    ] = 10.0,
    taker_fee: Annotated[
        str,
        typer.Option(
            "--taker-fee", help="Taker fee of venues that add one to the margin, as 0.05%."
        ),
    ] = "",
    venue: Venues = None,
    as_of: AsOf = None,
    profile: ProfileOption = "",
    instrument: Instruments = None,
    form: SheetFormOption = SheetForm.TABLE,
    output: OutputOption = None,
) -> None:
    """Print the distance to liquidation of an isolated position, per venue."""
    from harmonize.api import cross_venue
    from harmonize.api.excluded_venues import excluded_venues
    from harmonize.cli import cross_venue_text
    from harmonize.liquidation.distance import LiquidationTerms

    (size,) = request.parse_notionals([notional])
    if not (isfinite(leverage) and leverage >= 1.0):
        fail(f"--leverage: expected a number of at least 1, found {leverage}", USAGE)
    entry = LiquidationTerms(
        size, leverage, parse_rate(taker_fee, "--taker-fee") if taker_fee else None
    )
    selection = request.selection(
        context.obj,
        venue=venue,
        underlying=[underlying],
        as_of=as_of,
        profile=profile,
        instrument=instrument,
    )
    base = _prepare(_question(selection))
    rows = cross_venue.answer_liquidation(base, entry)
    excluded = excluded_venues(base.universe)
    _print(
        _Printed(base, f"Liquidation distance on {underlying}", form, output),
        lambda: [asdict(row) for row in rows],
        lambda: tables.liquidation_sheet(rows, excluded),
        lambda: cross_venue_text.liquidation_text(rows, excluded),
    )
    _exit(context.obj, base)


def portfolio(
    context: typer.Context,
    positions: Annotated[
        Path, typer.Argument(help="CSV, JSON or XLSX file with underlying, side and notional.")
    ],
    *,
    columns: ColumnsOption = None,
    venue: Venues = None,
    rules: Rules = None,
    as_of: AsOf = None,
    profile: ProfileOption = "",
    instrument: Instruments = None,
    verified_only: VerifiedOnlyOption = False,
    exclude: ExcludeOption = None,
    limit: LimitOption = None,
    min_position: MinPositionOption = "0",
    account_cost: AccountCostOption = "0",
    sub_accounts: SubAccountsOption = None,
    risk: book.RiskOption = False,
    form: SheetFormOption = SheetForm.TABLE,
    output: OutputOption = None,
) -> None:
    """Print the margin of a book of positions per venue, the reference and the optimal split."""
    from harmonize.api import cross_venue
    from harmonize.cli import cross_venue_text

    conditions = split_constraints(exclude, limit, min_position, account_cost, sub_accounts)
    selection = request.selection(
        context.obj,
        venue=venue,
        rules=rules,
        as_of=as_of,
        profile=profile,
        instrument=instrument,
        strict=verified_only,
    )
    base, resolved = _prepare_book(_question(selection), book.read(positions, columns, output))
    answer = _answer_or_fail(
        lambda: cross_venue.answer_portfolio(base, resolved.positions, conditions)
    )
    answer = replace(answer, excluded=resolved.errors, readings=resolved.notes)
    joint = book.risk_of(_question(selection), answer, base.as_of) if risk else None
    coverage = book.coverage_of(joint, base, resolved.positions, conditions)
    _print(
        _Printed(base, "Portfolio margins", form, output),
        lambda: _envelope(base, asdict(answer) | book.risk_object(joint, coverage)),
        lambda: tables.portfolio_sheet(answer, joint, coverage),
        lambda: cross_venue_text.portfolio_text(answer, joint, coverage),
    )
    book.print_readings(context.obj, resolved, positions.name)
    _exit(context.obj, base, complete=not resolved.errors and book.is_known(joint))


def _prepare_book(question: "Question", file: "BookFile") -> "tuple[PreparedUniverse, Book]":
    """Prepares the universe of a book; one on no asset that can be read ends the program."""
    from harmonize.api.cross_venue import prepare_book
    from harmonize.arbitrage.position_file import PositionsError

    try:
        return _answer_or_fail(lambda: prepare_book(question, file))
    except PositionsError as error:
        fail_with(error, USAGE)


def index(
    context: typer.Context,
    underlying: Annotated[
        list[str] | None, typer.Argument(help="Underlyings, such as BTC (default all).")
    ] = None,
    *,
    venue: Venues = None,
    rules: Rules = None,
    as_of: AsOf = None,
    profile: ProfileOption = "",
    instrument: Instruments = None,
    verified_only: VerifiedOnlyOption = False,
    over_time: Annotated[
        bool, typer.Option("--over-time", help="Index on every day with an observation.")
    ] = False,
    form: SheetFormOption = SheetForm.TABLE,
    output: OutputOption = None,
) -> None:
    """Print the harmonization index per underlying and venue, with confidence intervals."""
    from harmonize.api import cross_venue
    from harmonize.cli import cross_venue_text

    selection = request.selection(
        context.obj,
        venue=venue,
        underlying=underlying,
        rules=rules,
        as_of=as_of,
        profile=profile,
        instrument=instrument,
        strict=verified_only,
    )
    question = _question(selection)
    base = _prepare(question)
    answer = _answer_or_fail(lambda: cross_venue.answer_index(base, question, over_time=over_time))
    _print(
        _Printed(base, "Harmonization index", form, output),
        lambda: _envelope(base, asdict(answer)),
        lambda: tables.index_sheet(answer),
        lambda: cross_venue_text.index_text(answer),
    )
    _exit(context.obj, base)


def parse_rate(text: str, option: str) -> float:
    """Returns a rate from 0 to 1, written as 10% or 0.1; another one ends the program.

    Digits are not grouped: 1_0 is no rate.
    """
    percent = text.endswith("%")
    try:
        number = float(text.removesuffix("%") if text.isascii() and "_" not in text else "nan")
    except ValueError:
        number = float("nan")
    rate = number / 100.0 if percent else number
    if not 0.0 <= rate <= 1.0:
        fail(
            f"{option}: expected a rate from 0 to 100 %, such as 10% or 0.1, found {text!r}", USAGE
        )
    return rate


def _question(
    selection: "Selection", notional: list[str] | None = None, cost_of_capital: str = ""
) -> "Question":
    """Returns the question about a selection, with notionals and cost of capital where given."""
    from harmonize.api.question import Question

    sizes = request.parse_notionals(notional)
    options = request.options()
    if cost_of_capital:
        rate = parse_rate(cost_of_capital, "--cost-of-capital")
        options = replace(options, cost_of_capital=rate)
    return Question.of(replace(selection, notional_grid=sizes) if sizes else selection, options)


def _prepare(question: "Question") -> "PreparedUniverse":
    from harmonize.api.cross_venue import prepare_universe

    return _answer_or_fail(lambda: prepare_universe(question))


def _answer_or_fail(answer: Callable[[], T]) -> T:
    """Returns the answer; an error in the request ends the program."""
    from harmonize.api.audit import NotObservedError, RequestError
    from harmonize.arbitrage.what_if import WhatIfError
    from harmonize.archive.archive import ArchiveError
    from rules.loader import RuleError

    try:
        return answer()
    except NotObservedError as error:
        fail(str(error), INCOMPLETE)
    except (RequestError, RuleError, WhatIfError) as error:
        fail_with(error, USAGE)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)


@dataclass(frozen=True, slots=True)
class _Printed:
    """Universe of an answer, title of its workbook, and where it is printed in which form."""

    base: "PreparedUniverse"
    title: str
    form: SheetForm
    output: Path | None


def _print(
    printed: _Printed,
    value: Callable[[], object],
    sheet: "Callable[[], Sheet]",
    text: Callable[[], str],
) -> None:
    """Prints an answer in the requested form: as JSON, a table in a file, or text with a heading."""
    sheets.print_answer(
        sheets.Printout(
            value=value,
            table=sheet,
            pages=lambda: tables.sheet_per_kind(sheet()),
            text=lambda: f"{_heading(printed.base)}{text()}",
            title=f"{printed.title}, as of {printed.base.as_of:%Y-%m-%d}",
            created=printed.base.as_of,
        ),
        printed.form,
        printed.output,
    )


def _envelope(base: "PreparedUniverse", answer: dict[str, object]) -> dict[str, object]:
    """Returns an answer for JSON, with the version of its fields and the date of its ages."""
    return {"schema_version": _SCHEMA_VERSION, "as_of": iso_utc(base.as_of)} | answer


def _heading(base: "PreparedUniverse") -> str:
    """Returns the first line: the day from which ages count back, and the archive."""
    return f"as of {base.as_of:%Y-%m-%d}, read from {base.reading.archive}\n"


def _exit(settings: Settings, base: "PreparedUniverse", *, complete: bool = True) -> None:
    """Prints what was not observed, and ends with exit code 3 if anything was not, otherwise 0.

    Without ``complete``, part of the question could not be read, which is exit code 3 as well.
    """
    for line in base.notes:
        note(settings, f"note: {line}")
    for reason in base.missing:
        note(settings, f"incomplete: {reason}")
    raise typer.Exit(INCOMPLETE if base.missing or not complete else OK)


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (gap, pair, liquidation, portfolio, index):
        app.command()(command)
