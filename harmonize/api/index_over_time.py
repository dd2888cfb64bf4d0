"""The harmonization index on every day with an observation, from the tables beside the archive.

Days that were answered before are read. The others are computed from the rows of the tables, without
payloads: an underlying again only where a snapshot, a price, an expiry or a rule changes its venues.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
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
from harmonize.api.compared_venues import VenueDay, VenueDays
from harmonize.api.index_groups import GroupMember, GroupReader, UnderlyingGroup
from harmonize.api.observed_days import ObservedDay, TabledSource, observed_days
from harmonize.api.question import Question
from harmonize.archive.archive import ArchiveError
from harmonize.archive.location import recorded_archive
from harmonize.audit.assemble import Reading
from harmonize.comparison import index
from harmonize.comparison.cross_venue import MEDIAN, MIN_INDEX_VENUES
from harmonize.comparison.index_batch import BoundedFunction, IndexGroup, group_distances
from harmonize.comparison.layout import MARGIN_TYPES
from harmonize.document import IndexSummary
from harmonize.history.garbage_collection import garbage_collection_disabled
from harmonize.history.index_series import IndexDay, read_series, write_series
from harmonize.history.tables import FORMAT
from harmonize.numerics.elementary import logarithm
from harmonize.numerics.rounding import rounded, rounded_or_none
from harmonize.policy import inputs
from harmonize.policy.apply import apply_rule_sets
from harmonize.policy.inputs import Input, newest_inputs
from harmonize.policy.names import NameReader
from harmonize.policy.rule_set import ReferenceSchedule, RuleSet
from harmonize.version import VERSION

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
    days = observed_days(replace(question, as_of=None), sources)
    asked = [day for day in days if question.until is None or day.day <= question.until.date()]
    name, store = _name(question, rule_sets), sources[0].store
    kept = read_series(store, name)
    unknown = [day for day in asked if not _is_kept(day, kept)]
    if unknown:
        with garbage_collection_disabled():
            kept = {**kept, **_Computation(question, rule_sets, sources).days(unknown)}
        existing = {day.day.isoformat() for day in days}
        write_series(store, name, {day: own for day, own in kept.items() if day in existing})
    return tuple(
        (text, summary)
        for text in (day.day.isoformat() for day in asked)
        for summary in kept[text].summaries
    )


def _is_kept(day: ObservedDay, kept: Mapping[str, IndexDay]) -> bool:
    own = kept.get(day.day.isoformat())
    return own is not None and own.fingerprint == day.fingerprint


def _name(question: Question, rule_sets: Sequence[RuleSet]) -> str:
    """Returns the name under which a question's days are kept; it has no date."""
    parts = (
        VERSION,
        FORMAT,
        sorted(question.venues),
        sorted(question.underlyings),
        question.profile,
        question.verification.value,
        sorted(question.instruments.items()),
        question.fallback.value if question.archive is not None else "",
        rule_sets,
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


@dataclass(slots=True)
class _Computation:
    """Computation of days in order; it keeps what later days may share."""

    question: Question
    rule_sets: Sequence[RuleSet]
    sources: Sequence[TabledSource]
    groups: GroupReader = field(init=False)
    references: _References = field(default_factory=_References)
    distances: dict[object, tuple[float, ...]] = field(default_factory=dict)
    values: dict[tuple[float, ...], tuple[float, float | None, float | None]] = field(
        default_factory=dict
    )
    measured: dict[str, tuple[Input, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.groups = GroupReader(self.sources)

    def days(self, days: Sequence[ObservedDay]) -> dict[str, IndexDay]:
        """Returns the indices as of some days, by date."""
        venues = VenueDays.of(self.question, self.sources, days)
        result: dict[str, IndexDay] = {}
        entries: dict[str, tuple[_IndexEntry, ...]] = {}
        known: dict[str, UnderlyingGroup] = {}
        for start in range(0, len(days), _DAYS_AT_ONCE):
            chunk = []
            for day in days[start : start + _DAYS_AT_ONCE]:
                venue_day = venues.as_of(day)
                question = self._named(venue_day)
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
                chunk.append((day, entries))
            self._evaluate(own for _, own in chunk)
            for day, own in chunk:
                result[day.day.isoformat()] = IndexDay(day.fingerprint, self._summaries(own))
        return result

    def _named(self, venue_day: VenueDay) -> Question:
        """Returns the question with observed names, as of a day. Raises RequestError."""
        reading = Reading("", (), (), (), names=venue_day.names)
        return with_observed_names(self.question, reading)

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
        found: list[Input] = []
        for number in dict.fromkeys(number for number, _ in ordered):
            for _, entry in reversed([own for own in ordered if own[0] == number]):
                if entry.digest not in self.measured:
                    archive = self.sources[number].source.archive
                    try:
                        self.measured[entry.digest] = inputs.read_inputs(archive.read(entry))[0]
                    except ArchiveError:
                        self.measured[entry.digest] = ()
                found += self.measured[entry.digest]
        return tuple(found)

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

    def _summaries(self, entries: Mapping[str, Sequence[_IndexEntry]]) -> tuple[IndexSummary, ...]:
        """Returns the indices over all underlyings, as ``cross_venue.index_summaries``."""
        by_key: dict[tuple[str, str], list[float]] = {}
        for asset in sorted(entries):
            for entry in entries[asset]:
                value = _value(self.distances[entry.group.key], entry.weights)
                if value is not None:
                    key = (entry.margin_type, entry.reference)
                    by_key.setdefault(key, []).append(-logarithm(value / 100.0))
        return tuple(
            IndexSummary("", *key, value, len(distances), lower, upper)
            for key, distances in sorted(by_key.items())
            for value, lower, upper in (self._mean(tuple(distances)),)
        )

    def _mean(self, distances: tuple[float, ...]) -> tuple[float, float | None, float | None]:
        if distances not in self.values:
            lower, upper = map(rounded_or_none, index.interval(distances) or (None, None))
            self.values[distances] = (rounded(index.index_of(distances)), lower, upper)
        return self.values[distances]


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
