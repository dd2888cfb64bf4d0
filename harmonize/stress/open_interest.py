"""Open interest that ships with the package, read from ``open_interest.yaml``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files

from harmonize.core.yaml_source import YamlSource, YamlSourceError, parse_yaml, printable

_SECTIONS = {"as_of", "source", "open_interest"}
_KEYS = {"venue", "underlying", "usd", "observed_at"}


@dataclass(frozen=True, slots=True)
class OpenInterestRow:
    """Open interest of one venue on one underlying, in USD, and its observation time in UTC."""

    venue: str
    underlying: str
    value: float
    observed_at: str


@dataclass(frozen=True, slots=True)
class OpenInterestTable:
    """Open interest on one day, with its source."""

    as_of: date
    source: str
    rows: tuple[OpenInterestRow, ...]

    def of(self, underlying: str) -> Mapping[str, float]:
        """Returns the open interest by venue, in USD; empty if the underlying is not in the table."""
        return {row.venue: row.value for row in self.rows if row.underlying == underlying}


@cache
def bundled_open_interest() -> OpenInterestTable:
    """Returns the table that ships with the package."""
    name = "open_interest.yaml"
    return parse_open_interest(files("harmonize.stress").joinpath(name).read_text("utf-8"), name)


def parse_open_interest(text: str, name: str) -> OpenInterestTable:
    """Returns the table of a YAML text. Raises YamlSourceError with file, line and column."""
    yaml = parse_yaml(text, name)
    value = yaml.value
    if not isinstance(value, dict) or set(value) != _SECTIONS:
        raise _error(yaml, (), f"expected exactly the keys {', '.join(sorted(_SECTIONS))}")
    as_of, rows = value["as_of"], value["open_interest"]
    if not isinstance(as_of, date):
        reason = f"as_of: expected a day, such as 2026-03-07, found {printable(as_of)}"
        raise _error(yaml, ("as_of",), reason)
    if not isinstance(rows, list) or not rows:
        raise _error(yaml, ("open_interest",), "open_interest: expected a list of rows")
    parsed = tuple(_row(yaml, position, row) for position, row in enumerate(rows))
    keys = [(row.venue, row.underlying) for row in parsed]
    for position, key in enumerate(keys):
        if key in keys[:position]:
            reason = f"{' '.join(key)} is already stated above; remove one of the rows"
            raise _error(yaml, ("open_interest", position), reason)
    return OpenInterestTable(as_of, str(value["source"]), parsed)


def _row(yaml: YamlSource, position: int, row: object) -> OpenInterestRow:
    path = ("open_interest", position)
    if not isinstance(row, dict) or set(row) != _KEYS:
        raise _error(yaml, path, f"expected exactly the keys {', '.join(sorted(_KEYS))}")
    usd = row["usd"]
    if isinstance(usd, bool) or not isinstance(usd, int | Decimal) or not usd > 0:
        reason = f"usd: expected a number above 0, found {printable(usd)}"
        raise _error(yaml, (*path, "usd"), reason)
    return OpenInterestRow(
        str(row["venue"]), str(row["underlying"]), float(usd), str(row["observed_at"])
    )


def _error(yaml: YamlSource, path: tuple[str | int, ...], reason: str) -> YamlSourceError:
    place = yaml.place(path)
    return YamlSourceError(yaml.name, place.line, place.column, reason)
