"""The tables that ship beside the recorded archive are those that it gives."""

from pathlib import Path

from harmonize.archive.archive import Archive
from harmonize.history import queries as recall
from harmonize.history.stress_windows import windows
from harmonize.history.table_rows import read_rows
from harmonize.history.tables import Store
from tests.support.recorded_tables import ARCHIVE


def rows(folder: Path) -> dict[str, object]:
    found = sorted((folder / "schedules").rglob("*.parquet"))
    return {path.relative_to(folder).as_posix(): read_rows(path) for path in found}


def test_the_tables_that_ship_are_made_of_the_archive_that_ships(tmp_path: Path) -> None:
    """Where this fails, `python -m tests.support.recorded_tables` makes them anew."""
    archive = Archive.open(ARCHIVE)
    shipped, anew = Store(ARCHIVE / "derived"), Store(tmp_path)
    held = anew.update(archive)
    assert shipped.held() == held
    assert rows(shipped.path) == rows(anew.path)
    newest = max(one.observed_at for one in archive.entries() if not one.failed)
    assert (ARCHIVE / "derived" / "lately.json").exists()
    told = recall.lately(shipped, held, newest, windows())
    assert told == recall.lately(anew, held, newest, windows())
