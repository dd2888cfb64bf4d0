"""What checks are given: schedules, how they stand to the rule sets, and what could not be read."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from harmonize.document import DivergenceRow, Finding, Interval, Level, Verdict
from harmonize.payload import Defect, Unobserved
from harmonize.requirement import RuleSet
from harmonize.schedule import MarginSchedule
from harmonize.standing import HORIZON, Range, Standing


@dataclass(frozen=True, slots=True)
class Seen:
    """A snapshot of one venue: when it was observed, and whether that is too long ago."""

    venue: str
    observed_at: datetime
    age_days: float
    stale: bool


@dataclass(frozen=True, slots=True)
class Examined:
    """Everything an audit knows before it concludes.

    ``internal[k]`` is how MM of schedule k stands to its own IM; None where either is unknown.
    """

    schedules: tuple[MarginSchedule, ...]
    internal: tuple[Standing | None, ...]
    divergences: tuple[DivergenceRow, ...]
    rule_sets: tuple[RuleSet, ...]
    defects: tuple[Defect, ...]
    seen: tuple[Seen, ...]
    stale_after_days: float
    unobserved: tuple[Unobserved, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A finding before it carries its check's code, and the fingerprint that follows from both."""

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


@dataclass(frozen=True, slots=True)
class Check:
    """One question with a stable code; the docstring of ``run`` is its page."""

    code: str
    name: str
    run: Callable[[Examined], Iterator[Draft]]

    def findings(self, examined: Examined) -> Iterator[Finding]:
        """Answer the question for everything that was examined."""
        for draft in self.run(examined):
            identity = (
                self.code,
                draft.venue,
                draft.symbol,
                draft.profile,
                draft.rule_set,
                draft.figure,
            )
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
                divergence=draft.divergence,
                observed_at=draft.observed_at,
                figure=draft.figure,
                fingerprint=sha256("\n".join(identity).encode()).hexdigest()[:16],
            )


def about(schedule: MarginSchedule, draft: Draft) -> Draft:
    """Fill in whose schedule a draft is about."""
    return replace(
        draft,
        venue=schedule.instrument.venue,
        symbol=schedule.instrument.symbol,
        profile=str(schedule.profile),
        underlying=schedule.instrument.underlying.asset,
        observed_at=moment(schedule.observed_at),
    )


def intervals(ranges: Iterable[Range]) -> tuple[Interval, ...]:
    """Write ranges as the document does: one that reaches the horizon is open-ended."""
    return tuple(Interval(lower, None if upper >= HORIZON else upper) for lower, upper in ranges)


@lru_cache(maxsize=4096)
def moment(time: datetime) -> str:
    """Write a time as the document does: ISO 8601, UTC, to the second."""
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def percent(rate: float) -> str:
    """Write a rate for a message: 0.004 is 0.4 %."""
    return f"{rate * 100:.4g} %"


def dollars(amount: float) -> str:
    """Write an amount for a message: whole dollars with thousands parted."""
    return f"${amount:,.0f}"
