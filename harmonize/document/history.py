"""Rows of the audit document on the history of margins, for tables and charts."""

from dataclasses import dataclass

GAP_DAYS = 31
"""Largest number of days between two observations of a contract that are no gap, as for dated changes."""


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """Margin as a share of notional from its first observation; None if not observable.

    ``is_dated`` tells that the change to it lies between two exact observation dates at most 31 days
    apart. ``status`` is ``at least`` for a lower bound and ``derived, unverified`` for a rate that no
    source verifies; empty otherwise.
    """

    observed_at: str
    rate: float | None
    observed_from: str = ""
    date_kind: str = "exact"
    is_dated: bool = False
    status: str = ""


@dataclass(frozen=True, slots=True)
class ObservationGap:
    """Span between two consecutive observations, at ``first`` and at ``last``, without any in between."""

    first: str
    last: str


@dataclass(frozen=True, slots=True)
class MarginSeries:
    """Margin of one schedule at one notional over time, as a step function.

    ``margin_type`` is ``initial`` or ``maintenance``, ``notional`` is in USD. Each point applies
    until the next point, and the last point until ``until``, the newest observation of the contract.
    There is a point for every change of the schedule. Bounds in contracts or coins are in USD at
    the price of their point. ``gaps`` are the spans of more than 31 days in which the contract was not
    observed: the margin before is only assumed to have applied in them.
    """

    underlying: str
    venue: str
    symbol: str
    profile: str
    margin_type: str
    notional: float
    points: tuple[SeriesPoint, ...]
    until: str
    gaps: tuple[ObservationGap, ...] = ()


@dataclass(frozen=True, slots=True)
class Week:
    """Number of schedules of a venue that changed in one week; ``week`` is its Monday.

    Dates have the form 2026-11-16. ``other`` counts changes of bands, capacity, tier rule and
    observability. Listings and delistings are counted separately. Only changes between two exact
    observation dates at most 31 days apart are counted by kind; ``undated`` counts all others, in the
    week of the latest possible date of the observation after.
    """

    venue: str
    week: str
    tighter: int
    looser: int
    mixed: int
    other: int
    listed: int
    delisted: int
    undated: int = 0


@dataclass(frozen=True, slots=True)
class VenueGaps:
    """Spans between two consecutive observations of a venue with a week, Monday to Sunday, without any."""

    venue: str
    gaps: tuple[ObservationGap, ...]


@dataclass(frozen=True, slots=True)
class StressWindow:
    """Period of market stress, measured from prices; both days are included.

    Dates have the form 2020-03-12. ``source`` is the source of the prices.
    """

    first: str
    last: str
    name: str
    source: str


@dataclass(frozen=True, slots=True)
class MarginSince:
    """First observation of a margin that applies, in a run without another margin since.

    ``observed_at`` is the latest possible time of that observation, ``date_kind`` and
    ``observed_from`` state how far it is known. ``is_bound`` tells that the margin may have applied
    before: nothing earlier was observed.
    """

    observed_at: str
    observed_from: str
    date_kind: str
    is_bound: bool


@dataclass(frozen=True, slots=True)
class SinceRow:
    """Since when a schedule has had its margin at some notionals, in USD."""

    venue: str
    symbol: str
    profile: str
    margin_type: str
    notionals: tuple[float, ...]
    since: MarginSince


@dataclass(frozen=True, slots=True)
class History:
    """History in the archives: margin series, changes per week, and stress windows.

    ``gaps`` tells weeks without a change from weeks without an observation, for the venues of ``weeks``.
    ``since`` has a row where a margin was observed before the schedule's own observation, or is known
    to have begun with it; otherwise the margin is as old as that observation, or older.
    """

    series: tuple[MarginSeries, ...] = ()
    weeks: tuple[Week, ...] = ()
    stress_windows: tuple[StressWindow, ...] = ()
    gaps: tuple[VenueGaps, ...] = ()
    since: tuple[SinceRow, ...] = ()
