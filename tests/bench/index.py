"""The index over time: nights of real venues, against a plain reading of every day.

Run: ``python -m tests.bench.index``. A real archive is answered both ways, and the answers are compared.
Longer ones are the rows of its last night, repeated at other times, prices and open interest.
"""

import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from harmonize.api.audit import load_rule_sets
from harmonize.api.index_over_time import index_over_time, index_series
from harmonize.api.observed_days import TabledSource
from harmonize.api.question import Question
from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Catalog, Entry, latest
from harmonize.archive.source import Source
from harmonize.history.compared_rows import ComparedRow
from harmonize.history.compared_tables import EntryRows, layers_key, read_entries, write_entries
from harmonize.history.derived import update_tables
from harmonize.history.index_series import FOLDER
from harmonize.history.tables import EntryState, HistoryTables, TableState
from tests.support.index_by_day import VENUES, by_day, own_archive

COMPARED = 26
"""Nights that are also answered by reading every day."""

NIGHTS = (26, 208, 1_000)
GOAL = 2.0
"""Seconds for an answer at any length, with the tables and the kept days up to date."""

DAY = timedelta(days=1)
RULE_SETS = load_rule_sets(())


def main() -> None:
    """Prints the times, and fails if two answers differ or an answer takes too long."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = own_archive(folder / "archive", COMPARED)
        store, _ = update_tables(archive)
        question = Question(archive=folder / "archive")
        own, series = _timed(lambda: index_over_time(question))
        again, kept = _timed(lambda: index_over_time(question))
        plain, expected = _timed(lambda: by_day(question))
        if not series == kept == expected:
            message = "two answers differ"
            raise SystemExit(message)
        _say(
            f"{COMPARED} nights of {len(VENUES)} venues: day by day {plain:.1f} s; from the tables "
            f"{own:.2f} s at first, {again:.2f} s then; equal answers"
        )
        last = _last_night(store, archive)
        slow = [nights for nights in NIGHTS if not _is_fast(folder, archive, last, nights)]
    if slow:
        message = f"above {GOAL} s at {slow} nights"
        raise SystemExit(message)


def _last_night(store: HistoryTables, archive: Archive) -> list[tuple[Entry, list[ComparedRow]]]:
    """Returns the newest entry of each venue with its rows."""
    entries = [own[0] for own in latest(archive.entries()).values()]
    return [
        (
            entry,
            read_entries(store.compared_folder(entry.venue), [entry]).rows_of(entry.digest, None),
        )
        for entry in entries
    ]


def _is_fast(
    folder: Path, archive: Archive, last: list[tuple[Entry, list[ComparedRow]]], nights: int
) -> bool:
    """Answers an archive of some nights: at first, again, after one more night, and for BTC alone."""
    store = HistoryTables(folder / f"tables {nights}")
    began = time.perf_counter()
    entries = list(_written(store, last, range(nights)))
    size = sum(path.stat().st_size for path in store.path.rglob("*.parquet"))
    writing = time.perf_counter() - began
    first, _ = _timed(lambda: _answer(store, archive, entries))
    again, _ = _timed(lambda: _answer(store, archive, entries))
    entries += _written(store, last, range(nights, nights + 1))
    more, _ = _timed(lambda: _answer(store, archive, entries))
    selected, _ = _timed(lambda: _answer(store, archive, entries, ("BTC",)))
    kept = sum(path.stat().st_size for path in (store.path / FOLDER).rglob("*.parquet"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    _say(
        f"{nights:>5,} nights: {again:.2f} s (goal {GOAL} s); with one new night {more:.2f} s; none "
        f"kept {first:.1f} s; BTC alone, first asked {selected:.2f} s; tables "
        f"{size / nights / len(last):,.0f} bytes per venue-night, written in {writing:.0f} s; kept days "
        f"{kept / nights:,.0f} bytes per night; peak {peak:,.0f} MB"
    )
    return max(again, more, selected) <= GOAL


def _answer(
    store: HistoryTables,
    archive: Archive,
    entries: list[Entry],
    underlyings: tuple[str, ...] = (),
) -> object:
    states = tuple(
        EntryState(entry, read=True, layers=layers_key([entry.digest])) for entry in entries
    )
    state = TableState(Catalog(tuple(entries), len(entries), entries[-1].digest), states)
    source = TabledSource(Source(archive, "bench", tuple(entries)), store, state)
    return index_series(Question(underlyings=underlyings), RULE_SETS, [source])


def _written(
    store: HistoryTables, last: list[tuple[Entry, list[ComparedRow]]], nights: Iterable[int]
) -> Iterable[Entry]:
    """Writes the rows of some nights and yields their entries."""
    chance = random.Random(20_261_130)  # noqa: S311 - a seed, not a secret
    numbers = list(nights)
    for position, (entry, rows) in enumerate(last):
        own = []
        for night in numbers:
            factor = chance.uniform(0.98, 1.02)
            shift = night * DAY + timedelta(seconds=chance.randrange(600))
            digest = f"{night * len(last) + position:064x}"
            dated = replace(
                entry,
                sequence=night * len(last) + position + 1,
                observed_at=entry.observed_at + shift,
                digest=digest,
                complete=True,
            )
            own.append(EntryRows(dated, tuple(_moved(row, shift, factor) for row in rows)))
        folder = store.compared_folder(entry.venue)
        for month in sorted({f"{rows.entry.observed_at:%Y-%m}" for rows in own}):
            part = [rows for rows in own if f"{rows.entry.observed_at:%Y-%m}" == month]
            write_entries(folder, (), part, is_append=True)
        yield from (rows.entry for rows in own)


def _moved(row: ComparedRow, shift: timedelta, factor: float) -> ComparedRow:
    """Returns a row of another night: other times, prices and open interest."""

    def priced(text: str) -> str:
        return f"{Decimal(text) * Decimal(f'{factor:.4f}'):.8g}" if text else ""

    return replace(
        row,
        observed_at=row.observed_at + shift,
        scale=priced(row.scale),
        price=priced(row.price),
        priced_at=row.priced_at and row.priced_at + shift,
        interest=None if row.interest is None else row.interest * factor,
    )


def _timed(function: Callable[[], object]) -> tuple[float, object]:
    began = time.perf_counter()
    result = function()
    return time.perf_counter() - began, result


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
