"""Judges models over assets: the gate at its levels, the candidates and the default threshold."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harmonize.core.schedule import Unknown
from harmonize.thresholds.choice import Candidate, DefaultThreshold, candidate, choose_default
from harmonize.thresholds.evaluation import LEAST_SHARE, AssetScores, ScoredPath
from harmonize.thresholds.gate import GateResult, judge_models
from harmonize.thresholds.path import Model, Tool
from harmonize.thresholds.scores import Outcomes, PathScore

GATE_LEVELS = (0.99, 0.995)
"""Levels at which the gate is stated, beside the requested one."""


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """Gate, candidates and default over the assets that have every common model.

    ``not_compared`` states why a model is no candidate, ``not_judged`` why an asset does not count.
    """

    assets: tuple[str, ...]
    gate: tuple[GateResult, ...]
    candidates: tuple[Candidate, ...]
    not_compared: Mapping[str, str]
    not_judged: Mapping[str, str]
    default: DefaultThreshold | Unknown


def gate_levels(level: float) -> tuple[float, ...]:
    """Returns the requested level and those of the gate."""
    return (level, *(own for own in GATE_LEVELS if own != level))


def judge(scores: Mapping[str, AssetScores], level: float) -> Judgement:
    """Returns the judgement over assets, of which there is at least one.

    Models compare only on the same assets: one that lacks a model which at least half of the assets
    have does not count, so that one short history does not hide a result on all others.
    """
    not_judged = _incomplete(scores)
    judged = {asset: own for asset, own in scores.items() if asset not in not_judged}
    sides = 2 * len(judged)
    found, not_compared = _candidates(judged, level)
    return Judgement(
        tuple(judged),
        _gate(judged, level, sides),
        found,
        not_compared,
        not_judged,
        choose_default(found, sides),
    )


def _incomplete(scores: Mapping[str, AssetScores]) -> dict[str, str]:
    """Returns the assets that lack a common model, with the reason."""
    models = {asset: {path.model for path in own.paths} for asset, own in scores.items()}
    counts = Counter(model for own in models.values() for model in own)
    common = [model for model in Model if counts[model] >= LEAST_SHARE * len(scores)]
    lacking = {
        asset: [model for model in common if model not in own] for asset, own in models.items()
    }
    if all(lacking.values()):
        return {}
    return {
        asset: "; ".join(f"{model}: {_reason(scores[asset], model)}" for model in absent)
        for asset, absent in lacking.items()
        if absent
    }


def _reason(scores: AssetScores, model: Model) -> str:
    return scores.absent[model].reason if model in scores.absent else "no path"


def _gate(judged: Mapping[str, AssetScores], level: float, sides: int) -> tuple[GateResult, ...]:
    results: list[GateResult] = []
    for own in gate_levels(level):
        outcomes: dict[Model, list[Outcomes]] = {model: [] for model in Model}
        for scores in judged.values():
            for model, found in scores.outcomes.get(own, {}).items():
                outcomes[model].extend(found)
        tested = {model: found for model, found in outcomes.items() if found}
        results += judge_models(tested, own, sides)
    return tuple(results)


def _candidates(
    judged: Mapping[str, AssetScores], level: float
) -> tuple[tuple[Candidate, ...], dict[str, str]]:
    by_path: dict[tuple[Model, Tool], list[ScoredPath]] = {}
    for scores in judged.values():
        for path in scores.paths:
            by_path.setdefault((path.model, path.tool), []).append(path)
    found: list[Candidate] = []
    not_compared: dict[str, str] = {}
    for (model, tool), own in by_path.items():
        result = _candidate(model, tool, level, own)
        if isinstance(result, Unknown):
            not_compared[model] = result.reason
        else:
            found.append(result)
    return tuple(found), not_compared


def _candidate(
    model: Model, tool: Tool, level: float, paths: Sequence[ScoredPath]
) -> Candidate | Unknown:
    if not all(path.is_common for path in paths):
        return Unknown("tested on fewer days than the other models")
    known = [path.score for path in paths if isinstance(path.score, PathScore)]
    outcomes = [outcome for path in paths for outcome in path.outcomes]
    return candidate(model, tool, level, outcomes, known)
