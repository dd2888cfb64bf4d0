"""Command ``try``: a proposed schedule, judged before it is published."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harmonize.cli import request, sheets
from harmonize.cli.compare import answer_or_fail
from harmonize.cli.console import FINDINGS, INCOMPLETE, OK, USAGE, FailOn, fail, note
from harmonize.cli.cross_venue import parse_rate
from harmonize.cli.options import (
    AsOf,
    ConfigOption,
    FailOnOption,
    Notionals,
    OutputOption,
    Rules,
    SheetForm,
    SheetFormOption,
    Venues,
)

if TYPE_CHECKING:
    from harmonize.api.proposal import JudgedProposal
    from harmonize.comparison.proposal import Proposal

_MAX_LEVERAGE = 10_000


def try_(
    context: typer.Context,
    *,
    underlying: Annotated[
        str, typer.Option("--underlying", help="Underlying of the proposal, such as SOL.")
    ] = "",
    leverage: Annotated[
        float | None, typer.Option("--leverage", help="Leverage at every size, instead of a file.")
    ] = None,
    maintenance_rate: Annotated[
        str, typer.Option("--maintenance-rate", help="MM rate beside --leverage, as 0.4%.")
    ] = "",
    tiers: Annotated[
        Path | None, typer.Option("--tiers", help="YAML or CSV file of proposed tiers.")
    ] = None,
    tier_rule: Annotated[
        str, typer.Option("--tier-rule", help="Rule of the tiers of the file: flat or marginal.")
    ] = "",
    name: Annotated[
        str, typer.Option("--name", help="Name of the proposal; that of a venue replaces its own.")
    ] = "",
    notional: Notionals = None,
    rules: Rules = None,
    venue: Venues = None,
    as_of: AsOf = None,
    config: ConfigOption = None,
    fail_on: FailOnOption = FailOn.NEVER,
    form: SheetFormOption = SheetForm.TABLE,
    output: OutputOption = None,
) -> None:
    """Judge a proposed schedule: verdicts, smallest change, findings, rank, effect on the gap."""
    from harmonize.api.proposal import judge_proposal
    from harmonize.api.question import Question

    if (tiers is None) == (leverage is None):
        found = "neither" if tiers is None else "both"
        fail(f"expected --tiers or --leverage, found {found}; use one of the two", USAGE)
    if tier_rule not in {"", "flat", "marginal"}:
        fail(f"--tier-rule: expected flat or marginal, found {tier_rule!r}", USAGE)
    if underlying:
        request.asset_name(underlying, "--underlying")
    proposal = (
        _of_file(tiers, name, underlying, tier_rule)
        if tiers is not None
        else _of_leverage(leverage or 0.0, maintenance_rate, name, underlying)
    )
    selection = request.selection(context.obj, venue=venue, rules=rules, as_of=as_of)
    if sizes := request.parse_notionals(notional):
        selection = replace(selection, notional_grid=sizes)
    question = Question.of(selection, request.options(config=config))
    judged = answer_or_fail(lambda: judge_proposal(question, proposal))
    _print(judged, form, output)
    for line in judged.notes:
        note(context.obj, f"note: {line}")
    for line in judged.missing:
        note(context.obj, f"incomplete: {line}")
    raise typer.Exit(_exit_code(judged, fail_on))


def _of_file(path: Path, name: str, underlying: str, tier_rule: str) -> "Proposal":
    from harmonize.config import proposal_file

    overrides = proposal_file.Overrides(name, underlying, tier_rule)
    return answer_or_fail(lambda: proposal_file.load(path, overrides))


def _of_leverage(leverage: float, maintenance_rate: str, name: str, underlying: str) -> "Proposal":
    from harmonize.comparison.proposal import one_tier

    if not underlying:
        fail("--leverage: missing underlying; add --underlying, such as --underlying SOL", USAGE)
    if not (isfinite(leverage) and 1.0 <= leverage <= _MAX_LEVERAGE):
        limits = f"from 1 to {_MAX_LEVERAGE:,}"
        fail(f"--leverage: expected a number {limits}, found {leverage:g}", USAGE)
    rate = parse_rate(maintenance_rate, "--maintenance-rate") if maintenance_rate else None
    return one_tier(
        name or "proposal",
        underlying,
        Decimal(repr(leverage)),
        None if rate is None else Decimal(repr(rate)),
    )


def _print(judged: "JudgedProposal", form: SheetForm, output: Path | None) -> None:
    from harmonize.cli import proposal_text

    sheets.print_answer(
        sheets.Printout(
            value=judged.as_object,
            table=lambda: proposal_text.proposal_sheets(judged)[0],
            pages=lambda: proposal_text.proposal_sheets(judged),
            text=lambda: proposal_text.proposal_text(judged),
            title=f"Proposed schedule of {judged.name} on {judged.underlying}",
            created=datetime.fromisoformat(judged.as_of),
        ),
        form,
        output,
    )


def _exit_code(judged: "JudgedProposal", fail_on: FailOn) -> int:
    if judged.missing:
        return INCOMPLETE
    threshold = request.fail_threshold(fail_on)
    has_failed = threshold is not None and any(x.reaches(threshold) for x in judged.findings)
    return FINDINGS if has_failed else OK
