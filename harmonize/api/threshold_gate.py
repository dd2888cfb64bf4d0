"""Judges models over assets: the gate at its levels, the candidates and the default threshold."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harmonize.core.schedule import Unknown
from harmonize.thresholds.choice import Candidate, DefaultThreshold, candidate, choose_default
from harmonize.thresholds.evaluation import AssetScores, ScoredPath
from harmonize.thresholds.gate import (
    GateResult,
    expected_breaches,
    judge_models,
    not_testable,
)
from harmonize.thresholds.path import Model, Tool
from harmonize.thresholds.scores import Outcomes, PathScore

COMMON_SHARE = 0.5
"""Share of the assets of which more must have a model, so that one without it does not count."""

GATE_LEVELS = (0.99, 0.995)
"""Levels at which the gate is stated, beside the requested one."""


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """Gate, candidates and default over the assets that have every common model.

    ``not_compared`` states why a model is no candidate, ``not_judged`` why an asset does not count.
    ``too_short`` are assets that count, but not at a further level, whose test needs more days.
    """

    assets: tuple[str, ...]
    gate: tuple[GateResult, ...]
    candidates: tuple[Candidate, ...]
    not_compared: Mapping[str, str]
    not_judged: Mapping[str, str]
    too_short: Mapping[float, tuple[str, ...]]
    default: DefaultThreshold | Unknown


def gate_levels(level: float) -> tuple[float, ...]:
    """Returns the requested level and those of the gate."""
    return (level, *(own for own in GATE_LEVELS if own != level))


def judge(scores: Mapping[str, AssetScores], level: float) -> Judgement:
    """Returns the judgement over assets, of which there is at least one.

    Models compare only on the same assets: one that lacks a model which most of the assets have does not
    count, nor does one with too few days for a test of coverage, so that one short history
    does not hide a result on all others. If no asset has enough days, all count, and no test is met.
    """
    not_judged = _incomplete(scores)
    complete = {asset: own for asset, own in scores.items() if asset not in not_judged}
    short = _too_short(complete, level)
    judged = {asset: own for asset, own in complete.items() if asset not in short}
    too_short = {own: tuple(_too_short(judged, own)) for own in gate_levels(level)}
    found, not_compared = _candidates(judged, level)
    return Judgement(
        tuple(judged),
        _gate(judged, too_short),
        found,
        not_compared,
        not_judged | short,
        {own: assets for own, assets in too_short.items() if assets},
        choose_default(found, 2 * len(judged)),
    )


def _too_short(scores: Mapping[str, AssetScores], level: float) -> dict[str, str]:
    """Returns the assets on which no model has enough days for a test, if others have, with the reason."""
    expected = {
        asset: max(
            (expected_breaches(found, level) for found in own.outcomes.get(level, {}).values()),
            default=0.0,
        )
        for asset, own in scores.items()
    }
    short = {asset: problem for asset, own in expected.items() if (problem := not_testable(own))}
    return short if len(short) < len(scores) else {}


def _incomplete(scores: Mapping[str, AssetScores]) -> dict[str, str]:
    """Returns the assets that lack a common model, with the reason."""
    models = {asset: {path.model for path in own.paths} for asset, own in scores.items()}
    counts = Counter(model for own in models.values() for model in own)
    common = [model for model in Model if counts[model] > COMMON_SHARE * len(scores)]
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


def _gate(
    judged: Mapping[str, AssetScores], too_short: Mapping[float, Sequence[str]]
) -> tuple[GateResult, ...]:
    results: list[GateResult] = []
    for level, excluded in too_short.items():
        used = [own for asset, own in judged.items() if asset not in excluded]
        outcomes: dict[Model, list[Outcomes]] = {model: [] for model in Model}
        for scores in used:
            for model, found in scores.outcomes.get(level, {}).items():
                outcomes[model].extend(found)
        tested = {model: found for model, found in outcomes.items() if found}
        results += judge_models(tested, level, 2 * len(used))
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
