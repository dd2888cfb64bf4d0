"""The cross-venue commands: gap, pair, liquidation, portfolio, index."""

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
    Venues,
    VerifiedOnlyOption,
)

if TYPE_CHECKING:
    from harmonize.api.audit import Question
    from harmonize.api.cross_venue import PreparedUniverse
    from harmonize.arbitrage.accounts import SplitConstraints

T = TypeVar("T")

MarginTypeOption = Annotated[str, typer.Option("--figure", help="initial or maintenance margin.")]
ExcludeOption = Annotated[
    list[str] | None, typer.Option("--exclude", help="Not this venue (repeatable).")
]
LimitOption = Annotated[
    list[str] | None,
    typer.Option("--limit", help="VENUE=USD at most there, a position (repeatable)."),
]
MinPositionOption = Annotated[
    float, typer.Option("--ticket", help="Smallest position in an account, USD.")
]
AccountCostOption = Annotated[
    float, typer.Option("--fee", help="USD for every account but the first.")
]
SubAccountsOption = Annotated[
    list[str] | None,
    typer.Option("--accounts", help="VENUE=K sub-accounts that are margined apart (repeatable)."),
]
CostOfCapitalOption = Annotated[str, typer.Option("--hurdle", help="What capital costs in a year.")]


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
    min_position: MinPositionOption = 0.0,
    account_cost: AccountCostOption = 0.0,
    sub_accounts: SubAccountsOption = None,
    cost_of_capital: CostOfCapitalOption = "10%",
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

    if margin_type not in {"initial", "maintenance"}:
        fail(f"--figure is initial or maintenance, was {margin_type!r}", USAGE)
    conditions = _split_constraints(exclude, limit, min_position, account_cost, sub_accounts)
    question = request.question(
        context.obj,
        venue,
        [underlying],
        rules,
        as_of,
        profile,
        30.0,
        instrument,
        strict=verified_only,
    )
    question = _with_sizes(question, notional, cost_of_capital)
    base = _prepare(question)
    answer = _answer_or_fail(
        lambda: cross_venue.gap_of(base, question, margin_type, conditions, what_if or ())
    )
    if form is OutputForm.JSON:
        print_json(asdict(answer))
    else:
        write_stdout(cross_venue_text.gap_text(answer).encode())
    if not any(row.points for row in answer.arbitrages):
        note(context.obj, "incomplete: no notional is taken by these venues together")
        raise typer.Exit(INCOMPLETE)
    _exit(context.obj, base)


def pair(
    context: typer.Context,
    underlying: str,
    long: Annotated[str, typer.Argument(help="The venue of the long leg.")],
    short: Annotated[str, typer.Argument(help="The venue of the short leg.")],
    *,
    single_venue: Annotated[
        str, typer.Option("--against", help="The one venue; the long leg's if not given.")
    ] = "",
    offset_rule: Annotated[
        str, typer.Option("--opposite", help="How that venue counts long and short together.")
    ] = "",
    notional: Notionals = None,
    as_of: AsOf = None,
    instrument: Instruments = None,
    cost_of_capital: CostOfCapitalOption = "10%",
    form: FormOption = OutputForm.TABLE,
) -> None:
    """Print what a long on one venue and a short on another need, against both legs on one venue."""
    from harmonize.api import cross_venue
    from harmonize.cli import cross_venue_text
    from harmonize.core.venue_conventions import OffsetRule

    kinds = [kind.value for kind in OffsetRule]
    if offset_rule and offset_rule not in kinds:
        fail(f"--opposite is {', '.join(map(repr, kinds))}, was {offset_rule!r}", USAGE)
    rule = OffsetRule(offset_rule) if offset_rule else None
    question = request.question(context.obj, None, [underlying], None, as_of, "", 30.0, instrument)
    question = _with_sizes(question, notional, cost_of_capital)
    base = _prepare(question)
    answer = _answer_or_fail(
        lambda: cross_venue.pair_of(base, question, (long, short), single_venue or long, rule)
    )
    if form is OutputForm.JSON:
        print_json(asdict(answer))
    else:
        write_stdout(cross_venue_text.pair_text(answer).encode())
    _exit(context.obj, base)


def liquidation(
    context: typer.Context,
    underlying: str,
    *,
    notional: Annotated[float, typer.Option("--notional", help="Position size in USD.")] = 1e6,
    leverage: Annotated[float, typer.Option("--leverage", help="To compare venues at.")] = 10.0,
    taker_fee: Annotated[
        str,
        typer.Option("--taker", help="Taker fee, where a venue counts one on top: 0.05%."),
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
    entry = Entry(notional, leverage, _parse_rate(taker_fee, "--taker") if taker_fee else None)
    question = request.question(
        context.obj, venue, [underlying], None, as_of, profile, 30.0, instrument
    )
    base = _prepare(question)
    rows = cross_venue.liquidations_of(base, entry)
    if form is OutputForm.JSON:
        print_json([asdict(row) for row in rows])
    else:
        write_stdout(cross_venue_text.liquidation_text(rows).encode())
    _exit(context.obj, base)


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
    verified_only: VerifiedOnlyOption = False,
    exclude: ExcludeOption = None,
    limit: LimitOption = None,
    min_position: MinPositionOption = 0.0,
    account_cost: AccountCostOption = 0.0,
    sub_accounts: SubAccountsOption = None,
    form: FormOption = OutputForm.TABLE,
) -> None:
    """Print what each venue asks for a book of positions, the reference, and the cheapest split."""
    from harmonize.api import cross_venue
    from harmonize.arbitrage.position_file import PositionsError, read
    from harmonize.cli import cross_venue_text

    conditions = _split_constraints(exclude, limit, min_position, account_cost, sub_accounts)
    try:
        book = read(positions.read_bytes(), positions.name)
    except OSError as error:
        fail(f"{positions} cannot be read: {error.strerror}; name a file of positions", USAGE)
    except PositionsError as error:
        for line in error.lines[:-1]:
            typer.echo(f"error: {one_line(line)}", err=True)
        fail(error.lines[-1], USAGE)
    assets = sorted({position.underlying for position in book})
    question = request.question(
        context.obj, venue, assets, rules, as_of, profile, 30.0, instrument, strict=verified_only
    )
    base = _prepare(question)
    answer = _answer_or_fail(lambda: cross_venue.portfolio_of(base, book, conditions))
    if form is OutputForm.JSON:
        print_json(asdict(answer))
    else:
        write_stdout(cross_venue_text.portfolio_text(answer).encode())
    _exit(context.obj, base)


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
    verified_only: VerifiedOnlyOption = False,
    over_time: Annotated[
        bool, typer.Option("--over-time", help="On every day on which something was observed.")
    ] = False,
    form: FormOption = OutputForm.TABLE,
) -> None:
    """Print the harmonization index by underlying and venue, how sure it is, and how it moved."""
    from harmonize.api import cross_venue
    from harmonize.cli import cross_venue_text

    question = request.question(
        context.obj,
        venue,
        underlying,
        rules,
        as_of,
        profile,
        30.0,
        instrument,
        strict=verified_only,
    )
    base = _prepare(question)
    answer = _answer_or_fail(lambda: cross_venue.index_of(base, question, over_time=over_time))
    if form is OutputForm.JSON:
        print_json(asdict(answer))
    else:
        write_stdout(cross_venue_text.index_text(answer).encode())
    _exit(context.obj, base)


def _split_constraints(
    exclude: list[str] | None,
    limit: list[str] | None,
    min_position: float,
    account_cost: float,
    sub_accounts: list[str] | None,
) -> "SplitConstraints":
    from harmonize.arbitrage.accounts import SplitConstraints

    for name, amount in (("--ticket", min_position), ("--fee", account_cost)):
        if not 0.0 <= amount <= _MOST_USD:
            fail(f"{name} is an amount in USD from 0 to {_MOST_USD:,.0f}, was {amount}", USAGE)
    limits = dict(_venue_amount(text, "--limit", "USD", 0.0, 1e15) for text in limit or ())
    counts = dict(
        _venue_amount(text, "--accounts", "K", 0.0, _MOST_ACCOUNTS) for text in sub_accounts or ()
    )
    for venue, number in counts.items():
        if number != int(number):
            fail(f"--accounts {venue}={number:g}: a whole number was due", USAGE)
    return SplitConstraints(
        frozenset(exclude or ()),
        limits,
        min_position,
        account_cost,
        {venue: int(number) for venue, number in counts.items()},
    )


_MOST_ACCOUNTS = 100.0
_MOST_USD = 1e9


def _venue_amount(
    text: str, option: str, unit: str, above: float, highest: float
) -> tuple[str, float]:
    venue, equals, amount = text.partition("=")
    try:
        number = float(amount.replace("_", ""))
    except ValueError:
        number = float("nan")
    if not (equals and venue and above < number <= highest):
        fail(
            f"{option} is VENUE={unit}, above {above:g} and at most {highest:g}, was {text!r}",
            USAGE,
        )
    return venue, number


def _parse_rate(text: str, option: str) -> float:
    percent = text.endswith("%")
    try:
        number = float(text.removesuffix("%").replace("_", ""))
    except ValueError:
        number = float("nan")
    rate = number / 100.0 if percent else number
    if not 0.0 <= rate <= 1.0:
        fail(f"{option} is a rate from 0 to 100 %, such as 10% or 0.1, was {text!r}", USAGE)
    return rate


def _with_sizes(
    question: "Question", notional: list[float] | None, cost_of_capital: str
) -> "Question":
    """Returns the question with the requested notionals and cost of capital."""
    sizes = request.notionals(notional)
    question = replace(question, hurdle=_parse_rate(cost_of_capital, "--hurdle"))
    return replace(question, ladder=sizes) if sizes else question


def _prepare(question: "Question") -> "PreparedUniverse":
    from harmonize.api.cross_venue import basis

    return _answer_or_fail(lambda: basis(question))


def _answer_or_fail(answer: Callable[[], T]) -> T:
    """Returns the answer; an error in the request ends the program."""
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


def _exit(settings: Settings, base: "PreparedUniverse") -> None:
    """Prints what was not observed, and ends with exit code 3 if anything was not, otherwise 0."""
    for reason in base.missing:
        note(settings, f"incomplete: {reason}")
    raise typer.Exit(INCOMPLETE if base.missing else OK)


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (gap, pair, liquidation, portfolio, index):
        app.command()(command)
