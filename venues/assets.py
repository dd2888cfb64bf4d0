"""Reads which asset a venue's code means, and when, from the dated table ``assets.yaml``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from harmonize.core.instrument import Underlying
from harmonize.core.schedule import MarginSchedule
from harmonize.core.yaml_source import YamlSource, YamlSourceError, parse_yaml
from venues.facts import term


class AssetRelation(StrEnum):
    """Relation of a code to the asset that it means."""

    ALIAS = "alias"  # another code for the same asset
    OWN = "own"  # code of the asset itself
    RENAME = "rename"  # former code; the coin was renamed, or swapped one for one
    SPLIT = "split"  # former code of a coin that was swapped for several
    OTHER = "other"  # code that means another asset at other times or venues


@dataclass(frozen=True, slots=True)
class AssetEntry:
    """Meaning of a code: the asset, and the number of its coins per coin of the code.

    ``since`` is inclusive and ``until`` exclusive; None is open. ``venues`` are those that it
    concerns; empty means all.
    """

    code: str
    asset: str
    coins: int
    relation: AssetRelation
    since: date | None
    until: date | None
    venues: tuple[str, ...]
    source: str

    @property
    def period(self) -> str:
        """Period of the entry in words; empty if it is open at both ends."""
        parts = [f"from {self.since}"] * (self.since is not None)
        parts += [f"before {self.until}"] * (self.until is not None)
        return " ".join(parts)

    def covers(self, venue: str, day: date) -> bool:
        """Whether the entry holds at a venue on a day."""
        return (
            (not self.venues or venue in self.venues)
            and (self.since is None or self.since <= day)
            and (self.until is None or day < self.until)
        )


@dataclass(frozen=True, slots=True)
class AssetTable:
    """All entries by code, in file order."""

    by_code: Mapping[str, tuple[AssetEntry, ...]]

    @property
    def entries(self) -> tuple[AssetEntry, ...]:
        """Entries in file order."""
        return tuple(entry for entries in self.by_code.values() for entry in entries)

    def find(self, venue: str, code: str, day: date) -> AssetEntry | None:
        """Returns what a code means at a venue on a day; None if the table does not state it."""
        covering = [entry for entry in self.by_code.get(code, ()) if entry.covers(venue, day)]
        return max(covering, key=lambda entry: len(entry.venues) > 0, default=None)

    def of_asset(self, asset: str) -> tuple[AssetEntry, ...]:
        """Returns the entries that name an asset, and those with its name as their code."""
        return tuple(entry for entry in self.entries if asset in {entry.asset, entry.code})

    def names(self, day: date | None = None) -> Mapping[str, str]:
        """Returns the asset of every code that means one asset at all times and venues.

        With a day, also the asset of every code that means one asset at all venues on that day.
        """
        on_day = {} if day is None else self._names_on(day)
        return {**on_day, **self._lasting_names()}

    def _names_on(self, day: date) -> Mapping[str, str]:
        return {
            entry.code: entry.asset
            for entries in self.by_code.values()
            if not any(entry.venues for entry in entries)
            for entry in entries
            if entry.covers("", day) and entry.asset != entry.code
        }

    def _lasting_names(self) -> Mapping[str, str]:
        return {
            code: entries[-1].asset
            for code, entries in self.by_code.items()
            if len({entry.asset for entry in entries}) == 1
            and entries[-1].asset != code
            and not any(entry.venues for entry in entries)
        }


def with_assets(
    schedules: Iterable[MarginSchedule], table: AssetTable
) -> tuple[MarginSchedule, ...]:
    """Returns schedules whose underlyings are the assets that the table names, with the source.

    A schedule without an entry for its code, venue and date stays as it is: its code may mean
    anything.
    """
    return tuple(
        _with_asset(schedule, entry)
        if schedule.instrument.underlying.asset in table.by_code
        and (entry := _entry_throughout(schedule, table))
        else schedule
        for schedule in schedules
    )


def _with_asset(schedule: MarginSchedule, entry: AssetEntry) -> MarginSchedule:
    instrument = schedule.instrument
    named = replace(
        instrument,
        underlying=Underlying(entry.asset, instrument.underlying.multiplier * entry.coins),
        asset_source=f"{entry.relation}: {entry.source}",
        has_former_code=entry.relation in {AssetRelation.RENAME, AssetRelation.SPLIT},
    )
    return replace(schedule, instrument=named)


def _entry_throughout(schedule: MarginSchedule, table: AssetTable) -> AssetEntry | None:
    """Returns what the code means at any date that the observation may have; None if it differs."""
    instrument, latest = schedule.instrument, schedule.observed_at
    earliest = schedule.precision.older_end(latest)
    days = (earliest.date() if earliest else date.min, latest.date())
    first, last = (table.find(instrument.venue, instrument.underlying.asset, day) for day in days)
    return first if first == last else None


@cache
def bundled() -> AssetTable:
    """Table that ships with the package."""
    text = files("venues").joinpath("assets.yaml").read_text(encoding="utf-8")
    return parse(text, "assets.yaml")


_KEYS = frozenset({"code", "asset", "coins", "relation", "since", "until", "venues", "source"})
_REQUIRED = frozenset({"code", "asset", "relation", "source"})


def parse(text: str, name: str) -> AssetTable:
    """Reads a table from YAML. Raises YamlSourceError with file:line:column and the problem."""
    source = parse_yaml(text, name)
    rows = source.value if isinstance(source.value, list) else []
    by_code: dict[str, tuple[AssetEntry, ...]] = {}
    for index, row in enumerate(rows):
        entry = _entry(source, index, row)
        earlier = by_code.get(entry.code, ())
        if any(_overlap(entry, other) for other in earlier):
            raise _error(
                source, (index,), f"{entry.code}: has an entry for the same time and venue"
            )
        by_code[entry.code] = (*earlier, entry)
    return AssetTable(MappingProxyType(by_code))


def _entry(source: YamlSource, index: int, row: object) -> AssetEntry:
    if not isinstance(row, dict) or not _REQUIRED <= set(row) <= _KEYS:
        needed, others = ", ".join(sorted(_REQUIRED)), ", ".join(sorted(_KEYS - _REQUIRED))
        reason = f"expected the keys {needed}, and of {others} those that are stated"
        raise _error(source, (index,), reason)
    try:
        relation = term(AssetRelation, row["relation"], "relation")
    except ValueError as error:
        raise _error(source, (index, "relation"), str(error)) from None
    coins, venues = row.get("coins", 1), row.get("venues", [])
    if not isinstance(coins, int) or isinstance(coins, bool) or coins < 1:
        reason = f"coins: expected a whole number above 0, found {coins!r}"
        raise _error(source, (index, "coins"), reason)
    since, until = (_day(source, index, row, key) for key in ("since", "until"))
    if since and until and since >= until:
        reason = f"until: expected a date after {since}, found {until}"
        raise _error(source, (index, "until"), reason)
    return AssetEntry(
        str(row["code"]),
        str(row["asset"]),
        coins,
        relation,
        since,
        until,
        tuple(str(venue) for venue in venues) if isinstance(venues, list) else (),
        str(row["source"]),
    )


def _day(source: YamlSource, index: int, row: Mapping[str, object], key: str) -> date | None:
    value = row.get(key)
    if value is None or isinstance(value, date):
        return value
    reason = f"{key}: expected a date such as 2025-06-01, found {value!r}"
    raise _error(source, (index, key), reason)


def _error(source: YamlSource, path: tuple[str | int, ...], reason: str) -> YamlSourceError:
    line, column = source.place(path)
    return YamlSourceError(source.name, line, column, reason)


def _overlap(entry: AssetEntry, other: AssetEntry) -> bool:
    """Whether two entries of one code hold at one venue at one time."""
    share_venue = bool(set(entry.venues) & set(other.venues)) or entry.venues == other.venues
    starts = max(entry.since or date.min, other.since or date.min)
    ends = min(entry.until or date.max, other.until or date.max)
    return share_venue and starts < ends
