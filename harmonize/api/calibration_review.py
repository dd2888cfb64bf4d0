"""The review of a rule set: how its last version did since it was made, and its formula in the past."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import numpy as np

from harmonize.calibration.evidence import AssetEvidence
from harmonize.calibration.needs import RateFormula
from harmonize.calibration.review import SideReview, next_review, review_sides
from harmonize.calibration.walk_forward import DailyMargins, daily_margins
from harmonize.policy.apply import AppliedRuleSet, apply_rule_sets
from harmonize.policy.inputs import Input, newest_inputs
from harmonize.policy.rule_set import FlagStatus, Model, RuleSet

_ISO_DAY = re.compile(r"\b(\d{4}-\d{2}-\d{2})\b")
_WRITTEN_DAY = re.compile(r"\b(\d{1,2} [A-Z][a-z]+ \d{4})\b")


@dataclass(frozen=True, slots=True)
class CalibrationReview:
    """Tests of a margin against the moves that followed.

    ``made_on`` is the last day of prices behind the last version; None if it states none. ``since`` tests
    its margins, fixed on that day, on all later moves. ``untested`` names assets without a margin, with
    the reason. ``in_past`` tests the formula, measured anew at the end of each day with the prices known
    by then, over the whole history. ``next_on`` is the day of the next review. ``by_formula`` names assets
    whose margin since then follows from archived inputs, rather than from a class.
    """

    made_on: date | None
    days: int
    since: tuple[SideReview, ...]
    untested: tuple[tuple[str, str], ...]
    in_past: tuple[SideReview, ...]
    next_on: date
    by_formula: tuple[str, ...] = ()


def review_last_version(
    last: RuleSet,
    formula: RateFormula,
    evidence: Sequence[AssetEvidence],
    archived: Sequence[Input],
    as_of: date,
) -> CalibrationReview:
    """Returns the review of the last version of a rule set by the prices of its assets."""
    made_on = last_calibrated_on(last, formula, archived, as_of)
    since: list[SideReview] = []
    untested: list[tuple[str, str]] = []
    applied = None if made_on is None else _applied(last, evidence, archived, made_on)
    for item in evidence:
        rate = None if applied is None else _rate_in_force(applied, item.asset)
        if item.daily is None:
            untested.append((item.asset, "no recent prices"))
        elif rate is None:
            reason = (
                "no margin of the last version" if made_on else "the last version states no day"
            )
            untested.append((item.asset, reason))
        else:
            rates = np.full(item.daily.times.size, rate)
            since += review_sides(
                item.asset, DailyMargins(item.daily, rates), formula.days, made_on
            )
    return CalibrationReview(
        made_on,
        formula.days,
        tuple(since),
        tuple(untested),
        _in_past(formula, evidence),
        next_review(as_of),
        () if applied is None else _by_formula(applied),
    )


def _by_formula(applied: AppliedRuleSet) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.underlying for item in applied.used_inputs))


def _in_past(formula: RateFormula, evidence: Sequence[AssetEvidence]) -> tuple[SideReview, ...]:
    reviews: list[SideReview] = []
    for item in evidence:
        if item.daily is None:
            continue
        margins = daily_margins(item.daily, formula.expression, formula.names, item.earlier)
        if margins is not None:
            reviews += review_sides(item.asset, margins, formula.days)
    return tuple(review for review in reviews if review.observations)


def last_calibrated_on(
    last: RuleSet, formula: RateFormula, archived: Sequence[Input], as_of: date
) -> date | None:
    """Returns the day that a flag with the status calibrated states, or else that of archived inputs."""
    for flag in last.flags:
        if flag.status is FlagStatus.CALIBRATED and (day := stated_day(flag.note)) is not None:
            return day
    names = set(formula.names.values())
    days = [item.observed_at.date() for item in archived if item.name in names]
    return max((day for day in days if day <= as_of), default=None)


def stated_day(text: str) -> date | None:
    """Returns the first day in a text, as 2026-03-03 or as 3 March 2026; None: there is none."""
    if (match := _ISO_DAY.search(text)) is not None:
        return _parsed(match[1], "%Y-%m-%d")
    match = _WRITTEN_DAY.search(text)
    return None if match is None else _parsed(match[1], "%d %B %Y")


def _parsed(text: str, form: str) -> date | None:
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC).date()
    except ValueError:
        return None


def _applied(
    last: RuleSet, evidence: Sequence[AssetEvidence], archived: Sequence[Input], on: date
) -> AppliedRuleSet:
    inputs = newest_inputs(archived, datetime.combine(on, time.max, UTC))
    (applied,) = apply_rule_sets((last,), inputs, [item.asset for item in evidence], on)
    return applied


def _rate_in_force(applied: AppliedRuleSet, asset: str) -> float | None:
    """Returns the margin rate of a small position that has to cover a move; None: no reference.

    That of a model is its rate, before the multiple of initial margin.
    """
    schedule = applied.reference_schedule
    reference = schedule.class_of(asset) if schedule else None
    if reference is None:
        return None
    rate = float(reference.initial.pieces[0].rate)
    requirement = applied.rule_set.requirement
    return rate / float(requirement.multiple) if isinstance(requirement, Model) else rate
