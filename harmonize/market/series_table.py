"""Reads ``series.yaml``, which states what each known file of candles speaks for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from harmonize.core.yaml_source import Path, YamlSource, YamlSourceError, parse_yaml
from harmonize.market.prices import INTERVALS, PriceKind

_FILE_KEYS = {
    "file", "venue", "kind", "interval", "symbol", "quote", "last_candle", "source", "exceptions",
}  # fmt: skip
_EXCEPTION_KEYS = {
    "symbols", "venue", "kind", "underlying", "since", "until", "at", "unobserved", "confirmed",
    "disputed", "volume_unit", "source",
}  # fmt: skip
_PRICES = {"open", "high", "low"}
"""Columns of a candle that may be impossible, or extreme, while its close is sound."""


@dataclass(frozen=True, slots=True)
class SeriesException:
    """Statement about some symbols of a file; fields that it leaves open are None or empty.

    ``underlying`` holds for candles that open from ``since`` to before ``until``. ``unobserved``,
    ``confirmed`` and ``disputed`` concern the candle that opens at ``at``. ``venue`` narrows the statement in a file of
    several venues. ``volume_in_contracts`` states that volumes are numbers of contracts.
    """

    symbols: tuple[str, ...]
    source: str
    kind: PriceKind | None = None
    underlying: str = ""
    since: datetime | None = None
    until: datetime | None = None
    at: datetime | None = None
    unobserved: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ()
    disputed: bool = False
    venue: str = ""
    volume_in_contracts: bool = False


@dataclass(frozen=True, slots=True)
class SeriesFile:
    """What a file of candles speaks for. ``venue`` and ``symbol`` are empty if columns state them.

    ``venue_ids`` are then the ccxt ids of the venues, by their names in the column.
    """

    file: str
    venue: str
    kind: PriceKind
    interval: int
    symbol: str
    quote: str
    last_is_finished: bool
    source: str
    exceptions: tuple[SeriesException, ...]
    venue_ids: Mapping[str, str] = field(default_factory=dict)

    def venue_of(self, name: str) -> str | None:
        """Returns the ccxt id of the venue that a file names so; None if it is not listed."""
        return self.venue or self.venue_ids.get(name)


@cache
def bundled() -> tuple[SeriesFile, ...]:
    """Returns the files that the package knows, in the order in which they take precedence."""
    text = files("harmonize.market").joinpath("series.yaml").read_text(encoding="utf-8")
    return parse(text, "series.yaml")


def parse(text: str, name: str) -> tuple[SeriesFile, ...]:
    """Reads a series table. Raises YamlSourceError with file:line:column and the problem."""
    yaml = parse_yaml(text, name)
    rows = yaml.value.get("files") if isinstance(yaml.value, dict) else None
    if not isinstance(rows, list) or not rows:
        raise _error(yaml, (), "expected a list of files")
    entries = tuple(_file(yaml, ("files", index), row) for index, row in enumerate(rows))
    names = [entry.file for entry in entries]
    for index, entry in enumerate(names):
        if entry in names[:index]:
            raise _error(yaml, ("files", index), f"file: {entry} appears twice; remove one")
    return entries


def _file(yaml: YamlSource, path: Path, row: object) -> SeriesFile:
    fields = _mapping(yaml, path, row)
    if set(fields) != _FILE_KEYS:
        raise _error(yaml, path, f"expected exactly the keys {', '.join(sorted(_FILE_KEYS))}")
    if fields["interval"] not in INTERVALS:
        raise _error(yaml, (*path, "interval"), f"expected one of {', '.join(INTERVALS)}")
    if fields["last_candle"] not in {"finished", "unfinished"}:
        raise _error(yaml, (*path, "last_candle"), "expected finished or unfinished")
    if not isinstance(fields["exceptions"], list):
        raise _error(yaml, (*path, "exceptions"), "expected a list")
    texts = {key: _text(yaml, path, fields, key) for key in ("file", "source")}
    optional = {key: "" if fields[key] is None else str(fields[key]) for key in ("symbol", "quote")}
    venue, venue_ids = _venues(yaml, path, fields["venue"])
    return SeriesFile(
        **texts,
        **optional,
        venue=venue,
        venue_ids=venue_ids,
        kind=_kind(yaml, path, fields["kind"]),
        interval=INTERVALS[str(fields["interval"])],
        last_is_finished=fields["last_candle"] == "finished",
        exceptions=tuple(
            _exception(yaml, (*path, "exceptions", index), row)
            for index, row in enumerate(fields["exceptions"])
        ),
    )


def _venues(yaml: YamlSource, path: Path, stated: object) -> tuple[str, Mapping[str, str]]:
    """Returns the venue of a file, or the venues by their names in its column."""
    if isinstance(stated, str) and stated:
        return stated, {}
    pairs = stated.items() if isinstance(stated, dict) else ()
    if not pairs or not all(isinstance(text, str) and text for pair in pairs for text in pair):
        problem = "venue: expected a ccxt id, or a ccxt id per name in the column of venues"
        raise _error(yaml, (*path, "venue"), problem)
    return "", dict(pairs)


def _exception(yaml: YamlSource, path: Path, row: object) -> SeriesException:
    fields = _mapping(yaml, path, row)
    unknown = set(fields) - _EXCEPTION_KEYS
    if unknown:
        raise _error(yaml, path, f"unknown key {min(unknown)}; remove it")
    symbols = fields.get("symbols")
    columns = {key: _columns(yaml, path, fields, key) for key in ("unobserved", "confirmed")}
    if not isinstance(symbols, list) or not symbols:
        raise _error(yaml, path, "symbols: expected a list of symbols")
    if (any(columns.values()) or fields.get("disputed")) and "at" not in fields:
        raise _error(yaml, path, "at: missing; add the opening time of the candle")
    if fields.get("volume_unit", "contracts") != "contracts":
        raise _error(yaml, path, "volume_unit: expected contracts")
    times = {key: _time(yaml, path, fields.get(key), key) for key in ("since", "until", "at")}
    return SeriesException(
        symbols=tuple(str(symbol) for symbol in symbols),
        source=_text(yaml, path, fields, "source"),
        kind=_kind(yaml, path, fields["kind"]) if "kind" in fields else None,
        underlying=str(fields.get("underlying", "")),
        disputed=fields.get("disputed") is True,
        venue=str(fields.get("venue", "")),
        volume_in_contracts="volume_unit" in fields,
        unobserved=columns["unobserved"],
        confirmed=columns["confirmed"],
        **times,
    )


def _columns(yaml: YamlSource, path: Path, fields: Mapping[str, Any], key: str) -> tuple[str, ...]:
    stated = fields.get(key, [])
    if not isinstance(stated, list) or not set(stated) <= _PRICES:
        raise _error(yaml, path, f"{key}: expected some of {', '.join(sorted(_PRICES))}")
    return tuple(stated)


def _mapping(yaml: YamlSource, path: Path, row: object) -> Mapping[str, Any]:
    if not isinstance(row, dict):
        raise _error(yaml, path, "expected a mapping")
    return row


def _text(yaml: YamlSource, path: Path, fields: Mapping[str, object], key: str) -> str:
    value = fields.get(key)
    if not isinstance(value, str) or not value:
        raise _error(yaml, path, f"{key}: expected a text")
    return value


def _kind(yaml: YamlSource, path: Path, value: object) -> PriceKind:
    if value not in set(PriceKind):
        raise _error(yaml, path, f"kind: expected one of {', '.join(PriceKind)}")
    return PriceKind(str(value))


def _time(yaml: YamlSource, path: Path, value: object, key: str) -> datetime | None:
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise _error(yaml, path, f'{key}: expected a time such as "2022-11-09T00:00:00+00:00"')
    return time


def _error(yaml: YamlSource, path: Path, reason: str) -> YamlSourceError:
    line, column = yaml.place(path)
    return YamlSourceError(yaml.name, line, column, reason)
