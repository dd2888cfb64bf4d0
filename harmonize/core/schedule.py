"""Margin as an exact function of position notional: tiers, pieces, schedules.

Amounts are in US dollars; rates are plain numbers (0.01 is 1 %). Numbers are Decimal, as published.
``margin`` evaluates one position in floating point, ``harmonize.numerics.panel`` many at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Generic, TypeVar

from harmonize.core.date_precision import EXACT, DatePrecision
from harmonize.core.instrument import Instrument
from harmonize.core.payload import Evidence, Origin

T = TypeVar("T")

ZERO = Decimal(0)
INFINITY = Decimal("Infinity")


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """Value that the venue publishes."""

    value: T


@dataclass(frozen=True, slots=True)
class Derived(Generic[T]):
    """Value derived from published ones by a step that the venue does not state.

    ``verified`` is False if no source supports that step: ``--verified-only`` then excludes the value.
    """

    value: T
    derivation: str
    verified: bool = True


@dataclass(frozen=True, slots=True)
class Unknown:
    """Value that cannot be observed, with the reason."""

    reason: str


Observed = Known[T] | Derived[T] | Unknown


class TierRule(StrEnum):
    """Rule that turns tiers into a margin: see flat, marginal and continuous in the glossary."""

    FLAT = "flat"
    MARGINAL = "marginal"
    CONTINUOUS = "continuous"


class MaintenanceMeaning(StrEnum):
    """Consequence of falling to the maintenance margin; different meanings are scored separately."""

    LIQUIDATION = "liquidation trigger"
    CALL = "margin call"
    CLEARING = "clearing requirement"


class MarginMode(StrEnum):
    """Margin mode of a position: its own collateral, or collateral shared with other positions."""

    CROSS = "cross"
    ISOLATED = "isolated"
    ANY = "any"  # the venue publishes one schedule for both


@dataclass(frozen=True, slots=True)
class Profile:
    """Account settings to which a schedule applies.

    ``any`` and empty text mean that the venue does not distinguish the setting.
    """

    margin_mode: MarginMode
    account_class: str = "any"
    position_mode: str = "any"
    chosen_leverage: str = ""

    @lru_cache(maxsize=1024)  # noqa: B019 - few profiles, formatted tens of thousands of times
    def __str__(self) -> str:
        """Returns the settings that narrow the profile, in a fixed order."""
        settings = [self.margin_mode.value, self.account_class, self.position_mode]
        narrowing = [setting for setting in settings if setting != "any"]
        if self.chosen_leverage:
            narrowing.append(f"at {self.chosen_leverage}x")
        return ", ".join(narrowing) or "any"


@dataclass(frozen=True, slots=True)
class FeeAddOn:
    """Fee that the venue adds to maintenance margin. MM never includes it here."""

    rule: str
    rate: "Observed[Decimal]"


@dataclass(frozen=True, slots=True)
class Tier:
    """One published tier, in USD. ``lower`` and ``deduction`` are None if the venue gives none.

    ``upper`` is infinite if the tier is open-ended.
    """

    upper: Decimal
    initial_rate: Decimal | None
    maintenance_rate: Decimal | None
    lower: Decimal | None = None
    deduction: Decimal | None = None


def piece_margin(
    fixed: float, rate: float, coefficient: float, power: float, notional: float
) -> float:
    """Returns the margin of one piece, in USD: ``fixed + rate * N + coefficient * N ** power``."""
    curved = coefficient * notional**power if coefficient else 0.0
    return fixed + rate * notional + curved


@dataclass(frozen=True, slots=True)
class Piece:
    """Margin = ``fixed + rate * N + coefficient * N ** power``, up to and including ``upper``."""

    upper: Decimal
    fixed: Decimal = ZERO
    rate: Decimal = ZERO
    coefficient: Decimal = ZERO
    power: Decimal = Decimal(2)

    def margin(self, notional: float) -> float:
        """Returns the margin in USD by the formula of the piece, also beyond its bounds."""
        return piece_margin(
            float(self.fixed),
            float(self.rate),
            float(self.coefficient),
            float(self.power),
            notional,
        )


@dataclass(frozen=True, slots=True)
class MarginFunction:
    """Pieces that tile (0, upper]. Above ``upper`` the function has no value."""

    pieces: tuple[Piece, ...]

    def __post_init__(self) -> None:
        """Raises ValueError: there are no pieces, or their bounds do not rise from 0."""
        below = ZERO
        for piece in self.pieces:
            if not piece.upper > below:
                message = (
                    f"pieces: expected bounds that rise from 0, found {piece.upper} after {below}"
                )
                raise ValueError(message)
            below = piece.upper
        if not self.pieces:
            message = "pieces: expected at least one piece, found none"
            raise ValueError(message)

    @property
    def upper(self) -> Decimal:
        """Largest notional at which the function has a value, in USD; may be infinite."""
        return self.pieces[-1].upper

    def margin(self, notional: float) -> float | None:
        """Returns the margin, in USD, of one position.

        None where the function has no value: the notional is not finite, not above 0, or above
        the last bound. Bounds are compared in float64.
        """
        if not 0.0 < notional < float("inf"):
            return None
        for piece in self.pieces:
            if notional <= float(piece.upper):
                return piece.margin(notional)
        return None


def flat(uppers: Sequence[Decimal], rates: Sequence[Decimal]) -> MarginFunction:
    """Returns a function that applies each tier's rate to the whole position.

    Margin jumps at the bounds. Raises ValueError: bounds that do not rise.
    """
    return MarginFunction(
        tuple(Piece(upper, ZERO, rate) for upper, rate in zip(uppers, rates, strict=True))
    )


def marginal(uppers: Sequence[Decimal], rates: Sequence[Decimal]) -> MarginFunction:
    """Returns a function that applies each tier's rate to the slice of the position in that tier.

    Margin is continuous: ``MM = r_k * N - D_k``, with ``D_k`` from ``deductions``. Raises
    ValueError: bounds that do not rise.
    """
    fixed = (-deduction for deduction in deductions(uppers, rates))
    return MarginFunction(
        tuple(
            Piece(upper, amount, rate)
            for upper, amount, rate in zip(uppers, fixed, rates, strict=True)
        )
    )


def deductions(uppers: Sequence[Decimal], rates: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """Returns the deduction of each tier, in USD.

    D_1 = 0, ``D_k = D_{k-1} + B_k * (r_k - r_{k-1})``, with B_k the lower bound of tier k. Source:
    Binance, "Leverage and Margin of USDⓈ-M Futures" (FAQ b3c689c1f50a44cabb3a84e663b81d93), where
    it is called maintenance amount. Bybit publishes the same recursion. Raises ValueError: a bound
    before the last is infinite.
    """
    amounts = [ZERO]
    for bound, below, above in zip(uppers, rates, rates[1:], strict=False):
        if not bound.is_finite():
            message = f"tiers: expected a finite bound before the last tier, found {bound}"
            raise ValueError(message)
        amounts.append(amounts[-1] + bound * (above - below))
    return tuple(amounts[: len(rates)])


UNSTATED = Unknown("the venue does not state since when the schedule applies")


@dataclass(frozen=True, slots=True)
class AssetPrice:
    """Price of one coin of the underlying in USD, as the venue states it, and where it is stated."""

    value: Decimal
    observed_at: datetime
    source: str
    precision: DatePrecision = EXACT


@dataclass(frozen=True, slots=True)
class MarginSchedule:
    """IM and MM of one instrument for one profile, with the evidence for both.

    - ``capacity``: largest position that the venue accepts, in USD.
    - ``origin``: origin of the weakest payload behind the margins.
    - ``dates``: observation times of all payloads used, oldest first.
    - ``observed_at``: observation time of the margin payload itself, ``precision``: how far it is
      known. The time is the latest possible one.
    - ``exclusion_reason``: reason for excluding the schedule from cross-venue comparison (only part
      of it is published); empty if it is included.
    - ``effective``: time since when the schedule applies, if the venue states it.
    - ``scales_with_price``: True if the functions move with a price in the evidence.
    - ``capacity_price``: price that converted the capacity into USD; None if there is none, or if
      the evidence includes it.
    - ``price``: price of the underlying in the same snapshot; None if the venue states none there.
    - ``identity_doubt``: reason why the underlying may be another asset than the one compared under
      its name, found by comparing venues; empty without a doubt.
    - ``counted_with``: venue with the same order book and margins that counts for both in figures
      across venues; empty if the schedule counts itself.
    - ``not_trading``: reason why the contract no longer trades on the date of the audit; empty if it
      trades, as far as is observed.
    - ``known_up_to``: largest notional, in USD, up to which the functions are the venue's margin.
      Above it they are lower bounds: the venue requires at least that margin. 0 if the venue
      publishes a maximum leverage or lowest rates without a size.
    """

    instrument: Instrument
    profile: Profile
    observed_at: datetime
    dates: tuple[datetime, ...]
    origin: Origin
    rule: TierRule | None
    tiers: tuple[Tier, ...]
    initial: Observed[MarginFunction]
    maintenance: Observed[MarginFunction]
    capacity: Observed[Decimal]
    meaning: MaintenanceMeaning
    fee: FeeAddOn
    evidence: tuple[Evidence, ...]
    notes: tuple[str, ...] = ()
    exclusion_reason: str = ""
    effective: "Observed[datetime]" = UNSTATED
    scales_with_price: bool = True
    capacity_price: Decimal | None = None
    price: AssetPrice | None = None
    identity_doubt: str = ""
    precision: DatePrecision = EXACT
    counted_with: str = ""
    not_trading: str = ""
    known_up_to: Decimal = INFINITY

    @property
    def key(self) -> tuple[str, str, str]:
        """Unique key of a schedule: venue, symbol, profile."""
        return (self.instrument.venue, self.instrument.symbol, str(self.profile))


def known_or_none(value: T | Unknown) -> T | None:
    """Returns a value as it is; None if it is unknown."""
    return None if isinstance(value, Unknown) else value


def reason_of(value: object) -> str:
    """Returns why a value is unknown; empty if it is known."""
    return value.reason if isinstance(value, Unknown) else ""


def value_of(observed: "Observed[T]") -> T | None:
    """Returns the value if it is known or derived; None if it is unknown."""
    return None if isinstance(observed, Unknown) else observed.value
