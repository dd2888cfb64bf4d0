"""The harmonization index on every day with an observation, from the tables beside the archive.

Days that were answered before are read. Some underlyings are answered from the indices of all. Other
days are computed from the rows of the tables, without payloads: an underlying again only where a
snapshot, a price, an expiry or a rule changes its venues.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from harmonize.api.audit import (
    RequestError,
    load_rule_sets,
    open_sources,
    read_configuration,
    with_observed_names,
)
from harmonize.api.compared_venues import VenueDay, VenueDays, possible_names
from harmonize.api.index_groups import GroupMember, GroupReader, UnderlyingGroup
from harmonize.api.observed_days import NO_VENUES, ObservedDay, TabledSource, observed_days
from harmonize.api.question import Question
from harmonize.archive.archive import ArchiveError
from harmonize.archive.location import recorded_archive
from harmonize.audit.assemble import Reading
from harmonize.comparison import index
from harmonize.comparison.cross_venue import MEDIAN, MIN_INDEX_VENUES
from harmonize.comparison.index_batch import BoundedFunction, IndexGroup, group_distances
from harmonize.comparison.layout import MARGIN_TYPES
from harmonize.core.instrument import AssetNames
from harmonize.document import IndexSummary
from harmonize.history.garbage_collection import garbage_collection_disabled
from harmonize.history.index_series import (
    KEPT_FORMAT,
    IndexDay,
    mark_as_asked,
    read_series,
    underlyings_folder,
    write_series,
)
from harmonize.history.index_values import (
    UnderlyingDay,
    UnderlyingIndex,
    read_underlyings,
    write_underlyings,
)
from harmonize.history.tables import FORMAT, HistoryTables
from harmonize.numerics.elementary import logarithm
from harmonize.numerics.rounding import rounded, rounded_or_none
from harmonize.policy import inputs
from harmonize.policy.apply import apply_rule_sets
from harmonize.policy.inputs import Input, newest_inputs
from harmonize.policy.names import NameReader
from harmonize.policy.rule_set import ReferenceSchedule, RuleSet
from harmonize.version import VERSION
from venues import assets

_DAYS_AT_ONCE = 64
"""Number of days whose groups are evaluated together; bounds memory."""

Series = tuple[tuple[str, IndexSummary], ...]
"""Days in ISO 8601, each with its indices over all underlyings."""


def index_over_time(question: Question) -> Series:
    """Returns the indices over all underlyings as of every day on which a venue was observed.

    Days without an index are omitted. Raises RequestError, ArchiveError, RuleError.
    """
    configuration = read_configuration(question.options.config)
    rule_sets = load_rule_sets(question.rules or configuration.rules)
    with recorded_archive() as path:
        sources = [TabledSource.of(source) for source in open_sources(question, path)]
        return index_series(question, rule_sets, sources)


def keep_index(question: Question) -> None:
    """Answers the question without a selection, so that its days are kept for later questions.

    Raises ArchiveError, RuleError.
    """
    whole = replace(question, venues=(), underlyings=(), profile="", as_of=None, instruments={})
    with suppress(RequestError):  # an archive without any snapshot has no days
        index_over_time(whole)


def index_series(
    question: Question, rule_sets: Sequence[RuleSet], sources: Sequence[TabledSource]
) -> Series:
    """Returns ``index_over_time`` of opened sources, and keeps the days of the first one's tables.

    Raises RequestError: a name that several underlyings of a day match; ArchiveError.
    """
    question = _canonical(question, sources)
    days = observed_days(replace(question, as_of=None), sources)
    until = question.until.date() if question.until else None
    requested = [day for day in days if until is None or day.day <= until]
    name, store = _name(question, rule_sets), sources[0].store
    kept = read_series(store, name)
    unknown = [day for day in requested if not _is_kept(day, kept)]
    if unknown:
        with garbage_collection_disabled():
            if question.underlyings:
                kept |= _from_underlyings(question, rule_sets, store, unknown)
                unknown = [day for day in unknown if not _is_kept(day, kept)]
            for chunk in _Computation(question, rule_sets, sources).days(unknown):
                kept |= {day: series for day, (series, _) in chunk.items()}
                if not question.underlyings:
                    underlyings = {day: own for day, (_, own) in chunk.items()}
                    write_underlyings(underlyings_folder(store, name), underlyings)
        existing = {day.day.isoformat() for day in days}
        write_series(store, name, {day: own for day, own in kept.items() if day in existing})
    return tuple(
        (text, summary)
        for text in (day.day.isoformat() for day in requested)
        for summary in kept[text].summaries
    )


def _canonical(question: Question, sources: Sequence[TabledSource]) -> Question:
    """Returns the question in the form that all questions with its answer have.

    The order of names and repeated ones have no effect, nor has a selection of all venues.
    """
    venues = tuple(sorted(set(question.venues)))
    observed = {entry.venue for tabled in sources for entry in tabled.source.entries}
    is_all = bool(observed & set(venues)) and observed - NO_VENUES <= set(venues)
    underlyings = tuple(sorted(set(question.underlyings)))
    return replace(question, venues=() if is_all else venues, underlyings=underlyings)


def _from_underlyings(
    question: Question,
    rule_sets: Sequence[RuleSet],
    store: HistoryTables,
    days: Iterable[ObservedDay],
) -> dict[str, IndexDay]:
    """Returns days by date from the indices that the question without underlyings has kept.

    Raises RequestError: a name that several underlyings of a day match.
    """
    whole = _name(replace(question, underlyings=()), rule_sets)
    folded = possible_names(question.underlyings)
    kept = read_underlyings(underlyings_folder(store, whole), folded)
    if kept:
        mark_as_asked(store, whole)
    means = _Means()
    named = replace(question, instruments={})
    result = {}
    for day in days:
        text = day.day.isoformat()
        own = kept.get(text)
        if own is None or own.fingerprint != day.fingerprint:
            continue
        names = AssetNames.of(own.names, assets.bundled().names())
        selected = _with_names(named, names).underlyings
        indices = [index for index in own.indices if index.asset in selected]
        result[text] = IndexDay(day.fingerprint, means.summaries(indices))
    return result


def _with_names(question: Question, names: AssetNames) -> Question:
    """Returns the question with observed names for those that a user wrote. Raises RequestError."""
    return with_observed_names(question, Reading("", (), (), (), names=names))


def _is_kept(day: ObservedDay, kept: Mapping[str, IndexDay]) -> bool:
    own = kept.get(day.day.isoformat())
    return own is not None and own.fingerprint == day.fingerprint


def _name(question: Question, rule_sets: Sequence[RuleSet]) -> str:
    """Returns the name under which the days of a canonical question are kept; it has no date."""
    parts = (
        VERSION,
        FORMAT,
        KEPT_FORMAT,
        question.venues,
        question.underlyings,
        question.profile,
        question.verification.value,
        sorted(question.instruments.items()),
        question.fallback.value if question.archive is not None else "",
        sorted({repr(rule_set) for rule_set in rule_sets}),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class _IndexEntry:
    """One index of one underlying: the group to evaluate, and the weights of its members."""

    margin_type: str
    reference: str
    group: IndexGroup
    weights: tuple[float | None, ...]


_Functions = Mapping[str, Mapping[tuple[str, str], BoundedFunction]]
"""Reference functions by rule set, then by asset and margin type."""


@dataclass(frozen=True, slots=True)
class _References:
    """Reference functions per rule set, by asset and margin type, and what they depend on."""

    key: object = None
    functions: _Functions = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Means:
    """Means over underlyings with their intervals; equal ones of several days are computed once."""

    known: dict[tuple[float, ...], tuple[float, float | None, float | None]] = field(
        default_factory=dict
    )

    def summaries(self, indices: Iterable[UnderlyingIndex]) -> tuple[IndexSummary, ...]:
        """Returns the indices over all of the underlyings, as ``cross_venue.index_summaries``."""
        by_key: dict[tuple[str, str], list[float]] = {}
        for own in sorted(indices, key=lambda index: index.asset):
            distance = -logarithm(own.value / 100.0)
            by_key.setdefault((own.margin_type, own.reference), []).append(distance)
        return tuple(
            IndexSummary("", *key, value, len(distances), lower, upper)
            for key, distances in sorted(by_key.items())
            for value, lower, upper in (self._mean(tuple(distances)),)
        )

    def _mean(self, distances: tuple[float, ...]) -> tuple[float, float | None, float | None]:
        if distances not in self.known:
            lower, upper = map(rounded_or_none, index.interval(distances) or (None, None))
            self.known[distances] = (rounded(index.index_of(distances)), lower, upper)
        return self.known[distances]


@dataclass(slots=True)
class _Computation:
    """Computation of days in order; it keeps what later days may share."""

    question: Question
    rule_sets: Sequence[RuleSet]
    sources: Sequence[TabledSource]
    groups: GroupReader = field(init=False)
    references: _References = field(default_factory=_References)
    distances: dict[object, tuple[float, ...]] = field(default_factory=dict)
    means: _Means = field(default_factory=_Means)
    measured: dict[str, tuple[Input, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.groups = GroupReader(self.sources)

    def days(
        self, days: Sequence[ObservedDay]
    ) -> Iterator[dict[str, tuple[IndexDay, UnderlyingDay]]]:
        """Yields the indices as of some days, by date: over all underlyings, and of each."""
        venues = VenueDays.of(self.question, self.sources, days)
        entries: dict[str, tuple[_IndexEntry, ...]] = {}
        known: dict[str, UnderlyingGroup] = {}
        for start in range(0, len(days), _DAYS_AT_ONCE):
            chunk = []
            for day in days[start : start + _DAYS_AT_ONCE]:
                venue_day = venues.as_of(day)
                question = _with_names(self.question, venue_day.names)
                references = self._references(day, venue_day)
                groups = self.groups.as_of(day, venue_day, question)
                is_other = references.functions is not self.references.functions
                self.references = references
                entries = {
                    asset: entries[asset]
                    if not is_other and known.get(asset) is group
                    else self._entries(asset, group)
                    for asset, group in groups.items()
                }
                known = groups
                chunk.append((day, venue_day.names.names, entries))
            self._evaluate(own for _, _, own in chunk)
            result = {}
            for day, names, own in chunk:
                indices = self._indices(own)
                series = IndexDay(day.fingerprint, self.means.summaries(indices))
                underlyings = UnderlyingDay(day.fingerprint, names, indices)
                result[day.day.isoformat()] = (series, underlyings)
            yield result

    def _references(self, day: ObservedDay, venue_day: VenueDay) -> _References:
        """Returns the reference functions as of a day; the same mapping if they are the same."""
        rule_sets = [
            rule_set
            for rule_set in self.rule_sets
            if isinstance(rule_set.requirement, ReferenceSchedule)
        ]
        is_measured = any(_is_measured(rule_set) for rule_set in rule_sets)
        market = tuple(entry.digest for _, entry in day.market)
        key = (venue_day.names.names, (day.day, market) if is_measured else None)
        if key == self.references.key:
            return self.references
        names = NameReader(venue_day.names)
        measured = names.inputs(self._inputs(day)) if is_measured else ()
        applied = apply_rule_sets(
            names.rule_sets(rule_sets),
            newest_inputs(measured, day.end),
            sorted(venue_day.names.names),
            day.day,
        )
        functions = {rule.rule_set.id: self.groups.functions.references(rule) for rule in applied}
        before = self.references.functions
        return _References(key, before if _keys(functions) == _keys(before) else functions)

    def _inputs(self, day: ObservedDay) -> tuple[Input, ...]:
        """Returns measured inputs as of a day; those of an earlier source take precedence."""
        ordered = sorted(day.market, key=lambda numbered: -numbered[0])
        measured: list[Input] = []
        for number in dict.fromkeys(number for number, _ in ordered):
            for _, entry in reversed([own for own in ordered if own[0] == number]):
                if entry.digest not in self.measured:
                    archive = self.sources[number].source.archive
                    try:
                        self.measured[entry.digest] = inputs.read_inputs(archive.read(entry))[0]
                    except ArchiveError:
                        self.measured[entry.digest] = ()
                measured += self.measured[entry.digest]
        return tuple(measured)

    def _entries(self, asset: str, group: UnderlyingGroup) -> tuple[_IndexEntry, ...]:
        """Returns the indices of an underlying that may have a value, in the order of references."""
        entries = []
        for margin_type in MARGIN_TYPES:
            members = group.members(margin_type)
            if len(members) < MIN_INDEX_VENUES:
                continue
            entry = partial(_entry, margin_type, members)
            entries.append(entry(MEDIAN, None))
            entries += [
                entry(name, functions[asset, margin_type])
                for name, functions in self.references.functions.items()
                if (asset, margin_type) in functions
            ]
        return tuple(entries)

    def _evaluate(self, days: Iterable[Mapping[str, Sequence[_IndexEntry]]]) -> None:
        """Computes the distances of all groups that are new."""
        new = {
            entry.group.key: entry.group
            for entries in days
            for own in entries.values()
            for entry in own
            if entry.group.key not in self.distances
        }
        self.distances |= dict(zip(new, group_distances(list(new.values())), strict=True))

    def _indices(self, entries: Mapping[str, Sequence[_IndexEntry]]) -> tuple[UnderlyingIndex, ...]:
        """Returns the indices that have a value, sorted by underlying."""
        return tuple(
            UnderlyingIndex(asset, entry.margin_type, entry.reference, value)
            for asset in sorted(entries)
            for entry in entries[asset]
            if (value := _value(self.distances[entry.group.key], entry.weights)) is not None
        )


def _keys(functions: _Functions) -> dict[str, dict[tuple[str, str], tuple[int, float]]]:
    """Returns the keys of functions, which are equal for equal functions."""
    return {
        name: {key: function.key for key, function in own.items()}
        for name, own in functions.items()
    }


def _is_measured(rule_set: RuleSet) -> bool:
    requirement = rule_set.requirement
    return isinstance(requirement, ReferenceSchedule) and requirement.measured is not None


def _entry(
    margin_type: str,
    members: Sequence[GroupMember],
    reference: str,
    function: BoundedFunction | None,
) -> _IndexEntry:
    group = IndexGroup(tuple(member.function for member in members), function)
    return _IndexEntry(margin_type, reference, group, tuple(m.interest for m in members))


def _value(distances: Sequence[float], interests: Sequence[float | None]) -> float | None:
    """Returns an index from its distances; None with a distance of fewer than three venues.

    It is weighted by open interest if every venue has some, otherwise equally.
    """
    finite = [
        (distance, interest)
        for distance, interest in zip(distances, interests, strict=True)
        if distance == distance  # noqa: PLR0124 - not NaN
    ]
    if len(finite) < MIN_INDEX_VENUES:
        return None
    weights = [interest for _, interest in finite if interest is not None]
    is_weighted = len(weights) == len(finite) and min(weights) > 0.0
    return rounded(index.index_of([d for d, _ in finite], weights if is_weighted else None))
