"""Liquidation distances."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LiquidationRow:
    """How far the price may move against an isolated position, as a share of the entry price.

    ``adverse_move_long`` and ``adverse_move_short`` are distances at ``leverage``; None where the position never reaches its
    maintenance margin, 0 where it is below it at entry. ``leverage_basis`` is ``equal`` (the same on
    every venue) or ``maximum`` (the venue's largest at that notional). ``reason`` says why nothing
    can be said, or what is left out. ``included`` False: the schedule is in no figure across venues.
    """

    underlying: str
    venue: str
    symbol: str
    profile: str
    payoff: str
    notional: float
    leverage: float | None
    leverage_basis: str
    adverse_move_long: float | None
    adverse_move_short: float | None
    fee_rate: float | None
    reason: str
    observed_at: str
    included: bool = True
