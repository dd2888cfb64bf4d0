"""Cases: every schedule with every rule set, and the functions that each compares.

Schedules of equal properties, underlying terms and functions are one case, which is decided once.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

from harmonize.comparison.applicability import (
    Jurisdictions,
    Subject,
    undecided,
    underlying_terms,
)
from harmonize.comparison.layout import MARGIN_TYPES, FunctionRef, PanelLayout, RuleSetLayout
from harmonize.comparison.offers import no_margin_reason
from harmonize.core.schedule import MarginSchedule
from harmonize.document import Verdict
from harmonize.numerics.deviation import FunctionPair
from harmonize.policy.rule_set import Model, RuleSet


@dataclass(slots=True)
class Case:
    """One rule set, one margin type, and the first of the schedules with the same verdict on it.

    ``pair`` are the functions to compare. If it is None, ``verdict`` and ``reason`` are final.
    """

    subject: Subject
    rule: RuleSetLayout
    margin_type: str
    pair: FunctionPair | None
    verdict: Verdict
    reason: str

    @property
    def rule_set(self) -> RuleSet:
        """Rule set of the case."""
        return self.rule.applied.rule_set


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Numbers of values, equal for equal values: small keys instead of ones that are slow to hash."""

    by_value: dict[Hashable, int] = field(default_factory=dict)

    def of(self, value: Hashable) -> int:
        return self.by_value.setdefault(value, len(self.by_value))


@dataclass(frozen=True, slots=True)
class _Decision:
    """Whether a rule set applies: a final case, or the function with which margins are compared."""

    number: int
    case: Case | None
    reference: FunctionRef | None = None
    reason: str = ""


def cases_of(
    subjects: Sequence[Subject], layout: PanelLayout, jurisdictions: Jurisdictions
) -> Iterator[tuple[Subject, Case]]:
    """Yields every subject with its cases; equal cases are one object, decided once."""
    numbers = _Numbers()
    decisions: dict[tuple[int, ...], _Decision] = {}
    known: dict[tuple[int, ...], Case] = {}
    terms: dict[tuple[int, str], int] = {}
    for subject in subjects:
        properties, own_terms = numbers.of(subject.properties), numbers.of(subject.terms)
        for position, rule in enumerate(layout.rules):
            name = (position, subject.asset)
            if name not in terms:
                terms[name] = numbers.of(underlying_terms(subject.asset, rule))
            venue = numbers.of(subject.venue) if rule.applied.rule_set.scope.jurisdictions else -1
            for margin_type in _regulated(rule, subject):
                of_type = MARGIN_TYPES.index(margin_type)
                key = (position, of_type, terms[name], properties, venue)
                decision = decisions.get(key)
                if decision is None:
                    decision = _decide(subject, rule, margin_type, jurisdictions, len(decisions))
                    decisions[key] = decision
                if decision.case is not None:
                    yield subject, decision.case
                    continue
                own = subject.own[margin_type]
                whole = (decision.number, own_terms, numbers.of(own))
                case = known.get(whole)
                if case is None:
                    case = known[whole] = _case(subject, rule, margin_type, decision)
                yield subject, case


def _regulated(rule: RuleSetLayout, subject: Subject) -> Sequence[str]:
    """Returns the margin types that a rule set regulates for a schedule."""
    rule_set = rule.applied.rule_set
    scope = rule_set.scope
    if isinstance(rule_set.requirement, Model) and subject.asset not in rule.classes:
        return ()
    is_unlisted = (scope.underlyings and subject.asset not in scope.underlyings) or (
        scope.venues and subject.venue not in scope.venues
    )
    return () if is_unlisted else rule.margin_types


def _decide(
    subject: Subject,
    rule: RuleSetLayout,
    margin_type: str,
    jurisdictions: Jurisdictions,
    number: int,
) -> _Decision:
    schedule, rule_set = subject.schedule, rule.applied.rule_set
    has_other_meaning = margin_type == "maintenance" and schedule.meaning is not rule_set.meaning
    final = undecided(
        subject, rule, margin_type, jurisdictions, has_other_meaning=has_other_meaning
    )
    if final:
        return _Decision(number, Case(subject, rule, margin_type, None, *final))
    meaning = schedule.meaning if has_other_meaning else None
    reference = rule.reference(subject.asset, margin_type, meaning)
    reason = _scoring_reason(schedule, rule_set) if has_other_meaning else ""
    return _Decision(number, None, reference, reason)


def _case(subject: Subject, rule: RuleSetLayout, margin_type: str, decision: _Decision) -> Case:
    own, reference = subject.own[margin_type], decision.reference
    if own is None or reference is None:
        reason = _no_function(subject.schedule, margin_type)
        return Case(subject, rule, margin_type, None, Verdict.NOT_OBSERVABLE, reason)
    pair = _pair(own, reference, rule, subject.asset)
    return Case(subject, rule, margin_type, pair, Verdict.COMPLIANT, decision.reason)


def _no_function(schedule: MarginSchedule, margin_type: str) -> str:
    if schedule.known_up_to:
        return "no function to compare"
    return no_margin_reason(schedule, "IM" if margin_type == "initial" else "MM")


def _pair(
    own: FunctionRef, reference: FunctionRef, rule: RuleSetLayout, asset: str
) -> FunctionPair:
    """Returns the functions to compare and the band: tolerance, widened by the inputs' interval."""
    rule_set = rule.applied.rule_set
    below, above = rule.tolerance(asset)
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


def _scoring_reason(schedule: MarginSchedule, rule_set: RuleSet) -> str:
    """Returns how maintenance margin of another meaning is scored."""
    factor = rule_set.across[schedule.meaning]
    return (
        f"a {schedule.meaning} scored against {factor} times the {rule_set.meaning}, "
        "as the rule set specifies"
    )
