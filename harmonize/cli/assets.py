"""The assets command: what codes mean, and which contracts are compared under a name."""

from typing import TYPE_CHECKING, Annotated

import typer

from harmonize.cli import request, sheets, tables
from harmonize.cli.console import INCOMPLETE, USAGE, Settings, fail, print_json, print_line
from harmonize.cli.options import AsOf, FormOption, OutputForm
from harmonize.text.messages import observation_day

if TYPE_CHECKING:
    from harmonize.api.assets import AssetContract
    from venues.assets import AssetEntry


def assets(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="Asset, or code of a venue (default: the whole table).")
    ] = None,
    *,
    as_of: AsOf = None,
    form: FormOption = OutputForm.TABLE,
) -> None:
    """List what codes of venues mean, and how contracts are joined under one name."""
    from harmonize.api.assets import known_assets
    from harmonize.api.audit import RequestError
    from harmonize.archive.archive import ArchiveError

    settings: Settings = context.obj
    selection = request.selection(settings, as_of=as_of)
    request.note_date(settings, selection)
    try:
        known = known_assets(selection, name or "")
    except RequestError as error:
        fail(str(error), USAGE)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)
    if name and not known.entries and not known.contracts:
        from harmonize.api.audit import read, similar_underlying

        similar = similar_underlying(name, read(selection)[0])
        fix = f"; did you mean {similar}?" if similar else ""
        message = f"no contract on {name} was observed, and the table of assets has no {name}{fix}"
        fail(message, USAGE)
    if form is OutputForm.JSON:
        print_json(known.as_object())
        return
    if form is OutputForm.CSV:
        sheets.print_csv(tables.asset_sheet(known))
        return
    for entry in known.entries:
        print_line(_entry_line(entry))
    if known.entries and known.contracts:
        print_line("")
    for contract in known.contracts:
        print_line(_contract_line(contract))


def _entry_line(entry: "AssetEntry") -> str:
    coins = f" = {entry.coins} {entry.asset}" if entry.coins > 1 else f" is {entry.asset}"
    where = f" at {', '.join(entry.venues)}" if entry.venues else ""
    period = f" {entry.period}" if entry.period else ""
    return f"{entry.code}{coins}{where}{period} ({entry.relation}): {entry.source}"


def _contract_line(contract: "AssetContract") -> str:
    price = "no price" if contract.price is None else f"{contract.price:.6g} USD"
    day = observation_day(contract.observed_at, contract.observed_from, contract.date_kind)
    return (
        f"{contract.asset:<12} {contract.venue:<21} {contract.symbol:<22} {day}  {price:<16} "
        f"{contract.status}"
    )
