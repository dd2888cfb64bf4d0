"""The tables that ship beside the recorded archive are those that it gives."""

from pathlib import Path

from harmonize.archive.archive import Archive
from harmonize.history import queries
from harmonize.history.stress_windows import windows
from harmonize.history.table_rows import read_rows
from harmonize.history.tables import HistoryTables
from tests.support.recorded_tables import ARCHIVE


def rows(folder: Path) -> dict[str, object]:
    found = sorted((folder / "schedules").rglob("*.parquet"))
    return {path.relative_to(folder).as_posix(): read_rows(path) for path in found}


def test_the_tables_that_ship_are_made_of_the_archive_that_ships(tmp_path: Path) -> None:
    """Where this fails, `python -m tests.support.recorded_tables` makes them anew."""
    archive = Archive.open(ARCHIVE)
    shipped, anew = HistoryTables(ARCHIVE / "derived"), HistoryTables(tmp_path)
    held = anew.update(archive)
    assert shipped.held() == held
    assert rows(shipped.path) == rows(anew.path)
    newest = max(one.observed_at for one in archive.entries() if not one.failed)
    assert (ARCHIVE / "derived" / "lately.json").exists()
    told = queries.recent_history(shipped, held, newest, windows())
    assert told == queries.recent_history(anew, held, newest, windows())
