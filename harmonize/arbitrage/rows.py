"""Arbitrage rows of the audit document: the venues on one underlying as offers, split and gap."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harmonize.arbitrage.accounts import SplitConstraints
from harmonize.arbitrage.gap import Arbitrage, arbitrage
from harmonize.comparison.layout import PanelLayout
from harmonize.comparison.offers import build_offer, pieces_up_to
from harmonize.comparison.peers import PeerGroup, observation_span
from harmonize.document import AllocationRow, ArbitragePoint, ArbitrageRow
from harmonize.numerics.offer import Offer
from harmonize.numerics.panel import PieceNumbers
from harmonize.numerics.rounding import rounded, rounded_or_none

COST_OF_CAPITAL = 0.10
"""Cost of capital per year, as a rate: a convention of this tool, set with ``--cost-of-capital``."""


@dataclass(frozen=True, slots=True)
class ArbitrageMarket:
    """Offers of the included venues on one underlying, and the reference tables that apply.

    - ``references``: table by rule set, up to the largest position that the rule set covers.
    - ``above``: notional by rule set; its table applies to larger positions only, in USD.
    - ``oldest`` and ``newest``: observation dates of the schedules compared.
    """

    underlying: str
    margin_type: str
    offers: Mapping[str, Offer]
    references: Mapping[str, tuple[PieceNumbers, ...]]
    above: Mapping[str, float]
    oldest: str
    newest: str

    def reference(self, rule_set: str, notional: float) -> tuple[PieceNumbers, ...] | None:
        """Returns the table of a rule set; None if it does not cover positions of this size."""
        if notional <= self.above.get(rule_set, 0.0):
            return None
        return self.references.get(rule_set)


def build_market(peers: PeerGroup, margin_type: str, layout: PanelLayout) -> ArbitrageMarket | None:
    """Returns the market of an underlying for IM or MM; None if no venue is included."""
    positions = peers.included_positions(layout.own[margin_type])
    if not positions:
        return None
    offers = {}
    for position in positions:
        schedule = peers.schedules[position]
        offer = build_offer(layout, margin_type, peers.rows[position], schedule)
        if offer is not None:
            offers[schedule.instrument.venue] = offer
    references, above = {}, {}
    for rule in layout.schedules():
        reference, name = rule.reference(peers.underlying, margin_type), rule.applied.rule_set.id
        if reference is not None:
            references[name] = pieces_up_to(layout.pieces(reference.function), rule.up_to)
            above[name] = float(rule.applied.rule_set.scope.above)
    oldest, newest = observation_span([peers.schedules[position] for position in positions])
    return ArbitrageMarket(peers.underlying, margin_type, offers, references, above, oldest, newest)


def arbitrage_rows(
    markets: Iterable[ArbitrageMarket],
    notionals: Sequence[float],
    cost_of_capital: float = COST_OF_CAPITAL,
    constraints: SplitConstraints | None = None,
) -> tuple[ArbitrageRow, ...]:
    """Returns a row per market and rule set; a market without a reference has one row."""
    return tuple(
        _row(offered, rule_set, notionals, cost_of_capital, constraints)
        for offered in markets
        for rule_set in (offered.references or {"": ()})
    )


def _row(
    offered: ArbitrageMarket,
    rule_set: str,
    notionals: Sequence[float],
    cost_of_capital: float,
    constraints: SplitConstraints | None,
) -> ArbitrageRow:
    results = [
        arbitrage(offered.offers, notional, constraints, offered.reference(rule_set, notional))
        for notional in notionals
    ]
    too_large = [
        notional for notional, result in zip(notionals, results, strict=True) if result is None
    ]
    return ArbitrageRow(
        underlying=offered.underlying,
        margin_type=offered.margin_type,
        rule_set=rule_set,
        venues=tuple(
            venue
            for venue in offered.offers
            if not constraints or venue not in constraints.excluded
        ),
        oldest=offered.oldest,
        newest=offered.newest,
        points=tuple(_point(result, cost_of_capital) for result in results if result is not None),
        reason=too_large_reason(offered.offers, too_large) if too_large else "",
    )


def too_large_reason(offers: Mapping[str, Offer], notionals: Sequence[float]) -> str:
    """Returns why no split of some notionals, in USD, is known: capacity, or what was observed."""
    amounts = ", ".join(f"${notional:,.0f}" for notional in notionals)
    unobserved = [venue for venue, offer in offers.items() if offer.is_unobserved_above]
    if not unobserved:
        return f"the venues together do not accept {amounts}"
    return (
        f"the observed margins of the venues together do not reach {amounts}; larger positions "
        f"were not observed at {', '.join(unobserved)}"
    )


def _point(result: Arbitrage, cost_of_capital: float) -> ArbitragePoint:
    return ArbitragePoint(
        notional=result.notional,
        optimal_split=result.cost,
        lower_bound=rounded(result.split.bound),
        best_single=result.single,
        best_single_venues=result.single_venues,
        saving=rounded_or_none(result.saving),
        marginal_rate=rounded_or_none(result.split.shadow_price),
        allocation=allocation_rows(result),
        reference=result.reference,
        reference_split=result.reference_split,
        fragmentation=rounded_or_none(result.fragmentation),
        divergence=rounded_or_none(result.divergence),
        gap=rounded_or_none(result.gap),
        annual_cost=None if result.gap is None else rounded(result.gap * cost_of_capital),
    )


def allocation_rows(result: Arbitrage) -> tuple[AllocationRow, ...]:
    """Returns the notional and margin of every account that the cheapest split uses."""
    return tuple(
        AllocationRow(
            account.venue, account.number, rounded(account.notional), rounded(account.margin)
        )
        for account in result.allocation
    )
