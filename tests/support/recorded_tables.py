"""Rebuilds the tables of the recorded archive: ``python -m tests.support.recorded_tables``."""

from datetime import UTC, datetime

from harmonize.api.index_over_time import keep_index
from harmonize.api.question import Question
from harmonize.archive.archive import Archive
from harmonize.archive.source import Source
from harmonize.history import derived
from harmonize.history.tables import HistoryTables
from tests.support.paths import ROOT

ARCHIVE = ROOT / "venues" / "recorded" / "archive"


def main() -> None:
    """Deletes the tables and rebuilds them from the whole archive."""
    HistoryTables(ARCHIVE / "derived").clear()
    source = Source.of(Archive.open(ARCHIVE), "recorded")
    derived.recent_history(source, datetime(9999, 1, 1, tzinfo=UTC))
    keep_index(Question())


if __name__ == "__main__":
    main()
