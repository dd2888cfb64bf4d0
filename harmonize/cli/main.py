"""The command line: options in, data to stdout, everything else to stderr, an exit code."""

from pathlib import Path
from typing import Annotated

import typer

from harmonize.archive.location import place_of
from harmonize.cli import cross_venue, history, request, run
from harmonize.cli.archive import archive_app
from harmonize.cli.console import (
    USAGE,
    FailOn,
    Settings,
    fail,
    note,
    print_json,
    version_told,
    write,
    write_stdout,
)
from harmonize.cli.fetch import Budget, Keys, Mirror, fetch, gathered, said, unreachable, wanted_of
from harmonize.cli.options import (
    AsOf,
    ConfigOption,
    FailOnOption,
    FormOption,
    InputsOption,
    Instruments,
    Notionals,
    NoWaivers,
    OutputForm,
    ProfileOption,
    Rules,
    StaleAfter,
    StrictOption,
    Underlyings,
    Venues,
)
from harmonize.cli.rules import rules_app
from reports.registry import FORMATS

app = typer.Typer(
    name="harmonize",
    help="Compare the margin that crypto-derivatives venues ask, with rules and with one another.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(rules_app, name="rules")
app.add_typer(archive_app, name="archive")
app.command()(fetch)
cross_venue.add_to(app)
app.command()(history.diff)
app.command()(history.history)
app.command()(run.run)


@app.callback()
def options(
    context: typer.Context,
    archive: Annotated[
        str | None,
        typer.Option(
            "--archive",
            envvar="HARMONIZE_ARCHIVE",
            help="Archive folder, or URL as s3://bucket/margins; else your own, else the recorded one.",
        ),
    ] = None,
    *,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No notes on stderr.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tracebacks.")] = False,
    version: Annotated[  # noqa: ARG001 - acted on by its callback
        bool,
        typer.Option(
            "--version", help="The version.", callback=lambda value: version_told(wanted=value)
        ),
    ] = False,
) -> None:
    """Take the options that stand before the command."""
    context.obj = Settings(place_of(archive) if archive else None, quiet=quiet, verbose=verbose)


@app.command()
def report(
    context: typer.Context,
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder of the report.")] = Path("report"),
    venue: Venues = None,
    underlying: Underlyings = None,
    rules: Rules = None,
    as_of: AsOf = None,
    profile: ProfileOption = "",
    stale_after: StaleAfter = 30.0,
    instrument: Instruments = None,
    strict: StrictOption = False,
    inputs: InputsOption = None,
    config: ConfigOption = None,
    no_waivers: NoWaivers = False,
    fail_on: FailOnOption = FailOn.NEVER,
    gather_first: Annotated[
        bool, typer.Option("--fetch", help="Gather what can be reached first.")
    ] = False,
    budget: Budget = 90.0,
    keys: Keys = None,
    mirror: Mirror = "",
) -> None:
    """Audit, and write the HTML report: one file, index.html, that needs no other."""
    from reports.registry import render

    if gather_first:
        _gather_first(context.obj, venue, budget, keys, mirror)
    from harmonize.api.question import Question

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
    options = request.options(
        stale_after=stale_after, inputs=inputs, config=config, no_waivers=no_waivers
    )
    answer = request.answered(Question.of(selection, options).for_report())
    page = out / "index.html"
    write(page, render("html", answer.document))
    request.say_summary(context.obj, answer)
    typer.echo(str(page))
    raise typer.Exit(request.exit_code(context.obj, answer, fail_on))


def _gather_first(
    settings: Settings, venue: list[str] | None, budget: float, keys: Path | None, mirror: str
) -> None:
    """Gather what can be reached, and say in one line a venue what could not."""
    wanted = wanted_of(settings, venue, budget, keys, mirror)
    outcomes = gathered(settings, wanted)
    if outcomes is None:
        note(settings, unreachable(wanted))
        return
    for one in outcomes:
        venue_id, became, _, _, what = said(one)
        note(settings, f"{venue_id}: {became}: {what}")


@app.command()
def audit(
    context: typer.Context,
    *,
    form: Annotated[
        list[str] | None,
        typer.Option("--format", help=f"{', '.join(FORMATS)}; or FORMAT:FILE (repeatable)."),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", help="A file, not stdout.")] = None,
    venue: Venues = None,
    underlying: Underlyings = None,
    rules: Rules = None,
    as_of: AsOf = None,
    profile: ProfileOption = "",
    stale_after: StaleAfter = 30.0,
    instrument: Instruments = None,
    strict: StrictOption = False,
    inputs: InputsOption = None,
    config: ConfigOption = None,
    no_waivers: NoWaivers = False,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", help="Only what is new or worse than in this file.")
    ] = None,
    write_baseline: Annotated[
        Path | None, typer.Option("--write-baseline", help="Write the findings as a baseline.")
    ] = None,
    fail_on: FailOnOption = FailOn.ERROR,
) -> None:
    """Audit, and print the findings; in several formats at once if asked."""
    from harmonize.api.question import Question

    wanted = request.outputs(form or ["table"], output)
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
    options = request.options(
        stale_after=stale_after,
        inputs=inputs,
        config=config,
        no_waivers=no_waivers,
        baseline=baseline,
    )
    answer = request.answered(Question.of(selection, options))
    if write_baseline is not None:
        from harmonize.audit.baseline import written

        write(write_baseline, written(answer.whole))
    request.deliver(wanted, answer)
    raise typer.Exit(request.exit_code(context.obj, answer, fail_on))


@app.command()
def schedule(
    context: typer.Context,
    venue: str,
    symbol: str,
    *,
    notional: Notionals = None,
    profile: ProfileOption = "",
    as_of: AsOf = None,
    form: FormOption = OutputForm.TABLE,
) -> None:
    """Print one schedule: pieces, IM and MM at notionals; as JSON, the evidence of each number."""
    from harmonize.api import schedule_view
    from harmonize.core.notionals import NOTIONAL_GRID

    notionals = request.notionals(notional) or NOTIONAL_GRID
    selection = request.selection(context.obj, venue=[venue], as_of=as_of, profile=profile)
    found, payloads = request.found_schedule(context.obj, selection, symbol)
    if form is OutputForm.JSON:
        print_json(schedule_view.schedule_object(found, payloads, notionals))
    else:
        write_stdout(schedule_view.schedule_text(found, notionals).encode())


@app.command()
def explain(code: Annotated[str, typer.Argument(help="As MH301; without it, all.")] = "") -> None:
    """Print what a check tests and why; without a code, list the checks."""
    from harmonize import checks

    if not code:
        for one in checks.CHECKS:
            summary = (one.run.__doc__ or "").strip().splitlines()[0]
            typer.echo(f"{one.code}  {one.name:<28} {summary}")
        return
    check = checks.find(code)
    if check is None:
        known = ", ".join(one.code for one in checks.CHECKS)
        fail(f"no check has code {code}; there are {known}", USAGE)
    write_stdout(checks.explain(check).encode())


@app.command()
def venues(context: typer.Context) -> None:
    """List the venues: how each is asked, what of it was read, and how far that is known."""
    from harmonize.api.coverage import text

    write_stdout(text(request.read(request.selection(context.obj))).encode())
