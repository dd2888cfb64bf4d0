"""Layout of all schedules and reference functions in one panel, with the range of each function."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
from harmonize.numerics.panel import Panel, PieceNumbers, build_panel
from harmonize.numerics.segments import HORIZON
from harmonize.policy.apply import AppliedRuleSet
from harmonize.policy.rule_set import Prohibition, ReferenceClass, ReferenceSchedule

MARGIN_TYPES = ("initial", "maintenance")

_ReferenceKey = tuple[str, str, MaintenanceMeaning | None]
# Class name, margin type, and the meaning of maintenance margin if it is scored by a factor.


@dataclass(frozen=True, slots=True)
class FunctionRef:
    """Row of a function in the panel, and the largest notional at which it applies, in USD."""

    function: int
    limit: float


@dataclass(frozen=True, slots=True)
class RuleSetLayout:
    """A rule set as applied, with its functions in the panel.

    - ``classes``: class by asset.
    - ``references``: function by class name ("" under a cap), margin type and meaning. The meaning
      is None unless maintenance margin of another meaning is scored by a factor.
    - ``margin_types``: margin types that the rule set regulates.
    - ``up_to``: largest position that the rule set covers, in USD.
    """

    applied: AppliedRuleSet
    classes: Mapping[str, ReferenceClass]
    references: Mapping[_ReferenceKey, FunctionRef]
    margin_types: tuple[str, ...]
    up_to: float

    def class_name(self, asset: str) -> str | None:
        """Returns the class of an asset: "" under a cap, None if the asset has no class."""
        if self.applied.cap is not None:
            return ""
        reference_class = self.classes.get(asset)
        return reference_class.name if reference_class else None

    def reference(
        self, asset: str, margin_type: str, meaning: MaintenanceMeaning | None = None
    ) -> FunctionRef | None:
        """Returns the reference function of an asset; None if the rule set has none."""
        name = self.class_name(asset)
        return None if name is None else self.references.get((name, margin_type, meaning))

    def verification(self, asset: str, margin_type: str) -> str:
        """Returns how the required margin of an asset was verified; empty without a source.

        It is the verification of the measured inputs, or of the rule set's source if none were
        measured.
        """
        reference_class = self.classes.get(asset)
        if reference_class and reference_class.verified:
            return reference_class.verified
        verified = self.applied.rule_set.verified(margin_type)
        return verified.value if verified else ""

    def tolerance(self, asset: str) -> tuple[float, float]:
        """Returns the permitted shares below and above the reference of an asset.

        They are the rule set's relative tolerance, widened by the interval of the measured inputs.
        """
        below = above = float(self.applied.rule_set.tolerance.relative)
        reference_class = self.classes.get(asset)
        if reference_class and (reference_class.below or reference_class.above):
            below = 1.0 - (1.0 - below) * (1.0 - float(reference_class.below))
            above = (1.0 + above) * (1.0 + float(reference_class.above)) - 1.0
        return below, above

    def tolerance_below(self, asset: str, required_rate: float) -> float:
        """Returns the share below a required rate down to which a margin complies, from 0 to 1."""
        below, _ = self.tolerance(asset)
        absolute = float(self.applied.rule_set.tolerance.absolute)
        return min(1.0, below + absolute / required_rate) if required_rate > 0.0 else 0.0

    def sets_margin(self, margin_type: str) -> bool:
        """True if the rule set sets this margin for any underlying."""
        return any(key_type == margin_type for _, key_type, _ in self.references)


@dataclass(frozen=True, slots=True)
class PanelLayout:
    """The panel of an audit.

    ``own[margin_type][row]`` is a schedule's function up to the largest notional at which it is the
    venue's margin; None if there is no such notional. ``published[margin_type][row]`` is the same
    function as published, also where it is a lower bound; None if it is unknown. ``numbers`` are the
    pieces of the panel as tuples. ``first`` is the index of each function's first piece.
    """

    panel: Panel
    own: dict[str, tuple[FunctionRef | None, ...]]
    rules: tuple[RuleSetLayout, ...]
    numbers: tuple[PieceNumbers, ...]
    first: tuple[int, ...]
    published: dict[str, tuple[FunctionRef | None, ...]]

    def pieces(self, function: int) -> tuple[PieceNumbers, ...]:
        """Returns the pieces of the function in a row of the panel."""
        return self.numbers[self.first[function] : self.first[function + 1]]

    def schedules(self) -> tuple[RuleSetLayout, ...]:
        """Returns the rule sets whose margins vary with size: references of curves and indices."""
        return tuple(
            rule
            for rule in self.rules
            if isinstance(rule.applied.rule_set.requirement, ReferenceSchedule)
        )


@dataclass(frozen=True, slots=True)
class _Rows:
    """Distinct functions in the order of their rows, and their rows by the numbers of the pieces.

    The numbers as plain tuples are hashed and compared faster than the functions.
    """

    functions: list[MarginFunction] = field(default_factory=list)
    by_numbers: dict[tuple[tuple[Decimal, ...], ...], int] = field(default_factory=dict)

    def row_of(self, function: MarginFunction) -> int:
        """Returns the row of a function, which is added if no equal one has a row."""
        numbers = tuple(
            [
                (piece.upper, piece.fixed, piece.rate, piece.coefficient, piece.power)
                for piece in function.pieces
            ]
        )
        row = self.by_numbers.setdefault(numbers, len(self.functions))
        if row == len(self.functions):
            self.functions.append(function)
        return row


def build_layout(
    schedules: Sequence[MarginSchedule], applied: Sequence[AppliedRuleSet]
) -> PanelLayout:
    """Returns a layout of every known function of the schedules and of the rule sets.

    Equal functions share one row of the panel: venues publish one table for many contracts.
    """
    functions = _Rows()
    published = {
        margin_type: tuple(_published(schedules, margin_type, functions))
        for margin_type in MARGIN_TYPES
    }
    own = {margin_type: _known(schedules, refs) for margin_type, refs in published.items()}
    rules = tuple(_rule(rule_set, functions) for rule_set in applied)
    all_ = build_panel(functions.functions)
    columns = (all_.lower, all_.upper, all_.fixed, all_.rate, all_.coefficient, all_.power)
    numbers = tuple(zip(*(column.tolist() for column in columns), strict=True))
    return PanelLayout(all_, own, rules, numbers, tuple(all_.first.tolist()), published)


def _known(
    schedules: Sequence[MarginSchedule], published: Sequence[FunctionRef | None]
) -> tuple[FunctionRef | None, ...]:
    """Returns the functions up to the notional above which they are lower bounds."""
    return tuple(
        FunctionRef(function.function, min(function.limit, float(schedule.known_up_to)))
        if function and schedule.known_up_to
        else None
        for schedule, function in zip(schedules, published, strict=True)
    )


def _published(
    schedules: Sequence[MarginSchedule], margin_type: str, functions: _Rows
) -> list[FunctionRef | None]:
    """Adds the schedules' functions to ``functions``, by row, and returns their references."""
    refs: list[FunctionRef | None] = []
    rows: dict[int, int] = {}  # by identity, which is faster to look up than a value
    for schedule in schedules:
        function = value_of(schedule.initial if margin_type == "initial" else schedule.maintenance)
        if function is None:
            refs.append(None)
            continue
        capacity = value_of(schedule.capacity)
        limit = _limit(function) if capacity is None else min(_limit(function), float(capacity))
        row = rows.get(id(function))
        if row is None:
            row = rows[id(function)] = functions.row_of(function)
        refs.append(FunctionRef(row, limit))
    return refs


def _limit(function: MarginFunction) -> float:
    return min(float(function.upper), HORIZON)


def _rule(applied: AppliedRuleSet, functions: _Rows) -> RuleSetLayout:
    """Adds a rule set's functions to ``functions``, by row."""
    references: dict[_ReferenceKey, FunctionRef] = {
        key: FunctionRef(functions.row_of(function), _limit(function))
        for key, function in _functions(applied)
    }
    classes = applied.reference_schedule.classes if applied.reference_schedule else ()
    regulated = {margin_type for _, margin_type, _ in references}
    if isinstance(applied.rule_set.requirement, Prohibition):
        regulated = {"initial"}
    return RuleSetLayout(
        applied,
        {asset: class_ for class_ in classes for asset in class_.assets},
        references,
        tuple(margin_type for margin_type in MARGIN_TYPES if margin_type in regulated),
        float(applied.rule_set.scope.up_to),
    )


def _functions(applied: AppliedRuleSet) -> Iterator[tuple[_ReferenceKey, MarginFunction]]:
    if applied.cap is not None:
        maintenance_rate = applied.cap.maintenance_rate
        yield ("", "initial", None), _constant(applied.cap.initial_rate)
        if maintenance_rate is not None:
            yield from _meanings("", _constant(maintenance_rate), applied)
    for class_ in applied.reference_schedule.classes if applied.reference_schedule else ():
        yield (class_.name, "initial", None), class_.initial
        if class_.maintenance is not None:
            yield from _meanings(class_.name, class_.maintenance, applied)


def _constant(rate: Decimal) -> MarginFunction:
    return flat([INFINITY], [rate])


def _meanings(
    name: str, function: MarginFunction, applied: AppliedRuleSet
) -> Iterator[tuple[_ReferenceKey, MarginFunction]]:
    """Yields the function for the rule set's own meaning, and its multiple per other meaning."""
    yield (name, "maintenance", None), function
    for meaning, factor in applied.rule_set.across.items():
        pieces = tuple(
            Piece(
                piece.upper,
                piece.fixed * factor,
                piece.rate * factor,
                piece.coefficient * factor,
                piece.power,
            )
            for piece in function.pieces
        )
        yield (name, "maintenance", meaning), MarginFunction(pieces)


def asset_of(schedule: MarginSchedule) -> str:
    """Returns the underlying asset of a schedule's contract."""
    return schedule.instrument.underlying.asset
