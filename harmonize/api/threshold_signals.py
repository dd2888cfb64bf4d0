"""Signals on the thresholds of assets, against the formula of the rule set ``harmonized-baseline``.

The formula's v1, recalculated every day from the series that speak for the asset, is the threshold in
force: the larger of the 99 % move of 1,095 days and its mean with that of the worst window of a year,
each on its worse side. A calibration may measure the formula on another, longer series. Signals are
about one day and, whatever level thresholds have, at that of the formula.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from harmonize.adequacy.tail import Floats
from harmonize.api.threshold_terms import SignalState
from harmonize.core.schedule import Unknown
from harmonize.thresholds import signals
from harmonize.thresholds.anti_procyclicality import stressed, stressed_value
from harmonize.thresholds.gate import BENCHMARK
from harmonize.thresholds.history import DailyHistory
from harmonize.thresholds.path import Fallback, Model, PathsByModel, ThresholdPath, replacement
from harmonize.thresholds.signal_record import SignalHistory, SignalRecord, record_signal
from harmonize.thresholds.signals import NEED_DAYS, Evidence, Signal, SignalDays

FORMULA_LEVEL = 0.99
"""Level of the moves in the formula of the rule set."""


@dataclass(frozen=True, slots=True, eq=False)
class SignalInputs:
    """Margins of one asset by row: the fast one, that in force, and the historical VaR of a long position.

    ``fallbacks`` are those of the fast margin.
    """

    history: DailyHistory
    fast: Floats
    in_force: Floats
    historical: Floats
    fallbacks: tuple[Fallback, ...] = ()


def signal_inputs(history: DailyHistory, paths: PathsByModel) -> SignalInputs:
    """Returns the margins that signals compare; NaN where a model gives none, or no path at 99 %."""
    absent = np.full(history.size + 1, np.nan)
    own = {
        path.model: path
        for paths_of_model in paths.values()
        for path in (() if isinstance(paths_of_model, Unknown) else paths_of_model)
        if path.level == FORMULA_LEVEL
    }
    fast, slow, year = (
        own.get(model) for model in (BENCHMARK, Model.HISTORICAL_1095, Model.HISTORICAL_365)
    )
    return SignalInputs(
        history,
        absent if fast is None else fast.margin,
        absent if slow is None else _in_force(history, slow),
        absent if year is None else year.long.var,
        () if fast is None else fast.fallbacks,
    )


def _in_force(history: DailyHistory, moves: ThresholdPath) -> Floats:
    """Returns v1 per row from the moves of 1,095 days.

    The worse side of each input comes first, as in the rule set: the sides of both may differ. An input
    above 1 is refused.
    """
    worst = stressed_value(history, moves.level).max(axis=1)
    is_refused = (moves.margin > 1) | (worst > 1)
    v1 = np.minimum(stressed(moves.margin, worst), 1.0)
    return np.asarray(np.where(is_refused, np.nan, v1))


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
    record = _record(signal, assets)
    found = [_with_fallback(_evidence(signal, own), own) for own in assets]
    if signal is Signal.SHORT_HISTORY:
        found += [signals.short_history_evidence(history) for history in short]
    now = tuple(evidence for evidence in found if evidence is not None)
    return SignalState(record, signal.value, now, _not_judged(signal, assets, now))


def _not_judged(
    signal: Signal, assets: Sequence[SignalInputs], now: Sequence[Evidence]
) -> tuple[str, ...]:
    """Returns the assets on which a signal is neither on nor known to be off."""
    if signal is Signal.SHORT_HISTORY:
        return ()
    with_evidence = {evidence.asset for evidence in now}
    return tuple(
        own.history.asset
        for own in assets
        if own.history.asset not in with_evidence and not _days(signal, own).is_observed[-1]
    )


def _record(signal: Signal, assets: Sequence[SignalInputs]) -> SignalRecord | Unknown:
    if signal is Signal.SHORT_HISTORY:
        return Unknown("not applicable: there is no formula margin while it is on")
    histories = [_history(signal, own) for own in assets]
    return record_signal(histories) if histories else Unknown("no asset with a threshold")


def _with_fallback(evidence: Evidence | None, own: SignalInputs) -> Evidence | None:
    """Returns evidence that names the model whose margin the fast one is, if its own has no fit."""
    days = {Signal.FAST_MARGIN: 1, Signal.REPEATED_BREACHES: 1, Signal.ABOVE_NEED: NEED_DAYS}
    if evidence is None or evidence.signal not in days:
        return evidence
    used = own.history.threshold_days[-days[evidence.signal] :]
    replaced = replacement(BENCHMARK, own.fallbacks, used)
    if replaced is None:
        return evidence
    text = f"{evidence.text}; the fast margin is that of {replaced}"
    return replace(evidence, text=text, fallback=str(replaced))


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
