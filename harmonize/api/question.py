"""What a user asks: a selection to read and judge, and options of the answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, time
from datetime import date as Date  # noqa: N812 - `date` names arguments here
from enum import StrEnum
from pathlib import Path

from harmonize.arbitrage.rows import COST_OF_CAPITAL
from harmonize.archive.location import ArchiveLocation
from harmonize.audit.baseline import Baseline
from harmonize.comparison.representative import VenueUnderlying
from harmonize.core.notionals import NOTIONAL_GRID

CHART_NOTIONALS = tuple(10.0 ** (quarter / 4) for quarter in range(16, 33))
"""Notionals at which charts of a report need splits, in USD: four per decade, $10k to $100m."""

ADEQUACY_NOTIONALS = (1e4, 1e5, 1e6, 1e7)
"""Position sizes at which an audit tests margins against past prices, in USD."""


REPORT_NOTIONALS = (5e6,)
"""Further notionals that tables of a report list, in USD: a large position."""


class Fallback(StrEnum):
    """The archive that supplies a venue of which the named archive holds no snapshot."""

    NONE = "none"
    RECORDED = "recorded"


class Verification(StrEnum):
    """Whether a margin needs a verified source to be read as known."""

    OPTIONAL = "optional"
    REQUIRED = "required"


class WaiverPolicy(StrEnum):
    """Whether the waivers of the configuration apply."""

    APPLY = "apply"
    IGNORE = "ignore"


class HistoryScope(StrEnum):
    """The history in an answer: recent changes for the checks, or margin series as well."""

    CHANGES = "changes"
    SERIES = "series"


class AdequacyScope(StrEnum):
    """Whether an answer tests margins against past prices, which takes seconds."""

    NONE = "none"
    VERDICTS = "verdicts"


class StressScope(StrEnum):
    """Whether an answer simulates a fall, which takes a minute."""

    NONE = "none"
    SIMULATED = "simulated"


class ThresholdScope(StrEnum):
    """Whether an answer tests models of daily margin thresholds, which takes a minute."""

    NONE = "none"
    MODELS = "models"


@dataclass(frozen=True, slots=True)
class Selection:
    """What is read and judged. An empty selection of venues, underlyings or rules selects all.

    ``archive`` None is the recorded archive. ``as_of`` excludes later observations, and ages count
    back from it; a date includes its whole day. None excludes nothing, and ages count from the end
    of the day of the build: today, unless the environment variable SOURCE_DATE_EPOCH pins it.
    ``instruments``
    names the symbol that represents a venue on an underlying. ``notional_grid`` holds the notionals of the
    results, in USD.
    """

    archive: ArchiveLocation | None = None
    fallback: Fallback = Fallback.NONE
    venues: tuple[str, ...] = ()
    underlyings: tuple[str, ...] = ()
    profile: str = ""
    rules: tuple[str, ...] = ()
    as_of: Date | datetime | None = None
    instruments: Mapping[VenueUnderlying, str] = field(default_factory=dict)
    notional_grid: tuple[float, ...] = NOTIONAL_GRID
    verification: Verification = Verification.OPTIONAL

    @property
    def until(self) -> datetime | None:
        """Time of the last observation that is read, in UTC; None: no limit."""
        if self.as_of is None or isinstance(self.as_of, datetime):
            return self.as_of
        return datetime.combine(self.as_of, time.max, UTC)

    @property
    def last_read(self) -> datetime:
        """Time of the last observation that is read, in UTC; the end of time without a limit."""
        return self.until or datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """How a selection is judged and what the answer contains.

    ``cost_of_capital`` is an annual rate. ``chart_notionals`` are further notionals at which charts
    need splits, in USD, ``listed_notionals`` further ones at which the document has points but no
    findings. ``inputs`` is a file of measured inputs of rule sets, ``config`` a
    configuration file. With ``baseline`` the document has only new or worsened findings. Market data
    are read only if ``adequacy``, ``thresholds`` or ``stress`` requests it.
    """

    stale_after_days: float = 30.0
    cost_of_capital: float = COST_OF_CAPITAL
    chart_notionals: tuple[float, ...] = ()
    listed_notionals: tuple[float, ...] = ()
    inputs: Path | None = None
    config: Path | None = None
    waivers: WaiverPolicy = WaiverPolicy.APPLY
    baseline: Baseline | None = None
    history: HistoryScope = HistoryScope.CHANGES
    adequacy: AdequacyScope = AdequacyScope.NONE
    stress: StressScope = StressScope.NONE
    thresholds: ThresholdScope = ThresholdScope.NONE


@dataclass(frozen=True, slots=True)
class Question(Selection):
    """A selection with the options of its answer."""

    options: AnswerOptions = field(default_factory=AnswerOptions)

    @classmethod
    def of(cls, selection: Selection, options: AnswerOptions) -> "Question":
        """Returns the question about a selection."""
        values = {entry.name: getattr(selection, entry.name) for entry in fields(Selection)}
        return cls(**values, options=options)

    def for_report(self) -> "Question":
        """Returns the question with what charts of a report need: further sizes, margin series."""
        grid = self.notional_grid
        options = replace(
            self.options,
            chart_notionals=CHART_NOTIONALS,
            listed_notionals=tuple(x for x in REPORT_NOTIONALS if min(grid) < x < max(grid)),
            history=HistoryScope.SERIES,
        )
        return replace(self, options=options)
