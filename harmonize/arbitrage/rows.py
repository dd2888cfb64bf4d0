"""One underlying across venues as offers, and what the differences between them are worth."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harmonize.arbitrage.accounts import SplitConstraints
from harmonize.arbitrage.gap import Arbitrage, arbitrage
from harmonize.comparison.layout import PanelLayout
from harmonize.comparison.peers import PeerGroup, observation_span
from harmonize.document import AllocationRow, ArbitragePoint, ArbitrageRow
from harmonize.numerics.offer import Offer
from harmonize.numerics.panel import PieceNumbers

HURDLE = 0.10
"""What capital costs in a year, as a rate: a convention of this tool, set with ``--hurdle``."""


@dataclass(frozen=True, slots=True)
class ArbitrageMarket:
    """The venues that count in the comparison of one underlying, each with what it asks.

    ``references`` are the tables of the rule sets that speak of it, as far as they speak, for
    positions larger than ``above``. ``oldest`` and ``newest`` are the
    dates compared.
    """

    underlying: str
    figure: str
    offers: Mapping[str, Offer]
    references: Mapping[str, tuple[PieceNumbers, ...]]
    above: Mapping[str, float]
    oldest: str
    newest: str

    def reference(self, rule_set: str, notional: float) -> tuple[PieceNumbers, ...] | None:
        """The table of a rule set, where it speaks of positions of this size."""
        if notional <= self.above.get(rule_set, 0.0):
            return None
        return self.references.get(rule_set)


def market(found: PeerGroup, figure: str, laid_out: PanelLayout) -> ArbitrageMarket | None:
    """Give the market of an underlying for IM or MM; None where no venue counts."""
    places = found.counted(laid_out.own[figure])
    if not places:
        return None
    offers = {}
    for place in places:
        placed = laid_out.own[figure][found.rows[place]]
        if placed is not None:
            venue = found.schedules[place].instrument.venue
            offers[venue] = Offer(laid_out.pieces(placed.function), placed.limit)
    references, above = {}, {}
    for rule in laid_out.schedules():
        reference, name = rule.reference(found.underlying, figure), rule.applied.rule_set.id
        if reference is not None:
            references[name] = _up_to(laid_out.pieces(reference.function), rule.up_to)
            above[name] = float(rule.applied.rule_set.scope.above)
    oldest, newest = observation_span([found.schedules[place] for place in places])
    return ArbitrageMarket(found.underlying, figure, offers, references, above, oldest, newest)


def _up_to(pieces: Sequence[PieceNumbers], limit: float) -> tuple[PieceNumbers, ...]:
    """A table as far as a rule set speaks."""
    return tuple((one[0], min(one[1], limit), *one[2:]) for one in pieces if one[0] < limit)


def arbitrage_rows(
    markets: Iterable[ArbitrageMarket],
    sizes: Sequence[float],
    hurdle: float = HURDLE,
    conditions: SplitConstraints | None = None,
) -> tuple[ArbitrageRow, ...]:
    """Write what each market's differences are worth, against every rule set that speaks of it."""
    return tuple(
        _row(one, rule_set, sizes, hurdle, conditions)
        for one in markets
        for rule_set in (one.references or {"": ()})
    )


def _row(
    found: ArbitrageMarket,
    rule_set: str,
    sizes: Sequence[float],
    hurdle: float,
    conditions: SplitConstraints | None,
) -> ArbitrageRow:
    points = [
        arbitrage(found.offers, size, conditions, found.reference(rule_set, size)) for size in sizes
    ]
    beyond = [size for size, one in zip(sizes, points, strict=True) if one is None]
    said = ", ".join(f"${size:,.0f}" for size in beyond)
    return ArbitrageRow(
        underlying=found.underlying,
        margin_type=found.figure,
        rule_set=rule_set,
        venues=tuple(
            one for one in found.offers if not conditions or one not in conditions.excluded
        ),
        oldest=found.oldest,
        newest=found.newest,
        points=tuple(_point(one, hurdle) for one in points if one is not None),
        reason=f"the venues together do not take {said}" if beyond else "",
    )


def _point(one: Arbitrage, hurdle: float) -> ArbitragePoint:
    return ArbitragePoint(
        notional=one.notional,
        optimal_split=one.split.cost,
        lower_bound=one.split.bound,
        best_single=one.single,
        best_single_venues=one.single_venues,
        saving=one.saving,
        marginal_rate=one.split.shadow_price,
        allocation=tuple(
            AllocationRow(each.venue, each.number, each.notional, each.margin) for each in one.parts
        ),
        reference=one.reference,
        reference_split=one.same_table,
        fragmentation=one.fragmentation,
        divergence=one.divergence,
        gap=one.gap,
        annual_cost=None if one.gap is None else one.gap * hurdle,
    )
