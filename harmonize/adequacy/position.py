"""The margins of one position: rates of notional, with the tier from which each follows."""

from dataclasses import dataclass
from datetime import datetime

from harmonize.core.date_precision import EXACT, DatePrecision
from harmonize.core.schedule import (
    MaintenanceMeaning,
    MarginFunction,
    MarginSchedule,
    Observed,
    Tier,
    Unknown,
)
from harmonize.text.messages import dollars, percent


@dataclass(frozen=True, slots=True)
class PositionMargins:
    """IM and MM of a position of ``notional`` USD, as fractions of notional, or why they are unknown.

    ``tier`` is the published tier of the notional, None if the venue publishes no tiers.
    ``maintenance`` is unknown if it does not trigger liquidation: then nothing is closed out at MM.
    ``observed_at`` is the latest possible time at which the table was observed.
    """

    venue: str
    symbol: str
    profile: str
    underlying: str
    notional: float
    initial: float | Unknown
    maintenance: float | Unknown
    tier: Tier | None
    observed_at: datetime
    precision: DatePrecision = EXACT


def position_margins(schedule: MarginSchedule, notional: float) -> PositionMargins:
    """Returns the margins of a position on the schedule. Raises ValueError: a size not above 0 USD."""
    if not 0 < notional < float("inf"):
        message = f"notional: expected above 0 USD, found {notional:g}; correct the size"
        raise ValueError(message)
    maintenance = _rate(schedule, schedule.maintenance, notional, "MM")
    if schedule.meaning is not MaintenanceMeaning.LIQUIDATION and isinstance(maintenance, float):
        maintenance = Unknown(f"MM is a {schedule.meaning}, at which nothing is liquidated")
    instrument = schedule.instrument
    return PositionMargins(
        venue=instrument.venue,
        symbol=instrument.symbol,
        profile=str(schedule.profile),
        underlying=instrument.underlying.asset,
        notional=notional,
        initial=_rate(schedule, schedule.initial, notional, "IM"),
        maintenance=maintenance,
        tier=next((tier for tier in schedule.tiers if notional <= float(tier.upper)), None),
        observed_at=schedule.observed_at,
        precision=schedule.precision,
    )


def _rate(
    schedule: MarginSchedule, function: Observed[MarginFunction], notional: float, name: str
) -> float | Unknown:
    if isinstance(function, Unknown):
        return Unknown(f"{name} is unknown: {function.reason}")
    beyond = _beyond(schedule, notional, name)
    if beyond:
        return Unknown(beyond)
    margin = function.value.margin(notional)
    if margin is None:
        return Unknown(f"{name} is published up to {dollars(float(function.value.upper))}")
    rate = margin / notional
    if not 0 < rate <= 1:
        return Unknown(f"{name} of {percent(rate)} of the position cannot be tested against moves")
    return rate


def _beyond(schedule: MarginSchedule, notional: float, name: str) -> str:
    """Returns why a schedule states no margin of a size; empty if it does."""
    if not isinstance(schedule.capacity, Unknown) and notional > float(schedule.capacity.value):
        return f"the venue accepts positions up to {dollars(float(schedule.capacity.value))}"
    if not schedule.known_up_to:
        return f"{name} is published without position sizes: a lower bound"
    if notional > float(schedule.known_up_to):
        return f"{name} is known up to {dollars(float(schedule.known_up_to))} only"
    return ""
