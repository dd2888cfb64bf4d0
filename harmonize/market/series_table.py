"""Reads ``series.yaml``, which states what each known file of candles speaks for."""

from collections.abc import Mapping
from dataclasses import dataclass
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
    "symbols", "venue", "kind", "underlying", "since", "until", "at", "unobserved", "disputed",
    "volume_unit", "source",
}  # fmt: skip
_PRICES = {"open", "high", "low"}
"""Columns of a candle that may be impossible while its close is sound."""


@dataclass(frozen=True, slots=True)
class SeriesException:
    """Statement about some symbols of a file; fields that it leaves open are None or empty.

    ``underlying`` holds for candles that open from ``since`` to before ``until``. ``unobserved`` and
    ``disputed`` concern the candle that opens at ``at``. ``venue`` narrows the statement in a file of
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
    disputed: bool = False
    venue: str = ""
    volume_in_contracts: bool = False


@dataclass(frozen=True, slots=True)
class SeriesFile:
    """What a file of candles speaks for. ``venue`` and ``symbol`` are empty if columns state them."""

    file: str
    venue: str
    kind: PriceKind
    interval: int
    symbol: str
    quote: str
    last_is_finished: bool
    source: str
    exceptions: tuple[SeriesException, ...]


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
    optional = {
        key: "" if fields[key] is None else str(fields[key]) for key in ("venue", "symbol", "quote")
    }
    return SeriesFile(
        **texts,
        **optional,
        kind=_kind(yaml, path, fields["kind"]),
        interval=INTERVALS[str(fields["interval"])],
        last_is_finished=fields["last_candle"] == "finished",
        exceptions=tuple(
            _exception(yaml, (*path, "exceptions", index), row)
            for index, row in enumerate(fields["exceptions"])
        ),
    )


def _exception(yaml: YamlSource, path: Path, row: object) -> SeriesException:
    fields = _mapping(yaml, path, row)
    unknown = set(fields) - _EXCEPTION_KEYS
    if unknown:
        raise _error(yaml, path, f"unknown key {min(unknown)}; remove it")
    symbols, unobserved = fields.get("symbols"), fields.get("unobserved", [])
    if not isinstance(symbols, list) or not symbols:
        raise _error(yaml, path, "symbols: expected a list of symbols")
    if not isinstance(unobserved, list) or not set(unobserved) <= _PRICES:
        raise _error(yaml, path, f"unobserved: expected some of {', '.join(sorted(_PRICES))}")
    if (unobserved or fields.get("disputed")) and "at" not in fields:
        raise _error(yaml, path, "at: missing; add the opening time of the candle")
    if fields.get("volume_unit", "contracts") != "contracts":
        raise _error(yaml, path, "volume_unit: expected contracts")
    times = {key: _time(yaml, path, fields.get(key), key) for key in ("since", "until", "at")}
    return SeriesException(
        symbols=tuple(str(symbol) for symbol in symbols),
        source=_text(yaml, path, fields, "source"),
        kind=_kind(yaml, path, fields["kind"]) if "kind" in fields else None,
        underlying=str(fields.get("underlying", "")),
        unobserved=tuple(str(column) for column in unobserved),
        disputed=fields.get("disputed") is True,
        venue=str(fields.get("venue", "")),
        volume_in_contracts="volume_unit" in fields,
        **times,
    )


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
