"""Sentences on thresholds: one per underlying, from the figures of its statements."""

import pytest

from harmonize.document import ThresholdAdviceRow
from harmonize.document.threshold_sentences import (
    asset_sentence,
    dispute_text,
    interval_move,
    share_text,
)


def advice(
    move: str, required: float | None = 0.1, *votes: int, **others: str
) -> ThresholdAdviceRow:
    """Returns a statement on the venues; ``votes`` are the models that say fall, stay and rise."""
    falling, staying, rising = votes or (0, 0, 0)
    return ThresholdAdviceRow(
        subject=others.get("subject", "median IM of 3 venues"),
        required=required,
        lower=0.1492,
        upper=0.2523,
        move=move,
        certainty=others.get("certainty", "low"),
        agreeing=0,
        models=falling + staying + rising,
        sentence="",
        threshold=0.1681,
        falling=falling,
        staying=staying,
        rising=rising,
    )


REFERENCE = "IM of harmonized-baseline"


def test_one_sentence_states_move_way_and_certainty() -> None:
    both = (advice("should rise"), advice("could fall", 0.2609, subject=REFERENCE))
    assert asset_sentence("AAVE", both, 383) == (
        "AAVE: venues should rise (10.0 %); the reference could fall (26.09 %); threshold 16.81 %, 14.92 % to"
        " 25.23 %; certainty low: prices 383 days old."
    )


def test_statements_of_unequal_certainty_state_both() -> None:
    both = (advice("should rise"), advice("could fall", subject=REFERENCE, certainty="high"))
    found = asset_sentence("BTC", both, 30)
    assert found.endswith("; certainty low for venues and high for the reference.")


def test_a_disputed_statement_states_both_sides() -> None:
    own = advice("disputed", 0.2017, 7, 0, 0, subject=REFERENCE)
    assert asset_sentence("SOL", (own,), 251).startswith(
        "SOL: whether the reference (20.17 %) should move is disputed: it need not move by the interval,"
        " but could fall by 7 of 7 models; threshold"
    )
    split = advice("disputed", 0.2017, 3, 2, 2)
    assert dispute_text(split) == (
        "it need not move by the interval, but could fall by 3 and should rise by 2 of 7 models"
    )


@pytest.mark.parametrize(
    ("required", "move"),
    [(0.1491, "should rise"), (0.1492, "need not move"), (0.2524, "could fall"), (None, "")],
)
def test_the_interval_alone_says_the_way(required: float | None, move: str) -> None:
    assert interval_move(advice("disputed", required)) == move


def test_without_a_margin_or_a_direction_the_sentence_says_so() -> None:
    both = (advice("cannot be told"), advice("cannot be judged", None, subject=REFERENCE))
    assert asset_sentence("X", both, 1).startswith(
        "X: whether venues (10.0 %) should move cannot be told; whether the reference should move cannot be"
        " judged; threshold"
    )


def test_a_share_has_the_counts_behind_it() -> None:
    assert share_text(19, 226) == "8.4 % (19 of 226)"
    assert share_text(0, 111) == "0 % (0 of 111)"
    assert share_text(0, 0) == "0 of 0"
