"""What changed between two observations of the same schedules: exactly, on the pieces of their functions.

A schedule whose bounds are in contracts or coins moves in USD when the price does. That is no change of
the schedule: the earlier one is put at the prices of the later one first. Of what remains, a margin that
is larger on some sizes and smaller on none is tighter, the other way looser, both is mixed; tiers that
were cut anew and ask the same everywhere changed their bands alone.
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
from harmonize.document.change import Change, ChangeKind, MarginChange, Range, Step
from harmonize.numerics.deviation import Deviation, FunctionPair, deviations
from harmonize.numerics.panel import Panel, panel
from harmonize.numerics.segments import HORIZON

SAME = 1e-9
"""Relative; margins and bounds that differ by less are the same."""

_FIGURES = ("initial", "maintenance")
_HAIR = 1e-6  # relative; how far from its bound a margin has to go to be another


Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Observed:
    """What was read as of one day: schedules, and the venues whose snapshots hold every instrument.

    ``unread`` names venue and instrument of what could not be read; without an instrument, of all.
    """

    schedules: tuple[MarginSchedule, ...]
    complete: frozenset[str]
    unread: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(
        cls, schedules: tuple[MarginSchedule, ...], whole: Iterable[str], defects: Iterable[Defect]
    ) -> "Observed":
        """Take what was read, and what could not be."""
        return cls(
            schedules, frozenset(whole), frozenset((one.venue, one.symbol) for one in defects)
        )

    def broken(self, one: MarginSchedule) -> bool:
        """Tell whether a schedule that is not here may be what could not be read."""
        venue, instrument = one.instrument.venue, one.instrument
        names = ("", instrument.id, instrument.symbol)
        return any((venue, name) in self.unread for name in names)

    def by_key(self) -> Mapping[Key, MarginSchedule]:
        """The schedules by venue, symbol and profile."""
        return {one.key: one for one in self.schedules}


def changes(before: Observed, after: Observed, ladder: Sequence[float]) -> tuple[Change, ...]:
    """Find every schedule that changed, with its margins at the ladder; sorted by venue and symbol."""
    old, new = before.by_key(), after.by_key()
    both = [
        (old[key], new[key])
        for key in sorted(old.keys() & new.keys())
        if old[key] is not new[key] and _content(old[key]) != _content(new[key])
    ]
    found = [one for one in _compared(both, ladder) if one is not None]
    found += [_gone(old[key], after) for key in old.keys() - new.keys() if _read(key, after)]
    found += [_come(new[key], before) for key in new.keys() - old.keys() if _read(key, before)]
    return tuple(sorted(found, key=lambda one: (one.venue, one.symbol, one.profile)))


def _content(one: MarginSchedule) -> tuple[object, ...]:
    """What a change would show in, before prices are taken out."""
    return (one.tiers, one.rule, one.initial, one.maintenance, one.capacity)


def _read(key: Key, other: Observed) -> bool:
    """Tell whether the venue was read at the other time at all."""
    named = any(venue == key[0] for venue, _ in other.unread)
    return named or any(one.instrument.venue == key[0] for one in other.schedules)


def _gone(one: MarginSchedule, after: Observed) -> Change:
    if after.broken(one):
        return _alone(one, ChangeKind.UNREAD, was=True)
    whole = one.instrument.venue in after.complete
    return _alone(one, ChangeKind.DELISTED if whole else ChangeKind.LEFT_OUT, was=True)


def _come(one: MarginSchedule, before: Observed) -> Change:
    if before.broken(one):
        return _alone(one, ChangeKind.READ, was=False)
    whole = one.instrument.venue in before.complete
    return _alone(one, ChangeKind.LISTED if whole else ChangeKind.APPEARED, was=False)


def _alone(one: MarginSchedule, kind: ChangeKind, *, was: bool) -> Change:
    return _change(one, kind, _moment(one) if was else "", "" if was else _moment(one))


def _moment(one: MarginSchedule) -> str:
    return f"{one.observed_at:%Y-%m-%dT%H:%M:%SZ}"


def _change(one: MarginSchedule, kind: ChangeKind, before: str, after: str) -> Change:
    instrument = one.instrument
    return Change(
        instrument.venue,
        instrument.symbol,
        str(one.profile),
        instrument.underlying.asset,
        kind,
        before,
        after,
    )


def _compared(
    both: Sequence[tuple[MarginSchedule, MarginSchedule]], ladder: Sequence[float]
) -> Iterable[Change | None]:
    """Compare all pairs at once: their functions in one panel."""
    functions: list[MarginFunction] = []
    pairs: list[FunctionPair] = []
    places: list[dict[str, tuple[int, int, int]]] = []
    for old, new in both:
        ratio = price_ratio(old, new)
        place = {}
        for figure in _FIGURES:
            was, now = value_of(getattr(old, figure)), value_of(getattr(new, figure))
            if was is not None and now is not None:
                place[figure] = (len(functions), len(functions) + 1, len(pairs))
                functions += [_at_prices(was, now, ratio), now]
                pairs.append(
                    FunctionPair(
                        function=place[figure][1],
                        reference=place[figure][0],
                        limit=min(float(functions[-1].upper), HORIZON),
                        reference_limit=min(float(functions[-2].upper), HORIZON),
                        below=SAME,
                        above=SAME,
                        absolute=0.0,
                    )
                )
        places.append(place)
    if not both:
        return
    laid = panel(functions) if functions else None
    found = deviations(laid, pairs) if laid else []
    asked = _evaluated(laid, len(functions), ladder)
    for (old, new), place in zip(both, places, strict=True):
        margins = {figure: [asked[at] for at in where[:2]] for figure, where in place.items()}
        moved = tuple(
            _moved(figure, found[where[2]], functions[where[0]], functions[where[1]])
            for figure, where in place.items()
        )
        yield _judged(old, new, moved, _steps(ladder, margins))


def _evaluated(laid: Panel | None, count: int, ladder: Sequence[float]) -> list[list[float]]:
    """The margin of every function at every notional of the ladder; NaN where there is none."""
    if laid is None:
        return []
    which = np.repeat(np.arange(count), len(ladder))
    sizes = np.tile(np.array(ladder, dtype=float), count)
    found: list[list[float]] = laid.evaluate(which, sizes).reshape(count, -1).tolist()
    return found


def _at_prices(was: MarginFunction, now: MarginFunction, ratio: float) -> MarginFunction:
    """The earlier function at the later one's prices."""
    return was if ratio == 1.0 else _aligned(repriced(was, ratio), now)


def _aligned(one: MarginFunction, other: MarginFunction) -> MarginFunction:
    """The same with every bound that is another's but for rounding at the other's."""
    bounds = [piece.upper for piece in other.pieces if piece.upper.is_finite()]

    def at(upper: Decimal) -> Decimal:
        if not upper.is_finite():
            return upper
        near = min(bounds, key=lambda bound: abs(bound - upper), default=upper)
        return near if abs(near - upper) <= Decimal(SAME) * upper else upper

    return MarginFunction(tuple(replace(piece, upper=at(piece.upper)) for piece in one.pieces))


def _moved(
    figure: str, standing: Deviation, before: MarginFunction, after: MarginFunction
) -> MarginChange:
    rose, fell = standing.highest > SAME, standing.lowest < -SAME
    bounds = [float(one.upper) for function in (before, after) for one in function.pieces]
    return MarginChange(
        figure,
        _snapped(standing.over, bounds),
        _snapped(standing.under, bounds),
        standing.highest if rose else None,
        standing.highest_notional if rose else None,
        standing.lowest if fell else None,
        standing.lowest_notional if fell else None,
    )


def _snapped(ranges: Iterable[tuple[float, float]], bounds: Sequence[float]) -> tuple[Range, ...]:
    """Ranges that begin or end a hair from a bound, at the bound: there the margins part slowly."""

    def snap(at: float) -> float:
        near = min(bounds, key=lambda one: abs(one - at))
        return near if abs(near - at) <= _HAIR * at else at

    return tuple(
        (snap(lower), None if upper >= HORIZON else snap(upper)) for lower, upper in ranges
    )


def _steps(
    ladder: Sequence[float], margins: Mapping[str, Sequence[list[float]]]
) -> tuple[Step, ...]:
    columns = []
    for figure in _FIGURES:
        for side in (0, 1):
            held = margins.get(figure)
            values = [nan] * len(ladder) if held is None else held[side]
            columns.append([None if isnan(one) else one for one in values])
    return tuple(Step(*row) for row in zip(ladder, *columns, strict=True))


def _judged(
    old: MarginSchedule,
    new: MarginSchedule,
    moved: tuple[MarginChange, ...],
    steps: tuple[Step, ...],
) -> Change | None:
    capacity = _capacities(old, new)
    rules = [one.rule.value if one.rule else "" for one in (old, new)]
    kind = _kind(old, new, moved, capacity, rules)
    if kind is None:
        return None
    return replace(
        _change(new, kind, _moment(old), _moment(new)),
        moved=moved,
        steps=steps,
        capacity_before=capacity[0],
        capacity_after=capacity[1],
        rule_before=rules[0],
        rule_after=rules[1],
        price=price_ratio(old, new),
    )


def _capacities(old: MarginSchedule, new: MarginSchedule) -> tuple[float | None, float | None]:
    """The largest positions, the earlier at the later prices.

    What did not move in USD is in USD, whatever else a price converted; what moved as a price did, moved
    with it.
    """
    was, now = (value_of(one.capacity) for one in (old, new))
    if was is None:
        return None, None if now is None else float(now)
    ratios = (1.0, *_ratios(old, new))
    found = [float(was) * ratio for ratio in ratios]
    after = None if now is None else float(now)
    same = next((one for one in found if _close(one, after)), None)
    return (found[-1] if same is None else same), after


def _ratios(old: MarginSchedule, new: MarginSchedule) -> tuple[float, ...]:
    """The ratios of prices that a figure may have moved with; the capacity's own last."""
    found = [price_ratio(old, new)] if _scales(old) else []
    if old.capacity_price and new.capacity_price:
        found.append(float(new.capacity_price / old.capacity_price))
    return tuple(found)


def _kind(
    old: MarginSchedule,
    new: MarginSchedule,
    moved: Sequence[MarginChange],
    capacity: Sequence[float | None],
    rules: Sequence[str],
) -> ChangeKind | None:
    tighter, looser = any(one.tighter for one in moved), any(one.looser for one in moved)
    if tighter or looser:
        return (
            ChangeKind.MIXED
            if tighter and looser
            else ChangeKind.TIGHTER
            if tighter
            else ChangeKind.LOOSER
        )
    for figure in _FIGURES:
        known = [not isinstance(getattr(one, figure), Unknown) for one in (old, new)]
        if known[0] != known[1]:
            return ChangeKind.KNOWN if known[1] else ChangeKind.UNKNOWN
    if not _close(*capacity):
        return ChangeKind.CAPACITY
    if rules[0] != rules[1]:
        return ChangeKind.RULE
    return None if _same_bounds(old, new) else ChangeKind.BANDS


def _same_bounds(old: MarginSchedule, new: MarginSchedule) -> bool:
    """Tell whether tiers are cut alike, up to where the first table ends; ends may move with a price."""
    scale = price_ratio(old, new) if _scales(old) else 1.0
    was, now = sorted(_bounds(old, scale)), sorted(_bounds(new, 1.0))
    if not was or not now:
        return was == now
    ratios = (1.0, *(ratio / scale for ratio in (1.0, *_ratios(old, new))))
    if not any(_close(was[-1] * ratio, now[-1]) for ratio in ratios):
        return False
    end = min(was[-1], now[-1]) * (1.0 - SAME)
    inner = [[one for one in bounds if one < end] for bounds in (was, now)]
    return len(inner[0]) == len(inner[1]) and all(
        _close(*pair) for pair in zip(*inner, strict=True)
    )


def _bounds(one: MarginSchedule, scale: float) -> Iterable[float]:
    return (float(tier.upper) * scale for tier in one.tiers if tier.upper.is_finite())


def _close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= SAME * max(abs(one), abs(other))


def price_ratio(old: MarginSchedule, new: MarginSchedule) -> float:
    """The later price over the earlier one, where both schedules were converted with one; else 1."""
    prices = [price_of(one) for one in (old, new)]
    return float(prices[1] / prices[0]) if prices[0] and prices[1] else 1.0


def price_of(one: MarginSchedule) -> Decimal | None:
    """The price by which a schedule's functions became USD; None where none was used."""
    if not one.scales:
        return None
    for evidence in one.evidence:
        for factor in evidence.conversion.factors if evidence.conversion else ():
            if "price" in factor.name:
                return factor.value
    return None


def _scales(one: MarginSchedule) -> bool:
    return price_of(one) is not None


def repriced(function: MarginFunction, ratio: float) -> MarginFunction:
    """A function whose bounds are in coins, at a price ``ratio`` times as high: ``ratio·f(N/ratio)``."""
    if ratio == 1.0:
        return function
    scale = Decimal(ratio)
    return MarginFunction(
        tuple(
            Piece(
                one.upper if one.upper == INFINITY else one.upper * scale,
                one.fixed * scale,
                one.rate,
                one.coefficient * scale ** (1 - one.power),
                one.power,
            )
            for one in function.pieces
        )
    )
