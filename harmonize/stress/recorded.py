"""Recorded liquidations that ship with the package, and how a model states the same days.

``recorded_liquidations.yaml`` is derived from public files; its comments state how.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

import numpy as np

from harmonize.core.yaml_source import YamlSource, YamlSourceError, parse_yaml, printable
from harmonize.stress.errors import StressInputError
from harmonize.stress.falls import falls
from harmonize.stress.positions import Floats, build_positions
from harmonize.stress.thresholds import TIE, Thresholds
from harmonize.stress.tiers import VenueMargins

HEAT_MAP_LEVERAGES = (10.0, 25.0, 50.0, 100.0)
"""Leverages that liquidation heat maps assume, each for an equal part of open interest."""

_SECTIONS = {"venue", "source", "days"}
_CAVEAT = "caveat"
_KEYS = {"underlying", "day", "open_interest", "fall", "liquidated"}
_NUMBERS = ("open_interest", "fall", "liquidated")
_LEAST_DAYS = 2


@dataclass(frozen=True, slots=True)
class RecordedDay:
    """Longs liquidated on one day, open interest at its beginning, and its largest fall.

    Amounts are in USD. The fall is from the last close of the day before.
    """

    underlying: str
    day: date
    open_interest: float
    fall: float
    liquidated: float


@dataclass(frozen=True, slots=True)
class RecordedLiquidations:
    """Recorded days of one venue, with their source; ``caveat`` is what is uncertain about them."""

    venue: str
    source: str
    days: tuple[RecordedDay, ...]
    caveat: str = ""

    def of(self, underlying: str) -> tuple[RecordedDay, ...]:
        """Returns the days of an underlying, in order; empty without any."""
        return tuple(day for day in self.days if day.underlying == underlying)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Recorded and modelled liquidations of longs over all days, in USD.

    ``rank_correlation`` is Spearman's over the days, None if either is constant. ``heat_map`` is the
    total if open interest had the leverages of heat maps.
    """

    days: int
    recorded: float
    modelled: float
    rank_correlation: float | None
    heat_map: float


@cache
def bundled_recordings() -> RecordedLiquidations:
    """Returns the recorded liquidations that ship with the package."""
    name = "recorded_liquidations.yaml"
    return parse_recordings(files("harmonize.stress").joinpath(name).read_text("utf-8"), name)


def parse_recordings(text: str, name: str) -> RecordedLiquidations:
    """Returns the recordings of a YAML text. Raises YamlSourceError with file, line and column."""
    yaml = parse_yaml(text, name)
    value = yaml.value
    if not isinstance(value, dict) or set(value) - {_CAVEAT} != _SECTIONS:
        raise _error(yaml, (), f"expected exactly the keys {', '.join(sorted(_SECTIONS))}")
    rows = value["days"]
    if not isinstance(rows, list) or not rows:
        raise _error(yaml, ("days",), "days: expected a list of rows")
    days = tuple(_day(yaml, position, row) for position, row in enumerate(rows))
    return RecordedLiquidations(
        str(value["venue"]), str(value["source"]), days, str(value.get(_CAVEAT, ""))
    )


def _day(yaml: YamlSource, position: int, row: object) -> RecordedDay:
    path = ("days", position)
    if not isinstance(row, dict) or set(row) != _KEYS:
        raise _error(yaml, path, f"expected exactly the keys {', '.join(sorted(_KEYS))}")
    if not isinstance(row["day"], date):
        raise _error(yaml, (*path, "day"), f"day: expected a date, found {printable(row['day'])}")
    numbers: dict[str, float] = {}
    for key in _NUMBERS:
        try:
            numbers[key] = float(row[key])
        except (TypeError, ValueError):
            numbers[key] = -1.0
        if not 0.0 <= numbers[key] < (1.0 if key == "fall" else np.inf):
            reason = f"{key}: expected a number from 0, found {printable(row[key])}"
            raise _error(yaml, (*path, key), reason)
    return RecordedDay(str(row["underlying"]), row["day"], **numbers)


def compare_with_recorded(
    days: Sequence[RecordedDay], longs: Thresholds, margins: VenueMargins
) -> Comparison:
    """Returns what was recorded against open interest times the share that each day's fall liquidates.

    ``longs`` are modelled positions of the venue. Raises StressInputError: fewer than two days, or no
    modelled position.
    """
    total = float(longs.open_interest.sum())
    if len(days) < _LEAST_DAYS or not total:
        message = f"recorded liquidations: expected two days and positions, found {len(days)} days"
        raise StressInputError(message)
    open_interest = np.array([day.open_interest for day in days])
    reached = np.array([day.fall for day in days])
    recorded = np.array([day.liquidated for day in days])
    share = longs.liquidated_by_venue(reached).sum(axis=1) / total
    modelled = open_interest * share
    heat_map = open_interest * _heat_map_share(reached, margins)
    return Comparison(
        len(days),
        float(recorded.sum()),
        float(modelled.sum()),
        _rank_correlation(recorded, modelled),
        float(heat_map.sum()),
    )


def _heat_map_share(reached: Floats, margins: VenueMargins) -> Floats:
    """Returns the share of equal parts at the leverages of heat maps that each fall liquidates."""
    leverages = np.array(HEAT_MAP_LEVERAGES)
    notional = np.full(leverages.size, 1e4)
    positions = build_positions([margins.venue], 0, 1.0, notional, notional / leverages)
    thresholds_ = falls(positions, [margins]).fall
    return np.asarray((thresholds_ <= reached[:, None] + TIE).mean(axis=1))


def _rank_correlation(recorded: Floats, modelled: Floats) -> float | None:
    from scipy.stats import rankdata  # noqa: PLC0415 - heavy

    ranks = np.stack([rankdata(recorded), rankdata(modelled)])
    if (ranks.std(axis=1) == 0.0).any():
        return None
    return float(np.corrcoef(ranks)[0, 1])


def _error(yaml: YamlSource, path: tuple[str | int, ...], reason: str) -> YamlSourceError:
    place = yaml.place(path)
    return YamlSourceError(yaml.name, place.line, place.column, reason)
