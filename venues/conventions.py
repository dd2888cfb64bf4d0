"""Facts about how venues treat what one holder has there, read from the file beside."""

from functools import cache
from importlib.resources import files
from types import MappingProxyType

from harmonize.core.venue_conventions import Conducts, OffsetRule, VenueConventions
from harmonize.core.yaml_source import WrittenError, YamlSource, read
from venues.facts import Confidence

_KEYS = frozenset({"venue", "opposite", "valued", "confidence", "source"})
_VALUED = (None, "mark", "entry")


@cache
def bundled() -> Conducts:
    """Read the facts that ship with the package."""
    return parse(
        files("venues").joinpath("conventions.yaml").read_text(encoding="utf-8"), "conventions.yaml"
    )


def parse(text: str, name: str) -> Conducts:
    """Read facts from YAML. Raises WrittenError: file:line:column, what is wrong."""
    written = read(text, name)
    rows = written.value if isinstance(written.value, list) else []
    found = [_conduct(written, index, row) for index, row in enumerate(rows)]
    return MappingProxyType({one.venue: one for one in found})


def _conduct(written: YamlSource, index: int, row: object) -> VenueConventions:
    line, column = written.place((index,))
    if not isinstance(row, dict) or set(row) != _KEYS:
        reason = f"a fact has exactly the keys {', '.join(sorted(_KEYS))}"
        raise WrittenError(written.name, line, column, reason)
    try:
        opposite = None if row["opposite"] is None else OffsetRule(row["opposite"])
        confidence = Confidence(row["confidence"])
    except ValueError as error:
        raise WrittenError(written.name, line, column, str(error)) from None
    if row["valued"] not in _VALUED:
        raise WrittenError(written.name, line, column, "valued is mark, entry or null")
    return VenueConventions(
        str(row["venue"]), opposite, row["valued"] or "", confidence.value, str(row["source"])
    )
