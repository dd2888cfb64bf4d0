"""Rows of the audit document on the distance to liquidation."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LiquidationRow:
    """Adverse price move to liquidation of an isolated position, as a share of the entry price.

    ``adverse_move_long`` and ``adverse_move_short`` apply at ``leverage``. They are None if the
    position never reaches its maintenance margin, and 0 if it is below maintenance margin at entry.
    ``leverage_basis`` is ``equal`` (the same on every venue) or ``maximum`` (the highest of the
    venue at that notional). ``reason`` states why the distance is unknown, or what it excludes. If
    ``included`` is False, the schedule is excluded from cross-venue statistics.
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
    observed_from: str = ""
    date_kind: str = "exact"
