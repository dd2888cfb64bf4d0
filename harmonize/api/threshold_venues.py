"""What venues and a rule set require of a position, and whether that should move."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from statistics import median

from harmonize.adequacy.position import position_margins
from harmonize.adequacy.tail import TailEstimate, value_at_risk
from harmonize.api.audit import Question, load_rule_sets
from harmonize.api.threshold_terms import (
    Advice,
    Certainty,
    Move,
    ThresholdTerms,
    VenueRate,
)
from harmonize.audit.assemble import Reading
from harmonize.comparison.peers import exclusion_reason
from harmonize.comparison.universe import Universe, build_universe
from harmonize.core.schedule import Unknown
from harmonize.text.messages import counted, dollars, percent
from harmonize.thresholds.history import MOST_RETURNS, DailyHistory
from harmonize.thresholds.path import both_losses, rounded_figure

BASELINE = "harmonized-baseline"

STALE_DAYS = 30
"""Days after the last price from which a statement is not sure."""


def baseline_universe(question: Question, reading: Reading, as_of: datetime) -> Universe:
    """Returns the schedules with their representatives, and the rule set. Raises KeyError: as there."""
    return build_universe(
        reading.schedules,
        load_rule_sets((BASELINE,)),
        reading.inputs,
        as_of,
        question.instruments,
        unchanged_since=reading.recent_history.unchanged_since,
    )


def venue_rates(universe: Universe, asset: str, notional: float) -> tuple[VenueRate, ...]:
    """Returns the IM of each venue that compares, by venue."""
    rates = []
    for venue, schedule in sorted(universe.chosen.get(asset, {}).items()):
        if exclusion_reason(schedule):
            continue
        margins = position_margins(schedule, notional)
        rates.append(VenueRate(venue, margins.symbol, margins.initial, margins.observed_at))
    return tuple(rates)


def baseline_rate(universe: Universe, asset: str, notional: float) -> float | Unknown:
    """Returns the IM of the rule set as a fraction of notional. Unknown: the asset has no class."""
    applied = universe.applied[0]
    schedule = applied.reference_schedule
    own = schedule.class_of(asset) if schedule is not None else None
    margin = None if own is None else own.initial.margin(notional)
    if margin is None:
        return Unknown(applied.reasons.get(asset, f"{BASELINE} assigns {asset} to no class"))
    return rounded_figure(float(margin) / notional)


@dataclass(frozen=True, slots=True)
class AdviceBasis:
    """What a statement on one asset rests on.

    ``covering`` are the margins of models that cover both sides, without a tool. ``path`` names the
    model and tool of ``threshold``.
    """

    history: DailyHistory
    threshold: float | Unknown
    path: str
    covering: Sequence[float]
    age_days: int


def advise(
    basis: AdviceBasis,
    terms: ThresholdTerms,
    rates: Sequence[VenueRate],
    reference: float | Unknown,
) -> tuple[Advice, ...]:
    """Returns whether the margin of the venues and that of the rule set should move."""
    known = [row.rate for row in rates if isinstance(row.rate, float)]
    venues: float | Unknown = (
        rounded_figure(median(known)) if known else Unknown("no venue with an observed IM")
    )
    count = counted(len(known), "venue")
    return (
        _advice(basis, terms, f"median IM of {count}", venues),
        _advice(basis, terms, f"IM of {BASELINE}", reference),
    )


def relative_interval(
    history: DailyHistory, level: float
) -> tuple[float | None, float | None, int]:
    """Returns the ends of the 95 % interval of VaR as multiples of it, and the number of returns.

    It is the interval of order statistics of the worse side of the last 1,095 returns. None: the sample
    does not bound it.
    """
    losses = both_losses(history.returns[-MOST_RETURNS:])
    sides = [value_at_risk(losses[:, side], level) for side in (0, 1)]
    known = [side for side in sides if isinstance(side, TailEstimate) and side.value > 0]
    if not known:
        return None, None, losses.shape[0]
    worse = max(known, key=lambda side: side.value)
    lower, upper = (
        end / worse.value if end is not None and isfinite(end) else None
        for end in (worse.lower, worse.upper)
    )
    return lower, upper, losses.shape[0]


def _advice(
    basis: AdviceBasis, terms: ThresholdTerms, subject: str, required: float | Unknown
) -> Advice:
    asset, threshold = basis.history.asset, basis.threshold
    if isinstance(required, Unknown) or isinstance(threshold, Unknown):
        reason = required.reason if isinstance(required, Unknown) else _reason(threshold)
        sentence = f"{asset}: {subject}: {Move.UNKNOWN}: {reason}."
        return Advice(
            asset,
            subject,
            required,
            threshold,
            None,
            None,
            Move.UNKNOWN,
            Certainty.LOW,
            0,
            0,
            sentence,
        )
    low, high, returns = relative_interval(basis.history, terms.level)
    lower, upper = (None if m is None else rounded_figure(threshold * m) for m in (low, high))
    move = _move(required, lower, upper)
    agreeing = sum(_agrees(move, rate, required, (low, high)) for rate in basis.covering)
    certainty = _certainty(move, agreeing, len(basis.covering), basis.age_days)
    span = (
        f"{percent(lower) if lower else 'unbounded'} to {percent(upper) if upper else 'unbounded'}"
    )
    age = f"; the last price is {basis.age_days} days old" if basis.age_days > STALE_DAYS else ""
    sentence = (
        f"{asset}: the {subject} at {dollars(terms.notional)}, {percent(required)}, {move}: the threshold "
        f"({basis.path}) is {percent(threshold)}, 95 % interval {span} from {returns:,} returns, and "
        f"{agreeing} of {counted(len(basis.covering), 'model')} that cover both sides agree; "
        f"certainty {certainty}{age}."
    )
    return Advice(
        asset, subject, required, threshold, lower, upper, move, certainty,
        agreeing, len(basis.covering), sentence,
    )  # fmt: skip


def _reason(threshold: float | Unknown) -> str:
    return threshold.reason if isinstance(threshold, Unknown) else ""


def _move(required: float, lower: float | None, upper: float | None) -> Move:
    if lower is not None and required < lower:
        return Move.RISE
    return Move.FALL if upper is not None and required > upper else Move.STAY


def _agrees(
    move: Move, rate: float, required: float, ends: tuple[float | None, float | None]
) -> bool:
    """Whether the interval around another model's threshold leads to the same statement."""
    lower, upper = (None if end is None else rate * end for end in ends)
    return _move(required, lower, upper) is move


def _certainty(move: Move, agreeing: int, models: int, age_days: int) -> Certainty:
    if age_days > STALE_DAYS or move is Move.UNKNOWN or 2 * agreeing <= models:
        return Certainty.LOW
    return Certainty.HIGH if agreeing == models else Certainty.MEDIUM
