"""The archive commands: list, verify, import, export, add measured inputs."""

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harmonize.archive.location import ArchiveLocation, parse_location
from harmonize.cli import measured_inputs, request, sheets
from harmonize.cli.console import (
    INCOMPLETE,
    OK,
    USAGE,
    Settings,
    fail,
    fail_with,
    note,
    own_archive,
    print_error,
    print_json,
    print_line,
)
from harmonize.cli.options import FormOption, OutputForm, Underlyings, Venues
from harmonize.text.messages import counted, iso_utc
from reports.formats.sheets import record_sheet

if TYPE_CHECKING:
    from harmonize.archive.archive import Archive
    from harmonize.archive.catalog import Entry
    from harmonize.cli.tables import Record
    from harmonize.core.payload import Snapshot
    from harmonize.transfer.importer import ImportedSnapshot
    from harmonize.transfer.source import SkippedItem

archive_app = typer.Typer(help="The archive of gathered snapshots.", no_args_is_help=True)

_MAX_NAMES = 3
"""Maximum number of names per reason."""


@archive_app.command("list")
def archive_list(context: typer.Context, form: FormOption = OutputForm.TABLE) -> None:
    """List the snapshots of the archive, oldest first."""

    def run(path: ArchiveLocation) -> None:
        from harmonize.archive.archive import Archive

        entries = Archive.open(path).entries()
        if form is OutputForm.JSON:
            print_json([_entry_object(entry) for entry in entries])
            return
        if form is OutputForm.CSV:
            sheets.print_csv(record_sheet("Snapshots", map(_entry_object, entries)))
            return
        for entry in entries:
            print_line(
                f"{entry.sequence:>6}  {_observed(entry):<24}  {entry.venue:<21} "
                f"{_kind(entry):<8} {entry.payloads:>4} payloads {entry.size:>10,} bytes  {entry.digest[:16]}"
            )

    _with_archive(context.obj, run)


def _observed(dated: "Entry | Snapshot") -> str:
    """Time of an observation to the second if it is exact, otherwise its possible days."""
    if dated.precision.is_exact:
        return iso_utc(dated.observed_at)
    return dated.precision.day_text(dated.observed_at)


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


def _entry_object(entry: "Entry") -> "Record":
    return {
        "sequence": entry.sequence,
        "observed_at": entry.observed_at.isoformat(),
        "observed_from": entry.precision.earliest_text(entry.observed_at),
        "date_kind": entry.date_kind,
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
    """Verify every byte of the archive against its hashes."""

    def run(path: ArchiveLocation) -> None:
        from harmonize.archive.archive import Archive

        archive = Archive.open(path)
        problems = archive.verify()
        for problem in problems:
            kind = "error" if problem.is_damage else "note"
            print_error(f"{kind}: {problem.where}: {problem.what}")
        if any(problem.is_damage for problem in problems):
            raise typer.Exit(INCOMPLETE)
        print_line(f"{counted(len(archive.entries()), 'snapshot')} verified")

    _with_archive(context.obj, run)


@archive_app.command("add-inputs")
def archive_add_inputs(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="YAML file of measured inputs.")] = None,
    *,
    measured: Annotated[
        bool, typer.Option("--measured", help="Measure the inputs from the archive's market data.")
    ] = False,
    underlying: Underlyings = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            "--as-of", formats=["%Y-%m-%d"], help="Last day of candles to measure (default all)."
        ),
    ] = None,
) -> None:
    """Add measured inputs to the archive, from a file or measured from its candles."""
    if measured == (file is not None):
        fail("expected a FILE or --measured; name one of them", USAGE)
    if not measured and (underlying or as_of):
        fail("--underlying, --as-of: a file states both; use them with --measured", USAGE)
    if file is not None:
        _add_inputs_of_file(context.obj, file)
    else:
        measured_inputs.add_measured(context.obj, underlying or (), as_of)


def _add_inputs_of_file(settings: Settings, file: Path) -> None:
    from harmonize.archive.archive import Archive, ArchiveError
    from harmonize.config import inputs_file
    from harmonize.policy.inputs import scale_notes, snapshot_by_source
    from rules.loader import RuleError

    path = settings.archive or own_archive()
    try:
        inputs = inputs_file.load(file)
        for line in scale_notes(inputs):
            note(settings, f"note: {line}")
        archive = Archive.open_or_create(path)
        entry = archive.append(snapshot_by_source(inputs))
    except RuleError as error:
        fail_with(error, USAGE)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)
    print_line(
        f"{counted(len(inputs), 'input')} of {entry.observed_at:%Y-%m-%d} in {archive.place}"
    )


@archive_app.command("import")
def archive_import(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            help="Archive (folder, tar or URL), Parquet table of tiers, or folder with MANIFEST.json."
        ),
    ],
    *,
    venue: Venues = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be appended, without writing.")
    ] = False,
) -> None:
    """Append missing snapshots from another archive, a table of tiers or recordings."""
    from harmonize.archive.archive import ArchiveError
    from harmonize.transfer.source import UnreadableSourceError

    try:
        imported, omitted = _run_import(context.obj, source, venue or (), dry_run=dry_run)
    except (UnreadableSourceError, ArchiveError) as error:
        fail(str(error), INCOMPLETE)
    _print_grouped(
        "margins unknown", (omission for item in imported for omission in item.unknown())
    )
    _print_grouped("omitted", (omission for omission in omitted if not omission.is_unreadable))
    unreadable = [omission for omission in omitted if omission.is_unreadable]
    for omission in unreadable:
        print_error(f"error: {omission.message}")
    imported_venues = {item.snapshot.venue for item in imported}
    missing = [name for name in venue or () if name not in imported_venues]
    for name in missing:
        note(context.obj, f"incomplete: {source} has no snapshot of {name}")
    new = sum(item.new for item in imported)
    action = "would be appended" if dry_run else "appended"
    print_line(f"{counted(new, 'snapshot')} {action}, {len(imported) - new} already present")
    raise typer.Exit(INCOMPLETE if missing or unreadable else OK)


def _run_import(
    settings: Settings, address: str, venues: Iterable[str], *, dry_run: bool
) -> "tuple[list[ImportedSnapshot], list[SkippedItem]]":
    """Runs an import and prints a line per snapshot; returns what was imported and what was omitted."""
    from harmonize.archive.archive import Archive
    from harmonize.transfer import importer
    from harmonize.transfer.source import SkippedItem

    place = settings.archive or own_archive()
    source = importer.open_source(parse_location(address))
    before = Archive.find(place)
    imported: list[ImportedSnapshot] = []
    omitted: list[SkippedItem] = []
    append = _discard if dry_run else _appender(place, before)
    for item in importer.import_snapshots(source, before, append, frozenset(venues)):
        if isinstance(item, SkippedItem):
            omitted.append(item)
        else:
            imported.append(item)
            _print_imported(settings, item, dry_run=dry_run)
    return imported, omitted


def _discard(_: "Snapshot") -> None:
    """Takes a snapshot of a dry run, which appends none."""


def _appender(place: ArchiveLocation, before: "Archive | None") -> "Callable[[Snapshot], None]":
    """Returns a function that appends to the archive and creates a missing one on the first call."""
    from harmonize.archive.archive import Archive
    from harmonize.archive.catalog import newest_by_venue
    from harmonize.core.payload import PRICES

    opened = [before] if before else []
    newest = newest_by_venue(before.entries()) if before else {}

    def append(snapshot: "Snapshot") -> None:
        if not opened:
            opened.append(Archive.create(place))
        # Candles of other series have nothing in common that a base could save.
        similar = None if snapshot.venue == PRICES else newest.get(snapshot.venue)
        entry = opened[0].append(snapshot, similar, imported=True)
        newest[entry.venue] = entry

    return append


def _print_imported(settings: Settings, item: "ImportedSnapshot", *, dry_run: bool) -> None:
    snapshot, parsed = item.snapshot, item.parsed
    status = "already present" if not item.new else "would append" if dry_run else "appended"
    kind = "complete" if snapshot.complete else "partial"
    line = f"{status:<15}  {_observed(snapshot):<24}  {snapshot.venue:<21} {kind:<8} {len(snapshot.payloads):>4} payloads"
    if parsed is None:
        print_line(line)
        _note_partial(settings, item)
        return
    print_line(f"{line}  {len(parsed.schedules):>4} schedules, {len(parsed.defects)} defects")
    _note_partial(settings, item)
    for defect in parsed.defects:
        schedule = f"{defect.venue} {defect.symbol}".rstrip()
        note(settings, f"  defect: {schedule}: {defect.where}: {defect.reason}")


def _note_partial(settings: Settings, item: "ImportedSnapshot") -> None:
    if item.partial_reason:
        note(settings, f"  partial: {item.snapshot.venue}: {item.partial_reason}")


def _print_grouped(word: str, omissions: "Iterable[SkippedItem]") -> None:
    """Prints a line per reason: the number of omissions, and the first names."""
    from harmonize.transfer.importer import grouped_by_reason

    for reason, count, names in grouped_by_reason(omissions):
        more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
        print_line(f"{word} {count:,}: {reason}: {', '.join(names[:_MAX_NAMES])}{more}")


class ExportLayout(StrEnum):
    """Layout of an export."""

    ARCHIVE = "archive"
    FILES = "files"


@archive_app.command("export")
def archive_export(
    context: typer.Context,
    dest: Annotated[str, typer.Argument(help="New folder, file named *.tar, or URL.")],
    *,
    venue: Venues = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="First observation date to export."),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Last observation date to export."),
    ] = None,
    layout: Annotated[
        ExportLayout, typer.Option("--layout", help="Layout: an archive, or plain payload files.")
    ] = ExportLayout.ARCHIVE,
) -> None:
    """Export selected snapshots as a new archive, a tar file or plain files."""
    place = parse_location(dest)
    if layout is ExportLayout.FILES and dest.endswith(".tar"):
        fail(
            f"{dest}: --layout files needs a folder; name a folder, or use --layout archive", USAGE
        )

    def run(path: ArchiveLocation) -> None:
        from harmonize.archive.archive import Archive
        from harmonize.transfer import export

        archive = Archive.open(path)
        days = [day.date() if day else None for day in (since, until)]
        entries = export.select_entries(archive.entries(), venue or (), *days)
        missing = [name for name in venue or () if name not in {entry.venue for entry in entries}]
        if missing or not entries:
            description = f"snapshot of {', '.join(missing)}" if missing else "snapshot"
            fail(
                f"{path}: no {description} matches; see `harmonize archive list`",
                INCOMPLETE,
            )
        try:
            snapshots = export.read_snapshots(archive, entries)
            if layout is ExportLayout.FILES:
                count = export.to_payloads(place, snapshots)
            else:
                gathered = (entry.gathered for entry in entries)
                count = export.to_archive(place, snapshots, gathered)
        except export.ExportError as error:
            fail(str(error), USAGE)
        print_line(f"{counted(count, 'snapshot')} in {dest}")

    _with_archive(context.obj, run)


def _with_archive(settings: Settings, run: Callable[[ArchiveLocation], None]) -> None:
    from harmonize.archive.archive import ArchiveError
    from harmonize.archive.location import recorded_archive

    path = request.archive_to_read(settings)
    try:
        if path is not None:
            run(path)
        else:
            with recorded_archive() as path:
                run(path)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)
