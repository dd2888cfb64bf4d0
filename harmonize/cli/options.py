"""Options that several commands share."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from harmonize.cli.console import FailOn


class OutputForm(StrEnum):
    """Output format of a command that prints a table."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


class SheetForm(StrEnum):
    """Output format of a command whose table is also a workbook."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    XLSX = "xlsx"


Venues = Annotated[
    list[str] | None, typer.Option("--venue", help="Venue to include (repeatable; default all).")
]
Underlyings = Annotated[
    list[str] | None,
    typer.Option(
        "--underlying", help="Underlying to include, such as BTC (repeatable; default all)."
    ),
]
Rules = Annotated[
    list[str] | None,
    typer.Option("--rules", help="Rule set, by id or YAML file (repeatable; default all)."),
]
AsOf = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=["%Y-%m-%d"], help="Latest observation date to read."),
]
ProfileOption = Annotated[
    str, typer.Option("--profile", help="Margin profile, such as 'isolated' or 'retail'.")
]
StaleAfter = Annotated[
    float,
    typer.Option("--stale-after", min=0.0, help="Age from which a snapshot is stale, in days."),
]
Instruments = Annotated[
    list[str] | None,
    typer.Option(
        "--instrument", help="Schedule to compare, as VENUE:UNDERLYING=SYMBOL (repeatable)."
    ),
]
FailOnOption = Annotated[
    FailOn,
    typer.Option(
        "--fail-on",
        help="Lowest level of finding with exit code 1; breach is one of a statute, at any level.",
    ),
]
Notionals = Annotated[
    list[str] | None,
    typer.Option(
        "--notional", metavar="USD", help="Position size, in USD, such as 5m or 250k (repeatable)."
    ),
]
VerifiedOnlyOption = Annotated[
    bool, typer.Option("--verified-only", help="Exclude margins without a verified source.")
]
InputsOption = Annotated[
    Path | None, typer.Option("--inputs", help="YAML file of measured inputs for models.")
]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="Configuration file (default .harmonize.yaml, if present)."),
]
AdequacyOption = Annotated[
    bool, typer.Option("--adequacy", help="Test margins against past prices as well.")
]
StressOption = Annotated[
    bool, typer.Option("--stress", help="Simulate a sudden fall of 10 % as well.")
]
ThresholdsOption = Annotated[
    bool,
    typer.Option("--thresholds", help="Test models of daily margin thresholds too: a minute."),
]
IgnoreWaivers = Annotated[
    bool, typer.Option("--ignore-waivers", help="Report waived findings as well.")
]
SheetFormOption = Annotated[SheetForm, typer.Option("--format", help="Output format.")]
OutputOption = Annotated[
    Path | None, typer.Option("--output", help="Output file (default: stdout).")
]
FormOption = Annotated[OutputForm, typer.Option("--format", help="Output format.")]
