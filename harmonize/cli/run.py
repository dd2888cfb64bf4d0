"""The run command for scheduled nights: options, lock, output, exit code."""

import os
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harmonize.cli import fetch_market, request
from harmonize.cli.console import (
    INCOMPLETE,
    USAGE,
    FailOn,
    Settings,
    fail,
    fail_with,
    note,
    own_archive,
    print_error,
    print_line,
    print_text,
)
from harmonize.cli.fetch import (
    KeysOption,
    MarketDataOption,
    MirrorOption,
    TimeoutOption,
    gather_request_of,
    unreachable_message,
)
from harmonize.cli.fetch import gather as gather_venues
from harmonize.cli.options import (
    AdequacyOption,
    ConfigOption,
    FailOnOption,
    InputsOption,
    Rules,
    StressOption,
    ThresholdsOption,
    Underlyings,
    Venues,
)
from harmonize.text.messages import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harmonize.api.gather import GatherRequest
    from harmonize.api.question import AnswerOptions, Question, Selection
    from harmonize.archive.location import ArchiveLocation
    from harmonize.config.channels import Channel
    from harmonize.config.run_settings import RunSettings
    from harmonize.nightly.notice import Notice
    from harmonize.nightly.outbox import Sender
    from harmonize.nightly.run import RunResult, SiteRenderers


def run(
    context: typer.Context,
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder of the site (default: as configured)."),
    ] = None,
    venue: Venues = None,
    underlying: Underlyings = None,
    rules: Rules = None,
    inputs: InputsOption = None,
    config: ConfigOption = None,
    fail_on: FailOnOption = FailOn.ERROR,
    timeout: TimeoutOption = 600.0,
    keys: KeysOption = None,
    mirror: MirrorOption = "",
    market_data: MarketDataOption = False,
    adequacy: AdequacyOption = False,
    thresholds: ThresholdsOption = False,
    stress: StressOption = False,
) -> None:
    """Run one nightly cycle: gather, archive, audit, report, notify; a repeated run adds what is missing."""
    from harmonize.nightly import run as nightly
    from harmonize.nightly.site import Site
    from rules.loader import RuleError

    settings: Settings = context.obj
    selection = request.selection(settings, venue=venue, underlying=underlying, rules=rules)
    options = request.options(
        inputs=inputs, config=config, adequacy=adequacy, thresholds=thresholds, stress=stress
    )
    question = _question(settings, selection, options)
    chosen = _run_settings(question)
    gather_request = gather_request_of(settings, venue, timeout, keys, mirror)
    _check_request(question, gather_request)
    site = Site(out or _site_path(question.options.config, chosen.site))
    task = nightly.Task(question, site, chosen, request.fail_threshold(fail_on))

    def gather(venues: tuple[str, ...]) -> bool:
        of_venues = replace(gather_request, venues=venues)
        is_reached = gather_venues(settings, of_venues) is not None
        if market_data and is_reached:
            print_text(fetch_market.gather(gather_request, underlying or (), None))
        if not is_reached:
            note(settings, unreachable_message(of_venues))
        return is_reached

    services = nightly.RunServices(
        lambda: datetime.now(UTC),
        gather,
        _renderers(chosen),
        _sender(),
        lambda: request.thresholds_workers(question),
    )
    try:
        with _lock(settings.archive or own_archive()):
            result = nightly.run(task, services)
    except RuleError as error:
        fail_with(error, USAGE)
    except nightly.RunAbortedError as error:
        _print_undelivered(error.undelivered)
        fail(str(error), error.exit_code)
    _print_result(settings, site.path, result)
    raise typer.Exit(result.exit_code)


def _question(settings: Settings, selection: "Selection", options: "AnswerOptions") -> "Question":
    """Returns the question of a night, about the user's own archive."""
    from harmonize.api.question import Question

    own = replace(selection, archive=settings.archive or own_archive())
    return Question.of(own, options)


def _run_settings(question: "Question") -> "RunSettings":
    """Returns the configured settings; an invalid one ends the program before any request."""
    from harmonize.checks import CHECKS
    from harmonize.config import (
        run_values,
        schema,
    )
    from harmonize.config.run_settings import RunSettings
    from rules.loader import RuleError

    if question.options.config is None:
        return RunSettings()
    options = {check.code: {o.name: o.unit for o in check.options} for check in CHECKS}
    try:
        configuration = schema.load(question.options.config, options)
        return run_values.resolve_settings(configuration.run, question.options.config, os.environ)
    except RuleError as error:
        fail_with(error, USAGE)


def _check_request(question: "Question", gather_request: "GatherRequest") -> None:
    """Checks venues, rule sets and inputs before any request; an unknown one ends the program."""
    from harmonize.api.audit import load_rule_sets, read_configuration
    from harmonize.api.gather import GatheringError, requested_adapters
    from harmonize.config import inputs_file
    from rules.loader import RuleError

    try:
        requested_adapters(gather_request)
        configuration = read_configuration(question.options.config)
        load_rule_sets(question.rules or configuration.rules)
        if (inputs := question.options.inputs or configuration.inputs) is not None:
            inputs_file.load(inputs)
    except (GatheringError, RuleError) as error:
        fail_with(error, USAGE)


def _site_path(config: Path | None, site: str) -> Path:
    return (config.parent if config else Path()) / site


@contextmanager
def _lock(place: "ArchiveLocation") -> "Iterator[None]":
    """Locks an archive for one run; a concurrent run ends with an error."""
    from filelock import FileLock, Timeout

    from harmonize.history import derived

    path = derived.run_lock_path(place)
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        fail(f"{place}: another run is in progress; wait until it ends (lock: {path})", INCOMPLETE)
    except OSError as error:
        fail(f"{path}: cannot lock the archive: {error.strerror}; use an archive of yours", USAGE)
    try:
        yield
    finally:
        lock.release()


def _renderers(settings: "RunSettings") -> "SiteRenderers":
    from harmonize.nightly.run import SiteRenderers
    from reports.registry import render, report_files
    from reports.site import pages

    site = pages.Site(settings.title, settings.base_url)
    return SiteRenderers(
        report=lambda document: render("html", document),
        folder=lambda document: report_files(document, pages.NIGHTLY_FILES),
        changes=lambda nights, months: pages.changes_page(nights, months, site),
        month=lambda month, nights, around: pages.month_page(month, nights, around, site),
        feed=lambda nights: pages.feed(nights, site),
        latest=lambda night: pages.latest(night, site),
    )


def _sender() -> "Sender":
    def send(notice: "Notice", channels: "Sequence[Channel]") -> list[tuple[int, str]]:
        from harmonize.nightly import delivery

        failed = delivery.send(notice, channels, delivery.default_services(os.environ))
        return [(failure.position, failure.reason) for failure in failed]

    return send


def _print_result(settings: Settings, site: Path, result: "RunResult") -> None:
    night = result.night
    for line in night.errors:
        note(settings, f"incomplete: {line}")
    for line in result.notes:
        note(settings, line)
    _print_undelivered(result.undelivered)
    gathered = sum(venue.status == "gathered" for venue in night.venues)
    print_line(
        f"{night.night}: {counted(gathered, 'venue')} gathered, "
        f"{counted(len(night.changes), 'change')}, "
        f"{counted(len(night.new_findings), 'new or worse finding')}, "
        f"{counted(len(night.errors), 'error')}; {site}"
    )


def _print_undelivered(lines: "Sequence[str]") -> None:
    for line in lines:
        print_error(f"error: not delivered: {line}")
