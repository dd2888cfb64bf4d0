"""Margin of a whole book: what its positions can lose together, against their single margins.

Three measures, none of which is a venue's rule. *Single*: the move of each underlying at the level, on the
side of each position, added up. *Joint*: VaR and ES of the book over the moves that happened together. *Scan*:
stated shocks of all underlyings at once, in multiples of each one's own move. Positions are linear, so that a
part of a shock never loses more than the whole: scans differ in the directions of the underlyings instead. A
reduction below the single margins counts at most by a stated part (Regulation (EU) 153/2013, Art 27(4): 80 %).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from math import ceil

import numpy as np
from numpy.typing import NDArray

from harmonize.adequacy.tail import (
    CONFIDENCE,
    Floats,
    TailEstimate,
    expected_shortfall,
    tail_size,
    value_at_risk,
)
from harmonize.core.schedule import Unknown
from harmonize.numerics.bootstrap import BootstrapTerms, percentile_interval

LEVEL = 0.99

LEAST_DAYS = 365
"""Fewest common moves of a book."""

LARGEST_REDUCTION = 0.8
"""Largest part of the difference between single and joint margin that a reduction may be.

Up to the whole of it may count where no risk remains. No book is assumed to be such a case: the sides of a
flat position can lie at venues that differ in price and in close-out.
"""

EXTREME_SHOCK = 2.0
"""Shock of one underlying alone, as a multiple of its move."""

_WORST_DAYS = 3


@dataclass(frozen=True, slots=True)
class BookExposure:
    """Long and short position on one underlying, in USD, both at least 0."""

    underlying: str
    long: float
    short: float

    @property
    def net(self) -> float:
        """Long minus short."""
        return self.long - self.short


@dataclass(frozen=True, slots=True, eq=False)
class DailyMoves:
    """Simple returns of an underlying over one day, by days since 1970 in order of time.

    ``series`` are the sources that state them, in order of time; ``disputed`` the days of candles of
    these that another source contradicts.
    """

    days: NDArray[np.int64]
    values: Floats
    series: tuple[str, ...]
    disputed: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class JointLoss:
    """Loss of the book over one common move, in USD, with the day on which the move ended."""

    day: datetime
    loss: float


@dataclass(frozen=True, slots=True)
class SingleMargin:
    """Margin of one underlying's positions by its own moves, in USD; ``long`` and ``short`` are the moves.

    ``series`` and ``disputed`` as in ``DailyMoves``; ``last`` is the day of its last known move.
    """

    underlying: str
    series: tuple[str, ...]
    last: datetime
    observations: int
    long: float
    short: float
    margin: float
    disputed: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Scan:
    """Losses of a book in USD under stated shocks, at least 0, of its net position per underlying.

    ``together``: all underlyings fall, or all rise, by their own move. ``one_apart``: one moves against all
    others. ``all_apart``: each moves against the book. ``extreme``: one alone moves by twice its move.
    """

    together: float
    one_apart: float
    all_apart: float
    extreme: float


@dataclass(frozen=True, slots=True)
class Diversification:
    """Joint margin of a book against the sum of its single margins, and the part that it saves."""

    name: str
    single: float
    joint: float

    @property
    def saved(self) -> float | None:
        """Saving as a part of the single margins; None without margin."""
        return 1 - self.joint / self.single if self.single else None


@dataclass(frozen=True, slots=True)
class BookRisk:
    """Margins of a book in USD, from ``observations`` moves that all its underlyings share.

    ``joint`` and ``shortfall`` are VaR and ES of the book at the level, at least 0. ``limited`` is the joint
    margin with the reduction limited. ``is_flat``: long and short offset each other in every underlying,
    so that there are no worst moves. ``age_days`` counts from the last common move to the time of the
    question; None if none was stated. ``missing`` names underlyings of the book that none of the figures
    includes, with the reason.
    """

    level: float
    observations: int
    first: datetime
    last: datetime
    singles: tuple[SingleMargin, ...]
    single: float
    joint: TailEstimate
    shortfall: TailEstimate
    limited: float
    is_flat: bool
    scan: Scan
    worst: tuple[JointLoss, ...]
    diversification: tuple[Diversification, ...]
    age_days: int | None = None
    missing: tuple[tuple[str, str], ...] = ()


def book_risk(
    exposures: Sequence[BookExposure], moves: Mapping[str, DailyMoves], level: float = LEVEL
) -> BookRisk | Unknown:
    """Returns the margins of a book from the daily moves of its underlyings.

    Only days on which every underlying has a move count. Unknown: an underlying without moves, or fewer
    than 365 common ones. Raises ValueError: no position, or one below 0.
    """
    _check(exposures)
    missing = [row.underlying for row in exposures if row.underlying not in moves]
    if missing:
        return Unknown(f"no daily prices of {', '.join(missing)} in the archive")
    own = [moves[row.underlying] for row in exposures]
    days = reduce(np.intersect1d, (part.days for part in own))
    if days.size < LEAST_DAYS:
        return Unknown(f"{days.size} common daily moves, {LEAST_DAYS} are required")
    columns = [part.values[np.searchsorted(part.days, days)] for part in own]
    return _measured(exposures, own, days, np.column_stack(columns), level)


def _check(exposures: Sequence[BookExposure]) -> None:
    if not any(row.long or row.short for row in exposures):
        message = "book: expected at least one position; add one"
        raise ValueError(message)
    for row in exposures:
        if min(row.long, row.short) < 0:
            message = f"{row.underlying}: expected sizes from 0, found {min(row.long, row.short):g}; state the side"
            raise ValueError(message)


def _measured(
    exposures: Sequence[BookExposure],
    moves: Sequence[DailyMoves],
    days: NDArray[np.int64],
    table: Floats,
    level: float,
) -> BookRisk | Unknown:
    net = np.array([row.net for row in exposures])
    is_flat = not net.any()
    losses = -(table @ net) + 0.0
    nothing = TailEstimate(level, 0.0, losses.size)
    joint = nothing if is_flat else value_at_risk(losses, level)
    shortfall = nothing if is_flat else _joint_shortfall(losses, level)
    if isinstance(joint, Unknown) or isinstance(shortfall, Unknown):
        return joint if isinstance(joint, Unknown) else Unknown("too few common moves")
    singles = [
        _single(row, own, table[:, column], level)
        for column, (row, own) in enumerate(zip(exposures, moves, strict=True))
    ]
    single = sum(row.margin for row in singles)
    together = max(joint.value, 0.0)
    worst = np.argsort(-losses, kind="stable")[: 0 if is_flat else _WORST_DAYS]
    return BookRisk(
        level=level,
        observations=int(days.size),
        first=_time(days[0]),
        last=_time(days[-1]),
        singles=tuple(singles),
        single=single,
        joint=joint,
        shortfall=shortfall,
        limited=limited_margin(single, together),
        is_flat=is_flat,
        scan=scan_losses(net.tolist(), [(own.long, own.short) for own in singles]),
        worst=tuple(JointLoss(_time(days[row]), float(losses[row])) for row in worst),
        diversification=(
            Diversification("the book", single, together),
            *_diversifications(exposures, table, level),
        ),
    )


def _joint_shortfall(losses: Floats, level: float) -> TailEstimate | Unknown:
    """Returns the ES with the interval of a stationary bootstrap: large losses of a book cluster."""
    estimate = expected_shortfall(losses, level)
    if isinstance(estimate, Unknown):
        return estimate
    terms = BootstrapTerms(block=losses.size ** (1 / 3))
    lower, upper = percentile_interval(
        losses, lambda rows: _tail_means(rows, level), terms, CONFIDENCE
    )
    bounds = min(lower, estimate.value), max(upper, estimate.value)
    return TailEstimate(level, estimate.value, losses.size, *bounds, CONFIDENCE)


def _tail_means(rows: Floats, level: float) -> Floats:
    """Returns the ES of each row, as ``tail.tail_mean`` defines it."""
    size = tail_size(rows.shape[1], level)
    worst = -np.sort(np.partition(-rows, ceil(size) - 1, axis=1)[:, : ceil(size)], axis=1)
    weights = np.minimum(size - np.arange(worst.shape[1]), 1.0)
    return np.asarray(worst @ weights / size)


def _single(
    exposure: BookExposure, moves: DailyMoves, common: Floats, level: float
) -> SingleMargin:
    """Returns the margin of one underlying alone, from the common moves."""
    long, short = _move(-common, level), _move(common, level)
    return SingleMargin(
        underlying=exposure.underlying,
        series=moves.series,
        last=_time(moves.days[-1]),
        observations=int(common.size),
        long=long,
        short=short,
        margin=exposure.long * long + exposure.short * short,
        disputed=moves.disputed,
    )


def _time(day: np.int64) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=int(day))


def _move(losses: Floats, level: float) -> float:
    return max(float(np.quantile(losses, level)), 0.0)


def limited_margin(single: float, joint: float, part: float = LARGEST_REDUCTION) -> float:
    """Returns the joint margin, where the reduction is at most a part of the difference to the single ones.

    A joint margin above the single ones is not reduced (Regulation (EU) 153/2013, Art 27(4)).
    """
    return max(single - part * max(single - joint, 0.0), joint)


def scan_losses(net: Sequence[float], ranges: Sequence[tuple[float, float]]) -> Scan:
    """Returns the losses in USD of net positions under stated shocks.

    ``ranges`` are the moves of a long and of a short position of each underlying, as fractions.
    """
    positions = list(zip(net, ranges, strict=True))
    falls, rises = (
        [_shock_loss(size, own, sign) for size, own in positions] for sign in (-1.0, 1.0)
    )
    extremes = [
        _shock_loss(size, own, sign * EXTREME_SHOCK)
        for size, own in positions
        for sign in (-1.0, 1.0)
    ]
    apart = [
        (sum(others) - other) + single
        for one, others in ((falls, rises), (rises, falls))
        for single, other in zip(one, others, strict=True)
    ]
    return Scan(
        together=max(sum(falls), sum(rises), 0.0),
        one_apart=max(*apart, 0.0),
        all_apart=sum(max(pair) for pair in zip(falls, rises, strict=True)),
        extreme=max(*extremes, 0.0),
    )


def _shock_loss(net: float, own: tuple[float, float], shock: float) -> float:
    """Returns the loss of a position under a shock, in moves; a fall is limited to the whole price."""
    long, short = own
    return net * min(-shock * long, 1.0) if shock < 0 else -net * shock * short


def _diversifications(
    exposures: Sequence[BookExposure], table: Floats, level: float
) -> list[Diversification]:
    """Returns what joint margin saves: for the book, for the same sizes all long, and for a hedged pair."""
    gross = np.array([row.long + row.short for row in exposures])
    rows = [_diversification("all positions long", gross, table, level)]
    pair = _hedged_pair(exposures)
    if pair is not None:
        (first, second), sizes = pair
        name = f"long {exposures[first].underlying}, short {exposures[second].underlying}"
        rows.append(_diversification(name, sizes, table, level))
    return rows


def _hedged_pair(exposures: Sequence[BookExposure]) -> tuple[tuple[int, int], Floats] | None:
    """Returns the two largest underlyings, of one size, on opposite sides; None if there is one."""
    if len(exposures) < 2:  # noqa: PLR2004 - a pair
        return None
    gross = np.array([row.long + row.short for row in exposures])
    first, second = np.argsort(-gross, kind="stable")[:2]
    sizes = np.zeros(gross.size)
    sizes[first], sizes[second] = gross[second], -gross[second]
    return (int(first), int(second)), sizes


def _diversification(name: str, net: Floats, table: Floats, level: float) -> Diversification:
    single = sum(
        abs(size) * _move(-np.sign(size) * table[:, column], level)
        for column, size in enumerate(net)
        if size
    )
    return Diversification(name, float(single), max(_move(-(table @ net), level), 0.0))
