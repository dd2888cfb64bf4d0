"""Certainty of a statement: what lowers it is named, and what it would be without that."""

import pytest

from harmonize.api.threshold_certainty import Doubt, certainty_of, old_prices
from harmonize.api.threshold_terms import Certainty

OLD_WORDS = "low, because the last price is 383 days old"
OLD = Doubt(Certainty.LOW, "the last price is 383 days old", "recent prices")
FEW = Doubt(Certainty.MEDIUM, "one venue only", "more venues")


@pytest.mark.parametrize(
    ("agreeing", "models", "doubts", "expected"),
    [
        (6, 6, (), "high"),
        (5, 6, (), "medium, because only 5 of 6 models agree with the interval"),
        (3, 6, (), "low, because only 3 of 6 models agree with the interval"),
        (1, 6, (), "low, because only 1 of 6 models agrees with the interval"),
        (0, 7, (), "low, because none of 7 models agrees with the interval"),
        (0, 1, (), "low, because the only model does not agree with the interval"),
        (0, 0, (), "low, because no model without a tool covers both sides"),
        (6, 6, (OLD,), f"{OLD_WORDS}; it would be high with recent prices"),
        (
            5,
            6,
            (OLD,),
            f"{OLD_WORDS}; it would be medium with recent prices, because only 5 of 6 models agree with the interval",
        ),
        (
            2,
            6,
            (OLD,),
            "low, because only 2 of 6 models agree with the interval and the last price is 383 days old",
        ),
        (6, 6, (FEW,), "medium, because one venue only; it would be high with more venues"),
        (
            6,
            6,
            (OLD, FEW),
            (
                "low, because the last price is 383 days old and one venue only; it would be high with recent"
                " prices and more venues"
            ),
        ),
    ],
)
def test_the_words_name_what_lowers_the_certainty(
    agreeing: int, models: int, doubts: tuple[Doubt, ...], expected: str
) -> None:
    level, words = certainty_of(agreeing, models, doubts)
    assert words == expected
    assert level is Certainty(expected.partition(",")[0])


@pytest.mark.parametrize(("age", "is_old"), [(0, False), (30, False), (31, True), (383, True)])
def test_prices_are_old_after_a_month(age: int, *, is_old: bool) -> None:
    found = old_prices(age)
    assert (found is not None) == is_old
    if found:
        assert found.reason == f"the last price is {age} days old"
