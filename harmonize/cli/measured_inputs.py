"""Adds inputs measured from archived candles to the archive, and prints what was measured."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import typer

from harmonize.cli.console import INCOMPLETE, Settings, fail, note, own_archive, print_line
from harmonize.text.messages import counted

if TYPE_CHECKING:
    from harmonize.adequacy.measured_inputs import NotMeasured

_MAX_NAMES = 3


def add_measured(settings: Settings, underlyings: Sequence[str], as_of: datetime | None) -> None:
    """Measures inputs and archives them once; exits with 3 if nothing was measured.

    ``as_of`` is the last day whose candles are measured; None takes all that have closed by now.
    """
    from harmonize.api import measure
    from harmonize.archive.archive import Archive, ArchiveError

    place = settings.archive or own_archive()
    now = datetime.now(UTC)
    until = min(now, as_of.replace(tzinfo=UTC) + timedelta(days=1)) if as_of else now
    try:
        measured = measure.measure_inputs(place, underlyings, until)
        for defect in measured.defects:
            note(settings, f"defect: {defect}")
        _print_refused(measured.refused)
        if measured.snapshot is None:
            fail("no input was measured; import or gather candles", INCOMPLETE)
        if measure.is_archived(Archive.find(place), measured.snapshot):
            print_line(f"{counted(len(measured.inputs), 'input')} already in {place}")
            return
        entry = Archive.open_or_create(place).append(measured.snapshot)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)
    print_line(
        f"{counted(len(measured.inputs), 'input')} of {entry.observed_at:%Y-%m-%d} in {place}"
    )
    if measured.defects:
        raise typer.Exit(INCOMPLETE)


def _print_refused(refused: "Sequence[NotMeasured]") -> None:
    """Prints a line per reason: the number of inputs, and the first of them."""
    by_reason = defaultdict(list)
    for item in refused:
        by_reason[item.reason].append(f"{item.name} of {item.underlying}")
    for reason, names in sorted(by_reason.items(), key=lambda group: (-len(group[1]), group[0])):
        more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
        print_line(f"not measured {len(names):,}: {reason}: {', '.join(names[:_MAX_NAMES])}{more}")
