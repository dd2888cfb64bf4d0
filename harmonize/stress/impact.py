"""Price impact of forced sales: the move, as a fraction of the first mark, that a volume causes."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from harmonize.stress.defaults import DEFAULTS, StressDefaults
from harmonize.stress.errors import StressInputError
from harmonize.stress.positions import Floats


class Impact(Protocol):
    """Move caused by selling a total volume; it rises with volume and is 0 without any."""

    def move(self, volume: Floats) -> Floats:
        """Returns the move of each volume in USD; infinite above what is known."""
        ...


@dataclass(frozen=True, slots=True)
class SquareRootImpact:
    """Impact ``Y · volatility · √(Q / ADV)``: volatility and ADV (USD) per day, Y without a unit.

    Sources: Tóth et al. 2011; Donier and Bonart 2015 for bitcoin; Sato and Kanazawa 2025.
    """

    volatility: float
    daily_volume: float
    coefficient: float = 1.0
    exponent: float = 0.5

    def __post_init__(self) -> None:
        """Raises StressInputError: no volume, or a number that is not finite."""
        _check("daily volume", self.daily_volume, zero=False)
        _check("volatility", self.volatility)
        _check("impact coefficient", self.coefficient)
        _check("impact exponent", self.exponent, zero=False)

    def move(self, volume: Floats) -> Floats:
        """Returns the move of each volume in USD."""
        share = volume / self.daily_volume
        scale = self.coefficient * self.volatility
        if self.exponent == 0.5:  # noqa: PLR2004 - a square root is faster than a power
            return scale * np.sqrt(share)
        return scale * share**self.exponent


@dataclass(frozen=True, slots=True)
class LinearImpact:
    """Impact ``λ·Q``, with λ per USD."""

    slope: float

    def __post_init__(self) -> None:
        """Raises StressInputError: the slope is not a finite number from 0."""
        _check("impact slope", self.slope)

    def move(self, volume: Floats) -> Floats:
        """Returns the move of each volume in USD."""
        return self.slope * volume


@dataclass(frozen=True, slots=True)
class DepthImpact:
    """Impact from an order book: the move after a volume is sold, interpolated between rows.

    The first row is no volume and no move. Above the last volume the move is infinite, which the
    engines refuse.
    """

    volumes: tuple[float, ...]
    moves: tuple[float, ...]

    def __post_init__(self) -> None:
        """Raises StressInputError: the table does not begin at 0, or does not rise."""
        if len(self.volumes) != len(self.moves):
            message = f"depth: expected one move per volume, found {len(self.moves)}"
            raise StressInputError(message)
        for name, column in (("volume", self.volumes), ("move", self.moves)):
            steps = np.diff(column)
            rises = bool((steps > 0.0).all() if name == "volume" else (steps >= 0.0).all())
            if not (steps.size and column[0] == 0.0 and rises and column[-1] < np.inf):
                message = f"depth: expected {name}s that rise from 0, found {column}; sort the rows"
                raise StressInputError(message)

    def move(self, volume: Floats) -> Floats:
        """Returns the move of each volume in USD; infinite above the last row."""
        return np.interp(volume, self.volumes, self.moves, right=np.inf)


def impacts_by_liquidity(
    volatility: float, daily_volume: float, defaults: StressDefaults = DEFAULTS
) -> dict[float, Impact]:
    """Returns the impact by liquidity multiplier on volatility; both inputs are per day.

    Raises StressInputError: no volume, or a number that is not finite.
    """
    return {
        multiplier: SquareRootImpact(
            volatility * multiplier,
            daily_volume,
            defaults.impact_coefficient.value,
            defaults.impact_exponent.value,
        )
        for multiplier in defaults.liquidity_multipliers.value
    }


def require_known(volume: Floats, move: Floats) -> None:
    """Raises StressInputError: a volume is above what the impact covers."""
    unknown = ~np.isfinite(move)
    if unknown.any():
        sold = float(volume[unknown].min())
        message = f"depth: ${sold:,.0f} is sold beyond the end of the table; add deeper rows"
        raise StressInputError(message)


def _check(name: str, value: float, *, zero: bool = True) -> None:
    if not (0.0 <= value < np.inf) or (value == 0.0 and not zero):
        bound = "from 0" if zero else "above 0"
        message = f"{name}: expected a finite number {bound}, found {value}"
        raise StressInputError(message)
