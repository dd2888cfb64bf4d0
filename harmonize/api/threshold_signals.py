"""Signals on the thresholds of assets, against the formula of the rule set ``harmonized-baseline``.

The formula's v1, recalculated every day, is the threshold in force: the larger of the 99 % move of
1,095 days and its mean with the worst window of a year. Signals are about one day.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harmonize.adequacy.tail import Floats
from harmonize.api.threshold_terms import SignalState
from harmonize.core.schedule import Unknown
from harmonize.thresholds import signals
from harmonize.thresholds.anti_procyclicality import long_term, with_tool
from harmonize.thresholds.gate import BENCHMARK
from harmonize.thresholds.history import DailyHistory
from harmonize.thresholds.path import Model, PathsByModel, Tool
from harmonize.thresholds.signal_record import SignalHistory, record_signal
from harmonize.thresholds.signals import Evidence, Signal, SignalDays

IN_FORCE = (Model.HISTORICAL_1095, Tool.STRESSED)
"""Model and tool that equal the formula of the rule set at a level of 99 %."""


@dataclass(frozen=True, slots=True, eq=False)
class SignalInputs:
    """Margins of one asset by row: the fast one, that in force, and the historical VaR of a long position."""

    history: DailyHistory
    fast: Floats
    in_force: Floats
    historical: Floats


def signal_inputs(history: DailyHistory, paths: PathsByModel) -> SignalInputs:
    """Returns the margins that signals compare; NaN where a model gives none."""
    absent = np.full(history.size + 1, np.nan)
    own = {m: p[0] for m, p in paths.items() if not isinstance(p, Unknown)}
    fast, slow, year = (own.get(m) for m in (BENCHMARK, IN_FORCE[0], Model.HISTORICAL_365))
    in_force = absent
    if slow is not None:
        in_force = with_tool(slow, IN_FORCE[1], long_term(history, slow.level)).margin
    return SignalInputs(
        history,
        absent if fast is None else fast.margin,
        in_force,
        absent if year is None else year.long.var,
    )


def signal_states(
    assets: Sequence[SignalInputs], short: Sequence[DailyHistory]
) -> tuple[SignalState, ...]:
    """Returns every signal with its record over the assets and its evidence now.

    ``short`` are the histories that are too short for a threshold.
    """
    return tuple(_state(signal, assets, short) for signal in Signal)


def _state(
    signal: Signal, assets: Sequence[SignalInputs], short: Sequence[DailyHistory]
) -> SignalState:
    histories = [_history(signal, own) for own in assets]
    record = record_signal(histories) if histories else Unknown("no asset with a threshold")
    found = [_evidence(signal, own) for own in assets]
    if signal is Signal.SHORT_HISTORY:
        found += [signals.short_history_evidence(history) for history in short]
    return SignalState(record, signal.value, tuple(e for e in found if e is not None))


def _history(signal: Signal, own: SignalInputs) -> SignalHistory:
    return SignalHistory(
        own.history,
        _days(signal, own),
        signals.breaches(own.history, own.in_force),
        np.isfinite(own.in_force[:-1]),
    )


def _days(signal: Signal, own: SignalInputs) -> SignalDays:
    if signal is Signal.FAST_MARGIN:
        return signals.fast_margin(own.fast, own.in_force)
    if signal is Signal.REPEATED_BREACHES:
        return signals.repeated_breaches(own.history, own.in_force)
    if signal is Signal.ABOVE_NEED:
        return signals.above_need(own.fast, own.in_force)
    if signal is Signal.SHORT_HISTORY:
        return signals.short_history(own.history)
    return signals.failing_asset(own.history, own.historical)


def _evidence(signal: Signal, own: SignalInputs) -> Evidence | None:
    if signal is Signal.FAST_MARGIN:
        return signals.fast_margin_evidence(own.history, own.fast, own.in_force)
    if signal is Signal.REPEATED_BREACHES:
        return signals.repeated_breaches_evidence(own.history, own.fast, own.in_force)
    if signal is Signal.ABOVE_NEED:
        return signals.above_need_evidence(own.history, own.fast, own.in_force)
    if signal is Signal.SHORT_HISTORY:
        return signals.short_history_evidence(own.history)
    return signals.failing_asset_evidence(own.history, own.historical)
