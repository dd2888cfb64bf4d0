"""Measured inputs of a stress: volatility and volume, open interest, and margins near a day."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from math import isfinite

from harmonize.adequacy.factors import DAY, VenueVolume, realised_volatility, venue_volume
from harmonize.api.audit import Question, RequestError, open_sources
from harmonize.api.cross_venue import PreparedUniverse, prepare_universe
from harmonize.archive.location import recorded_archive
from harmonize.core.instrument import AT_PAR_WITH_USD
from harmonize.core.schedule import MarginSchedule, Unknown
from harmonize.document.input_age import MAX_AGE
from harmonize.document.stress import StressAbsentRow, StressMarketRow
from harmonize.market.points import PointSeries
from harmonize.market.points_source import open_interest_of, read_points
from harmonize.market.prices import PriceKind, PriceSeries, utc_time
from harmonize.market.returns import simple_returns
from harmonize.stress.margins import venue_margins
from harmonize.stress.open_interest import bundled_open_interest
from harmonize.stress.tiers import VenueMargins
from harmonize.text.messages import iso_utc
from venues import conventions

_PER_DAY = 1.0

_NO_CANDLES = "no daily candles of a perpetual"


@dataclass(frozen=True, slots=True)
class OpenInterestNear:
    """Open interest of a venue on an underlying, in USD, and its observation time."""

    value: float
    observed_at: str


@dataclass(frozen=True, slots=True)
class Terms:
    """Margin terms of a venue, or why there are none, with the schedule that states them."""

    margins: VenueMargins | Unknown
    schedule: MarginSchedule


TermsByVenue = Mapping[str, Terms]


def market_before(
    series: Sequence[PriceSeries], moment: datetime, days: int, *, is_dated: bool
) -> StressMarketRow:
    """Returns volatility and volume of the days before a time with a time zone, on one underlying.

    Volatility is that of the daily perpetual which ends last, then has the largest turnover. Volumes
    of venues are added, except those that end more than ``MAX_AGE`` before the newest: they are
    listed. Candles end on the day of the last one, and ages are in whole days. If ``is_dated``, candles
    that end more than ``MAX_AGE`` before the time are not used. Otherwise older ones are used, and are
    stale.
    """
    perpetuals = [part.known_at(moment) for part in series if part.id.kind is PriceKind.PERP]
    perpetuals = [part for part in perpetuals if part.times.size]
    oldest = datetime.combine(moment.date(), time.min, moment.tzinfo) - MAX_AGE
    recent = [part for part in perpetuals if not is_dated or _last_day(part) >= oldest]
    volatility = _volatility(recent, days)
    counted, excluded = _volumes(perpetuals, moment, oldest if is_dated else None)
    reasons = [volatility.reason] if isinstance(volatility, Unknown) else []
    if not counted:
        reasons.append(_volume_reason(excluded))
    ends = [volume.last_day for volume in counted]
    used = [*ends] if isinstance(volatility, Unknown) else [*ends, _last_day(volatility[1])]
    return StressMarketRow(
        None if isinstance(volatility, Unknown) else volatility[0],
        sum(volume.value for volume in counted) if counted else None,
        "" if isinstance(volatility, Unknown) else str(volatility[1].id),
        tuple(sorted({volume.series.venue for volume in counted})),
        "" if isinstance(volatility, Unknown) else iso_utc(_last_day(volatility[1])),
        f"before {moment:%Y-%m-%d}: {'; '.join(dict.fromkeys(reasons))}" if reasons else "",
        iso_utc(min(ends)) if ends else "",
        excluded,
        iso_utc(moment),
        any(end < oldest for end in used),
        None if isinstance(volatility, Unknown) else float(volatility[1].close[-1]),
    )


def _last_day(series: PriceSeries) -> datetime:
    """Returns the time at which the last candle begins: of a daily one, its day."""
    return utc_time(series.times[-1])


def _volatility(
    perpetuals: Iterable[PriceSeries], days: int
) -> tuple[float, PriceSeries] | Unknown:
    """Returns the volatility per day of the last days without a gap, and its series."""
    daily = [
        part
        for part in perpetuals
        if part.id.interval == DAY and part.id.quote in {"", *AT_PAR_WITH_USD}
    ]
    if not daily:
        return Unknown(_NO_CANDLES)
    ranked = sorted(daily, key=lambda part: (_last_day(part), _turnover(part)), reverse=True)
    reason = ""
    for part in ranked:
        returns = simple_returns(part)
        times, values = returns.times[-days:], returns.values[-days:]
        measured = realised_volatility(values, _PER_DAY)
        is_whole = bool(times.size) and times[-1] - times[0] == (times.size - 1) * part.step
        if not isinstance(measured, Unknown) and is_whole:
            return measured.value, part
        problem = measured.reason if isinstance(measured, Unknown) else "a day is missing"
        reason = reason or f"{part.id}: {problem}"
    return Unknown(reason)


def _turnover(series: PriceSeries) -> float:
    if series.turnover is None or not isfinite(float(series.turnover[-1])):
        return 0.0
    return float(series.turnover[-1])


def _volumes(
    perpetuals: Sequence[PriceSeries], moment: datetime, oldest: datetime | None
) -> tuple[tuple[VenueVolume, ...], tuple[StressAbsentRow, ...]]:
    """Returns the volumes of the venues whose perpetual ends near the newest one, and the others.

    None that ends before ``oldest`` is counted.
    """
    pairs = sorted({(part.id.venue, part.id.underlying.asset) for part in perpetuals})
    volumes = {pair: venue_volume(perpetuals, *pair, moment) for pair in pairs}
    ends = [v.last_day for v in volumes.values() if isinstance(v, VenueVolume)]
    first = max(ends, default=moment) - MAX_AGE
    first = first if oldest is None else max(first, oldest)
    counted, excluded = [], []
    for (venue, asset), volume in volumes.items():
        if isinstance(volume, Unknown):
            reason = volume.reason.removeprefix(f"volume of the {venue} perpetual on {asset}: ")
            excluded.append(StressAbsentRow(venue, reason))
        elif volume.last_day < first:
            reason = f"its candles end {volume.last_day:%Y-%m-%d}"
            excluded.append(StressAbsentRow(venue, reason))
        else:
            counted.append(volume)
    return tuple(counted), tuple(excluded)


def _volume_reason(excluded: Sequence[StressAbsentRow]) -> str:
    """Returns why no volume is known."""
    if not excluded:
        return _NO_CANDLES
    return "; ".join(f"{row.venue}: {row.reason}" for row in excluded)


def archived_open_interest(question: Question) -> tuple[tuple[PointSeries, ...], tuple[str, ...]]:
    """Returns the archived series of open interest, and what cannot be read. Raises ArchiveError."""
    with recorded_archive() as path:
        read = [read_points(s.archive, s.entries) for s in open_sources(question, path)]
    series = tuple(part for points, _ in read for part in points)
    return series, tuple(str(defect) for _, defects in read for defect in defects)


def open_interest_near(
    series: Sequence[PointSeries], underlying: str, moment: datetime, latest: datetime | None
) -> Mapping[str, OpenInterestNear]:
    """Returns by venue the open interest nearest to a time: archived, or that of the package.

    Archived values later than the time are not used. With ``latest``, neither are values after it.
    """
    bundled = bundled_open_interest()
    near = {
        row.venue: OpenInterestNear(row.value, row.observed_at)
        for row in bundled.rows
        if row.underlying == underlying
        and (latest is None or datetime.fromisoformat(row.observed_at) <= latest)
    }
    for venue in sorted({part.id.venue for part in series}):
        archived = open_interest_of(series, venue, underlying, moment)
        if isinstance(archived, Unknown):
            continue
        shipped = near.get(venue)
        distance = abs(moment - archived.observed_at)
        if shipped is None or abs(moment - datetime.fromisoformat(shipped.observed_at)) >= distance:
            near[venue] = OpenInterestNear(archived.value, iso_utc(archived.observed_at))
    return near


def known_underlyings(series: Sequence[PointSeries]) -> tuple[str, ...]:
    """Returns the underlyings with open interest, in the package or the archive."""
    bundled = {row.underlying for row in bundled_open_interest().rows}
    return tuple(sorted(bundled | {part.id.underlying.asset for part in series}))


class MarginHistory:
    """Margins of venues nearest to a day, from the observations of an archive.

    Without a day, margins are those of the prepared universe. Universes are built once per time.
    """

    def __init__(
        self, question: Question, base: PreparedUniverse, day: datetime | None, fee: float = 0.0
    ) -> None:
        self._question, self._base, self._day, self._fee = question, base, day, fee
        self._universes: dict[tuple[datetime, str], PreparedUniverse | None] = {}
        self._following: dict[str, datetime] | None = None

    def terms(self, underlying: str, venues: Collection[str]) -> TermsByVenue:
        """Returns the terms by venue; those of ``venues`` near the day, of others as of today."""
        current = universe_terms(self._base, underlying, self._fee)
        if self._day is None:
            return current
        return {**current, **self._near(underlying, venues, current)}

    def _near(
        self, underlying: str, venues: Collection[str], current: TermsByVenue
    ) -> dict[str, Terms]:
        near = {}
        before = self._at(_day_end(self._day), "", underlying)
        for venue in venues:
            candidates = [before.get(venue)]
            if following := self._next(venue):
                candidates.append(self._at(following, venue, underlying).get(venue))
            if not any(map(_is_known, candidates)):
                candidates.append(current.get(venue))
            known = [terms for terms in candidates if terms is not None and _is_known(terms)]
            if known:
                near[venue] = min(known, key=self._distance)
        return near

    def _distance(self, terms: Terms) -> timedelta:
        return abs(terms.schedule.observed_at - _day_end(self._day))

    def _at(self, moment: datetime, venue: str, underlying: str) -> TermsByVenue:
        """Returns the terms as of a time, of one venue or all; empty if nothing was observed."""
        key = (min(moment, self._question.last_read), venue)
        if key not in self._universes:
            question = replace(
                self._question, as_of=key[0], venues=(venue,) if venue else self._question.venues
            )
            try:
                self._universes[key] = prepare_universe(question, lenient=True)
            except RequestError:  # nothing was observed by then
                self._universes[key] = None
        universe = self._universes[key]
        return universe_terms(universe, underlying, self._fee) if universe else {}

    def _next(self, venue: str) -> datetime | None:
        """Returns the time of a venue's first observation after the day; None without one."""
        if self._following is None:
            self._following = _first_after(self._question, _day_end(self._day))
        return self._following.get(venue)


def _is_known(terms: Terms | None) -> bool:
    return terms is not None and not isinstance(terms.margins, Unknown)


def _day_end(day: datetime | None) -> datetime:
    moment = day or datetime.max.replace(tzinfo=UTC)
    return datetime.combine(moment.date(), time.max, UTC)


def _first_after(question: Question, moment: datetime) -> dict[str, datetime]:
    first: dict[str, datetime] = {}
    with recorded_archive() as path:
        for source in open_sources(question, path):
            for entry in source.entries:
                if entry.failed or entry.pruned:
                    continue
                if moment < entry.observed_at <= question.last_read:
                    earlier = first.get(entry.venue, entry.observed_at)
                    first[entry.venue] = min(earlier, entry.observed_at)
    return first


def universe_terms(base: PreparedUniverse, underlying: str, fee: float = 0.0) -> TermsByVenue:
    """Returns the terms of every venue on an underlying; empty if no venue has a schedule."""
    group = next((g for g in base.universe.peer_groups if g.underlying == underlying), None)
    if group is None:
        return {}
    margins = venue_margins(base.universe, group, conventions.bundled(), fee)
    schedules = {s.instrument.venue: s for s in base.universe.isolated(group).schedules}
    return {
        venue: Terms(known_margins, schedules[venue]) for venue, known_margins in margins.items()
    }
