"""Rows of the audit document on optimal splits and arbitrage gaps."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AllocationRow:
    """Notional and margin of one account in a split position, in USD.

    ``account`` numbers the sub-accounts of a venue from 1.
    """

    venue: str
    account: int
    notional: float
    margin: float


@dataclass(frozen=True, slots=True)
class ArbitragePoint:
    """Lowest margins of a position of one notional, in USD.

    ``optimal_split`` is the lowest total margin over all accounts, and ``lower_bound`` a proved
    lower bound of it. ``best_single`` is the lowest margin in one account, and ``saving`` the
    amount by which the split is lower. Both are None if no single account accepts the position.
    ``marginal_rate`` is the margin of the next dollar of position; None if the next dollar begins
    another tier in every account. ``reference`` is the requirement of the rule set in one account,
    and ``reference_split`` the lowest total margin if every venue had the table of the rule set.
    ``gap = reference − optimal_split = fragmentation + divergence``, with
    ``fragmentation = reference − reference_split`` and
    ``divergence = reference_split − optimal_split``. All are None without a reference.
    ``annual_cost`` is the gap times the cost of capital of the document.
    """

    notional: float
    optimal_split: float
    lower_bound: float
    best_single: float | None
    best_single_venues: tuple[str, ...]
    saving: float | None
    marginal_rate: float | None
    allocation: tuple[AllocationRow, ...]
    reference: float | None
    reference_split: float | None
    fragmentation: float | None
    divergence: float | None
    gap: float | None
    annual_cost: float | None


@dataclass(frozen=True, slots=True)
class ArbitrageRow:
    """Arbitrage gap between the venues on one underlying and one rule set.

    ``rule_set`` is empty if no reference covers the underlying. ``reason`` states why a notional of
    the grid has no point; empty if every notional has one.
    """

    underlying: str
    margin_type: str
    rule_set: str
    venues: tuple[str, ...]
    oldest: str
    newest: str
    points: tuple[ArbitragePoint, ...]
    reason: str = ""
