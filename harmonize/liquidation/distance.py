"""How far each venue lets the price move against an isolated position before it is liquidated."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harmonize.comparison.peers import PeerGroup, exclusion_reason
from harmonize.comparison.universe import Universe
from harmonize.core.instrument import Payoff
from harmonize.core.payload import Evidence
from harmonize.core.schedule import MarginSchedule
from harmonize.core.venue_conventions import Conducts
from harmonize.document import LiquidationRow
from harmonize.liquidation.price import BelowAtEntryError, Side, Valued, liquidation
from harmonize.numerics.offer import Offer, margin
from harmonize.numerics.segments import HORIZON
from harmonize.text.messages import iso_utc

LEVERAGE = 10.0
"""The leverage at which venues are compared where none is asked."""

_NO_FEE = frozenset({"none", "none stated"})
_NOT_STATED = "not stated"

_AMOUNTS = frozenset({"contracts", "coins"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A position to be liquidated: its notional in USD and the leverage to compare venues at.

    ``fee`` is the taker fee (a rate) where a venue counts one on top; None: it is left out, and the
    row says so.
    """

    notional: float
    leverage: float = LEVERAGE
    fee: float | None = None


def liquidation_rows(
    base: Universe, rivals: Iterable[PeerGroup], conducts: Conducts, entry: Entry
) -> tuple[LiquidationRow, ...]:
    """Every venue at the same leverage, and at the largest that it allows at the notional.

    Where a venue publishes a schedule for isolated margin of the instrument that stands for it, that
    one is taken.
    """
    found = []
    laid_out = base.laid_out
    for one in (base.isolated(each) for each in rivals):
        for row, schedule in zip(one.rows, one.schedules, strict=True):
            offers = {
                figure: Offer(laid_out.pieces(placed.function), placed.limit)
                for figure in ("initial", "maintenance")
                if (placed := laid_out.own[figure][row]) is not None
            }
            asked = _DistanceQuery(schedule, offers, entry, conducts)
            found += [asked.row("equal", entry.leverage), asked.row("maximum", asked.largest)]
    return tuple(found)


def valued(schedule: MarginSchedule, conducts: Conducts) -> Valued:
    """What a schedule's maintenance margin follows while the price moves.

    Bounds in contracts, or in coins of a linear contract, stay with the position; contracts of an
    inverse one are dollars, and stay likewise.
    """
    conduct = conducts.get(schedule.instrument.venue)
    if conduct and conduct.at_entry:
        return Valued.ENTRY
    units = {unit for one in schedule.evidence for unit in _units(one)}
    linear = schedule.instrument.payoff is not Payoff.INVERSE
    held = "contracts" in units or ("coins" in units and linear)
    return Valued.QUANTITY if held and units <= _AMOUNTS else Valued.VALUE


def _units(evidence: Evidence) -> set[str]:
    return {one.unit for one in evidence.columns if one.figure in {"upper", "lower"}}


class _DistanceQuery:
    """One schedule at one notional."""

    def __init__(
        self,
        schedule: MarginSchedule,
        offers: Mapping[str, Offer],
        entry: Entry,
        conducts: Conducts,
    ) -> None:
        self.schedule, self.offers, self.notional = schedule, offers, entry.notional
        self.valued = valued(schedule, conducts)
        rule = schedule.fee.rule
        self.fee = 0.0 if rule in _NO_FEE else None if rule == _NOT_STATED else entry.fee
        initial = margin(offers["initial"], self.notional) if "initial" in offers else None
        self.largest = self.notional / initial if initial else None

    def row(self, kind: str, leverage: float | None) -> LiquidationRow:
        """The distances at a leverage, or why there are none."""
        reason = self._reason(leverage)
        long = short = None
        if not reason and leverage is not None:
            try:
                long, short = (self._distance(side, leverage) for side in Side)
            except BelowAtEntryError:
                reason = (
                    "its initial margin is no more than maintenance margin and fee at that size"
                )
        if not reason and self.fee is None:
            rule = self.schedule.fee.rule
            unknown = "whether a fee counts on top is not stated"
            reason = unknown if rule == _NOT_STATED else f"without its fee add-on: {rule}"
        instrument = self.schedule.instrument
        return LiquidationRow(
            underlying=instrument.underlying.asset,
            venue=instrument.venue,
            symbol=instrument.symbol,
            profile=str(self.schedule.profile),
            payoff=instrument.payoff.value,
            notional=self.notional,
            leverage=leverage,
            leverage_basis=kind,
            adverse_move_long=long,
            adverse_move_short=short,
            fee_rate=self.fee,
            reason=reason,
            observed_at=iso_utc(self.schedule.observed_at),
            included=not exclusion_reason(self.schedule),
        )

    def _reason(self, leverage: float | None) -> str:
        for figure, word in (("initial", "IM"), ("maintenance", "MM")):
            offer = self.offers.get(figure)
            if offer is None:
                return f"{word} is not observable"
            if margin(offer, self.notional) is None:
                largest = min(offer.limit, offer.pieces[-1][1])
                compared = "is compared up to" if largest >= HORIZON else "takes no position above"
                return f"{compared} ${largest:,.0f}"
        if leverage is None or self.largest is None:
            return "IM is not observable"
        if leverage > self.largest * (1.0 + 1e-9):
            return f"allows {self.largest:.4g}x at that size"
        if self.schedule.instrument.payoff is Payoff.QUANTO:
            return "a quanto contract, whose loss depends on a third currency"
        return ""

    def _distance(self, side: Side, leverage: float) -> float | None:
        ratio = liquidation(
            self.offers["maintenance"].pieces,
            self.notional,
            self.notional / leverage,
            side,
            inverse=self.schedule.instrument.payoff is Payoff.INVERSE,
            valued=self.valued,
            fee=self.fee or 0.0,
        )
        return None if ratio is None else abs(ratio - 1.0)
