"""The cheapest split, timed against the mixed-integer programme that one would write for HiGHS.

Run: ``python -m tests.bench.split``. Both get the same accounts and notionals; their costs are compared.
Times are those of the processor, which a busy machine lengthens little.
"""

import platform
import sys
import time

import numpy as np

from harmonize.arbitrage.lagrangian import AccountPieces, maximize_dual
from harmonize.arbitrage.milp import solve
from harmonize.arbitrage.split import items_of, split
from harmonize.numerics.offer import Offer
from tests.support.offers import leveraged, random_flat, random_marginal

SEED = 20_261_121
SIZES = ((20, 10, 40, 12, 50.0), (40, 100, 12, 4, 1000.0))
"""Accounts, tiers, markets timed, of them against the programme, and the goal in milliseconds."""

SAME = 1e-9  # relative


def markets(rng: np.random.Generator, accounts: int, tiers: int, count: int) -> list[list[Offer]]:
    """Flat tiers, flat and marginal ones, and those of round leverage and round bounds, in turn."""
    found = []
    for number in range(count):
        kinds = ((random_flat,), (random_flat, random_marginal), (leveraged,))[number % 3]
        found.append([kinds[int(rng.integers(0, len(kinds)))](rng, tiers) for _ in range(accounts)])
    return found


def _cost(chosen: AccountPieces, notional: float) -> float:
    """What the programme's choice of pieces costs: convex, so that the dual is the cost."""
    found = maximize_dual(chosen, notional)
    if found is None:
        message = f"the programme's split does not hold {notional}"
        raise SystemExit(message)
    return found.bound


def main() -> None:
    """Print the table, and fail where two costs differ."""
    rng = np.random.default_rng(SEED)
    write = sys.stdout.write
    write(f"the cheapest split, {platform.processor() or platform.machine()}, seed {SEED}\n")
    write(
        f"{'accounts x tiers':<18} {'median':>9} {'90 %':>9} {'worst':>9} {'goal':>9}  HiGHS, median\n"
    )
    for accounts, tiers, count, compared, goal in SIZES:
        times, others, apart = [], [], 0.0
        for number, offers in enumerate(markets(rng, accounts, tiers, count)):
            whole = sum(one.limit for one in offers)
            notional = float(np.round(10 ** rng.uniform(5.5, np.log10(0.9 * whole))))
            began = time.process_time()
            found = split(offers, notional)
            times.append((time.process_time() - began) * 1e3)
            if number < compared:
                began = time.process_time()
                other = solve(items_of(offers, notional, 0.0), notional)
                others.append((time.process_time() - began) * 1e3)
                if found is None or other is None:
                    message = f"no split of {notional}"
                    raise SystemExit(message)
                apart = max(apart, found.cost / _cost(other[0], notional) - 1.0)
        if apart > SAME:
            message = f"a cost is above the programme's by {apart:.2g} of itself"
            raise SystemExit(message)
        median, far, worst = np.percentile(times, [50, 90, 100])
        highs = float(np.median(others))
        write(
            f"{f'{accounts} x {tiers}':<18} {median:>6.1f} ms {far:>6.1f} ms {worst:>6.1f} ms "
            f"{goal:>6.0f} ms  {highs:,.0f} ms, {highs / median:,.0f} times as long\n"
        )


if __name__ == "__main__":
    main()
