"""Given positions that share an account, simulated over all underlyings together.

An account is simulated as a whole or not at all: without one of its positions, its margin would be
another one.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harmonize.api.stress_case import StressCase
from harmonize.stress.accounts import account_codes, build_accounts, run_accounts
from harmonize.stress.counterfactuals import unchanged
from harmonize.stress.impact import Impact, LinearImpact
from harmonize.stress.positions import NO_ACCOUNT, Codes, Flags, Positions, build_positions
from harmonize.stress.tiers import VenueMargins
from harmonize.text.words import first_words

_MOST_NAMES = 8

Terms = Mapping[tuple[str, str], VenueMargins]
"""Margins by venue and underlying."""


@dataclass(frozen=True, slots=True)
class AccountRow:
    """Liquidated notional of longs and shorts on one underlying, in USD, with shared margin.

    ``liquidity`` is None without impact. ``accounts`` is the number liquidated over all underlyings,
    of ``total``, ``positions`` that of positions without an account, of ``positions_total``. ``loss`` is
    the loss beyond margin of both.
    """

    liquidity: float | None
    underlying: str
    longs: float
    shorts: float
    accounts: int
    total: int
    positions: int
    positions_total: int
    loss: float


def has_accounts(positions: Positions) -> bool:
    """Whether some positions share their margin."""
    return bool((positions.account != NO_ACCOUNT).any())


def accounted_underlyings(positions: Positions) -> tuple[str, ...]:
    """Returns the underlyings on which some positions share their margin."""
    codes = np.unique(positions.underlying[positions.account != NO_ACCOUNT])
    return tuple(positions.underlyings[code] for code in codes.tolist())


def linked_underlyings(positions: Positions, names: Sequence[str]) -> tuple[str, ...]:
    """Returns the names, then the underlyings that accounts link to them, directly or over others.

    A fall of a linked underlying decides whether positions on the names are liquidated.
    """
    account = account_codes(positions)
    linked = np.isin(positions.underlyings, list(names))
    while True:
        touched = np.isin(account, account[linked[positions.underlying]])
        reached = linked.copy()
        reached[positions.underlying[touched]] = True
        if (reached == linked).all():
            break
        linked = reached
    others = [
        name for name, is_linked in zip(positions.underlyings, linked, strict=True) if is_linked
    ]
    return tuple(dict.fromkeys((*names, *others)))


def added_underlyings(positions: Positions | None, names: Sequence[str]) -> tuple[str, ...]:
    """Returns the underlyings that accounts link to the named ones; all are simulated if none is."""
    if positions is None or not names:
        return ()
    return linked_underlyings(positions, names)[len(names) :]


def account_rows(
    positions: Positions, cases: Mapping[str, StressCase], reasons: Mapping[str, str]
) -> tuple[tuple[AccountRow, ...], tuple[str, ...]]:
    """Returns a row per liquidity and underlying, and the accounts that are not simulated.

    ``cases`` are the underlyings that can be simulated, ``reasons`` state why others cannot. Raises
    StressInputError: unequal paths, or a position that cannot be simulated.
    """
    margins = {
        (terms.venue, name): terms for name, case in cases.items() for terms in case.book().margins
    }
    selected = np.isin(positions.underlying, _codes(positions, {*cases, *reasons}))
    known = _has_margins(positions, margins)
    account = account_codes(positions)
    is_whole = selected & ~np.isin(account, account[selected & ~known])
    lines = _excluded(positions, np.flatnonzero(selected & ~known), _absent(cases, reasons))
    if not (is_whole & (positions.account != NO_ACCOUNT)).any():
        return (), tuple(lines)
    return tuple(_simulated(_only(positions, is_whole), cases, margins)), tuple(lines)


def _simulated(
    positions: Positions, cases: Mapping[str, StressCase], margins: Terms
) -> Iterator[AccountRow]:
    accounted = [cases[name] for name in positions.underlyings]
    for case in accounted:
        unchanged(case.book())  # refuses a position above the largest of its venue
    accounts = build_accounts(positions, margins)
    shared = np.zeros(accounts.immediate.size, dtype=bool)
    shared[accounts.account[positions.account != NO_ACCOUNT]] = True
    paths = {
        case.underlying: case.scenario.path(case.underlying) if case.scenario else (case.shock,)
        for case in accounted
    }
    first = accounted[0]
    steps = first.defaults.release_steps(first.scenario.step_minutes) if first.scenario else 1
    for liquidity, impacts in _impacts(accounted).items():
        result = run_accounts(accounts, impacts, paths, steps)
        is_liquidated = result.step >= 0
        for code, name in enumerate(positions.underlyings):
            yield AccountRow(
                liquidity,
                name,
                float(result.liquidated[code, 0]),
                float(result.liquidated[code, 1]),
                int(is_liquidated[shared].sum()),
                int(shared.sum()),
                int(is_liquidated[~shared].sum()),
                int((~shared).sum()),
                float(result.beyond_margin.sum()),
            )


def _impacts(cases: Sequence[StressCase]) -> Mapping[float | None, list[Impact]]:
    """Returns impacts by liquidity, one per underlying; none if off, or if one is unknown."""
    first = cases[0]
    recorded = first.scenario is not None and first.scenario.contains_its_cascade
    impacts = [case.impacts for case in cases]
    if (recorded and not first.with_impact) or not all(impacts):
        return {None: [LinearImpact(0.0)] * len(cases)}
    return {liquidity: [impact[liquidity] for impact in impacts] for liquidity in impacts[0]}


def _codes(positions: Positions, names: Collection[str]) -> list[int]:
    return [code for code, name in enumerate(positions.underlyings) if name in names]


def _has_margins(positions: Positions, margins: Terms) -> Flags:
    """Returns which rows are on a venue and underlying with margins."""
    known = np.array(
        [[(venue, name) in margins for name in positions.underlyings] for venue in positions.venues]
    )
    flags: Flags = known[positions.venue, positions.underlying]
    return flags


def _only(positions: Positions, rows: Flags) -> Positions:
    """Returns some rows, with the underlyings that they have."""
    kept, underlying = np.unique(positions.underlying[rows], return_inverse=True)
    return build_positions(
        positions.venues,
        positions.venue[rows],
        positions.side[rows],
        positions.notional[rows],
        positions.margin[rows],
        account=positions.account[rows],
        underlyings=tuple(positions.underlyings[code] for code in kept.tolist()),
        underlying=underlying,
    )


def _absent(
    cases: Mapping[str, StressCase], reasons: Mapping[str, str]
) -> Mapping[tuple[str, str], str]:
    """Returns by venue and underlying why positions cannot be simulated; a venue ``""`` is any."""
    absent = {("", name): reason for name, reason in reasons.items()}
    for name, case in cases.items():
        for venue in case.book().not_observable:
            absent[venue.venue, name] = f"underlying {name}: {venue.reason}"
    return absent


def _excluded(
    positions: Positions, rows: Codes, absent: Mapping[tuple[str, str], str]
) -> Iterator[str]:
    """Yields the accounts of rows that cannot be simulated, by venue and reason."""
    accounts: dict[tuple[str, str], list[str]] = {}
    for row in rows[positions.account[rows] != NO_ACCOUNT].tolist():
        venue = positions.venues[positions.venue[row]]
        name = positions.underlyings[positions.underlying[row]]
        reason = absent.get((venue, name)) or absent["", name]
        code = int(positions.account[row])
        account = positions.account_names[code] if positions.account_names else str(code)
        accounts.setdefault((venue, reason), []).append(account)
    for (venue, reason), names in accounts.items():
        distinct = list(dict.fromkeys(names))
        word = "account" if len(distinct) == 1 else "accounts"
        listed = first_words(distinct, _MOST_NAMES)
        yield f"{word} {listed} on {venue}: not simulated: {reason}"
