"""Reads what venues say of the class of their contracts, by the facts in ``asset_classes.yaml``."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from harmonize.core.asset_class import ClassBasis, StatedClass
from harmonize.core.payload import Payload, Snapshot, decode, resolve
from harmonize.core.schedule import MarginSchedule
from harmonize.core.tickers import AssetClass
from harmonize.core.yaml_source import YamlSource, YamlSourceError, parse_yaml
from venues.facts import term

_IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class ClassField:
    """Field of a venue's contract list that states the class of a contract.

    ``rows`` is the pointer to the list, ``id`` and ``field`` are pointers into a row. ``unlisted``
    is the class of a value that ``words`` lacks; None: it says nothing. ``default`` is the value of
    contracts that the venue does not mark; None: there is none.
    """

    venue: str
    calls: tuple[str, ...]
    rows: str
    id: str
    field: str
    words: Mapping[str, AssetClass]
    unlisted: AssetClass | None
    default: str | None

    @property
    def name(self) -> str:
        """Name of the field in the venue's answer."""
        return self.field.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Listings:
    """Classes of the contracts that a venue listed before a date: crypto-assets, except some.

    ``exceptions`` are the classes of other contracts by the base of their symbol.
    """

    venue: str
    before: date
    exceptions: Mapping[str, AssetClass]


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """All facts on the classes of contracts, in file order."""

    fields: tuple[ClassField, ...]
    listings: Mapping[str, Listings]

    def names(self, venue: str) -> frozenset[str]:
        """Names of the fields that state the class of a venue's contracts."""
        return frozenset(field.name for field in self.fields if field.venue == venue)


def with_stated_classes(
    snapshot: Snapshot, schedules: Sequence[MarginSchedule], facts: ClassFacts
) -> tuple[MarginSchedule, ...]:
    """Returns schedules whose instruments carry the class that the venue states, if it states one."""
    by_id = stated_classes(snapshot, facts)
    listings = facts.listings.get(snapshot.venue)
    if not by_id and listings is None:
        return tuple(schedules)
    return tuple(_with_class(schedule, by_id, listings) for schedule in schedules)


def _with_class(
    schedule: MarginSchedule, by_id: Mapping[str, StatedClass], listings: Listings | None
) -> MarginSchedule:
    instrument = schedule.instrument
    stated = by_id.get(instrument.id) or _listed_class(schedule, listings)
    if stated is None:
        return schedule
    return replace(schedule, instrument=replace(instrument, stated_class=stated))


def _listed_class(schedule: MarginSchedule, listings: Listings | None) -> StatedClass | None:
    if listings is None or schedule.observed_at.date() >= listings.before:
        return None
    base = schedule.instrument.symbol.partition("/")[0]
    asset_class = listings.exceptions.get(base, AssetClass.CRYPTO)
    source = f"{listings.venue}'s listings before {listings.before}: {asset_class}"
    is_default = base not in listings.exceptions
    return StatedClass(asset_class, source, ClassBasis.LISTING, by_default=is_default)


def stated_classes(snapshot: Snapshot, facts: ClassFacts) -> dict[str, StatedClass]:
    """Returns the class that a venue states, by the id of the contract. Never raises.

    The most specific word counts if several fields speak. An answer or a row that cannot be read
    states nothing; the adapter reports it.
    """
    stated: dict[str, StatedClass] = {}
    for field in facts.fields:
        if field.venue != snapshot.venue:
            continue
        values = [pair for call in field.calls for pair in _values(snapshot, call, field)]
        has_marks = any(word not in (None, field.default) for _, words in values for word in words)
        for id_, words in values:
            found = _class_of(field, words, has_marks=has_marks)
            known = stated.get(id_)
            if found and (known is None or _rank(found) > _rank(known)):
                stated[id_] = found
    return stated


_RANKS = {AssetClass.CRYPTO: 0, AssetClass.UNKNOWN: 1, AssetClass.OTHER: 2}


def _rank(stated: StatedClass) -> int:
    """How much a word says: that of one class more than that of any but crypto-assets."""
    return _RANKS.get(stated.asset_class, 3)


def _class_of(field: ClassField, words: Sequence[str], *, has_marks: bool) -> StatedClass | None:
    """Class that the words of one contract state: of several, the first in the order of the facts."""
    source = f"{field.venue} {field.name}: {', '.join(words) or 'empty'}"
    folded = {word.casefold() for word in words}
    for word, asset_class in field.words.items():
        if word.casefold() in folded:
            by_default = word == field.default and not has_marks
            return StatedClass(asset_class, source, by_default=by_default)
    if field.unlisted is None or not words:
        return None
    reason = f"{source}, a word that this version does not know"
    return StatedClass(field.unlisted, reason if field.unlisted is AssetClass.UNKNOWN else source)


def _values(
    snapshot: Snapshot, call: str, field: ClassField
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yields the id and the words of every contract whose row has the field."""
    key = f'"{field.name}"'.encode()
    for payload in snapshot.answers(call):
        if key in payload.content:
            yield from _values_in(payload, field)


def _values_in(payload: Payload, field: ClassField) -> Iterator[tuple[str, tuple[str, ...]]]:
    try:
        rows = resolve(decode(payload), field.rows)
    except Exception:  # noqa: BLE001 - the adapter reports an answer that it cannot read
        return
    for row in rows if isinstance(rows, list) else ():
        try:
            id_, value = resolve(row, field.id), resolve(row, field.field)
        except KeyError:
            continue
        if isinstance(id_, str) and value is not None:
            yield id_, _words(value)


def _words(value: object) -> tuple[str, ...]:
    """Words of a field: those of a list, or the value itself, as JSON writes it."""
    if isinstance(value, list):
        return tuple(str(entry) for entry in value)
    return (str(value).lower() if isinstance(value, bool) else str(value),)


@cache
def bundled() -> ClassFacts:
    """Facts that ship with the package."""
    text = files("venues").joinpath("asset_classes.yaml").read_text(encoding="utf-8")
    return parse(text, "asset_classes.yaml")


_PARTS = frozenset({"words", "listings"})
_WORD_KEYS = frozenset(
    {"venue", "calls", "rows", "id", "field", "words", "unlisted", "default", "source"}
)
_LISTING_KEYS = frozenset({"venue", "before", "except", "source"})


def parse(text: str, name: str) -> ClassFacts:
    """Reads facts from YAML. Raises YamlSourceError with file:line:column and the problem."""
    source = parse_yaml(text, name)
    parts = _checked(source, (), source.value, _PARTS)
    fields = [
        _class_field(source, ("words", index), row) for index, row in _entries(parts["words"])
    ]
    listings = [
        _listings(source, ("listings", index), row) for index, row in _entries(parts["listings"])
    ]
    return ClassFacts(tuple(fields), MappingProxyType({entry.venue: entry for entry in listings}))


def _entries(value: object) -> Iterator[tuple[int, object]]:
    return enumerate(value) if isinstance(value, list) else iter(())


def _checked(
    source: YamlSource, path: tuple[str | int, ...], row: object, keys: frozenset[str]
) -> dict[str, object]:
    if not isinstance(row, dict) or set(row) != keys:
        line, column = source.place(path)
        reason = f"expected exactly the keys {', '.join(sorted(keys))}"
        raise YamlSourceError(source.name, line, column, reason)
    return {str(key): value for key, value in row.items()}


def _class_field(source: YamlSource, path: tuple[str | int, ...], row: object) -> ClassField:
    entry = _checked(source, path, row, _WORD_KEYS)
    words, calls, default = entry["words"], entry["calls"], entry["default"]
    unlisted = entry["unlisted"]
    return ClassField(
        str(entry["venue"]),
        tuple(str(call) for call in calls) if isinstance(calls, list) else (),
        str(entry["rows"]),
        str(entry["id"]),
        str(entry["field"]),
        MappingProxyType(
            {str(word): _asset_class(source, path, value) for word, value in _items(words)}
        ),
        None if unlisted == _IGNORED else _asset_class(source, path, unlisted),
        None if default is None else str(default),
    )


def _listings(source: YamlSource, path: tuple[str | int, ...], row: object) -> Listings:
    entry = _checked(source, path, row, _LISTING_KEYS)
    before = entry["before"]
    if not isinstance(before, date):
        line, column = source.place(path)
        reason = f"before: expected a date such as 2025-06-01, found {before!r}"
        raise YamlSourceError(source.name, line, column, reason)
    exceptions = {
        base: _asset_class(source, path, name)
        for name, bases in _items(entry["except"])
        for base in str(bases).split()
    }
    return Listings(str(entry["venue"]), before, MappingProxyType(exceptions))


def _items(value: object) -> Iterator[tuple[str, object]]:
    for key, entry in value.items() if isinstance(value, dict) else ():
        yield str(key), entry


def _asset_class(source: YamlSource, path: tuple[str | int, ...], value: object) -> AssetClass:
    try:
        return term(AssetClass, value, "class")
    except ValueError as error:
        line, column = source.place(path)
        raise YamlSourceError(source.name, line, column, str(error)) from None
