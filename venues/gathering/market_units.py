"""Reads ``market_data.yaml``: units of market data that ccxt's unified structure leaves open."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from harmonize.core.yaml_source import YamlSource, YamlSourceError, parse_yaml

_KEYS = frozenset({"venue", "volume", "open_interest", "source"})


@dataclass(frozen=True, slots=True)
class MarketUnits:
    """Whether a venue states the volume and the open interest of linear contracts in base coins."""

    volume_in_coins: bool = False
    open_interest_in_coins: bool = False


def units_of(venue: str) -> MarketUnits:
    """Returns the units of a venue; of one that the table does not list, none is known."""
    return bundled().get(venue, MarketUnits())


@cache
def bundled() -> dict[str, MarketUnits]:
    """Table that ships with the package."""
    text = files("venues.gathering").joinpath("market_data.yaml").read_text(encoding="utf-8")
    return parse(text, "market_data.yaml")


def parse(text: str, name: str) -> dict[str, MarketUnits]:
    """Reads a table from YAML. Raises YamlSourceError with file:line:column and the problem."""
    yaml = parse_yaml(text, name)
    rows = yaml.value.get("venues") if isinstance(yaml.value, dict) else None
    if not isinstance(rows, list):
        raise _error(yaml, (), "expected a list of venues")
    units: dict[str, MarketUnits] = {}
    for index, row in enumerate(rows):
        path = ("venues", index)
        if not isinstance(row, dict) or not {"venue", "source"} <= set(row) <= _KEYS:
            raise _error(yaml, path, f"expected some of the keys {', '.join(sorted(_KEYS))}")
        if row["venue"] in units:
            raise _error(yaml, path, f"venue: {row['venue']} appears twice; remove one")
        if {row.get("volume", "base"), row.get("open_interest", "base")} != {"base"}:
            raise _error(yaml, path, "volume, open_interest: expected base")
        units[str(row["venue"])] = MarketUnits("volume" in row, "open_interest" in row)
    return units


def _error(yaml: YamlSource, path: tuple[str | int, ...], reason: str) -> YamlSourceError:
    line, column = yaml.place(path)
    return YamlSourceError(yaml.name, line, column, reason)
