"""Margin of a whole book: what its positions can lose together, against their single margins.

Three measures, none of which is a venue's rule. *Single*: the move of each underlying at the level, on the
side of each position, added up. *Joint*: VaR and ES of the book over the moves that happened together. *Scan*:
the worst of stated shocks, each a fraction of the underlying's own move, alone and all in one direction, as a
scanning method such as SPAN has it. A reduction below the single margins counts at most by a stated part
(Regulation (EU) 153/2013, Art 27(4): 80 %).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from harmonize.adequacy.tail import Floats, TailEstimate, expected_shortfall, value_at_risk
from harmonize.core.schedule import Unknown
from harmonize.market.prices import DefectKind, PriceSeries, utc_time
from harmonize.market.returns import Returns, align

LEVEL = 0.99

LEAST_DAYS = 365
"""Fewest common moves of a book."""

LARGEST_REDUCTION = 0.8
"""Largest part of the difference between single and joint margin that a reduction may be."""

SCAN_FRACTIONS = (-1.0, -2 / 3, -1 / 3, 0.0, 1 / 3, 2 / 3, 1.0)
"""Shocks of a scan, as fractions of an underlying's move at the level."""

EXTREME_SHOCK, EXTREME_PART = 2.0, 0.35
"""Extreme shock of a scan, in moves at the level, and the part of its loss that counts."""

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


@dataclass(frozen=True, slots=True)
class JointLoss:
    """Loss of the book over one common move, in USD, with the day on which the move ended."""

    day: datetime
    loss: float


@dataclass(frozen=True, slots=True)
class SingleMargin:
    """Margin of one underlying's positions by its own moves, in USD; ``long`` and ``short`` are the moves.

    ``disputed`` are the days of candles that another source contradicts.
    """

    underlying: str
    series: str
    observations: int
    long: float
    short: float
    margin: float
    disputed: tuple[datetime, ...]


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

    ``joint`` and ``shortfall`` are VaR and ES of the book at the level, at least 0. ``limited`` is the joint margin with
    the reduction limited. ``scan_alone`` adds the worst shock of each underlying, ``scan_together`` is the
    worst shock of all in one direction of the market.
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
    scan_alone: float
    scan_together: float
    worst: tuple[JointLoss, ...]
    diversification: tuple[Diversification, ...]


def book_risk(
    exposures: Sequence[BookExposure], returns: Mapping[str, Returns], level: float = LEVEL
) -> BookRisk | Unknown:
    """Returns the margins of a book from the moves of its underlyings over one horizon.

    ``returns`` has the simple returns of each underlying. Only moves that end at one time for all
    underlyings count. Unknown: an underlying without moves, or fewer than 365 common ones. Raises
    ValueError: no position, or one below 0.
    """
    _check(exposures)
    missing = [row.underlying for row in exposures if row.underlying not in returns]
    if missing:
        return Unknown(f"no daily prices of {', '.join(missing)} in the archive")
    times, table = align([returns[row.underlying] for row in exposures])
    is_common = ~np.isnan(table).any(axis=1)
    times, table = times[is_common], table[is_common]
    if times.size < LEAST_DAYS:
        return Unknown(f"{times.size} common daily moves, {LEAST_DAYS} are required")
    return _measured(exposures, returns, times, table, level)


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
    returns: Mapping[str, Returns],
    times: NDArray[np.int64],
    table: Floats,
    level: float,
) -> BookRisk | Unknown:
    net = np.array([row.net for row in exposures])
    losses = -(table @ net) + 0.0
    nothing = TailEstimate(
        level, 0.0, losses.size
    )  # every position is offset by its own underlying
    joint = value_at_risk(losses, level) if net.any() else nothing
    shortfall = expected_shortfall(losses, level) if net.any() else nothing
    if isinstance(joint, Unknown) or isinstance(shortfall, Unknown):
        return joint if isinstance(joint, Unknown) else Unknown("too few common moves")
    singles = [
        _single(row, returns[row.underlying], table[:, column], level)
        for column, row in enumerate(exposures)
    ]
    single = sum(row.margin for row in singles)
    together = max(joint.value, 0.0)
    worst = np.argsort(-losses, kind="stable")[:_WORST_DAYS]
    return BookRisk(
        level=level,
        observations=int(times.size),
        first=utc_time(int(times[0])),
        last=utc_time(int(times[-1])),
        singles=tuple(singles),
        single=single,
        joint=joint,
        shortfall=shortfall,
        limited=limited_margin(single, together),
        scan_alone=sum(
            scan_loss([row.net], [_scan_range(own)])
            for row, own in zip(exposures, singles, strict=True)
        ),
        scan_together=scan_loss(list(net), [_scan_range(own) for own in singles]),
        worst=tuple(JointLoss(utc_time(int(times[i])), float(losses[i])) for i in worst),
        diversification=(
            Diversification("the book", single, together),
            *_diversifications(exposures, table, level),
        ),
    )


def _single(exposure: BookExposure, returns: Returns, moves: Floats, level: float) -> SingleMargin:
    """Returns the margin of one underlying alone, from the common moves."""
    long, short = _move(-moves, level), _move(moves, level)
    return SingleMargin(
        underlying=exposure.underlying,
        series=str(returns.series.id),
        observations=int(moves.size),
        long=long,
        short=short,
        margin=exposure.long * long + exposure.short * short,
        disputed=_disputed(returns.series),
    )


def _disputed(series: PriceSeries) -> tuple[datetime, ...]:
    return tuple(row.first for row in series.defects if row.kind is DefectKind.DISPUTED)


def _move(losses: Floats, level: float) -> float:
    return max(float(np.quantile(losses, level)), 0.0)


def limited_margin(single: float, joint: float, part: float = LARGEST_REDUCTION) -> float:
    """Returns the joint margin, where the reduction is at most a part of the difference to the single ones.

    A joint margin above the single ones is not reduced (Regulation (EU) 153/2013, Art 27(4)).
    """
    return max(single - part * max(single - joint, 0.0), joint)


def scan_loss(net: Sequence[float], ranges: Sequence[tuple[float, float]]) -> float:
    """Returns the worst loss in USD of net positions under the shocks of a scan.

    ``ranges`` are the moves of a long and of a short position of each underlying. All underlyings move by
    the same fraction of their own range at once.
    """
    shocks = [(fraction, 1.0) for fraction in SCAN_FRACTIONS]
    shocks += [(sign * EXTREME_SHOCK, EXTREME_PART) for sign in (-1.0, 1.0)]
    losses = [
        part * sum(_shock_loss(size, own, fraction) for size, own in zip(net, ranges, strict=True))
        for fraction, part in shocks
    ]
    return max(*losses, 0.0)


def _shock_loss(net: float, own: tuple[float, float], fraction: float) -> float:
    """Returns the loss of a position under a shock; a fall is limited to the whole price."""
    long, short = own
    return net * min(-fraction * long, 1.0) if fraction < 0 else -net * fraction * short


def _scan_range(single: SingleMargin) -> tuple[float, float]:
    return single.long, single.short


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
