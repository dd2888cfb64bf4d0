"""Scores of the path of one threshold: coverage, losses, cost and calm, in all and by year.

Figures keep four significant digits.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, nan

import numpy as np
from numpy.typing import NDArray

from harmonize.adequacy.backtests import (
    LikelihoodRatio,
    independence,
    unconditional_coverage,
)
from harmonize.adequacy.horizons import Side
from harmonize.adequacy.tail import Floats
from harmonize.core.schedule import Unknown
from harmonize.thresholds.history import DailyHistory, Days
from harmonize.thresholds.path import ThresholdPath, rounded_figure
from harmonize.thresholds.quantile_regression import tick_loss

RISES = (1, 5, 30)
"""Days over which the largest rise of a margin is measured."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """Losses of one side against the thresholds stated before them, on days that have both.

    ``es`` is NaN on days without one.
    """

    asset: str
    side: Side
    level: float
    days: Days
    losses: Floats
    var: Floats
    es: Floats

    @property
    def breaches(self) -> NDArray[np.bool_]:
        """Whether the loss of each day was above its threshold."""
        return np.asarray(self.losses > self.var)


@dataclass(frozen=True, slots=True)
class SideScore:
    """Score of one side of a path.

    ``tick`` is the mean tick loss of VaR, ``joint`` the mean FZ0 score of VaR and ES; both are lower if
    the forecasts are better. ``joint`` is Unknown without any ES. ``shortfall`` is the mean loss above
    the threshold over all days, and ``worst`` the largest one; None without a breach.
    """

    asset: str
    side: Side
    observations: int
    breaches: int
    kupiec: LikelihoodRatio | Unknown
    independence: LikelihoodRatio | Unknown
    tick: float
    joint: float | Unknown
    shortfall: float
    worst: float | None

    @property
    def breach_rate(self) -> float:
        """Share of days with a loss above the threshold."""
        return self.breaches / self.observations


@dataclass(frozen=True, slots=True)
class CostScore:
    """Cost and calm of the margin that covers both sides.

    ``peak_to_trough`` is the largest margin divided by the smallest. A rise is the largest increase of
    the margin over 1, 5 and 30 days, as a share of it; NaN if the path is shorter.
    """

    mean_margin: float
    peak_to_trough: float
    rise_1: float
    rise_5: float
    rise_30: float


@dataclass(frozen=True, slots=True)
class YearScore:
    """Score of one calendar year, UTC; ``shortfall`` is the mean over days of both sides."""

    year: int
    observations: int
    breaches_long: int
    breaches_short: int
    shortfall: float
    cost: CostScore


@dataclass(frozen=True, slots=True)
class PathScore:
    """Scores of a path: of each side, of its margin, and by year."""

    long: SideScore
    short: SideScore
    cost: CostScore
    years: tuple[YearScore, ...]


def outcomes(
    history: DailyHistory, path: ThresholdPath, side: Side, first_day: int | None = None
) -> Outcomes:
    """Returns the outcomes of one side, from ``first_day`` on if it is not None.

    Raises ValueError: the history of another asset or of other days.
    """
    if path.asset != history.asset or not np.array_equal(path.days[:-1], history.days):
        message = f"{path.asset}: expected the history of the path, found {history.size} returns of {history.asset}; pass its own"
        raise ValueError(message)
    own = path.side(side)
    is_used = np.isfinite(own.var[:-1])
    if first_day is not None:
        is_used &= history.days >= first_day
    returns = history.returns[is_used]
    losses = -returns + 0.0 if side is Side.LONG else returns
    return Outcomes(
        history.asset,
        side,
        path.level,
        history.days[is_used],
        losses,
        own.var[:-1][is_used],
        own.es[:-1][is_used],
    )


def score_path(
    history: DailyHistory, path: ThresholdPath, first_day: int | None = None
) -> PathScore | Unknown:
    """Returns the scores of a path. Unknown: no day has a loss and thresholds of both sides."""
    long, short = (outcomes(history, path, side, first_day) for side in Side)
    common = np.intersect1d(long.days, short.days)
    if not common.size:
        return Unknown(f"{path.asset}: no day with a loss and a threshold of {path.model}")
    cost = cost_score(path.margin[np.isin(path.days, common)])
    return PathScore(score_side(long), score_side(short), cost, tuple(_years(path, long, short)))


def score_side(outcome: Outcomes) -> SideScore:
    """Returns the score of the outcomes of one side, of which there is at least one."""
    breaches = outcome.breaches
    excess = np.maximum(outcome.losses - outcome.var, 0)
    joint = joint_score(outcome.losses, outcome.var, outcome.es, outcome.level)
    has_joint = np.isfinite(joint)
    return SideScore(
        asset=outcome.asset,
        side=outcome.side,
        observations=int(breaches.size),
        breaches=int(np.count_nonzero(breaches)),
        kupiec=rounded_ratio(unconditional_coverage(breaches, expected_rate(outcome.level))),
        independence=rounded_ratio(independence(breaches)),
        tick=rounded_figure(float(tick_loss(outcome.losses, outcome.var, outcome.level).mean())),
        joint=rounded_figure(float(joint[has_joint].mean()))
        if has_joint.any()
        else Unknown("no day has an ES"),
        shortfall=rounded_figure(float(excess.mean())),
        worst=rounded_figure(float(excess.max())) if breaches.any() else None,
    )


def joint_score(losses: Floats, var: Floats, es: Floats, level: float) -> Floats:
    """Returns the FZ0 score of VaR and ES per row (Patton, Ziegel and Chen 2019).

    1{loss > VaR}·(loss − VaR) / ((1 − level)·ES) + VaR / ES + ln ES − 1. NaN where ES is not above 0.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = np.maximum(losses - var, 0) / ((1 - level) * es)
        score = excess + var / es + np.log(es) - 1
    return np.asarray(np.where(es > 0, score, np.nan))


def cost_score(margin: Floats) -> CostScore:
    """Returns the cost and calm of margins, of which there is at least one.

    A margin that is not above 0 has no ratio to others: the figure is then infinite, or NaN.
    """
    lowest = float(margin.min())
    rises = {days: _largest_rise(margin, days) for days in RISES}
    return CostScore(
        mean_margin=rounded_figure(float(margin.mean())),
        peak_to_trough=rounded_figure(float(margin.max()) / lowest) if lowest > 0 else inf,
        rise_1=rises[1],
        rise_5=rises[5],
        rise_30=rises[30],
    )


def _largest_rise(margin: Floats, days: int) -> float:
    before, after = margin[:-days], margin[days:]
    is_above = before > 0
    if not is_above.any():
        return nan
    return rounded_figure(float(np.max(after[is_above] / before[is_above])) - 1)


def _years(path: ThresholdPath, long: Outcomes, short: Outcomes) -> Iterator[YearScore]:
    long_years, short_years, path_years = (
        _year(days) for days in (long.days, short.days, path.days)
    )
    is_scored = np.isin(path.days, np.intersect1d(long.days, short.days))
    for year in np.unique(path_years[is_scored]).tolist():
        own, other = long_years == year, short_years == year
        excess = [
            np.maximum(outcome.losses - outcome.var, 0)[rows]
            for outcome, rows in ((long, own), (short, other))
        ]
        margin = path.margin[is_scored & (path_years == year)]
        yield YearScore(
            year,
            int(margin.size),
            int(np.count_nonzero(long.breaches[own])),
            int(np.count_nonzero(short.breaches[other])),
            rounded_figure(float(np.concatenate(excess).mean())),
            cost_score(margin),
        )


def _year(days: Days) -> NDArray[np.int64]:
    """Returns the calendar year of each day, UTC."""
    since_1970 = days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64)
    return np.asarray(since_1970 + 1970)


def expected_rate(level: float) -> float:
    """Returns the expected rate of breaches without the last bits of the subtraction."""
    return float(f"{1 - level:.12g}")


def rounded_ratio(test: LikelihoodRatio | Unknown) -> LikelihoodRatio | Unknown:
    """Returns a test with figures of four significant digits."""
    if isinstance(test, Unknown):
        return test
    return LikelihoodRatio(
        rounded_figure(test.statistic), test.degrees, rounded_figure(test.p_value)
    )
