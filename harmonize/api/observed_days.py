"""Which snapshots show each venue at the end of every day with an observation."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from datetime import date as Date  # noqa: N812 - `date` names arguments here
from operator import attrgetter

from harmonize.api.question import Question
from harmonize.archive.catalog import Entry, observations
from harmonize.archive.source import Source
from harmonize.core.payload import PRICES
from harmonize.history import derived
from harmonize.history.acceptances import DECISIONS
from harmonize.history.compared_tables import layers_key
from harmonize.history.tables import EntryState, HistoryTables, TableState
from harmonize.policy.inputs import MARKET
from venues import registry

NO_VENUES = frozenset({MARKET, DECISIONS, PRICES})
"""Names in an archive that are no venues: market data, decisions and candles."""


@dataclass(frozen=True, slots=True)
class TabledSource:
    """A source with its tables and their state."""

    source: Source
    store: HistoryTables
    state: TableState

    @classmethod
    def of(cls, source: Source) -> "TabledSource":
        """Returns a source with its tables brought up to date. Raises ArchiveError."""
        return cls(source, *derived.update_tables(source.archive))


@dataclass(frozen=True, slots=True)
class VenueView:
    """The entry that shows a venue, and the number of its source; see ``layers_key`` for ``layers``.

    ``identity`` hashes everything that what is read depends on. ``is_stored`` tells whether the tables
    have the rows of these layers.
    """

    source: int
    entry: Entry
    layers: str
    identity: str
    is_stored: bool


@dataclass(frozen=True, slots=True)
class ObservedDay:
    """State of the archives at the end of a day: views by venue, and market entries by source.

    ``fingerprint`` is equal as long as the answer as of the day is.
    """

    day: Date
    views: Mapping[str, VenueView]
    market: tuple[tuple[int, Entry], ...]
    fingerprint: str

    @property
    def end(self) -> datetime:
        """Last instant of the day."""
        return datetime.combine(self.day, time.max, UTC)


def observed_days(question: Question, sources: Sequence[TabledSource]) -> list[ObservedDay]:
    """Returns the days up to the question's date on which a venue that it selects was observed."""
    walks = [_Walk.of(number, tabled) for number, tabled in enumerate(sources)]
    venues = _selected_venues(question, sources)
    history = {
        venue: next(n for n, own in enumerate(walks) if venue in own.venues) for venue in venues
    }
    days = []
    for day in _days(question, sources):
        for walk in walks:
            walk.advance(datetime.combine(day, time.max, UTC))
        views = {
            venue: view
            for venue in venues
            if (view := next(filter(None, (walk.view(venue) for walk in walks)), None))
        }
        market = tuple(
            (number, entry) for number, walk in enumerate(walks) for entry in walk.stack(MARKET)
        )
        past = [walks[number].past(venue) for venue, number in history.items()]
        days.append(ObservedDay(day, views, market, _fingerprint(views, market, past)))
    return days


def _selected_venues(question: Question, sources: Iterable[TabledSource]) -> list[str]:
    names = {entry.venue for tabled in sources for entry in tabled.source.entries}
    own = names - NO_VENUES
    return sorted(own & set(question.venues) if question.venues else own)


def _days(question: Question, sources: Iterable[TabledSource]) -> list[Date]:
    until = question.until.date() if question.until else Date.max
    days = {
        entry.observed_at.date()
        for tabled in sources
        for entry in tabled.source.entries
        if entry.venue not in NO_VENUES
        and not entry.failed
        and (not question.venues or entry.venue in question.venues)
    }
    return sorted(day for day in days if day <= until)


def _fingerprint(
    views: Mapping[str, VenueView],
    market: Sequence[tuple[int, Entry]],
    past: Sequence[str],
) -> str:
    parts = [
        *(f"{venue} {view.source} {view.identity}" for venue, view in views.items()),
        *(f"{number} {entry.digest}" for number, entry in market),
        *past,
    ]
    return _hash("\n".join(parts))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(slots=True)
class _Walk:
    """Walk through one source's entries in time: what is in effect up to a time.

    ``identities`` chains the entries of each venue up to an entry, by its digest.
    """

    number: int
    venues: frozenset[str]
    states: Mapping[str, EntryState]
    identities: Mapping[str, str]
    entries: Iterator[Entry]
    following: Entry | None = None
    stacks: dict[str, tuple[Entry, ...]] = field(default_factory=dict)
    newest: dict[str, str] = field(default_factory=dict)
    views: dict[str, VenueView | None] = field(default_factory=dict)

    @classmethod
    def of(cls, number: int, tabled: TabledSource) -> "_Walk":
        """Returns the walk before its first entry."""
        states = {kept.entry.digest: kept for kept in tabled.state.entries}
        entries = tabled.source.entries
        venues = frozenset(entry.venue for entry in entries)
        ordered = iter(sorted(entries, key=attrgetter("observed_at", "sequence")))
        return cls(number, venues, states, _chained(entries, states), ordered, next(ordered, None))

    def advance(self, until: datetime) -> None:
        """Takes in the entries up to a time."""
        while self.following is not None and self.following.observed_at <= until:
            entry, self.following = self.following, next(self.entries, None)
            if entry.digest in self.identities:
                self.newest[entry.venue] = self.identities[entry.digest]
            self.views.pop(entry.venue, None)
            if not entry.pruned:
                older = () if entry.complete else self.stacks.get(entry.venue, ())
                self.stacks[entry.venue] = (entry, *older)

    def stack(self, venue: str) -> tuple[Entry, ...]:
        """Returns the entries in effect, as ``catalog.latest``."""
        return self.stacks.get(venue, ())

    def past(self, venue: str) -> str:
        """Returns the identity of all entries of a venue so far."""
        return self.newest.get(venue, "")

    def view(self, venue: str) -> VenueView | None:
        """Returns the view of a venue; None without a successful entry."""
        if venue not in self.views:
            self.views[venue] = self._view(venue)
        return self.views[venue]

    def _view(self, venue: str) -> VenueView | None:
        layers = [entry for entry in self.stack(venue) if not entry.failed]
        if not layers:
            return None
        newest = layers[0]
        key = layers_key(entry.digest for entry in layers)
        state = self.states.get(newest.digest)
        is_stored = state is not None and state.layers == key
        is_known = registry.find_adapter(venue) is not None
        identity = _hash(" ".join((self.identities.get(newest.digest, ""), key, str(is_stored))))
        return VenueView(self.number, newest, key, identity, is_stored or not is_known)


def _chained(entries: Sequence[Entry], states: Mapping[str, EntryState]) -> dict[str, str]:
    """Returns by digest the hash of a venue's entries up to each one, in chronological order."""
    identities: dict[str, str] = {}
    by_venue: dict[str, list[Entry]] = {}
    for entry in entries:
        by_venue.setdefault(entry.venue, []).append(entry)
    for venue, own in by_venue.items():
        chain = ""
        for entry in observations(own, venue):
            state = states.get(entry.digest, EntryState(entry))
            parts = (chain, entry.digest, entry.observed_at.isoformat(), state.accepted)
            chain = identities[entry.digest] = _hash(" ".join((*parts, state.layers, state.fault)))
    return identities
