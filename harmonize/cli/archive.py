"""The commands about the archive itself: list, verify, import, export, add measured inputs."""

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

_NAMED = 3
"""How many of the things left out for one reason are named."""


@archive_app.command("ls")
def archive_ls(context: typer.Context, form: FormOption = OutputForm.TABLE) -> None:
    """List the snapshots of the archive, oldest first."""

    def run(path: Place) -> None:
        from harmonize.archive.archive import Archive

        entries = Archive.open(path).entries()
        if form is OutputForm.JSON:
            print_json([_object(one) for one in entries])
            return
        for one in entries:
            typer.echo(
                f"{one.sequence:>6}  {one.observed_at:%Y-%m-%dT%H:%M:%SZ}  {one.venue:<14} "
                f"{_kind(one):<8} {one.payloads:>4} payloads {one.size:>10,} bytes  {one.digest[:16]}"
            )

    _on_archive(context.obj, run)


def _kind(one: "Entry") -> str:
    return (
        "pruned"
        if one.pruned
        else "failed"
        if one.failed
        else "complete"
        if one.complete
        else "partial"
    )


def _object(one: "Entry") -> dict[str, object]:
    return {
        "sequence": one.sequence,
        "observed_at": one.observed_at.isoformat(),
        "venue": one.venue,
        "kind": _kind(one),
        "payloads": one.payloads,
        "size_bytes": one.size,
        "digest": one.digest,
        "gathered": one.gathered,
        "pruned": one.pruned,
    }


@archive_app.command("verify")
def archive_verify(context: typer.Context) -> None:
    """Check every byte of the archive against its hashes."""

    def run(path: Place) -> None:
        from harmonize.archive.archive import Archive

        archive = Archive.open(path)
        problems = archive.verify()
        for one in problems:
            typer.echo(f"error: {one.where}: {one.what}", err=True)
        if problems:
            raise typer.Exit(INCOMPLETE)
        typer.echo(f"{len(archive.entries())} snapshots, every byte as it was archived")

    _on_archive(context.obj, run)


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
        taken, left_out = _import(context.obj, source, venue or (), dry_run=dry_run)
    except (UnreadableSourceError, ArchiveError) as error:
        fail(str(error), INCOMPLETE)
    _say_grouped("margins unknown", (lack for one in taken for lack in one.unknown()))
    _say_grouped("left out", (one for one in left_out if not one.unread))
    for lack in (one for one in left_out if one.unread):
        typer.echo(f"error: {one_line(lack.what)}: {one_line(lack.reason)}", err=True)
    there = {one.snapshot.venue for one in taken}
    missing = [one for one in venue or () if one not in there]
    for one in missing:
        note(context.obj, f"incomplete: {source} gives no snapshot of {one}")
    new = sum(one.new for one in taken)
    done = "would be appended" if dry_run else "appended"
    typer.echo(f"{new} snapshots {done}, {len(taken) - new} there already")
    raise typer.Exit(INCOMPLETE if missing or any(one.unread for one in left_out) else OK)


def _import(
    settings: Settings, given: str, venues: Iterable[str], *, dry_run: bool
) -> "tuple[list[Taken], list[LeftOut]]":
    """Run an import, a line a snapshot; what it took and what it left out."""
    from harmonize.archive.archive import Archive
    from harmonize.transfer import importer
    from harmonize.transfer.source import LeftOut

    place = settings.archive or own_archive()
    source = importer.source(place_of(given))
    before = Archive.found(place)
    taken: list[Taken] = []
    left_out: list[LeftOut] = []
    append = _nothing if dry_run else _appender(place, before)
    for one in importer.imported(source, before, append, frozenset(venues)):
        if isinstance(one, LeftOut):
            left_out.append(one)
        else:
            taken.append(one)
            _say_taken(settings, one, dry_run=dry_run)
    return taken, left_out


def _nothing(_: "Snapshot") -> None:
    """A dry run appends nothing."""


def _appender(place: Place, before: "Archive | None") -> "Callable[[Snapshot], None]":
    """Append to the archive, which is made when the first snapshot comes and none is there."""
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


def _say_taken(settings: Settings, one: "Taken", *, dry_run: bool) -> None:
    snapshot, parsed = one.snapshot, one.parsed
    became = "there already" if not one.new else "would append" if dry_run else "appended"
    kind = "complete" if snapshot.complete else "partial"
    line = f"{became:<13}  {snapshot.observed_at:%Y-%m-%dT%H:%M:%SZ}  {snapshot.venue:<14} {kind:<8} {len(snapshot.payloads):>4} payloads"
    if parsed is None:
        typer.echo(one_line(line))
        return
    typer.echo(
        one_line(f"{line}  {len(parsed.schedules):>4} schedules, {len(parsed.defects)} defects")
    )
    for defect in parsed.defects:
        whose = f"{defect.venue} {defect.symbol}".rstrip()
        note(settings, f"  defect: {whose}: {defect.where}: {defect.reason}")


def _say_grouped(word: str, lacks: "Iterable[LeftOut]") -> None:
    """Say a line a reason: how often, and what."""
    from harmonize.transfer.importer import grouped

    for reason, count, what in grouped(lacks):
        more = f" and {len(what) - _NAMED} more" if len(what) > _NAMED else ""
        typer.echo(one_line(f"{word} {count:,}: {reason}: {', '.join(what[:_NAMED])}{more}"))


class ExportAs(StrEnum):
    """What an export is written as."""

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
        ExportAs, typer.Option("--as", help="An archive, or plain files for people.")
    ] = ExportAs.ARCHIVE,
) -> None:
    """Write selected snapshots as a new archive, as a tar of one, or as plain files."""
    place = place_of(dest)
    if form is ExportAs.PAYLOADS and dest.endswith(".tar"):
        fail(f"{dest}: payloads are written as a folder; name one, or leave --as out", USAGE)

    def run(path: Place) -> None:
        from harmonize.archive.archive import Archive
        from harmonize.transfer import export

        archive = Archive.open(path)
        days = [one.date() if one else None for one in (since, until)]
        entries = export.selected(archive.entries(), venue or (), *days)
        missing = [one for one in venue or () if one not in {entry.venue for entry in entries}]
        if missing or not entries:
            wanted = f"snapshot of {', '.join(missing)}" if missing else "snapshot"
            fail(f"{path} holds no {wanted} of those days; see `harmonize archive ls`", INCOMPLETE)
        try:
            snapshots = export.snapshots(archive, entries)
            if form is ExportAs.PAYLOADS:
                count = export.to_payloads(place, snapshots)
            else:
                gathered = (one.gathered for one in entries)
                count = export.to_archive(place, snapshots, gathered)
        except export.ExportError as error:
            fail(str(error), USAGE)
        typer.echo(f"{count} snapshots in {dest}")

    _on_archive(context.obj, run)


def _on_archive(settings: Settings, run: Callable[[Place], None]) -> None:
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
