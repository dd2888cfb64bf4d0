"""Measures the factors that rule sets name: implied volatility, depth, open interest, joint moves."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

import numpy as np

from harmonize.adequacy.factors import (
    DAY,
    DEPTH_DAYS,
    Depth,
    Measured,
    correlation,
    correlations,
    deepest_book,
    depth,
    lower_tail_dependence,
    resampled_interval,
    shared_tails,
)
from harmonize.adequacy.measured_inputs import (
    YEAR,
    NotMeasured,
    decimal_of,
    reference_series,
)
from harmonize.adequacy.tail import CONFIDENCE, Floats
from harmonize.core.schedule import Unknown
from harmonize.market.aggregate import aggregate
from harmonize.market.books import Book
from harmonize.market.points import PointSeries
from harmonize.market.points_source import (
    OpenInterest,
    VenuesOpenInterest,
    venues_open_interest,
)
from harmonize.market.prices import PriceKind, PriceSeries, Times, utc_time
from harmonize.market.returns import align, simple_returns
from harmonize.policy.inputs import Input, input_problem

REFERENCE = "BTC"
"""Underlying with whose moves those of the others are compared."""

DVOL_LAST = "dvol_last_day"
DVOL_MEDIAN = "dvol_30d_median"
DEPTHS = {
    "depth_10bp_30d_median": 10.0,
    "depth_25bp_30d_median": 25.0,
    "depth_50bp_30d_median": 50.0,
}
"""Distance from the mid price of each depth, in basis points."""
OPEN_INTEREST = "oi_venues_sum"
CORRELATION = "corr_btc_365d"
TAIL_DEPENDENCE = "lower_tail_dependence_btc_365d"

FACTORS = (DVOL_LAST, DVOL_MEDIAN, *DEPTHS, OPEN_INTEREST, CORRELATION, TAIL_DEPENDENCE)
"""Names of the factors, beside the moves, volatility and volume of ``measured_inputs``."""

_DVOL_DAYS = 30
_LEAST_DVOL_DAYS = 15
"""Fewest days with an implied volatility in the last 30: the source lacks some."""

FactorData = PriceSeries | PointSeries | Book


@dataclass(frozen=True, slots=True)
class FactorMeasurement:
    """Factors measured from the same data, or the reasons why it does not give them.

    ``name`` names the data: a series, two series, the books of a contract, or a sum over venues.
    """

    name: str
    underlying: str
    data: tuple[FactorData, ...]
    items: tuple[Input | NotMeasured, ...]


@dataclass(frozen=True, slots=True)
class FactorSources:
    """Market data from which factors are measured."""

    series: tuple[PriceSeries, ...] = ()
    points: tuple[PointSeries, ...] = ()
    books: tuple[Book, ...] = ()


def measure_factors(
    sources: FactorSources, underlying: str, as_of: datetime
) -> tuple[FactorMeasurement, ...]:
    """Measures the factors of an underlying from what was known at a time with a time zone.

    Each is dated by its own data, which may be older than the candles.
    """
    return (
        _implied_volatility(sources.series, underlying, as_of),
        *_depths(sources.books, underlying, as_of),
        _open_interest(sources.points, underlying, as_of),
        _joint_moves(sources.series, underlying, as_of),
    )


def _not_measured(
    name: str, underlying: str, names: Iterable[str], reason: str
) -> FactorMeasurement:
    items = tuple(NotMeasured(factor, underlying, reason) for factor in names)
    return FactorMeasurement(name, underlying, (), items)


@dataclass(frozen=True, slots=True)
class _Basis:
    """What the inputs of one measurement have in common."""

    underlying: str
    observed_at: datetime
    source: str

    def input(
        self,
        name: str,
        value: float,
        observations: int,
        interval: tuple[float, float] | None = None,
    ) -> Input | NotMeasured:
        """Returns an input, or the reason why its number cannot be right."""
        lower, upper = interval or (None, None)
        measured = Input(
            name=name,
            underlying=self.underlying,
            value=decimal_of(value),
            observed_at=self.observed_at,
            lower=None if lower is None else decimal_of(lower),
            upper=None if upper is None else decimal_of(upper),
            confidence=None if interval is None else decimal_of(CONFIDENCE),
            observations=observations,
            origin="derived",
            source=self.source,
        )
        problem = input_problem(measured)
        return NotMeasured(name, self.underlying, problem) if problem else measured


def _implied_volatility(
    series: Sequence[PriceSeries], underlying: str, as_of: datetime
) -> FactorMeasurement:
    """Returns the implied volatility of the last finished day, and its median over 30 days.

    Neither has an interval: they describe these days, of which each is close to the one before.
    """
    daily = _daily_volatility(series, underlying, as_of)
    if daily is None:
        reason = "no implied volatility; DVOL exists for BTC and ETH"
        return _not_measured("implied volatility", underlying, (DVOL_LAST, DVOL_MEDIAN), reason)
    last = int(daily.times[-1])
    recent = daily.close[daily.times > last - _DVOL_DAYS * daily.step] / 100
    basis = _Basis(underlying, utc_time(last + daily.step), _source(daily))
    median: Input | NotMeasured
    if recent.size < _LEAST_DVOL_DAYS:
        reason = f"{recent.size} of the last {_DVOL_DAYS} days, {_LEAST_DVOL_DAYS} are required"
        median = NotMeasured(DVOL_MEDIAN, underlying, reason)
    else:
        median = basis.input(DVOL_MEDIAN, float(np.median(recent)), recent.size)
    items = (basis.input(DVOL_LAST, float(recent[-1]), 1), median)
    return FactorMeasurement(str(daily.id), underlying, (daily,), items)


def _daily_volatility(
    series: Iterable[PriceSeries], underlying: str, as_of: datetime
) -> PriceSeries | None:
    """Returns the daily implied volatility that ends last; shorter candles are added up to days."""
    own = [
        part.known_at(as_of)
        for part in series
        if part.id.kind is PriceKind.VOLATILITY
        and part.id.underlying.asset == underlying
        and DAY % part.id.interval == 0
    ]
    daily = [part if part.id.interval == DAY else aggregate(part, DAY) for part in own]
    known = [part for part in daily if part.times.size]
    return max(
        known, key=lambda part: (int(part.times[-1]), part.times.size, str(part.id)), default=None
    )


def _source(series: PriceSeries) -> str:
    return f"{series.id}: {', '.join(series.sources)}"


def _depths(books: Sequence[Book], underlying: str, as_of: datetime) -> Iterator[FactorMeasurement]:
    """Yields the depth to each distance, together for those of the same books.

    The venue whose thinner side has most USD to the first distance gives all of them. They have no
    interval: books of one day are no independent sample.
    """
    by_contract: dict[str, tuple[Depth, list[Input | NotMeasured]]] = {}
    for name, found in _depth_by_name(books, underlying, as_of).items():
        if isinstance(found, Unknown):
            yield _not_measured("order books", underlying, (name,), found.reason)
            continue
        contract = f"{found.venue} books {found.symbol}"
        files = ", ".join(sorted({book.source.partition(": row ")[0] for book in found.books}))
        basis = _Basis(underlying, found.observed_at, f"{contract}: {files}")
        items = by_contract.setdefault(contract, (found, []))[1]
        items.append(basis.input(name, found.thinner, found.observations))
    for contract, (found, items) in by_contract.items():
        yield FactorMeasurement(contract, underlying, found.books, tuple(items))


def _depth_by_name(
    books: Sequence[Book], underlying: str, as_of: datetime
) -> dict[str, Depth | Unknown]:
    """Returns the depth to each distance in the books of one venue."""
    first = deepest_book(books, underlying, as_of, min(DEPTHS.values()))
    if isinstance(first, Unknown):
        return dict.fromkeys(DEPTHS, first)
    return {
        name: depth(books, first.venue, underlying, as_of, basis_points, days=DEPTH_DAYS)
        for name, basis_points in DEPTHS.items()
    }


def _open_interest(
    points: Sequence[PointSeries], underlying: str, as_of: datetime
) -> FactorMeasurement:
    found = venues_open_interest(points, underlying, as_of)
    if isinstance(found, Unknown):
        return _not_measured("open interest", underlying, (OPEN_INTEREST,), found.reason)
    basis = _Basis(underlying, found.observed_at, _venues(found))
    item = basis.input(OPEN_INTEREST, found.value, len(found.parts))
    data = tuple(part.series for part in found.parts)
    return FactorMeasurement("open interest of venues", underlying, data, (item,))


def _venues(found: VenuesOpenInterest) -> str:
    """Returns the contracts in a sum with their days and notes, and those observed too early for it."""
    parts = ", ".join(map(_contract, found.parts))
    earlier = ", ".join(map(_contract, found.earlier))
    text = f"open interest of {parts}"
    return f"{text}; not summed: {earlier}" if earlier else text


def _contract(interest: OpenInterest) -> str:
    identity = interest.series.id
    notes = f" ({'; '.join(interest.notes)})" if interest.notes else ""
    return f"{identity.venue} {identity.symbol} {interest.observed_at:%Y-%m-%d}{notes}"


def _joint_moves(
    series: Sequence[PriceSeries], underlying: str, as_of: datetime
) -> FactorMeasurement:
    """Returns correlation and lower-tail dependence with BTC of daily returns of the last 365 days."""
    names = (CORRELATION, TAIL_DEPENDENCE)
    own = reference_series(series, underlying, as_of)
    if own is None:
        return _not_measured("joint moves", underlying, names, "no current daily candles")
    reference = reference_series(series, REFERENCE, as_of)
    if reference is None:
        return _not_measured("joint moves", underlying, names, f"no daily candles of {REFERENCE}")
    times, pairs = _common_returns(own, reference)
    if times.size and bool((pairs.min(axis=0) == pairs.max(axis=0)).any()):
        reason = f"the {times.size} common returns of a series are all equal"
        return _not_measured("joint moves", underlying, names, reason)
    data = (own,) if own.id == reference.id else (own, reference)
    name = " with ".join(str(part.id) for part in data)
    last = utc_time(times[-1] + own.step) if times.size else as_of
    basis = _Basis(underlying, last, "; ".join(map(_source, data)))
    one, other = pairs.T
    items = (
        _joint(basis, CORRELATION, correlation(one, other), pairs),
        _joint(basis, TAIL_DEPENDENCE, lower_tail_dependence(one, other), pairs),
    )
    return FactorMeasurement(name, underlying, data, items)


def _common_returns(own: PriceSeries, reference: PriceSeries) -> tuple[Times, Floats]:
    """Returns the days of the last 365 on which both have a return, and the pairs of returns."""
    times, table = align([simple_returns(own), simple_returns(reference)])
    is_common = ~np.isnan(table).any(axis=1)
    times, table = times[is_common], table[is_common]
    is_recent = times > (times[-1] if times.size else 0) - YEAR * own.step
    return times[is_recent], table[is_recent]


_STATISTICS: Mapping[str, Callable[[Floats], Floats]] = MappingProxyType(
    {CORRELATION: correlations, TAIL_DEPENDENCE: shared_tails}
)
"""The factors of pairs of returns, for a table of samples."""


def _joint(
    basis: _Basis, name: str, found: Measured | Unknown, pairs: Floats
) -> Input | NotMeasured:
    if isinstance(found, Unknown):
        return NotMeasured(name, basis.underlying, found.reason)
    interval = resampled_interval(pairs, _STATISTICS[name], found.value)
    return basis.input(name, found.value, found.observations, interval)
