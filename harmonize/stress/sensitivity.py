"""How much a figure depends on each assumption: each is halved and doubled, and ranked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import isfinite

from harmonize.stress.defaults import LeverageDistribution, SizeRange, StressDefaults
from harmonize.stress.errors import StressInputError

Scale = Callable[[StressDefaults, float], StressDefaults]
"""Returns defaults with one assumption multiplied by a factor."""


@dataclass(frozen=True, slots=True)
class SensitivityRow:
    """Figure with one assumption halved and doubled; ``base`` is the figure with the default."""

    name: str
    base: float
    halved: float
    doubled: float

    @property
    def spread(self) -> float:
        """Largest less smallest of the three figures."""
        figures = (self.base, self.halved, self.doubled)
        return max(figures) - min(figures)


def sensitivity(
    defaults: StressDefaults,
    evaluate: Callable[[StressDefaults], float],
    scales: Mapping[str, Scale] | None = None,
) -> tuple[SensitivityRow, ...]:
    """Returns one row per assumption, largest spread first.

    ``evaluate`` returns the figure, such as a liquidated notional. Raises StressInputError: a figure is
    not a finite number.
    """
    base = _figure(evaluate, defaults, "base")
    rows = [
        SensitivityRow(
            name,
            base,
            _figure(evaluate, scale(defaults, 0.5), f"{name} halved"),
            _figure(evaluate, scale(defaults, 2.0), f"{name} doubled"),
        )
        for name, scale in (SCALES if scales is None else scales).items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.spread, row.name)))


def _figure(
    evaluate: Callable[[StressDefaults], float], defaults: StressDefaults, name: str
) -> float:
    figure = evaluate(defaults)
    if not isfinite(figure):
        message = f"sensitivity: {name}: expected a finite figure, found {figure}"
        raise StressInputError(message)
    return figure


def _leverage_median(defaults: StressDefaults, factor: float) -> StressDefaults:
    return _with_leverage(
        defaults, lambda own: LeverageDistribution(own.median * factor, own.log_sd)
    )


def _leverage_spread(defaults: StressDefaults, factor: float) -> StressDefaults:
    return _with_leverage(
        defaults, lambda own: LeverageDistribution(own.median, own.log_sd * factor)
    )


def _with_leverage(
    defaults: StressDefaults, change: Callable[[LeverageDistribution], LeverageDistribution]
) -> StressDefaults:
    leverage = defaults.leverage
    changed = {key: change(own) for key, own in leverage.value.items()}
    return replace(defaults, leverage=replace(leverage, value=changed))


def _smallest_size(defaults: StressDefaults, factor: float) -> StressDefaults:
    sizes = defaults.sizes.value
    changed = SizeRange(sizes.smallest * factor, sizes.largest)
    return replace(defaults, sizes=replace(defaults.sizes, value=changed))


def _largest_size(defaults: StressDefaults, factor: float) -> StressDefaults:
    sizes = defaults.sizes.value
    changed = SizeRange(sizes.smallest, sizes.largest * factor)
    return replace(defaults, sizes=replace(defaults.sizes, value=changed))


def _impact_coefficient(defaults: StressDefaults, factor: float) -> StressDefaults:
    own = defaults.impact_coefficient
    return replace(defaults, impact_coefficient=replace(own, value=own.value * factor))


def _impact_exponent(defaults: StressDefaults, factor: float) -> StressDefaults:
    own = defaults.impact_exponent
    return replace(defaults, impact_exponent=replace(own, value=own.value * factor))


def _minutes_to_sell(defaults: StressDefaults, factor: float) -> StressDefaults:
    own = defaults.minutes_to_sell
    return replace(defaults, minutes_to_sell=replace(own, value=own.value * factor))


def _closing_steps(defaults: StressDefaults, factor: float) -> StressDefaults:
    own = defaults.closing_steps
    return replace(defaults, closing_steps=replace(own, value=own.value * factor))


def _grid_rows(defaults: StressDefaults, factor: float) -> StressDefaults:
    own = defaults.grid_rows
    rows = max(1, round(own.value * factor))
    return replace(defaults, grid_rows=replace(own, value=rows))


SCALES: Mapping[str, Scale] = {
    "leverage, median": _leverage_median,
    "leverage, log-sd": _leverage_spread,
    "smallest size": _smallest_size,
    "largest size": _largest_size,
    "impact coefficient": _impact_coefficient,
    "impact exponent": _impact_exponent,
    "closing of price gaps": _closing_steps,
    "time to sell": _minutes_to_sell,
    "resolution of the model": _grid_rows,
}
"""Assumptions that are halved and doubled."""
