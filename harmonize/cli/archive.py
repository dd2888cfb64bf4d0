"""The archive commands: list, verify, import, export, add measured inputs."""

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harmonize.archive.location import Place, place_of
from harmonize.cli import request
from harmonize.cli.console import (
    INCOMPLETE,
    OK,
    USAGE,
    Settings,
    fail,
    note,
    one_line,
    own_archive,
    print_json,
)
from harmonize.cli.options import FormOption, OutputForm, Venues

if TYPE_CHECKING:
    from harmonize.archive.archive import Archive
    from harmonize.archive.catalog import Entry
    from harmonize.core.payload import Snapshot
    from harmonize.transfer.importer import Taken
    from harmonize.transfer.source import LeftOut

archive_app = typer.Typer(help="The archive of what venues sent.", no_args_is_help=True)

_MAX_NAMES = 3
"""Maximum number of names per reason."""


@archive_app.command("ls")
def archive_ls(context: typer.Context, form: FormOption = OutputForm.TABLE) -> None:
    """List the snapshots of the archive, oldest first."""

    def run(path: Place) -> None:
        from harmonize.archive.archive import Archive

        entries = Archive.open(path).entries()
        if form is OutputForm.JSON:
            print_json([_entry_object(entry) for entry in entries])
            return
        for entry in entries:
            typer.echo(
                f"{entry.sequence:>6}  {entry.observed_at:%Y-%m-%dT%H:%M:%SZ}  {entry.venue:<14} "
                f"{_kind(entry):<8} {entry.payloads:>4} payloads {entry.size:>10,} bytes  {entry.digest[:16]}"
            )

    _with_archive(context.obj, run)


def _kind(entry: "Entry") -> str:
    return (
        "pruned"
        if entry.pruned
        else "failed"
        if entry.failed
        else "complete"
        if entry.complete
        else "partial"
    )


def _entry_object(entry: "Entry") -> dict[str, object]:
    return {
        "sequence": entry.sequence,
        "observed_at": entry.observed_at.isoformat(),
        "venue": entry.venue,
        "kind": _kind(entry),
        "payloads": entry.payloads,
        "size_bytes": entry.size,
        "digest": entry.digest,
        "gathered": entry.gathered,
        "pruned": entry.pruned,
    }


@archive_app.command("verify")
def archive_verify(context: typer.Context) -> None:
    """Check every byte of the archive against its hashes."""

    def run(path: Place) -> None:
        from harmonize.archive.archive import Archive

        archive = Archive.open(path)
        problems = archive.verify()
        for problem in problems:
            typer.echo(f"error: {problem.where}: {problem.what}", err=True)
        if problems:
            raise typer.Exit(INCOMPLETE)
        typer.echo(f"{len(archive.entries())} snapshots, every byte as it was archived")

    _with_archive(context.obj, run)


@archive_app.command("add-inputs")
def archive_add_inputs(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="YAML file of measured inputs.")],
) -> None:
    """Put measured inputs into the archive, where models find them from their day on."""
    from harmonize.archive.archive import Archive, ArchiveError
    from harmonize.config import inputs_file
    from harmonize.policy.inputs import snapshot_of
    from rules.loader import RuleError

    path = context.obj.archive or own_archive()
    try:
        inputs = inputs_file.load(file)
        archive = Archive.opened(path)
        entry = archive.append(snapshot_of(inputs, inputs[0].source))
    except RuleError as error:
        fail(str(error), USAGE)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)
    typer.echo(f"{len(inputs)} inputs of {entry.observed_at:%Y-%m-%d} in {archive.place}")


@archive_app.command("import")
def archive_import(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            help="An archive (folder, tar, URL), a Parquet table of tiers, a folder with MANIFEST.json."
        ),
    ],
    *,
    venue: Venues = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would be; write nothing.")
    ] = False,
) -> None:
    """Append what the archive does not have of another archive, a table of tiers, or recordings."""
    from harmonize.archive.archive import ArchiveError
    from harmonize.transfer.source import UnreadableSourceError

    try:
        imported, omitted = _run_import(context.obj, source, venue or (), dry_run=dry_run)
    except (UnreadableSourceError, ArchiveError) as error:
        fail(str(error), INCOMPLETE)
    _print_grouped(
        "margins unknown", (omission for item in imported for omission in item.unknown())
    )
    _print_grouped("left out", (omission for omission in omitted if not omission.unread))
    for omission in (omission for omission in omitted if omission.unread):
        typer.echo(f"error: {one_line(omission.what)}: {one_line(omission.reason)}", err=True)
    imported_venues = {item.snapshot.venue for item in imported}
    missing = [name for name in venue or () if name not in imported_venues]
    for name in missing:
        note(context.obj, f"incomplete: {source} gives no snapshot of {name}")
    new = sum(item.new for item in imported)
    action = "would be appended" if dry_run else "appended"
    typer.echo(f"{new} snapshots {action}, {len(imported) - new} there already")
    raise typer.Exit(INCOMPLETE if missing or any(omission.unread for omission in omitted) else OK)


def _run_import(
    settings: Settings, address: str, venues: Iterable[str], *, dry_run: bool
) -> "tuple[list[Taken], list[LeftOut]]":
    """Runs an import and prints a line per snapshot; returns what was imported and what was omitted."""
    from harmonize.archive.archive import Archive
    from harmonize.transfer import importer
    from harmonize.transfer.source import LeftOut

    place = settings.archive or own_archive()
    source = importer.source(place_of(address))
    before = Archive.found(place)
    imported: list[Taken] = []
    omitted: list[LeftOut] = []
    append = _discard if dry_run else _appender(place, before)
    for item in importer.imported(source, before, append, frozenset(venues)):
        if isinstance(item, LeftOut):
            omitted.append(item)
        else:
            imported.append(item)
            _print_imported(settings, item, dry_run=dry_run)
    return imported, omitted


def _discard(_: "Snapshot") -> None:
    """Takes a snapshot of a dry run, which appends none."""


def _appender(place: Place, before: "Archive | None") -> "Callable[[Snapshot], None]":
    """Returns a function that appends to the archive and creates a missing one on the first call."""
    from harmonize.archive.archive import Archive
    from harmonize.archive.catalog import newest_of

    opened = [before] if before else []
    newest = newest_of(before.entries()) if before else {}

    def append(snapshot: "Snapshot") -> None:
        if not opened:
            opened.append(Archive.create(place))
        entry = opened[0].append(snapshot, newest.get(snapshot.venue), imported=True)
        newest[entry.venue] = entry

    return append


def _print_imported(settings: Settings, item: "Taken", *, dry_run: bool) -> None:
    snapshot, parsed = item.snapshot, item.parsed
    status = "there already" if not item.new else "would append" if dry_run else "appended"
    kind = "complete" if snapshot.complete else "partial"
    line = f"{status:<13}  {snapshot.observed_at:%Y-%m-%dT%H:%M:%SZ}  {snapshot.venue:<14} {kind:<8} {len(snapshot.payloads):>4} payloads"
    if parsed is None:
        typer.echo(one_line(line))
        return
    typer.echo(
        one_line(f"{line}  {len(parsed.schedules):>4} schedules, {len(parsed.defects)} defects")
    )
    for defect in parsed.defects:
        schedule = f"{defect.venue} {defect.symbol}".rstrip()
        note(settings, f"  defect: {schedule}: {defect.where}: {defect.reason}")


def _print_grouped(word: str, omissions: "Iterable[LeftOut]") -> None:
    """Prints a line per reason: the number of omissions, and the first names."""
    from harmonize.transfer.importer import grouped

    for reason, count, names in grouped(omissions):
        more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
        typer.echo(one_line(f"{word} {count:,}: {reason}: {', '.join(names[:_MAX_NAMES])}{more}"))


class ExportLayout(StrEnum):
    """Layout of an export."""

    ARCHIVE = "archive"
    PAYLOADS = "payloads"


@archive_app.command("export")
def archive_export(
    context: typer.Context,
    dest: Annotated[str, typer.Argument(help="A new folder, or a file named *.tar, or a URL.")],
    *,
    venue: Venues = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Only what was observed from this day on."),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Only what was observed up to this day."),
    ] = None,
    form: Annotated[
        ExportLayout, typer.Option("--as", help="An archive, or plain files for people.")
    ] = ExportLayout.ARCHIVE,
) -> None:
    """Write selected snapshots as a new archive, as a tar of one, or as plain files."""
    place = place_of(dest)
    if form is ExportLayout.PAYLOADS and dest.endswith(".tar"):
        fail(f"{dest}: payloads are written as a folder; name one, or leave --as out", USAGE)

    def run(path: Place) -> None:
        from harmonize.archive.archive import Archive
        from harmonize.transfer import export

        archive = Archive.open(path)
        days = [day.date() if day else None for day in (since, until)]
        entries = export.selected(archive.entries(), venue or (), *days)
        missing = [name for name in venue or () if name not in {entry.venue for entry in entries}]
        if missing or not entries:
            description = f"snapshot of {', '.join(missing)}" if missing else "snapshot"
            fail(
                f"{path} holds no {description} of those days; see `harmonize archive ls`",
                INCOMPLETE,
            )
        try:
            snapshots = export.snapshots(archive, entries)
            if form is ExportLayout.PAYLOADS:
                count = export.to_payloads(place, snapshots)
            else:
                gathered = (entry.gathered for entry in entries)
                count = export.to_archive(place, snapshots, gathered)
        except export.ExportError as error:
            fail(str(error), USAGE)
        typer.echo(f"{count} snapshots in {dest}")

    _with_archive(context.obj, run)


def _with_archive(settings: Settings, run: Callable[[Place], None]) -> None:
    from harmonize.archive.archive import ArchiveError
    from harmonize.archive.location import recorded

    path = request.archive_of(settings)
    try:
        if path is not None:
            run(path)
        else:
            with recorded() as path:
                run(path)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)
