"""What the page of thresholds says in sentences: verdicts on margins, the gate, and signals."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from harmonize.document import GateRow, ThresholdAdviceRow, ThresholdSection
from harmonize.document.input_age import MAX_AGE_DAYS
from harmonize.document.threshold_sentences import GATE_AND_DEFAULT
from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.site.adequacy_words import level_text

MOVES = ("should rise", "could fall", "need not move")
"""Statements that have a direction, or state that there is none to take."""


def standfirst(section: ThresholdSection) -> str:
    """Returns the result: how many margins should move, how sure that is, and how many models pass."""
    gate = _gate_at_level(section)
    offered = sum(row.is_offered for row in gate)
    level = level_text(section.level)
    return (
        f"{_verdicts(section)} {_certainties(section)} A threshold is the margin that covers the daily loss"
        f" of a long and of a short on {level} of days, known on the day before."
        f" {offered} of {numbers.count_text(len(gate), 'model')} may replace the benchmark model (the gate)."
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
    level = level_text(section.level)
    if not known:
        return f"By daily {level} thresholds, no median margin of venues can be judged on {total}."
    open_ = sum(moves.values()) - sum(moves[move] for move in MOVES)
    rest = f" On {open_} it cannot be told." if open_ else ""
    first, *others = known
    verdicts = join_words([f"{first} of {total}", *others])
    return (
        f"By daily {level} thresholds, the median initial margin (IM) of venues {verdicts}.{rest}"
    )


def _certainties(section: ThresholdSection) -> str:
    """Returns how many of these statements are sure, and that old prices leave none."""
    advice = venue_advice(section)
    sure = sum(own.certainty == "high" for own in advice)
    old = sum(row.age_days > MAX_AGE_DAYS for row in section.rows)
    if old and old == len(section.rows):
        return (
            f"None of these statements is of high certainty: every last price is more than {MAX_AGE_DAYS} days"
            " old."
        )
    names = numbers.count_text(old, "underlying")
    why = (
        f"; {names} with a last price more than {MAX_AGE_DAYS} days old {'has' if old == 1 else 'have'} none"
        if old
        else ""
    )
    return f"{sure} of these {len(advice)} statements are of high certainty{why}."


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
    return f"The gate compares every model with the benchmark{name}. {' '.join(sentences)} {GATE_AND_DEFAULT}"


def _level_sentence(level: str, rows: list[GateRow]) -> str:
    others = [row for row in rows if not row.is_benchmark]
    passed = [row.model for row in others if row.is_offered]
    models = numbers.count_text(len(others), "model")
    if not passed:
        return f"At {level}, none of {models} passes."
    verb = "passes" if len(passed) == 1 else "pass"
    return f"At {level}, {len(passed)} of {models} {verb}: {'; '.join(passed)}."


def signals_text(section: ThresholdSection) -> str:
    """Returns what the records of all signals tell of breaches, signals of one kind together."""
    return f"A signal asks a person to look at a margin. {' '.join(_foresights(section))}"


def _foresights(section: ThresholdSection) -> Iterator[str]:
    by_words: dict[str, list[str]] = {}
    for row in section.signals:
        by_words.setdefault(row.foresight or row.reason, []).append(row.signal)
    for words, names in by_words.items():
        yield f"{join_words(names)}: {words}."
