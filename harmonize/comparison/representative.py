"""Which schedule stands for a venue when one underlying is compared across venues."""

from collections.abc import Iterable, Mapping

from harmonize.core.instrument import Payoff
from harmonize.core.payload import Origin
from harmonize.core.schedule import MarginMode, MarginSchedule, Unknown, value_of

RULE = (
    "Of a venue's schedules on an underlying, the first by these questions stands for the venue: "
    "perpetual before dated; both margins observable before one, one before none; not conditional "
    "on a chosen leverage; linear before inverse; recorded before documentation; cross (or one "
    "schedule for both modes) before isolated; no special account class; settled in USDT, then "
    "USDC, then another currency; the largest capacity; the newest; the symbol. Another schedule "
    "is chosen with --instrument VENUE:UNDERLYING=SYMBOL."
)

_SETTLED = ("USDT", "USDC")

Pair = tuple[str, str]
"""A venue and an underlying."""


def choose(
    schedules: Iterable[MarginSchedule], wanted: Mapping[Pair, str]
) -> dict[str, dict[str, MarginSchedule]]:
    """Choose a schedule for every underlying and venue; ``wanted`` names symbols to prefer.

    Gives ``chosen[underlying][venue]``, both sorted. Raises KeyError with the pair: a wanted
    symbol that the venue does not have.
    """
    candidates: dict[Pair, list[MarginSchedule]] = {}
    for schedule in schedules:
        pair = (schedule.instrument.venue, schedule.instrument.underlying.asset)
        candidates.setdefault(pair, []).append(schedule)
    for pair, symbol in wanted.items():
        named = [one for one in candidates.get(pair, ()) if one.instrument.symbol == symbol]
        if not named:
            raise KeyError(pair)
        candidates[pair] = named
    chosen: dict[str, dict[str, MarginSchedule]] = {}
    for (venue, asset), found in sorted(candidates.items(), key=lambda item: item[0][::-1]):
        chosen.setdefault(asset, {})[venue] = preferred(found)
    return chosen


def preferred(candidates: Iterable[MarginSchedule]) -> MarginSchedule:
    """The first of some schedules by ``RULE``. Raises ValueError: there are none."""
    return min(candidates, key=_preference)


def _preference(schedule: MarginSchedule) -> tuple[object, ...]:
    """Smaller is preferred; the order of ``RULE``."""
    instrument, profile = schedule.instrument, schedule.profile
    unknown = sum(
        isinstance(figure, Unknown) for figure in (schedule.initial, schedule.maintenance)
    )
    settle = instrument.settle
    capacity = value_of(schedule.capacity)
    return (
        not instrument.perpetual,
        unknown,
        profile.chosen_leverage != "",
        instrument.payoff is not Payoff.LINEAR,
        schedule.origin is Origin.DOCUMENTATION,
        profile.margin_mode is MarginMode.ISOLATED,
        profile.account_class not in {"any", "classic"},
        _SETTLED.index(settle) if settle in _SETTLED else len(_SETTLED),
        -float(capacity) if capacity is not None else 0.0,
        -schedule.observed_at.timestamp(),
        instrument.symbol,
        str(profile),
    )
