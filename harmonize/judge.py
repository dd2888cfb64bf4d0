"""Every schedule against every rule set: a verdict, its reason, and the numbers behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np

from harmonize.checks.examined import intervals, moment
from harmonize.document import DivergencePoint, DivergenceRow, Interval, Verdict
from harmonize.laid_out import FIGURES, LaidOut, asset_of
from harmonize.panel import Floats
from harmonize.requirement import Cap, RuleSet
from harmonize.schedule import MarginSchedule, Unknown, value_of
from harmonize.standing import Pair, Standing, standings
from harmonize.traditional import TRADITIONAL


@dataclass(frozen=True, slots=True)
class _Question:
    """One schedule, one rule set, one figure.

    ``pair`` is what the numbers are asked; where it is None, ``verdict`` and ``reason`` say why.
    """

    schedule: MarginSchedule
    rule_set: RuleSet
    figure: str
    pair: Pair | None
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the numbers say: the verdict, the standing, rates at its extreme, ladder points."""

    verdict: Verdict
    reason: str
    standing: Standing
    required: float
    points: tuple[DivergencePoint, ...]


def judge(
    schedules: Sequence[MarginSchedule],
    rule_sets: Sequence[RuleSet],
    laid_out: LaidOut,
    ladder: Sequence[float],
) -> tuple[DivergenceRow, ...]:
    """Answer for every schedule, rule set and figure, in that order."""
    questions = [
        _question(row, schedule, rule_set, figure, laid_out)
        for row, schedule in enumerate(schedules)
        for rule_set in rule_sets
        for figure in FIGURES
    ]
    answers = iter(_answers(questions, laid_out, ladder))
    return tuple(
        _answered(one, next(answers), laid_out)
        if one.pair
        else _row(one, laid_out, one.verdict, one.reason)
        for one in questions
    )


def maintenance_against_initial(laid_out: LaidOut) -> tuple[Standing | None, ...]:
    """How each schedule's MM stands to its own IM; None where either is unknown."""
    both = [
        (initial, maintenance) if initial and maintenance else None
        for initial, maintenance in zip(
            laid_out.own["initial"], laid_out.own["maintenance"], strict=True
        )
    ]
    pairs = [
        Pair(maintenance.function, initial.function, maintenance.limit, initial.limit, 0.0, 0.0)
        for initial, maintenance in filter(None, both)
    ]
    found = iter(standings(laid_out.panel, pairs))
    return tuple(next(found) if one else None for one in both)


def _question(
    row: int, schedule: MarginSchedule, rule_set: RuleSet, figure: str, laid_out: LaidOut
) -> _Question:
    own = laid_out.own[figure][row]
    reference = laid_out.reference(rule_set, asset_of(schedule), figure)
    excuse = _excuse(schedule, rule_set, figure, laid_out)
    if excuse or own is None or reference is None:
        verdict, reason = excuse or (Verdict.NOT_OBSERVABLE, "no function to compare")
        return _Question(schedule, rule_set, figure, None, verdict, reason)
    tolerance = rule_set.tolerance
    pair = Pair(
        own.function,
        reference.function,
        own.limit,
        reference.limit,
        float(tolerance.relative),
        float(tolerance.absolute),
    )
    return _Question(schedule, rule_set, figure, pair, Verdict.COMPLIANT, "")


def _excuse(
    schedule: MarginSchedule, rule_set: RuleSet, figure: str, laid_out: LaidOut
) -> tuple[Verdict, str] | None:
    """Say why numbers cannot decide: the rule does not apply, or something is unknown."""
    asset = asset_of(schedule)
    outside = _out_of_scope(schedule, rule_set)
    if outside:
        return Verdict.NOT_APPLICABLE, outside
    requirement = rule_set.requirement
    if figure == "maintenance":
        if isinstance(requirement, Cap) and requirement.maintenance_rate is None:
            return Verdict.NOT_APPLICABLE, "the rule set asks no maintenance margin"
        if schedule.meaning is not rule_set.meaning:
            reason = f"a {schedule.meaning} is not scored against a {rule_set.meaning}"
            return Verdict.NOT_APPLICABLE, reason
    figured = schedule.initial if figure == "initial" else schedule.maintenance
    if isinstance(figured, Unknown):
        return Verdict.NOT_OBSERVABLE, figured.reason
    if laid_out.class_name(rule_set, asset) is None:
        return Verdict.NOT_OBSERVABLE, (
            f"{asset} is on no class list of {rule_set.id}; its class needs price history "
            "and traded volume, which the archive does not hold"
        )
    return None


def _out_of_scope(schedule: MarginSchedule, rule_set: RuleSet) -> str:
    """Say whom or what the rule set does not speak of; empty when it speaks of the schedule."""
    asset = asset_of(schedule)
    if rule_set.crypto_only and asset in TRADITIONAL:
        return f"{asset} is listed as no crypto-asset"
    account = schedule.profile.account_class.split()[0]
    if rule_set.account_classes and account not in {"any", "classic", *rule_set.account_classes}:
        return f"the schedule is for {account} accounts, not {', '.join(rule_set.account_classes)}"
    return ""


def _answers(
    questions: Sequence[_Question], laid_out: LaidOut, ladder: Sequence[float]
) -> list[_Answer]:
    """Ask the numbers all open questions at once."""
    asked = [(one, one.pair) for one in questions if one.pair]
    found = standings(laid_out.panel, [pair for _, pair in asked])
    verdicts = [
        _verdict(one, pair, standing) for (one, pair), standing in zip(asked, found, strict=True)
    ]
    places = [
        _place(standing, verdict) for standing, (verdict, _) in zip(found, verdicts, strict=True)
    ]
    due = laid_out.panel.evaluate(
        np.array([pair.reference for _, pair in asked], np.intp), np.array(places, dtype=float)
    ) / np.array(places)
    graded = [(one, pair) for one, pair in asked if not isinstance(one.rule_set.requirement, Cap)]
    points = iter(_points(graded, laid_out, ladder))
    return [
        _Answer(verdict, reason, standing, rate, () if cap else next(points))
        for (verdict, reason), standing, rate, cap in zip(
            verdicts,
            found,
            due.tolist(),
            [isinstance(one.rule_set.requirement, Cap) for one, _ in asked],
            strict=True,
        )
    ]


def _verdict(one: _Question, pair: Pair, standing: Standing) -> tuple[Verdict, str]:
    if isnan(standing.lowest):
        return Verdict.NOT_OBSERVABLE, "no notional that both cover"
    if standing.under:
        return (Verdict.BREACH if one.rule_set.statutory else Verdict.UNDER), ""
    if standing.over and not isinstance(one.rule_set.requirement, Cap):
        return Verdict.OVER, ""
    capacity = value_of(one.schedule.capacity)
    if capacity is not None and pair.limit < float(capacity):
        return Verdict.NOT_OBSERVABLE, f"observed only up to ${pair.limit:,.0f}, compliant there"
    return Verdict.COMPLIANT, ""


def _place(standing: Standing, verdict: Verdict) -> float:
    """The notional of the extreme that the verdict speaks of; 1 where there is none."""
    if isnan(standing.lowest):
        return 1.0
    return standing.highest_notional if verdict is Verdict.OVER else standing.lowest_notional


def _points(
    graded: Sequence[tuple[_Question, Pair]], laid_out: LaidOut, ladder: Sequence[float]
) -> list[tuple[DivergencePoint, ...]]:
    """Margin, requirement and divergence of every pair at every rung of the ladder."""
    rungs = np.array(ladder, dtype=float)
    pairs = [pair for _, pair in graded]
    own = _at_rungs(laid_out, [(one.function, one.limit) for one in pairs], rungs)
    required = _at_rungs(laid_out, [(one.reference, one.reference_limit) for one in pairs], rungs)
    divergence = own / required - 1.0
    capacities = [value_of(one.schedule.capacity) for one, _ in graded]
    above = [[one is not None and rung > one for rung in ladder] for one in capacities]
    return [
        tuple(
            DivergencePoint(notional, _known(margin), _known(due), _known(gap), beyond)
            for notional, margin, due, gap, beyond in zip(ladder, *row, strict=True)
        )
        for row in zip(own.tolist(), required.tolist(), divergence.tolist(), above, strict=True)
    ]


def _at_rungs(laid_out: LaidOut, functions: Sequence[tuple[int, float]], rungs: Floats) -> Floats:
    which = np.repeat(np.array([function for function, _ in functions], np.intp), rungs.size)
    margin = laid_out.panel.evaluate(which, np.tile(rungs, len(functions)))
    limits = np.array([limit for _, limit in functions]).reshape(-1, 1)
    return np.where(rungs <= limits, margin.reshape(-1, rungs.size), np.nan)


def _known(value: float) -> float | None:
    return None if isnan(value) else value


def _answered(one: _Question, answer: _Answer, laid_out: LaidOut) -> DivergenceRow:
    standing = answer.standing
    if isnan(standing.lowest):
        return _row(one, laid_out, answer.verdict, answer.reason)
    cap = isinstance(one.rule_set.requirement, Cap)
    extreme = standing.highest if answer.verdict is Verdict.OVER else standing.lowest
    return _row(
        one,
        laid_out,
        answer.verdict,
        answer.reason,
        lowest=standing.lowest,
        lowest_notional=standing.lowest_notional,
        highest=standing.highest,
        highest_notional=standing.highest_notional,
        under=intervals(standing.under),
        over=() if cap else intervals(standing.over),
        points=answer.points,
        observed=float(f"{answer.required * (1.0 + extreme):.12g}"),
        required=answer.required,
    )


def _row(  # noqa: PLR0913 - what only an answered question has
    one: _Question,
    laid_out: LaidOut,
    verdict: Verdict,
    reason: str,
    *,
    lowest: float | None = None,
    lowest_notional: float | None = None,
    highest: float | None = None,
    highest_notional: float | None = None,
    under: tuple[Interval, ...] = (),
    over: tuple[Interval, ...] = (),
    points: tuple[DivergencePoint, ...] = (),
    observed: float | None = None,
    required: float | None = None,
) -> DivergenceRow:
    schedule = one.schedule
    asset = asset_of(schedule)
    return DivergenceRow(
        venue=schedule.instrument.venue,
        symbol=schedule.instrument.symbol,
        profile=str(schedule.profile),
        underlying=asset,
        rule_set=one.rule_set.id,
        reference_class=laid_out.class_name(one.rule_set, asset) or "",
        figure=one.figure,
        verdict=verdict,
        reason=reason,
        lowest=lowest,
        lowest_notional=lowest_notional,
        highest=highest,
        highest_notional=highest_notional,
        under=under,
        over=over,
        points=points,
        observed=observed,
        required=required,
        observed_at=moment(schedule.observed_at),
    )
