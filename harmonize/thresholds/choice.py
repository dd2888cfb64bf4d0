"""The default threshold: the cheapest calm path that covers both sides, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harmonize.adequacy.backtests import LikelihoodRatio
from harmonize.adequacy.horizons import Side
from harmonize.core.schedule import Unknown
from harmonize.text.messages import counted, percent
from harmonize.thresholds.comparison import HitRate, hit_rate
from harmonize.thresholds.gate import (
    ASSET_SIDES,
    MOST_REJECTIONS,
    SIGNIFICANCE,
    expected_breaches,
    not_testable,
)
from harmonize.thresholds.path import Model, Tool, rounded_figure
from harmonize.thresholds.scores import Outcomes, PathScore, SideScore, expected_rate

MOST_RISE = 0.25
"""Largest rise over 30 days of a calm path, median over assets: the buffer of Art. 28 absorbs it."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Model with a tool, over all assets at one level.

    ``mean_margin`` is the mean over assets and ``rise_30`` the median of their largest 30-day rises.
    ``too_many`` is the number of asset-sides on which Kupiec rejects because of too many breaches.
    ``expected`` are the expected breaches of the side with the fewest observations.
    """

    model: Model
    tool: Tool
    level: float
    mean_margin: float
    rise_30: float
    long: HitRate | Unknown
    short: HitRate | Unknown
    too_many: int
    sides: int
    expected: float

    def fails(self, sides: int = ASSET_SIDES) -> str:
        """Returns why the candidate does not cover both sides of all assets; empty if it does."""
        if self.sides < sides:
            return f"observed on {self.sides} of {sides} asset-sides"
        if problem := not_testable(self.expected):
            return problem
        nominal = expected_rate(self.level)
        for name, hits in (("long", self.long), ("short", self.short)):
            if isinstance(hits, Unknown):
                return f"{name}: {hits.reason}"
            if nominal < hits.lower:
                return (
                    f"{name}: breaches at least {percent(hits.lower)}, nominal {percent(nominal)}"
                )
        if self.too_many > MOST_REJECTIONS * sides / ASSET_SIDES:
            return f"too many breaches on {self.too_many} of {sides} asset-sides"
        return ""

    @property
    def is_calm(self) -> bool:
        """Whether the median rise over 30 days is at most the buffer."""
        return self.rise_30 <= MOST_RISE


@dataclass(frozen=True, slots=True)
class DefaultThreshold:
    """Chosen candidate and the reason in one sentence."""

    candidate: Candidate
    reason: str


def candidate(
    model: Model,
    tool: Tool,
    level: float,
    outcomes: Sequence[Outcomes],
    scores: Sequence[PathScore],
) -> Candidate | Unknown:
    """Returns the candidate of the outcomes and scores of all assets. Unknown: no score.

    Costs compare only between candidates that are scored on the same days.
    """
    if not scores:
        return Unknown(f"{model}: no asset has a score")
    sides = [side for score in scores for side in (score.long, score.short)]
    long, short = (hit_rate([o for o in outcomes if o.side is side]) for side in Side)
    return Candidate(
        model,
        tool,
        level,
        rounded_figure(float(np.mean([score.cost.mean_margin for score in scores]))),
        rounded_figure(float(np.median([score.cost.rise_30 for score in scores]))),
        long,
        short,
        sum(_has_too_many(side, level) for side in sides),
        len(sides),
        expected_breaches(outcomes, level),
    )


def choose_default(
    candidates: Sequence[Candidate], sides: int = ASSET_SIDES
) -> DefaultThreshold | Unknown:
    """Returns the cheapest of the calm candidates that cover both sides.

    Unknown: none does; the reason names the numbers that fail.
    """
    covering = [own for own in candidates if not own.fails(sides)]
    calm = [own for own in covering if own.is_calm]
    if not calm:
        return Unknown(_no_default(len(candidates), len(covering)))
    best = min(calm, key=lambda own: own.mean_margin)
    cheaper = [own for own in candidates if own.mean_margin < best.mean_margin]
    failing = sum(bool(own.fails(sides)) for own in cheaper)
    tool = "without a tool" if best.tool is Tool.NONE else best.tool
    reason = (
        f"{best.model}, {tool}, chosen over {counted(sides // 2, 'underlying')}: mean margin {percent(best.mean_margin)}, largest 30-day rise "
        f"{percent(best.rise_30)} (median). Of {len(cheaper)} cheaper paths, {failing} do not cover both "
        f"sides and {len(cheaper) - failing} rise by more than {percent(MOST_RISE)} in 30 days."
    )
    return DefaultThreshold(best, reason)


def _no_default(paths: int, covering: int) -> str:
    """Returns why none of some paths is the default, of which ``covering`` cover both sides."""
    if not covering:
        return f"none of {counted(paths, 'path')} covers both sides"
    rise = f"by more than {percent(MOST_RISE)} in 30 days"
    if covering == 1:
        return f"only 1 of {counted(paths, 'path')} covers both sides, and it rises {rise}"
    return f"{covering} of {paths} paths cover both sides, and all of these rise {rise}"


def _has_too_many(side: SideScore, level: float) -> bool:
    is_rejected = isinstance(side.kupiec, LikelihoodRatio) and side.kupiec.p_value < SIGNIFICANCE
    return is_rejected and side.breach_rate > expected_rate(level)
