"""Distances of many groups of margin functions at once, for indices over time.

The groups of many days are evaluated together, and equal groups once. The result is that of
``cross_venue.spreads_and_indices`` on each day.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from harmonize.comparison import index
from harmonize.comparison.layout import MARGIN_TYPES
from harmonize.core.schedule import MarginFunction, MarginSchedule, value_of
from harmonize.numerics.panel import Panel, build_panel
from harmonize.numerics.rounding import rounded
from harmonize.numerics.segments import HORIZON, Group, cells, cut_at_crossings
from harmonize.policy.apply import AppliedRuleSet

_NARROW = 5  # functions; wider groups are evaluated apart, as arrays are as wide as the widest
_BATCH = 512  # groups at once, which bounds memory


@dataclass(frozen=True, slots=True)
class BoundedFunction:
    """Margin function with the largest notional, in USD, at which it is the margin.

    ``number`` is equal for equal functions of one ``Functions``.
    """

    function: MarginFunction
    limit: float
    number: int

    @property
    def key(self) -> tuple[int, float]:
        """Number of the function, and its limit."""
        return (self.number, self.limit)


@dataclass(frozen=True, slots=True)
class Functions:
    """Margin functions by number; each object is hashed once, as that takes long."""

    _by_value: dict[MarginFunction, int] = field(default_factory=dict)
    _by_object: dict[int, tuple[MarginFunction, int]] = field(default_factory=dict)

    def bounded(self, function: MarginFunction, *limits: float) -> BoundedFunction:
        """Returns a function up to the smallest of its own end, the horizon and the limits."""
        known = self._by_object.get(id(function))
        if known is None:  # the object is kept, so that no other one gets its id
            number = self._by_value.setdefault(function, len(self._by_value))
            known = self._by_object[id(function)] = (function, number)
        limit = min(float(function.upper), HORIZON, *limits)
        return BoundedFunction(function, limit, known[1])

    def margin(self, schedule: MarginSchedule, margin_type: str) -> BoundedFunction | None:
        """Returns a margin up to where it is the venue's; None if it is known at no size."""
        observed = schedule.initial if margin_type == "initial" else schedule.maintenance
        function = value_of(observed)
        if function is None or not schedule.known_up_to:
            return None
        capacity = value_of(schedule.capacity)
        limits = () if capacity is None else (float(capacity),)
        return self.bounded(function, float(schedule.known_up_to), *limits)

    def references(self, applied: AppliedRuleSet) -> dict[tuple[str, str], BoundedFunction]:
        """Returns the reference functions of a rule set by asset and margin type."""
        classes = applied.reference_schedule.classes if applied.reference_schedule else ()
        by_name = {
            (class_.name, margin_type): self.bounded(function)
            for class_ in classes
            for margin_type, function in zip(
                MARGIN_TYPES, (class_.initial, class_.maintenance), strict=True
            )
            if function is not None
        }
        names = {asset: class_.name for class_ in classes for asset in class_.assets}
        return {
            (asset, margin_type): by_name[name, margin_type]
            for asset, name in names.items()
            for margin_type in MARGIN_TYPES
            if (name, margin_type) in by_name
        }


@dataclass(frozen=True, slots=True)
class IndexGroup:
    """Functions of the venues on one underlying, and their reference; None for their median."""

    functions: tuple[BoundedFunction, ...]
    reference: BoundedFunction | None

    @property
    def key(self) -> tuple[tuple[int, float], ...]:
        """Key of the group: equal for the same functions and reference."""
        own = tuple(function.key for function in self.functions)
        return (*own, self.reference.key if self.reference else (-1, 0.0))


def group_distances(groups: Sequence[IndexGroup]) -> list[tuple[float, ...]]:
    """Returns the distance of each function of each group from the reference or the median.

    A distance is NaN if the function has no value in the range of the index.
    """
    results: list[tuple[float, ...]] = [()] * len(groups)
    by_kind: dict[tuple[bool, bool], list[int]] = {}
    for position, group in enumerate(groups):
        kind = (group.reference is None, len(group.functions) <= _NARROW)
        by_kind.setdefault(kind, []).append(position)
    for (is_median, _), positions in by_kind.items():
        for start in range(0, len(positions), _BATCH):
            batch = positions[start : start + _BATCH]
            own = [groups[position] for position in batch]
            for position, values in zip(batch, _distances(own, is_median=is_median), strict=True):
                results[position] = values
    return results


def _distances(groups: Sequence[IndexGroup], *, is_median: bool) -> list[tuple[float, ...]]:
    panel, laid_out = _panel(groups)
    segments = cut_at_crossings(cells(panel, laid_out))
    measure = index.from_median if is_median else index.from_reference
    return [
        tuple(map(rounded, distance.values[: len(group.functions)]))
        for group, distance in zip(groups, measure(segments, laid_out), strict=True)
    ]


def _panel(groups: Sequence[IndexGroup]) -> tuple[Panel, list[Group]]:
    """Returns a panel of all functions, and the groups with the reference as the last function."""
    functions: dict[int, MarginFunction] = {}
    members_by_group = [
        group.functions if group.reference is None else (*group.functions, group.reference)
        for group in groups
    ]
    for members in members_by_group:
        functions |= {member.number: member.function for member in members}
    rows = {number: row for row, number in enumerate(functions)}
    laid_out = [
        Group(
            tuple(rows[member.number] for member in members),
            tuple(member.limit for member in members),
        )
        for members in members_by_group
    ]
    return build_panel(list(functions.values())), laid_out
