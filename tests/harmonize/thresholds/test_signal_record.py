import numpy as np
import pytest
from scipy.stats import ttest_1samp

from harmonize.core.schedule import Unknown
from harmonize.thresholds.signal_record import (
    Foresight,
    SignalHistory,
    first_breaches,
    record_signal,
)
from harmonize.thresholds.signals import Signal, SignalDays
from tests.harmonize.thresholds.samples import FIRST_DAY, of


def asset(
    size: int, on: list[int], breaches: list[int], signal: Signal = Signal.FAST_MARGIN
) -> SignalHistory:
    own = of(np.zeros(size))
    is_on, is_breach = np.zeros(size + 1, dtype=bool), np.zeros(size, dtype=bool)
    is_on[on], is_breach[breaches] = True, True
    return SignalHistory(
        own,
        SignalDays(signal, is_on, np.ones(size + 1, dtype=bool)),
        is_breach,
        np.ones(size, dtype=bool),
    )


def test_first_breaches_follow_ten_calm_days() -> None:
    own = asset(60, [], [3, 13, 14, 25, 36, 46])
    assert np.flatnonzero(first_breaches(own.history, own.is_breach)).tolist() == [3, 25, 36]


def test_a_record_by_hand() -> None:
    """Forty returns and the next day; 36 of these 41 days are followed by five returns."""
    own = asset(40, on=[8, 9, 20, 38], breaches=[10, 25, 39])
    record = record_signal([own])
    assert (record.signal, record.days, record.days_on) == (Signal.FAST_MARGIN, 41, 4)
    assert record.episodes == 3
    assert record.follow_rate == pytest.approx(
        2 / 3, rel=1e-3
    )  # 8 and 9, but not 20: it reaches day 24
    # Days from which a breach is at most four days away: 6 to 10, 21 to 25, and 35 of 35 to 39.
    assert record.base_rate == pytest.approx(11 / 36, rel=1e-3)
    assert (record.first_breaches, record.foretold) == (3, 2)  # 10 by 8 and 9, 39 by 38
    near = {8, 9, 10, 11, 12, 13, 20, 21, 22, 23, 24}
    assert record.chance_rate == pytest.approx(len(near) / 36, rel=1e-3)
    assert record.p_value == Unknown(
        "3 first breaches on 3 days: 3 days in common, 30 are required"
    )
    assert (record.separate_runs, record.foresight) == (2, Foresight.FEW_RUNS)
    assert record.confirming_p == Unknown("2 separate runs, 10 are required")


def cycles(offset: int, count: int = 60, length: int = 40) -> SignalHistory:
    """A breach every 40 days, and a signal ``offset`` days from it."""
    rows = 20 + length * np.arange(count)
    jitter = np.where(np.arange(count) % 7 == 0, 12, 0)  # some miss, so that differences vary
    return asset(length * count + 20, (rows + offset + jitter).tolist(), rows.tolist())


def test_a_signal_before_breaches_foresees_them() -> None:
    record = record_signal([cycles(-2)])
    assert record.foresight is Foresight.FORESEES
    assert record.foretold == 51  # of 60, of which 9 have the signal too late
    assert isinstance(record.p_value, float)
    assert record.p_value < 1e-4


def test_a_signal_after_breaches_does_not_foresee() -> None:
    record = record_signal([cycles(1)])
    assert record.foretold == 0
    assert record.foresight is Foresight.NEITHER


def test_a_signal_among_breaches_confirms_but_does_not_foresee() -> None:
    rows = 40 * np.arange(60) + 20
    breaches = np.concatenate([rows, rows + 3])
    record = record_signal([asset(2440, (rows + 1).tolist(), np.sort(breaches).tolist())])
    assert record.foresight is Foresight.CONFIRMS
    assert (record.follow_rate, record.foretold) == (1.0, 0)
    assert record.first_breaches == 60


def test_a_signal_at_random_tells_nothing() -> None:
    rng = np.random.default_rng(5)
    foresights = []
    for _ in range(40):
        on = np.flatnonzero(rng.random(3000) < 0.05).tolist()
        breaches = np.flatnonzero(rng.random(3000) < 0.02).tolist()
        foresights.append(record_signal([asset(3000, on, breaches)]).foresight)
    assert foresights.count(Foresight.FORESEES) <= 6


def test_assets_that_repeat_one_another_add_no_evidence() -> None:
    one, many = record_signal([cycles(-2)]), record_signal([cycles(-2)] * 5)
    assert one.p_value == many.p_value
    assert (many.days, many.foretold) == (5 * one.days, 5 * one.foretold)


def test_a_signal_that_was_never_on_has_no_rate() -> None:
    record = record_signal([asset(50, [], [20])])
    assert record.follow_rate == Unknown("no tested day with the signal")
    assert record.foresight is Foresight.FEW_RUNS
    nothing = record_signal([asset(500, list(range(20, 400, 20)), [])])
    assert nothing.p_value == Unknown("no first breach")
    assert nothing.foresight is Foresight.NEITHER


def runs_of(followed: list[bool], length: int = 4) -> SignalHistory:
    """Runs 60 days apart, five days after a breach; some are followed by another one."""
    starts = 40 + 60 * np.arange(len(followed))
    on = (starts[:, None] + np.arange(length)).ravel().tolist()
    breaches = [start + offset for start in starts.tolist() for offset in (-5, 30)]
    after = starts[followed] + length
    return asset(60 * len(followed) + 100, on, sorted({*breaches, *after.tolist()}))


def test_a_follow_rate_above_that_of_any_day_confirms_only_if_the_runs_show_it() -> None:
    few, most = (record_signal([runs_of([n < k for n in range(12)], 2)]) for k in (4, 10))
    for record, foresight in ((few, Foresight.NEITHER), (most, Foresight.CONFIRMS)):
        assert isinstance(record.follow_rate, float)
        assert isinstance(record.base_rate, float)
        assert record.follow_rate > record.base_rate
        assert record.separate_runs == 12
        assert record.foresight is foresight


def test_the_p_value_of_runs_by_hand() -> None:
    record = record_signal([runs_of([True] * 5 + [False] * 7, 1)])
    assert isinstance(record.base_rate, float)
    surplus = np.array([1.0] * 5 + [0.0] * 7) - record.base_rate
    expected = ttest_1samp(surplus, 0, alternative="greater").pvalue
    assert record.confirming_p == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("runs", [9, 10])
def test_fewer_than_ten_runs_do_not_tell(runs: int) -> None:
    is_known = runs == 10
    record = record_signal([runs_of([True] * runs)])
    assert isinstance(record.confirming_p, float) is is_known
    assert (record.foresight is Foresight.FEW_RUNS) is not is_known


def test_runs_of_assets_that_move_together_are_one() -> None:
    one = runs_of([True] * 5 + [False] * 7)
    alone, many = record_signal([one]), record_signal([one] * 6)
    assert many.separate_runs == alone.separate_runs == 12
    assert many.confirming_p == pytest.approx(alone.confirming_p, rel=1e-3)
    nine = record_signal([runs_of([True] * 9)] * 6)
    assert (nine.episodes, nine.foresight) == (54, Foresight.FEW_RUNS)


def test_days_without_an_observed_signal_do_not_count() -> None:
    own = asset(50, [10, 28], [12, 30])
    is_observed = np.arange(51) >= 15
    days = SignalDays(own.days.signal, own.days.is_on, is_observed)
    record = record_signal([SignalHistory(own.history, days, own.is_breach, own.is_tested)])
    assert (record.days, record.days_on, record.first_breaches, record.foretold) == (36, 1, 1, 1)
    assert own.history.days[0] == FIRST_DAY


def test_days_that_cannot_breach_have_no_rate() -> None:
    own = asset(50, [5, 6, 7, 14, 30], [17, 40], Signal.SHORT_HISTORY)
    is_tested = np.arange(50) >= 15
    record = record_signal([SignalHistory(own.history, own.days, own.is_breach, is_tested)])
    assert (record.days, record.days_on) == (51, 5)
    assert (
        record.follow_rate == 0.0
    )  # day 30 alone; a breach within five days of 14 might be missed
    assert record.base_rate == pytest.approx((3 + 5) / 31, rel=1e-3)


def test_histories_of_several_signals_are_refused() -> None:
    mixed = [asset(20, [], []), asset(20, [], [], Signal.ABOVE_NEED)]
    for histories in ([], mixed):
        with pytest.raises(ValueError, match="expected the histories of one signal"):
            record_signal(histories)
