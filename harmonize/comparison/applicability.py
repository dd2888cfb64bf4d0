"""Applicability of a rule set to a schedule: scope, jurisdiction, and what must be observed."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from harmonize.comparison.layout import MARGIN_TYPES, FunctionRef, PanelLayout, RuleSetLayout
from harmonize.core.schedule import (
    MarginFunction,
    MarginSchedule,
    Observed,
    Unknown,
    value_of,
)
from harmonize.core.tickers import AssetClass
from harmonize.document import Verdict
from harmonize.policy.rule_set import (
    ContractKind,
    Prohibition,
    ReferenceSchedule,
    RuleSet,
    Scope,
)
from harmonize.text.messages import iso_utc

Jurisdictions = Mapping[str, Sequence[str]]
"""Jurisdictions in which venues are established, by venue; two letters per country."""

JURISDICTION_UNKNOWN = "jurisdiction of"
"""How the reason of a verdict begins if the venue's jurisdiction is unknown; MH813 counts these."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A schedule with the texts that identify it in every row, and its functions.

    ``properties`` are what decides whether a rule set applies, besides its underlying and venue.
    ``terms`` are what decides the verdict on its margins, besides its functions.
    """

    schedule: MarginSchedule
    venue: str
    symbol: str
    profile: str
    asset: str
    account: str
    kind: ContractKind
    day: date
    earliest_day: date | None
    observed_at: str
    observed_from: str
    date_kind: str
    own: Mapping[str, FunctionRef | None]
    properties: tuple[Hashable, ...]
    terms: tuple[Hashable, ...]

    @classmethod
    def of(cls, row: int, schedule: MarginSchedule, layout: PanelLayout) -> "Subject":
        """Returns the subject of a schedule, with its row in the layout."""
        own = {margin_type: layout.own[margin_type][row] for margin_type in MARGIN_TYPES}
        return cls.with_functions(schedule, own)

    @classmethod
    def with_functions(
        cls, schedule: MarginSchedule, own: Mapping[str, FunctionRef | None]
    ) -> "Subject":
        """Returns the subject of a schedule with its functions; none decide whether a rule set applies."""
        instrument = schedule.instrument
        older_end = schedule.precision.older_end(schedule.observed_at)
        account = schedule.profile.account_class.partition(" ")[0]
        kind = ContractKind.PERPETUAL if instrument.perpetual else ContractKind.DATED
        day = schedule.observed_at.date()
        earliest = older_end.date() if older_end else None
        capacity: Decimal | None = value_of(schedule.capacity)
        return cls(
            schedule,
            instrument.venue,
            instrument.symbol,
            str(schedule.profile),
            instrument.underlying.asset,
            account,
            kind,
            day,
            earliest,
            iso_utc(schedule.observed_at),
            schedule.precision.earliest_text(schedule.observed_at),
            schedule.precision.kind.value,
            own,
            (
                *(account, kind, day, earliest, instrument.payoff, instrument.classification),
                *(schedule.meaning, schedule.not_trading),
                *(_unknown_reason(margin) for margin in (schedule.initial, schedule.maintenance)),
            ),
            (capacity, schedule.known_up_to, schedule.exclusion_reason),
        )


def _unknown_reason(margin: Observed[MarginFunction]) -> str:
    return margin.reason if isinstance(margin, Unknown) else ""


def underlying_terms(asset: str, rule: RuleSetLayout) -> tuple[Hashable, ...]:
    """Returns all that decides, of the underlying of a schedule, whether a rule set applies.

    Its name is part of it only where a reason states it.
    """
    rule_set, class_name = rule.applied.rule_set, rule.class_name(asset)
    requirement, scope = rule_set.requirement, rule_set.scope
    is_named = isinstance(requirement, ReferenceSchedule) and bool(requirement.class_of(asset))
    is_undetermined = tuple(asset in entry.underlyings for entry in scope.undetermined)
    is_in_reason = class_name is None or asset in scope.except_underlyings
    return class_name, is_named, is_undetermined, asset if is_in_reason else ""


def undecided(  # noqa: PLR0911 - one line per reason
    subject: Subject,
    rule: RuleSetLayout,
    margin_type: str,
    jurisdictions: Jurisdictions,
    *,
    has_other_meaning: bool,
) -> tuple[Verdict, str] | None:
    """Returns the verdict and reason if no comparison of margins can decide; None if one can.

    The contract does not trade, the rule set does not apply or prohibits the contract, or something
    is unknown.
    ``has_other_meaning``: the schedule's maintenance margin means something else than the rule
    set's.
    """
    schedule, rule_set = subject.schedule, rule.applied.rule_set
    reason = schedule.not_trading or out_of_scope(subject, rule_set.scope)
    if reason:
        return Verdict.NOT_APPLICABLE, reason
    jurisdiction = _outside_jurisdictions(subject.venue, rule_set, jurisdictions)
    if jurisdiction:
        return jurisdiction
    is_prohibition = isinstance(rule_set.requirement, Prohibition)
    is_unscored = has_other_meaning and schedule.meaning not in rule_set.across
    reason = (
        _unknown_class(subject, rule_set)
        or _undetermined(subject, rule_set)
        or _unknown_day(subject, rule_set)
    )
    if reason and (is_prohibition or not is_unscored):
        return Verdict.NOT_OBSERVABLE, reason
    if is_prohibition:
        return Verdict.PROHIBITED, f"{rule_set.id} prohibits the contract at any margin"
    if is_unscored:
        reason = f"a {schedule.meaning} is not scored against a {rule_set.meaning}"
        return Verdict.NOT_APPLICABLE, reason
    function = schedule.initial if margin_type == "initial" else schedule.maintenance
    if isinstance(function, Unknown):
        return Verdict.NOT_OBSERVABLE, function.reason
    if rule.class_name(subject.asset) is None:
        return Verdict.NOT_OBSERVABLE, (
            f"{subject.asset} is in no class list of {rule_set.id}; assigning a class requires price "
            "history and traded volume, which the archive does not contain"
        )
    return None


def _outside_jurisdictions(
    venue: str, rule_set: RuleSet, jurisdictions: Jurisdictions
) -> tuple[Verdict, str] | None:
    """Returns why the venue is outside the rule set's jurisdictions; None if it is inside one."""
    covered = rule_set.scope.jurisdictions
    if not covered:
        return None
    own = jurisdictions.get(venue)
    if own is None:
        reason = f"{JURISDICTION_UNKNOWN} {venue} unknown; add it to the configuration"
        return Verdict.NOT_OBSERVABLE, reason
    if not set(own) & set(covered):
        reason = f"{venue} is established in {', '.join(own)}, not {', '.join(covered)}"
        return Verdict.NOT_APPLICABLE, reason
    return None


def _unknown_class(subject: Subject, rule_set: RuleSet) -> str:
    """Returns why a rule set for crypto-assets may or may not apply; empty if that is known.

    A rule set that names the asset in one of its classes says itself that it applies.
    """
    underlying, requirement = subject.schedule.instrument.classification, rule_set.requirement
    if underlying.known or not rule_set.scope.crypto_only:
        return ""
    if isinstance(requirement, ReferenceSchedule) and requirement.class_of(subject.asset):
        return ""
    return f"{rule_set.id} is for crypto-assets, and the class is not known: {underlying}"


def _unknown_day(subject: Subject, rule_set: RuleSet) -> str:
    """Returns why it is not known whether the rule set was in force; empty if it was."""
    scope, earliest = rule_set.scope, subject.earliest_day
    if scope.since and (earliest is None or earliest < scope.since):
        return f"in force from {scope.since}; the schedule may have been observed before"
    if scope.until and subject.day > scope.until:
        return f"in force until {scope.until}; the schedule may have been observed after"
    return ""


def _undetermined(subject: Subject, rule_set: RuleSet) -> str:
    """Returns why no source states that the rule set applies; empty if it applies."""
    for entry in rule_set.scope.undetermined:
        if entry.contracts and subject.kind not in entry.contracts:
            continue
        if not entry.underlyings or subject.asset in entry.underlyings:
            return f"not known whether {rule_set.id} applies: {entry.reason}"
    return ""


def is_covered(schedule: MarginSchedule, scope: Scope) -> bool:
    """Whether the scope of a rule set includes a schedule, apart from jurisdictions and sizes."""
    instrument = schedule.instrument
    if scope.venues and instrument.venue not in scope.venues:
        return False
    if scope.underlyings and instrument.underlying.asset not in scope.underlyings:
        return False
    return not out_of_scope(Subject.with_functions(schedule, {}), scope)


def out_of_scope(subject: Subject, scope: Scope) -> str:  # noqa: PLR0911 - one line per reason
    """Returns why a rule set's scope excludes the schedule; empty if it includes the schedule."""
    underlying = subject.schedule.instrument.classification
    if scope.crypto_only and underlying.known and underlying.asset_class is not AssetClass.CRYPTO:
        return f"the underlying is no crypto-asset but {underlying}"
    if subject.asset in scope.except_underlyings:
        return f"the rule set does not cover contracts on {subject.asset}"
    if scope.contracts and subject.kind not in scope.contracts:
        return f"the contract is {subject.kind}, not {', '.join(scope.contracts)}"
    payoff, account, day = subject.schedule.instrument.payoff, subject.account, subject.day
    if scope.payoffs and payoff not in scope.payoffs:
        return f"the contract is {payoff.value}, not {', '.join(scope.payoffs)}"
    if scope.account_classes and account not in {"any", "classic", *scope.account_classes}:
        return f"the schedule is for {account} accounts, not {', '.join(scope.account_classes)}"
    if scope.since and day < scope.since:
        return f"in force from {scope.since}; the schedule was observed on {day}"
    if scope.until and subject.earliest_day and subject.earliest_day > scope.until:
        return f"in force until {scope.until}; the schedule was observed on {day}"
    return ""
