"""Command ``calibrate``: a new version of a rule set from prices, with its evidence and the review."""

import os
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
    write,
)
from harmonize.text.messages import counted

if TYPE_CHECKING:
    from datetime import date

    from harmonize.api.calibrate import Calibration, CalibrationRequest


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

    if apply is not None:
        _check_target(apply, pack, out)
    request = CalibrationRequest(
        pack, _day(as_of), context.obj.archive or own_archive(), tuple(underlying or ())
    )
    try:
        if out is not None:
            calibration_files.check_writable(out)
        calibration, files = _calibrated(request)
        if apply is not None:
            write(apply, files[f"{calibration.last.id}.yaml"])
            print_line(str(apply))
            _exit(context.obj, request, calibration)
        folder = out or Path(f"{calibration.last.id}-{request.as_of}")
        calibration_files.write(folder, files)
    except CalibrationFolderError as error:
        fail(f"--out: {error}", USAGE)
    except OSError as error:
        fail(f"--out: {error.filename}: cannot write: {error.strerror}; use another folder", USAGE)
    for name in files:
        print_line(str(folder / name))
    _exit(context.obj, request, calibration)


def _check_target(apply: Path, pack: str, out: Path | None) -> None:
    """Ends the program if the file of ``--apply`` is no version of the rule set, before anything else."""
    from rules import loader

    if out is not None:
        fail("--apply: found together with --out, which writes all files; remove one", USAGE)
    if apply.suffix not in {".yaml", ".yml"}:
        fail(f"--apply: expected a file that ends in .yaml, found {apply.name}", USAGE)
    if not apply.parent.is_dir():
        fail(f"--apply: no folder {apply.parent}; create it, or choose another", USAGE)
    if not apply.exists():
        return
    try:
        found, expected = loader.load(str(apply)).id, loader.load(pack).id
    except loader.RuleError as error:
        fail_with(error, USAGE)
    if found != expected:
        fail(f"--apply: {apply}: found rule set {found}, not {expected}; use another file", USAGE)


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
    from harmonize.api.calibration_files import calibration_files
    from harmonize.api.errors import NotObservedError, RequestError
    from harmonize.archive.archive import ArchiveError
    from harmonize.core.yaml_source import YamlSourceError
    from rules.loader import RuleError

    try:
        result = calibration.calibrate(request)
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
    settings: Settings, request: "CalibrationRequest", calibration: "Calibration"
) -> NoReturn:
    """Prints what was not measured, and ends with exit code 3 if that was requested."""
    measured = {item.asset for item in calibration.evidence if item.inputs}
    unmeasured = [item.asset for item in calibration.evidence if item.asset not in measured]
    if unmeasured:
        note(
            settings, f"note: not measured: {', '.join(unmeasured)}; see changes.md for the reasons"
        )
    for defect in calibration.defects:
        note(settings, f"defect: {defect}")
    missing = [asset for asset in request.underlyings if asset not in measured]
    if missing:
        note(
            settings,
            f"incomplete: {counted(len(missing), 'requested underlying')} not measured: {', '.join(missing)}",
        )
    raise typer.Exit(INCOMPLETE if missing or calibration.defects else OK)
