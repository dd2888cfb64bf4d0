"""The bundled tables of the recorded archive equal those rebuilt from it."""

from pathlib import Path

import pyarrow.parquet as pq

from harmonize.archive.archive import Archive
from harmonize.history import queries
from harmonize.history.stress_windows import windows
from harmonize.history.table_rows import read_rows
from harmonize.history.tables import HistoryTables
from tests.support.recorded_tables import ARCHIVE


def rows(folder: Path) -> dict[str, object]:
    paths = sorted((folder / "schedules").rglob("*.parquet"))
    return {path.relative_to(folder).as_posix(): read_rows(path) for path in paths}


def compared(store: HistoryTables) -> dict[str, object]:
    folders = sorted(store.path.glob("compared/*"))
    months = [path for folder in folders for path in sorted(folder.glob("*.parquet"))]
    return {
        path.relative_to(store.path).as_posix(): pq.read_table(path, partitioning=None).to_pydict()
        for path in months
    }


def test_the_bundled_tables_are_those_of_the_bundled_archive(tmp_path: Path) -> None:
    """If this fails, rebuild them with `python -m tests.support.recorded_tables`."""
    archive = Archive.open(ARCHIVE)
    bundled, rebuilt = HistoryTables(ARCHIVE / "derived"), HistoryTables(tmp_path)
    state = rebuilt.update(archive)
    assert bundled.state() == state
    assert rows(bundled.path) == rows(rebuilt.path)
    newest = max(entry.observed_at for entry in archive.entries() if not entry.failed)
    assert (ARCHIVE / "derived" / "lately.json").exists()
    assert compared(bundled) == compared(rebuilt)
    assert list((ARCHIVE / "derived" / "index").glob("*.parquet")), "the index of every day"
    recent = queries.recent_history(bundled, state, newest, windows())
    assert recent == queries.recent_history(rebuilt, state, newest, windows())
