"""Split over accounts as a mixed-integer linear program, solved by HiGHS.

Each piece has a size and a binary choice. A chosen piece has a size between its bounds, and every
account uses exactly one of its pieces. All pieces must be straight.
"""

import numpy as np

from harmonize.arbitrage.lagrangian import AccountPieces

_MAX_NODES = 2000  # not a time limit, so that the result is the same on every machine
_RELATIVE_GAP = 1e-9


def solve(items: AccountPieces, notional: float) -> tuple[AccountPieces, float] | None:
    """Returns the piece of each account in the best split, and the proved lower bound in USD.

    None if the node limit ends the search without a split.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp  # noqa: PLC0415 - heavy
    from scipy.sparse import csr_array, hstack, vstack  # noqa: PLC0415 - as above

    pieces, accounts = items.account.size, int(items.account[-1]) + 1
    indices = np.arange(pieces)
    identity = csr_array((np.ones(pieces), (indices, indices)))
    # Sizes are shares of the position, so that all coefficients have similar magnitudes.
    lower, upper = items.lower / notional, items.upper / notional
    total = csr_array((np.ones(pieces), (np.zeros(pieces, int), indices)), shape=(1, pieces))
    choices = csr_array((np.ones(pieces), (items.account, indices)), shape=(accounts, pieces))
    rows = vstack(
        [
            hstack([identity, csr_array((-upper, (indices, indices)), shape=(pieces, pieces))]),
            hstack([identity, csr_array((-lower, (indices, indices)), shape=(pieces, pieces))]),
            hstack([csr_array((accounts, pieces)), choices]),
            hstack([total, csr_array((1, pieces))]),
        ]
    )
    row_lower = np.concatenate(
        [np.full(pieces, -np.inf), np.zeros(pieces), np.ones(accounts), [1.0]]
    )
    row_upper = np.concatenate(
        [np.zeros(pieces), np.full(pieces, np.inf), np.ones(accounts), [1.0]]
    )
    solution = milp(
        np.concatenate([items.rate, items.fixed / notional]),
        constraints=LinearConstraint(rows, row_lower, row_upper),
        integrality=np.repeat([0, 1], pieces),
        bounds=Bounds(0.0, np.concatenate([upper, np.ones(pieces)])),
        options={"mip_rel_gap": _RELATIVE_GAP, "node_limit": _MAX_NODES},
    )
    if solution.x is None:
        return None
    is_chosen = solution.x[pieces:] > 0.5  # noqa: PLR2004 - a choice is 0 or 1
    return items.take(is_chosen), float(solution.mip_dual_bound) * notional
