"""Schedules and references laid out in one panel, each with its place and its largest notional."""

from collections.abc import Sequence
from dataclasses import dataclass

from harmonize.cells import HORIZON
from harmonize.panel import Panel, panel
from harmonize.requirement import Cap, RuleSet
from harmonize.schedule import (
    INFINITY,
    MarginFunction,
    MarginSchedule,
    flat,
    value_of,
)

FIGURES = ("initial", "maintenance")


@dataclass(frozen=True, slots=True)
class Placed:
    """A function's place in the panel, and the largest notional at which it counts, in USD."""

    function: int
    limit: float


@dataclass(frozen=True, slots=True)
class LaidOut:
    """The panel of an audit. ``own[figure][k]`` is schedule k's function, None where unknown.

    ``reference`` gives a rule set's function for an asset; its class name is "" under a cap.
    """

    panel: Panel
    own: dict[str, tuple[Placed | None, ...]]
    references: dict[tuple[str, str, str], Placed]
    classes: dict[tuple[str, str], str]

    def reference(self, rule_set: RuleSet, asset: str, figure: str) -> Placed | None:
        """Find the reference function of an asset; None where the rule set has none for it."""
        name = self.class_name(rule_set, asset)
        return None if name is None else self.references.get((rule_set.id, name, figure))

    def class_name(self, rule_set: RuleSet, asset: str) -> str | None:
        """Name the class of an asset under a rule set: "" under a cap, None on no list."""
        if isinstance(rule_set.requirement, Cap):
            return ""
        return self.classes.get((rule_set.id, asset))


def lay_out(schedules: Sequence[MarginSchedule], rule_sets: Sequence[RuleSet]) -> LaidOut:
    """Lay out every known function of the schedules and every function of the rule sets."""
    functions: list[MarginFunction] = []
    own = {figure: tuple(_own(schedules, figure, functions)) for figure in FIGURES}
    references: dict[tuple[str, str, str], Placed] = {}
    classes: dict[tuple[str, str], str] = {}
    for rule_set in rule_sets:
        for name, assets, by_figure in _classes(rule_set):
            classes |= {(rule_set.id, asset): name for asset in assets}
            for figure, function in by_figure.items():
                references[rule_set.id, name, figure] = Placed(len(functions), _limit(function))
                functions.append(function)
    return LaidOut(panel(functions), own, references, classes)


def _own(
    schedules: Sequence[MarginSchedule], figure: str, functions: list[MarginFunction]
) -> list[Placed | None]:
    placed: list[Placed | None] = []
    for schedule in schedules:
        function = value_of(schedule.initial if figure == "initial" else schedule.maintenance)
        if function is None:
            placed.append(None)
            continue
        capacity = value_of(schedule.capacity)
        limit = _limit(function) if capacity is None else min(_limit(function), float(capacity))
        placed.append(Placed(len(functions), limit))
        functions.append(function)
    return placed


def _limit(function: MarginFunction) -> float:
    return min(float(function.upper), HORIZON)


def _classes(
    rule_set: RuleSet,
) -> list[tuple[str, tuple[str, ...], dict[str, MarginFunction]]]:
    requirement = rule_set.requirement
    if isinstance(requirement, Cap):
        rates = {"initial": requirement.initial_rate, "maintenance": requirement.maintenance_rate}
        named = {
            figure: flat([INFINITY], [rate]) for figure, rate in rates.items() if rate is not None
        }
        return [("", (), named)]
    return [
        (one.name, one.assets, {"initial": one.initial, "maintenance": one.maintenance})
        for one in requirement.classes
    ]


def asset_of(schedule: MarginSchedule) -> str:
    """The asset under a schedule's contract."""
    return schedule.instrument.underlying.asset
