"""Whether a margin should move: the interval, what the models say, the size and the age of prices."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median

import pytest

from harmonize.api.threshold_intervals import ThresholdInterval
from harmonize.api.threshold_terms import (
    Advice,
    Certainty,
    Move,
    Statements,
    ThresholdTerms,
    VenueRate,
)
from harmonize.api.threshold_venues import AdviceBasis, advise
from harmonize.core.schedule import Unknown

TERMS = ThresholdTerms()
NOW = datetime(2026, 1, 1, tzinfo=UTC)
RISING = ThresholdInterval(0.20, 0.15, 0.25, "r")
FALLING = ThresholdInterval(0.05, 0.04, 0.06, "f")
STAYING = ThresholdInterval(0.10, 0.08, 0.15, "s")


def rates(*values: float | Unknown) -> tuple[VenueRate, ...]:
    return tuple(VenueRate(f"venue{n}", "X", value, NOW) for n, value in enumerate(values))


def basis(
    *covering: ThresholdInterval,
    threshold: ThresholdInterval | Unknown = STAYING,
    factor: float | Unknown = 1.0,
    age: int = 0,
    judged: int = 12,
) -> AdviceBasis:
    return AdviceBasis("BTC", threshold, covering, factor, judged, age, NOW)


def on_venues(own: AdviceBasis, required: float, terms: ThresholdTerms = TERMS) -> Advice:
    return advise(own, terms, rates(*(required,) * 3), Unknown("no class"))[0]


def test_the_median_of_known_rates_counts_and_the_rule_set_is_judged_apart() -> None:
    venues, reference = advise(
        basis(STAYING), TERMS, rates(0.01, 0.03, 0.02, Unknown("absent")), 0.30
    )
    assert venues.required == median([0.01, 0.02, 0.03])
    assert (venues.move, venues.certainty) == (Move.RISE, Certainty.HIGH)
    assert venues.sentence.startswith("BTC: the median IM of 3 venues at $1,000,000, 2.0 %, should")
    assert (reference.move, reference.certainty) == (Move.FALL, Certainty.HIGH)
    assert "harmonized-baseline" in reference.sentence


@pytest.mark.parametrize(
    ("required", "move"),
    [(0.0799, Move.RISE), (0.08, Move.STAY), (0.15, Move.STAY), (0.1501, Move.FALL)],
)
def test_the_ends_of_the_interval_decide(required: float, move: Move) -> None:
    assert on_venues(basis(STAYING), required).move is move


def test_without_an_upper_end_no_margin_may_fall() -> None:
    unbounded = replace(STAYING, upper=None)
    found = on_venues(basis(unbounded, threshold=unbounded), 0.9)
    assert found.move is Move.STAY
    assert "The 95 % interval is 8.0 % to unbounded, from s." in found.sentence


def test_each_model_speaks_by_its_own_interval() -> None:
    wide = replace(FALLING, upper=0.11)
    found = on_venues(basis(FALLING, wide, STAYING, RISING), 0.10)
    assert found.statements == Statements(rising=1, falling=1, staying=2)
    assert (found.agreeing, found.statements.total) == (2, 4)
    assert (
        "Of 4 models that cover longs and shorts, 1 says it could fall, 2 say it need not move and 1 says "
        "it should rise."
    ) in found.sentence
    alike = on_venues(basis(STAYING, STAYING), 0.10)
    assert "2 of 2 models that cover longs and shorts agree." in alike.sentence


@pytest.mark.parametrize(
    ("covering", "move"),
    [
        ((FALLING, FALLING, FALLING, FALLING, FALLING, STAYING), Move.DISPUTED),
        ((FALLING,) * 6, Move.DISPUTED),
        ((FALLING, STAYING), Move.STAY),
        ((FALLING, STAYING, STAYING), Move.STAY),
    ],
)
def test_fewer_than_half_of_the_models_dispute_the_statement(
    covering: Sequence[ThresholdInterval], move: Move
) -> None:
    found = on_venues(basis(*covering), 0.10)
    assert found.move is move
    assert (found.certainty is Certainty.LOW) == (2 * found.agreeing <= len(covering))
    if move is Move.DISPUTED:
        assert found.sentence.startswith(
            "BTC: whether the median IM of 3 venues at $1,000,000, 10.0 %, should move is disputed; "
            "certainty low. The threshold"
        )
        votes = {5: "5 say it could fall and 1 says it need not move", 6: "6 say it could fall"}
        assert (
            "By the interval it need not move. But of 6 models that cover longs and shorts, "
            f"{votes[covering.count(FALLING)]}."
        ) in found.sentence


@pytest.mark.parametrize("required", [0.01, 0.10, 0.90])
def test_without_a_model_that_covers_no_direction_is_stated(required: float) -> None:
    found = on_venues(basis(), required)
    assert (found.move, found.certainty) == (Move.OPEN, Certainty.LOW)
    assert "should move cannot be told; certainty low. The threshold is 10.0 %" in found.sentence
    assert not any(str(move) in found.sentence for move in (Move.RISE, Move.FALL, Move.STAY))
    assert (
        "from s. The certainty is low, because no model without a tool covers both sides."
    ) in found.sentence


def test_a_sentence_on_several_days_says_what_it_compares() -> None:
    words = "The threshold over 10 days is 10.0 % at that size"
    long, short = (
        advise(basis(STAYING), ThresholdTerms(horizon=days), rates(0.1), 0.05) for days in (10, 1)
    )
    assert [words in own.sentence for own in long] == [True, True]
    assert not any("over 10 days" in own.sentence for own in short)


def test_every_sentence_is_short_enough_to_read_once() -> None:
    sample = "the last 365 returns and the 365 returns up to 2025-05-08 (stressed)"
    long = replace(STAYING, sample=sample)
    sure, unsure = (
        on_venues(basis(STAYING, threshold=long), 0.10),
        on_venues(basis(FALLING, STAYING, age=383), 0.3),
    )
    for found in (sure, unsure):
        sentences = found.sentence.split(". ")
        assert max(len(own.split()) for own in sentences) <= 25
    assert "certainty is" not in sure.sentence


def test_an_unknown_margin_leaves_the_threshold_at_its_size() -> None:
    venues, _ = advise(basis(STAYING, factor=1.5), TERMS, (), 0.1)
    assert venues.threshold == 0.15


def test_the_sentence_names_what_lowers_the_certainty() -> None:
    found = on_venues(basis(STAYING, age=383), 0.10)
    assert found.certainty is Certainty.LOW
    assert ", 10.0 %, need not move; certainty low. " in found.sentence
    ending = "The certainty is low, because the last price is 383 days old; it would be high with recent prices."
    assert ending in found.sentence
    assert found.certainty_text in ending


def test_a_margin_compares_with_the_threshold_of_its_size() -> None:
    terms = ThresholdTerms(notional=1e9)
    found = on_venues(basis(STAYING, FALLING, threshold=STAYING, factor=1.3188), 0.16, terms)
    assert (found.threshold, found.lower, found.upper) == (0.1319, 0.1055, 0.1978)
    assert found.move is Move.STAY
    assert found.statements == Statements(falling=1, staying=1)
    assert "at $1,000,000,000, 16.0 %, need not move; certainty" in found.sentence
    assert (
        "The threshold is 13.19 % at that size (10.0 %, raised by 31.88 % for the size). The"
        in found.sentence
    )
    assert on_venues(basis(STAYING), 0.16, terms).move is Move.FALL


def test_without_volume_the_threshold_has_no_size_and_says_so() -> None:
    found = on_venues(basis(STAYING, factor=Unknown("no perpetual on BTC")), 0.10)
    assert (found.threshold, found.move) == (0.10, Move.STAY)
    assert "The threshold is 10.0 % without size (no perpetual on BTC). The" in found.sentence


def test_an_unknown_margin_or_threshold_is_not_judged() -> None:
    venues, reference = advise(basis(STAYING), TERMS, (), Unknown("BTC has no class"))
    assert venues.move is reference.move is Move.UNKNOWN
    assert reference.sentence.endswith("cannot be judged: BTC has no class.")
    absent = on_venues(basis(STAYING, threshold=Unknown("none")), 0.1)
    assert absent.sentence.endswith("cannot be judged: none.")


@pytest.mark.parametrize(("judged", "expected"), [(12, Certainty.HIGH), (11, Certainty.MEDIUM)])
def test_a_default_of_fewer_than_twelve_underlyings_is_of_medium_certainty(
    judged: int, expected: Certainty
) -> None:
    for found in advise(basis(STAYING, judged=judged), TERMS, rates(0.1, 0.1, 0.1), 0.1):
        assert found.certainty is expected
        words = "models are judged over fewer than 12 underlyings"
        assert (words in found.sentence) == (judged == 11)


def test_the_median_of_fewer_than_three_venues_is_of_low_certainty() -> None:
    for values in ((0.1,), (0.1, 0.1, Unknown("absent"))):
        venues, reference = advise(basis(STAYING), TERMS, rates(*values), 0.1)
        assert venues.certainty is Certainty.LOW
        assert (
            "low, because fewer than 3 venues have a known IM; it would be high with 3 venues of known IM."
        ) in venues.sentence
        assert reference.certainty is Certainty.HIGH
        assert "venues have" not in reference.sentence


@pytest.mark.parametrize(("age", "expected"), [(30, Certainty.HIGH), (31, Certainty.LOW)])
def test_an_old_table_of_a_venue_gives_low_certainty_and_its_date_is_stated(
    age: int, expected: Certainty
) -> None:
    first, *others = rates(0.1, 0.1, 0.1)
    old = replace(first, observed_at=NOW - timedelta(days=age))
    unrated = replace(old, rate=Unknown("absent"), observed_at=NOW - timedelta(days=900))
    found = advise(basis(STAYING), TERMS, (unrated, old, *others), 0.1)
    assert found[0].certainty is expected
    day = f"{old.observed_at:%Y-%m-%d}"
    aged = f"because the oldest table of a venue ({day}) is 31 days old; it would be high with recent tables."
    dated = f"agree. The oldest table of a venue is of {day}."
    assert found[0].sentence.endswith(aged if age == 31 else dated)
    assert found[1].certainty is Certainty.HIGH
    assert "table" not in found[1].sentence
