import numpy as np
import pandas as pd
import pytest

from harmonize.adequacy.rolling import rolling_both_sides, rolling_tails
from harmonize.adequacy.tail import tail_mean

LEVELS = (0.9, 0.95, 0.975, 0.99, 0.995)


def sample(rows: int, columns: int, seed: int) -> np.ndarray:
    """Heavy-tailed losses with many ties, zeros of both signs, and missing values."""
    rng = np.random.default_rng(seed)
    losses = np.round(rng.standard_t(3, size=(rows, columns)) * 0.02, 3)
    losses[rows // 3, 1] = np.nan
    losses[: rows // 4, 2] = np.nan
    losses[5:9, 3] = -0.0
    return losses


def expected_tails(losses: np.ndarray, window: int, level: float, end: int) -> np.ndarray:
    rows = losses[end + 1 - window : end + 1]
    means = [
        np.nan if np.isnan(column).any() else tail_mean(np.sort(column)[::-1], level)
        for column in rows.T
    ]
    return np.stack([np.quantile(rows, level, axis=0), means])


@pytest.mark.parametrize("rows", [200, 201, 399, 400, 401, 777])
@pytest.mark.parametrize("step", [1, 7])
def test_every_window_equals_that_of_numpy_bit_by_bit(rows: int, step: int) -> None:
    losses, window = sample(rows, 5, rows), 200
    tails = rolling_tails(losses, window, LEVELS, step)
    assert tails.ends.tolist() == list(range(window - 1, rows, step))
    for place, end in enumerate(tails.ends):
        for index, level in enumerate(LEVELS):
            expected = expected_tails(losses, window, level, int(end))
            observed = np.stack([tails.var[index, place], tails.es[index, place]])
            np.testing.assert_array_equal(observed, expected)


@pytest.mark.parametrize("levels", [(0.99, 0.975), (0.99, 0.995), (0.9,)])
def test_more_series_than_a_pass_takes_equal_numpy_too(levels: tuple[float, ...]) -> None:
    losses = np.random.default_rng(5).standard_normal((700, 341))
    tails = rolling_tails(losses, 365, levels)
    windows = np.lib.stride_tricks.sliding_window_view(losses[:, ::17], 365, axis=0)
    for index, level in enumerate(levels):
        np.testing.assert_array_equal(
            tails.var[index][:, ::17], np.quantile(windows, level, axis=2)
        )


def test_long_windows_refreshed_daily_equal_numpy() -> None:
    rng = np.random.default_rng(11)
    calm_and_wild = np.where(np.arange(6000) // 700 % 2, 3.0, 0.3)[:, None]
    losses = rng.standard_t(3, size=(6000, 4)) * calm_and_wild
    losses[3000, 1] = np.nan
    tails = rolling_tails(losses, 2000, (0.99, 0.975), 24)
    for place in range(0, tails.ends.size, 9):
        for index, level in enumerate((0.99, 0.975)):
            expected = expected_tails(losses, 2000, level, int(tails.ends[place]))
            observed = np.stack([tails.var[index, place], tails.es[index, place]])
            np.testing.assert_array_equal(observed, expected)


def test_windows_end_where_those_of_pandas_end() -> None:
    losses = sample(500, 4, 9)
    ours = rolling_tails(losses, 250, (0.99,))
    theirs = pd.DataFrame(losses).rolling(250).quantile(0.99).to_numpy()[249:]
    np.testing.assert_allclose(ours.var[0], theirs, rtol=1e-12, atol=1e-15)


def test_a_later_row_changes_no_earlier_window() -> None:
    losses = sample(800, 4, 2)
    changed = losses.copy()
    changed[600:] = 9.0
    before, after = (rolling_tails(table, 365, (0.99, 0.975)) for table in (losses, changed))
    np.testing.assert_array_equal(before.var[:, : 600 - 364], after.var[:, : 600 - 364])
    np.testing.assert_array_equal(before.es[:, : 600 - 364], after.es[:, : 600 - 364])


@pytest.mark.parametrize(
    ("shape", "window", "level", "message"),
    [
        ((100, 2), 101, 0.9, "expected a table of at least 101 rows"),
        ((100,), 50, 0.9, "expected a table"),
        ((100, 2), 50, 0.99, "at least one loss beyond it in 50 rows; lengthen the window"),
        ((100, 2), 50, 1.0, "expected a level"),
    ],
)
def test_windows_without_a_tail_are_refused(
    shape: tuple[int, ...], window: int, level: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        rolling_tails(np.zeros(shape), window, (level,))


@pytest.mark.parametrize("step", [1, 3])
def test_a_move_of_nothing_is_zero_and_not_minus_zero(step: int) -> None:
    gains = -np.random.default_rng(1).random((120, 2))
    gains[::10] = -0.0
    tails = rolling_tails(gains, 100, (0.955,), step)
    assert tails.var.max() == 0
    assert not np.signbit(tails.var).any()


def test_both_sides_are_those_of_the_losses_of_each() -> None:
    returns = sample(500, 4, 3)
    long, short = rolling_both_sides(returns, 365, (0.99,))
    np.testing.assert_array_equal(long.var, rolling_tails(-returns, 365, (0.99,)).var)
    np.testing.assert_array_equal(short.es, rolling_tails(returns, 365, (0.99,)).es)
    assert not np.array_equal(long.var, short.var, equal_nan=True)


def test_windows_of_more_rows_than_sixteen_bits_count_equal_numpy() -> None:
    losses = np.random.default_rng(13).standard_normal((78_000, 1))
    losses[:9000] *= 3  # what leaves the windows would matter if it were counted
    tails = rolling_tails(losses, 60_000, (0.999,), 1500)
    for place, end in enumerate(tails.ends):
        window = losses[end + 1 - 60_000 : end + 1]
        assert tails.var[0, place] == np.quantile(window, 0.999, axis=0)
