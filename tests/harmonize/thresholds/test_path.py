"""What stands in a path in place of a model without a fit, on which days."""

import numpy as np
import pytest

from harmonize.thresholds.path import Fallback, Model, replacement

DAYS = np.arange(100, 110)
FIT = Fallback(104, 106, 3, "persistence 1", Model.FILTERED_94)
LATE = Fallback(108, 140, 33, "persistence 1", Model.FILTERED_94)
ABSENT = Fallback(100, 109, 10, "no feature", None)


@pytest.mark.parametrize(
    ("fallbacks", "days", "words"),
    [
        ((FIT,), DAYS[4:7], "EWMA 0.94, filtered, in place of peaks over threshold"),
        ((FIT,), DAYS, "EWMA 0.94, filtered, in place of peaks over threshold on 3 of 10 days"),
        (
            (FIT, LATE),
            DAYS,
            "EWMA 0.94, filtered, in place of peaks over threshold on 5 of 10 days",
        ),
        (
            (ABSENT, FIT),
            DAYS[6:],
            "EWMA 0.94, filtered, in place of peaks over threshold on 1 of 4 days",
        ),
    ],
)
def test_the_days_of_fallbacks_are_counted(
    fallbacks: tuple[Fallback, ...], days: np.ndarray, words: str
) -> None:
    assert str(replacement(Model.PEAKS, fallbacks, days)) == words


def test_days_outside_and_days_on_which_nothing_stands_there_are_no_replacement() -> None:
    assert replacement(Model.GARCH, (FIT,), DAYS[:4]) is None
    assert replacement(Model.GARCH, (FIT,), DAYS[7:]) is None
    assert replacement(Model.GARCH, (ABSENT,), DAYS) is None
    assert replacement(Model.GARCH, (), DAYS) is None


def test_of_an_average_it_is_garch_that_is_replaced() -> None:
    found = replacement(Model.AVERAGE, (ABSENT, FIT), DAYS[4:7])
    assert found is not None
    assert found.model is Model.GARCH
