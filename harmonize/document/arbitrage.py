"""The cheapest splits and the gap to a reference."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AllocationRow:
    """What one account holds of a split position and what it asks for that, in USD.

    ``account`` counts the sub-accounts of a venue from 1.
    """

    venue: str
    account: int
    notional: float
    margin: float


@dataclass(frozen=True, slots=True)
class ArbitragePoint:
    """The cheapest ways to hold a position of one notional; amounts in USD.

    ``optimal_split`` is the least total margin over all accounts, ``lower_bound`` what is proved to be no more
    than it. ``best_single`` is the least that one account asks, ``saving`` what the split saves over it;
    None where no single account takes the position. ``marginal_rate`` is the margin of the next
    dollar, None where that goes into another tier everywhere. ``reference`` is what the rule set
    asks in one account, ``reference_split`` the cheapest split if every venue asked that:
    ``gap = reference − split = fragmentation + divergence``, ``fragmentation = reference −
    same_table``, ``divergence = same_table − split``; None without a reference. ``annual_cost`` is
    the gap times the document's hurdle rate.
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
    """What the differences between venues on one underlying are worth, against one rule set.

    ``rule_set`` is empty where no reference speaks of the underlying. ``reason`` says why a notional
    of the ladder has no point; empty where all have.
    """

    underlying: str
    margin_type: str
    rule_set: str
    venues: tuple[str, ...]
    oldest: str
    newest: str
    points: tuple[ArbitragePoint, ...]
    reason: str = ""
