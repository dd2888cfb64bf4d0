"""Path of a threshold: what a model asks on every day, for a long and for a short position."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from harmonize.adequacy.horizons import Side
from harmonize.adequacy.tail import Floats
from harmonize.core.schedule import Unknown
from harmonize.thresholds.history import DailyHistory, Days


class Model(StrEnum):
    """Model of daily thresholds."""

    HISTORICAL_365 = "historical simulation, 365 days"
    HISTORICAL_1095 = "historical simulation, 1,095 days"
    EWMA_94 = "EWMA 0.94, normal"
    EWMA_97 = "EWMA 0.97, normal"
    FILTERED_94 = "EWMA 0.94, filtered"
    FILTERED_97 = "EWMA 0.97, filtered"
    GARCH = "GARCH(1,1)-t, filtered"
    PEAKS = "peaks over threshold"
    IMPLIED = "implied volatility"
    REGRESSION = "quantile regression"
    AVERAGE = "quantile regression and GARCH, average"
    LEARNED = "gradient-boosted quantiles"


class Tool(StrEnum):
    """Tool against procyclicality that is applied to the path of a model (EMIR RTS 153/2013, Art. 28)."""

    NONE = "none"
    BUFFER = "buffer of 25 %"
    USED_BUFFER = "buffer of 25 % that is used up"
    STRESSED = "25 % weight of stressed observations"
    FLOOR = "ten-year floor"
    SPEED = "speed limit"


@dataclass(frozen=True, slots=True)
class Fallback:
    """Rows of a path that its model does not give, why, and what stands there instead.

    ``first_day`` and ``last_day`` are days since 1970 and enclose ``rows`` rows. ``instead`` is None
    if nothing does: these thresholds are not observable, and NaN in the path.
    """

    first_day: int
    last_day: int
    rows: int
    reason: str
    instead: Model | None


@dataclass(frozen=True, slots=True)
class Replacement:
    """Model ``by`` that stands in a path in place of ``model``, on ``days`` of ``of`` days."""

    model: Model
    by: Model
    days: int
    of: int

    def __str__(self) -> str:
        """Returns which model stands there, and on how many days unless on all."""
        words = f"{self.by}, in place of {self.model}"
        return words if self.days == self.of else f"{words} on {self.days:,} of {self.of:,} days"


@dataclass(frozen=True, slots=True, eq=False)
class SidePath:
    """VaR and ES of one side per day, as fractions of notional; NaN where they are not observable."""

    var: Floats
    es: Floats


@dataclass(frozen=True, slots=True, eq=False)
class ThresholdPath:
    """Thresholds of one asset at one level on ``days``, the last of which follows the last return.

    Each threshold was known on the day before. ``note`` states how far the data of ``tool`` reach.
    """

    asset: str
    model: Model
    level: float
    days: Days
    long: SidePath
    short: SidePath
    fallbacks: tuple[Fallback, ...] = ()
    tool: Tool = Tool.NONE
    note: str = ""

    def __post_init__(self) -> None:
        """Freezes the arrays. Raises ValueError: columns of other lengths."""
        for name, side in (("long", self.long), ("short", self.short)):
            for column in (side.var, side.es):
                if column.shape != self.days.shape:
                    message = f"{self.asset}, {self.model}: {name}: expected {self.days.size} rows, found {column.shape}; align the columns"
                    raise ValueError(message)
                column.setflags(write=False)
        self.days.setflags(write=False)

    def side(self, side: Side) -> SidePath:
        """Returns the path of one side."""
        return self.long if side is Side.LONG else self.short

    @property
    def margin(self) -> Floats:
        """Margin rate that covers both sides: the larger VaR; NaN if either is not observable."""
        return np.maximum(self.long.var, self.short.var)


Paths = tuple[ThresholdPath, ...]
"""Paths of one model and asset, one per level."""


def paths_of(  # noqa: PLR0913 - the parts of a path
    history: DailyHistory,
    model: Model,
    levels: Sequence[float],
    tails: tuple[Floats, Floats],
    *,
    is_fitted: bool = False,
    fallbacks: tuple[Fallback, ...] = (),
) -> Paths:
    """Returns paths from tables of VaR and ES with the axes level, row and side, long first.

    The figures of a fitted model keep four significant digits, because optimisers differ in the last
    ones between processors.
    """
    var, es = (four_digits(table) for table in tails) if is_fitted else tails
    return tuple(
        ThresholdPath(
            history.asset,
            model,
            level,
            history.threshold_days,
            SidePath(var[index, :, 0].copy(), es[index, :, 0].copy()),
            SidePath(var[index, :, 1].copy(), es[index, :, 1].copy()),
            fallbacks,
        )
        for index, level in enumerate(levels)
    )


def both_losses(returns: Floats) -> Floats:
    """Returns the losses of a long and of a short position, a column each."""
    return np.stack([-returns, returns], axis=1) + 0.0


def four_digits(values: Floats) -> Floats:
    """Returns figures with four significant digits; NaN and infinite numbers are unchanged."""
    flat = [float(f"{value:.4g}") for value in np.ravel(values).tolist()]
    return np.array(flat, dtype=np.float64).reshape(np.shape(values))


def rounded_figure(value: float) -> float:
    """Returns one figure with four significant digits."""
    return float(f"{value:.4g}")


def fallbacks_of(
    days: Days, rows: Iterable[int], reason: str, instead: Model | None = None
) -> tuple[Fallback, ...]:
    """Returns the fallback of some rows with one reason; none without rows."""
    places = np.array(sorted(rows), dtype=np.int64)
    if not places.size:
        return ()
    first, last = int(days[places[0]]), int(days[places[-1]])
    return (Fallback(first, last, int(places.size), reason, instead),)


def replacement(model: Model, fallbacks: Iterable[Fallback], days: Days) -> Replacement | None:
    """Returns what stands in a path on some days because its model has no fit; None: nothing does.

    A fit is replaced on all days between those of its fallback. Of the average of two models, it is
    GARCH that is replaced.
    """
    is_replaced = np.zeros(days.size, dtype=bool)
    by: Model | None = None
    for fallback in fallbacks:
        if fallback.instead is not None:
            own = (days >= fallback.first_day) & (days <= fallback.last_day)
            is_replaced |= own
            by = fallback.instead if own.any() else by
    if by is None:
        return None
    replaced = Model.GARCH if model is Model.AVERAGE else model
    return Replacement(replaced, by, int(np.count_nonzero(is_replaced)), int(days.size))


PathsByModel = dict[Model, Paths | Unknown]
"""Paths of one asset by model; Unknown with the reason for a model that gives none."""
