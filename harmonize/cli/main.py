"""The command line: data on stdout, everything else on stderr, an exit code."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harmonize.archive.location import parse_location
from harmonize.cli import compare, cross_venue, history, proposal, request, run, sheets, tables
from harmonize.cli import stress as stress_command
from harmonize.cli.accept import accept
from harmonize.cli.adequacy import adequacy
from harmonize.cli.archive import archive_app
from harmonize.cli.assets import assets
from harmonize.cli.calibrate import calibrate
from harmonize.cli.console import (
    USAGE,
    FailOn,
    Settings,
    fail,
    note,
    print_json,
    print_line,
    print_text,
    print_version,
    write,
)
from harmonize.cli.deprecated import Program
from harmonize.cli.fetch import (
    KeysOption,
    MirrorOption,
    TimeoutOption,
    fetch,
    gather_or_fail,
    gather_request_of,
    outcome_row,
    unreachable_message,
)
from harmonize.cli.options import (
    AdequacyOption,
    AsOf,
    ConfigOption,
    FailOnOption,
    FormOption,
    IgnoreWaivers,
    InputsOption,
    Instruments,
    Notionals,
    OutputForm,
    ProfileOption,
    Rules,
    StaleAfter,
    StressOption,
    ThresholdsOption,
    Underlyings,
    Venues,
    VerifiedOnlyOption,
)
from harmonize.cli.rules import rules_app
from harmonize.cli.thresholds import thresholds
from harmonize.cli.verify import verify
from harmonize.text.suggest import did_you_mean
from reports.finding_order import FindingOrder
from reports.formats.sheets import record_sheet
from reports.registry import FORMATS

if TYPE_CHECKING:
    from harmonize.document import AuditDocument

app = typer.Typer(
    name="harmonize",
    cls=Program,
    help="Compare margin requirements of crypto-derivatives venues with each other and with rule sets.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(rules_app, name="rules")
app.add_typer(archive_app, name="archive")
app.command()(fetch)
app.command()(accept)
app.command()(adequacy)
app.command()(assets)
app.command()(calibrate)
app.command()(compare.compare)
app.command("try")(proposal.try_)
cross_venue.add_to(app)
app.command()(history.diff)
app.command()(history.history)
app.command()(run.run)
app.command()(thresholds)
app.command()(stress_command.stress)
app.command()(verify)


@app.callback()
def options(
    context: typer.Context,
    archive: Annotated[
        str | None,
        typer.Option(
            "--archive",
            envvar="HARMONIZE_ARCHIVE",
            help="Archive folder, or URL such as s3://bucket/margins (default: your own, or the recorded one).",
        ),
    ] = None,
    *,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Suppress progress and notes.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print every snapshot read, and tracebacks.")
    ] = False,
    version: Annotated[  # noqa: ARG001 - acted on by its callback
        bool,
        typer.Option(
            "--version",
            help="Version of the program.",
            callback=lambda value: print_version(requested=value),
        ),
    ] = False,
) -> None:
    """Stores the options before the command."""
    context.obj = Settings(
        parse_location(archive) if archive else None, quiet=quiet, verbose=verbose
    )


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
    verified_only: VerifiedOnlyOption = False,
    inputs: InputsOption = None,
    config: ConfigOption = None,
    ignore_waivers: IgnoreWaivers = False,
    fail_on: FailOnOption = FailOn.NEVER,
    thresholds: ThresholdsOption = False,
    gather_first: Annotated[
        bool, typer.Option("--fetch", help="Gather the reachable venues first.")
    ] = False,
    timeout: TimeoutOption = 90.0,
    keys: KeysOption = None,
    mirror: MirrorOption = "",
    pdf: Annotated[
        bool, typer.Option("--pdf", help="Print the pages of the navigation to PDF beside them.")
    ] = False,
    pdf_page: Annotated[
        list[str] | None,
        typer.Option(
            "--pdf-page",
            help="Page to print to PDF, such as underlyings/eth.html (repeatable).",
        ),
    ] = None,
    browser: Annotated[
        str,
        typer.Option(
            "--browser",
            envvar="HARMONIZE_BROWSER",
            help="Chromium, Chrome or Edge that prints (default: the first on PATH).",
        ),
    ] = "",
    stress: StressOption = False,
) -> None:
    """Audit and write the report: a folder of pages, tables and charts; index.html comes first."""
    request.check_report_folder(out)
    printer = request.find_printer(browser) if pdf or pdf_page else ""
    if gather_first:
        _gather_first(context.obj, venue, timeout, keys, mirror)
    from harmonize.api.question import Question

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
    options = request.options(
        stale_after=stale_after,
        inputs=inputs,
        config=config,
        no_waivers=ignore_waivers,
        adequacy=True,
        thresholds=thresholds,
        stress=stress,
    )
    answer = request.write_report(out, Question.of(selection, options))
    print_line(str(out / "index.html"))
    _print_summary(context.obj, answer.document)
    if printer:
        request.print_report(context.obj, out, printer, pdf_page or (), is_whole=pdf)
    raise typer.Exit(request.exit_code(context.obj, answer, fail_on))


def _print_summary(settings: Settings, document: "AuditDocument") -> None:
    """Prints three lines of result on stderr, and every snapshot read with ``--verbose``."""
    from harmonize.cli import report_text

    for line in report_text.summary(document):
        note(settings, line)
    if settings.verbose:
        for line in report_text.snapshot_lines(document):
            note(settings, line)


def _gather_first(
    settings: Settings, venue: list[str] | None, timeout: float, keys: Path | None, mirror: str
) -> None:
    """Gathers the reachable venues and prints a line per venue."""
    gather_request = gather_request_of(settings, venue, timeout, keys, mirror)
    outcomes = gather_or_fail(settings, gather_request)
    if outcomes is None:
        note(settings, unreachable_message(gather_request))
        return
    for outcome in outcomes:
        venue_id, status, _, _, detail = outcome_row(outcome)
        note(settings, f"{venue_id}: {status}: {detail}")


@app.command()
def audit(
    context: typer.Context,
    *,
    form: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help=f"Output format: {', '.join(FORMATS)}; with a file as FORMAT:FILE (repeatable).",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Output file (default: stdout).")
    ] = None,
    venue: Venues = None,
    underlying: Underlyings = None,
    rules: Rules = None,
    as_of: AsOf = None,
    profile: ProfileOption = "",
    stale_after: StaleAfter = 30.0,
    instrument: Instruments = None,
    verified_only: VerifiedOnlyOption = False,
    inputs: InputsOption = None,
    config: ConfigOption = None,
    ignore_waivers: IgnoreWaivers = False,
    baseline: Annotated[
        Path | None,
        typer.Option(
            "--baseline", help="Baseline file; only new or worsened findings are reported."
        ),
    ] = None,
    write_baseline: Annotated[
        Path | None,
        typer.Option("--write-baseline", help="File for a new baseline of the findings."),
    ] = None,
    top: Annotated[
        int | None, typer.Option("--top", min=1, help="Number of findings in the table.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="List all findings in the table.")] = False,
    sort: Annotated[
        FindingOrder | None,
        typer.Option("--sort", help="Order of the findings in the table (default: severity)."),
    ] = None,
    fail_on: FailOnOption = FailOn.ERROR,
    adequacy: AdequacyOption = False,
    stress: StressOption = False,
    thresholds: ThresholdsOption = False,
) -> None:
    """Audit and print the findings, in one or several formats."""
    from harmonize.api.question import Question

    outputs = request.parse_outputs(form or ["table"], output)
    listing = request.finding_selection(outputs, top, sort, every=every)
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
    options = request.options(
        stale_after=stale_after,
        inputs=inputs,
        config=config,
        no_waivers=ignore_waivers,
        baseline=baseline,
        adequacy=adequacy,
        stress=stress,
        thresholds=thresholds,
    )
    answer = request.answer(Question.of(selection, options))
    if write_baseline is not None:
        from harmonize.audit.baseline import following_baseline

        write(write_baseline, following_baseline(answer.whole, options.baseline))
    request.write_outputs(outputs, answer, listing)
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
    """Print one schedule: pieces, IM and MM per notional; as JSON, with the evidence of each number."""
    from harmonize.api import schedule_view
    from harmonize.core.notionals import NOTIONAL_GRID

    notionals = request.parse_notionals(notional) or NOTIONAL_GRID
    selection = request.selection(context.obj, venue=[venue], as_of=as_of, profile=profile)
    request.note_date(context.obj, selection)
    margins, payloads = request.find_schedule(context.obj, selection, symbol)
    if form is OutputForm.JSON:
        print_json(schedule_view.schedule_object(margins, payloads, notionals))
    elif form is OutputForm.CSV:
        sheets.print_csv(tables.schedule_sheet(margins, notionals))
    else:
        as_of = request.age_reference(selection)
        print_text(schedule_view.schedule_text(margins, notionals, as_of))


@app.command()
def explain(
    code: Annotated[str, typer.Argument(help="Code of a check, such as MH301.")] = "",
    form: FormOption = OutputForm.TABLE,
) -> None:
    """Print what a check tests and why; without a code, list the checks."""
    from harmonize import checks

    if not code:
        _print_checks(form)
        return
    if form is not OutputForm.TABLE:
        fail("--format applies to the list of checks; omit it, or the code", USAGE)
    selected = checks.find(code)
    if selected is None:
        names = [name for check in checks.CHECKS for name in (check.code, check.name)]
        fallback = "see `harmonize explain` for the checks"
        fail(f"unknown check {code}{did_you_mean(code, names, fallback)}", USAGE)
    print_text(checks.explain(selected))


def _print_checks(form: OutputForm) -> None:
    from harmonize import checks

    records = [tables.check_record(check) for check in checks.CHECKS]
    if form is OutputForm.JSON:
        print_json(records)
    elif form is OutputForm.CSV:
        sheets.print_csv(record_sheet("Checks", records))
    else:
        for record in records:
            print_line(f"{record['code']}  {record['name']:<28} {record['meaning']}")


@app.command()
def venues(context: typer.Context, form: FormOption = OutputForm.TABLE) -> None:
    """List the venues: how each is gathered, what was read, and what is known."""
    from harmonize.api.coverage import coverage_by_venue, coverage_text

    reading = request.read(request.selection(context.obj))
    if form is OutputForm.TABLE:
        print_text(coverage_text(reading))
        return
    records = tables.venue_records(coverage_by_venue(reading))
    if form is OutputForm.JSON:
        print_json(records)
    else:
        sheets.print_csv(record_sheet("Venues", records))
