"""Effect of other rules with its uncertainty: seeds, liquidity, and the reaction of traders.

Each effect is the difference to the rules in force on the same positions. A sign is stated only if
the intervals of every liquidity and behaviour lie on the same side of 0. Intervals that end at 0 have a
sign too: nothing is more than today, or nothing is less. Otherwise the result states on what the sign
depends.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import product

import numpy as np

from harmonize.stress.book import Book
from harmonize.stress.counterfactuals import Behaviour, WhatIf, apply, unchanged
from harmonize.stress.curve import curve
from harmonize.stress.errors import StressInputError
from harmonize.stress.impact import Impact
from harmonize.stress.positions import Floats
from harmonize.stress.thresholds import Direction, Thresholds, check_moves, thresholds

SEEDS = 40
"""Books behind an interval."""

INTERVAL = (0.05, 0.95)
"""Quantiles of the seeds that bound an interval."""

_NO_CHANGE = 1e-9
"""Change, relative to the scale of a metric, that is rounding."""

BookMaker = Callable[[int | None], Book]
"""Returns the book of a seed; None is the book without randomness."""


class Metric(StrEnum):
    """Quantity that an effect changes."""

    LIQUIDATED = "liquidated notional"
    MOVE = "move"
    LOSS = "loss beyond margin"


class Sign(StrEnum):
    """Sign of a change on which all intervals agree.

    ``NOT_MORE`` is less or no change, and ``NOT_LESS`` is more or no change.
    """

    LESS = "less"
    NOT_MORE = "not more"
    NONE = "no change"
    NOT_LESS = "not less"
    MORE = "more"
    DEPENDS = "depends on"


@dataclass(frozen=True, slots=True)
class EffectCell:
    """Change under one liquidity multiplier and behaviour, with the interval of the seeds.

    ``before`` is the value under the rules in force. Amounts are in USD, moves are fractions. A change
    or bound that is rounding is 0.
    """

    liquidity: float
    behaviour: Behaviour
    before: float
    change: float
    low: float
    high: float
    sign: Sign


@dataclass(frozen=True, slots=True)
class Effect:
    """Change of one metric at one shock, over all liquidities and behaviours.

    ``depends_on`` names what decides the sign; it is empty if there is a sign.
    """

    what_if: str
    metric: Metric
    shock: float
    cells: tuple[EffectCell, ...]
    sign: Sign
    depends_on: tuple[str, ...]


Amounts = Mapping[tuple[float, Behaviour], tuple[Floats, Floats]]
"""Metrics before and after, one row per metric and one column per shock."""

Mapper = Callable[
    [Callable[[int], tuple[Amounts, ...]], Iterable[int]], Iterable[tuple[Amounts, ...]]
]
"""Applies a function to every seed, in order: ``map``, or that of an executor."""


def effects(  # noqa: PLR0913 - the terms of an experiment
    make_book: BookMaker,
    what_if: WhatIf,
    impacts: Mapping[float, Impact],
    shocks: Iterable[float],
    *,
    seeds: int = SEEDS,
    direction: Direction = Direction.FALL,
    mapper: Mapper = map,
) -> tuple[Effect, ...]:
    """Returns one effect per metric and shock.

    ``impacts`` are those by liquidity multiplier. ``mapper`` runs the seeds; its order of execution
    changes nothing. Raises StressInputError: no seed, no impact, or input
    that the engine refuses.
    """
    (only,) = effects_of_all(
        make_book, (what_if,), impacts, shocks, seeds=seeds, direction=direction, mapper=mapper
    )
    return only


def effects_of_all(  # noqa: PLR0913 - the terms of an experiment
    make_book: BookMaker,
    what_ifs: Sequence[WhatIf],
    impacts: Mapping[float, Impact],
    shocks: Iterable[float],
    *,
    seeds: int = SEEDS,
    direction: Direction = Direction.FALL,
    mapper: Mapper = map,
) -> tuple[tuple[Effect, ...], ...]:
    """Returns the effects of several changes, each on the same books: those of ``effects`` by change."""
    starts = check_moves("shock", shocks)
    if seeds < 1 or not impacts:
        message = (
            f"effects: expected at least one seed and one impact, found {seeds} and {len(impacts)}"
        )
        raise StressInputError(message)
    central = make_book(None)
    scale = _scale(central, direction)
    base = _changes(central, what_ifs, impacts, starts, direction)
    run = partial(_run, make_book, what_ifs, impacts, starts, direction)
    runs = list(mapper(run, range(seeds)))
    return tuple(
        _effects(what_if.name, base[order], [own[order] for own in runs], starts, scale)
        for order, what_if in enumerate(what_ifs)
    )


def _effects(
    name: str, base: Amounts, runs: Sequence[Amounts], starts: Floats, scale: float
) -> tuple[Effect, ...]:
    """Returns the effects of one change."""
    found = []
    for (row, metric), (column, shock) in product(enumerate(Metric), enumerate(starts.tolist())):
        rounding = _NO_CHANGE * (1.0 if metric is Metric.MOVE else scale)
        cells = _cells(base, runs, (row, column), rounding)
        found.append(_effect(name, metric, shock, cells))
    return tuple(found)


def _cells(
    base: Amounts, runs: Sequence[Amounts], at: tuple[int, int], rounding: float
) -> tuple[EffectCell, ...]:
    """Returns the changes of one metric and shock, the row and column of the amounts."""
    cells = []
    for (liquidity, behaviour), (before, after) in base.items():
        sampled = [run[liquidity, behaviour] for run in runs]
        changes = np.array([changed[at] - unchanged_[at] for unchanged_, changed in sampled])
        bounds = np.quantile(changes, INTERVAL).tolist()
        stated = (float(after[at] - before[at]), *bounds)
        change, low, high = (0.0 if abs(own) <= rounding else own for own in stated)
        sign = _sign(min(change, low), max(change, high))
        cells.append(EffectCell(liquidity, behaviour, float(before[at]), change, low, high, sign))
    return tuple(cells)


def _run(  # noqa: PLR0913, PLR0917 - the terms of one run
    make_book: BookMaker,
    what_ifs: Sequence[WhatIf],
    impacts: Mapping[float, Impact],
    shocks: Floats,
    direction: Direction,
    seed: int,
) -> tuple[Amounts, ...]:
    """Returns the metrics of one seed by change."""
    return _changes(make_book(seed), what_ifs, impacts, shocks, direction)


def _scale(book: Book, direction: Direction) -> float:
    """Returns the notional of the side that is liquidated, in USD."""
    side = book.positions.side == direction.side
    return float(book.positions.total[side].sum())


def _changes(
    book: Book,
    what_ifs: Sequence[WhatIf],
    impacts: Mapping[float, Impact],
    shocks: Floats,
    direction: Direction,
) -> tuple[Amounts, ...]:
    """Returns metrics before and after by change, by liquidity and behaviour."""
    base = unchanged(book)
    before = _metrics(thresholds(base.positions, base.falls, direction), impacts, shocks)
    return tuple(_change(book, own, before, impacts, shocks, direction) for own in what_ifs)


def _change(  # noqa: PLR0913, PLR0917 - the terms of one run
    book: Book,
    what_if: WhatIf,
    before: Mapping[float, Floats],
    impacts: Mapping[float, Impact],
    shocks: Floats,
    direction: Direction,
) -> Amounts:
    """Returns metrics before and after one change, by liquidity and behaviour."""
    changed = {}
    for behaviour in Behaviour:
        outcome = apply(book, what_if, behaviour)
        given = thresholds(outcome.positions, outcome.falls, direction)
        changed[behaviour] = _metrics(given, impacts, shocks)
    return {
        (liquidity, behaviour): (before[liquidity], changed[behaviour][liquidity])
        for liquidity, behaviour in product(impacts, Behaviour)
    }


def _metrics(
    given: Thresholds, impacts: Mapping[float, Impact], shocks: Floats
) -> Mapping[float, Floats]:
    """Returns by liquidity the metrics, in the order of ``Metric``, one column per shock."""
    found = {}
    for liquidity, impact in impacts.items():
        result = curve(given, impact, shocks)
        found[liquidity] = np.stack([result.liquidated, result.move, result.loss])
    return found


def _sign(low: float, high: float) -> Sign:
    """Returns the sign of an interval with the central change; it depends on the sample if 0 is inside."""
    if low > 0.0:
        return Sign.MORE
    if high < 0.0:
        return Sign.LESS
    if low < 0.0 < high:
        return Sign.DEPENDS
    if low == high:
        return Sign.NONE
    return Sign.NOT_MORE if high == 0.0 else Sign.NOT_LESS


_NO_MORE = frozenset({Sign.LESS, Sign.NOT_MORE, Sign.NONE})
_NO_LESS = frozenset({Sign.MORE, Sign.NOT_LESS, Sign.NONE})


def _common(signs: set[Sign]) -> Sign:
    """Returns the sign of cells together."""
    if len(signs) == 1:
        return next(iter(signs))
    if signs <= _NO_MORE:
        return Sign.NOT_MORE
    return Sign.NOT_LESS if signs <= _NO_LESS else Sign.DEPENDS


def _effect(name: str, metric: Metric, shock: float, cells: Sequence[EffectCell]) -> Effect:
    signs = {cell.sign for cell in cells}
    sign = _common(signs)
    if sign is not Sign.DEPENDS:
        return Effect(name, metric, shock, tuple(cells), sign, ())
    reasons = []
    if Sign.DEPENDS in signs:
        reasons.append("sample")
    if _varies(cells, lambda cell: cell.behaviour):
        reasons.append("liquidity")
    if _varies(cells, lambda cell: cell.liquidity):
        reasons.append("behaviour")
    return Effect(name, metric, shock, tuple(cells), sign, tuple(reasons))


def _varies(cells: Sequence[EffectCell], fixed: Callable[[EffectCell], object]) -> bool:
    """True if signs differ among cells that agree in one property; that of no sample is a sign too."""
    groups: dict[object, set[Sign]] = {}
    for cell in cells:
        groups.setdefault(fixed(cell), set()).add(cell.sign)
    return any(len(signs) > 1 for signs in groups.values())
