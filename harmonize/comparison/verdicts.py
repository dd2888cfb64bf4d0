"""Verdict of every rule set on every schedule, with its reason and the numbers behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from types import MappingProxyType

import numpy as np

from harmonize.comparison.applicability import Jurisdictions, Subject
from harmonize.comparison.cases import Case, cases_of
from harmonize.comparison.layout import PanelLayout
from harmonize.comparison.offers import is_unobserved_above
from harmonize.comparison.remediation import Lines, RequiredMargin, lines, remedy
from harmonize.core.schedule import MarginSchedule, value_of
from harmonize.document import DivergencePoint, DivergenceRow, Interval, Verdict
from harmonize.document.rows import intervals
from harmonize.numerics.deviation import Deviation, FunctionPair, deviations
from harmonize.numerics.panel import Floats
from harmonize.numerics.rounding import rounded, rounded_all
from harmonize.numerics.segments import HORIZON
from harmonize.policy.rule_set import Cap, ReferenceSchedule, RuleSet

_NOISE = 1e-9  # relative; ratios closer than this are equal


@dataclass(frozen=True, slots=True)
class _Measurement:
    """Deviation of one pair of functions, shared by all rule sets that compare the pair.

    ``extremes`` are those of the deviation with their notionals, as rows state them.
    """

    deviation: Deviation
    extremes: tuple[float, ...]
    under: tuple[Interval, ...]
    over: tuple[Interval, ...]
    remedy: str


@dataclass(slots=True)
class _Outcome:
    """Verdict of one case, its measurement, and the rate required at the extreme."""

    verdict: Verdict
    reason: str
    measurement: _Measurement
    required: float
    points: tuple[DivergencePoint, ...]


def evaluate(
    schedules: Sequence[MarginSchedule],
    layout: PanelLayout,
    notional_grid: Sequence[float],
    jurisdictions: Jurisdictions = MappingProxyType({}),
) -> tuple[DivergenceRow, ...]:
    """Returns a row per schedule, rule set and margin type, in that order.

    There is no row for:

    - a margin type that the rule set does not regulate;
    - an underlying without measured inputs of a model (a check reports it once);
    - a venue or underlying outside the lists of a rule set that has such lists.
    """
    subjects = [Subject.of(*numbered, layout) for numbered in enumerate(schedules)]
    cases = list(cases_of(subjects, layout, jurisdictions))
    distinct = {id(case): case for _, case in cases}
    open_cases = [case for case in distinct.values() if case.pair]
    conclusions = {
        id(case): _Conclusion(*_rule(case), case.verdict, case.reason)
        for case in distinct.values()
        if not case.pair
    }
    for case, outcome in zip(open_cases, _outcomes(open_cases, layout, notional_grid), strict=True):
        conclusions[id(case)] = _measured(case, outcome)
    return tuple(_row(subject, case, conclusions[id(case)]) for subject, case in cases)


def maintenance_against_initial(layout: PanelLayout) -> tuple[Deviation | None, ...]:
    """Returns the deviation of each schedule's MM from its IM; None if either is unknown."""
    both = [
        (initial, maintenance) if initial and maintenance else None
        for initial, maintenance in zip(
            layout.own["initial"], layout.own["maintenance"], strict=True
        )
    ]
    pairs = [
        FunctionPair(
            maintenance.function, initial.function, maintenance.limit, initial.limit, 0.0, 0.0, 0.0
        )
        for initial, maintenance in filter(None, both)
    ]
    results = iter(deviations(layout.panel, pairs))
    return tuple(next(results) if functions else None for functions in both)


def _outcomes(
    cases: Sequence[Case], layout: PanelLayout, notional_grid: Sequence[float]
) -> list[_Outcome]:
    """Compares all open cases at once; equal pairs of functions are compared once."""
    open_cases = [(case, case.pair) for case in cases if case.pair]
    by_pair = _measurements(list(dict.fromkeys(pair for _, pair in open_cases)), layout)
    measurements = [by_pair[pair] for _, pair in open_cases]
    verdicts = [
        _verdict(case, pair, measurement.deviation)
        for (case, pair), measurement in zip(open_cases, measurements, strict=True)
    ]
    pairs = [pair for _, pair in open_cases]
    results = [measurement.deviation for measurement in measurements]
    required = _required_rates(pairs, results, [verdict for verdict, _ in verdicts], layout)
    by_size = [_varies_with_size(case) for case, _ in open_cases]
    sized = [open_case for open_case, varies in zip(open_cases, by_size, strict=True) if varies]
    points = iter(_points(sized, layout, notional_grid))
    return [
        _Outcome(verdict, reason, measurement, rate, next(points) if varies else ())
        for (verdict, reason), measurement, rate, varies in zip(
            verdicts, measurements, required.tolist(), by_size, strict=True
        )
    ]


def _required_rates(
    pairs: Sequence[FunctionPair],
    results: Sequence[Deviation],
    verdicts: Sequence[Verdict],
    layout: PanelLayout,
) -> Floats:
    """Returns the required rate at every extreme.

    If the extreme is a limit from above, the rate is taken just above its notional.
    """
    panel = layout.panel
    own = np.array([pair.function for pair in pairs], np.intp)
    reference = np.array([pair.reference for pair in pairs], np.intp)
    extremes = [
        _extreme(deviation, verdict) for deviation, verdict in zip(results, verdicts, strict=True)
    ]
    extreme = np.array([ratio for ratio, _ in extremes])
    notionals = np.array([notional for _, notional in extremes], dtype=float)
    ratio = panel.evaluate(own, notionals) / panel.evaluate(reference, notionals) - 1.0
    is_limit = np.abs(ratio - extreme) > _NOISE * (1.0 + np.abs(extreme))
    notionals = np.where(is_limit, np.nextafter(notionals, np.inf), notionals)
    rate: Floats = panel.evaluate(reference, notionals) / notionals
    return rate


def _extreme(deviation: Deviation, verdict: Verdict) -> tuple[float, float]:
    """Returns the extreme that the verdict is about, and its notional; 1 if there is none."""
    if verdict is Verdict.OVER:
        ratio, notional = deviation.highest, deviation.highest_notional
    else:
        ratio, notional = deviation.lowest, deviation.lowest_notional
    return ratio, 1.0 if isnan(deviation.lowest) else notional


def _measurements(
    pairs: Sequence[FunctionPair], layout: PanelLayout
) -> dict[FunctionPair, _Measurement]:
    """Returns the deviation of every pair, with a remedy if the margin is too low somewhere."""
    lines_by_function: dict[int, Lines | None] = {}
    measurements = {}
    for pair, deviation in zip(pairs, deviations(layout.panel, pairs), strict=True):
        change = ""
        if deviation.under:
            for function in (pair.function, pair.reference):
                if function not in lines_by_function:
                    lines_by_function[function] = lines(layout.pieces(function))
            required = RequiredMargin(
                lines_by_function[pair.reference] or (),
                1.0 - pair.below,
                pair.absolute if pair.below else 0.0,  # alone, it only allows for rounding
                pair.floor,
                min(pair.limit, pair.reference_limit),
            )
            own = lines_by_function[pair.function]
            change = remedy(own, required, deviation.under, deviation.lowest)
        measurements[pair] = _Measurement(
            deviation,
            _extremes(deviation),
            intervals(deviation.under),
            intervals(deviation.over),
            change,
        )
    return measurements


def _extremes(deviation: Deviation) -> tuple[float, ...]:
    return rounded_all(
        (
            deviation.lowest,
            deviation.lowest_notional,
            deviation.highest,
            deviation.highest_notional,
        )
    )


def _varies_with_size(case: Case) -> bool:
    """True if the requirement varies with size: only then does the row have points."""
    return isinstance(case.rule_set.requirement, ReferenceSchedule)


def _verdict(case: Case, pair: FunctionPair, deviation: Deviation) -> tuple[Verdict, str]:
    rule_set = case.rule_set
    if isnan(deviation.lowest):
        return Verdict.NOT_OBSERVABLE, "no notional is covered by both functions"
    if deviation.under:
        return (Verdict.BREACH if rule_set.statutory else Verdict.UNDER), case.reason
    if deviation.over and not _is_minimum(rule_set):
        return Verdict.OVER, case.reason
    return _within_observed(case, pair)


def _within_observed(case: Case, pair: FunctionPair) -> tuple[Verdict, str]:
    """Returns the verdict of a margin that complies wherever it is observed.

    The venue may accept larger positions. Tiers that end below its capacity leave the verdict open. A
    formula of a venue without a known capacity ends at a rate of 100 %: the reason names its end.
    """
    schedule, up_to = case.subject.schedule, float(case.rule_set.scope.up_to)
    if pair.limit >= min(up_to, HORIZON) or not is_unobserved_above(schedule, pair.limit):
        return Verdict.COMPLIANT, case.reason
    limit = f"${pair.limit:,.0f}"
    if value_of(schedule.capacity) is not None or schedule.known_up_to.is_finite():
        return Verdict.NOT_OBSERVABLE, f"observed only up to {limit}; compliant up to there"
    return Verdict.COMPLIANT, case.reason or f"compliant up to {limit}, where the formula ends"


def _is_minimum(rule_set: RuleSet) -> bool:
    """True if a rule set only sets a minimum: a higher margin then does not diverge from it."""
    return rule_set.statutory or isinstance(rule_set.requirement, Cap)


def _points(
    sized: Sequence[tuple[Case, FunctionPair]],
    layout: PanelLayout,
    notional_grid: Sequence[float],
) -> list[tuple[DivergencePoint, ...]]:
    """Returns margin, requirement and divergence of every pair at every notional of the grid."""
    if not notional_grid:
        return [() for _ in sized]
    grid = np.array(notional_grid, dtype=float)
    pairs = [pair for _, pair in sized]
    own = _on_grid(layout, [(pair.function, pair.limit) for pair in pairs], grid)
    required = _on_grid(layout, [(pair.reference, pair.reference_limit) for pair in pairs], grid)
    divergence = own / required - 1.0
    capacities = [value_of(case.subject.schedule.capacity) for case, _ in sized]
    above_capacity = [
        [capacity is not None and notional > capacity for notional in notional_grid]
        for capacity in capacities
    ]
    return [
        tuple(
            DivergencePoint(
                notional, _optional(margin), _optional(reference), _optional(ratio), is_above
            )
            for notional, margin, reference, ratio, is_above in zip(
                notional_grid, *columns, strict=True
            )
        )
        for columns in zip(
            *map(_rounded_rows, (own, required, divergence)), above_capacity, strict=True
        )
    ]


def _on_grid(layout: PanelLayout, functions: Sequence[tuple[int, float]], grid: Floats) -> Floats:
    """Returns margins, functions × grid; NaN above the limit of a function."""
    rows = np.repeat(np.array([function for function, _ in functions], np.intp), grid.size)
    margin = layout.panel.evaluate(rows, np.tile(grid, len(functions)))
    limits = np.array([limit for _, limit in functions]).reshape(-1, 1)
    return np.where(grid <= limits, margin.reshape(-1, grid.size), np.nan)


def _rounded_rows(values: Floats) -> list[tuple[float, ...]]:
    return [rounded_all(row) for row in values.tolist()]


def _optional(value: float) -> float | None:
    return None if isnan(value) else value


def _measured(case: Case, outcome: _Outcome) -> "_Conclusion":
    """Returns the verdict with the figures of the measurement; without them if nothing is covered."""
    measurement = outcome.measurement
    if isnan(measurement.deviation.lowest):
        return _Conclusion(*_rule(case), outcome.verdict, outcome.reason)
    extreme, _ = _extreme(measurement.deviation, outcome.verdict)
    lowest, lowest_notional, highest, highest_notional = measurement.extremes
    return _Conclusion(
        *_rule(case),
        outcome.verdict,
        outcome.reason,
        lowest=lowest,
        lowest_notional=lowest_notional,
        highest=highest,
        highest_notional=highest_notional,
        under=measurement.under,
        over=() if _is_minimum(case.rule_set) else measurement.over,
        points=outcome.points,
        observed=rounded(outcome.required * (1.0 + extreme)),
        required=rounded(outcome.required),
        remedy=measurement.remedy,
    )


def _rule(case: Case) -> tuple[str, str]:
    """Returns the id of the rule set and the name of the reference class."""
    return case.rule_set.id, case.rule.class_name(case.subject.asset) or ""


@dataclass(frozen=True, slots=True)
class _Conclusion:
    """Verdict and figures of a case, which all its rows share; by default no figures."""

    rule_set: str
    reference_class: str
    verdict: Verdict
    reason: str
    lowest: float | None = None
    lowest_notional: float | None = None
    highest: float | None = None
    highest_notional: float | None = None
    under: tuple[Interval, ...] = ()
    over: tuple[Interval, ...] = ()
    points: tuple[DivergencePoint, ...] = ()
    observed: float | None = None
    required: float | None = None
    remedy: str = ""


def _row(subject: Subject, case: Case, conclusion: _Conclusion) -> DivergenceRow:
    """Returns the row of a schedule with the conclusion of its case."""
    return DivergenceRow(
        venue=subject.venue,
        symbol=subject.symbol,
        profile=subject.profile,
        underlying=subject.asset,
        rule_set=conclusion.rule_set,
        reference_class=conclusion.reference_class,
        margin_type=case.margin_type,
        verdict=conclusion.verdict,
        reason=conclusion.reason,
        lowest=conclusion.lowest,
        lowest_notional=conclusion.lowest_notional,
        highest=conclusion.highest,
        highest_notional=conclusion.highest_notional,
        under=conclusion.under,
        over=conclusion.over,
        points=conclusion.points,
        observed=conclusion.observed,
        required=conclusion.required,
        observed_at=subject.observed_at,
        observed_from=subject.observed_from,
        date_kind=subject.date_kind,
        remedy=conclusion.remedy,
    )
