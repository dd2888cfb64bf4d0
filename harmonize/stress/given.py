"""Assumptions that a user states in place of the defaults; each has the mark "given"."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from harmonize.liquidation.price import Side
from harmonize.stress.defaults import Default, LeverageDistribution, Mark, StressDefaults
from harmonize.stress.impact import Impact


@dataclass(frozen=True, slots=True)
class GivenImpact:
    """Impact that is used in place of the square root, in words and with its origin."""

    impact: Impact
    text: str
    basis: str


def with_leverage(
    defaults: StressDefaults, median: float, log_sd: float | None, basis: str
) -> StressDefaults:
    """Returns the assumptions with one leverage of longs on every underlying and venue.

    Without ``log_sd``, each underlying keeps its own.
    """
    measured: Mapping[tuple[str, Side], LeverageDistribution] = defaults.leverage.value
    value = {
        (underlying, side): own
        if side is Side.SHORT
        else LeverageDistribution(median, own.log_sd if log_sd is None else log_sd)
        for (underlying, side), own in measured.items()
    }
    spread = "log-sd as by default" if log_sd is None else f"log-sd {log_sd:g}"
    text = f"longs: lognormal median {median:g}, {spread}, on every venue and underlying"
    name = defaults.leverage.name
    return replace(defaults, leverage=Default(name, value, text, Mark.GIVEN, basis))
