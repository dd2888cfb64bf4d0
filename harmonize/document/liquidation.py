"""Liquidation distances."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LiquidationRow:
    """How far the price may move against an isolated position, as a share of the entry price.

    ``long`` and ``short`` are distances at ``leverage``; None where the position never reaches its
    maintenance margin, 0 where it is below it at entry. ``leverage_is`` is ``equal`` (the same on
    every venue) or ``maximum`` (the venue's largest at that notional). ``reason`` says why nothing
    can be said, or what is left out. ``counted`` False: the schedule is in no figure across venues.
    """

    underlying: str
    venue: str
    symbol: str
    profile: str
    payoff: str
    notional: float
    leverage: float | None
    leverage_is: str
    long: float | None
    short: float | None
    fee_rate: float | None
    reason: str
    observed_at: str
    counted: bool = True
