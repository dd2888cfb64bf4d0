"""The gate: which models deserve to be offered, with the figure of every condition.

A model that beats the normal EWMA proves nothing, since that one fails its own test almost everywhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harmonize.adequacy.backtests import LikelihoodRatio, unconditional_coverage
from harmonize.core.schedule import Unknown
from harmonize.text.messages import percent
from harmonize.thresholds.comparison import (
    HitRate,
    LossComparison,
    compare_joint,
    compare_tick,
    hit_rate,
)
from harmonize.thresholds.path import Model
from harmonize.thresholds.scores import Outcomes, expected_rate

BENCHMARK = Model.GARCH
"""Model that others must beat."""

SIGNIFICANCE = 0.05

ASSET_SIDES = 24
"""Sides of the twelve assets on which a model is judged."""

NOT_TESTABLE = "not testable"
"""Beginning of the words of a condition with too little data."""

LEAST_EXPECTED = 5.0
"""Fewest breaches that are expected on a side: of fewer, no test can tell coverage."""

MOST_REJECTIONS = 2
"""Most sides of 24 on which the test of Kupiec may reject a model."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Condition of the gate: whether it is met, its figure in number and words, and what is required.

    ``is_met`` is False if the figure is Unknown, because nothing proves the model.
    """

    name: str
    is_met: bool
    figure: float | Unknown
    text: str
    requirement: str


@dataclass(frozen=True, slots=True)
class GateResult:
    """Whether a model is offered at a level, with its conditions and further figures.

    ``joint`` compares the FZ0 score; it decides nothing. ``is_benchmark``: the model that others must
    beat has no comparison with itself, and is not offered by this gate. The model was observed on
    ``sides`` of ``required`` asset-sides.
    """

    model: Model
    level: float
    conditions: tuple[Condition, ...]
    tick: LossComparison | Unknown
    joint: LossComparison | Unknown
    hits: HitRate | Unknown
    rejections: int
    sides: int
    required: int

    @property
    def is_offered(self) -> bool:
        """Whether every condition is met."""
        return all(condition.is_met for condition in self.conditions)

    @property
    def is_benchmark(self) -> bool:
        """Whether the model is the one that others must beat."""
        return self.model is BENCHMARK


def judge_models(
    outcomes: Mapping[Model, Sequence[Outcomes]], level: float, sides: int = ASSET_SIDES
) -> tuple[GateResult, ...]:
    """Returns the result of every model at one level, in the order of the mapping.

    ``sides`` is the number of asset-sides on which models are judged; a model without one of them is
    not offered.
    """
    benchmark = outcomes.get(BENCHMARK, ())
    return tuple(
        judge_model(model, own, benchmark, level, sides) for model, own in outcomes.items()
    )


def judge_model(
    model: Model,
    own: Sequence[Outcomes],
    benchmark: Sequence[Outcomes],
    level: float,
    sides: int = ASSET_SIDES,
) -> GateResult:
    """Returns whether a model is offered.

    It is if (1) its tick loss is lower than that of the benchmark, by Diebold and Mariano on daily
    means with a one-sided p-value below 5 %; (2) the nominal rate of breaches is not below the
    interval of its pooled rate by blocks of days; (3) Kupiec rejects at most 2 of 24 asset-sides.
    Conditions 2 and 3 are not met if fewer than five breaches are expected on a side: then nothing
    could be rejected.
    """
    observed = [outcome for outcome in own if outcome.days.size]
    is_benchmark = model is BENCHMARK
    same: LossComparison | Unknown = Unknown(f"{BENCHMARK} is the benchmark")
    tick = same if is_benchmark else compare_tick(observed, benchmark)
    joint = same if is_benchmark else compare_joint(observed, benchmark)
    hits = hit_rate(observed)
    rejections = sum(_is_rejected(outcome) for outcome in observed)
    conditions = (
        _better(tick),
        _covered(hits, level, observed),
        _rejected(rejections, observed, level, sides),
    )
    return GateResult(model, level, conditions, tick, joint, hits, rejections, len(observed), sides)


def _better(test: LossComparison | Unknown) -> Condition:
    name, requirement = "better than the benchmark", f"p below {SIGNIFICANCE:g}"
    if isinstance(test, Unknown):
        return Condition(name, is_met=False, figure=test, text=test.reason, requirement=requirement)
    is_met = test.p_value < SIGNIFICANCE
    return Condition(name, is_met, test.p_value, f"p {test.p_value:.3g}", requirement)


def expected_breaches(observed: Sequence[Outcomes], level: float) -> float:
    """Returns the expected breaches of the side with the fewest observations; 0 without a side."""
    fewest = min((outcome.days.size for outcome in observed), default=0)
    return round(fewest * expected_rate(level), 9)


def not_testable(expected: float) -> str:
    """Returns that too few breaches are expected on a side for a test; empty if they suffice."""
    if expected >= LEAST_EXPECTED:
        return ""
    return f"{NOT_TESTABLE}: {expected:.3g} breaches expected on a side, {LEAST_EXPECTED:g} are required"


def _covered(hits: HitRate | Unknown, level: float, observed: Sequence[Outcomes]) -> Condition:
    name, nominal = "covers the level", expected_rate(level)
    requirement = f"lower end at most {percent(nominal)}"
    if isinstance(hits, Unknown):
        return Condition(name, is_met=False, figure=hits, text=hits.reason, requirement=requirement)
    if problem := not_testable(expected_breaches(observed, level)):
        return _untested(name, problem, requirement)
    text = f"{percent(hits.rate)}, 95 % interval {percent(hits.lower)} to {percent(hits.upper)}"
    return Condition(name, nominal >= hits.lower, hits.rate, text, requirement)


def _untested(name: str, problem: str, requirement: str) -> Condition:
    return Condition(
        name, is_met=False, figure=Unknown(problem), text=problem, requirement=requirement
    )


def _rejected(rejections: int, observed: Sequence[Outcomes], level: float, sides: int) -> Condition:
    limit = MOST_REJECTIONS * sides // ASSET_SIDES
    name, requirement = "covers each side", f"at most {limit} of {sides} rejected"
    if len(observed) < sides:
        return _untested(
            name, f"{NOT_TESTABLE}: observed on {len(observed)} of {sides} sides", requirement
        )
    if problem := not_testable(expected_breaches(observed, level)):
        return _untested(name, problem, requirement)
    text = f"{rejections} of {sides}"
    return Condition(name, rejections <= limit, float(rejections), text, requirement)


def _is_rejected(outcome: Outcomes) -> bool:
    test = unconditional_coverage(outcome.breaches, expected_rate(outcome.level))
    return isinstance(test, LikelihoodRatio) and test.p_value < SIGNIFICANCE
