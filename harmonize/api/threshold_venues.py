"""What venues and a rule set require of a position, and whether that should move."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from harmonize.adequacy.position import position_margins
from harmonize.api.audit import Question, load_rule_sets
from harmonize.api.threshold_certainty import (
    Doubt,
    certainty_of,
    few_underlyings,
    few_venues,
    old_prices,
    old_tables,
)
from harmonize.api.threshold_intervals import ThresholdInterval
from harmonize.api.threshold_terms import (
    Advice,
    Certainty,
    Move,
    Statements,
    ThresholdTerms,
    VenueRate,
)
from harmonize.audit.assemble import Reading
from harmonize.comparison.peers import exclusion_reason
from harmonize.comparison.universe import Universe, build_universe
from harmonize.core.schedule import MarginSchedule, Unknown
from harmonize.text.messages import counted, dollars, percent
from harmonize.text.words import join_words
from harmonize.thresholds.path import rounded_figure

BASELINE = "harmonized-baseline"


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
    """Returns the IM of each venue, by venue; of one that cannot be compared, the reason."""
    rates = []
    for venue, schedule in sorted(universe.chosen.get(asset, {}).items()):
        if reason := exclusion_reason(schedule):
            rates.append(_excluded(venue, schedule, reason))
            continue
        margins = position_margins(schedule, notional)
        rates.append(
            VenueRate(
                venue, margins.symbol, margins.initial, margins.observed_at, margins.precision
            )
        )
    return tuple(rates)


def _excluded(venue: str, schedule: MarginSchedule, reason: str) -> VenueRate:
    """Returns a venue without a rate, because its schedule cannot be compared with others."""
    return VenueRate(
        venue,
        schedule.instrument.symbol,
        Unknown(reason),
        schedule.observed_at,
        schedule.precision,
        is_excluded=True,
    )


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

    ``judged`` is the number of underlyings over which models were judged. ``covering`` are the thresholds of the models that
    cover both sides, without a tool, each with the interval of its own sample. All are without size;
    ``size_factor`` is the factor of a position of the size of the terms, Unknown without volume.
    ``age_days`` counts from the last return to ``as_of``.
    """

    asset: str
    threshold: ThresholdInterval | Unknown
    covering: Sequence[ThresholdInterval]
    size_factor: float | Unknown
    judged: int
    age_days: int
    as_of: datetime


def advise(
    basis: AdviceBasis,
    terms: ThresholdTerms,
    rates: Sequence[VenueRate],
    reference: float | Unknown,
) -> tuple[Advice, ...]:
    """Returns whether the margin of the venues and that of the rule set should move."""
    rated = [row for row in rates if isinstance(row.rate, float)]
    known = [row.rate for row in rated if isinstance(row.rate, float)]
    venues: float | Unknown = (
        rounded_figure(median(known)) if known else Unknown("no venue with an observed IM")
    )
    count = counted(len(known), "venue")
    return (
        _advice(basis, terms, f"median IM of {count}", venues, rated),
        _advice(basis, terms, f"IM of {BASELINE}", reference),
    )


def _votes_text(statements: Statements) -> str:
    """Returns how many models say what; a statement of none is left out."""
    counts = ((move, statements.of(move)) for move in (Move.FALL, Move.STAY, Move.RISE))
    return join_words(
        [f"{count} {'says' if count == 1 else 'say'} it {move}" for move, count in counts if count]
    )


def _advice(
    basis: AdviceBasis,
    terms: ThresholdTerms,
    subject: str,
    required: float | Unknown,
    rated: Sequence[VenueRate] | None = None,
) -> Advice:
    """Returns a statement; ``rated`` are the venues behind the margin, None if it is of a rule set."""
    unsized = basis.threshold
    factor = 1.0 if isinstance(basis.size_factor, Unknown) else basis.size_factor
    sized = unsized if isinstance(unsized, Unknown) else unsized.times(factor)
    if isinstance(required, Unknown) or isinstance(sized, Unknown):
        return _unknown(basis.asset, subject, required, sized)
    says = _move(required, sized)
    statements = _statements(required, [own.times(factor) for own in basis.covering])
    agreeing = statements.of(says)
    move = _stated(says, statements)
    certainty, certainty_text = certainty_of(agreeing, statements.total, _doubts(basis, rated))
    margin = f"{subject} at {dollars(terms.notional)}, {percent(required)},"
    words = {Move.OPEN: Move.OPEN.value, Move.DISPUTED: f"is {Move.DISPUTED}"}.get(move)
    head = f"the {margin} {move}" if words is None else f"whether the {margin} should move {words}"
    sentences = (
        f"{basis.asset}: {head}; certainty {certainty}.",
        _threshold_sentence(basis, terms, sized),
        _models_sentence(statements, says, move),
        _certainty_sentence(certainty, certainty_text),
        _oldest_sentence(basis, rated),
    )
    return Advice(
        asset=basis.asset,
        subject=subject,
        required=required,
        threshold=sized.rate,
        lower=sized.lower,
        upper=sized.upper,
        sample=sized.sample,
        move=move,
        certainty=certainty,
        certainty_text=certainty_text,
        agreeing=agreeing,
        statements=statements,
        sentence=" ".join(filter(None, sentences)),
    )


def _threshold_sentence(basis: AdviceBasis, terms: ThresholdTerms, sized: ThresholdInterval) -> str:
    """Returns the threshold with its interval: at the size of the position, or without size."""
    days = "" if terms.horizon == 1 else f" over {counted(terms.horizon, 'day')}"
    factor = basis.size_factor
    if isinstance(factor, Unknown):
        size = f" without size ({factor.reason})"
    else:
        rate = basis.threshold if isinstance(basis.threshold, Unknown) else basis.threshold.rate
        plain = rate.reason if isinstance(rate, Unknown) else percent(rate)
        rise = round(factor - 1, 4)
        raised = f" ({plain}, raised by {percent(rise)} for the size)" if rise else ""
        size = f" at that size{raised}"
    upper = "unbounded" if sized.upper is None else percent(sized.upper)
    return (
        f"The threshold{days} is {percent(sized.rate)}{size}. The 95 % interval is"
        f" {percent(sized.lower)} to {upper}, from {sized.sample}."
    )


def _stated(says: Move, statements: Statements) -> Move:
    """Returns what the interval says, unless fewer than half of the models agree or there is none."""
    if not statements.total:
        return Move.OPEN
    return Move.DISPUTED if 2 * statements.of(says) < statements.total else says


def _models_sentence(statements: Statements, says: Move, move: Move) -> str:
    """Returns what the models say; beside what the interval says if they dispute it.

    Empty without models, which the certainty states.
    """
    total = statements.total
    if not total:
        return ""
    if statements.of(says) == total:
        return f"{total} of {counted(total, 'model')} that cover longs and shorts agree."
    votes = f"of {counted(total, 'model')} that cover longs and shorts, {_votes_text(statements)}."
    if move is Move.DISPUTED:
        return f"By the interval it {says}. But {votes}"
    return f"{votes[:1].upper()}{votes[1:]}"


def _certainty_sentence(certainty: Certainty, words: str) -> str:
    """Returns what lowers the certainty; empty if nothing does."""
    return "" if words == certainty else f"The certainty is {words}."


def _unknown(
    asset: str,
    subject: str,
    required: float | Unknown,
    threshold: ThresholdInterval | Unknown,
) -> Advice:
    reasons = [own.reason for own in (required, threshold) if isinstance(own, Unknown)]
    return Advice(
        asset=asset,
        subject=subject,
        required=required,
        threshold=threshold if isinstance(threshold, Unknown) else threshold.rate,
        lower=None,
        upper=None,
        sample="",
        move=Move.UNKNOWN,
        certainty=Certainty.LOW,
        certainty_text=Certainty.LOW.value,
        agreeing=0,
        statements=Statements(),
        sentence=f"{asset}: {subject}: {Move.UNKNOWN}: {reasons[0]}.",
    )


def _move(required: float, threshold: ThresholdInterval) -> Move:
    if required < threshold.lower:
        return Move.RISE
    is_above = threshold.upper is not None and required > threshold.upper
    return Move.FALL if is_above else Move.STAY


def _statements(required: float, covering: Sequence[ThresholdInterval]) -> Statements:
    moves = Counter(_move(required, threshold) for threshold in covering)
    return Statements(moves[Move.RISE], moves[Move.FALL], moves[Move.STAY])


def _doubts(basis: AdviceBasis, rated: Sequence[VenueRate] | None) -> Iterator[Doubt]:
    """Yields what lowers the certainty apart from models that disagree."""
    found = [old_prices(basis.age_days), few_underlyings(basis.judged)]
    if rated is not None:
        found += [_old_tables(basis, rated), few_venues(len(rated))]
    yield from filter(None, found)


def _old_tables(basis: AdviceBasis, rated: Sequence[VenueRate]) -> Doubt | None:
    """Returns the doubt that the oldest table behind a margin casts; None: it is recent, or absent."""
    oldest = min((row.observed_at.date() for row in rated), default=None)
    return None if oldest is None else old_tables((basis.as_of.date() - oldest).days, oldest)


def _oldest_sentence(basis: AdviceBasis, rated: Sequence[VenueRate] | None) -> str:
    """Returns the date of the oldest table; empty without any, or if it lowers the certainty."""
    if not rated or _old_tables(basis, rated):
        return ""
    oldest = min(row.observed_at for row in rated)
    return f"The oldest table of a venue is of {oldest:%Y-%m-%d}."
