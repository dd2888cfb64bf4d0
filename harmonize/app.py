"""The Python interface of version 0.4, for its users: deprecated in favour of ``harmonize.api``."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date as Date  # noqa: N812 - `date` names arguments here
from datetime import datetime
from pathlib import Path

from harmonize.api import audit
from harmonize.api.audit import (
    Answer,
    NotObservedError,
    age_today,
    frame,
    load_rule_sets,
    tool,
)
from harmonize.api.question import (
    CHART_NOTIONALS,
    AnswerOptions,
    Fallback,
    HistoryScope,
    Selection,
    Verification,
    WaiverPolicy,
)
from harmonize.api.question import Question as Asked
from harmonize.arbitrage.rows import COST_OF_CAPITAL
from harmonize.archive import location
from harmonize.archive.archive import Archive
from harmonize.archive.location import ArchiveLocation
from harmonize.archive.source import Source
from harmonize.audit.assemble import Reading
from harmonize.audit.baseline import Baseline
from harmonize.core.notionals import NOTIONAL_GRID
from harmonize.core.payload import Payload
from harmonize.core.schedule import MarginSchedule

__all__ = [
    "PICTURED_SIZES",
    "RECORDED",
    "Answer",
    "AskedError",
    "Chosen",
    "NotObservedError",
    "Question",
    "age_today",
    "answer",
    "configured",
    "find_schedule",
    "frame",
    "missing",
    "observed_days",
    "opened",
    "read",
    "recorded",
    "rule_sets_of",
    "sources_of",
    "tool",
]

warnings.warn(
    "harmonize.app is deprecated: import from harmonize.api.audit, and what concerns the recorded "
    "archive from harmonize.archive.location",
    DeprecationWarning,
    stacklevel=2,
)

PICTURED_SIZES = CHART_NOTIONALS
AskedError = audit.RequestError
Chosen = audit.Configuration
RECORDED = location.RECORDED_ARCHIVE_NAME
recorded = location.recorded_archive
rule_sets_of = load_rule_sets


@dataclass(frozen=True, slots=True)
class Question:
    """A question in the form of 0.4: all options flat, switches as booleans.

    ``harmonize.api.question`` states the meaning of each, in ``Selection`` and ``AnswerOptions``.
    """

    archive: ArchiveLocation | None = None
    venues: tuple[str, ...] = ()
    underlyings: tuple[str, ...] = ()
    profile: str = ""
    rules: tuple[str, ...] = ()
    as_of: Date | None = None
    moment: datetime | None = None
    stale_after_days: float = 30.0
    ladder: tuple[float, ...] = NOTIONAL_GRID
    instruments: Mapping[tuple[str, str], str] = field(default_factory=dict)
    else_recorded: bool = False
    strict: bool = False
    inputs: Path | None = None
    config: Path | None = None
    waived: bool = True
    baseline: Baseline | None = None
    hurdle: float = COST_OF_CAPITAL
    sizes: tuple[float, ...] = ()
    history: bool = False
    past: bool = False

    def __post_init__(self) -> None:
        warnings.warn(
            "harmonize.app.Question is deprecated: use harmonize.api.audit.Question, with "
            "as_of for moment, fallback=Fallback.RECORDED for else_recorded, "
            "verification=Verification.REQUIRED for strict, and options=AnswerOptions(...) for "
            "stale_after_days, inputs, config, baseline, waivers (waived), cost_of_capital (hurdle), "
            "chart_notionals (sizes) and history (past)",
            DeprecationWarning,
            stacklevel=3,
        )


def _selection(question: Question) -> Selection:
    return Selection(
        archive=question.archive,
        fallback=Fallback.RECORDED if question.else_recorded else Fallback.NONE,
        venues=question.venues,
        underlyings=question.underlyings,
        profile=question.profile,
        rules=question.rules,
        as_of=question.moment or question.as_of,
        instruments=question.instruments,
        notional_grid=question.ladder,
        verification=Verification.REQUIRED if question.strict else Verification.OPTIONAL,
    )


def _options(question: Question) -> AnswerOptions:
    return AnswerOptions(
        stale_after_days=question.stale_after_days,
        cost_of_capital=question.hurdle,
        chart_notionals=question.sizes,
        inputs=question.inputs,
        config=question.config,
        waivers=WaiverPolicy.APPLY if question.waived else WaiverPolicy.IGNORE,
        baseline=question.baseline,
        history=HistoryScope.SERIES if question.past else HistoryScope.CHANGES,
    )


def answer(question: Question) -> Answer:
    """Returns ``harmonize.api.audit.answer`` to a question of 0.4."""
    return audit.answer(Asked.of(_selection(question), _options(question)))


def configured(question: Question) -> Chosen:
    """Returns ``harmonize.api.audit.read_configuration`` of the question's configuration."""
    return audit.read_configuration(question.config)


def read(question: Question) -> tuple[Reading, datetime]:
    """Returns ``harmonize.api.audit.read``, or ``read_with_history`` where that is requested."""
    reader = audit.read_with_history if question.history else audit.read
    return reader(_selection(question))


def observed_days(question: Question) -> tuple[Date, ...]:
    """Returns ``harmonize.api.audit.observation_days`` of a question of 0.4."""
    return audit.observation_days(_selection(question))


def opened(question: Question) -> Archive:
    """Returns ``harmonize.api.audit.open_archive`` of a question of 0.4."""
    return audit.open_archive(_selection(question))


def sources_of(question: Question, path: Path) -> list[Source]:
    """Returns ``harmonize.api.audit.open_sources`` of a question of 0.4."""
    return audit.open_sources(_selection(question), path)


def find_schedule(
    question: Question, symbol: str
) -> tuple[MarginSchedule, tuple[str, ...], dict[str, Payload]]:
    """Returns ``harmonize.api.audit.find_schedule`` of a question of 0.4."""
    return audit.find_schedule(_selection(question), symbol)


def missing(question: Question, reading: Reading) -> tuple[str, ...]:
    """Returns ``harmonize.api.audit.missing`` of a question of 0.4."""
    return audit.missing(_selection(question), reading)
