"""The command that gathers: its options, its progress, its table of outcomes, its exit code."""

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
    from venues.gathering.plan import VenuePlan


class LogFormat(StrEnum):
    """How what happens is told on stderr."""

    TEXT = "text"
    JSON = "json"


Budget = Annotated[float, typer.Option("--budget", help="Seconds that a venue may take.")]
Keys = Annotated[
    Path | None, typer.Option("--keys", help="YAML file of keys that only you can read (mode 600).")
]
Mirror = Annotated[
    str, typer.Option("--mirror", help="Ask URL/venue/host/path instead of the venues.")
]


def fetch(
    context: typer.Context,
    *,
    venue: Annotated[
        list[str] | None, typer.Option("--venue", help="Only this venue (repeatable).")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Print the calls and ask nothing.")] = False,
    budget: Budget = 600.0,
    keys: Keys = None,
    mirror: Mirror = "",
    log_format: Annotated[
        LogFormat, typer.Option("--log-format", help="How progress is told on stderr.")
    ] = LogFormat.TEXT,
) -> None:
    """Gather what venues publish into the archive; a venue that fails leaves the others whole."""
    settings: Settings = context.obj
    wanted = wanted_of(settings, venue, budget, keys, mirror)
    if plan:
        _print_plan(wanted)
        return
    outcomes = gathered(settings, wanted, log_format)
    if outcomes is None:
        note(settings, unreachable(wanted))
        raise typer.Exit(INCOMPLETE)
    write_stdout(_table(outcomes).encode())
    raise typer.Exit(exit_code(outcomes, asked=bool(venue)))


def unreachable(wanted: "GatherRequest") -> str:
    """One line that says that nothing answered, and what to do."""
    whom = (
        f"the mirror {wanted.mirror} does" if wanted.mirror else "no venue can be reached: they do"
    )
    return f"{whom} not answer from here; what is archived or recorded is read"


def wanted_of(
    settings: Settings, venue: list[str] | None, budget: float, keys: Path | None, mirror: str
) -> "GatherRequest":
    """Take the options together; a bad one ends the program with one line."""
    from harmonize.api.gather import GatherRequest, keyring
    from venues.gathering.credentials import CredentialsError

    if not isfinite(budget) or budget <= 0:
        fail(f"--budget is a number of seconds above 0, was {budget:g}", USAGE)
    if mirror and not mirror.startswith(("http://", "https://")):
        fail(f"--mirror is a URL that begins with http:// or https://, was {mirror!r}", USAGE)
    if mirror:
        _check_place(mirror)
    try:
        ring = keyring(os.environ, keys)
    except CredentialsError as error:
        fail(str(error), USAGE)
    return GatherRequest(
        settings.archive or own_archive(), tuple(venue or ()), budget, mirror, ring
    )


def _check_place(mirror: str) -> None:
    from venues.gathering.reachability import parse_address

    try:
        host, _, _ = parse_address(mirror)
    except ValueError as error:
        fail(f"--mirror names no place: {error}", USAGE)
    if not host:
        fail(f"--mirror names no host: {mirror!r}; as http://127.0.0.1:8080", USAGE)


def gathered(
    settings: Settings, wanted: "GatherRequest", log_format: LogFormat = LogFormat.TEXT
) -> "tuple[Outcome, ...] | None":
    """Gather as ``outcomes_of`` does; an archive that is at fault ends the program with one line."""
    from harmonize.archive.archive import ArchiveError

    try:
        return outcomes_of(settings, wanted, log_format)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)


def outcomes_of(
    settings: Settings, wanted: "GatherRequest", log_format: LogFormat = LogFormat.TEXT
) -> "tuple[Outcome, ...] | None":
    """Gather, telling how far it is; None when nothing can be reached. Raises ArchiveError."""
    from harmonize.api.gather import GatheringError, chosen, fetched, reachable

    gc.enable()  # a long run of many small answers
    try:
        adapters = chosen(wanted)
        if not reachable(wanted):
            return None
        with _ProgressDisplay(settings, log_format, [one.venue for one in adapters]) as (
            tell,
            done,
        ):
            return fetched(wanted, tell, done)
    except GatheringError as error:
        fail(str(error), USAGE)
    except KeyboardInterrupt:
        fail("stopped; the venues gathered until then are archived, whole", STOPPED)


def exit_code(outcomes: "Sequence[Outcome]", *, asked: bool) -> int:
    """3 where a venue failed, lacks market data, or was asked for by name and not asked itself."""
    from venues.gathering.outcome import Failed, Gathered, Skipped

    for one in outcomes:
        if isinstance(one, Failed) or (isinstance(one, Gathered) and one.missing):
            return INCOMPLETE
        if isinstance(one, Skipped) and asked:
            return INCOMPLETE
    return OK


def said(outcome: "Outcome") -> tuple[str, str, str, str, str]:
    """An outcome as a row: venue, what became of it, calls, seconds, and why."""
    from venues.gathering.outcome import Gathered, Skipped

    if isinstance(outcome, Skipped):
        return (outcome.venue, "not asked", "", "", outcome.reason)
    calls, seconds = f"{outcome.requests:,}", f"{outcome.seconds:.1f}"
    if not isinstance(outcome, Gathered):
        return (outcome.venue, "failed", calls, seconds, outcome.reason)
    what = f"{len(outcome.snapshot.payloads)} answers"
    if outcome.missing:
        what += f", without {'; '.join(outcome.missing)}"
    return (outcome.snapshot.venue, "gathered", calls, seconds, what)


def _table(outcomes: "Sequence[Outcome]") -> str:
    rows = [("venue", "became", "calls", "seconds", "what"), *map(said, outcomes)]
    return "".join(
        f"{venue:<22} {became:<9} {calls:>6} {seconds:>8}  {one_line(what)}\n"
        for venue, became, calls, seconds, what in rows
    )


def _print_plan(wanted: "GatherRequest") -> None:
    from harmonize.api.gather import GatheringError, planned
    from harmonize.archive.archive import ArchiveError

    try:
        plans = planned(wanted)
    except GatheringError as error:
        fail(str(error), USAGE)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)
    write_stdout(plan_text(plans).encode())


def plan_text(plans: "Sequence[VenuePlan]") -> str:
    """The calls of each venue, and the time that its rate limit sets, as a table."""
    lines = [f"{'venue':<22} {'calls':>7} {'seconds':>8}  what is asked\n"]
    for one in plans:
        if one.skip_reason:
            lines.append(f"{one.venue:<22} {'':>7} {'':>8}  not asked: {one.skip_reason}\n")
            continue
        calls = f"{one.calls:,}{'+' if one.is_lower_bound else ''}"
        for number, step in enumerate(one.steps):
            head = f"{one.venue:<22} {calls:>7} {one.min_seconds:>8.1f}" if not number else " " * 39
            count = f"{step.calls:,}{'+' if step.is_lower_bound else ''}"
            lines.append(f"{head}  {count} x {step.endpoint.request}\n")
    asked = [one for one in plans if not one.skip_reason]
    slowest = max(asked, key=lambda one: one.min_seconds, default=None)
    if slowest is not None:
        total = sum(one.calls for one in asked)
        lines.append(
            f"{len(asked)} venues, {total:,} calls or more; rate limits set {slowest.min_seconds:.1f} s "
            f"at least ({slowest.venue}). A + marks what depends on lists not gathered yet.\n"
        )
    return "".join(lines)


class _ProgressDisplay:
    """Progress for people on a terminal, or JSON lines for machines, or nothing."""

    def __init__(self, settings: Settings, log_format: LogFormat, venues: list[str]) -> None:
        self.json = log_format is LogFormat.JSON
        self.bars = None
        if not self.json and not settings.quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn

            self.bars = Progress(
                TextColumn("{task.description:<22}"),
                BarColumn(bar_width=24),
                TextColumn("{task.completed:.0f}/{task.total:.0f} {task.fields[said]}"),
                console=Console(stderr=True),
            )
            self.tasks = {one: self.bars.add_task(one, total=1, said="") for one in venues}

    def __enter__(self) -> "tuple[Callable[[Progress], None], Callable[[Outcome], None]]":
        if self.bars:
            self.bars.start()
        return self.tell, self.done

    def __exit__(self, *_: object) -> None:
        if self.bars:
            self.bars.stop()

    def tell(self, progress: "Progress") -> None:
        if self.bars:
            task = self.tasks[progress.venue]
            self.bars.update(task, completed=progress.completed, total=max(1, progress.planned))
        elif self.json and progress.completed == progress.planned:
            self._log(
                "answered", venue=progress.venue, calls=progress.completed, due=progress.planned
            )

    def done(self, outcome: "Outcome") -> None:
        venue, became, calls, seconds, what = said(outcome)
        if self.bars:
            self.bars.update(self.tasks[venue], said=f"{became} {one_line(what)[:60]}")
        elif self.json:
            self._log(became, venue=venue, requests=calls, seconds=seconds, what=what)

    def _log(self, event: str, **fields: object) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, "event": event, **fields}, ensure_ascii=False)
        typer.echo(line, err=True)
