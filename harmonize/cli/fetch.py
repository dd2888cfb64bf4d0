"""The fetch command: options, progress, table of outcomes, exit code."""

import gc
import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harmonize.cli.console import (
    INCOMPLETE,
    OK,
    STOPPED,
    USAGE,
    Settings,
    fail,
    note,
    one_line,
    own_archive,
    write_stdout,
)

if TYPE_CHECKING:
    from harmonize.api.gather import GatherRequest
    from venues.gathering.client import Progress
    from venues.gathering.outcome import Outcome
    from venues.gathering.plan import Plan


class LogFormat(StrEnum):
    """Format of progress on stderr."""

    TEXT = "text"
    JSON = "json"


TimeoutOption = Annotated[float, typer.Option("--budget", help="Seconds that a venue may take.")]
KeysOption = Annotated[
    Path | None, typer.Option("--keys", help="YAML file of keys that only you can read (mode 600).")
]
MirrorOption = Annotated[
    str, typer.Option("--mirror", help="Ask URL/venue/host/path instead of the venues.")
]


def fetch(
    context: typer.Context,
    *,
    venue: Annotated[
        list[str] | None, typer.Option("--venue", help="Only this venue (repeatable).")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--plan", help="Print the calls and ask nothing.")
    ] = False,
    timeout: TimeoutOption = 600.0,
    keys: KeysOption = None,
    mirror: MirrorOption = "",
    log_format: Annotated[
        LogFormat, typer.Option("--log-format", help="How progress is told on stderr.")
    ] = LogFormat.TEXT,
) -> None:
    """Gather what venues publish into the archive; a venue that fails leaves the others whole."""
    settings: Settings = context.obj
    gather_request = gather_request_of(settings, venue, timeout, keys, mirror)
    if dry_run:
        _print_plan(gather_request)
        return
    outcomes = gather_or_fail(settings, gather_request, log_format)
    if outcomes is None:
        note(settings, unreachable_message(gather_request))
        raise typer.Exit(INCOMPLETE)
    write_stdout(_table(outcomes).encode())
    raise typer.Exit(exit_code(outcomes, by_name=bool(venue)))


def unreachable_message(gather_request: "GatherRequest") -> str:
    """Returns the line for a run in which no venue could be reached."""
    subject = (
        f"the mirror {gather_request.mirror} does"
        if gather_request.mirror
        else "no venue can be reached: they do"
    )
    return f"{subject} not answer from here; what is archived or recorded is read"


def gather_request_of(
    settings: Settings, venue: list[str] | None, timeout: float, keys: Path | None, mirror: str
) -> "GatherRequest":
    """Returns the request that the options describe; an invalid option ends the program."""
    from harmonize.api.gather import GatherRequest, keyring
    from venues.gathering.credentials import CredentialsError

    if not isfinite(timeout) or timeout <= 0:
        fail(f"--budget is a number of seconds above 0, was {timeout:g}", USAGE)
    if mirror and not mirror.startswith(("http://", "https://")):
        fail(f"--mirror is a URL that begins with http:// or https://, was {mirror!r}", USAGE)
    if mirror:
        _check_mirror(mirror)
    try:
        credentials = keyring(os.environ, keys)
    except CredentialsError as error:
        fail(str(error), USAGE)
    return GatherRequest(
        settings.archive or own_archive(), tuple(venue or ()), timeout, mirror, credentials
    )


def _check_mirror(mirror: str) -> None:
    from venues.gathering.reachability import place

    try:
        host, _, _ = place(mirror)
    except ValueError as error:
        fail(f"--mirror names no place: {error}", USAGE)
    if not host:
        fail(f"--mirror names no host: {mirror!r}; as http://127.0.0.1:8080", USAGE)


def gather_or_fail(
    settings: Settings, gather_request: "GatherRequest", log_format: LogFormat = LogFormat.TEXT
) -> "tuple[Outcome, ...] | None":
    """Gathers like ``gather``; an archive error ends the program."""
    from harmonize.archive.archive import ArchiveError

    try:
        return gather(settings, gather_request, log_format)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)


def gather(
    settings: Settings, gather_request: "GatherRequest", log_format: LogFormat = LogFormat.TEXT
) -> "tuple[Outcome, ...] | None":
    """Gathers with progress; None if no venue can be reached. Raises ArchiveError."""
    from harmonize.api.gather import GatheringError, chosen, fetched, reachable

    gc.enable()  # a long run of many small answers
    try:
        adapters = chosen(gather_request)
        if not reachable(gather_request):
            return None
        with _ProgressDisplay(settings, log_format, [adapter.venue for adapter in adapters]) as (
            on_progress,
            on_outcome,
        ):
            return fetched(gather_request, on_progress, on_outcome)
    except GatheringError as error:
        fail(str(error), USAGE)
    except KeyboardInterrupt:
        fail("stopped; the venues gather_or_fail until then are archived, whole", STOPPED)


def exit_code(outcomes: "Sequence[Outcome]", *, by_name: bool) -> int:
    """Returns 3 if a venue failed, lacks market data, or was named and not gathered; otherwise 0."""
    from venues.gathering.outcome import Failed, Gathered, Skipped

    for outcome in outcomes:
        if isinstance(outcome, Failed) or (isinstance(outcome, Gathered) and outcome.missing):
            return INCOMPLETE
        if isinstance(outcome, Skipped) and by_name:
            return INCOMPLETE
    return OK


def outcome_row(outcome: "Outcome") -> tuple[str, str, str, str, str]:
    """Returns an outcome as a row: venue, status, calls, seconds, detail."""
    from venues.gathering.outcome import Gathered, Skipped

    if isinstance(outcome, Skipped):
        return (outcome.venue, "not asked", "", "", outcome.reason)
    calls, seconds = f"{outcome.requests:,}", f"{outcome.seconds:.1f}"
    if not isinstance(outcome, Gathered):
        return (outcome.venue, "failed", calls, seconds, outcome.reason)
    detail = f"{len(outcome.snapshot.payloads)} answers"
    if outcome.missing:
        detail += f", without {'; '.join(outcome.missing)}"
    return (outcome.snapshot.venue, "gathered", calls, seconds, detail)


def _table(outcomes: "Sequence[Outcome]") -> str:
    rows = [("venue", "became", "calls", "seconds", "what"), *map(outcome_row, outcomes)]
    return "".join(
        f"{venue:<22} {status:<9} {calls:>6} {seconds:>8}  {one_line(detail)}\n"
        for venue, status, calls, seconds, detail in rows
    )


def _print_plan(gather_request: "GatherRequest") -> None:
    from harmonize.api.gather import GatheringError, planned
    from harmonize.archive.archive import ArchiveError

    try:
        plans = planned(gather_request)
    except GatheringError as error:
        fail(str(error), USAGE)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)
    write_stdout(plan_text(plans).encode())


def plan_text(plans: "Sequence[Plan]") -> str:
    """Returns the calls per venue, and the least time by its rate limit, as a table."""
    lines = [f"{'venue':<22} {'calls':>7} {'seconds':>8}  what is asked\n"]
    for plan in plans:
        if plan.skipped:
            lines.append(f"{plan.venue:<22} {'':>7} {'':>8}  not asked: {plan.skipped}\n")
            continue
        calls = f"{plan.calls:,}{'+' if plan.at_least else ''}"
        for number, step in enumerate(plan.steps):
            head = f"{plan.venue:<22} {calls:>7} {plan.floor:>8.1f}" if not number else " " * 39
            count = f"{step.calls:,}{'+' if step.at_least else ''}"
            lines.append(f"{head}  {count} x {step.endpoint.request}\n")
    requested = [plan for plan in plans if not plan.skipped]
    slowest = max(requested, key=lambda plan: plan.floor, default=None)
    if slowest is not None:
        total = sum(plan.calls for plan in requested)
        lines.append(
            f"{len(requested)} venues, {total:,} calls or more; rate limits set {slowest.floor:.1f} s "
            f"at least ({slowest.venue}). A + marks what depends on lists not gather_or_fail yet.\n"
        )
    return "".join(lines)


class _ProgressDisplay:
    """Progress on stderr: bars on a terminal, JSON lines with ``--log-format json``, otherwise none."""

    def __init__(self, settings: Settings, log_format: LogFormat, venues: list[str]) -> None:
        self.json = log_format is LogFormat.JSON
        self.bars = None
        if not self.json and not settings.quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn

            self.bars = Progress(
                TextColumn("{task.description:<22}"),
                BarColumn(bar_width=24),
                TextColumn("{task.completed:.0f}/{task.total:.0f} {task.fields[outcome_row]}"),
                console=Console(stderr=True),
            )
            self.tasks = {venue: self.bars.add_task(venue, total=1, detail="") for venue in venues}

    def __enter__(self) -> "tuple[Callable[[Progress], None], Callable[[Outcome], None]]":
        if self.bars:
            self.bars.start()
        return self.on_progress, self.on_outcome

    def __exit__(self, *_: object) -> None:
        if self.bars:
            self.bars.stop()

    def on_progress(self, progress: "Progress") -> None:
        if self.bars:
            task = self.tasks[progress.venue]
            self.bars.update(task, completed=progress.done, total=max(1, progress.due))
        elif self.json and progress.done == progress.due:
            self._log("answered", venue=progress.venue, calls=progress.done, due=progress.due)

    def on_outcome(self, outcome: "Outcome") -> None:
        venue, status, calls, seconds, detail = outcome_row(outcome)
        if self.bars:
            self.bars.update(self.tasks[venue], detail=f"{status} {one_line(detail)[:60]}")
        elif self.json:
            self._log(status, venue=venue, requests=calls, seconds=seconds, what=detail)

    def _log(self, event: str, **fields: object) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, "event": event, **fields}, ensure_ascii=False)
        typer.echo(line, err=True)
