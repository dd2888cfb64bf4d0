"""How fast the stress engines are, against plain loops and numpy masks with equal results."""

import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TypeVar

import numpy as np

from harmonize.liquidation.price import BelowAtEntryError, Side, liquidation
from harmonize.stress.accounts import build_accounts, run_accounts
from harmonize.stress.book import synthetic_book
from harmonize.stress.counterfactuals import unchanged
from harmonize.stress.curve import curve
from harmonize.stress.falls import falls
from harmonize.stress.impact import SquareRootImpact
from harmonize.stress.paths import PathTerms, run_path
from harmonize.stress.positions import Floats, Positions, build_positions
from harmonize.stress.thresholds import TIE, Thresholds, thresholds
from harmonize.stress.tiers import VenueMargins, tiers_from_pieces
from tests.support import offers

_T = TypeVar("_T")

COUNT, VENUES, STEPS, SHOCKS = 1_000_000, 20, 200, 400
SAMPLE = 10_000
"""Positions of the plain loops; their time is scaled up to all positions."""

BOOKS, BOOK_VENUES, BOOK_ROWS, PROCESSES = 10_000, 7, 286, 2
IMPACT = SquareRootImpact(volatility=0.04, daily_volume=1e13)
PATH = np.concatenate([np.linspace(0.0, 0.3, 120), np.linspace(0.3, 0.1, STEPS - 120)])
TERMS = PathTerms(hold=False)

OFFERS = [
    offers.random_marginal(np.random.default_rng(venue), 10)
    if venue % 2
    else offers.leveraged(np.random.default_rng(venue), 9)
    for venue in range(VENUES)
]


def main() -> None:
    """Print times against the goals, and whether results agree."""
    _say(f"{'stress':<64} {'s':>9}  goal")
    positions = _positions()
    own = [_margins(venue) for venue in range(VENUES)]
    found, seconds = _timed(lambda: falls(positions, own))
    scalar = _scalar_falls(positions, found.fall)
    _line(f"{COUNT:,} falls", seconds, f">= 10x the scalar: {scalar / seconds:.0f}x")
    given, sorting = _timed(lambda: thresholds(positions, found))
    _line(f"{COUNT:,} falls sorted", sorting, "")
    _, seconds = _timed(lambda: curve(given, IMPACT, np.linspace(0.0, 0.5, SHOCKS)))
    _line(f"curve of {COUNT:,} x {SHOCKS} shocks", seconds, "<= 0.5 s")
    _paths(given, sorting)
    _accounts(positions, own)
    _books()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    _say(f"{'largest memory, GB':<64} {memory:>9.2f}  <= 1 GB")


def _positions() -> Positions:
    rng = np.random.default_rng(1)
    notional = 10 ** rng.uniform(3, 6, COUNT)
    return build_positions(
        tuple(f"v{venue}" for venue in range(VENUES)),
        rng.integers(0, VENUES, COUNT),
        1.0,
        notional,
        notional / np.exp(rng.normal(1.0, 1.0, COUNT)),
        account=rng.integers(0, COUNT // 4, COUNT),
        underlyings=tuple(f"a{asset}" for asset in range(10)),
        underlying=rng.integers(0, 10, COUNT),
    )


def _margins(venue: int) -> VenueMargins:
    tiers = tiers_from_pieces(OFFERS[venue].pieces)
    return VenueMargins(f"v{venue}", tiers, tiers)


def _scalar_falls(positions: Positions, found: Floats) -> float:
    """Returns the time of the scalar formula for every position; fails if a fall differs."""
    rows = zip(
        positions.venue[:SAMPLE].tolist(),
        positions.notional[:SAMPLE].tolist(),
        positions.margin[:SAMPLE].tolist(),
        strict=True,
    )
    begin = time.perf_counter()
    expected = [_scalar_fall(*row) for row in rows]
    seconds = time.perf_counter() - begin
    np.testing.assert_allclose(found[:SAMPLE], expected, rtol=0.0, atol=1e-12)
    return seconds * COUNT / SAMPLE


def _scalar_fall(venue: int, notional: float, margin: float) -> float:
    try:
        ratio = liquidation(OFFERS[venue].pieces, notional, margin, Side.LONG)
    except BelowAtEntryError:
        return 0.0
    return np.inf if ratio is None else 1.0 - ratio


def _paths(given: Thresholds, sorting: float) -> None:
    found, seconds = _timed(lambda: run_path(given, IMPACT, PATH, TERMS))
    (moves, losses), masks = _timed(lambda: _mask_path(given), runs=1)
    np.testing.assert_allclose(found.move, moves, rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(found.beyond_margin, losses, rtol=1e-9)
    rows = np.sort(np.random.default_rng(2).choice(given.fall.size, SAMPLE, replace=False))
    plain = _plain_path(given, rows, found.move) * given.fall.size / SAMPLE
    _line(
        f"path of {given.fall.size:,} x {VENUES} venues x {STEPS} steps, sorted before",
        seconds,
        f">= 300x a loop: {plain / seconds:.0f}x; >= 3x masks: {masks / seconds:.0f}x",
    )
    _line(
        "the same with sorting",
        seconds + sorting,
        f"<= 1 s; loop {plain / (seconds + sorting):.0f}x, masks {masks / (seconds + sorting):.1f}x",
    )


def _mask_path(given: Thresholds) -> tuple[Floats, Floats]:
    """Runs the path with one mask over all positions per step."""
    venue, count = given.venue, len(given.venues)
    open_, last = np.ones(given.fall.size, bool), np.zeros(given.fall.size, bool)
    execution, worst, flow = np.zeros(given.fall.size), np.full(count, -np.inf), np.zeros(count)
    sold, moves = 0.0, []
    for exogenous in PATH.tolist():
        sold += float(flow.sum())
        moves.append(exogenous + float(IMPACT.move(np.array(sold))))
        worst = np.maximum(worst, moves[-1])
        execution[last] = moves[-1]
        last = open_ & (given.fall <= worst[venue] + TIE)
        open_ &= ~last
        flow = np.bincount(venue[last], given.notional[last], minlength=count).astype(float)
    losses = given.exposure * np.maximum(execution - given.bankrupt, 0.0)
    return np.array(moves), np.bincount(venue, losses, minlength=count).astype(float)


def _plain_path(given: Thresholds, rows: np.ndarray, moves: Floats) -> float:
    """Returns the time of a plain loop over some positions; fails if one is liquidated elsewhere."""
    fall, venue = given.fall[rows].tolist(), given.venue[rows].tolist()
    notional, bankrupt = given.notional[rows].tolist(), given.bankrupt[rows].tolist()
    step_of, worst = [-1] * len(fall), [-1.0] * VENUES
    flow, losses = [0.0] * VENUES, [0.0] * VENUES
    begin = time.perf_counter()
    for step, move in enumerate(moves.tolist()):
        for code in range(VENUES):
            worst[code] = max(worst[code], move)
        for row in range(len(fall)):
            if step_of[row] < 0:
                if fall[row] <= worst[venue[row]] + TIE:
                    step_of[row] = step
                    flow[venue[row]] += notional[row]
            elif step_of[row] == step - 1:
                losses[venue[row]] += notional[row] * max(0.0, move - bankrupt[row])
    seconds = time.perf_counter() - begin
    liquidated = given.fall[rows] <= moves.max() + TIE
    np.testing.assert_array_equal(np.array(step_of) >= 0, liquidated)
    return seconds


def _accounts(positions: Positions, own: list[VenueMargins]) -> None:
    margins = {(terms.venue, asset): terms for terms in own for asset in positions.underlyings}
    accounts, building = _timed(lambda: build_accounts(positions, margins), runs=1)
    noise = np.abs(np.random.default_rng(3).normal(0.0, 0.003, (10, STEPS)))
    paths = {asset: (PATH + noise[row]).tolist() for row, asset in enumerate(positions.underlyings)}
    found, seconds = _timed(lambda: run_accounts(accounts, [IMPACT] * 10, paths))
    health = accounts.constant + found.prices[-1] @ accounts.weights.toarray().T
    assert ((health > 0.0) | (found.step >= 0)).all()
    _line(f"{COUNT:,} cross positions prepared", building, "")
    _line(f"{COUNT:,} cross positions x {STEPS} steps", seconds, "<= 1 s")


def _books() -> None:
    begin = time.perf_counter()
    with ProcessPoolExecutor(PROCESSES) as executor:
        chunks = executor.map(partial(_run_books, count=BOOKS // 40), range(40))
        liquidated = [share for chunk in chunks for share in chunk]
    seconds = time.perf_counter() - begin
    name = (
        f"{len(liquidated):,} runs of {BOOK_VENUES * BOOK_ROWS:,} positions, {PROCESSES} processes"
    )
    _line(name, seconds, "<= 10 s")


def _run_books(first: int, count: int) -> list[float]:
    """Returns the share that a fall of 10 % liquidates in some seeded books."""
    names = [f"v{venue}" for venue in range(BOOK_VENUES)]
    tiers = tiers_from_pieces(((0.0, 1e9, 0.0, 0.005, 0.0, 2.0),))
    margins = {name: VenueMargins(name, tiers.scaled(2.0), tiers) for name in names}
    impact = SquareRootImpact(volatility=0.03, daily_volume=2e10)
    shares = []
    for seed in range(first * count, (first + 1) * count):
        book = synthetic_book(
            "BTC", dict.fromkeys(names, 1e9), margins, rows=BOOK_ROWS, seed=seed, sides=(Side.LONG,)
        )
        outcome = unchanged(book)
        result = curve(thresholds(outcome.positions, outcome.falls), impact, [0.1])
        shares.append(float(result.liquidated[0]) / (BOOK_VENUES * 1e9))
    return shares


def _timed(work: Callable[[], _T], runs: int = 3) -> tuple[_T, float]:
    seconds = []
    for _ in range(runs):
        begin = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - begin)
    return result, min(seconds)


def _line(name: str, seconds: float, goal: str) -> None:
    _say(f"{name:<64} {seconds:>9.3f}  {goal}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
