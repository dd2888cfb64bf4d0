"""Common parts of all checks: their input, their drafts of findings, options and fingerprints."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType
from typing import NamedTuple

from harmonize.comparison.layout import RuleSetLayout
from harmonize.core.payload import Defect, Remark, Snapshot, Unobserved, reason_of
from harmonize.core.schedule import MarginSchedule
from harmonize.document import (
    AdequacySection,
    ArbitrageRow,
    Comparison,
    DivergenceRow,
    Finding,
    Index,
    Interval,
    Level,
    Spread,
    StressRow,
    ThresholdSection,
    Verdict,
    WaiverRow,
)
from harmonize.document.rows import SnapshotAge
from harmonize.history.recent import RecentHistory, ScheduleKey
from harmonize.numerics.deviation import Deviation
from harmonize.text.messages import dollars, iso_utc

ABBREVIATIONS: Mapping[str, str] = MappingProxyType({"initial": "IM", "maintenance": "MM"})
"""Abbreviation of each margin type in messages."""


@dataclass(frozen=True, slots=True)
class AuditContext:
    """Input of all checks: schedules, comparisons and data quality of one audit.

    ``internal[k]`` is the deviation of the MM of schedule k from its own IM; None where either is
    unknown. ``options`` are those of the check that runs.
    """

    schedules: tuple[MarginSchedule, ...]
    maintenance_deviations: tuple[Deviation | None, ...]
    divergences: tuple[DivergenceRow, ...]
    rules: tuple[RuleSetLayout, ...]
    defects: tuple[Defect, ...]
    snapshot_ages: tuple[SnapshotAge, ...]
    snapshots: tuple[Snapshot, ...]
    as_of: datetime
    stale_after_days: float
    unobserved: tuple[Unobserved, ...] = ()
    waivers: tuple[WaiverRow, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    spreads: tuple[Spread, ...] = ()
    arbitrages: tuple[ArbitrageRow, ...] = ()
    indices: tuple[Index, ...] = ()
    recent_history: RecentHistory = field(default_factory=RecentHistory)
    options: Mapping[str, float] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()
    adequacy: AdequacySection = field(default_factory=AdequacySection)
    stress: tuple[StressRow, ...] = ()
    thresholds: ThresholdSection = field(default_factory=ThresholdSection)

    def only(self, keys: Collection[ScheduleKey]) -> "AuditContext":
        """Returns the context with the schedules of these keys, and what was found on each."""
        pairs = [
            (schedule, deviation)
            for schedule, deviation in zip(self.schedules, self.maintenance_deviations, strict=True)
            if schedule.key in keys
        ]
        return replace(
            self,
            schedules=tuple(schedule for schedule, _ in pairs),
            maintenance_deviations=tuple(deviation for _, deviation in pairs),
            divergences=tuple(
                row for row in self.divergences if (row.venue, row.symbol, row.profile) in keys
            ),
            adequacy=self.adequacy.only(keys),
            stress=tuple(row.only(keys) for row in self.stress),
        )

    def trading(self) -> "AuditContext":
        """Returns the context without contracts that do not trade, and without their changes."""
        keys = {schedule.key for schedule in self.schedules if not schedule.not_trading}
        if len(keys) == len(self.schedules):
            return self
        return replace(self.only(keys), recent_history=self.recent_history.of_schedules(keys))

    def by_venue(self) -> dict[str, list[MarginSchedule]]:
        """Returns the schedules of each venue."""
        schedules: dict[str, list[MarginSchedule]] = {}
        for schedule in self.schedules:
            schedules.setdefault(schedule.instrument.venue, []).append(schedule)
        return schedules


class Draft(NamedTuple):
    """Finding without the code and name of its check, and without a fingerprint.

    ``subject`` distinguishes findings that agree in all other parts of the fingerprint. It is not
    part of the audit document.
    """

    verdict: Verdict
    level: Level
    venue: str
    message: str
    symbol: str = ""
    profile: str = ""
    underlying: str = ""
    rule_set: str = ""
    intervals: tuple[Interval, ...] = ()
    notional: float | None = None
    observed: float | None = None
    required: float | None = None
    deviation: float | None = None
    observed_at: str = ""
    margin_type: str = ""
    verified: str = ""
    remedy: str = ""
    subject: str = ""
    observed_from: str = ""
    date_kind: str = "exact"


@dataclass(frozen=True, slots=True)
class Option:
    """Threshold of a check that the configuration can set."""

    name: str
    default: float
    unit: str
    description: str


@dataclass(frozen=True, slots=True)
class Check:
    """One check with a stable code. The docstring of ``run`` is its public page.

    ``status`` is ``stable``, or ``preview`` if the definition of the check may still change.
    """

    code: str
    name: str
    run: Callable[[AuditContext], Iterator[Draft]]
    options: tuple[Option, ...] = ()
    status: str = "stable"

    @property
    def is_on_data_quality(self) -> bool:
        """Whether the check is on what was read, whether or not the contract trades."""
        return self.code.startswith("MH9")

    def evaluate(
        self, context: AuditContext, options: Mapping[str, float] | None = None
    ) -> "CheckResult":
        """Returns findings, and a defect per schedule that this check cannot evaluate.

        ``options`` override the defaults of the check.
        A schedule on which the check fails never hides the findings on the others. A failure that
        no single schedule causes is a defect without a venue.
        """
        effective = {option.name: option.default for option in self.options} | dict(options or {})
        context = replace(context, options=effective)
        try:
            return CheckResult(self._run(context), ())
        except Exception as error:  # noqa: BLE001 - see above
            return self._evaluate_apart(context, error)

    def _evaluate_apart(self, context: AuditContext, error: Exception) -> "CheckResult":
        """Findings on the schedules that the check can evaluate, found by running it on each."""
        where = f"check {self.code}"
        defects = []
        evaluated: set[ScheduleKey] = set()
        for schedule in context.schedules:
            try:
                self._run(context.only({schedule.key}))
                evaluated.add(schedule.key)
            except Exception as own_error:  # noqa: BLE001 - as in evaluate
                venue, symbol, _ = schedule.key
                reason = f"{schedule.profile}: {reason_of(own_error)}"
                defects.append(Defect(venue, where, reason, symbol))
        try:
            findings = self._run(context.only(evaluated))
        except Exception:  # noqa: BLE001 - as in evaluate
            return CheckResult((), (Defect("", where, reason_of(error)),))
        return CheckResult(findings, tuple(defects))

    def _run(self, context: AuditContext) -> tuple[Finding, ...]:
        return tuple(self._finding(draft) for draft in self.run(context))

    def _finding(self, draft: Draft) -> Finding:
        return Finding(
            code=self.code,
            name=self.name,
            verdict=draft.verdict,
            level=draft.level,
            venue=draft.venue,
            symbol=draft.symbol,
            profile=draft.profile,
            underlying=draft.underlying,
            rule_set=draft.rule_set,
            message=draft.message,
            intervals=draft.intervals,
            notional=draft.notional,
            observed=draft.observed,
            required=draft.required,
            deviation=draft.deviation,
            observed_at=draft.observed_at,
            fingerprint=fingerprint(self.code, draft),
            margin_type=draft.margin_type,
            verified=draft.verified,
            remedy=draft.remedy,
            observed_from=draft.observed_from,
            date_kind=draft.date_kind,
        )


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Findings of one check, and the schedules that it cannot evaluate."""

    findings: tuple[Finding, ...]
    defects: tuple[Defect, ...]


def fingerprint(code: str, draft: Draft) -> str:
    """Returns the identifier of a finding, independent of numbers, wording, names and order.

    Findings of one check on the same schedule and rule set have the same fingerprint in every
    audit and version. Disclosure checks (MH2xx) ignore the rule set that expects the disclosure.
    """
    identity = [
        code,
        draft.venue,
        draft.symbol,
        draft.profile,
        "" if code.startswith("MH2") else draft.rule_set,
        draft.margin_type,
    ]
    identity += [draft.subject] * bool(draft.subject)
    return sha256("\n".join(identity).encode()).hexdigest()[:16]


def for_schedule(schedule: MarginSchedule, draft: Draft) -> Draft:
    """Returns a draft with the venue, symbol, profile and underlying of a schedule."""
    return draft._replace(
        venue=schedule.instrument.venue,
        symbol=schedule.instrument.symbol,
        profile=str(schedule.profile),
        underlying=schedule.instrument.underlying.asset,
        observed_at=iso_utc(schedule.observed_at),
        observed_from=schedule.precision.earliest_text(schedule.observed_at),
        date_kind=schedule.precision.kind.value,
    )


def ranges_text(ranges: Iterable[Interval]) -> str:
    """Returns ranges of notional for a message; of more than three, the first two and the last."""
    texts = [
        f"{dollars(interval.lower)} and above"
        if interval.upper is None
        else f"{dollars(interval.lower)} to {dollars(interval.upper)}"
        for interval in ranges
    ]
    if len(texts) > 3:  # noqa: PLR2004 - the first two, the number of others, the last
        texts = [*texts[:2], f"{len(texts) - 3} more", texts[-1]]
    return ", ".join(texts)


def first_names(names: Sequence[str], limit: int) -> str:
    """Returns the first names of a list for a message, and the number of the others."""
    others = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return f"{', '.join(names[:limit])}{others}"
