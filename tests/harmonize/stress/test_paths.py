"""Paths: equal to the curve when a jump is held, conserved, and converging with the step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.stress.curve import curve
from harmonize.stress.errors import StressInputError
from harmonize.stress.impact import DepthImpact, LinearImpact, SquareRootImpact
from harmonize.stress.paths import PathTerms, deleverage, run_path, settle, to_deleverage
from harmonize.stress.thresholds import Thresholds
from tests.harmonize.stress.markets import longs, stated


def market(seed: int = 4, rows: int = 600, venues: int = 4) -> Thresholds:
    rng = np.random.default_rng(seed)
    fall = rng.uniform(0.0, 0.5, rows)
    notional = rng.uniform(1e5, 2e6, rows)
    return stated(
        fall,
        notional,
        venue=rng.integers(0, venues, rows),
        bankrupt=fall + rng.uniform(0, 0.03, rows),
    )


IMPACT = SquareRootImpact(volatility=0.05, daily_volume=2e9)


def simulated(
    given_: Thresholds, slope: float, path: list[float], terms: PathTerms
) -> tuple[list[float], list[float]]:
    """A plain loop over positions and steps: moves by step, and the execution of each row."""
    rows, weights = range(given_.fall.size), given_.open_interest / given_.open_interest.sum()
    start, gap = [-1] * len(rows), np.zeros(len(given_.venues))
    prices: list[np.ndarray] = []
    moves, sold, step = [], 0.0, 0
    while step < len(path) or any(0 <= step - 1 - s < terms.release_steps for s in start if s >= 0):
        flow = np.zeros(len(given_.venues))
        for row in rows:
            if start[row] >= 0 and step - start[row] <= terms.release_steps:
                flow[given_.venue[row]] += given_.notional[row] / terms.release_steps
        total = float(flow.sum())
        keep = 1.0 - 1.0 / terms.closing_steps
        gap *= keep if step else 1.0
        if total:
            gap += keep * slope * total * (flow / total / weights - 1.0)
        sold += total
        moves.append(path[min(step, len(path) - 1)] + slope * sold)
        prices.append(np.minimum(moves[-1] + gap, 1.0))
        for row in rows:
            if start[row] < 0 and given_.fall[row] <= prices[-1][given_.venue[row]] + 1e-12:
                start[row] = step
        step += 1
    executed = [
        float(
            np.mean(
                [prices[at][given_.venue[row]] for at in range(s + 1, s + 1 + terms.release_steps)]
            )
        )
        if s >= 0
        else np.nan
        for row, s in enumerate(start)
    ]
    return moves, executed


@pytest.mark.parametrize("terms", [PathTerms(), PathTerms(3), PathTerms(2, 4.0)])
def test_a_path_equals_a_plain_loop_over_positions(terms: PathTerms) -> None:
    small = market(9, 60, 3)
    path = [0.02, 0.1, 0.06, 0.15, 0.1]
    found = run_path(small, LinearImpact(2e-9), path, terms)
    moves, executed = simulated(small, 2e-9, path, terms)
    assert found.move == pytest.approx(moves, abs=1e-12)
    assert found.execution == pytest.approx(executed, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("release", [1, 5])
@pytest.mark.parametrize("shock", [0.0, 0.03, 0.1, 0.25])
def test_a_jump_that_is_held_ends_where_the_curve_says(shock: float, release: int) -> None:
    given_ = market()
    expected = curve(given_, IMPACT, [shock])
    found = run_path(given_, IMPACT, [shock], PathTerms(release))
    assert found.move[-1] == pytest.approx(expected.move[0], abs=1e-12)
    assert found.liquidated == pytest.approx(expected.liquidated_by_venue[0])
    assert not found.unsold.any()


def test_the_error_of_a_v_shaped_path_falls_with_the_step() -> None:
    # Uniform density, linear impact: sold at once, the trough of the price would be u₀ / (1 − g).
    count = 200_000
    given_ = stated((np.arange(count) + 1.0) / count, 1e9 / count)
    impact, trough = LinearImpact(0.5e-9), 0.1

    def error(steps: int) -> float:
        down = np.linspace(0.0, trough, steps + 1)
        found = run_path(given_, impact, np.concatenate([down, down[-2::-1]]))
        return abs(trough / 0.5 - float(found.move.max()))

    coarse, fine = error(50), error(200)
    assert coarse / fine == pytest.approx(4.0, rel=0.15)


@given(st.integers(0, 1000), st.sampled_from([1, 3]), st.sampled_from([1.0, 6.0]))
def test_liquidations_and_losses_are_conserved(seed: int, release: int, closing: float) -> None:
    given_ = market(seed, 80, 3)
    path = np.random.default_rng(seed).uniform(0.0, 0.3, 12)
    found = run_path(given_, LinearImpact(1e-9), path, PathTerms(release, closing))
    once = ~np.isnan(found.execution)
    assert found.liquidated == pytest.approx(
        given_.sum_by_venue(np.where(once, given_.notional, 0.0))
    )
    assert found.triggered.sum() == pytest.approx(found.sold.sum())
    paid, haircuts = settle(found.beyond_margin, [1e4, 0.0, 1e9][: len(given_.venues)])
    assert found.loss == pytest.approx(found.from_margin + paid + haircuts)
    margins = given_.sum_by_venue(np.where(once, given_.margin, 0.0))
    assert found.from_margin + found.left == pytest.approx(margins)


def test_losses_need_the_next_step_to_sell() -> None:
    impact = SquareRootImpact(volatility=0.04, daily_volume=1e10)
    losses = [
        float(run_path(longs([9.0, 12.0], [8e8, 2e8], rate), impact, [0.10]).beyond_margin.sum())
        for rate in (0.005, 0.045)
    ]
    assert losses == pytest.approx([4.46e6, 7.09e6], rel=2e-3)


def test_a_rebound_liquidates_nothing_more() -> None:
    given_ = stated([0.05, 0.15], [1e6, 1e6])
    found = run_path(given_, LinearImpact(0.0), [0.1, 0.0, 0.12, 0.02])
    assert found.triggered[:, 0].tolist() == [1e6, 0.0, 0.0, 0.0]
    assert found.execution[0] == 0.0  # sold at the rebound, one step later


def test_a_selling_venue_falls_below_the_pooled_price_until_the_gap_closes() -> None:
    given_ = stated([0.05, 0.5], [1e8, 1e8], venue=[0, 1])
    found = run_path(given_, LinearImpact(1e-10), [0.05] * 8, PathTerms(1, 4.0))
    gaps = found.move_by_venue - found.move[:, None]
    assert gaps[1] == pytest.approx([0.0075, -0.0075])  # half of liquidity sells all, 3/4 remain
    assert gaps[2] == pytest.approx(gaps[1] * 0.75)
    assert gaps.mean(axis=1) == pytest.approx(np.zeros(8), abs=1e-15)


def test_a_gap_can_liquidate_what_one_price_would_not() -> None:
    given_ = stated([0.05, 0.065, 0.9], [1e8, 1e7, 1e8], venue=[0, 0, 1])
    for closing, liquidated in ((1.0, 1e8), (4.0, 1.1e8)):
        found = run_path(given_, LinearImpact(1e-10), [0.05], PathTerms(1, closing))
        assert found.liquidated[0] == pytest.approx(liquidated)


def test_without_a_hold_the_rest_is_unsold() -> None:
    given_ = stated([0.05], [1e8], bankrupt=[0.06])
    found = run_path(given_, LinearImpact(0.0), [0.1, 0.1], PathTerms(4, hold=False))
    assert found.unsold[0] == pytest.approx(7.5e7)
    assert found.beyond_margin[0] == pytest.approx(2.5e7 * 0.04)


def test_a_path_refuses_sales_beyond_a_depth_table() -> None:
    depth = DepthImpact((0.0, 1e7), (0.0, 0.01))
    with pytest.raises(StressInputError, match="beyond the end of the table"):
        run_path(stated([0.05], [1e8]), depth, [0.1])


@pytest.mark.parametrize("path", [[1.0], [-0.1], [float("nan")], []])
def test_paths_outside_zero_to_one_are_refused(path: list[float]) -> None:
    with pytest.raises(StressInputError, match="path: expected"):
        run_path(stated([0.05], [1e8]), LinearImpact(0.0), path)


@pytest.mark.parametrize(("release", "closing"), [(0, 1.0), (1, 0.5), (1, float("nan"))])
def test_steps_are_numbers_from_one(release: int, closing: float) -> None:
    with pytest.raises(StressInputError, match="steps: expected a number from 1"):
        PathTerms(release, closing)


def test_weights_of_liquidity_are_one_per_venue() -> None:
    with pytest.raises(
        StressInputError, match="liquidity: expected a number above 0 for each of 1"
    ):
        run_path(stated([0.05], [1e8]), LinearImpact(0.0), [0.1], PathTerms(liquidity=(1.0, 2.0)))


def test_a_fund_pays_until_it_is_empty() -> None:
    paid, haircuts = settle([5.0, 1.0], [2.0, 3.0])
    assert (paid.tolist(), haircuts.tolist()) == ([2.0, 1.0], [3.0, 0.0])
    with pytest.raises(StressInputError, match="fund: expected a number from 0 per venue"):
        settle([5.0], [-1.0])


def test_deleveraging_closes_as_much_as_was_bankrupt_highest_leverage_first() -> None:
    shorts = stated([0.1, 0.1, 0.1, 0.1], [3.0, 2.0, 4.0, 9.0], venue=[0, 0, 0, 1])
    closed = deleverage(shorts, np.array([2.0, 10.0, 5.0, 1.0]), [5.0, 0.0])
    assert closed.tolist() == [0.0, 2.0, 3.0, 0.0]  # longs closed = shorts closed
    with pytest.raises(StressInputError, match=r"\$10 to deleverage exceed .* \$9; state longs"):
        deleverage(shorts, np.ones(4), [0.0, 10.0])


def test_longs_closed_at_bankruptcy_equal_shorts_closed() -> None:
    longs_ = stated([0.05, 0.08, 0.3], [1e7, 2e7, 5e7], bankrupt=[0.07, 0.12, 0.4])
    found = run_path(longs_, LinearImpact(0.0), [0.1])
    paid, haircuts = settle(found.beyond_margin, [1e5])
    assert found.beyond_margin[0] == pytest.approx(1e7 * 0.03)
    assert (paid[0], haircuts[0]) == pytest.approx((1e5, 2e5))
    amount = to_deleverage(longs_, found, haircuts)
    assert amount[0] == pytest.approx(1e7 * 2 / 3)  # only the first long is beyond its bankruptcy
    closed = deleverage(stated([0.1, 0.2], [5e6, 9e7]), np.array([20.0, 3.0]), amount)
    assert closed.sum() == pytest.approx(amount[0])
    assert closed[0] == pytest.approx(5e6)


@pytest.mark.parametrize("release", [2, 3, 7])
def test_a_sale_at_bankruptcy_has_no_loss_beyond_margin(release: int) -> None:
    own = stated([0.05], [1e5], bankrupt=[0.1])
    found = run_path(own, LinearImpact(0.0), [0.1] * (release + 1), PathTerms(release))
    assert found.loss[0] == pytest.approx(1e4)
    assert found.beyond_margin[0] == 0.0
    assert to_deleverage(own, found, found.beyond_margin)[0] == 0.0
