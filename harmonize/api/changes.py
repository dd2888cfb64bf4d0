"""Changes of schedules between two days, from every observation in between."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, time
from datetime import date as Date  # noqa: N812 - `date` names arguments here
from itertools import pairwise

from harmonize.api.audit import (
    Question,
    RequestError,
    missing,
    open_sources,
    read,
    with_observed_names,
)
from harmonize.archive.location import recorded_archive
from harmonize.archive.source import Source
from harmonize.audit.assemble import Reading
from harmonize.document.change import Change, Step
from harmonize.history import derived, queries
from harmonize.history.recent import ScheduleKey
from harmonize.history.table_rows import ScheduleRow, change_of
from venues import registry

SCHEMA_VERSION = "1.0"
"""Version of the JSON envelope of changes."""


@dataclass(frozen=True, slots=True)
class ObservedChanges:
    """Changes observed after ``since`` up to the end of ``until``, days in ISO 8601.

    Each change is between two consecutive observations of its venue. ``unobserved`` has a line per
    venue that was not observed between the two days, ``missing`` one per part that was not observed
    or cannot be read.
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
    reading, _ = read(replace(question, as_of=until))
    question = with_observed_names(replace(question, as_of=until), reading)
    with recorded_archive() as path:
        sources = open_sources(question, path)
        times = _observation_times(sources, question)
        _check_observed(times, first)
        rows = [row for source in sources for row in _rows(source, sources, (first, last))]
        before = _rows_before(sources, rows, last) if notionals else {}
    selected = [row for row in rows if _is_selected(row, question)]
    return ObservedChanges(
        since.isoformat(),
        until.isoformat(),
        reading.archive,
        tuple(_change(row, before, notionals) for row in selected),
        _unobserved(times, first, last),
        _missing(question, reading),
    )


def _end_of(day: Date) -> datetime:
    return datetime.combine(day, time.max, UTC)


def _missing(question: Question, reading: Reading) -> tuple[str, ...]:
    return (*missing(question, reading), *map(str, reading.defects))


def _observation_times(
    sources: Sequence[Source], question: Question
) -> dict[str, tuple[datetime, ...]]:
    """Returns the times of observations by venue, from the first source that holds the venue."""
    times: dict[str, tuple[datetime, ...]] = {}
    for source in sources:
        own: dict[str, set[datetime]] = {}
        for entry in source.entries:
            is_selected = not question.venues or entry.venue in question.venues
            if is_selected and not entry.failed and registry.find_adapter(entry.venue):
                own.setdefault(entry.venue, set()).add(entry.observed_at)
        for venue, observed in own.items():
            times.setdefault(venue, tuple(sorted(observed)))
    return times


def _check_observed(times: Mapping[str, Sequence[datetime]], first: datetime) -> None:
    """Raises RequestError: no venue was observed by the first day."""
    earliest = min((own[0] for own in times.values()), default=None)
    if earliest is not None and earliest > first:
        message = f"no snapshot up to {first:%Y-%m-%d}; use a date from {earliest:%Y-%m-%d} on"
        raise RequestError(message)


def _rows(
    source: Source, sources: Sequence[Source], span: tuple[datetime, datetime]
) -> tuple[ScheduleRow, ...]:
    """Returns the rows of a source in a span, of venues that no earlier source holds."""
    earlier = sources[: sources.index(source)]
    others = {x.venue for other in earlier for x in other.entries if not x.failed}
    venues = sorted({x.venue for x in source.entries if not x.failed} - others)
    store, _ = derived.update_tables(source.archive)
    return queries.rows_between(store, *span, venues) if venues else ()


def _is_selected(row: ScheduleRow, question: Question) -> bool:
    has_profile = not question.profile or question.profile in {
        row.profile,
        *row.profile.split(", "),
    }
    return (
        has_profile
        and (not question.venues or row.venue in question.venues)
        and (not question.underlyings or row.asset in question.underlyings)
    )


def _unobserved(
    times: Mapping[str, Sequence[datetime]], first: datetime, last: datetime
) -> tuple[str, ...]:
    """Returns a line per venue without an observation between the two days."""
    lines = []
    for venue, own in sorted(times.items()):
        before = [at for at in own if at <= first]
        if before and not any(first < at <= last for at in own):
            day = f"{before[-1]:%Y-%m-%d}"
            lines.append(f"{venue}: not observed between the two days; both use data as of {day}")
    return tuple(lines)


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
