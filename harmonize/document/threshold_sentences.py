"""Statements, models with their fallbacks, the gate and records of signals in words."""

from collections.abc import Sequence
from datetime import date

from harmonize.document.input_age import MAX_AGE_DAYS
from harmonize.document.threshold_paths import ThresholdSizeRow, ThresholdVolumeRow
from harmonize.document.thresholds import GateRow, SignalRow, ThresholdAdviceRow
from harmonize.text import numbers
from harmonize.text.messages import counted, percent
from harmonize.text.words import join_words

RISE, FALL, STAY = "should rise", "could fall", "need not move"
"""Statements on a margin that are not open."""

DISPUTED = "disputed"
"""Statement on a margin if fewer than half of the models agree with the interval."""

NOT_TESTABLE = "not testable"
"""State of a model, and beginning of a condition, with too little data."""

OPEN = "cannot be told"
"""Statement on a margin if no model covers both sides."""

UNKNOWN = "cannot be judged"
"""Statement on a margin if it or the threshold is not known."""

GATE_AND_DEFAULT = (
    "The gate asks which model may replace the benchmark; the default asks which covering path is cheapest"
    " and calm. A model may therefore fail the gate and give the default."
)
"""Why the default may belong to a model that fails the gate."""

SIGNAL_TERMS = (
    "Formula margin: the formula of harmonized-baseline, recalculated daily; it is neither the default"
    " threshold nor the rate that the rule set states. Need: the fast margin, GARCH(1,1)-t, filtered."
    " A proposal is for the formula margin: the fast margin of the day (MH511), the larger of both (MH512),"
    " or the largest need of the 60 days (MH513)."
)
"""What signals compare, and what their proposals are for."""


def asset_sentence(underlying: str, advice: Sequence[ThresholdAdviceRow], age_days: int) -> str:
    """Returns in one sentence whether the margins on an underlying should move, which way, and how sure.

    ``age_days`` is the age of the last price.
    """
    clauses = [_move_clause(own) for own in advice]
    judged = next((own for own in advice if own.lower is not None), None)
    if judged is not None:
        clauses.append(_threshold_clause(judged))
    return f"{underlying}: {'; '.join([*clauses, certainty_clause(advice, age_days)])}."


def interval_move(advice: ThresholdAdviceRow) -> str:
    """Returns what the interval of the threshold alone says of a margin; empty if either is unknown."""
    if advice.required is None or advice.lower is None:
        return ""
    if advice.required < advice.lower:
        return RISE
    return FALL if advice.upper is not None and advice.required > advice.upper else STAY


def certainty_clause(advice: Sequence[ThresholdAdviceRow], age_days: int) -> str:
    """Returns how sure the statements are, once if all are equally sure, and the age of old prices."""
    levels = list(dict.fromkeys(own.certainty for own in advice))
    named = " and ".join(f"{own.certainty} for {_whose(own)}" for own in advice)
    age = f": prices {counted(age_days, 'day')} old" if age_days > MAX_AGE_DAYS else ""
    return f"certainty {levels[0] if len(levels) == 1 else named}{age}"


def _move_clause(own: ThresholdAdviceRow) -> str:
    rate = "" if own.required is None else f" ({percent(own.required)})"
    if own.move in {RISE, FALL, STAY}:
        return f"{_whose(own)} {own.move}{rate}"
    subject = f"whether {_whose(own)}{rate} should move"
    disputed = f"is {DISPUTED}: {dispute_text(own)}"
    return f"{subject} {disputed if own.move == DISPUTED else own.move}"


def dispute_text(own: ThresholdAdviceRow) -> str:
    """Returns what the interval and the models that contradict it say of a margin."""
    votes = ((own.falling, FALL), (own.staying, STAY), (own.rising, RISE))
    by_interval = interval_move(own)
    others = [f"{move} by {n}" for n, move in votes if n and move != by_interval]
    models = f"{join_words(others)} of {counted(own.models, 'model')}"
    return f"it {by_interval} by the interval, but {models}"


def _is_of_venues(own: ThresholdAdviceRow) -> bool:
    return own.subject.startswith("median")


def _whose(own: ThresholdAdviceRow) -> str:
    return "venues" if _is_of_venues(own) else "the reference"


def _threshold_clause(own: ThresholdAdviceRow) -> str:
    threshold = "" if own.threshold is None else f" {percent(own.threshold)},"
    lower = "" if own.lower is None else percent(own.lower)
    upper = "unbounded" if own.upper is None else percent(own.upper)
    return f"threshold{threshold} {lower} to {upper}"


def apply_command(asset: str, as_of: date) -> str:
    """Returns the command that writes the proposals of the signals on an asset as of a day.

    The day is stated because another one has other signals.
    """
    return f"harmonize thresholds {asset} --as-of {as_of:%Y-%m-%d} --apply FILE.yaml"


def gate_state(row: GateRow) -> str:
    """Returns whether a model is offered, fails, is the benchmark, or cannot be tested.

    A model whose every unmet condition has too little data does not fail: it is not testable.
    """
    if row.is_benchmark:
        return "benchmark"
    if row.is_offered:
        return "offered"
    unmet = [own.text for own in row.conditions if not own.is_met]
    is_untested = unmet and all(words.startswith(NOT_TESTABLE) for words in unmet)
    return NOT_TESTABLE if is_untested else "fails"


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
        f"{confirming_text(row.confirming_p)}; first breaches foretold: "
        f"{share_text(row.foretold or 0, row.first_breaches or 0)}, "
        f"{_share(row.by_chance)} expected by chance: {row.foresight}"
    )


def runs_text(runs: int, separate: int | None) -> str:
    """Returns in how many runs a signal was on; a record of an earlier version has no separate runs."""
    words = f"{counted(runs, 'run')}, each underlying counted alone"
    return words if separate is None else f"{words} ({counted(separate, 'separate run')})"


def share_text(part: int, whole: int) -> str:
    """Returns a share with the counts behind it, ``8.4 % (19 of 226)``; of nothing, the counts."""
    counts = f"{part:,} of {whole:,}"
    return f"{part / whole * 100:.2g} % ({counts})" if whole else counts


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
