"""Margin as an exact function of position notional: tiers, pieces, schedules.

Amounts are US dollars and rates are plain (0.01 is 1 %). Numbers are Decimal, as published;
``harmonize.numerics.panel`` evaluates them in floating point.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Generic, TypeVar

from harmonize.core.instrument import Instrument
from harmonize.core.payload import Evidence, Origin

T = TypeVar("T")

ZERO = Decimal(0)
INFINITY = Decimal("Infinity")


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """A figure that the venue publishes."""

    value: T


@dataclass(frozen=True, slots=True)
class Derived(Generic[T]):
    """A figure that follows from published ones by a step that the venue does not state.

    ``verified`` is False where that step is from memory or a guess: ``--strict`` leaves it out.
    """

    value: T
    derivation: str
    verified: bool = True


@dataclass(frozen=True, slots=True)
class Unknown:
    """A figure that could not be observed, and why."""

    reason: str


Observed = Known[T] | Derived[T] | Unknown


class TierRule(StrEnum):
    """How tiers become a margin: see the glossary under flat, marginal, continuous."""

    FLAT = "flat"
    MARGINAL = "marginal"
    CONTINUOUS = "continuous"


class MaintenanceMeaning(StrEnum):
    """What happens at the maintenance margin; different meanings are not scored as one."""

    LIQUIDATION = "liquidation trigger"
    CALL = "margin call"
    CLEARING = "clearing requirement"


class MarginMode(StrEnum):
    """Whether the position's margin stands alone or is shared."""

    CROSS = "cross"
    ISOLATED = "isolated"
    ANY = "any"  # the venue publishes one schedule for both


@dataclass(frozen=True, slots=True)
class Profile:
    """Whose margin it is. ``any`` and empty text mean that the venue makes no difference."""

    margin_mode: MarginMode
    account_class: str = "any"
    position_mode: str = "any"
    chosen_leverage: str = ""

    @lru_cache(maxsize=1024)  # noqa: B019 - a handful of profiles, asked tens of thousands of times
    def __str__(self) -> str:
        """Write the parts that narrow the profile, in a fixed order."""
        parts = [self.margin_mode.value, self.account_class, self.position_mode]
        named = [part for part in parts if part != "any"]
        if self.chosen_leverage:
            named.append(f"at {self.chosen_leverage}x")
        return ", ".join(named) or "any"


@dataclass(frozen=True, slots=True)
class FeeAddOn:
    """A fee that the venue counts on top of maintenance margin; MM here never includes it."""

    rule: str
    rate: "Observed[Decimal]"


@dataclass(frozen=True, slots=True)
class Tier:
    """One published row, in USD. ``lower`` and ``deduction`` are None where the row has none.

    ``upper`` is infinite where the row is open-ended.
    """

    upper: Decimal
    initial_rate: Decimal | None
    maintenance_rate: Decimal | None
    lower: Decimal | None = None
    deduction: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """Margin = ``fixed + rate * N + coefficient * N ** power`` up to and with N = ``upper``."""

    upper: Decimal
    fixed: Decimal = ZERO
    rate: Decimal = ZERO
    coefficient: Decimal = ZERO
    power: Decimal = Decimal(2)


@dataclass(frozen=True, slots=True)
class MarginFunction:
    """Pieces that tile (0, upper]. Above ``upper`` the function has no value."""

    pieces: tuple[Piece, ...]

    def __post_init__(self) -> None:
        """Refuse pieces that do not rise from 0. Raises ValueError."""
        below = ZERO
        for piece in self.pieces:
            if not piece.upper > below:
                message = f"pieces must rise from 0: {piece.upper} does not lie above {below}"
                raise ValueError(message)
            below = piece.upper
        if not self.pieces:
            message = "a margin function needs at least one piece"
            raise ValueError(message)

    @property
    def upper(self) -> Decimal:
        """The largest notional at which the function has a value, in USD; may be infinite."""
        return self.pieces[-1].upper


def flat(uppers: Sequence[Decimal], rates: Sequence[Decimal]) -> MarginFunction:
    """Each tier's rate applies to the whole position, so margin jumps at the bounds.

    Raises ValueError: bounds that do not rise.
    """
    return MarginFunction(
        tuple(Piece(upper, ZERO, rate) for upper, rate in zip(uppers, rates, strict=True))
    )


def marginal(uppers: Sequence[Decimal], rates: Sequence[Decimal]) -> MarginFunction:
    """Each tier's rate applies to the slice in it, so margin is continuous.

    ``MM = r_k * N - D_k`` with the deduction of ``deductions``. Raises ValueError: bounds that do
    not rise.
    """
    fixed = (-deduction for deduction in deductions(uppers, rates))
    return MarginFunction(
        tuple(
            Piece(upper, amount, rate)
            for upper, amount, rate in zip(uppers, fixed, rates, strict=True)
        )
    )


def deductions(uppers: Sequence[Decimal], rates: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """D_1 = 0, ``D_k = D_{k-1} + B_k * (r_k - r_{k-1})``, B_k the lower bound of tier k, in USD.

    Source: Binance, "Leverage and Margin of USDⓈ-M Futures" (FAQ b3c689c1f50a44cabb3a84e663b81d93),
    where it is called maintenance amount; Bybit publishes the same recursion. Raises ValueError: a
    bound before the last one that is infinite.
    """
    amounts = [ZERO]
    for bound, below, above in zip(uppers, rates, rates[1:], strict=False):
        if not bound.is_finite():
            message = f"a tier lies above the bound {bound}"
            raise ValueError(message)
        amounts.append(amounts[-1] + bound * (above - below))
    return tuple(amounts[: len(rates)])


UNSTATED = Unknown("the venue does not say since when it holds")


@dataclass(frozen=True, slots=True)
class MarginSchedule:
    """IM and MM of one instrument for one profile, with what is known of each and its evidence.

    ``capacity`` is the largest position the venue takes, in USD. ``origin`` is that of the
    weakest payload that the margins rest on. ``dates`` are the observation times of all payloads
    used, oldest first; ``observed_at`` is that of the margin payload itself. ``exclusion_reason`` says why the
    schedule is no match for others' (only a part of it is published); empty where it is one.
    ``effective`` is since when it holds, where the venue says. ``scales`` says whether the functions move
    with a price that is in the evidence; ``capacity_price`` is the price that made the capacity USD, where
    one did that the evidence does not hold.
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
    scales: bool = True
    capacity_price: Decimal | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """What names a schedule: venue, symbol, profile."""
        return (self.instrument.venue, self.instrument.symbol, str(self.profile))


def value_of(figure: "Observed[T]") -> T | None:
    """Give the value of a known or derived figure, None for an unknown one."""
    return None if isinstance(figure, Unknown) else figure.value
