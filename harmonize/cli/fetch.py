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

from harmonize.cli import fetch_market
from harmonize.cli.console import (
    INCOMPLETE,
    OK,
    STOPPED,
    USAGE,
    Settings,
    fail,
    note,
    own_archive,
    print_error,
    print_text,
)
from harmonize.text.messages import counted
from harmonize.text.sanitize import json_text, one_line

if TYPE_CHECKING:
    from harmonize.api.gather import GatherRequest
    from venues.gathering.client import Progress
    from venues.gathering.outcome import Gathered, Outcome
    from venues.gathering.plan import VenuePlan


class LogFormat(StrEnum):
    """Format of progress on stderr."""

    TEXT = "text"
    JSON = "json"


TimeoutOption = Annotated[
    float, typer.Option("--timeout", help="Time limit per venue, in seconds.")
]
KeysOption = Annotated[
    Path | None,
    typer.Option("--keys", help="YAML file of API keys, readable only by its owner (mode 600)."),
]
MirrorOption = Annotated[
    str, typer.Option("--mirror", help="Base URL of a mirror, requested as URL/venue/host/path.")
]

MarketDataOption = Annotated[
    bool,
    typer.Option(
        "--market-data", help="Gather candles, funding and open interest of perpetuals as well."
    ),
]


def fetch(
    context: typer.Context,
    *,
    venue: Annotated[
        list[str] | None,
        typer.Option("--venue", help="Venue to gather (repeatable; default all)."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the calls without making them.")
    ] = False,
    timeout: TimeoutOption = 600.0,
    keys: KeysOption = None,
    mirror: MirrorOption = "",
    log_format: Annotated[
        LogFormat, typer.Option("--log-format", help="Format of progress on stderr.")
    ] = LogFormat.TEXT,
    market_data: MarketDataOption = False,
    underlying: Annotated[
        list[str] | None,
        typer.Option(
            "--underlying",
            help="Underlying of the market data (repeatable; default those of the baseline).",
        ),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--since", formats=["%Y-%m-%d"], help="First day of market data not archived yet."
        ),
    ] = None,
) -> None:
    """Gather published margin data into the archive; a failed venue does not affect the others."""
    settings: Settings = context.obj
    if not market_data and (underlying or since):
        fail("--underlying, --since: concern market data; add --market-data", USAGE)
    gather_request = gather_request_of(settings, venue, timeout, keys, mirror)
    if dry_run:
        _print_plan(gather_request)
        if market_data:
            note(settings, "calls for market data follow from each venue's list of contracts")
        return
    outcomes = gather_or_fail(settings, gather_request, log_format)
    if outcomes is None:
        note(settings, unreachable_message(gather_request))
        raise typer.Exit(INCOMPLETE)
    print_text(_table(outcomes))
    code = exit_code(outcomes, by_name=bool(venue))
    if market_data:
        code = max(code, fetch_market.gather_or_fail(gather_request, underlying or (), since))
    raise typer.Exit(code)


def unreachable_message(gather_request: "GatherRequest") -> str:
    """Returns the line for a run in which no venue could be reached."""
    subject = (
        f"the mirror {gather_request.mirror} is not reachable"
        if gather_request.mirror
        else "no venue is reachable"
    )
    return f"{subject}; using archived and recorded data"


def gather_request_of(
    settings: Settings, venue: list[str] | None, timeout: float, keys: Path | None, mirror: str
) -> "GatherRequest":
    """Returns the request that the options describe; an invalid option ends the program."""
    from harmonize.api.gather import GatherRequest, keyring
    from venues.gathering.credentials import CredentialsError

    if not isfinite(timeout) or timeout <= 0:
        fail(f"--timeout: expected a number of seconds above 0, found {timeout:g}", USAGE)
    if mirror and not mirror.startswith(("http://", "https://")):
        fail(f"--mirror: expected a URL with http:// or https://, found {mirror!r}", USAGE)
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
    from venues.gathering.reachability import parse_address

    try:
        host, _, _ = parse_address(mirror)
    except ValueError as error:
        fail(f"--mirror: expected a URL, found {mirror!r}: {error}", USAGE)
    if not host:
        fail(
            f"--mirror: missing host in {mirror!r}; use a URL such as http://127.0.0.1:8080", USAGE
        )


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
    from harmonize.api.gather import (
        GatheringError,
        gather_into_archive,
        is_reachable,
        requested_adapters,
    )

    gc.enable()  # a long run with many short-lived responses
    try:
        adapters = requested_adapters(gather_request)
        if not is_reachable(gather_request):
            return None
        with _ProgressDisplay(settings, log_format, [adapter.venue for adapter in adapters]) as (
            on_progress,
            on_outcome,
        ):
            return gather_into_archive(gather_request, on_progress, on_outcome)
    except GatheringError as error:
        fail(str(error), USAGE)
    except KeyboardInterrupt:
        fail("interrupted; the venues gathered so far are archived", STOPPED)


def exit_code(outcomes: "Sequence[Outcome]", *, by_name: bool) -> int:
    """Returns 3 if a venue failed, lacks data, or was named and not gathered; otherwise 0."""
    from venues.gathering.outcome import Failed, Gathered, Skipped

    for outcome in outcomes:
        if isinstance(outcome, Failed) or (isinstance(outcome, Gathered) and _is_partial(outcome)):
            return INCOMPLETE
        if isinstance(outcome, Skipped) and by_name:
            return INCOMPLETE
    return OK


def _is_partial(outcome: "Gathered") -> bool:
    return bool(outcome.missing) or not outcome.snapshot.complete


def outcome_row(outcome: "Outcome") -> tuple[str, str, str, str, str]:
    """Returns an outcome as a row: venue, status, calls, seconds, detail."""
    from harmonize.core.payload import Origin
    from venues.completeness import partial_reason
    from venues.gathering.outcome import Gathered, Skipped

    if isinstance(outcome, Skipped):
        return (outcome.venue, "not asked", "", "", outcome.reason)
    calls, seconds = f"{outcome.requests:,}", f"{outcome.seconds:.1f}"
    if not isinstance(outcome, Gathered):
        return (outcome.venue, "failed", calls, seconds, outcome.reason)
    responses = [p for p in outcome.snapshot.payloads if p.provenance.origin is not Origin.NOTE]
    detail = counted(len(responses), "response")
    if outcome.missing:
        detail += f"; missing: {', '.join(outcome.missing)}"
    if not outcome.snapshot.complete:
        detail += f"; partial: {partial_reason(outcome.snapshot)}"
    return (outcome.snapshot.venue, "gathered", calls, seconds, detail)


def _table(outcomes: "Sequence[Outcome]") -> str:
    rows = [("venue", "status", "calls", "seconds", "detail"), *map(outcome_row, outcomes)]
    return "".join(
        f"{venue:<22} {status:<9} {calls:>6} {seconds:>8}  {one_line(detail)}\n"
        for venue, status, calls, seconds, detail in rows
    )


def _print_plan(gather_request: "GatherRequest") -> None:
    from harmonize.api.gather import GatheringError, plan_gathering
    from harmonize.archive.archive import ArchiveError

    try:
        plans = plan_gathering(gather_request)
    except GatheringError as error:
        fail(str(error), USAGE)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)
    print_text(plan_text(plans))


def plan_text(plans: "Sequence[VenuePlan]") -> str:
    """Returns the calls per venue, and the least time by its rate limit, as a table."""
    lines = [f"{'venue':<22} {'calls':>7} {'seconds':>8}  requests\n"]
    for plan in plans:
        if plan.skip_reason:
            lines.append(f"{plan.venue:<22} {'':>7} {'':>8}  not asked: {plan.skip_reason}\n")
            continue
        calls = f"{plan.calls:,}{'+' if plan.is_lower_bound else ''}"
        for number, step in enumerate(plan.steps):
            head = (
                f"{plan.venue:<22} {calls:>7} {plan.min_seconds:>8.1f}" if not number else " " * 39
            )
            count = f"{step.calls:,}{'+' if step.is_lower_bound else ''}"
            lines.append(f"{head}  {count} x {step.endpoint.request}\n")
    requested = [plan for plan in plans if not plan.skip_reason]
    slowest = max(requested, key=lambda plan: plan.min_seconds, default=None)
    if slowest is not None:
        total = sum(plan.calls for plan in requested)
        lines.append(
            f"{counted(len(requested), 'venue')}, at least {total:,} calls, "
            f"at least {slowest.min_seconds:.1f} s by rate limits ({slowest.venue}). "
            "A + marks counts that depend on lists not gathered yet.\n"
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
                TextColumn("{task.completed:.0f}/{task.total:.0f} {task.fields[detail]}"),
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
            self.bars.update(task, completed=progress.completed, total=max(1, progress.planned))
        elif self.json and progress.completed == progress.planned:
            self._log(
                "answered", venue=progress.venue, calls=progress.completed, due=progress.planned
            )

    def on_outcome(self, outcome: "Outcome") -> None:
        venue, status, calls, seconds, detail = outcome_row(outcome)
        if self.bars:
            self.bars.update(self.tasks[venue], detail=f"{status} {one_line(detail)[:60]}")
        elif self.json:
            self._log(status, venue=venue, requests=calls, seconds=seconds, what=detail)

    def _log(self, event: str, **fields: object) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, "event": event, **fields}, ensure_ascii=False)
        print_error(json_text(line))
