"""The commands that compare venues with one another: gap, pair, liquidation, portfolio, index."""

from collections.abc import Callable
from dataclasses import asdict, replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from harmonize.cli import request
from harmonize.cli.console import (
    INCOMPLETE,
    OK,
    USAGE,
    Settings,
    fail,
    note,
    one_line,
    print_json,
    write_stdout,
)
from harmonize.cli.options import (
    AsOf,
    FormOption,
    Instruments,
    Notionals,
    OutputForm,
    ProfileOption,
    Rules,
    StrictOption,
    Venues,
)

if TYPE_CHECKING:
    from harmonize.api.cross_venue import PreparedUniverse
    from harmonize.api.question import Question, Selection
    from harmonize.arbitrage.accounts import SplitConstraints

T = TypeVar("T")

Figure = Annotated[str, typer.Option("--figure", help="initial or maintenance margin.")]
Excluded = Annotated[
    list[str] | None, typer.Option("--exclude", help="Not this venue (repeatable).")
]
Limits = Annotated[
    list[str] | None,
    typer.Option("--limit", help="VENUE=USD at most there, a position (repeatable)."),
]
Ticket = Annotated[float, typer.Option("--ticket", help="Smallest position in an account, USD.")]
FeePerVenue = Annotated[float, typer.Option("--fee", help="USD for every account but the first.")]
Accounts = Annotated[
    list[str] | None,
    typer.Option("--accounts", help="VENUE=K sub-accounts that are margined apart (repeatable)."),
]
Hurdle = Annotated[str, typer.Option("--hurdle", help="What capital costs in a year.")]


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
    strict: StrictOption = False,
    figure: Figure = "initial",
    exclude: Excluded = None,
    limit: Limits = None,
    ticket: Ticket = 0.0,
    fee: FeePerVenue = 0.0,
    accounts: Accounts = None,
    hurdle: Hurdle = "10%",
    what_if: Annotated[
        list[str] | None,
        typer.Option(
            "--what-if", help="leverage=20, minimum=0.5%, aggregate or adopt=VENUE (repeatable)."
        ),
    ] = None,
    form: FormOption = OutputForm.TABLE,
) -> None:
    """Print the spread between venues, the cheapest split, and what the gap to the reference is made of."""
    from harmonize.api import cross_venue
    from harmonize.cli import cross_venue_text

    if figure not in {"initial", "maintenance"}:
        fail(f"--figure is initial or maintenance, was {figure!r}", USAGE)
    conditions = _conditions(exclude, limit, ticket, fee, accounts)
    selection = request.selection(
        context.obj,
        venue=venue,
        underlying=[underlying],
        rules=rules,
        as_of=as_of,
        profile=profile,
        instrument=instrument,
        strict=strict,
    )
    question = _question(selection, notional, hurdle)
    base = _basis(question)
    answer = _tried(lambda: cross_venue.gap_of(base, question, figure, conditions, what_if or ()))
    if form is OutputForm.JSON:
        print_json(asdict(answer))
    else:
        write_stdout(cross_venue_text.gap_text(answer).encode())
    if not any(one.points for one in answer.arbitrages):
        note(context.obj, "incomplete: no notional is taken by these venues together")
        raise typer.Exit(INCOMPLETE)
    _end(context.obj, base)


def pair(
    context: typer.Context,
    underlying: str,
    long: Annotated[str, typer.Argument(help="The venue of the long leg.")],
    short: Annotated[str, typer.Argument(help="The venue of the short leg.")],
    *,
    against: Annotated[
        str, typer.Option("--against", help="The one venue; the long leg's if not given.")
    ] = "",
    opposite: Annotated[
        str, typer.Option("--opposite", help="How that venue counts long and short together.")
    ] = "",
    notional: Notionals = None,
    as_of: AsOf = None,
    instrument: Instruments = None,
    hurdle: Hurdle = "10%",
    form: FormOption = OutputForm.TABLE,
) -> None:
    """Print what a long on one venue and a short on another need, against both legs on one venue."""
    from harmonize.api import cross_venue
    from harmonize.cli import cross_venue_text
    from harmonize.core.venue_conventions import OffsetRule

    kinds = [kind.value for kind in OffsetRule]
    if opposite and opposite not in kinds:
        fail(f"--opposite is {', '.join(map(repr, kinds))}, was {opposite!r}", USAGE)
    rule = OffsetRule(opposite) if opposite else None
    selection = request.selection(
        context.obj, underlying=[underlying], as_of=as_of, instrument=instrument
    )
    question = _question(selection, notional, hurdle)
    base = _basis(question)
    answer = _tried(
        lambda: cross_venue.pair_of(base, question, (long, short), against or long, rule)
    )
    if form is OutputForm.JSON:
        print_json(asdict(answer))
    else:
        write_stdout(cross_venue_text.pair_text(answer).encode())
    _end(context.obj, base)


def liquidation(
    context: typer.Context,
    underlying: str,
    *,
    notional: Annotated[float, typer.Option("--notional", help="Position size in USD.")] = 1e6,
    leverage: Annotated[float, typer.Option("--leverage", help="To compare venues at.")] = 10.0,
    taker: Annotated[
        str, typer.Option("--taker", help="Taker fee, where a venue counts one on top: 0.05%.")
    ] = "",
    venue: Venues = None,
    as_of: AsOf = None,
    profile: ProfileOption = "",
    instrument: Instruments = None,
    form: FormOption = OutputForm.TABLE,
) -> None:
    """Print how far the price may move before an isolated position is liquidated, venue by venue."""
    from harmonize.api import cross_venue
    from harmonize.cli import cross_venue_text
    from harmonize.liquidation.distance import Entry

    request.notionals([notional])
    if not (isfinite(leverage) and leverage >= 1.0):
        fail(f"--leverage is a number from 1, was {leverage}", USAGE)
    entry = Entry(notional, leverage, _rate(taker, "--taker") if taker else None)
    selection = request.selection(
        context.obj,
        venue=venue,
        underlying=[underlying],
        as_of=as_of,
        profile=profile,
        instrument=instrument,
    )
    base = _basis(_question(selection))
    rows = cross_venue.liquidations_of(base, entry)
    if form is OutputForm.JSON:
        print_json([asdict(one) for one in rows])
    else:
        write_stdout(cross_venue_text.liquidation_text(rows).encode())
    _end(context.obj, base)


def portfolio(
    context: typer.Context,
    positions: Annotated[
        Path, typer.Argument(help="CSV, JSON or XLSX with underlying, side, notional.")
    ],
    *,
    venue: Venues = None,
    rules: Rules = None,
    as_of: AsOf = None,
    profile: ProfileOption = "",
    instrument: Instruments = None,
    strict: StrictOption = False,
    exclude: Excluded = None,
    limit: Limits = None,
    ticket: Ticket = 0.0,
    fee: FeePerVenue = 0.0,
    accounts: Accounts = None,
    form: FormOption = OutputForm.TABLE,
) -> None:
    """Print what each venue asks for a book of positions, the reference, and the cheapest split."""
    from harmonize.api import cross_venue
    from harmonize.arbitrage.position_file import PositionsError, read
    from harmonize.cli import cross_venue_text

    conditions = _conditions(exclude, limit, ticket, fee, accounts)
    try:
        held = read(positions.read_bytes(), positions.name)
    except OSError as error:
        fail(f"{positions} cannot be read: {error.strerror}; name a file of positions", USAGE)
    except PositionsError as error:
        for line in error.lines[:-1]:
            typer.echo(f"error: {one_line(line)}", err=True)
        fail(error.lines[-1], USAGE)
    assets = sorted({one.underlying for one in held})
    selection = request.selection(
        context.obj,
        venue=venue,
        underlying=assets,
        rules=rules,
        as_of=as_of,
        profile=profile,
        instrument=instrument,
        strict=strict,
    )
    base = _basis(_question(selection))
    answer = _tried(lambda: cross_venue.portfolio_of(base, held, conditions))
    if form is OutputForm.JSON:
        print_json(asdict(answer))
    else:
        write_stdout(cross_venue_text.portfolio_text(answer).encode())
    _end(context.obj, base)


def index(
    context: typer.Context,
    underlying: Annotated[
        list[str] | None, typer.Argument(help="As BTC; without one, every underlying.")
    ] = None,
    *,
    venue: Venues = None,
    rules: Rules = None,
    as_of: AsOf = None,
    profile: ProfileOption = "",
    instrument: Instruments = None,
    strict: StrictOption = False,
    over_time: Annotated[
        bool, typer.Option("--over-time", help="On every day on which something was observed.")
    ] = False,
    form: FormOption = OutputForm.TABLE,
) -> None:
    """Print the harmonization index by underlying and venue, how sure it is, and how it moved."""
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
        strict=strict,
    )
    question = _question(selection)
    base = _basis(question)
    answer = _tried(lambda: cross_venue.index_of(base, question, over_time=over_time))
    if form is OutputForm.JSON:
        print_json(asdict(answer))
    else:
        write_stdout(cross_venue_text.index_text(answer).encode())
    _end(context.obj, base)


def _conditions(
    exclude: list[str] | None,
    limit: list[str] | None,
    ticket: float,
    fee: float,
    accounts: list[str] | None,
) -> "SplitConstraints":
    from harmonize.arbitrage.accounts import SplitConstraints

    for name, amount in (("--ticket", ticket), ("--fee", fee)):
        if not 0.0 <= amount <= _MOST_USD:
            fail(f"{name} is an amount in USD from 0 to {_MOST_USD:,.0f}, was {amount}", USAGE)
    limits = dict(_named(one, "--limit", "USD", 0.0, 1e15) for one in limit or ())
    counts = dict(_named(one, "--accounts", "K", 0.0, _MOST_ACCOUNTS) for one in accounts or ())
    for venue, number in counts.items():
        if number != int(number):
            fail(f"--accounts {venue}={number:g}: a whole number was due", USAGE)
    return SplitConstraints(
        frozenset(exclude or ()),
        limits,
        ticket,
        fee,
        {venue: int(number) for venue, number in counts.items()},
    )


_MOST_ACCOUNTS = 100.0
_MOST_USD = 1e9


def _named(text: str, option: str, unit: str, above: float, most: float) -> tuple[str, float]:
    venue, equals, given = text.partition("=")
    try:
        number = float(given.replace("_", ""))
    except ValueError:
        number = float("nan")
    if not (equals and venue and above < number <= most):
        fail(f"{option} is VENUE={unit}, above {above:g} and at most {most:g}, was {text!r}", USAGE)
    return venue, number


def _rate(text: str, option: str) -> float:
    percent = text.endswith("%")
    try:
        number = float(text.removesuffix("%").replace("_", ""))
    except ValueError:
        number = float("nan")
    rate = number / 100.0 if percent else number
    if not 0.0 <= rate <= 1.0:
        fail(f"{option} is a rate from 0 to 100 %, such as 10% or 0.1, was {text!r}", USAGE)
    return rate


def _question(
    selection: "Selection", notional: list[float] | None = None, hurdle: str = ""
) -> "Question":
    """Returns the question about a selection, with notionals and cost of capital where given."""
    from harmonize.api.question import Question

    sizes = request.notionals(notional)
    options = request.options()
    if hurdle:
        options = replace(options, cost_of_capital=_rate(hurdle, "--hurdle"))
    return Question.of(replace(selection, ladder=sizes) if sizes else selection, options)


def _basis(question: "Question") -> "PreparedUniverse":
    from harmonize.api.cross_venue import basis

    return _tried(lambda: basis(question))


def _tried(answer: Callable[[], T]) -> T:
    """Answer; what cannot be answered ends the program with one line."""
    from harmonize.api.audit import AskedError, NotObservedError
    from harmonize.arbitrage.what_if import WhatIfError
    from harmonize.archive.archive import ArchiveError
    from rules.loader import RuleError

    try:
        return answer()
    except NotObservedError as error:
        fail(str(error), INCOMPLETE)
    except (AskedError, RuleError, WhatIfError) as error:
        fail(str(error), USAGE)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)


def _end(settings: Settings, base: "PreparedUniverse") -> None:
    """Say what was not observed, and end with the exit code that it makes."""
    for one in base.missing:
        note(settings, f"incomplete: {one}")
    raise typer.Exit(INCOMPLETE if base.missing else OK)


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (gap, pair, liquidation, portfolio, index):
        app.command()(command)
