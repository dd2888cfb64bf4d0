"""The command of the scheduled night: its options, its lock, what it says, its exit code."""

import os
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harmonize.cli import request
from harmonize.cli.console import (
    INCOMPLETE,
    USAGE,
    FailOn,
    Settings,
    fail,
    note,
    one_line,
    own_archive,
)
from harmonize.cli.fetch import Budget, Keys, Mirror, outcomes_of, unreachable, wanted_of
from harmonize.cli.options import (
    ConfigOption,
    FailOnOption,
    InputsOption,
    Rules,
    Underlyings,
    Venues,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harmonize.api.gather import GatherRequest
    from harmonize.api.question import Question
    from harmonize.archive.location import Place
    from harmonize.config.channels import Channel
    from harmonize.config.run_settings import RunSettings
    from harmonize.nightly.notice import Notice
    from harmonize.nightly.outbox import Sender
    from harmonize.nightly.run import RunResult, SiteRenderers


def run(
    context: typer.Context,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the site; else the configuration's.")
    ] = None,
    venue: Venues = None,
    underlying: Underlyings = None,
    rules: Rules = None,
    inputs: InputsOption = None,
    config: ConfigOption = None,
    fail_on: FailOnOption = FailOn.ERROR,
    budget: Budget = 600.0,
    keys: Keys = None,
    mirror: Mirror = "",
) -> None:
    """Do a night's work: gather, archive, audit, report, changes, notices; twice a night is once."""
    from harmonize.document import Level
    from harmonize.nightly import run as nightly
    from harmonize.nightly.site import Site
    from rules.loader import RuleError

    settings: Settings = context.obj
    question = _question(settings, venue, underlying, rules, inputs, config)
    chosen = _settings(question)
    wanted = wanted_of(settings, venue, budget, keys, mirror)
    _check(question, wanted)
    site = Site(out or _beside(question.options.config, chosen.site))
    level = None if fail_on is FailOn.NEVER else Level(fail_on.value)
    task = nightly.Task(question, site, chosen, level)

    def gather(venues: tuple[str, ...]) -> bool:
        asking = replace(wanted, venues=venues)
        reached = outcomes_of(settings, asking) is not None
        if not reached:
            note(settings, unreachable(asking))
        return reached

    door = nightly.RunServices(lambda: datetime.now(UTC), gather, _pages(chosen), _sender())
    try:
        with _locked(settings.archive or own_archive()):
            done = nightly.run(task, door)
    except RuleError as error:
        fail(str(error), USAGE)
    except nightly.RunAbortedError as error:
        _say_untold(error.untold)
        fail(str(error), error.exit_code)
    _say(settings, site.path, done)
    raise typer.Exit(done.exit_code)


def _question(
    settings: Settings,
    venue: list[str] | None,
    underlying: list[str] | None,
    rules: list[str] | None,
    inputs: Path | None,
    config: Path | None,
) -> "Question":
    from harmonize.api.question import Question

    selection = request.selection(settings, venue=venue, underlying=underlying, rules=rules)
    own = replace(selection, archive=settings.archive or own_archive())
    return Question.of(own, request.options(inputs=inputs, config=config))


def _settings(question: "Question") -> "RunSettings":
    """What the configuration says of the night; a bad one ends the program before anything is asked."""
    from harmonize.checks import CHECKS
    from harmonize.config import (
        run_values,
        schema,
    )
    from harmonize.config.run_settings import RunSettings
    from rules.loader import RuleError

    if question.options.config is None:
        return RunSettings()
    options = {one.code: tuple(each.name for each in one.options) for one in CHECKS}
    try:
        found = schema.load(question.options.config, options)
        return run_values.settings(found.run, question.options.config, os.environ)
    except RuleError as error:
        fail(str(error), USAGE)


def _check(question: "Question", wanted: "GatherRequest") -> None:
    """Hold venues, rules and figures to be there, before anything is asked."""
    from harmonize.api.audit import configured, rule_sets_of
    from harmonize.api.gather import GatheringError, chosen
    from harmonize.config import inputs_file
    from rules.loader import RuleError

    try:
        chosen(wanted)
        found = configured(question.options.config)
        rule_sets_of(question.rules or found.rules)
        if (inputs := question.options.inputs or found.inputs) is not None:
            inputs_file.load(inputs)
    except (GatheringError, RuleError) as error:
        fail(str(error), USAGE)


def _beside(config: Path | None, named: str) -> Path:
    return (config.parent if config else Path()) / named


@contextmanager
def _locked(place: "Place") -> "Iterator[None]":
    """Let one run at a time work on an archive; another ends with one line."""
    from filelock import FileLock, Timeout

    from harmonize.history import derived

    path = derived.lock_of(place)
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        fail(f"another run works on {place}; wait until it ends (its lock is {path})", INCOMPLETE)
    except OSError as error:
        fail(f"{path} cannot be locked: {error.strerror}; name an archive of yours", USAGE)
    try:
        yield
    finally:
        lock.release()


def _pages(settings: "RunSettings") -> "SiteRenderers":
    from harmonize.nightly.run import SiteRenderers
    from reports.registry import render
    from reports.site import pages

    told = pages.Site(settings.title, settings.base_url)
    return SiteRenderers(
        report=lambda document: render("html", document),
        changes=lambda nights, months: pages.changes_page(nights, months, told),
        month=lambda month, nights, around: pages.month_page(month, nights, around, told),
        feed=lambda nights: pages.feed(nights, told),
        latest=lambda night: pages.latest(night, told),
    )


def _sender() -> "Sender":
    def send(notice: "Notice", channels: "Sequence[Channel]") -> list[tuple[int, str]]:
        from harmonize.nightly import delivery

        failed = delivery.send(notice, channels, delivery.own_door(os.environ))
        return [(one.position, one.reason) for one in failed]

    return send


def _say(settings: Settings, site: Path, done: "RunResult") -> None:
    night = done.night
    for line in night.errors:
        note(settings, f"incomplete: {line}")
    _say_untold(done.untold)
    gathered_ = sum(one.status == "gathered" for one in night.venues)
    typer.echo(
        f"{night.night}: {gathered_} venues gathered, {len(night.changes)} changes, "
        f"{len(night.new_findings)} findings new or worse, {len(night.errors)} "
        f"error{'' if len(night.errors) == 1 else 's'}; {site}"
    )


def _say_untold(lines: "Sequence[str]") -> None:
    for line in lines:
        typer.echo(f"error: not told: {one_line(line)}", err=True)
