"""Signs that a symbol means another asset: its name, and a tier table replaced as a whole."""

from harmonize.core.schedule import MarginSchedule

_MIN_TIERS = 3
"""Number of tiers from which a table without any earlier tier is remarkable."""


def asset_of(schedule: MarginSchedule) -> str:
    """Returns the asset under a schedule."""
    return schedule.instrument.underlying.asset


def is_replaced(old: MarginSchedule, new: MarginSchedule, *, has_fixed_bounds: bool) -> bool:
    """Whether a table of several tiers has none of the earlier ones: bounds and rates are new.

    Only the rates are compared unless the bounds are fixed: others move with a price.
    """
    if min(len(old.tiers), len(new.tiers)) < _MIN_TIERS:
        return False
    before, after = (
        {
            (tier.upper if has_fixed_bounds else None, tier.initial_rate, tier.maintenance_rate)
            for tier in schedule.tiers
        }
        for schedule in (old, new)
    )
    return not before & after
