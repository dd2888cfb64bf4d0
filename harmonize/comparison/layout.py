"""Schedules and references laid out in one panel, each with its place and its largest notional."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from harmonize.core.schedule import (
    INFINITY,
    MaintenanceMeaning,
    MarginFunction,
    MarginSchedule,
    Piece,
    flat,
    value_of,
)
from harmonize.numerics.panel import Panel, PieceNumbers, panel
from harmonize.numerics.segments import HORIZON
from harmonize.policy.apply import Applied
from harmonize.policy.rule_set import Prohibition, ReferenceClass, ReferenceSchedule

FIGURES = ("initial", "maintenance")


@dataclass(frozen=True, slots=True)
class FunctionRef:
    """A function's place in the panel, and the largest notional at which it counts, in USD."""

    function: int
    limit: float


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule set as applied, with the places of its functions.

    ``classes`` finds an asset's class; ``references`` the function of a class ("" under a cap) for a
    figure, and for maintenance margin of a meaning that is scored by a factor. ``figures`` are
    those that it has something to say of, ``up_to`` the largest position it speaks of.
    """

    applied: Applied
    classes: Mapping[str, ReferenceClass]
    references: Mapping[tuple[str, str, MaintenanceMeaning | None], FunctionRef]
    figures: tuple[str, ...]
    up_to: float

    def class_name(self, asset: str) -> str | None:
        """Name the class of an asset: "" under a cap, None where there is none."""
        if self.applied.cap is not None:
            return ""
        found = self.classes.get(asset)
        return found.name if found else None

    def reference(
        self, asset: str, figure: str, meaning: MaintenanceMeaning | None = None
    ) -> FunctionRef | None:
        """Find the reference function of an asset; None where the rule set has none for it."""
        name = self.class_name(asset)
        return None if name is None else self.references.get((name, figure, meaning))

    def asks(self, figure: str) -> bool:
        """Tell whether the rule set asks this margin of any underlying."""
        return any(asked == figure for _, asked, _ in self.references)


@dataclass(frozen=True, slots=True)
class PanelLayout:
    """The panel of an audit. ``own[figure][k]`` is schedule k's function, None where unknown.

    ``numbers`` are the panel's pieces one by one, ``first`` where each function's begin.
    """

    panel: Panel
    own: dict[str, tuple[FunctionRef | None, ...]]
    rules: tuple[Rule, ...]
    numbers: tuple[PieceNumbers, ...]
    first: tuple[int, ...]

    def pieces(self, function: int) -> tuple[PieceNumbers, ...]:
        """The pieces of a function, by its place in the panel."""
        return self.numbers[self.first[function] : self.first[function + 1]]

    def schedules(self) -> tuple[Rule, ...]:
        """The rule sets whose margins vary with size: those that curves and indices are held to."""
        return tuple(
            one
            for one in self.rules
            if isinstance(one.applied.rule_set.requirement, ReferenceSchedule)
        )


def build_layout(schedules: Sequence[MarginSchedule], applied: Sequence[Applied]) -> PanelLayout:
    """Lay out every known function of the schedules and every function of the rule sets."""
    functions: list[MarginFunction] = []
    own = {figure: tuple(_own(schedules, figure, functions)) for figure in FIGURES}
    places: dict[MarginFunction, FunctionRef] = {}
    rules = tuple(_rule(one, functions, places) for one in applied)
    laid = panel(functions)
    columns = (laid.lower, laid.upper, laid.fixed, laid.rate, laid.coefficient, laid.power)
    numbers = tuple(zip(*(column.tolist() for column in columns), strict=True))
    return PanelLayout(laid, own, rules, numbers, tuple(laid.first.tolist()))


def _own(
    schedules: Sequence[MarginSchedule], figure: str, functions: list[MarginFunction]
) -> list[FunctionRef | None]:
    placed: list[FunctionRef | None] = []
    for schedule in schedules:
        function = value_of(schedule.initial if figure == "initial" else schedule.maintenance)
        if function is None:
            placed.append(None)
            continue
        capacity = value_of(schedule.capacity)
        limit = _limit(function) if capacity is None else min(_limit(function), float(capacity))
        placed.append(FunctionRef(len(functions), limit))
        functions.append(function)
    return placed


def _limit(function: MarginFunction) -> float:
    return min(float(function.upper), HORIZON)


def _rule(
    applied: Applied, functions: list[MarginFunction], places: dict[MarginFunction, FunctionRef]
) -> Rule:
    """Place a rule set's functions; one that another rule set has too is placed once."""
    references: dict[tuple[str, str, MaintenanceMeaning | None], FunctionRef] = {}
    for key, function in _functions(applied):
        if function not in places:
            places[function] = FunctionRef(len(functions), _limit(function))
            functions.append(function)
        references[key] = places[function]
    graded = applied.graded.classes if applied.graded else ()
    asked = {figure for _, figure, _ in references}
    if isinstance(applied.rule_set.requirement, Prohibition):
        asked = {"initial"}
    return Rule(
        applied,
        {asset: one for one in graded for asset in one.assets},
        references,
        tuple(one for one in FIGURES if one in asked),
        float(applied.rule_set.scope.up_to),
    )


def _functions(
    applied: Applied,
) -> Iterator[tuple[tuple[str, str, MaintenanceMeaning | None], MarginFunction]]:
    if applied.cap is not None:
        maintained = applied.cap.maintenance_rate
        yield ("", "initial", None), _constant(applied.cap.initial_rate)
        if maintained is not None:
            yield from _meanings("", _constant(maintained), applied)
    for one in applied.graded.classes if applied.graded else ():
        yield (one.name, "initial", None), one.initial
        if one.maintenance is not None:
            yield from _meanings(one.name, one.maintenance, applied)


def _constant(rate: Decimal) -> MarginFunction:
    return flat([INFINITY], [rate])


def _meanings(
    name: str, function: MarginFunction, applied: Applied
) -> Iterator[tuple[tuple[str, str, MaintenanceMeaning | None], MarginFunction]]:
    """The function for margin of its own meaning, and its multiple for each other that is scored."""
    yield (name, "maintenance", None), function
    for meaning, factor in applied.rule_set.across.items():
        pieces = tuple(
            Piece(
                one.upper,
                one.fixed * factor,
                one.rate * factor,
                one.coefficient * factor,
                one.power,
            )
            for one in function.pieces
        )
        yield (name, "maintenance", meaning), MarginFunction(pieces)


def asset_of(schedule: MarginSchedule) -> str:
    """The asset under a schedule's contract."""
    return schedule.instrument.underlying.asset
