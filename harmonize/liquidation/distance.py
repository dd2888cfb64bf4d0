"""Distance to liquidation per venue: the adverse price move that liquidates an isolated position."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harmonize.comparison.layout import MARGIN_TYPES
from harmonize.comparison.offers import build_offer, no_margin_reason
from harmonize.comparison.peers import PeerGroup, exclusion_reason
from harmonize.comparison.universe import Universe
from harmonize.core.instrument import Payoff
from harmonize.core.schedule import MarginSchedule
from harmonize.core.venue_conventions import ConventionsByVenue
from harmonize.document import LiquidationRow
from harmonize.liquidation.price import BelowAtEntryError, MarginBasis, Side, liquidation
from harmonize.numerics.offer import Offer, offer_margin
from harmonize.numerics.rounding import rounded, rounded_or_none
from harmonize.text.messages import iso_utc

LEVERAGE = 10.0
"""Leverage at which venues are compared by default."""

_NO_FEE = frozenset({"none", "none stated"})
_NOT_STATED = "not stated"

_AMOUNT_UNITS = frozenset({"contracts", "coins"})


@dataclass(frozen=True, slots=True)
class LiquidationTerms:
    """A position to be liquidated: notional in USD, and the leverage at which venues are compared.

    ``fee`` is the taker fee (a rate), for venues that add a fee to maintenance margin. None excludes
    that fee, and the row states so.
    """

    notional: float
    leverage: float = LEVERAGE
    fee: float | None = None


def liquidation_rows(
    universe: Universe,
    peer_groups: Iterable[PeerGroup],
    conventions: ConventionsByVenue,
    entry: LiquidationTerms,
) -> tuple[LiquidationRow, ...]:
    """Returns two rows per venue: at the same leverage, and at the venue's largest at the notional.

    If a venue publishes an isolated-margin schedule of the representative instrument, that schedule
    is used.
    """
    rows = []
    layout = universe.layout
    for peers in (universe.isolated(group) for group in peer_groups):
        for row, schedule in zip(peers.rows, peers.schedules, strict=True):
            offers = {
                margin_type: offer
                for margin_type in MARGIN_TYPES
                if (offer := build_offer(layout, margin_type, row, schedule)) is not None
            }
            query = _DistanceQuery(schedule, offers, entry, conventions)
            rows += [query.row("equal", entry.leverage), query.row("maximum", query.largest)]
    return tuple(rows)


def margin_basis(schedule: MarginSchedule, conventions: ConventionsByVenue) -> MarginBasis:
    """Returns what a schedule's maintenance margin follows while the price moves.

    Tier bounds in contracts do not move with the price, nor do bounds in coins of a linear contract.
    Contracts of an inverse instrument are amounts in dollars, which do not move either.
    """
    convention = conventions.get(schedule.instrument.venue)
    if convention and convention.uses_entry_price:
        return MarginBasis.ENTRY
    units = {
        column.unit
        for evidence in schedule.evidence
        for column in evidence.columns
        if column.quantity in {"upper", "lower"}
    }
    is_linear = schedule.instrument.payoff is not Payoff.INVERSE
    is_quantity = "contracts" in units or ("coins" in units and is_linear)
    return MarginBasis.QUANTITY if is_quantity and units <= _AMOUNT_UNITS else MarginBasis.VALUE


class _DistanceQuery:
    """Distance to liquidation under one schedule at one notional."""

    def __init__(
        self,
        schedule: MarginSchedule,
        offers: Mapping[str, Offer],
        entry: LiquidationTerms,
        conventions: ConventionsByVenue,
    ) -> None:
        self.schedule, self.offers, self.notional = schedule, offers, entry.notional
        self.basis = margin_basis(schedule, conventions)
        rule = schedule.fee.rule
        self.fee = 0.0 if rule in _NO_FEE else None if rule == _NOT_STATED else entry.fee
        initial = offer_margin(offers["initial"], self.notional) if "initial" in offers else None
        self.largest = self.notional / initial if initial else None

    def row(self, leverage_basis: str, leverage: float | None) -> LiquidationRow:
        """Returns the distances at a leverage, or the reason why there are none."""
        reason = self._reason(leverage)
        long = short = None
        if not reason and leverage is not None:
            try:
                ratios = {side: self._price_ratio(side, leverage) for side in Side}
                long, short = (self._distance(ratios[side]) for side in Side)
                reason = self._unobserved_reason(ratios)
            except BelowAtEntryError:
                reason = "initial margin does not exceed maintenance margin and fee at that size"
        if not reason and self.fee is None:
            reason = self._fee_reason()
        instrument = self.schedule.instrument
        return LiquidationRow(
            underlying=instrument.underlying.asset,
            venue=instrument.venue,
            symbol=instrument.symbol,
            profile=str(self.schedule.profile),
            payoff=instrument.payoff.value,
            notional=self.notional,
            leverage=rounded_or_none(leverage),
            leverage_basis=leverage_basis,
            adverse_move_long=long,
            adverse_move_short=short,
            fee_rate=self.fee,
            reason=reason,
            observed_at=iso_utc(self.schedule.observed_at),
            observed_from=self.schedule.precision.earliest_text(self.schedule.observed_at),
            date_kind=self.schedule.precision.kind.value,
            included=not exclusion_reason(self.schedule),
        )

    def _fee_reason(self) -> str:
        """Returns why the distance is without a fee."""
        rule = self.schedule.fee.rule
        if rule == _NOT_STATED:
            return "the venue does not state whether it adds a fee"
        return f"fee add-on excluded: {rule}"

    def _reason(self, leverage: float | None) -> str:
        """Returns why there is no distance at a leverage; empty if there is one."""
        for margin_type, word in (("initial", "IM"), ("maintenance", "MM")):
            offer = self.offers.get(margin_type)
            if offer is None:
                return no_margin_reason(self.schedule, word)
            if offer_margin(offer, self.notional) is None:
                return offer.end
        if leverage is None or self.largest is None:
            return "IM is not observable"
        if leverage > self.largest * (1.0 + 1e-9):
            return f"allows at most {self.largest:.4g}x at that size"
        if self.schedule.instrument.payoff is Payoff.QUANTO:
            return "quanto contract: the loss depends on a third currency"
        return ""

    def _price_ratio(self, side: Side, leverage: float) -> float | None:
        """Returns the liquidation price over the entry price; None if there is none."""
        return liquidation(
            self.offers["maintenance"].pieces,
            self.notional,
            self.notional / leverage,
            side,
            inverse=self.schedule.instrument.payoff is Payoff.INVERSE,
            basis=self.basis,
            fee=self.fee or 0.0,
        )

    def _distance(self, ratio: float | None) -> float | None:
        """Returns the adverse move; None without one, or where maintenance margin is not observed."""
        if ratio is None or self._is_unobserved_at(ratio):
            return None
        return rounded(abs(ratio - 1.0))

    def _is_unobserved_at(self, ratio: float) -> bool:
        """True if the position's value at a price lies above the observed maintenance margin."""
        offer = self.offers["maintenance"]
        if not offer.is_unobserved_above or self.basis is not MarginBasis.VALUE:
            return False
        is_inverse = self.schedule.instrument.payoff is Payoff.INVERSE
        return (self.notional / ratio if is_inverse else self.notional * ratio) > offer.largest

    def _unobserved_reason(self, ratios: Mapping[Side, float | None]) -> str:
        """Returns why the distance of a side is unknown; empty if both are known."""
        sides = [
            side.value
            for side, ratio in ratios.items()
            if ratio is not None and self._is_unobserved_at(ratio)
        ]
        if not sides:
            return ""
        return f"{' and '.join(sides)} liquidated beyond: {self.offers['maintenance'].end}"
