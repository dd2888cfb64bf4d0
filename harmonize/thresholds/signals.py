"""Signals that ask a person to look at a threshold: on which days, with evidence and a proposal.

A signal of row ``i`` was known before day ``days[i]``: it uses thresholds up to row ``i`` and returns
before it. A threshold in force is one margin rate for both sides.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from harmonize.adequacy.tail import Floats
from harmonize.text.messages import counted, percent
from harmonize.thresholds.history import LEAST_RETURNS, DailyHistory
from harmonize.thresholds.path import both_losses, rounded_figure

FAST_RATIO = 1.25
"""Fast margin above which a threshold is too low, as a multiple of it."""

BREACHES = 2
BREACH_DAYS = 10
"""Breaches within so many days that are too many."""

NEED_DAYS = 60
"""Days on all of which a threshold exceeds the need."""

FAILING_RATIO = 2.0
"""Loss that the history does not explain, as a multiple of its VaR; it also exceeds all before it."""

FAILING_DAYS = 10
"""Days after such a loss for which the signal remains."""

IN_FORCE = "the formula of harmonized-baseline, recalculated daily"
"""Threshold in force in words: neither the default threshold nor the rates that the rule set states."""

Rows = NDArray[np.bool_]


class Signal(StrEnum):
    """Code of a signal."""

    FAST_MARGIN = "MH511"
    REPEATED_BREACHES = "MH512"
    ABOVE_NEED = "MH513"
    SHORT_HISTORY = "MH514"
    FAILING_ASSET = "MH515"


@dataclass(frozen=True, slots=True, eq=False)
class SignalDays:
    """Rows on which a signal is on, and on which it can be on or off at all."""

    signal: Signal
    is_on: Rows
    is_observed: Rows


PROPOSAL_IN_WORDS = {
    Signal.SHORT_HISTORY: "use the class of new assets",
    Signal.FAILING_ASSET: "margin at the whole position or close the contract",
}
"""Proposals of signals that propose no rate. Their evidence ends with them."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Figures of a signal that is on, for one asset on one day, in days since 1970.

    ``observed`` and ``required`` are what the signal compares. ``proposal`` is the margin rate to
    consider, at most 1; None if a person has to decide without one. ``fallback`` names the model whose margin the
    fast one is, if its own has no fit; empty: it has.
    """

    signal: Signal
    asset: str
    day: int
    observed: float
    required: float
    proposal: float | None
    text: str
    fallback: str = ""


def breaches(history: DailyHistory, in_force: Floats) -> Rows:
    """Returns whether the loss of either side was above the threshold in force; False without one.

    Raises ValueError: not as many thresholds as rows.
    """
    _check(history, in_force)
    return np.asarray(np.abs(history.returns) > in_force[:-1])


def fast_margin(fast: Floats, in_force: Floats, ratio: float = FAST_RATIO) -> SignalDays:
    """Returns the rows on which the fast margin is above ``ratio`` times the threshold in force."""
    return SignalDays(
        Signal.FAST_MARGIN, fast > ratio * in_force, np.isfinite(fast) & np.isfinite(in_force)
    )


def repeated_breaches(
    history: DailyHistory, in_force: Floats, count: int = BREACHES, days: int = BREACH_DAYS
) -> SignalDays:
    """Returns the rows before which ``count`` breaches occurred within ``days`` calendar days."""
    is_breach = breaches(history, in_force)
    total = np.concatenate([[0], np.cumsum(is_breach)])
    first = np.searchsorted(history.days, history.threshold_days - days)
    recent = total[np.arange(history.size + 1)] - total[first]
    # A threshold is in force on the row before, so that the latest breach could be seen.
    is_observed = np.concatenate([[False], np.isfinite(in_force[:-1])])
    return SignalDays(Signal.REPEATED_BREACHES, recent >= count, is_observed)


def above_need(
    need: Floats, in_force: Floats, ratio: float = 1.0, days: int = NEED_DAYS
) -> SignalDays:
    """Returns the rows that end ``days`` rows on all of which the threshold is above the need.

    ``ratio`` multiplies the need, such as 1.25 to leave a buffer.
    """
    is_known = np.isfinite(need) & np.isfinite(in_force)
    is_above = is_known & (in_force > ratio * need)
    return SignalDays(Signal.ABOVE_NEED, _all_of(is_above, days), _all_of(is_known, days))


def failing_asset(
    history: DailyHistory, historical: Floats, ratio: float = FAILING_RATIO
) -> SignalDays:
    """Returns the rows within ten days after a loss that the asset's own history did not contain.

    Such a loss of a long position is above ``ratio`` times the historical VaR of its day, and above
    every loss before it. ``historical`` is the VaR of long positions per row.
    """
    _check(history, historical)
    is_shock = _shocks(history, historical, ratio)
    total = np.concatenate([[0], np.cumsum(is_shock)])
    first = np.searchsorted(history.days, history.threshold_days - FAILING_DAYS)
    is_on = total > total[first]
    is_observed = np.concatenate([[False], np.isfinite(historical[:-1])])
    return SignalDays(Signal.FAILING_ASSET, is_on, is_observed)


def fast_margin_evidence(
    history: DailyHistory, fast: Floats, in_force: Floats, ratio: float = FAST_RATIO
) -> Evidence | None:
    """Returns the evidence of the last row, with the fast margin as proposal; None: off."""
    if not fast_margin(fast, in_force, ratio).is_on[-1]:
        return None
    now, limit = float(fast[-1]), ratio * float(in_force[-1])
    text = f"fast margin {percent(now)}, above {ratio:g} × {percent(float(in_force[-1]))} by {IN_FORCE}"
    return _evidence(Signal.FAST_MARGIN, history, (now, limit), now, text)


def repeated_breaches_evidence(
    history: DailyHistory, fast: Floats, in_force: Floats
) -> Evidence | None:
    """Returns the evidence of the last row; None: off.

    The proposal is the fast margin, or the threshold in force if that is larger.
    """
    if not repeated_breaches(history, in_force).is_on[-1]:
        return None
    recent = breaches(history, in_force) & (
        history.days >= history.threshold_days[-1] - BREACH_DAYS
    )
    largest = float(np.abs(history.returns[recent]).max())
    number = int(np.count_nonzero(recent))
    text = f"{counted(number, 'breach', 'breaches')} of the margin by {IN_FORCE}, in {BREACH_DAYS} days, the largest a move of {percent(largest)}"
    proposal = float(np.fmax(fast[-1], in_force[-1]))
    return _evidence(
        Signal.REPEATED_BREACHES, history, (float(number), float(BREACHES)), proposal, text
    )


def above_need_evidence(
    history: DailyHistory, need: Floats, in_force: Floats, ratio: float = 1.0
) -> Evidence | None:
    """Returns the evidence of the last row; None: off.

    The proposal is the largest need of the 60 days, times ``ratio``.
    """
    if not above_need(need, in_force, ratio).is_on[-1]:
        return None
    largest = ratio * float(need[-NEED_DAYS:].max())
    smallest = float((in_force[-NEED_DAYS:] / need[-NEED_DAYS:]).min())
    text = (
        f"{percent(float(in_force[-1]))} by {IN_FORCE}, at least {smallest:.3g} × the need (fast margin) "
        f"on each of {NEED_DAYS} days"
    )
    figures = (float(in_force[-1]), ratio * float(need[-1]))
    return _evidence(Signal.ABOVE_NEED, history, figures, largest, text)


def short_history_evidence(history: DailyHistory, least: int = LEAST_RETURNS) -> Evidence | None:
    """Returns the evidence of a history that is too short; None: it is not. There is no proposal."""
    if history.size >= least:
        return None
    text = f"{counted(history.size, 'return')}, {least} are required; {PROPOSAL_IN_WORDS[Signal.SHORT_HISTORY]}"
    figures = (float(history.size), float(least))
    return _evidence(Signal.SHORT_HISTORY, history, figures, None, text)


def failing_asset_evidence(
    history: DailyHistory, historical: Floats, ratio: float = FAILING_RATIO
) -> Evidence | None:
    """Returns the evidence of the last row, without a proposal from the history; None: off."""
    if not failing_asset(history, historical, ratio).is_on[-1]:
        return None
    last = int(np.flatnonzero(_shocks(history, historical, ratio))[-1])
    loss, var = float(-history.returns[last]), float(historical[last])
    text = (
        f"loss of {percent(loss)} against a historical VaR of {percent(var)}: the history cannot tell "
        f"what follows; {PROPOSAL_IN_WORDS[Signal.FAILING_ASSET]}"
    )
    return _evidence(Signal.FAILING_ASSET, history, (loss, ratio * var), None, text)


def _shocks(history: DailyHistory, historical: Floats, ratio: float) -> Rows:
    losses = both_losses(history.returns)[:, 0]
    before = np.concatenate([[-np.inf], np.maximum.accumulate(losses)[:-1]])
    return np.asarray((losses > ratio * historical[:-1]) & (losses > before))


def _all_of(rows: Rows, count: int) -> Rows:
    """Returns the rows that end ``count`` rows which are all True."""
    result = np.zeros(rows.size, dtype=bool)
    if rows.size >= count:
        result[count - 1 :] = sliding_window_view(rows, count).all(axis=1)
    return result


def _check(history: DailyHistory, thresholds: Floats) -> None:
    if thresholds.shape != (history.size + 1,):
        message = f"{history.asset}: expected {history.size + 1} thresholds, found {thresholds.shape}; align them"
        raise ValueError(message)


def _evidence(
    signal: Signal,
    history: DailyHistory,
    figures: tuple[float, float],
    proposal: float | None,
    text: str,
) -> Evidence:
    day = int(history.threshold_days[-1])
    observed, required = map(rounded_figure, figures)
    # A margin above the whole position protects nobody more.
    rounded = None if proposal is None else min(rounded_figure(proposal), 1.0)
    return Evidence(signal, history.asset, day, observed, required, rounded, text)
