"""The last year of a path: a rate per day, and the losses above what was known on the day before."""

from dataclasses import replace

import numpy as np

from harmonize.adequacy.horizons import Side
from harmonize.api.threshold_recent import RECENT_DAYS, recent_path
from harmonize.api.threshold_terms import DayLoss, RecentPath
from harmonize.core.schedule import Unknown
from harmonize.thresholds.history import DailyHistory
from harmonize.thresholds.path import Fallback, Model, PathsByModel, SidePath, ThresholdPath, Tool

SLOW, FAST = Model.HISTORICAL_365, Model.GARCH
LEVEL = 0.99


def history(days: list[int], returns: list[float]) -> DailyHistory:
    return DailyHistory("BTC", np.array(days, dtype=np.int64), np.array(returns))


def path(own: DailyHistory, model: Model, long: list[float]) -> ThresholdPath:
    values = np.array(long)
    side = SidePath(values.copy(), values.copy())
    other = SidePath(values / 2, values / 2)
    return ThresholdPath("BTC", model, LEVEL, own.threshold_days, side, other)


def paths(own: DailyHistory, slow: list[float], fast: list[float]) -> PathsByModel:
    return {SLOW: (path(own, SLOW, slow),), FAST: (path(own, FAST, fast),)}


OWN = history([100, 101, 103, 104], [0.01, -0.12, 0.13, -0.08])


def test_a_day_without_a_return_has_no_rate() -> None:
    found = recent_path(OWN, paths(OWN, [0.1] * 5, [0.2] * 5), SLOW, Tool.NONE)
    assert found.first_day == 100
    assert found.default == (0.1, 0.1, None, 0.1, 0.1, 0.1)
    assert found.fast == (0.2, 0.2, None, 0.2, 0.2, 0.2)


def test_losses_of_both_sides_are_above_the_threshold_of_their_day() -> None:
    found = recent_path(OWN, paths(OWN, [0.1, 0.11, 0.14, 0.07, 0.01], [1.0] * 5), SLOW, Tool.NONE)
    assert found.losses == (DayLoss(101, Side.LONG, 0.12), DayLoss(104, Side.LONG, 0.08))
    found = recent_path(OWN, paths(OWN, [0.1, 0.2, 0.1, 0.1, 0.1], [0.01] * 5), SLOW, Tool.NONE)
    assert found.losses == (DayLoss(103, Side.SHORT, 0.13),)


def test_a_day_without_a_threshold_is_neither_a_zero_nor_a_loss() -> None:
    nan = float("nan")
    found = recent_path(OWN, paths(OWN, [nan, nan, 0.2, 0.2, 0.2], [0.1] * 5), SLOW, Tool.NONE)
    assert found.default == (None, None, None, 0.2, 0.2, 0.2)
    assert found.losses == ()
    found = recent_path(OWN, paths(OWN, [nan, nan, 0.2, 0.2, 0.2], [nan] * 5), SLOW, Tool.NONE)
    assert (found.first_day, found.default) == (103, (0.2, 0.2, 0.2))


def test_the_tool_applies_to_the_default_only() -> None:
    found = recent_path(OWN, paths(OWN, [0.1] * 5, [0.2] * 5), SLOW, Tool.BUFFER)
    assert found.default[0] == 0.125
    assert found.fast[0] == 0.2


def test_rates_have_four_digits() -> None:
    found = recent_path(OWN, paths(OWN, [0.1234567] * 5, [0.2] * 5), SLOW, Tool.NONE)
    assert found.default[0] == 0.1235


def test_the_last_days_are_kept_and_the_last_one_follows_the_last_return() -> None:
    size = RECENT_DAYS + 100
    own = history(list(range(size)), [0.0] * size)
    found = recent_path(own, paths(own, [0.1] * (size + 1), [0.2] * (size + 1)), SLOW, Tool.NONE)
    assert len(found.default) == len(found.fast) == RECENT_DAYS
    assert found.first_day == size - RECENT_DAYS + 1


def test_a_model_in_place_of_another_is_named_with_its_days() -> None:
    own = paths(OWN, [0.1] * 5, [0.2] * 5)
    fallback = Fallback(101, 103, 2, "no fit", Model.FILTERED_94)
    fast = path(OWN, FAST, [0.2] * 5)
    replaced = {**own, FAST: (replace(fast, fallbacks=(fallback,)),)}
    found = recent_path(OWN, replaced, SLOW, Tool.NONE)
    words = "EWMA 0.94, filtered, in place of GARCH(1,1)-t, filtered on 2 of 5 days"
    assert (found.default_fallback, found.fast_fallback) == ("", words)
    benchmark = recent_path(OWN, replaced, FAST, Tool.NONE)
    assert (benchmark.default_fallback, benchmark.fast_fallback) == (words, words)
    before = replace(fallback, first_day=10, last_day=99)
    old = {**own, FAST: (replace(fast, fallbacks=(before,)),)}
    assert recent_path(OWN, old, SLOW, Tool.NONE).fast_fallback == ""


def test_a_model_without_a_path_leaves_the_other_one() -> None:
    own = paths(OWN, [0.1] * 5, [0.2] * 5)
    found = recent_path(OWN, {**own, SLOW: Unknown("too short")}, SLOW, Tool.NONE)
    assert set(found.default) == {None}
    assert found.fast[0] == 0.2
    assert recent_path(OWN, {}, SLOW, Tool.NONE) == RecentPath()


def test_returns_of_later_days_do_not_change_earlier_rates() -> None:
    later = replace(OWN, returns=np.array([0.01, -0.12, 0.13, -0.9]))
    before, after = (
        recent_path(own, paths(own, [0.1] * 5, [0.2] * 5), SLOW, Tool.STRESSED)
        for own in (OWN, later)
    )
    assert before.default == after.default
