"""Reads the sourced facts on position offsets and valuation prices from ``conventions.yaml``."""

from functools import cache
from importlib.resources import files
from types import MappingProxyType

from harmonize.core.venue_conventions import ConventionsByVenue, OffsetRule, VenueConventions
from harmonize.core.yaml_source import YamlSource, YamlSourceError, parse_yaml
from venues.facts import Confidence, term

_KEYS = frozenset({"venue", "opposite", "valued", "confidence", "source"})
_VALUED = (None, "mark", "entry")


@cache
def bundled() -> ConventionsByVenue:
    """Conventions that ship with the package, by venue."""
    return parse(
        files("venues").joinpath("conventions.yaml").read_text(encoding="utf-8"), "conventions.yaml"
    )


def parse(text: str, name: str) -> ConventionsByVenue:
    """Reads conventions from YAML. Raises YamlSourceError with file:line:column and the problem."""
    source = parse_yaml(text, name)
    rows = source.value if isinstance(source.value, list) else []
    conventions = [_conventions(source, index, row) for index, row in enumerate(rows)]
    return MappingProxyType({entry.venue: entry for entry in conventions})


def _conventions(source: YamlSource, index: int, row: object) -> VenueConventions:
    line, column = source.place((index,))
    if not isinstance(row, dict) or set(row) != _KEYS:
        reason = f"expected exactly the keys {', '.join(sorted(_KEYS))}"
        raise YamlSourceError(source.name, line, column, reason)
    try:
        opposite = (
            None if row["opposite"] is None else term(OffsetRule, row["opposite"], "opposite")
        )
        confidence = term(Confidence, row["confidence"], "confidence")
    except ValueError as error:
        raise YamlSourceError(source.name, line, column, str(error)) from None
    if row["valued"] not in _VALUED:
        reason = f"valued: expected mark, entry or null, found {row['valued']!r}"
        raise YamlSourceError(source.name, line, column, reason)
    return VenueConventions(
        str(row["venue"]), opposite, row["valued"] or "", confidence.value, str(row["source"])
    )
