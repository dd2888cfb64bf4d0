"""Schedules of each venue as of a day, as rows of the tables by underlying."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harmonize.api.observed_days import ObservedDay, TabledSource, VenueView
from harmonize.api.question import Question
from harmonize.api.reading import NothingObservedError, read
from harmonize.archive.catalog import Entry
from harmonize.core.instrument import AssetNames, Underlying
from harmonize.core.open_interest import newest_by_contract
from harmonize.history.compared_rows import ComparedRow, compared_row
from harmonize.history.compared_tables import ComparedRows, read_entries
from venues import assets, registry

RowsByAsset = Mapping[str, tuple[ComparedRow, ...]]
"""Rows by underlying."""


@dataclass(frozen=True, slots=True)
class VenueDay:
    """Rows of all venues as of a day.

    ``rows`` are by venue, then by underlying. ``names`` are the underlyings of all schedules read,
    before any selection. ``changed`` are the underlyings with other rows than on the day before.
    """

    rows: Mapping[str, RowsByAsset]
    names: AssetNames
    changed: frozenset[str]


@dataclass(slots=True)
class VenueDays:
    """Walk through days: the rows of a venue are read again only when its view changes."""

    question: Question
    sources: Sequence[TabledSource]
    stored: Mapping[tuple[int, str], ComparedRows]
    views: dict[str, VenueView] = field(default_factory=dict)
    rows: dict[str, RowsByAsset] = field(default_factory=dict)
    assets: dict[str, frozenset[str]] = field(default_factory=dict)
    names: AssetNames = field(default_factory=AssetNames)

    @classmethod
    def of(
        cls, question: Question, sources: Sequence[TabledSource], days: Sequence[ObservedDay]
    ) -> "VenueDays":
        """Returns the walk through some days, in order, with their rows read."""
        needed: dict[tuple[int, str], dict[str, Entry]] = {}
        for day in days:
            for venue, view in day.views.items():
                needed.setdefault((view.source, venue), {})[view.entry.digest] = view.entry
        stored = {
            (number, venue): read_entries(
                sources[number].store.compared_folder(venue), own.values()
            )
            for (number, venue), own in needed.items()
        }
        return cls(question, sources, stored)

    def as_of(self, day: ObservedDay) -> VenueDay:
        """Returns the rows as of the next day."""
        changed: set[str] = set()
        is_changed = False
        for venue in sorted({*self.views, *day.views}):
            view = day.views.get(venue)
            if view == self.views.get(venue):
                continue
            is_changed = True
            changed |= self.rows.get(venue, {}).keys()
            if view is None:
                del self.views[venue], self.rows[venue], self.assets[venue]
                continue
            self.views[venue] = view
            self.rows[venue], self.assets[venue] = self._rows(day, venue, view)
            changed |= self.rows[venue].keys()
        if is_changed:
            observed = frozenset().union(*self.assets.values())
            if observed != self.names.names:
                self.names = AssetNames.of(observed, assets.bundled().names())
        return VenueDay(dict(self.rows), self.names, frozenset(changed))

    def _rows(
        self, day: ObservedDay, venue: str, view: VenueView
    ) -> tuple[RowsByAsset, frozenset[str]]:
        stored = self.stored[view.source, venue]
        digest = view.entry.digest
        if view.is_stored and digest in stored.complete:
            observed = stored.assets_of(digest)
            own = stored.rows_of(digest, _possible(self.question.underlyings, observed))
        else:
            own = self._read(day, venue)
            observed = frozenset(row.asset for row in own)
        by_asset: dict[str, list[ComparedRow]] = {}
        for row in own:
            by_asset.setdefault(row.asset, []).append(row)
        return {asset: tuple(rows) for asset, rows in by_asset.items()}, observed

    def _read(self, day: ObservedDay, venue: str) -> list[ComparedRow]:
        """Returns the rows of a venue from its payloads, where the tables cannot have them.

        That is so if a snapshot between them is damaged, or was pruned since, or if a file of the
        tables is damaged or missing.
        """
        if registry.find_adapter(venue) is None:
            return []
        sources = [tabled.source for tabled in self.sources]
        try:
            reading = read(sources, (venue,), day.day)
        except NothingObservedError:
            return []
        interests = newest_by_contract(reading.open_interest)
        return [
            compared_row(schedule, float(interest.value) if interest else None)
            for schedule in reading.schedules
            for interest in (interests.get((venue, schedule.instrument.id)),)
        ]


def possible_names(names: Sequence[str]) -> frozenset[str]:
    """Returns, case-folded, the names of underlyings that some names may mean."""
    renamed = assets.bundled().names()
    plain = [Underlying.of(text).asset for name in names for text in (name, name.upper())]
    meant = (*names, *plain, *(renamed.get(asset, asset) for asset in plain))
    return frozenset(asset.casefold() for asset in meant)


def _possible(names: Sequence[str], observed: frozenset[str]) -> frozenset[str] | None:
    """Returns the underlyings that some names may mean; None if none are named."""
    if not names:
        return None
    meant = possible_names(names)
    return frozenset(asset for asset in observed if asset.casefold() in meant)
