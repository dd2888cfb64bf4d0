"""Option ``--apply`` of ``thresholds``: the baseline with the proposals of signals, in one file."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harmonize.cli.console import INCOMPLETE, USAGE, Settings, fail, fail_with, note

if TYPE_CHECKING:
    from harmonize.api.threshold_terms import ThresholdsAnswer


def check_target(target: Path, as_of: datetime | None) -> None:
    """Ends the program if a version must not be written to a file, before anything is computed."""
    from harmonize.api.build_day import build_day
    from harmonize.api.calibrate import BASELINE, next_version
    from harmonize.api.version_target import VersionTargetError
    from harmonize.api.version_target import check_target as check
    from rules import loader

    try:
        day = (as_of or build_day(os.environ, datetime.now(UTC))).date()
        last = loader.load(BASELINE)
        check(target, last, next_version(last.version, day))
    except VersionTargetError as error:
        fail(f"--apply: {error}", USAGE)
    except loader.RuleError as error:
        fail_with(error, USAGE)
    except ValueError as error:
        fail(str(error), USAGE)


def write_proposals(settings: Settings, target: Path, answer: "ThresholdsAnswer") -> None:
    """Writes the version that signals propose, and notes what moved; none ends the program."""
    from harmonize.api.errors import NotObservedError
    from harmonize.api.signal_proposals import move_text, proposed_version, stay_text
    from harmonize.api.version_target import VersionTargetError, write_version

    try:
        proposed = proposed_version(answer)
        content = proposed.text.text.encode()
        write_version(target, proposed.last, proposed.version, content)
    except NotObservedError as error:
        fail(f"--apply: {error}", INCOMPLETE)
    except VersionTargetError as error:
        fail(f"--apply: {error}", USAGE)
    except OSError as error:
        fail(f"--apply: {target}: cannot write: {error.strerror}; use another file", USAGE)
    for move in proposed.moves:
        note(settings, f"moved: {move_text(move)}")
    for stay in proposed.stays:
        note(settings, f"note: {stay_text(stay)}")
    for text in proposed.text.removed_examples:
        note(settings, f'note: example "{text}" was removed: its verdict holds no longer')
    note(settings, f"wrote {target}: {proposed.last.id} {proposed.version}")
