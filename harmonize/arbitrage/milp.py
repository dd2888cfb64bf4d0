"""A split over accounts as a mixed-integer programme, for HiGHS.

A size and a choice for every piece: a piece that is chosen holds a size between its ends, and every
account is on one of its pieces. Straight pieces only.
"""

import numpy as np

from harmonize.arbitrage.lagrangian import Items

_NODES = 2000  # not a time, so that the answer is the same on every machine
_RELATIVE = 1e-9


def solve(items: Items, notional: float) -> tuple[Items, float] | None:
    """Give the piece that each account is on in the best split, and the bound that was proved.

    None where no split was found in time.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp  # noqa: PLC0415 - heavy
    from scipy.sparse import csr_array, hstack, vstack  # noqa: PLC0415 - as above

    pieces, accounts = items.account.size, int(items.account[-1]) + 1
    every = np.arange(pieces)
    one = csr_array((np.ones(pieces), (every, every)))
    none = csr_array((pieces, pieces))
    # Sizes are shares of the position, so that all coefficients are near one another.
    lower, upper = items.lower / notional, items.upper / notional
    whole = csr_array((np.ones(pieces), (np.zeros(pieces, int), every)), shape=(1, pieces))
    chosen = csr_array((np.ones(pieces), (items.account, every)), shape=(accounts, pieces))
    rows = vstack(
        [
            hstack([one, csr_array((-upper, (every, every)), shape=(pieces, pieces))]),
            hstack([one, csr_array((-lower, (every, every)), shape=(pieces, pieces))]),
            hstack([csr_array((accounts, pieces)), chosen]),
            hstack([whole, none[:1]]),
        ]
    )
    least = np.concatenate([np.full(pieces, -np.inf), np.zeros(pieces), np.ones(accounts), [1.0]])
    most = np.concatenate([np.zeros(pieces), np.full(pieces, np.inf), np.ones(accounts), [1.0]])
    found = milp(
        np.concatenate([items.rate, items.fixed / notional]),
        constraints=LinearConstraint(rows, least, most),
        integrality=np.repeat([0, 1], pieces),
        bounds=Bounds(0.0, np.concatenate([upper, np.ones(pieces)])),
        options={"mip_rel_gap": _RELATIVE, "node_limit": _NODES},
    )
    if found.x is None:
        return None
    picked = found.x[pieces:] > 0.5  # noqa: PLR2004 - a choice is 0 or 1
    return items.take(picked), float(found.mip_dual_bound) * notional
