"""Every schedule against every rule set: a verdict, its reason, and the numbers behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import isnan
from types import MappingProxyType

import numpy as np

from harmonize.comparison.layout import FIGURES, FunctionRef, PanelLayout, Rule
from harmonize.comparison.remediation import Due, Lines, lines, remedy
from harmonize.core.non_crypto import TRADITIONAL
from harmonize.core.schedule import MarginSchedule, Unknown, value_of
from harmonize.document import DivergencePoint, DivergenceRow, Interval, Verdict
from harmonize.document.rows import intervals
from harmonize.numerics.deviation import Deviation, FunctionPair, deviations
from harmonize.numerics.panel import Floats
from harmonize.policy.rule_set import (
    Cap,
    Model,
    Prohibition,
    ReferenceClass,
    ReferenceSchedule,
    RuleSet,
    Scope,
)
from harmonize.text.messages import iso_utc


@dataclass(frozen=True, slots=True)
class _Subject:
    """A schedule, and the words in which every row names it."""

    schedule: MarginSchedule
    venue: str
    symbol: str
    profile: str
    asset: str
    account: str
    day: date
    observed_at: str
    own: Mapping[str, FunctionRef | None]

    @classmethod
    def of(cls, row: int, schedule: MarginSchedule, laid_out: PanelLayout) -> "_Subject":
        instrument = schedule.instrument
        return cls(
            schedule,
            instrument.venue,
            instrument.symbol,
            str(schedule.profile),
            instrument.underlying.asset,
            schedule.profile.account_class.partition(" ")[0],
            schedule.observed_at.date(),
            iso_utc(schedule.observed_at),
            {figure: laid_out.own[figure][row] for figure in FIGURES},
        )


@dataclass(slots=True)
class _Question:
    """One schedule, one rule set, one figure.

    ``pair`` is what the numbers are asked; where it is None, ``verdict`` and ``reason`` say why.
    """

    subject: _Subject
    rule: Rule
    figure: str
    pair: FunctionPair | None
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class _Found:
    """What the numbers say of one pair, however many rule sets ask it."""

    standing: Deviation
    under: tuple[Interval, ...]
    over: tuple[Interval, ...]
    remedy: str


@dataclass(slots=True)
class _Answer:
    """The verdict, what was found, the rate required at its extreme, ladder points."""

    verdict: Verdict
    reason: str
    found: _Found
    required: float
    points: tuple[DivergencePoint, ...]


_SAME = 1e-9  # within which a ratio is the one that was found


Jurisdictions = Mapping[str, Sequence[str]]
"""Where venues are established, by their ids; two letters a country."""


def evaluate(
    schedules: Sequence[MarginSchedule],
    laid_out: PanelLayout,
    ladder: Sequence[float],
    jurisdictions: Jurisdictions = MappingProxyType({}),
) -> tuple[DivergenceRow, ...]:
    """Answer for every schedule, rule set and figure, in that order.

    A figure that a rule set asks of nobody has no row, nor has an underlying for which a model's
    inputs were not measured: the checks tell of those once. A rule set that lists its venues or
    underlyings has rows for these alone.
    """
    questions = [
        _question(subject, rule, figure, jurisdictions)
        for subject in (_Subject.of(*each, laid_out) for each in enumerate(schedules))
        for rule in laid_out.rules
        for figure in _asked(rule, subject)
    ]
    answers = iter(_answers(questions, laid_out, ladder))
    return tuple(_answered(one, next(answers)) if one.pair else _row(one) for one in questions)


def _asked(rule: Rule, subject: _Subject) -> Sequence[str]:
    """The figures on which a rule set has something to say of a schedule."""
    rule_set = rule.applied.rule_set
    scope = rule_set.scope
    if isinstance(rule_set.requirement, Model) and subject.asset not in rule.classes:
        return ()
    elsewhere = (scope.underlyings and subject.asset not in scope.underlyings) or (
        scope.venues and subject.venue not in scope.venues
    )
    return () if elsewhere else rule.figures


def maintenance_against_initial(laid_out: PanelLayout) -> tuple[Deviation | None, ...]:
    """How each schedule's MM stands to its own IM; None where either is unknown."""
    both = [
        (initial, maintenance) if initial and maintenance else None
        for initial, maintenance in zip(
            laid_out.own["initial"], laid_out.own["maintenance"], strict=True
        )
    ]
    pairs = [
        FunctionPair(
            maintenance.function, initial.function, maintenance.limit, initial.limit, 0.0, 0.0, 0.0
        )
        for initial, maintenance in filter(None, both)
    ]
    found = iter(deviations(laid_out.panel, pairs))
    return tuple(next(found) if one else None for one in both)


def _question(
    subject: _Subject, rule: Rule, figure: str, jurisdictions: Jurisdictions
) -> _Question:
    schedule, rule_set = subject.schedule, rule.applied.rule_set
    foreign = figure == "maintenance" and schedule.meaning is not rule_set.meaning
    excuse = _excuse(subject, rule, figure, jurisdictions, foreign=foreign)
    own = subject.own[figure]
    meaning = schedule.meaning if foreign else None
    reference = None if excuse else rule.reference(subject.asset, figure, meaning)
    if excuse or own is None or reference is None:
        verdict, reason = excuse or (Verdict.NOT_OBSERVABLE, "no function to compare")
        return _Question(subject, rule, figure, None, verdict, reason)
    pair = _pair(own, reference, rule, rule.classes.get(subject.asset))
    reason = _scored(schedule, rule_set) if foreign else ""
    return _Question(subject, rule, figure, pair, Verdict.COMPLIANT, reason)


def _pair(
    own: FunctionRef, reference: FunctionRef, rule: Rule, graded: ReferenceClass | None
) -> FunctionPair:
    """What is compared, and how far apart it may be: tolerances and the inputs' interval."""
    rule_set = rule.applied.rule_set
    below = above = float(rule_set.tolerance.relative)
    if graded and (graded.below or graded.above):
        below = 1.0 - (1.0 - below) * (1.0 - float(graded.below))
        above = (1.0 + above) * (1.0 + float(graded.above)) - 1.0
    return FunctionPair(
        own.function,
        reference.function,
        min(own.limit, rule.up_to),
        reference.limit,
        below,
        above,
        float(rule_set.tolerance.absolute),
        float(rule_set.scope.above),
    )


def _scored(schedule: MarginSchedule, rule_set: RuleSet) -> str:
    """Say how margin of another meaning is scored."""
    factor = rule_set.across[schedule.meaning]
    return (
        f"a {schedule.meaning} scored against {factor} times the {rule_set.meaning}, "
        "as the rule set says"
    )


def _excuse(  # noqa: PLR0911 - one line a reason
    subject: _Subject, rule: Rule, figure: str, jurisdictions: Jurisdictions, *, foreign: bool
) -> tuple[Verdict, str] | None:
    """Say why numbers cannot decide: the rule does not apply, or something is unknown."""
    schedule, rule_set = subject.schedule, rule.applied.rule_set
    outside = out_of_scope(subject, rule_set.scope)
    if outside:
        return Verdict.NOT_APPLICABLE, outside
    unsure = _elsewhere(subject.venue, rule_set, jurisdictions)
    if unsure:
        return unsure
    if isinstance(rule_set.requirement, Prohibition):
        return Verdict.PROHIBITED, f"{rule_set.id} prohibits the contract at any margin"
    if foreign and schedule.meaning not in rule_set.across:
        reason = f"a {schedule.meaning} is not scored against a {rule_set.meaning}"
        return Verdict.NOT_APPLICABLE, reason
    figured = schedule.initial if figure == "initial" else schedule.maintenance
    if isinstance(figured, Unknown):
        return Verdict.NOT_OBSERVABLE, figured.reason
    if rule.class_name(subject.asset) is None:
        return Verdict.NOT_OBSERVABLE, (
            f"{subject.asset} is on no class list of {rule_set.id}; its class needs price history "
            "and traded volume, which the archive does not hold"
        )
    return None


def _elsewhere(
    venue: str, rule_set: RuleSet, jurisdictions: Jurisdictions
) -> tuple[Verdict, str] | None:
    """Say whether the venue is established where the rule set holds; None where it is."""
    wanted = rule_set.scope.jurisdictions
    if not wanted:
        return None
    known = jurisdictions.get(venue)
    if known is None:
        reason = f"where {venue} is established is not known; name it in the configuration"
        return Verdict.NOT_OBSERVABLE, reason
    if not set(known) & set(wanted):
        reason = f"{venue} is established in {', '.join(known)}, not {', '.join(wanted)}"
        return Verdict.NOT_APPLICABLE, reason
    return None


def out_of_scope(subject: _Subject, scope: Scope) -> str:
    """Say whom or what a rule set does not speak of; empty when it speaks of the schedule."""
    if scope.crypto_only and subject.asset in TRADITIONAL:
        return f"{subject.asset} is listed as no crypto-asset"
    payoff, account, day = subject.schedule.instrument.payoff, subject.account, subject.day
    if scope.payoffs and payoff not in scope.payoffs:
        return f"the contract is {payoff.value}, not {', '.join(scope.payoffs)}"
    if scope.account_classes and account not in {"any", "classic", *scope.account_classes}:
        return f"the schedule is for {account} accounts, not {', '.join(scope.account_classes)}"
    if scope.since and day < scope.since:
        return f"in force from {scope.since}, the schedule was observed on {day}"
    if scope.until and day > scope.until:
        return f"in force until {scope.until}, the schedule was observed on {day}"
    return ""


def _answers(
    questions: Sequence[_Question], laid_out: PanelLayout, ladder: Sequence[float]
) -> list[_Answer]:
    """Ask the numbers all open questions at once; what is asked twice is computed once."""
    asked = [(one, one.pair) for one in questions if one.pair]
    distinct = list(dict.fromkeys(pair for _, pair in asked))
    by_pair = _found(distinct, laid_out)
    found = [by_pair[pair] for _, pair in asked]
    verdicts = [_verdict(*each, one.standing) for each, one in zip(asked, found, strict=True)]
    places = [
        _place(one.standing, verdict) for one, (verdict, _) in zip(found, verdicts, strict=True)
    ]
    due = _required(asked, found, verdicts, np.array(places, dtype=float), laid_out)
    graded = [_graded(one) for one, _ in asked]
    pointed = [each for each, has in zip(asked, graded, strict=True) if has]
    points = iter(_points(pointed, laid_out, ladder))
    return [
        _Answer(verdict, reason, one, rate, next(points) if has else ())
        for (verdict, reason), one, rate, has in zip(
            verdicts, found, due.tolist(), graded, strict=True
        )
    ]


def _required(
    asked: Sequence[tuple[_Question, FunctionPair]],
    found: Sequence[_Found],
    verdicts: Sequence[tuple[Verdict, str]],
    places: Floats,
    laid_out: PanelLayout,
) -> Floats:
    """The rate required at every extreme; where it is a limit from above, just above the place."""
    own, reference = (
        np.array([getattr(pair, name) for _, pair in asked], np.intp)
        for name in ("function", "reference")
    )
    extreme = np.array(
        [
            one.standing.highest if verdict is Verdict.OVER else one.standing.lowest
            for one, (verdict, _) in zip(found, verdicts, strict=True)
        ]
    )
    panel = laid_out.panel
    ratio = panel.evaluate(own, places) / panel.evaluate(reference, places) - 1.0
    beyond = np.abs(ratio - extreme) > _SAME * (1.0 + np.abs(extreme))
    places = np.where(beyond, np.nextafter(places, np.inf), places)
    rate: Floats = panel.evaluate(reference, places) / places
    return rate


def _found(pairs: Sequence[FunctionPair], laid_out: PanelLayout) -> dict[FunctionPair, _Found]:
    """How every pair stands, with the smallest change where the margin is too low somewhere."""
    straight: dict[int, Lines | None] = {}
    found = {}
    for pair, standing in zip(pairs, deviations(laid_out.panel, pairs), strict=True):
        change = ""
        if standing.under:
            for one in (pair.function, pair.reference):
                if one not in straight:
                    straight[one] = lines(laid_out.pieces(one))
            due = Due(
                straight[pair.reference] or (),
                1.0 - pair.below,
                pair.absolute if pair.below else 0.0,  # alone it is slack for rounding, no licence
                pair.floor,
                min(pair.limit, pair.reference_limit),
            )
            change = remedy(straight[pair.function], due, standing.under, standing.lowest)
        found[pair] = _Found(standing, intervals(standing.under), intervals(standing.over), change)
    return found


def _graded(one: _Question) -> bool:
    """Tell whether a requirement varies with size: only then are there points to give."""
    return isinstance(one.rule.applied.rule_set.requirement, ReferenceSchedule)


def _verdict(one: _Question, pair: FunctionPair, standing: Deviation) -> tuple[Verdict, str]:
    rule_set = one.rule.applied.rule_set
    if isnan(standing.lowest):
        return Verdict.NOT_OBSERVABLE, "no notional that both cover"
    if standing.under:
        return (Verdict.BREACH if rule_set.statutory else Verdict.UNDER), one.reason
    if standing.over and not _least(rule_set):
        return Verdict.OVER, one.reason
    capacity = value_of(one.subject.schedule.capacity)
    due = None if capacity is None else min(float(capacity), float(rule_set.scope.up_to))
    if due is not None and pair.limit < due:
        return Verdict.NOT_OBSERVABLE, f"observed only up to ${pair.limit:,.0f}, compliant there"
    return Verdict.COMPLIANT, one.reason


def _least(rule_set: RuleSet) -> bool:
    """Tell whether a rule set asks a least margin alone: more of it diverges from nothing."""
    return rule_set.statutory or isinstance(rule_set.requirement, Cap)


def _place(standing: Deviation, verdict: Verdict) -> float:
    """The notional of the extreme that the verdict speaks of; 1 where there is none."""
    if isnan(standing.lowest):
        return 1.0
    return standing.highest_notional if verdict is Verdict.OVER else standing.lowest_notional


def _points(
    graded: Sequence[tuple[_Question, FunctionPair]], laid_out: PanelLayout, ladder: Sequence[float]
) -> list[tuple[DivergencePoint, ...]]:
    """Margin, requirement and divergence of every pair at every rung of the ladder."""
    if not ladder:
        return [() for _ in graded]
    rungs = np.array(ladder, dtype=float)
    pairs = [pair for _, pair in graded]
    own = _at_rungs(laid_out, [(one.function, one.limit) for one in pairs], rungs)
    required = _at_rungs(laid_out, [(one.reference, one.reference_limit) for one in pairs], rungs)
    divergence = own / required - 1.0
    capacities = [value_of(one.subject.schedule.capacity) for one, _ in graded]
    above = [[one is not None and rung > one for rung in ladder] for one in capacities]
    return [
        tuple(
            DivergencePoint(notional, _known(margin), _known(due), _known(gap), beyond)
            for notional, margin, due, gap, beyond in zip(ladder, *row, strict=True)
        )
        for row in zip(own.tolist(), required.tolist(), divergence.tolist(), above, strict=True)
    ]


def _at_rungs(
    laid_out: PanelLayout, functions: Sequence[tuple[int, float]], rungs: Floats
) -> Floats:
    which = np.repeat(np.array([function for function, _ in functions], np.intp), rungs.size)
    margin = laid_out.panel.evaluate(which, np.tile(rungs, len(functions)))
    limits = np.array([limit for _, limit in functions]).reshape(-1, 1)
    return np.where(rungs <= limits, margin.reshape(-1, rungs.size), np.nan)


def _known(value: float) -> float | None:
    return None if isnan(value) else value


def _answered(one: _Question, answer: _Answer) -> DivergenceRow:
    standing = answer.found.standing
    if isnan(standing.lowest):
        return _row(replace(one, verdict=answer.verdict, reason=answer.reason))
    extreme = standing.highest if answer.verdict is Verdict.OVER else standing.lowest
    subject, rule_set = one.subject, one.rule.applied.rule_set
    return DivergenceRow(
        venue=subject.venue,
        symbol=subject.symbol,
        profile=subject.profile,
        underlying=subject.asset,
        rule_set=rule_set.id,
        reference_class=one.rule.class_name(subject.asset) or "",
        margin_type=one.figure,
        verdict=answer.verdict,
        reason=answer.reason,
        lowest=standing.lowest,
        lowest_notional=standing.lowest_notional,
        highest=standing.highest,
        highest_notional=standing.highest_notional,
        under=answer.found.under,
        over=() if _least(rule_set) else answer.found.over,
        points=answer.points,
        observed=float(f"{answer.required * (1.0 + extreme):.12g}"),
        required=answer.required,
        observed_at=subject.observed_at,
        remedy=answer.found.remedy,
    )


def _row(one: _Question) -> DivergenceRow:
    """The row of a question that no number answers."""
    subject = one.subject
    return DivergenceRow(
        venue=subject.venue,
        symbol=subject.symbol,
        profile=subject.profile,
        underlying=subject.asset,
        rule_set=one.rule.applied.rule_set.id,
        reference_class=one.rule.class_name(subject.asset) or "",
        margin_type=one.figure,
        verdict=one.verdict,
        reason=one.reason,
        lowest=None,
        lowest_notional=None,
        highest=None,
        highest_notional=None,
        under=(),
        over=(),
        points=(),
        observed_at=subject.observed_at,
    )
