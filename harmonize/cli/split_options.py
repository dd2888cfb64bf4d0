"""Options that constrain the split of a position over venues."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from harmonize.cli import request
from harmonize.cli.console import USAGE, fail
from harmonize.text.amounts import AmountError, parse_usd

if TYPE_CHECKING:
    from harmonize.arbitrage.accounts import SplitConstraints

ExcludeOption = Annotated[
    list[str] | None, typer.Option("--exclude", help="Venue to exclude (repeatable).")
]
LimitOption = Annotated[
    list[str] | None,
    typer.Option(
        "--limit", help="Largest position per venue, as VENUE=USD, such as okx=5m (repeatable)."
    ),
]
MinPositionOption = Annotated[
    str,
    typer.Option("--min-position", metavar="USD", help="Smallest position per account, in USD."),
]
AccountCostOption = Annotated[
    str,
    typer.Option("--account-cost", metavar="USD", help="Cost of each additional account, in USD."),
]
SubAccountsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--sub-accounts",
        help="Separately margined sub-accounts, as VENUE=K (repeatable).",
    ),
]


def split_constraints(
    exclude: list[str] | None,
    limit: list[str] | None,
    min_position: str,
    account_cost: str,
    sub_accounts: list[str] | None,
) -> "SplitConstraints":
    """Returns the constraints that options state; a wrong one ends the program."""
    from harmonize.arbitrage.accounts import SplitConstraints

    excluded = frozenset(exclude or ())
    limits = _by_venue(
        (_venue_amount(text, "--limit", "USD", 1e15, parse_usd) for text in limit or ()),
        "--limit",
        excluded,
    )
    counts = _by_venue(
        (_venue_amount(text, "--sub-accounts", "K", _MAX_ACCOUNTS) for text in sub_accounts or ()),
        "--sub-accounts",
        excluded,
    )
    for venue, number in counts.items():
        if number != int(number):
            fail(f"--sub-accounts {venue}: expected a whole number, found {number:g}", USAGE)
    return SplitConstraints(
        excluded,
        limits,
        _amount_up_to(min_position, "--min-position"),
        _amount_up_to(account_cost, "--account-cost"),
        {venue: int(number) for venue, number in counts.items()},
    )


def _by_venue(
    amounts: Iterable[tuple[str, float]], option: str, excluded: frozenset[str]
) -> dict[str, float]:
    """Returns the amount of each venue; two of one venue, or one of an excluded venue, end it."""
    by_venue: dict[str, float] = {}
    for venue, amount in amounts:
        if by_venue.setdefault(venue, amount) != amount:
            fail(f"{option} {venue}: found two different values; remove one of the two", USAGE)
        if venue in excluded:
            fail(f"{option} {venue}: found together with --exclude {venue}; remove one", USAGE)
    return by_venue


_MAX_ACCOUNTS = 100.0
_MAX_USD = 1e9


def _amount_up_to(text: str, option: str) -> float:
    """Returns an amount in USD from 0 to ``_MAX_USD``; another one ends the program."""
    amount = request.parse_amount(text, option)
    if not 0.0 <= amount <= _MAX_USD:
        fail(f"{option}: expected an amount in USD from 0 to {_MAX_USD:,.0f}, found {text}", USAGE)
    return amount


def _venue_amount(
    text: str, option: str, unit: str, highest: float, parse: Callable[[str], float] = float
) -> tuple[str, float]:
    venue, equals, amount = text.partition("=")
    try:
        number = parse(amount)
    except ValueError as error:
        if equals and venue and isinstance(error, AmountError):
            fail(f"{option} {venue}: {error}", USAGE)
        number = float("nan")
    if not (equals and venue and 0.0 < number <= highest):
        fail(
            f"{option}: expected VENUE={unit}, above 0 and at most {highest:g}, found {text!r}",
            USAGE,
        )
    return venue, number
