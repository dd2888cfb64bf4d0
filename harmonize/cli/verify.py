"""The verify command: recomputes a report from its archive and rule sets."""

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from harmonize.cli.console import FINDINGS, INCOMPLETE, USAGE, Settings, fail, print_line
from harmonize.cli.request import archive_to_read, thresholds_workers
from harmonize.text.messages import counted

_PRINTED = 20


def verify(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder of the report.")],
) -> None:
    """Recompute every figure of a report from archive and rule sets; name what differs."""
    from harmonize.api.audit import RequestError
    from harmonize.api.report_folder import ReportFolderError, count_prints, differences
    from harmonize.archive.archive import ArchiveError
    from rules.loader import RuleError

    settings: Settings = context.obj
    try:
        found = differences(folder, archive_to_read(settings), thresholds_workers)
        lines = [*islice(found, _PRINTED + 1)]
    except (ReportFolderError, RequestError, RuleError) as error:
        fail(str(error), USAGE)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)
    for line in lines[:_PRINTED]:
        print_line(line)
    if lines:
        more = "; more follow" if len(lines) > _PRINTED else ""
        print_line(f"{folder}: differs in {counted(min(len(lines), _PRINTED), 'place')}{more}")
        raise typer.Exit(FINDINGS)
    prints = count_prints(folder)
    apart = f"; {counted(prints, 'PDF')} not verified" if prints else ""
    print_line(f"{folder}: every file equals the one recomputed from archive and rule sets{apart}")
