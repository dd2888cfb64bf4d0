"""What the page of thresholds says in sentences: verdicts on margins, the gate, and signals."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from harmonize.document import GateRow, ThresholdAdviceRow, ThresholdSection
from harmonize.document.input_age import MAX_AGE_DAYS
from harmonize.document.threshold_sentences import (
    DISPUTED,
    FALL,
    GATE_AND_DEFAULT,
    NOT_TESTABLE,
    OPEN,
    RISE,
    STAY,
    UNKNOWN,
    gate_state,
)
from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.site.adequacy_words import level_text

MOVES = (RISE, FALL, STAY)
"""Statements that have a direction, or state that there is none to take."""

_APART = (
    (DISPUTED, "it is disputed"),
    (OPEN, "it cannot be told"),
    (UNKNOWN, "it cannot be judged"),
)
"""Further statements, with the words that follow the number of underlyings."""

_NAMED = 3
"""Largest number of underlyings that the lead names."""

_LEAST_WHOLE = 0.01
"""Least share that is stated in whole percent."""

_WORST_SHARE = 0.5
"""Share of its tested days from which an underlying without the benchmark is named."""


def standfirst(section: ThresholdSection) -> str:
    """Returns the result: how many margins should move, how sure that is, and how many models pass."""
    gate = _gate_at_level(section)
    offered = sum(row.is_offered for row in gate)
    level = level_text(section.level)
    days = "one day" if section.horizon_days in {None, 1} else f"{section.horizon_days} days"
    return (
        f"{_verdicts(section)} {_reference(section)}{_certainties(section)} A threshold is the margin that"
        f" covers the daily loss of a long and of a short on {level} of days each, known on the day before:"
        f" these statements hold if a position may take {days} to close."
        f" At {level}, {offered} of {numbers.count_text(len(gate), 'model')} may replace the benchmark model"
        f" (the gate){_other_levels(section)}."
        " Nothing becomes a reference until a person commits it."
    )


def venue_advice(section: ThresholdSection) -> list[ThresholdAdviceRow]:
    """Returns the statements on the median margins of venues, one per underlying."""
    return [own for row in section.rows for own in row.advice if "median" in own.subject]


def _verdicts(section: ThresholdSection) -> str:
    """Returns on how many underlyings the median margin of venues should move, and which way."""
    moves = Counter(own.move for own in venue_advice(section))
    total = numbers.count_text(len(section.rows), "underlying")
    known = [f"{move} on {moves[move]}" for move in MOVES if moves[move]]
    rest = "".join(f" On {moves[move]} {words}." for move, words in _APART if moves[move])
    level = level_text(section.level)
    if not known:
        return f"By daily {level} thresholds, no median margin of venues has a verdict on {total}.{rest}"
    first, *others = known
    verdicts = join_words([f"{first} of {total}", *others])
    return (
        f"By daily {level} thresholds, the median initial margin (IM) of venues {verdicts}.{rest}"
    )


def _reference(section: ThresholdSection) -> str:
    """Returns on how many underlyings the IM of the reference should move; empty without a statement."""
    by_move: dict[str, list[str]] = {}
    subject = ""
    for row in section.rows:
        for own in row.advice:
            if own.subject.startswith("IM of "):
                subject = own.subject
                by_move.setdefault(own.move, []).append(row.underlying)
    if not by_move:
        return ""
    said = [_on(move, by_move.get(move, [])) for move in (STAY, FALL, RISE)]
    apart = [f"on {len(by_move[move])} {words}" for move, words in _APART if by_move.get(move)]
    return f"The {subject} {join_words(said)}{'; ' if apart else ''}{join_words(apart)}. "


def _on(move: str, names: Sequence[str]) -> str:
    """Returns a statement with the number of its underlyings, and their names if they are few."""
    if not names:
        return f"{move} on none"
    few = f" ({', '.join(names)})" if len(names) <= _NAMED else ""
    return f"{move} on {len(names)}{few}"


def _certainties(section: ThresholdSection) -> str:
    """Returns how many of these statements are sure, and that old prices leave none."""
    advice = venue_advice(section)
    sure = sum(own.certainty == "high" for own in advice)
    old = sum(row.age_days > MAX_AGE_DAYS for row in section.rows)
    levels = {own.certainty for row in section.rows for own in row.advice}
    if old and old == len(section.rows) and len(levels) == 1:
        return (
            f"The certainty of all of them is {levels.pop()}: every last price is more than"
            f" {MAX_AGE_DAYS} days old."
        )
    names = numbers.count_text(old, "underlying")
    why = (
        f"; {names} with a last price more than {MAX_AGE_DAYS} days old {'has' if old == 1 else 'have'} none"
        if old
        else ""
    )
    return f"{sure} of the {len(advice)} statements on venues are of high certainty{why}."


def _other_levels(section: ThresholdSection) -> str:
    """Returns how many models pass at other levels: ``; none at 99.5 %``; empty without another level."""
    passed: dict[float, int] = {}
    for row in section.gate:
        if row.level is not None and row.level != section.level:
            passed[row.level] = passed.get(row.level, 0) + row.is_offered
    parts = [f"{count or 'none'} at {level_text(level)}" for level, count in passed.items()]
    return f"; {join_words(parts)}" if parts else ""


def _gate_at_level(section: ThresholdSection) -> list[GateRow]:
    """Returns the rows of the gate at the level of the section, without the benchmark."""
    return [
        row for row in section.gate if row.level in {None, section.level} and not row.is_benchmark
    ]


def offered_text(section: ThresholdSection) -> str:
    """Returns which models pass the gate at each level, and what the gate asks."""
    benchmark = next((row.model for row in section.gate if row.is_benchmark), "")
    name = f" ({benchmark})" if benchmark else ""
    sentences = [
        _level_sentence(level_text(section.level if level is None else level), list(rows))
        for level, rows in groupby(section.gate, key=lambda row: row.level)
    ]
    return (
        f"The gate compares every model with the benchmark{name}. {' '.join(sentences)}"
        f" {replaced_benchmark_text(section)}{GATE_AND_DEFAULT}"
    )


def replaced_benchmark_text(section: ThresholdSection) -> str:
    """Returns on which share of tested days another model stands in place of the benchmark.

    Empty if none does, or if the document does not state it. Underlyings on which it does so on more
    than half of the days are named.
    """
    excluded = {row.underlying for row in section.not_judged}
    rows = [row for row in section.rows if row.underlying not in excluded and row.tested_days]
    replaced = sum(row.benchmark_replaced or 0 for row in rows)
    if not replaced:
        return ""
    shares = {row.underlying: (row.benchmark_replaced or 0) / row.tested_days for row in rows}
    worst = sorted((name for name in shares if shares[name] > _WORST_SHARE), key=shares.__getitem__)
    named = [f"{_whole(shares[name])} of {name}'s" for name in reversed(worst)]
    where = f", and on {join_words(named)}" if named else ""
    days = sum(row.tested_days for row in rows)
    return (
        f"On {_whole(replaced / days)} of tested days{where}, the fit of the benchmark failed and"
        f" {section.benchmark_fallback}, stands in its place. "
    )


def _whole(share: float) -> str:
    return f"{share * 100:.0f}{numbers.NBSP}%" if share >= _LEAST_WHOLE else numbers.rate(share)


def _level_sentence(level: str, rows: list[GateRow]) -> str:
    others = [row for row in rows if not row.is_benchmark]
    passed = [row.model for row in others if row.is_offered]
    untested = [row.model for row in others if gate_state(row) == NOT_TESTABLE]
    apart = f" Not testable: {'; '.join(untested)}." if untested else ""
    models = numbers.count_text(len(others), "model")
    if not passed:
        return f"At {level}, none of {models} passes.{apart}"
    verb = "passes" if len(passed) == 1 else "pass"
    return f"At {level}, {len(passed)} of {models} {verb}: {'; '.join(passed)}.{apart}"


def signals_text(section: ThresholdSection) -> str:
    """Returns what the records of all signals tell of breaches, signals of one kind together."""
    return f"A signal asks a person to look at a margin. {' '.join(_foresights(section))}"


def _foresights(section: ThresholdSection) -> Iterator[str]:
    by_words: dict[str, list[str]] = {}
    for row in section.signals:
        by_words.setdefault(row.foresight or row.reason, []).append(row.signal)
    for words, names in by_words.items():
        yield f"{join_words(names)}: {words}."
