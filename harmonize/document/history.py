"""How margins moved over time, as values that documents carry and pictures are drawn from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """A margin as a share of notional from the moment it was observed; None where there was none."""

    observed_at: str
    rate: float | None


@dataclass(frozen=True, slots=True)
class MarginSeries:
    """One margin of one schedule over time: a step function.

    ``margin_type`` is ``initial`` or ``maintenance``, ``notional`` in USD. A mark holds until the next one,
    the last until ``until``, the newest observation of its venue. Marks stand where the schedule
    changed; bounds in contracts or coins are in USD at the price of their mark.
    """

    underlying: str
    venue: str
    symbol: str
    profile: str
    margin_type: str
    notional: float
    points: tuple[SeriesPoint, ...]
    until: str


@dataclass(frozen=True, slots=True)
class Week:
    """How many schedules of a venue changed in a week; ``week`` is its Monday, as 2026-11-16.

    ``other`` counts changes of bands, capacity, rule and knowledge; listings stand apart.
    """

    venue: str
    week: str
    tighter: int
    looser: int
    mixed: int
    other: int
    listed: int
    delisted: int


@dataclass(frozen=True, slots=True)
class StressWindow:
    """Days of market stress, first and last included, as 2020-03-12; measured, with the source."""

    first: str
    last: str
    name: str
    source: str


@dataclass(frozen=True, slots=True)
class History:
    """What archives hold of time: courses of margins, changes by week, and windows of stress."""

    series: tuple[MarginSeries, ...] = ()
    weeks: tuple[Week, ...] = ()
    stress_windows: tuple[StressWindow, ...] = ()
