"""Times of stress: what each model asked before and after, and when Binance raised its margins.

A venue's margin is known at observations only, so that a rise happened between two of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from harmonize.adequacy.table_history import TableStep
from harmonize.adequacy.table_steps import table_steps
from harmonize.api.history import ArchivedRows
from harmonize.api.threshold_series import AssetSeries, until_day
from harmonize.api.threshold_terms import EpisodeModel, EpisodeResult, EpisodeVenue
from harmonize.comparison.universe import Universe
from harmonize.core.schedule import Unknown
from harmonize.text.messages import counted
from harmonize.text.words import join_words
from harmonize.thresholds.models import ImpliedVolatility, asset_paths
from harmonize.thresholds.path import (
    Model,
    PathsByModel,
    ThresholdPath,
    replacement,
    rounded_figure,
)

VENUE = "binance"

FOLLOWING_DAYS = 30
"""Days after the eve within which the largest margin of a model is stated."""

VENUE_DAYS = 90
"""Days after the eve within which a rise of a venue is looked for: longer than between observations."""

LEAST_RISE = 0.1
"""Rise above the margin of the eve from which a model has moved."""

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Episode:
    """Days of stress, UTC, with their usual name."""

    name: str
    first: date
    last: date

    @property
    def first_day(self) -> int:
        """First day since 1970."""
        return (self.first - _EPOCH).days

    @property
    def last_day(self) -> int:
        """Last day since 1970."""
        return (self.last - _EPOCH).days


EPISODES = (
    Episode("March 2020", date(2020, 3, 12), date(2020, 3, 13)),
    Episode("May 2021", date(2021, 5, 19), date(2021, 5, 23)),
    Episode("LUNA", date(2022, 5, 9), date(2022, 5, 13)),
    Episode("FTX", date(2022, 11, 8), date(2022, 11, 10)),
    Episode("August 2024", date(2024, 8, 5), date(2024, 8, 5)),
    Episode("October 2025", date(2025, 10, 10), date(2025, 10, 11)),
)


@dataclass(frozen=True, slots=True, eq=False)
class EpisodeTask:
    """What the paths of one asset around one episode need; ``choices`` are series, best first."""

    episode: Episode
    choices: tuple[AssetSeries, ...]
    level: float
    implied: ImpliedVolatility | None


@dataclass(frozen=True, slots=True, eq=False)
class EpisodePaths:
    """Paths of the models around one episode, with the series behind them."""

    episode: Episode
    series: AssetSeries
    paths: PathsByModel


def episode_paths(task: EpisodeTask) -> EpisodePaths | None:
    """Returns the paths from the first series with enough returns; None: there is none.

    The paths end 30 days after the eve. Models that pool assets are not included.
    """
    first = task.episode.first_day
    for series in task.choices:
        own = until_day(series, first + FOLLOWING_DAYS)
        history = own.history if own is not None else None
        if own is None or history is None or first not in history.days.tolist():
            continue
        before = until_day(series, first)
        if before is None or before.history.shortage():
            continue
        paths = asset_paths(own.history, (task.level,), task.implied, first)
        return EpisodePaths(task.episode, own, paths)
    return None


def episode_result(
    found: EpisodePaths, rows: ArchivedRows, universe: Universe, notional: float
) -> EpisodeResult:
    """Returns one episode of one asset."""
    episode, history = found.episode, found.series.history
    venue = _venue(episode, history.asset, rows, universe, notional)
    is_within = (history.days >= episode.first_day) & (history.days <= episode.last_day)
    within = np.flatnonzero(is_within)
    worst = within[np.argmin(history.returns[within])] if within.size else None
    worst_day = None if worst is None else int(history.days[worst])
    models = tuple(
        model
        for name, paths in found.paths.items()
        if not isinstance(paths, Unknown)
        for model in _model(name, paths[0], episode, venue, worst_day)
    )
    names = [str(p.id) for p in found.series.parts if p.last_day >= episode.first_day]
    # A move that ends on the day after the episode may begin within it.
    last = episode.last_day + 1
    names += [str(m) for m in found.series.disputed if episode.first_day <= m.day <= last]
    return EpisodeResult(
        history.asset,
        episode.name,
        episode.first_day,
        episode.last_day,
        "; ".join(dict.fromkeys(names)),
        Unknown("no price") if worst is None else rounded_figure(float(history.returns[worst])),
        worst_day,
        models,
        venue,
    )


def _model(
    name: Model,
    path: ThresholdPath,
    episode: Episode,
    venue: EpisodeVenue | Unknown,
    worst_day: int | None,
) -> Sequence[EpisodeModel]:
    margin, days = path.margin, path.days
    eve = int(np.searchsorted(days, episode.first_day))
    if eve == days.size or days[eve] != episode.first_day or not np.isfinite(margin[eve]):
        return ()
    later = margin[eve : eve + FOLLOWING_DAYS + 1]
    raised = np.flatnonzero(later > (1 + LEAST_RISE) * margin[eve])
    rose_on = int(days[eve + raised[0]]) if raised.size else None
    replaced = replacement(name, path.fallbacks, days[eve : eve + FOLLOWING_DAYS + 1])
    return (
        EpisodeModel(
            name.value,
            rounded_figure(float(margin[eve])),
            rounded_figure(float(np.nanmax(later))),
            rose_on,
            first_mover(rose_on, venue, worst_day),
            "" if replaced is None else str(replaced),
        ),
    )


def first_mover(
    rose_on: int | None, venue: EpisodeVenue | Unknown, worst_day: int | None = None
) -> str:
    """Returns who raised first, as far as two observations tell; days are those since 1970."""
    if isinstance(venue, Unknown):
        return "venue not observed"
    if venue.before is None or venue.after is None:
        return _without_rise_of_venue(rose_on, venue, worst_day)
    between = f"{venue.venue} between {venue.before:%Y-%m-%d} and {venue.after:%Y-%m-%d}"
    if rose_on is None:
        return f"{between}; the model did not rise"
    day = _EPOCH + timedelta(days=rose_on)
    if day <= venue.before.date():
        return f"model on {day}; {between}"
    if day > venue.after.date():
        return f"{between}; model on {day}"
    return f"cannot be told: model on {day}, {between}"


def _without_rise_of_venue(rose_on: int | None, venue: EpisodeVenue, worst_day: int | None) -> str:
    """Returns who raised first if no rise of the venue was seen; silence is no sign that it stayed."""
    if isinstance(venue.largest, Unknown):
        told = "the model did not rise" if rose_on is None else "cannot be told"
        return f"{told}: {venue.venue}: {venue.largest.reason}"
    if rose_on is None:
        return f"neither was seen to rise; {_observed(venue)}"
    return f"only the model, {_after_worst(rose_on, worst_day)}; {_observed(venue)}, no rise seen"


def _after_worst(rose_on: int, worst_day: int | None) -> str:
    """Returns when a model rose by the worst day of its episode, which says whether it came too late.

    A margin of a day is known on the day before: one that rose on the worst day covered its loss.
    """
    if worst_day is None:
        return f"on {_EPOCH + timedelta(days=rose_on)}"
    days = rose_on - worst_day
    if not days:
        return "on the worst day"
    return f"{counted(abs(days), 'day')} {'after' if days > 0 else 'before'} the worst day"


def _observed(venue: EpisodeVenue) -> str:
    """Returns the observations of a venue on both sides of the beginning of an episode."""
    days = [f"{time:%Y-%m-%d}" for time in (venue.eve_at, venue.next_at) if time is not None]
    return f"{venue.venue} observed {join_words(days)}"


def _venue(
    episode: Episode, asset: str, rows: ArchivedRows, universe: Universe, notional: float
) -> EpisodeVenue | Unknown:
    """Returns what the venue required: on today's contract, otherwise on one that it had then.

    A coin that failed may have another contract today, or none.
    """
    schedule = universe.chosen.get(asset, {}).get(VENUE)
    own = [schedule.key] if schedule is not None and schedule.key in rows.rows else []
    start = datetime.combine(episode.first, datetime.min.time(), UTC)
    former = [
        key
        for key, states in rows.rows.items()
        if key[0] == VENUE and key not in own and states[0].asset == asset
    ]
    former = [key for key in former if rows.rows[key][0].observed_at < start]
    former.sort(key=lambda key: (_last_before(start, rows.times_of(key)), key), reverse=True)
    found: EpisodeVenue | Unknown = Unknown(f"no {VENUE} schedule of {asset}")
    for key in (*own, *former):
        steps = table_steps(rows.rows[key], rows.times_of(key), notional)
        found = venue_moves(episode, key[1], steps)
        if isinstance(found, EpisodeVenue):
            break
    return found


def _last_before(start: datetime, times: Sequence[datetime]) -> datetime:
    return max(time for time in times if time < start)


def venue_moves(
    episode: Episode, symbol: str, steps: Sequence[TableStep]
) -> EpisodeVenue | Unknown:
    """Returns what a venue required around an episode. Unknown: no observation before it."""
    start = datetime.combine(episode.first, datetime.min.time(), UTC)
    before = [step for step in steps if step.valid_from < start]
    if not before:
        first = f"{steps[0].valid_from:%Y-%m-%d}" if steps else "never"
        return Unknown(f"{VENUE} was first observed {first}, after the episode began")
    eve = before[-1]
    later = [s for s in steps if start <= s.valid_from <= start + timedelta(days=VENUE_DAYS)]
    rates = [step.initial for step in (eve, *later) if isinstance(step.initial, float)]
    largest = max(rates, default=None) if later else None
    absent = "no rate observed" if later else f"no later observation within {VENUE_DAYS} days"
    rise = _first_rise([eve, *later])
    return EpisodeVenue(
        VENUE,
        symbol,
        eve.initial,
        eve.valid_from,
        rise[0] if rise else None,
        rise[1] if rise else None,
        Unknown(absent) if largest is None else rounded_figure(largest),
        later[0].valid_from if later else None,
    )


def _first_rise(steps: Sequence[TableStep]) -> tuple[datetime, datetime] | None:
    """Returns the two observations between which the rate first rose; None: it did not."""
    last: TableStep | None = None
    for step in steps:
        if not isinstance(step.initial, float):
            continue
        if last is not None and isinstance(last.initial, float) and step.initial > last.initial:
            return last.valid_from, step.valid_from
        last = step
    return None


def sources_by_asset(
    main: Mapping[str, AssetSeries], spot: Mapping[str, AssetSeries]
) -> dict[str, tuple[AssetSeries, ...]]:
    """Returns the series of each asset in the order in which they speak for an episode."""
    return {
        asset: tuple(own for own in (main[asset], spot.get(asset)) if own is not None)
        for asset in main
    }
