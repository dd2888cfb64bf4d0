"""Reads ``market_files.yaml``: what files of open interest, funding and order books speak for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

from harmonize.core.yaml_source import Path, YamlSource, YamlSourceError, parse_yaml
from harmonize.market.points import Quantity

COINALYZE = "coinalyze"
"""Venue of files whose symbols are Coinalyze's codes, which name the venue."""

_Term = TypeVar("_Term", bound=StrEnum)

_POINT_KEYS = {
    "file", "quantity", "venue", "symbol", "asset", "time", "value", "time_zone", "unit", "covers",
    "partial_day", "hours", "exceptions", "notes", "source",
}  # fmt: skip
_BOOK_KEYS = {"file", "layout", "venues", "omitted", "source"}
_VENUE_KEYS = {"venue", "symbols", "size", "contract_usd", "contracts"}


class Unit(StrEnum):
    """Unit of the values of a file."""

    USD = "USD"
    FRACTION = "fraction"
    PERCENT = "percent"


class Layout(StrEnum):
    """Layout of a file of order books."""

    MESSAGES = "messages"
    BYBIT = "bybit"
    COLUMNS = "columns"


@dataclass(frozen=True, slots=True)
class PointsFile:
    """What a file of open interest or funding speaks for.

    Columns are named by the file. ``venue_ids`` are the venues by their names in ``venue_column``;
    without it, every row is of ``venue``. ``hours`` are those of each venue, or of all under an empty
    key. ``notes`` pair patterns of symbols with statements.
    """

    file: str
    quantity: Quantity
    venue: str
    venue_column: str
    venue_ids: Mapping[str, str]
    symbol: str
    symbol_column: str
    asset_column: str
    time: str
    value: str
    has_zone: bool
    unit: Unit
    covers_day: bool
    partial_day: date | None
    hours_column: str
    hours: Mapping[str, float]
    exceptions: Mapping[tuple[str, str], float]
    notes: tuple[tuple[str, str], ...]
    source: str

    def hours_of(self, venue: str, symbol: str) -> float | None:
        """Returns the hours for which a contract's rates are paid; None if they are not stated."""
        return self.exceptions.get((venue, symbol), self.hours.get(venue, self.hours.get("")))


@dataclass(frozen=True, slots=True)
class BookVenue:
    """Books of one venue in a file: which symbols are perpetuals, and the unit of sizes.

    ``symbols`` is a pattern with the group ``base``. ``contract_usd`` is the value of a contract in USD
    and that of single ones is in ``contracts``; None: sizes are coins.
    """

    venue: str
    symbols: re.Pattern[str]
    contract_usd: float | None
    contracts: Mapping[str, float]

    def usd_of(self, symbol: str) -> float | None:
        """Returns the value of a contract in USD; None if sizes are coins."""
        return self.contracts.get(symbol, self.contract_usd)


@dataclass(frozen=True, slots=True)
class BookFile:
    """What a file of order books speaks for. ``omitted`` has the reason by name in the file."""

    file: str
    layout: Layout
    venues: Mapping[str, BookVenue]
    omitted: Mapping[str, str]
    source: str


@dataclass(frozen=True, slots=True)
class FileTable:
    """Known files, in the order in which they are read; ``omitted`` has reasons by path."""

    points: tuple[PointsFile, ...]
    books: tuple[BookFile, ...]
    omitted: Mapping[str, str]

    @property
    def described(self) -> tuple[str, ...]:
        """Paths of the files that are read."""
        return (*(entry.file for entry in self.points), *(entry.file for entry in self.books))


@cache
def bundled() -> FileTable:
    """Returns the table that ships with the package."""
    text = files("harmonize.market").joinpath("market_files.yaml").read_text(encoding="utf-8")
    return parse(text, "market_files.yaml")


def parse(text: str, name: str) -> FileTable:
    """Reads a table. Raises YamlSourceError with file:line:column and the problem."""
    yaml = parse_yaml(text, name)
    document = _mapping(yaml, (), yaml.value, {"points", "books", "omitted"})
    table = FileTable(
        tuple(_points(yaml, path, row) for path, row in _rows(yaml, document, "points")),
        tuple(_book(yaml, path, row) for path, row in _rows(yaml, document, "books")),
        {str(file): str(reason) for file, reason in document["omitted"].items()},
    )
    names = [*table.described, *table.omitted]
    for file in names:
        if names.count(file) > 1:
            raise _error(yaml, (), f"file: {file} appears twice; remove one")
    return table


def _rows(yaml: YamlSource, document: Mapping[str, Any], key: str) -> list[tuple[Path, object]]:
    if not isinstance(document[key], list):
        raise _error(yaml, (key,), "expected a list of files")
    return [((key, index), row) for index, row in enumerate(document[key])]


def _points(yaml: YamlSource, path: Path, row: object) -> PointsFile:
    fields = _mapping(yaml, path, row, _POINT_KEYS)
    venue, symbol, hours = fields["venue"], fields["symbol"], fields["hours"]
    by_column = isinstance(venue, dict)
    unit = _term(yaml, (*path, "unit"), Unit, fields["unit"])
    quantity = _term(yaml, (*path, "quantity"), Quantity, fields["quantity"])
    if (unit is Unit.USD) != (quantity is Quantity.OPEN_INTEREST):
        raise _error(yaml, (*path, "unit"), f"unit: {unit} is none of {quantity}")
    try:
        partial = date.fromisoformat(fields["partial_day"]) if fields["partial_day"] else None
        notes = tuple((re.compile(n["symbols"]).pattern, str(n["note"])) for n in fields["notes"])
        exceptions = {
            (row["venue"], row["symbol"]): float(row["hours"]) for row in fields["exceptions"]
        }
    except (TypeError, ValueError, KeyError, re.error) as error:
        raise _error(
            yaml, path, f"partial_day, notes or exceptions: cannot be read: {error}"
        ) from error
    return PointsFile(
        file=str(fields["file"]),
        quantity=quantity,
        venue="" if by_column else str(venue),
        venue_column=str(venue["column"]) if by_column else "",
        venue_ids=dict(venue["ids"]) if by_column else {},
        symbol="" if isinstance(symbol, dict) else str(symbol),
        symbol_column=str(symbol["column"]) if isinstance(symbol, dict) else "",
        asset_column=str(fields["asset"] or ""),
        time=str(fields["time"]),
        value=str(fields["value"]),
        has_zone=fields["time_zone"] is None,
        unit=unit,
        covers_day=fields["covers"] == "day",
        partial_day=partial,
        hours_column=hours if isinstance(hours, str) else "",
        hours=_hours(hours),
        exceptions=exceptions,
        notes=notes,
        source=str(fields["source"]),
    )


def _hours(stated: object) -> Mapping[str, float]:
    if isinstance(stated, dict):
        return {str(venue): float(hours) for venue, hours in stated.items()}
    return {"": float(stated)} if isinstance(stated, int | float) else {}


def _book(yaml: YamlSource, path: Path, row: object) -> BookFile:
    fields = _mapping(yaml, path, row, _BOOK_KEYS)
    return BookFile(
        str(fields["file"]),
        _term(yaml, (*path, "layout"), Layout, fields["layout"]),
        {
            str(name): _book_venue(yaml, (*path, "venues", name), venue)
            for name, venue in fields["venues"].items()
        },
        {str(name): str(reason) for name, reason in fields["omitted"].items()},
        str(fields["source"]),
    )


def _book_venue(yaml: YamlSource, path: Path, row: object) -> BookVenue:
    fields = _mapping(yaml, path, row, _VENUE_KEYS)
    usd = fields["contract_usd"]
    if (fields["size"] == "coins") != (usd is None):
        raise _error(yaml, path, "contract_usd: expected a number for contracts, null for coins")
    contracts = {str(symbol): float(value) for symbol, value in fields["contracts"].items()}
    pattern = re.compile(str(fields["symbols"]))
    return BookVenue(str(fields["venue"]), pattern, None if usd is None else float(usd), contracts)


def _mapping(yaml: YamlSource, path: Path, row: object, keys: set[str]) -> Mapping[str, Any]:
    if not isinstance(row, dict) or set(row) != keys:
        raise _error(yaml, path, f"expected exactly the keys {', '.join(sorted(keys))}")
    return row


def _term(yaml: YamlSource, path: Path, terms: type[_Term], value: object) -> _Term:
    if value not in set(terms):
        raise _error(yaml, path, f"expected one of {', '.join(terms)}, found {value!r}")
    return terms(str(value))


def _error(yaml: YamlSource, path: Path, reason: str) -> YamlSourceError:
    line, column = yaml.place(path)
    return YamlSourceError(yaml.name, line, column, reason)
