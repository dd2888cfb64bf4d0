"""Changes of schedules between two days, from every observation in between."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, time
from datetime import date as Date  # noqa: N812 - `date` names arguments here
from itertools import pairwise

from harmonize.api.audit import (
    Question,
    missing,
    open_sources,
    read,
    with_observed_names,
)
from harmonize.archive.location import recorded_archive
from harmonize.archive.source import Source
from harmonize.core.instrument import AssetNames
from harmonize.core.schedule import MarginSchedule
from harmonize.document.change import Change, ChangeKind, Step
from harmonize.history import derived, queries
from harmonize.history.recent import ScheduleKey
from harmonize.history.table_rows import ScheduleRow, change_of
from venues import assets as asset_table

SCHEMA_VERSION = "1.0"
"""Version of the JSON envelope of changes."""


@dataclass(frozen=True, slots=True)
class ObservedChanges:
    """Changes observed after ``since`` up to the end of ``until``, days in ISO 8601.

    Each change is between two consecutive observations of its venue. With requested underlyings, the
    asset before or after it is one of them. ``unobserved`` has a line per venue that was not observed
    between the two days, ``missing`` one per part that was not observed or cannot be read.
    """

    since: str
    until: str
    archive: str
    changes: tuple[Change, ...]
    unobserved: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def as_object(self, selected: Sequence[Change]) -> dict[str, object]:
        """Returns an object for JSON: version, days, archive, the number of changes, a selection."""
        return {
            "schema_version": SCHEMA_VERSION,
            "from": self.since,
            "to": self.until,
            "archive": self.archive,
            "total": len(self.changes),
            "changes": [asdict(change) for change in selected],
        }


def changes_between(
    question: Question, since: Date, until: Date, notionals: Sequence[float] = ()
) -> ObservedChanges:
    """Returns the changes that observations after ``since`` up to ``until`` show.

    Margins before and after are given at ``notionals``, in USD; without any, at those of the
    archive's tables. Raises RequestError: nothing was observed by ``since``; ArchiveError.
    """
    first, last = _end_of(since), _end_of(until)
    question = replace(question, as_of=until)
    after, before = _observe(question), _observe(replace(question, as_of=since))
    # of both days: on the other day, a code may have meant another asset
    assets = after.assets | before.assets
    with recorded_archive() as path:
        sources = open_sources(question, path)
        rows = [
            row
            for source in sources
            for row in _rows(source, sources, (first, last))
            if _is_selected(row, question, assets)
        ]
        previous = _rows_before(sources, rows, last) if notionals else {}
    changes = (_change(row, previous, notionals) for row in rows)
    return ObservedChanges(
        since.isoformat(),
        until.isoformat(),
        after.archive,
        tuple(change for change in changes if not assets or change.assets & assets),
        _unobserved(before.selected(assets), after.selected(assets)),
        after.missing,
    )


def _end_of(day: Date) -> datetime:
    return datetime.combine(day, time.max, UTC)


@dataclass(frozen=True, slots=True)
class _Day:
    """Schedules of all underlyings as of a day, the requested underlyings, and what is missing.

    ``assets`` are the requested underlyings by their observed names; all if empty. ``missing`` names
    what was requested and not observed, or is unreadable.
    """

    archive: str
    schedules: tuple[MarginSchedule, ...]
    assets: frozenset[str]
    missing: tuple[str, ...] = ()

    def selected(self, assets: frozenset[str]) -> tuple[MarginSchedule, ...]:
        """Returns the schedules on some underlyings; on all if none is given."""
        schedules = self.schedules
        return tuple(s for s in schedules if not assets or s.instrument.underlying.asset in assets)


def _observe(question: Question) -> _Day:
    """Returns what was observed up to the question's day. Raises RequestError, ArchiveError."""
    reading, _ = read(replace(question, underlyings=()))
    observed = (schedule.instrument.underlying.asset for schedule in reading.schedules)
    # Both days have to mean one asset by a name, which a code need not have meant on the earlier day.
    reading = replace(reading, names=AssetNames.of(observed, asset_table.bundled().names()))
    requested = frozenset(with_observed_names(question, reading).underlyings)
    day = _Day(reading.archive, reading.schedules, requested)
    absent = missing(question, replace(reading, schedules=day.selected(requested)))
    return replace(day, missing=(*absent, *map(str, reading.defects)))


def _rows(
    source: Source, sources: Sequence[Source], span: tuple[datetime, datetime]
) -> tuple[ScheduleRow, ...]:
    """Returns the rows of a source in a span, of venues that no earlier source holds."""
    earlier = sources[: sources.index(source)]
    others = {x.venue for other in earlier for x in other.entries if not x.failed}
    venues = sorted({x.venue for x in source.entries if not x.failed} - others)
    store, _ = derived.update_tables(source.archive)
    return queries.rows_between(store, *span, venues) if venues else ()


def _is_selected(row: ScheduleRow, question: Question, assets: frozenset[str]) -> bool:
    """Returns whether a row has the question's venue and profile and may have one of the assets."""
    has_profile = not question.profile or question.profile in {
        row.profile,
        *row.profile.split(", "),
    }
    has_asset = not assets or row.asset in assets or row.kind == ChangeKind.ANOTHER_ASSET.value
    return has_profile and has_asset and (not question.venues or row.venue in question.venues)


def _unobserved(
    before: Sequence[MarginSchedule], after: Sequence[MarginSchedule]
) -> tuple[str, ...]:
    """Returns a line per venue without an observation between the two days."""
    times: dict[str, tuple[set[datetime], set[datetime]]] = {}
    for side, schedules in enumerate((before, after)):
        for schedule in schedules:
            both = times.setdefault(schedule.instrument.venue, (set(), set()))
            both[side].add(schedule.observed_at)
    return tuple(
        f"{venue}: not observed between the two days; both use data as of {max(old):%Y-%m-%d}"
        for venue, (old, new) in sorted(times.items())
        if old and old == new
    )


_Previous = Mapping[tuple[ScheduleKey, int], ScheduleRow]


def _rows_before(
    sources: Sequence[Source], rows: Sequence[ScheduleRow], last: datetime
) -> _Previous:
    """Returns the state before each row, by the schedule's key and the row's sequence."""
    assets = sorted({row.asset for row in rows})
    by_key: dict[ScheduleKey, list[ScheduleRow]] = {}
    for source in sources:
        store, _ = derived.update_tables(source.archive)
        for row in queries.rows_of_underlyings(store, assets, last):
            by_key.setdefault(row.key, []).append(row)
    return {
        (key, after.sequence): before
        for key, own in by_key.items()
        for before, after in pairwise(sorted(own, key=lambda x: (x.observed_at, x.sequence)))
    }


def _change(row: ScheduleRow, before: _Previous, notionals: Sequence[float]) -> Change:
    """Returns the change of a row, with its margins at the notionals."""
    change = change_of(row)
    if not notionals or not change.steps:
        return change
    previous = before.get((row.key, row.sequence))
    return replace(
        change, steps=tuple(_step(notional, previous, row, change.price) for notional in notionals)
    )


def _step(notional: float, before: ScheduleRow | None, after: ScheduleRow, price: float) -> Step:
    """Returns the margins at a notional, the earlier ones at the prices of the later."""
    old = [queries.margin_at_price(getattr(before, name, None), notional, price) for name in _TYPES]
    new = [queries.margin_at_price(getattr(after, name), notional) for name in _TYPES]
    return Step(notional, old[0], new[0], old[1], new[1])


_TYPES = ("initial", "maintenance")
