"""Options that several commands share."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from harmonize.cli.console import FailOn


class OutputForm(StrEnum):
    """Output format of a command with one result."""

    TABLE = "table"
    JSON = "json"


Venues = Annotated[list[str] | None, typer.Option("--venue", help="Only this venue (repeatable).")]
Underlyings = Annotated[
    list[str] | None, typer.Option("--underlying", help="Only this asset, as BTC (repeatable).")
]
Rules = Annotated[
    list[str] | None,
    typer.Option("--rules", help="A pack or a YAML file (repeatable); every pack if not given."),
]
AsOf = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=["%Y-%m-%d"], help="Read only what was observed by this day."),
]
ProfileOption = Annotated[str, typer.Option("--profile", help="As 'isolated' or 'retail'.")]
StaleAfter = Annotated[
    float, typer.Option("--stale-after", min=0.0, help="Days after which a snapshot is stale.")
]
Instruments = Annotated[
    list[str] | None,
    typer.Option("--instrument", help="VENUE:UNDERLYING=SYMBOL to compare instead (repeatable)."),
]
FailOnOption = Annotated[
    FailOn, typer.Option("--fail-on", help="Exit with 1 from findings of this level up.")
]
Notionals = Annotated[
    list[float] | None, typer.Option("--notional", help="Position size in USD (repeatable).")
]
VerifiedOnlyOption = Annotated[
    bool, typer.Option("--strict", help="Leave out margins that no source verifies.")
]
InputsOption = Annotated[
    Path | None, typer.Option("--inputs", help="YAML file of measured inputs for models.")
]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="Configuration; without it .harmonize.yaml here, if any."),
]
IgnoreWaivers = Annotated[bool, typer.Option("--no-waivers", help="Show what waivers cover too.")]
FormOption = Annotated[OutputForm, typer.Option("--format", help="How to print it.")]
