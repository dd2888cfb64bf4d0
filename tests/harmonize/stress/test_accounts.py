"""Accounts in cross margin: a published example, isolated accounts, and no look missed."""

import numpy as np
import pytest

from harmonize.core.instrument import Payoff
from harmonize.stress.accounts import Accounts, build_accounts, run_accounts
from harmonize.stress.errors import StressInputError
from harmonize.stress.falls import falls
from harmonize.stress.impact import LinearImpact, SquareRootImpact
from harmonize.stress.paths import PathTerms, run_path
from harmonize.stress.positions import build_positions
from harmonize.stress.thresholds import thresholds
from harmonize.stress.tiers import VenueMargins, tiers_from_pieces
from tests.harmonize.stress.markets import flat_margins

NO_IMPACT = LinearImpact(0.0)


def tier(fixed: float, rate: float) -> VenueMargins:
    tiers = tiers_from_pieces([(0.0, 1e15, fixed, rate, 0.0, 2.0)])
    return VenueMargins("a", tiers, tiers)


def health(accounts: Accounts, prices: list[float]) -> float:
    return float((accounts.constant + accounts.weights @ np.array(prices))[0])


def test_a_published_cross_margin_example_is_liquidated_at_its_price() -> None:
    # Binance, FAQ b3c689c1f50a44cabb3a84e663b81d93: two longs share a wallet.
    wallet, eth, btc = 1_535_443.01, (3683.979, 1456.84, 1335.18), (109.488, 32481.98, 31967.27)
    equity = wallet + sum(size * (mark - entry) for size, entry, mark in (eth, btc))
    notional = [size * mark for size, _, mark in (eth, btc)]
    positions = build_positions(
        ["a"],
        0,
        1.0,
        notional,
        [equity / 2, equity / 2],
        account=0,
        underlyings=["ETH", "BTC"],
        underlying=[0, 1],
    )
    margins = {("a", "ETH"): tier(-135_365.0, 0.10), ("a", "BTC"): tier(-16_300.0, 0.025)}
    accounts = build_accounts(positions, margins)
    for prices, eth_part in (([1153.26 / 1335.18, 1.0], eth), ([1.0, 26316.89 / 31967.27], btc)):
        assert health(accounts, prices) == pytest.approx(0.0, abs=0.01 * eth_part[0])


def test_positions_margined_alone_follow_the_path_engine() -> None:
    rng = np.random.default_rng(2)
    notional = rng.uniform(1e6, 5e6, 200)
    margin = notional / rng.uniform(2.0, 40.0, 200)
    positions = build_positions(["a"], 0, 1.0, notional, margin, underlyings=["BTC"])
    own = flat_margins(0.01)
    impact = SquareRootImpact(volatility=0.05, daily_volume=5e9)
    path = [0.02, 0.1, 0.05, 0.2]
    for release in (1, 3):
        expected = run_path(
            thresholds(positions, falls(positions, [own])), impact, path, PathTerms(release)
        )
        found = run_accounts(
            build_accounts(positions, {("a", "BTC"): own}), [impact], {"BTC": path}, release
        )
        assert 1.0 - found.prices[:, 0] == pytest.approx(expected.move, abs=1e-12)
        assert found.liquidated[0, 0] == pytest.approx(float(expected.liquidated.sum()))
        assert found.beyond_margin.sum() == pytest.approx(float(expected.beyond_margin.sum()))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_an_inverse_contract_has_the_fall_of_the_scalar_formula(sign: float) -> None:
    own = VenueMargins(
        "a", flat_margins(0.01).initial, flat_margins(0.01).maintenance, payoff=Payoff.INVERSE
    )
    positions = build_positions(["a"], 0, sign, 1000.0, 125.0, underlyings=["BTC"])
    accounts = build_accounts(positions, {("a", "BTC"): own})
    fall = float(falls(positions, [own]).fall[0])
    assert health(accounts, [1.0 - sign * fall]) == pytest.approx(0.0, abs=1e-9)


def random_accounts(seed: int) -> Accounts:
    rng = np.random.default_rng(seed)
    size = 900
    notional = 10 ** rng.uniform(3, 6, size)
    positions = build_positions(
        ["a", "b"],
        rng.integers(0, 2, size),
        rng.choice([1.0, -1.0], size, p=[0.7, 0.3]),
        notional,
        notional / np.exp(rng.normal(1.5, 0.8, size)),
        account=rng.integers(-1, 250, size),
        underlyings=["BTC", "ETH", "SOL"],
        underlying=rng.integers(0, 3, size),
    )
    margins = {
        (venue, asset): flat_margins(0.01 * (1 + number), venue=venue)
        for venue in ("a", "b")
        for number, asset in enumerate(("BTC", "ETH", "SOL"))
    }
    return build_accounts(positions, margins)


@pytest.mark.parametrize("seed", range(4))
def test_skipped_accounts_are_never_missed(seed: int) -> None:
    accounts = random_accounts(seed)
    rng = np.random.default_rng(seed)
    base = np.abs(np.cumsum(rng.normal(0.003, 0.02, 60))) % 0.6
    paths = {
        name: (base * beta).tolist() for name, beta in (("BTC", 1.0), ("ETH", 1.2), ("SOL", 1.5))
    }
    paths["ETH"][3] = 0.0
    found = run_accounts(accounts, [LinearImpact(2e-10)] * 3, paths, 2)
    # Every account at every step, at the same prices.
    every = accounts.constant + found.prices @ accounts.weights.toarray().T
    below = every <= 1e-9
    first = np.where(below.any(axis=0), below.argmax(axis=0), -1)
    assert np.array_equal(first, found.step)
    assert found.looks < 0.6 * every.size


def test_no_margin_at_another_venue_serves_an_account() -> None:
    positions = build_positions(
        ["a", "b"], [0, 1], 1.0, 1e6, [5e4, 5e5], account=7, underlyings=["BTC"]
    )
    margins = {(venue, "BTC"): flat_margins(0.01, venue=venue) for venue in ("a", "b")}
    found = run_accounts(build_accounts(positions, margins), [NO_IMPACT], {"BTC": [0.1]})
    assert sorted(found.step.tolist()) == [-1, 0]


def test_longs_sold_and_shorts_bought_offset_each_other() -> None:
    notional, side = [1e6, 1e6], [1.0, -1.0]
    positions = build_positions(
        ["a"], 0, side, notional, [5e4, 3e6], account=0, underlyings=["BTC"]
    )
    alone = build_positions(["a"], 0, side, notional, [5e4, 3e6], underlyings=["BTC"])
    margins = {("a", "BTC"): flat_margins(0.01)}
    hedged, single = (
        run_accounts(build_accounts(part, margins), [LinearImpact(1e-8)], {"BTC": [0.1]})
        for part in (positions, alone)
    )
    assert hedged.step.tolist() == [-1]
    assert single.step.tolist() == [0, -1]
    assert single.prices[-1, 0] == pytest.approx(0.89)


def test_purchases_of_liquidated_shorts_lift_the_price() -> None:
    # ETH falls by half and takes the account with it: its short of BTC is bought back.
    positions = build_positions(
        ["a"],
        0,
        [1.0, -1.0],
        [1e6, 1e6],
        [1e5, 1e5],
        account=0,
        underlyings=["BTC", "ETH"],
        underlying=[1, 0],
    )
    margins = {("a", asset): flat_margins(0.01) for asset in ("BTC", "ETH")}
    paths = {"BTC": [0.1, 0.1], "ETH": [0.5, 0.5]}
    found = run_accounts(build_accounts(positions, margins), [LinearImpact(1e-8)] * 2, paths)
    assert found.prices[-1] == pytest.approx([0.91, 0.49])
    assert found.liquidated.tolist() == [[0.0, 1e6], [1e6, 0.0]]
    # Equity of $200k, a loss of 51 % of $1m on ETH, a gain of 9 % of $1m on BTC.
    assert found.beyond_margin[0] == pytest.approx(510e3 - 90e3 - 200e3)


def test_an_account_without_health_at_the_start_is_immediate() -> None:
    positions = build_positions(["a"], 0, 1.0, [1e6, 1e6], [5e3, 2e4], underlyings=["BTC"])
    accounts = build_accounts(positions, {("a", "BTC"): flat_margins(0.01)})
    assert accounts.immediate.tolist() == [True, False]


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ({"BTC": [0.1], "ETH": [0.1]}, "path: missing for SOL; add its falls"),
        (
            {"BTC": [0.1], "ETH": [0.1], "SOL": [0.1, 0.2]},
            r"path: expected one length .* \[1, 2\]; cut",
        ),
        ({"BTC": [0.1], "ETH": [1.5], "SOL": [0.1]}, "path of ETH: expected fractions"),
    ],
)
def test_paths_that_do_not_fit_are_refused(paths: dict[str, list[float]], message: str) -> None:
    with pytest.raises(StressInputError, match=message):
        run_accounts(random_accounts(1), [NO_IMPACT] * 3, paths)


def test_release_takes_a_step() -> None:
    with pytest.raises(StressInputError, match="release steps: expected a number from 1, found 0"):
        run_accounts(
            random_accounts(1), [NO_IMPACT] * 3, {name: [0.1] for name in ("BTC", "ETH", "SOL")}, 0
        )


def test_a_position_without_margins_is_refused() -> None:
    positions = build_positions(["a"], 0, 1.0, 1e6, 1e5, underlyings=["BTC"])
    with pytest.raises(StressInputError, match="a BTC: margins are not observed; remove"):
        build_accounts(positions, {})
