"""Command ``calibrate``: a new version of a rule set from prices, with its evidence and the review."""

import os
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from harmonize.cli.console import (
    INCOMPLETE,
    OK,
    USAGE,
    Settings,
    fail,
    fail_with,
    note,
    own_archive,
    print_line,
)
from harmonize.cli.request import asset_name
from harmonize.text.messages import counted

if TYPE_CHECKING:
    from datetime import date

    from harmonize.api.calibrate import Calibration, CalibrationRequest
    from harmonize.archive.location import ArchiveLocation


def calibrate(
    context: typer.Context,
    *,
    pack: Annotated[str, typer.Option("--pack", help="Rule set to calibrate, by id or YAML file.")],
    as_of: Annotated[
        datetime | None,
        typer.Option("--as-of", formats=["%Y-%m-%d"], help="Last day of prices (default today)."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder of the files (default: rule set and day, here)."),
    ] = None,
    apply: Annotated[
        Path | None,
        typer.Option("--apply", help="Write the new version to this YAML file and nothing else."),
    ] = None,
    underlying: Annotated[
        list[str] | None,
        typer.Option(
            "--underlying",
            help="Underlying besides those that the rule set lists (repeatable; a rule set that lists none: in place of those of harmonized-baseline).",
        ),
    ] = None,
) -> None:
    """Calibrate a rule set: measured inputs, a new version, its changes, and the review of the last one."""
    from harmonize.api import calibration_files
    from harmonize.api.calibrate import CalibrationRequest
    from harmonize.api.calibration_files import CalibrationFolderError

    names = tuple(asset_name(name, "--underlying") for name in underlying or ())
    day, place = _day(as_of), context.obj.archive
    if place is not None:
        _check_archive(place)
    request = CalibrationRequest(pack, day, place or own_archive(), names)
    if apply is not None:
        _check_apply(apply, request, out)
        calibration, files = _calibrated(request)
        _apply(apply, calibration, files)
        _exit(context.obj, request, calibration, "")
    try:
        if out is not None:
            calibration_files.check_writable(out)
        calibration, files = _calibrated(request)
        folder = out or Path(f"{calibration.last.id}-{request.as_of}")
        calibration_files.write(folder, files)
    except CalibrationFolderError as error:
        fail(f"--out: {error}", USAGE)
    except OSError as error:
        fail(f"--out: {error.filename}: cannot write: {error.strerror}; use another folder", USAGE)
    for name in files:
        print_line(str(folder / name))
    _exit(context.obj, request, calibration, "; see changes.md for the reasons")


def _check_archive(place: "ArchiveLocation") -> None:
    """Ends the program if the named archive is none: its absence must not pass for no prices."""
    from harmonize.archive.archive import Archive, ArchiveError

    try:
        Archive.open(place)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)


def _check_apply(target: Path, request: "CalibrationRequest", out: Path | None) -> None:
    """Ends the program if the new version must not be written to a file, before anything else."""
    from harmonize.api.calibrate import next_version
    from harmonize.api.version_target import VersionTargetError, check_target
    from rules import loader

    if out is not None:
        fail("--apply: found together with --out, which writes all files; remove one", USAGE)
    try:
        last = loader.load(request.pack)
        check_target(target, last, next_version(last.version, request.as_of))
    except VersionTargetError as error:
        fail(f"--apply: {error}", USAGE)
    except loader.RuleError as error:
        fail_with(error, USAGE)


def _apply(target: Path, calibration: "Calibration", files: "dict[str, bytes]") -> None:
    """Writes the new version alone; ends the program if that is not possible."""
    from harmonize.api.version_target import VersionTargetError, write_version

    content = files[f"{calibration.last.id}.yaml"]
    try:
        write_version(target, calibration.last, calibration.version, content)
    except VersionTargetError as error:
        fail(f"--apply: {error}", USAGE)
    except OSError as error:
        fail(f"--apply: {target}: cannot write: {error.strerror}; use another file", USAGE)
    print_line(str(target))


def _day(as_of: datetime | None) -> "date":
    """Returns the last day of prices; ends the program if it has not come yet."""
    from harmonize.api.build_day import build_day

    try:
        today = build_day(os.environ, datetime.now(UTC)).date()
    except ValueError as error:
        fail(str(error), USAGE)
    if as_of is None:
        return today
    if as_of.date() > today:
        fail(
            f"--as-of: expected a day up to {today}, found {as_of:%Y-%m-%d}; use an earlier day",
            USAGE,
        )
    return as_of.date()


def _calibrated(request: "CalibrationRequest") -> "tuple[Calibration, dict[str, bytes]]":
    from harmonize.api import calibrate as calibration
    from harmonize.api.calibration_files import calibration_files, settled
    from harmonize.api.errors import NotObservedError, RequestError
    from harmonize.archive.archive import ArchiveError
    from harmonize.core.yaml_source import YamlSourceError
    from rules.loader import RuleError

    try:
        result = settled(calibration.calibrate(request))
        return result, dict(calibration_files(result))
    except NotObservedError as error:
        fail(str(error), INCOMPLETE)
    except (RuleError, YamlSourceError) as error:
        fail_with(error, USAGE)
    except RequestError as error:
        fail(f"--pack: {error}", USAGE)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)


def _exit(
    settings: Settings, request: "CalibrationRequest", calibration: "Calibration", reasons: str
) -> NoReturn:
    """Prints what was not measured, and ends with exit code 3 if that was requested.

    ``reasons`` names the file that has the reasons. Empty: no file has them, and they are printed.
    """
    from harmonize.api.calibration_summary import unmeasured_text
    from harmonize.api.calibration_text import looks_back_text, requested_text

    if calibration.looks_back:
        note(settings, f"note: {looks_back_text(calibration)}")
    if calibration.is_for_requested_only:
        note(settings, f"note: {requested_text(calibration)}")
    measured = {item.asset for item in calibration.evidence if item.inputs}
    if unmeasured := unmeasured_text(calibration):
        note(settings, f"note: not measured: {unmeasured}{reasons}")
    if not reasons:
        _print_reasons(settings, request, calibration)
    for defect in calibration.defects:
        note(settings, f"defect: {defect}")
    missing = [asset for asset in calibration.requested if asset not in measured]
    if missing:
        note(
            settings,
            f"incomplete: {counted(len(missing), 'requested underlying')} not measured: {', '.join(missing)}",
        )
    raise typer.Exit(INCOMPLETE if missing or calibration.defects else OK)


def _print_reasons(
    settings: Settings, request: "CalibrationRequest", calibration: "Calibration"
) -> None:
    """Prints why inputs were not measured, and the command that writes the files with the evidence."""
    from harmonize.api.calibrate import calibrate_command
    from harmonize.api.calibration_text import refused_lines

    for line in refused_lines(calibration.refused):
        note(settings, f"note: {line}")
    place = f" --archive {shlex.quote(str(settings.archive))}" if settings.archive else ""
    command = calibrate_command(request.pack, request.as_of, calibration.requested)
    note(
        settings,
        f"note: `harmonize{place} {command} --out FOLDER`, on version {calibration.last.version}, writes "
        "the inputs, changes and review behind this version",
    )
