import numpy as np
import pytest

from harmonize.thresholds.history import DailyHistory
from harmonize.thresholds.signals import (
    Signal,
    above_need,
    above_need_evidence,
    breaches,
    failing_asset,
    failing_asset_evidence,
    fast_margin,
    fast_margin_evidence,
    repeated_breaches,
    repeated_breaches_evidence,
    short_history_evidence,
)
from tests.harmonize.thresholds.samples import history, of

FORMULA = "the formula of harmonized-baseline, recalculated daily"


def on(rows: np.ndarray) -> list[int]:
    return np.flatnonzero(rows).tolist()


def quiet(size: int, moves: dict[int, float]) -> DailyHistory:
    returns = np.full(size, 0.001)
    for row, move in moves.items():
        returns[row] = move
    return of(returns)


def test_a_fast_margin_above_a_quarter_more_than_the_threshold() -> None:
    fast = np.array([0.125, 0.1251, np.nan, 0.2])
    days = fast_margin(fast, np.array([0.1, 0.1, 0.1, np.nan]))
    assert days.signal is Signal.FAST_MARGIN
    assert on(days.is_on) == [1]
    assert on(days.is_observed) == [0, 1]


def test_breaches_are_those_of_either_side() -> None:
    own = of(np.array([-0.2, 0.2, 0.1, -0.05]))
    assert on(breaches(own, np.array([0.15, 0.15, 0.15, np.nan, 0.1]))) == [0, 1]
    with pytest.raises(ValueError, match="expected 5 thresholds, found"):
        breaches(own, np.full(4, 0.1))


def test_two_breaches_in_ten_days_are_known_on_the_day_after_the_second() -> None:
    own = quiet(60, {20: -0.3, 29: 0.3, 45: 0.3, 55: -0.3})
    days = repeated_breaches(own, np.full(61, 0.1))
    assert on(days.is_on) == [30]  # day 20 is ten days before; 45 and 55 never are within ten days
    assert on(~days.is_observed) == [0]


def test_days_without_returns_count_as_days() -> None:
    returns = np.array([0.3, 0.001, 0.3, 0.001])
    own = DailyHistory("BTC", np.array([0, 1, 8, 9]), returns)
    assert on(repeated_breaches(own, np.full(5, 0.1)).is_on) == [3, 4]
    later = DailyHistory("BTC", np.array([0, 1, 12, 13]), returns)
    assert on(repeated_breaches(later, np.full(5, 0.1)).is_on) == []


def test_sixty_days_above_need() -> None:
    need, in_force = np.full(130, 0.1), np.full(130, 0.11)
    in_force[[3, 100]] = 0.1
    days = above_need(need, in_force)
    assert on(days.is_on) == list(range(63, 100))
    assert on(days.is_observed) == list(range(59, 130))
    assert on(above_need(need, in_force, ratio=1.25).is_on) == []
    in_force[70] = np.nan
    assert on(above_need(need, in_force).is_on) == list(range(63, 70))
    assert on(above_need(need, in_force).is_observed) == list(range(59, 70))


def test_a_history_is_short_until_it_has_a_year() -> None:
    assert short_history_evidence(history(400)) is None
    evidence = short_history_evidence(history(100))
    assert evidence is not None
    assert (evidence.observed, evidence.required, evidence.proposal) == (100, 365, None)
    assert evidence.text == "100 returns, 365 are required; use the class of new assets"


def luna() -> tuple[DailyHistory, np.ndarray]:
    """The last days of LUNA, May 2022, after a calm year: −53, −42 and −94 % against 18 %."""
    rng = np.random.default_rng(3)
    calm = np.clip(0.06 * rng.standard_t(4, size=400), -0.3, 0.4)
    own = of(np.concatenate([calm, [-0.09, -0.53, -0.42, -0.94]]), "LUNA")
    return own, np.concatenate([np.full(365, np.nan), np.full(40, 0.18)])


def test_a_failing_asset_is_known_after_its_first_collapse_and_before_the_next() -> None:
    own, historical = luna()
    days = failing_asset(own, historical)
    assert on(days.is_on) == [402, 403, 404]  # before −42 %, before −94 %, and on the next day
    assert on(days.is_observed) == list(range(366, 405))
    evidence = failing_asset_evidence(own, historical)
    assert evidence is not None
    assert evidence.observed == pytest.approx(0.94)
    assert evidence.required == pytest.approx(0.36)
    assert evidence.proposal is None
    assert evidence.text.startswith("loss of 94.0 % against a historical VaR of 18.0 %")


def test_a_large_loss_of_which_there_were_larger_ones_is_no_failure() -> None:
    own, historical = luna()
    returns = own.returns.copy()
    returns[100] = -0.97
    assert on(failing_asset(of(returns, "LUNA"), historical).is_on) == []
    assert failing_asset_evidence(of(returns, "LUNA"), historical) is None


def test_a_failure_is_forgotten_after_ten_days() -> None:
    own = of(np.concatenate([luna()[0].returns[:402], np.full(20, 0.001)]))
    historical = np.full(423, 0.18)
    assert on(failing_asset(own, historical).is_on) == list(range(402, 412))


def test_evidence_of_a_fast_margin_proposes_it() -> None:
    own = history(400)
    fast, in_force = np.full(401, 0.13579), np.full(401, 0.1)
    evidence = fast_margin_evidence(own, fast, in_force)
    assert evidence is not None
    assert (evidence.observed, evidence.required) == (0.1358, 0.125)
    assert evidence.proposal == 0.1358
    assert evidence.day == own.days[-1] + 1
    assert evidence.text == f"fast margin 13.58 %, above 1.25 × 10.0 % by {FORMULA}"
    assert fast_margin_evidence(own, fast, np.full(401, 0.2)) is None


def test_no_proposal_is_above_the_whole_position() -> None:
    evidence = fast_margin_evidence(history(400), np.full(401, 1.206), np.full(401, 0.1))
    assert evidence is not None
    assert (evidence.observed, evidence.proposal) == (1.206, 1.0)
    assert evidence.text.startswith("fast margin 120.6 %")


def test_evidence_of_breaches_proposes_the_larger_margin() -> None:
    own = quiet(60, {52: -0.3, 58: 0.2})
    in_force = np.full(61, 0.1)
    evidence = repeated_breaches_evidence(own, np.full(61, 0.15), in_force)
    assert evidence is not None
    assert (evidence.observed, evidence.required, evidence.proposal) == (2, 2, 0.15)
    assert evidence.text == (
        f"2 breaches of the margin by {FORMULA}, in 10 days, the largest a move of 30.0 %"
    )
    unknown = repeated_breaches_evidence(own, np.full(61, np.nan), in_force)
    assert unknown is not None
    assert unknown.proposal == 0.1
    assert repeated_breaches_evidence(quiet(60, {58: 0.2}), in_force, in_force) is None


def test_evidence_above_need_proposes_the_largest_need() -> None:
    need = np.full(401, 0.1)
    need[370], need[330] = 0.14, 0.2
    evidence = above_need_evidence(history(400), need, np.full(401, 0.21))
    assert evidence is not None
    assert (evidence.observed, evidence.required, evidence.proposal) == (0.21, 0.1, 0.14)
    assert evidence.text == (
        f"21.0 % by {FORMULA}, at least 1.5 × the need (fast margin) on each of 60 days"
    )
    assert above_need_evidence(history(400), need, np.full(401, 0.12)) is None
