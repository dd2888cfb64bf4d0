"""Statements, models with their fallbacks, the gate and records of signals in words."""

from collections.abc import Sequence
from datetime import date

from harmonize.document.threshold_paths import ThresholdSizeRow, ThresholdVolumeRow
from harmonize.document.thresholds import SignalRow
from harmonize.text import numbers
from harmonize.text.messages import counted, percent

GATE_AND_DEFAULT = (
    "The gate asks which model may replace the benchmark; the default asks which covering path is cheapest"
    " and calm. A model may therefore fail the gate and give the default."
)
"""Why the default may belong to a model that fails the gate."""

SIGNAL_TERMS = (
    "Margin in force: the formula of harmonized-baseline, recalculated daily; it is neither the default"
    " threshold nor the rate that the rule set states. Need: the fast margin, GARCH(1,1)-t, filtered."
    " A proposal is for the margin in force."
)
"""What signals compare, and what their proposals are for."""


def apply_command(asset: str, as_of: date) -> str:
    """Returns the command that writes the proposals of the signals on an asset as of a day.

    The day is stated because another one has other signals.
    """
    return f"harmonize thresholds {asset} --as-of {as_of:%Y-%m-%d} --apply FILE.yaml"


def gate_summary(offered: int, models: int) -> str:
    """Returns how many of the models pass; the benchmark, which cannot pass, is not among them."""
    return f"{offered} of {counted(models, 'model')} beside the benchmark"


def record_sentence(row: SignalRow) -> str:
    """Returns how often a signal was on, what followed, and whether it foresees breaches."""
    if row.days is None or row.days_on is None or row.runs is None:
        return f"record: none, {row.reason}"
    share = f" ({percent(row.days_on / row.days)})" if row.days else ""
    return (
        f"record: on for {row.days_on:,} of {counted(row.days, 'day')} of underlyings{share}, in "
        f"{runs_text(row.runs, row.separate_runs)}; a breach followed within five days on "
        f"{_share(row.followed)} of these days and {_share(row.any_day)} of any"
        f"{confirming_text(row.confirming_p)}; {row.foretold or 0:,} of "
        f"{counted(row.first_breaches or 0, 'first breach', 'first breaches')} foretold, "
        f"{_share(row.by_chance)} expected by chance: {row.foresight}"
    )


def runs_text(runs: int, separate: int | None) -> str:
    """Returns in how many runs a signal was on; a record of an earlier version has no separate runs."""
    words = f"{counted(runs, 'run')} per underlying"
    return words if separate is None else f"{words}, {counted(separate, 'separate run')}"


def confirming_text(p_value: float | None) -> str:
    """Returns the p-value that breaches follow a signal no more often than any day; empty if not tested."""
    return "" if p_value is None else f" (p {p_value:.2g})"


def model_text(model: str, fallback: str) -> str:
    """Returns the name of a model; ``fallback`` states what stands in its place, empty if nothing does."""
    if not fallback:
        return model
    return fallback if f"in place of {model}" in fallback else f"{model} ({fallback})"


def size_sentence(row: ThresholdSizeRow) -> str:
    """Returns by how much liquidity moved the threshold of one size over the tested days."""
    size = numbers.usd(row.notional)
    if row.reason:
        return f"At {size}, how liquidity moved the threshold is not known: {row.reason}."
    volume = f"{numbers.usd(row.largest_volume)} of daily volume of {row.largest_series}"
    smallest, largest = map(factor_text, (row.smallest_factor, row.largest_factor))
    return (
        f"At {size}, liquidity multiplied the threshold by {smallest} to {largest} over "
        f"{counted(row.days, 'tested day')} (largest on {row.largest_day}, by {volume} in the 30 days "
        f"before). Peak ÷ trough: {_ratio(row.peak_to_trough)} at that size, "
        f"{_ratio(row.unsized_peak_to_trough)} without size. Largest 30-day rise: "
        f"{_rise(row.rise_30d)} at that size, {_rise(row.unsized_rise_30d)} without size."
    )


def factor_text(factor: float | None) -> str:
    """Returns the factor of a size; without any volume, no factor is large enough."""
    return "the whole position" if factor is None else f"{factor:.4f}"


def volumes_sentence(rows: Sequence[ThresholdVolumeRow]) -> str:
    """Returns which perpetuals gave the volume of a size by day; empty if none did."""
    if not rows:
        return ""
    named = ", ".join(
        f"{row.series} on {counted(row.days, 'day')} ({row.first_day} to {row.last_day})"
        for row in rows
    )
    changes = (
        ". Where the perpetual changes, the factor moves although the market does not"
        if len(rows) > 1
        else ""
    )
    return f"Volume by day: the largest one that was known, {named}{changes}."


def _ratio(value: float | None) -> str:
    return "unbounded" if value is None else f"{value:.3g}"


def _rise(value: float | None) -> str:
    return "not known" if value is None else percent(value)


def _share(value: float | None) -> str:
    return "an unknown share" if value is None else percent(value)
