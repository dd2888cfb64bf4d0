"""The accept command: withheld schedules, and decisions that their numbers are right."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from harmonize.cli.console import INCOMPLETE, OK, USAGE, Settings, fail, own_archive, print_line
from harmonize.text.messages import counted


def accept(
    context: typer.Context,
    venue: Annotated[str, typer.Argument(help="Venue of the contracts.")],
    contract: Annotated[
        list[str] | None,
        typer.Argument(help="Contract to accept: unified symbol or the venue's id (repeatable)."),
    ] = None,
    *,
    every: Annotated[
        bool, typer.Option("--all", help="Accept every withheld contract of the venue.")
    ] = False,
    by: Annotated[str, typer.Option("--by", help="Name of the person who decides.")] = "",
    reason: Annotated[
        str, typer.Option("--reason", help="Why the numbers are right, such as an announcement.")
    ] = "",
) -> None:
    """Accept numbers that the checks withhold, or list them if no contract is named."""
    from harmonize.api.acceptance import Decision
    from harmonize.api.acceptance import accept as record
    from harmonize.api.audit import RequestError
    from harmonize.archive.archive import ArchiveError

    settings: Settings = context.obj
    place = settings.archive or own_archive()
    if contract and every:
        fail("--all and contracts exclude each other; use one of them", USAGE)
    try:
        if not contract and not every:
            raise typer.Exit(_list(settings, venue))
        decision = Decision(by, reason, datetime.now(UTC))
        accepted = record(place, venue, contract or (), decision)
    except RequestError as error:
        fail(str(error), USAGE)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)
    count = counted(sum(len(own.contracts) for own in accepted), "contract")
    print_line(f"{venue}: {count} accepted by {by.strip()}: {reason.strip()}")


def _list(settings: Settings, venue: str) -> int:
    """Prints the withheld contracts of a venue, and returns 3 if there are any."""
    from harmonize.api.acceptance import withheld_contracts

    entry, withheld = withheld_contracts(settings.archive or own_archive(), venue)
    for own in withheld:
        print_line(f"{own.symbol}  {own.contract_id}  {'; '.join(own.reasons)}")
    day = f"{entry.observed_at:%Y-%m-%d}"
    print_line(f"{venue}, snapshot of {day}: {counted(len(withheld), 'contract')} withheld")
    return INCOMPLETE if withheld else OK
