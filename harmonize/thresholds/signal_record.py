"""Record of a signal: how often it was on, and whether breaches followed or had come before.

A signal that is on after breaches confirms them. It foresees only if first breaches, those after a
calm time, follow it more often than its share of days would give by chance. It confirms only if
breaches follow more often than any day, by a test over its runs: days of one run, and of assets that
move together, are one observation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

import numpy as np

from harmonize.adequacy.tail import Floats
from harmonize.core.schedule import Unknown
from harmonize.text.messages import counted
from harmonize.thresholds.comparison import LossComparison, compare_daily
from harmonize.thresholds.history import DailyHistory, Days
from harmonize.thresholds.path import rounded_figure
from harmonize.thresholds.signals import Rows, Signal, SignalDays

FOLLOWING_DAYS = 5
"""Days within which a breach counts as following a signal."""

LEAST_RUNS = 10
"""Fewest separate runs of a signal from which it can be told what follows it."""

CALM_DAYS = 10
"""Days without a breach before a first breach, as many as MH512 looks back."""

SIGNIFICANCE = 0.05


class Foresight(StrEnum):
    """What a signal tells of breaches."""

    FORESEES = "foresees"
    CONFIRMS = "confirms but does not foresee"
    NEITHER = "not shown to foresee or to confirm"
    FEW_RUNS = "too few runs to tell"
    UNKNOWN = "too few first breaches to tell"


@dataclass(frozen=True, slots=True, eq=False)
class SignalHistory:
    """Signal and breaches of one asset by row; the next day has no breach yet.

    ``is_tested`` are the rows of returns with a threshold in force: others cannot breach.
    """

    history: DailyHistory
    days: SignalDays
    is_breach: Rows
    is_tested: Rows


@dataclass(frozen=True, slots=True)
class SignalRecord:
    """Record of a signal over assets.

    ``days_on`` of ``days`` asset-days had the signal, in ``episodes`` runs. ``follow_rate`` is the share
    of days with the signal that a breach followed within five days, ``base_rate`` that of any day. Both
    count only days followed by five days with a threshold in force.
    ``foretold`` of ``first_breaches`` had the signal within the five days up to their own; by chance
    ``chance_rate`` of them would. ``p_value`` tests the difference by days, as all assets breach
    together. A rate is Unknown without a day to count.
    ``separate_runs`` counts runs of all assets that lie at most five days apart as one.
    ``confirming_p`` tests over them whether the follow rate is above the base rate; Unknown for fewer
    than ten.
    """

    signal: Signal
    days: int
    days_on: int
    episodes: int
    follow_rate: float | Unknown
    base_rate: float | Unknown
    first_breaches: int
    foretold: int
    chance_rate: float | Unknown
    p_value: float | Unknown
    separate_runs: int
    confirming_p: float | Unknown

    @property
    def foresight(self) -> Foresight:
        """What the signal tells of breaches."""
        if isinstance(self.confirming_p, Unknown):
            return Foresight.FEW_RUNS
        if isinstance(self.p_value, float) and self.p_value < SIGNIFICANCE:
            return Foresight.FORESEES
        if self._may_foresee:
            return Foresight.UNKNOWN
        is_confirmed = self.confirming_p < SIGNIFICANCE
        return Foresight.CONFIRMS if is_confirmed else Foresight.NEITHER

    @property
    def _may_foresee(self) -> bool:
        """Whether first breaches are too few for a test, and more were foretold than by chance."""
        if isinstance(self.p_value, float) or isinstance(self.chance_rate, Unknown):
            return False
        return self.foretold > self.chance_rate * self.first_breaches


@dataclass(frozen=True, slots=True, eq=False)
class _Counts:
    """Counts of one asset; ``surplus`` is chance minus foretold for each first breach.

    ``tested`` and ``tested_on`` are the days of the rates. ``on_days`` are the tested days with the
    signal, and ``follows`` whether a breach followed each.
    """

    days: int
    on: int
    episodes: int
    tested: int
    tested_on: int
    followed_on: int
    followed: int
    near: int
    first_days: Days
    foretold: int
    surplus: Floats
    on_days: Days
    follows: Rows


def record_signal(assets: Sequence[SignalHistory]) -> SignalRecord:
    """Returns the record of one signal over assets, of which there is at least one.

    Raises ValueError: no asset, or several signals.
    """
    if len({asset.days.signal for asset in assets}) != 1:
        message = f"signals: expected the histories of one signal, found {len(assets)} histories; pass those of one"
        raise ValueError(message)
    counts = [_counts(asset) for asset in assets]
    tested, tested_on = sum(c.tested for c in counts), sum(c.tested_on for c in counts)
    first = sum(c.first_days.size for c in counts)
    base_rate = _rate(sum(c.followed for c in counts), tested, "tested day")
    separate_runs, confirming_p = _confirmation(counts, base_rate)
    return SignalRecord(
        signal=assets[0].days.signal,
        days=sum(c.days for c in counts),
        days_on=sum(c.on for c in counts),
        episodes=sum(c.episodes for c in counts),
        follow_rate=_rate(
            sum(c.followed_on for c in counts), tested_on, "tested day with the signal"
        ),
        base_rate=base_rate,
        first_breaches=first,
        foretold=sum(c.foretold for c in counts),
        chance_rate=_rate(sum(c.near for c in counts), tested, "tested day"),
        p_value=_p_value(counts, first),
        separate_runs=separate_runs,
        confirming_p=confirming_p,
    )


def first_breaches(history: DailyHistory, is_breach: Rows, calm: int = CALM_DAYS) -> Rows:
    """Returns the breaches without another one in the ``calm`` calendar days before."""
    total = np.concatenate([[0], np.cumsum(is_breach)])
    first = np.searchsorted(history.days, history.days - calm)
    return np.asarray(is_breach & (total[:-1] == total[first]))


def _counts(asset: SignalHistory) -> _Counts:
    history, days = asset.history, asset.history.threshold_days
    observed = asset.days.is_observed
    is_on = asset.days.is_on & observed
    rows = np.arange(days.size)
    after = np.searchsorted(history.days, days + FOLLOWING_DAYS)
    breached, tested = (
        np.concatenate([[0], np.cumsum(column)])[after]
        - np.concatenate([[0], np.cumsum(column)])[rows]
        for column in (asset.is_breach, asset.is_tested)
    )
    is_tested = observed & (days + FOLLOWING_DAYS <= days[-1]) & (tested == after - rows)
    follows = is_tested & (breached > 0)
    is_near = _within(days, is_on)
    firsts = np.flatnonzero(first_breaches(history, asset.is_breach) & observed[:-1])
    near = int(np.count_nonzero(is_near & is_tested))
    total = int(np.count_nonzero(is_tested))
    chance = near / total if total else 0.0
    return _Counts(
        days=int(np.count_nonzero(observed)),
        on=int(np.count_nonzero(is_on)),
        episodes=int(np.count_nonzero(is_on & ~np.concatenate([[False], is_on[:-1]]))),
        tested=total,
        tested_on=int(np.count_nonzero(is_on & is_tested)),
        followed_on=int(np.count_nonzero(is_on & follows)),
        followed=int(np.count_nonzero(follows)),
        near=near,
        first_days=history.days[firsts],
        foretold=int(np.count_nonzero(is_near[firsts])),
        surplus=chance - is_near[firsts].astype(np.float64),
        on_days=days[is_on & is_tested],
        follows=follows[is_on & is_tested],
    )


def _within(days: Days, is_on: Rows) -> Rows:
    """Returns the rows with the signal on their own day or on one of the four days before."""
    total = np.concatenate([[0], np.cumsum(is_on)])
    first = np.searchsorted(days, days - FOLLOWING_DAYS + 1)
    return np.asarray(total[1:] > total[first])


def _p_value(counts: Sequence[_Counts], first: int) -> float | Unknown:
    """Returns the p-value of daily means over assets: low if more was foretold than by chance."""
    if not first:
        return Unknown("no first breach")
    days = np.concatenate([c.first_days for c in counts])
    surplus = np.concatenate([c.surplus for c in counts])
    unique, places = np.unique(days, return_inverse=True)
    daily = np.bincount(places, weights=surplus) / np.bincount(places)
    test = compare_daily(daily)
    if isinstance(test, LossComparison):
        return test.p_value
    return Unknown(
        f"{counted(first, 'first breach', 'first breaches')} on {unique.size} days: {test.reason}"
    )


def _confirmation(
    counts: Sequence[_Counts], base_rate: float | Unknown
) -> tuple[int, float | Unknown]:
    """Returns the number of separate runs, and the p-value of a follow rate above the base rate.

    Each run is one cluster of a ratio estimate, whose statistic has Student's distribution with one
    degree of freedom less than runs.
    """
    from scipy.special import stdtr  # noqa: PLC0415 - heavy

    days = np.concatenate([c.on_days for c in counts])
    if not days.size or isinstance(base_rate, Unknown):
        return 0, Unknown("no tested day with the signal")
    unique = np.unique(days)
    run_of = np.concatenate([[0], np.cumsum(np.diff(unique) > FOLLOWING_DAYS)])
    runs = int(run_of[-1]) + 1
    if runs < LEAST_RUNS:
        return runs, Unknown(f"{counted(runs, 'separate run')}, {LEAST_RUNS} are required")
    places = run_of[np.searchsorted(unique, days)]
    surplus = np.concatenate([c.follows for c in counts]) - base_rate
    mean = float(surplus.mean())
    residuals = np.bincount(places, weights=surplus - mean)
    error = sqrt(runs / (runs - 1) * float(residuals @ residuals)) / days.size
    if not error:
        return runs, 0.0 if mean > 0 else 1.0
    return runs, rounded_figure(float(1 - stdtr(runs - 1, mean / error)))


def _rate(count: int, total: int, what: str) -> float | Unknown:
    return rounded_figure(count / total) if total else Unknown(f"no {what}")
