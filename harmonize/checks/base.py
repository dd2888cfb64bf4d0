"""What checks are given: schedules, how they stand to the rule sets, and what could not be read."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from harmonize.comparison.layout import Rule
from harmonize.core.payload import Defect, Snapshot, Unobserved
from harmonize.core.schedule import MarginSchedule
from harmonize.document import (
    ArbitrageRow,
    Comparison,
    DivergenceRow,
    Finding,
    Index,
    Interval,
    Level,
    Spread,
    Verdict,
    WaiverRow,
)
from harmonize.document.rows import SnapshotAge
from harmonize.history.recent import RecentHistory
from harmonize.numerics.deviation import Deviation
from harmonize.text.messages import dollars, moment


@dataclass(frozen=True, slots=True)
class AuditContext:
    """Everything an audit knows before it concludes.

    ``internal[k]`` is how MM of schedule k stands to its own IM; None where either is unknown.
    ``options`` are those of the check that asks.
    """

    schedules: tuple[MarginSchedule, ...]
    internal: tuple[Deviation | None, ...]
    divergences: tuple[DivergenceRow, ...]
    rules: tuple[Rule, ...]
    defects: tuple[Defect, ...]
    seen: tuple[SnapshotAge, ...]
    snapshots: tuple[Snapshot, ...]
    as_of: datetime
    stale_after_days: float
    unobserved: tuple[Unobserved, ...] = ()
    waivers: tuple[WaiverRow, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    gaps: tuple[Spread, ...] = ()
    arbitrages: tuple[ArbitrageRow, ...] = ()
    indices: tuple[Index, ...] = ()
    lately: RecentHistory = field(default_factory=RecentHistory)
    options: Mapping[str, float] = field(default_factory=dict)

    def by_venue(self) -> dict[str, list[MarginSchedule]]:
        """The schedules of each venue."""
        found: dict[str, list[MarginSchedule]] = {}
        for one in self.schedules:
            found.setdefault(one.instrument.venue, []).append(one)
        return found


class Draft(NamedTuple):
    """A finding before it carries its check's code, and the fingerprint that follows from both.

    ``subject`` tells findings apart that agree in all else; no document shows it.
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
    divergence: float | None = None
    observed_at: str = ""
    figure: str = ""
    verified: str = ""
    remedy: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """A threshold of a check that the configuration can set: its default, unit and meaning."""

    name: str
    default: float
    unit: str
    means: str


@dataclass(frozen=True, slots=True)
class Check:
    """One question with a stable code; the docstring of ``run`` is its page.

    ``status`` is ``stable``, or ``preview`` where the question may still change.
    """

    code: str
    name: str
    run: Callable[[AuditContext], Iterator[Draft]]
    options: tuple[Option, ...] = ()
    status: str = "stable"

    def findings(
        self, examined: AuditContext, options: Mapping[str, float] | None = None
    ) -> Iterator[Finding]:
        """Answer the question for everything that was examined, with the options given."""
        chosen = {one.name: one.default for one in self.options} | dict(options or {})
        for draft in self.run(replace(examined, options=chosen)):
            yield Finding(
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
                deviation=draft.divergence,
                observed_at=draft.observed_at,
                fingerprint=fingerprint(self.code, draft),
                margin_type=draft.figure,
                verified=draft.verified,
                remedy=draft.remedy,
            )


def fingerprint(code: str, draft: Draft) -> str:
    """Name a finding by what it is about, and by no figure, wording or order.

    The same question about the same schedule and rule set has the same fingerprint in every audit
    and every version. What is published is asked whatever rule set expects it.
    """
    identity = [
        code,
        draft.venue,
        draft.symbol,
        draft.profile,
        "" if code.startswith("MH2") else draft.rule_set,
        draft.figure,
    ]
    identity += [draft.subject] * bool(draft.subject)
    return sha256("\n".join(identity).encode()).hexdigest()[:16]


def about(schedule: MarginSchedule, draft: Draft) -> Draft:
    """Fill in whose schedule a draft is about."""
    return draft._replace(
        venue=schedule.instrument.venue,
        symbol=schedule.instrument.symbol,
        profile=str(schedule.profile),
        underlying=schedule.instrument.underlying.asset,
        observed_at=moment(schedule.observed_at),
    )


def ranges_text(ranges: Iterable[Interval]) -> str:
    """Write ranges of notional for a message; of more than three, the first two and the last."""
    said = [
        f"{dollars(one.lower)} and above"
        if one.upper is None
        else f"{dollars(one.lower)} to {dollars(one.upper)}"
        for one in ranges
    ]
    if len(said) > 3:  # noqa: PLR2004 - as said
        said = [*said[:2], f"{len(said) - 3} more", said[-1]]
    return ", ".join(said)
