"""The venues that an index compares on each underlying as of a day, from rows of the tables.

The judgements are those of ``comparison.universe``: end of trading, identity, shared order books and
representatives. They are made again only where something that they depend on differs from all days
before.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from harmonize.api.compared_venues import RowsByAsset, VenueDay
from harmonize.api.judgement_key import exact_key, judgement_key
from harmonize.api.observed_days import ObservedDay, TabledSource
from harmonize.api.question import Question, Verification
from harmonize.api.reading import only_verified
from harmonize.comparison.cross_venue import MIN_INDEX_VENUES
from harmonize.comparison.identity import with_identities
from harmonize.comparison.index_batch import BoundedFunction, Functions
from harmonize.comparison.layout import MARGIN_TYPES
from harmonize.comparison.peers import exclusion_reason
from harmonize.comparison.representative import choose_representatives
from harmonize.comparison.shared_books import with_shared_books
from harmonize.comparison.trading import end_of_trading, with_trading
from harmonize.core.schedule import MarginSchedule
from harmonize.history import queries
from harmonize.history.compared_rows import ComparedRow, RowReader
from harmonize.history.queries import ChangeTimes
from harmonize.history.recent import ScheduleKey

_Since = Mapping[ScheduleKey, datetime]
_Chosen = Mapping[str, tuple[tuple[int, BoundedFunction], ...]]
"""Numbers of the compared rows with their functions, by margin type."""


@dataclass(frozen=True, slots=True)
class GroupMember:
    """Function of one compared venue, and its open interest in USD; None if it is not observed."""

    function: BoundedFunction
    interest: float | None


@dataclass(frozen=True, slots=True, eq=False)
class UnderlyingGroup:
    """Compared venues on one underlying, by margin type, sorted by venue."""

    by_type: Mapping[str, tuple[GroupMember, ...]]

    def members(self, margin_type: str) -> tuple[GroupMember, ...]:
        """Returns the members with a known margin."""
        return self.by_type[margin_type]


_NO_GROUP = UnderlyingGroup(dict.fromkeys(MARGIN_TYPES, ()))


@dataclass(slots=True)
class GroupReader:
    """Walk through days: an underlying is judged again only if it may have changed."""

    sources: Sequence[TabledSource]
    reader: RowReader = field(default_factory=RowReader)
    functions: Functions = field(default_factory=Functions)
    groups: dict[str, UnderlyingGroup] = field(default_factory=dict)
    dated: set[str] = field(default_factory=set)
    chosen: dict[object, _Chosen] = field(default_factory=dict)
    times: dict[tuple[str, str], Mapping[ScheduleKey, ChangeTimes]] = field(default_factory=dict)
    names: object = None

    def as_of(
        self, day: ObservedDay, venues: VenueDay, question: Question
    ) -> dict[str, UnderlyingGroup]:
        """Returns the groups as of the next day, by underlying; unchanged ones as the same objects.

        ``question`` has the observed names of that day.
        """
        names = (question.underlyings, tuple(sorted(question.instruments.items())))
        if names != self.names:
            self.groups, self.names = {}, names
        observed = sorted({asset for rows in venues.rows.values() for asset in rows})
        selected = [
            asset for asset in observed if not question.underlyings or asset in question.underlyings
        ]
        again = venues.changed | self.dated
        rows_by_venue = [rows for _, rows in sorted(venues.rows.items())]
        self.groups = {
            asset: self.groups[asset]
            if asset in self.groups and asset not in again
            else self._group(asset, day, rows_by_venue, question)
            for asset in selected
        }
        return self.groups

    def _group(
        self,
        asset: str,
        day: ObservedDay,
        rows_by_venue: Sequence[RowsByAsset],
        question: Question,
    ) -> UnderlyingGroup:
        rows = [
            row
            for by_asset in rows_by_venue
            for row in by_asset.get(asset, ())
            if self._has_profile(row, question.profile)
        ]
        if not self._may_have_index(rows):
            return _NO_GROUP
        since = self._unchanged_since(asset, rows, day)
        key = (*self._key(asset, rows, day.day, since), self.names)
        if key not in self.chosen:
            self.chosen[key] = self._choose(rows, day.day, since, question)
        return UnderlyingGroup(
            {
                margin_type: tuple(
                    GroupMember(function, rows[number].interest) for number, function in members
                )
                for margin_type, members in self.chosen[key].items()
            }
        )

    def _may_have_index(self, rows: Iterable[ComparedRow]) -> bool:
        """Whether enough venues may be included: most underlyings trade at few."""
        venues = {self.reader.venue_of_included(row.content) for row in rows}
        return len(venues - {""}) >= MIN_INDEX_VENUES

    def _has_profile(self, row: ComparedRow, profile: str) -> bool:
        own = str(self.reader.profile(row.content)) if profile else ""
        return not profile or profile in {own, *own.split(", ")}

    def _key(
        self, asset: str, rows: Sequence[ComparedRow], on: date, since: _Since
    ) -> tuple[object, ...]:
        """Returns everything that the choice among rows depends on."""
        contracts = [self.reader.contract(row.content) for row in rows]
        if any(c.expiry is not None or c.venue_closed_on is not None for c in contracts):
            self.dated.add(asset)
        ended = tuple(bool(end_of_trading(contract, on)) for contract in contracts)
        content = tuple((row.content, row.scale) for row in rows)
        if since:  # changes are compared with observation times as they are
            return (ended, content, exact_key(rows), tuple(sorted(since.items())))
        is_shared = any(contract.order_book for contract in contracts)
        groups = ["" if is_shared else contract.venue for contract in contracts]
        return (ended, content, judgement_key(rows, groups))

    def _choose(
        self, rows: Sequence[ComparedRow], on: date, since: _Since, question: Question
    ) -> _Chosen:
        """Returns the rows that an index compares: those of representatives that are included."""
        schedules = [self.reader.schedule(row) for row in rows]
        if question.verification is Verification.REQUIRED:
            schedules = [only_verified(schedule) for schedule in schedules]
        numbers = {schedule.key: number for number, schedule in enumerate(schedules)}
        by_key = sorted(schedules, key=lambda schedule: schedule.key)
        ordered = with_shared_books(with_identities(with_trading(by_key, on, since)))
        preferred = _preferred(question, ordered)
        compared = [
            schedule
            for by_venue in choose_representatives(ordered, preferred).values()
            for schedule in by_venue.values()
            if not exclusion_reason(schedule)
        ]
        return {
            margin_type: tuple(
                (numbers[schedule.key], function)
                for schedule in compared
                if (function := self.functions.margin(schedule, margin_type))
            )
            for margin_type in MARGIN_TYPES
        }

    def _unchanged_since(
        self, asset: str, rows: Sequence[ComparedRow], day: ObservedDay
    ) -> dict[ScheduleKey, datetime]:
        """Returns since when contracts are unchanged of which another may have taken the place.

        That takes two perpetuals of one venue whose codes a source names; others are not judged.
        """
        symbols: dict[str, set[str]] = {}
        for row in rows:
            contract = self.reader.contract(row.content)
            if contract.perpetual and contract.asset_source:
                symbols.setdefault(contract.venue, set()).add(contract.symbol)
        doubled = {venue: own for venue, own in symbols.items() if len(own) > 1}
        if doubled:
            self.dated.add(asset)
        return {
            key: since
            for venue, own in doubled.items()
            for symbol in own
            for key, times in self._times(venue, symbol).items()
            if (since := times.unchanged_since(day.end)) is not None
        }

    def _times(self, venue: str, symbol: str) -> Mapping[ScheduleKey, ChangeTimes]:
        """Returns the times of change of a symbol, from the first source with the venue."""
        if (venue, symbol) not in self.times:
            tabled = next(
                own for own in self.sources if any(e.venue == venue for e in own.source.entries)
            )
            self.times[venue, symbol] = queries.change_times(tabled.store, venue, [symbol])
        return self.times[venue, symbol]


def _preferred(
    question: Question, schedules: Iterable[MarginSchedule]
) -> dict[tuple[str, str], str]:
    """Returns the preferred symbols that were observed on their underlying."""
    observed = {
        ((s.instrument.venue, s.instrument.underlying.asset), s.instrument.symbol)
        for s in schedules
    }
    return {
        pair: symbol for pair, symbol in question.instruments.items() if (pair, symbol) in observed
    }
