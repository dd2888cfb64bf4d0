"""Exact comparison of margin schedules between two observations, on the pieces of their functions.

USD bounds of a schedule in contracts or coins move with the price, which is not a change of the
schedule. The earlier schedule is therefore first converted at the prices of the later one.

A margin that is larger on some sizes and smaller on none is tighter. The opposite is looser, and both
together are mixed. Tiers with other bounds but the same margins everywhere changed their bands only.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import isnan, nan

import numpy as np

from harmonize.core.payload import Defect
from harmonize.core.schedule import (
    INFINITY,
    MarginFunction,
    MarginSchedule,
    Piece,
    Unknown,
    value_of,
)
from harmonize.document.change import Change, ChangeKind, MarginChange, NotionalRange, Step
from harmonize.history.dated_change import dated_change
from harmonize.history.recent import ScheduleKey
from harmonize.history.replaced import asset_of, is_replaced
from harmonize.numerics.deviation import Deviation, FunctionPair, deviations
from harmonize.numerics.panel import Panel, build_panel
from harmonize.numerics.segments import HORIZON

TOLERANCE = 1e-9
"""Relative difference up to which two margins or bounds count as equal."""

_MARGIN_TYPES = ("initial", "maintenance")
_BOUND_DISTANCE = 1e-6  # relative; ranges that begin or end this close to a bound are set to it


@dataclass(frozen=True, slots=True)
class ObservedSchedules:
    """Schedules as of one day, and the venues whose snapshots contain every instrument.

    ``unreadable`` lists venue and instrument of unreadable data; an empty instrument means the whole
    snapshot.
    """

    schedules: tuple[MarginSchedule, ...]
    complete: frozenset[str]
    unreadable: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(
        cls,
        schedules: tuple[MarginSchedule, ...],
        complete: Iterable[str],
        defects: Iterable[Defect],
    ) -> "ObservedSchedules":
        """Returns the observation with the venue and instrument of every defect as unreadable."""
        unread = frozenset((defect.venue, defect.symbol) for defect in defects)
        return cls(schedules, frozenset(complete), unread)

    def is_unreadable(self, schedule: MarginSchedule) -> bool:
        """Whether a schedule that is absent here may be among the unreadable data."""
        venue, instrument = schedule.instrument.venue, schedule.instrument
        names = ("", instrument.id, instrument.symbol)
        return any((venue, name) in self.unreadable for name in names)

    def has_venue(self, venue: str) -> bool:
        """Whether the venue was observed, readable or not."""
        return any(venue == name for name, _ in self.unreadable) or any(
            venue == schedule.instrument.venue for schedule in self.schedules
        )

    def by_key(self) -> Mapping[ScheduleKey, MarginSchedule]:
        """Returns the schedules by venue, symbol and profile."""
        return {schedule.key: schedule for schedule in self.schedules}


def find_changes(
    before: ObservedSchedules, after: ObservedSchedules, notional_grid: Sequence[float]
) -> tuple[Change, ...]:
    """Returns every changed schedule with its margins at the grid, sorted by venue and symbol."""
    old, new = before.by_key(), after.by_key()
    pairs = [
        (old[key], new[key])
        for key in sorted(old.keys() & new.keys())
        if old[key] is not new[key] and _content(old[key]) != _content(new[key])
    ]
    alike = [pair for pair in pairs if asset_of(pair[0]) == asset_of(pair[1])]
    results = [change for change in _compare_all(alike, notional_grid) if change is not None]
    results += [_another_asset(*pair) for pair in pairs if asset_of(pair[0]) != asset_of(pair[1])]
    removed, added = old.keys() - new.keys(), new.keys() - old.keys()
    results += [_removal(old[key], after) for key in removed if after.has_venue(key[0])]
    results += [_addition(new[key], before) for key in added if before.has_venue(key[0])]
    return tuple(sorted(results, key=lambda change: (change.venue, change.symbol, change.profile)))


def _content(schedule: MarginSchedule) -> tuple[object, ...]:
    """Returns the parts of a schedule that a change affects; those equal before and after have none."""
    return (
        schedule.tiers,
        schedule.rule,
        schedule.initial,
        schedule.maintenance,
        schedule.capacity,
        asset_of(schedule),
    )


def _another_asset(old: MarginSchedule, new: MarginSchedule) -> Change:
    """Returns the change of a symbol to another asset; their margins are not compared."""
    change = dated_change(new, ChangeKind.ANOTHER_ASSET, before=old, after=new)
    return replace(change, underlying_before=old.instrument.underlying.asset)


def _removal(schedule: MarginSchedule, after: ObservedSchedules) -> Change:
    kind = ChangeKind.LEFT_OUT
    if after.is_unreadable(schedule):
        kind = ChangeKind.UNREAD
    elif schedule.instrument.venue in after.complete:
        kind = ChangeKind.DELISTED
    return dated_change(schedule, kind, before=schedule)


def _addition(schedule: MarginSchedule, before: ObservedSchedules) -> Change:
    kind = ChangeKind.APPEARED
    if before.is_unreadable(schedule):
        kind = ChangeKind.READ
    elif schedule.instrument.venue in before.complete:
        kind = ChangeKind.LISTED
    return dated_change(schedule, kind, after=schedule)


@dataclass(frozen=True, slots=True)
class _Compared:
    """Positions of one margin type's two functions in the panel, and of their comparison."""

    before: int
    after: int
    pair: int


def _compare_all(
    schedule_pairs: Sequence[tuple[MarginSchedule, MarginSchedule]], notional_grid: Sequence[float]
) -> Sequence[Change | None]:
    """Compares all pairs. A pair that cannot be compared counts as unreadable, the others do not.

    Where the comparison fails, halves are compared apart until such pairs are alone.
    """
    try:
        return tuple(_compare(schedule_pairs, notional_grid))
    except Exception:  # noqa: BLE001 - one odd schedule never hides the changes of the others
        if len(schedule_pairs) == 1:
            ((old, new),) = schedule_pairs
            return (dated_change(new, ChangeKind.UNREAD, before=old, after=new),)
        middle = len(schedule_pairs) // 2
        halves = (schedule_pairs[:middle], schedule_pairs[middle:])
        return tuple(change for half in halves for change in _compare_all(half, notional_grid))


def _compare(
    schedule_pairs: Sequence[tuple[MarginSchedule, MarginSchedule]], notional_grid: Sequence[float]
) -> Iterable[Change | None]:
    """Compares all pairs of schedules at once, with their functions in one panel."""
    functions: list[MarginFunction] = []
    function_pairs: list[FunctionPair] = []
    positions: list[dict[str, _Compared]] = []
    for old, new in schedule_pairs:
        ratio = price_ratio(old, new)
        by_type = {}
        for margin_type in _MARGIN_TYPES:
            before, after = value_of(getattr(old, margin_type)), value_of(getattr(new, margin_type))
            if before is None or after is None:
                continue
            first = len(functions)
            by_type[margin_type] = _Compared(first, first + 1, len(function_pairs))
            functions += [_at_prices(before, after, ratio), after]
            function_pairs.append(_function_pair(functions, first))
        positions.append(by_type)
    if not schedule_pairs:
        return
    margin_panel = build_panel(functions) if functions else None
    results = deviations(margin_panel, function_pairs) if margin_panel else []
    margins = _evaluate(margin_panel, len(functions), notional_grid)
    for (old, new), by_type in zip(schedule_pairs, positions, strict=True):
        moved = tuple(
            _margin_change(margin_type, results[at.pair], functions[at.before], functions[at.after])
            for margin_type, at in by_type.items()
        )
        at_grid = {
            margin_type: (margins[at.before], margins[at.after])
            for margin_type, at in by_type.items()
        }
        yield _pair_change(old, new, moved, _steps(notional_grid, at_grid))


def _function_pair(functions: Sequence[MarginFunction], first: int) -> FunctionPair:
    """Returns the comparison of the function after ``first`` with the one at ``first``."""
    return FunctionPair(
        function=first + 1,
        reference=first,
        limit=min(float(functions[first + 1].upper), HORIZON),
        reference_limit=min(float(functions[first].upper), HORIZON),
        below=TOLERANCE,
        above=TOLERANCE,
        absolute=0.0,
    )


def _evaluate(
    margin_panel: Panel | None, count: int, notional_grid: Sequence[float]
) -> list[list[float]]:
    """Returns the margin of every function at every notional of the grid; NaN for no value."""
    if margin_panel is None:
        return []
    which = np.repeat(np.arange(count), len(notional_grid))
    notionals = np.tile(np.array(notional_grid, dtype=float), count)
    margins: list[list[float]] = margin_panel.evaluate(which, notionals).reshape(count, -1).tolist()
    return margins


def _at_prices(before: MarginFunction, after: MarginFunction, ratio: float) -> MarginFunction:
    """Returns the earlier function at the prices of the later one."""
    return before if ratio == 1.0 else _aligned(repriced(before, ratio), after)


def _aligned(function: MarginFunction, reference: MarginFunction) -> MarginFunction:
    """Returns the function with bounds that equal a bound of the reference up to rounding set to it."""
    bounds = [piece.upper for piece in reference.pieces if piece.upper.is_finite()]

    def aligned_bound(upper: Decimal) -> Decimal:
        if not upper.is_finite():
            return upper
        nearest = min(bounds, key=lambda bound: abs(bound - upper), default=upper)
        return nearest if abs(nearest - upper) <= Decimal(TOLERANCE) * upper else upper

    return MarginFunction(
        tuple(replace(piece, upper=aligned_bound(piece.upper)) for piece in function.pieces)
    )


def _margin_change(
    margin_type: str, deviation: Deviation, before: MarginFunction, after: MarginFunction
) -> MarginChange:
    has_risen, has_fallen = deviation.highest > TOLERANCE, deviation.lowest < -TOLERANCE
    bounds = [float(piece.upper) for function in (before, after) for piece in function.pieces]
    return MarginChange(
        margin_type,
        _snapped(deviation.over, bounds),
        _snapped(deviation.under, bounds),
        deviation.highest if has_risen else None,
        deviation.highest_notional if has_risen else None,
        deviation.lowest if has_fallen else None,
        deviation.lowest_notional if has_fallen else None,
    )


def _snapped(
    ranges: Iterable[tuple[float, float]], bounds: Sequence[float]
) -> tuple[NotionalRange, ...]:
    """Returns the ranges with ends close to a tier bound set to that bound.

    Margins may diverge slowly above a bound, so that they exceed the tolerance only above it.
    """

    def snapped_end(end: float) -> float:
        nearest = min(bounds, key=lambda bound: abs(bound - end))
        return nearest if abs(nearest - end) <= _BOUND_DISTANCE * end else end

    return tuple(
        (snapped_end(lower), None if upper >= HORIZON else snapped_end(upper))
        for lower, upper in ranges
    )


def _steps(
    notional_grid: Sequence[float], margins: Mapping[str, tuple[list[float], list[float]]]
) -> tuple[Step, ...]:
    """Returns IM and MM before and after at every notional of the grid."""
    no_values = [nan] * len(notional_grid)
    columns = [
        [None if isnan(value) else value for value in values]
        for margin_type in _MARGIN_TYPES
        for values in margins.get(margin_type, (no_values, no_values))
    ]
    return tuple(Step(*row) for row in zip(notional_grid, *columns, strict=True))


def _pair_change(
    old: MarginSchedule,
    new: MarginSchedule,
    moved: tuple[MarginChange, ...],
    steps: tuple[Step, ...],
) -> Change | None:
    """Returns the change between two schedules; None if they are equal apart from prices."""
    capacities = _capacities(old, new)
    rules = [schedule.rule.value if schedule.rule else "" for schedule in (old, new)]
    kind = _kind(old, new, moved, capacities, rules)
    if kind is None:
        return None
    return replace(
        dated_change(new, kind, before=old, after=new),
        moved=moved,
        steps=steps,
        capacity_before=capacities[0],
        capacity_after=capacities[1],
        rule_before=rules[0],
        rule_after=rules[1],
        price=price_ratio(old, new),
        replaced=is_replaced(old, new, has_fixed_bounds=not (_uses_price(old) or _uses_price(new))),
    )


def _capacities(old: MarginSchedule, new: MarginSchedule) -> tuple[float | None, float | None]:
    """Returns the largest positions in USD, the earlier one at the prices of the later schedule.

    A capacity that did not move in USD is stated in USD, whatever else a price converted. One that
    moved by a ratio of prices is stated in contracts or coins.
    """
    before, after = (
        None if (capacity := value_of(schedule.capacity)) is None else float(capacity)
        for schedule in (old, new)
    )
    if before is None:
        return None, after
    candidates = [before * ratio for ratio in (1.0, *_ratios(old, new))]
    equal = next((candidate for candidate in candidates if _is_close(candidate, after)), None)
    return (candidates[-1] if equal is None else equal), after


def _ratios(old: MarginSchedule, new: MarginSchedule) -> tuple[float, ...]:
    """Returns the price ratios by which an amount may have moved; that of the capacity comes last."""
    ratios = [price_ratio(old, new)] if _uses_price(old) else []
    if old.capacity_price and new.capacity_price:
        ratios.append(float(new.capacity_price / old.capacity_price))
    return tuple(ratios)


def _kind(
    old: MarginSchedule,
    new: MarginSchedule,
    moved: Sequence[MarginChange],
    capacities: Sequence[float | None],
    rules: Sequence[str],
) -> ChangeKind | None:
    """Returns the first kind of change that applies; None for no change."""
    is_tighter, is_looser = any(margin.tighter for margin in moved), any(m.looser for m in moved)
    if is_tighter and is_looser:
        return ChangeKind.MIXED
    if is_tighter or is_looser:
        return ChangeKind.TIGHTER if is_tighter else ChangeKind.LOOSER
    for margin_type in _MARGIN_TYPES:
        was_known, is_known = (
            not isinstance(getattr(schedule, margin_type), Unknown) for schedule in (old, new)
        )
        if was_known != is_known:
            return ChangeKind.KNOWN if is_known else ChangeKind.UNKNOWN
    if not _is_close(*capacities):
        return ChangeKind.CAPACITY
    if rules[0] != rules[1]:
        return ChangeKind.RULE
    return None if _has_equal_bounds(old, new) else ChangeKind.BANDS


def _has_equal_bounds(old: MarginSchedule, new: MarginSchedule) -> bool:
    """Whether the tiers have equal bounds up to the end of the shorter table.

    The ends of the tables may differ by a ratio of prices.
    """
    scale = price_ratio(old, new) if _uses_price(old) else 1.0
    before, after = sorted(_bounds(old, scale)), sorted(_bounds(new, 1.0))
    if not before or not after:
        return before == after
    ratios = (1.0, *(ratio / scale for ratio in (1.0, *_ratios(old, new))))
    if not any(_is_close(before[-1] * ratio, after[-1]) for ratio in ratios):
        return False
    end = min(before[-1], after[-1]) * (1.0 - TOLERANCE)
    inner = [[bound for bound in bounds if bound < end] for bounds in (before, after)]
    return len(inner[0]) == len(inner[1]) and all(
        _is_close(*pair) for pair in zip(*inner, strict=True)
    )


def _bounds(schedule: MarginSchedule, scale: float) -> Iterable[float]:
    return (float(tier.upper) * scale for tier in schedule.tiers if tier.upper.is_finite())


def _is_close(value: float | None, other: float | None) -> bool:
    if value is None or other is None:
        return value is other
    return abs(value - other) <= TOLERANCE * max(abs(value), abs(other))


def price_ratio(old: MarginSchedule, new: MarginSchedule) -> float:
    """Returns the later price divided by the earlier one; 1 unless both schedules use a price."""
    before, after = price_of(old), price_of(new)
    return float(after / before) if before and after else 1.0


def price_of(schedule: MarginSchedule) -> Decimal | None:
    """Returns the price that converted a schedule's functions to USD; None if none was used."""
    if not schedule.scales_with_price:
        return None
    for evidence in schedule.evidence:
        for factor in evidence.conversion.factors if evidence.conversion else ():
            if "price" in factor.name:
                return factor.value
    return None


def _uses_price(schedule: MarginSchedule) -> bool:
    return price_of(schedule) is not None


def repriced(function: MarginFunction, ratio: float) -> MarginFunction:
    """Returns a function with bounds in coins at ``ratio`` times the price: ``ratio·f(N/ratio)``."""
    if ratio == 1.0:
        return function
    scale = Decimal(ratio)
    return MarginFunction(
        tuple(
            Piece(
                piece.upper if piece.upper == INFINITY else piece.upper * scale,
                piece.fixed * scale,
                piece.rate,
                piece.coefficient * scale ** (1 - piece.power),
                piece.power,
            )
            for piece in function.pieces
        )
    )
