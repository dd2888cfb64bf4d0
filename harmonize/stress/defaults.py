"""Default assumptions of a stress, each with its mark: measured, sourced or assumed."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from harmonize.liquidation.price import Side
from harmonize.stress.errors import StressInputError

T_co = TypeVar("T_co", covariant=True)


class Mark(StrEnum):
    """Basis of a default."""

    MEASURED = "measured"
    SOURCED = "sourced"
    ASSUMED = "assumed"
    GIVEN = "given"


SOURCE_MARKS = (Mark.MEASURED, Mark.SOURCED, Mark.ASSUMED)
"""Marks of what ships with the package or a scenario states; a user gives the rest."""


@dataclass(frozen=True, slots=True)
class Default(Generic[T_co]):
    """Value with its mark, and where the value is from or why it is assumed."""

    name: str
    value: T_co
    text: str
    mark: Mark
    basis: str


@dataclass(frozen=True, slots=True)
class LeverageDistribution:
    """Lognormal distribution of effective leverage, weighted by notional."""

    median: float
    log_sd: float


@dataclass(frozen=True, slots=True)
class SizeRange:
    """Position sizes in USD, with a density proportional to the size to the power −2."""

    smallest: float
    largest: float


LeverageBySide = Mapping[tuple[str, Side], LeverageDistribution]
"""Distributions by underlying and side."""

_SAMPLE = "Hyperliquid, February 2026: liquidation prices of a sample of winners and large accounts"

_MEASURED_LEVERAGE: LeverageBySide = {
    ("BTC", Side.LONG): LeverageDistribution(2.18, 1.05),
    ("BTC", Side.SHORT): LeverageDistribution(2.82, 0.94),
    ("ETH", Side.LONG): LeverageDistribution(0.94, 1.13),
    ("ETH", Side.SHORT): LeverageDistribution(1.86, 0.78),
    ("SOL", Side.LONG): LeverageDistribution(0.30, 1.24),
    ("SOL", Side.SHORT): LeverageDistribution(1.17, 0.81),
}

MEASURED_VENUE = "hyperliquid"
"""Venue on which effective leverage was measured; on others it is assumed to be the same."""

SUBSTITUTE = "BTC"
"""Underlying whose leverage is assumed for underlyings without a measurement."""


MOST_RELEASE_STEPS = 10_000
"""Most steps over which a liquidation can be sold: each is a step of the simulation."""


@dataclass(frozen=True, slots=True)
class StressDefaults:
    """Assumptions of a stress that is not told otherwise."""

    leverage: Default[LeverageBySide] = Default(
        "effective leverage",
        _MEASURED_LEVERAGE,
        "lognormal median, log-sd, longs; shorts: BTC 2.18, 1.05; 2.82, 0.94 · "
        "ETH 0.94, 1.13; 1.86, 0.78 · SOL 0.30, 1.24; 1.17, 0.81 · other underlyings as BTC",
        Mark.MEASURED,
        f"{_SAMPLE}; assumed on other venues and underlyings",
    )
    sizes: Default[SizeRange] = Default(
        "position sizes",
        SizeRange(1e3, 1e8),
        "density proportional to N⁻², $1k to $100m",
        Mark.ASSUMED,
        "no venue publishes the sizes of positions",
    )
    impact_coefficient: Default[float] = Default(
        "impact coefficient",
        1.0,
        "1",
        Mark.SOURCED,
        "Tóth et al. 2011; Donier and Bonart 2015; Sato and Kanazawa 2025",
    )
    impact_exponent: Default[float] = Default(
        "impact exponent",
        0.5,
        "½",
        Mark.SOURCED,
        "Tóth et al. 2011; Donier and Bonart 2015; Sato and Kanazawa 2025",
    )
    market_days: Default[int] = Default(
        "days of volatility and volume",
        30,
        "the last 30 days with candles before the scenario",
        Mark.MEASURED,
        "daily candles in the archive",
    )
    liquidity_multipliers: Default[tuple[float, ...]] = Default(
        "liquidity multiplier on volatility",
        (1.0, 4.0, 10.0),
        "1, 4 and 10, always all three",
        Mark.ASSUMED,
        "depth in a fall is not published",
    )
    closing_steps: Default[float] = Default(
        "closing of price gaps between venues",
        1.0,
        "1 step",
        Mark.ASSUMED,
        "arbitrage between venues in a fall is not measured",
    )
    minutes_to_sell: Default[float] = Default(
        "time to sell a liquidation",
        5.0,
        "5 minutes",
        Mark.ASSUMED,
        "execution of liquidations is not published",
    )

    grid_rows: Default[int] = Default(
        "resolution of the model",
        20_000,
        "20,000 positions per venue and side, finest at high leverage",
        Mark.ASSUMED,
        "with ten times the positions, figures change by less than 1 %",
    )
    sample_rows: Default[int] = Default(
        "positions of a sample",
        2_000,
        "2,000 per venue and side, of equal open interest, drawn by every seed",
        Mark.ASSUMED,
        "no venue publishes the number of positions; intervals are those of the sample of positions, "
        "not of the market, and narrow with the root of the number",
    )

    def rows(self) -> tuple[Default[object], ...]:
        """Returns every default, in the order of the fields."""
        return (
            self.leverage,
            self.sizes,
            self.impact_coefficient,
            self.impact_exponent,
            self.market_days,
            self.liquidity_multipliers,
            self.closing_steps,
            self.minutes_to_sell,
            self.grid_rows,
            self.sample_rows,
            CAPPED_TRADERS,
        )

    def leverage_of(self, underlying: str, side: Side) -> LeverageDistribution:
        """Returns the distribution of an underlying; that of BTC if none was measured."""
        measured = self.leverage.value
        return measured.get((underlying, side), measured[SUBSTITUTE, side])

    def leverage_mark(self, venue: str, underlying: str) -> Mark:
        """Returns whether effective leverage is measured on a venue and underlying, assumed, or given."""
        if self.leverage.mark is Mark.GIVEN:
            return Mark.GIVEN
        is_measured = venue == MEASURED_VENUE and (underlying, Side.LONG) in self.leverage.value
        return self.leverage.mark if is_measured else Mark.ASSUMED

    def release_steps(self, step_minutes: float) -> int:
        """Returns the steps of a path over which a liquidation is sold, at least 1.

        Raises StressInputError: more steps than can be simulated.
        """
        minutes = self.minutes_to_sell.value
        if not minutes <= MOST_RELEASE_STEPS * step_minutes:
            message = (
                f"step of {step_minutes:g} minutes: a sale over {minutes:g} minutes takes more than"
                f" {MOST_RELEASE_STEPS:,} steps; use longer steps"
            )
            raise StressInputError(message)
        return max(1, round(minutes / step_minutes))


CAPPED_TRADERS: Default[object] = Default(
    "traders above a leverage cap",
    None,
    "both: notional kept and margin added; margin kept and notional cut",
    Mark.ASSUMED,
    "the reaction to a cap is not measured",
)
"""Both behaviours are always calculated."""

DEFAULTS = StressDefaults()
"""The assumptions that ship with the package."""

JOINT_FALL: Default[Mapping[str, float]] = Default(
    "joint fall of 2025-10-10 over single-asset falls",
    {"BTC": 1.9, "ETH": 2.8, "SOL": 6.1},
    "liquidated notional 1.9 (BTC), 2.8 (ETH) and 6.1 (SOL) times as large in cross margin",
    Mark.MEASURED,
    _SAMPLE,
)
"""How much more accounts in cross margin lose when all underlyings fall together."""
