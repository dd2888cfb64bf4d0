"""Given positions that share an account, simulated over all underlyings together."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from harmonize.api.stress_case import StressCase
from harmonize.stress.accounts import build_accounts, run_accounts
from harmonize.stress.impact import Impact, LinearImpact
from harmonize.stress.positions import NO_ACCOUNT, Positions, build_positions
from harmonize.stress.tiers import VenueMargins


@dataclass(frozen=True, slots=True)
class AccountRow:
    """Liquidated notional of longs and shorts on one underlying, in USD, with shared margin.

    ``liquidity`` is None without impact. ``accounts`` is the number liquidated over all underlyings,
    of ``total``, and ``loss`` their loss beyond margin.
    """

    liquidity: float | None
    underlying: str
    longs: float
    shorts: float
    accounts: int
    total: int
    loss: float


def has_accounts(positions: Positions) -> bool:
    """Whether some positions share their margin."""
    return bool((positions.account != NO_ACCOUNT).any())


def account_rows(cases: Mapping[str, StressCase]) -> tuple[AccountRow, ...]:
    """Returns a row per liquidity and underlying. Raises StressInputError: unequal paths."""
    positions, margins = _joined(cases)
    accounts = build_accounts(positions, margins)
    paths = {
        name: case.scenario.path(name) if case.scenario else (case.shock,)
        for name, case in cases.items()
    }
    first = next(iter(cases.values()))
    steps = first.defaults.release_steps(first.scenario.step_minutes) if first.scenario else 1
    rows = []
    for liquidity, impacts in _impacts(cases).items():
        result = run_accounts(accounts, impacts, paths, steps)
        liquidated = int((result.step >= 0).sum())
        for code, name in enumerate(cases):
            rows.append(
                AccountRow(
                    liquidity,
                    name,
                    float(result.liquidated[code, 0]),
                    float(result.liquidated[code, 1]),
                    liquidated,
                    int(result.step.size),
                    float(result.beyond_margin.sum()),
                )
            )
    return tuple(rows)


def _impacts(cases: Mapping[str, StressCase]) -> Mapping[float | None, list[Impact]]:
    """Returns impacts by liquidity, one per underlying; none if off, or if one is unknown."""
    first = next(iter(cases.values()))
    recorded = first.scenario is not None and first.scenario.contains_its_cascade
    own = [case.impacts for case in cases.values()]
    if (recorded and not first.with_impact) or not all(own):
        return {None: [LinearImpact(0.0)] * len(cases)}
    return {liquidity: [impacts[liquidity] for impacts in own] for liquidity in own[0]}


def _joined(
    cases: Mapping[str, StressCase],
) -> tuple[Positions, Mapping[tuple[str, str], VenueMargins]]:
    """Returns the positions of all underlyings, and the margins by venue and underlying."""
    books = {name: case.book() for name, case in cases.items()}
    venues = sorted({venue for book in books.values() for venue in book.positions.venues})
    parts = [book.positions for book in books.values()]
    joined = build_positions(
        venues,
        np.concatenate([np.array([venues.index(v) for v in p.venues])[p.venue] for p in parts]),
        np.concatenate([part.side for part in parts]),
        np.concatenate([part.notional for part in parts]),
        np.concatenate([part.margin for part in parts]),
        account=np.concatenate([part.account for part in parts]),
        underlyings=tuple(books),
        underlying=np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
    )
    margins = {(own.venue, name): own for name, book in books.items() for own in book.margins}
    return joined, margins
