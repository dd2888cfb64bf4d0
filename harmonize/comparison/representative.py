"""Selects the schedule that represents a venue in the comparison of one underlying."""

from collections.abc import Iterable, Mapping

from harmonize.core.instrument import Payoff
from harmonize.core.payload import Origin
from harmonize.core.schedule import MarginMode, MarginSchedule, Unknown, value_of

RULE = (
    "If a venue has several schedules on an underlying, these criteria select its representative, "
    "in order: a contract that trades before one that does not; perpetual before dated; a code that the asset has today before a former one; both "
    "margins observable before one, one before none; not conditional on a chosen leverage; linear "
    "before inverse; recorded before documentation; cross (or one schedule for both modes) before "
    "isolated; no special account class; settled in USDT, then USDC, then another currency; the "
    "largest capacity; the newest; the symbol. Select another schedule with "
    "--instrument VENUE:UNDERLYING=SYMBOL."
)

_SETTLEMENT_ORDER = ("USDT", "USDC")

VenueUnderlying = tuple[str, str]
"""A venue and an underlying."""


def choose_representatives(
    schedules: Iterable[MarginSchedule], symbols: Mapping[VenueUnderlying, str]
) -> dict[str, dict[str, MarginSchedule]]:
    """Returns ``chosen[underlying][venue]``, both sorted; ``symbols`` override the rule.

    Raises KeyError with the venue and underlying: the venue has no such symbol.
    """
    candidates: dict[VenueUnderlying, list[MarginSchedule]] = {}
    for schedule in schedules:
        key = (schedule.instrument.venue, schedule.instrument.underlying.asset)
        candidates.setdefault(key, []).append(schedule)
    for key, symbol in symbols.items():
        matching = [
            schedule for schedule in candidates.get(key, ()) if schedule.instrument.symbol == symbol
        ]
        if not matching:
            raise KeyError(key)
        candidates[key] = matching
    chosen: dict[str, dict[str, MarginSchedule]] = {}
    for (venue, asset), alternatives in sorted(
        candidates.items(), key=lambda candidate: candidate[0][::-1]
    ):
        is_choice = len(alternatives) > 1
        chosen.setdefault(asset, {})[venue] = (
            preferred(alternatives) if is_choice else alternatives[0]
        )
    return chosen


def preferred(candidates: Iterable[MarginSchedule]) -> MarginSchedule:
    """Returns the first schedule by ``RULE``. Raises ValueError: there are no candidates."""
    return min(candidates, key=_preference)


def _preference(schedule: MarginSchedule) -> tuple[object, ...]:
    """Returns a sort key in the order of ``RULE``; the smallest is preferred."""
    instrument, profile = schedule.instrument, schedule.profile
    unknown_count = sum(
        isinstance(function, Unknown) for function in (schedule.initial, schedule.maintenance)
    )
    settle = instrument.settle
    capacity = value_of(schedule.capacity)
    return (
        schedule.not_trading != "",
        not instrument.perpetual,
        instrument.has_former_code,
        unknown_count,
        profile.chosen_leverage != "",
        instrument.payoff is not Payoff.LINEAR,
        schedule.origin is Origin.DOCUMENTATION,
        profile.margin_mode is MarginMode.ISOLATED,
        profile.account_class not in {"any", "classic"},
        _SETTLEMENT_ORDER.index(settle) if settle in _SETTLEMENT_ORDER else len(_SETTLEMENT_ORDER),
        -float(capacity) if capacity is not None else 0.0,
        -schedule.observed_at.timestamp(),
        instrument.symbol,
        str(profile),
    )
