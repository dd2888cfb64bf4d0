"""The Python interface for analysts: an audit as a value with tables, comparisons and charts.

``import harmonize as hz`` offers ``hz.audit`` and ``hz.compare``. Every error is one line that states
the problem and the fix.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date as Date  # noqa: N812 - `date` names arguments here
from typing import TYPE_CHECKING, Generic, TypeVar, overload

from harmonize.api.audit import Answer, NotObservedError, Question, RequestError, answer
from harmonize.api.compare import VenueComparison, compare_venues
from harmonize.api.html_table import MAX_ROWS, html_table
from harmonize.api.named_arguments import in_words
from harmonize.api.question import AnswerOptions, Selection
from harmonize.archive.location import ArchiveLocation, parse_location
from harmonize.document import (
    AuditDocument,
    CoverageRow,
    DivergenceRow,
    Finding,
    Level,
    ScheduleRow,
)
from harmonize.text.messages import counted
from harmonize.text.suggest import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from harmonize.api.margin_figure import MarginFigure

T = TypeVar("T")

Names = str | Sequence[str]
"""One name or several."""

_DEFAULT_SIZE = "1m"

__all__ = ["Audit", "NotObservedError", "RequestError", "Rows", "audit", "compare"]


@dataclass(frozen=True, slots=True)
class Rows(Sequence[T], Generic[T]):
    """Rows of an audit document: a sequence that converts to a data frame and shows as a table."""

    name: str
    rows: tuple[T, ...]
    shown: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self.rows[index]

    def __iter__(self) -> Iterator[T]:
        return iter(self.rows)

    def __repr__(self) -> str:
        """Returns the number of rows, not the rows."""
        return f"<{len(self.rows):,} {self.name}>"

    def to_pandas(self) -> "pd.DataFrame":
        """Returns a data frame with a column per field of the rows."""
        import pandas as pd  # noqa: PLC0415 - heavy, and only notebooks need it

        return pd.DataFrame(list(self.rows))

    def _repr_html_(self) -> str:
        """Returns the first rows as a table for a notebook."""
        rows = [[_cell(getattr(row, name)) for name in self.shown] for row in self.rows[:MAX_ROWS]]
        return html_table(f"{len(self.rows):,} {self.name}", self.shown, rows, len(self.rows))


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Audit:
    """One audit: its document, and comparisons and charts of what it read.

    ``missing`` states what was requested and not observed, ``notes`` names that were read as others.
    """

    question: Question
    answer: Answer

    @property
    def document(self) -> AuditDocument:
        """The whole audit document."""
        return self.answer.document

    @property
    def missing(self) -> tuple[str, ...]:
        """What was requested and not observed, one line each."""
        return self.answer.missing

    @property
    def notes(self) -> tuple[str, ...]:
        """Names that were read as others, one line each."""
        return self.answer.notes

    @property
    def findings(self) -> Rows[Finding]:
        """The findings, most severe first."""
        shown = ("level", "code", "venue", "symbol", "rule_set", "verdict", "message")
        return Rows("findings", self.document.findings, shown)

    @property
    def schedules(self) -> Rows[ScheduleRow]:
        """The margin schedules that were read."""
        shown = ("venue", "symbol", "profile", "underlying", "initial_status", "observed_at")
        return Rows("schedules", self.document.schedules, shown)

    @property
    def divergences(self) -> Rows[DivergenceRow]:
        """The verdict of every rule set on every schedule."""
        shown = ("venue", "symbol", "rule_set", "margin_type", "verdict", "observed", "required")
        return Rows("divergences", self.document.divergences, shown)

    @property
    def coverage(self) -> Rows[CoverageRow]:
        """What was observed per venue and underlying."""
        shown = tuple(entry.name for entry in fields(CoverageRow))[:6]
        return Rows("coverage", self.document.coverage, shown)

    @in_words
    def compare(
        self,
        underlying: str,
        notional: float | str = _DEFAULT_SIZE,
        margin_type: str = "initial",
        *,
        rules: Names = (),
    ) -> VenueComparison:
        """Ranks the venues on an underlying by margin for a position, as ``harmonize compare``.

        ``notional`` is in USD, as a number or such as ``"5m"``. Without ``rules``, those of the
        audit apply if it names any. Raises RequestError, NotObservedError: the line states the fix.
        """
        question = replace(self.question, rules=_names(rules) or self.question.rules)
        return compare_venues(question, underlying, notional, margin_type)

    @in_words
    def plot(self, underlying: str, margin_type: str = "initial") -> "MarginFigure":
        """Draws the margin rate by notional of every venue compared on an underlying.

        Returns a matplotlib figure. Raises RequestError, NotObservedError: no venue has one.
        """
        if margin_type not in {"initial", "maintenance"}:
            message = f"margin type: expected initial or maintenance, found {margin_type!r}"
            raise RequestError(message)
        schedules = _compared(self.document, underlying)
        if not any(getattr(row, margin_type) for row in schedules):
            names = {row.underlying for row in self.document.comparisons}
            fix = did_you_mean(underlying, names - {underlying}, "audit more venues")
            message = f"no venue has a known {margin_type} margin on {underlying}{fix}"
            raise NotObservedError(message)
        from harmonize.api.margin_figure import margin_figure  # noqa: PLC0415 - matplotlib is heavy

        return margin_figure(schedules, margin_type, self.document.as_of)

    def __repr__(self) -> str:
        """Returns what was read and found in one line."""
        return f"<Audit {self._summary()}>"

    def _summary(self) -> str:
        tally = Counter(finding.level for finding in self.document.findings)
        levels = ", ".join(f"{tally[level]:,} {level.value}" for level in Level)
        return (
            f"as of {self.document.as_of[:10]}: {counted(len(self.document.schedules), 'schedule')}, "
            f"{counted(len(self.document.findings), 'finding')} ({levels})"
        )

    def _repr_html_(self) -> str:
        """Returns a summary and the number of findings per check for a notebook."""
        tally = Counter((x.code, x.name, x.rule_set) for x in self.document.findings)
        rows = [(*cause, f"{number:,}") for cause, number in tally.most_common()]
        return html_table(self._summary(), ("code", "check", "rule set", "findings"), rows)


def _compared(document: AuditDocument, underlying: str) -> list[ScheduleRow]:
    """Returns the schedules that represent their venues on an underlying, without excluded ones."""
    groups = {row.underlying.casefold(): row for row in document.comparisons}
    group = groups.get(underlying.casefold())
    members = group.members if group else ()
    keys = {(x.venue, x.symbol, x.profile) for x in members if x.included}
    return [row for row in document.schedules if (row.venue, row.symbol, row.profile) in keys]


@in_words
def audit(  # noqa: PLR0913 - the selection of an audit, all of it optional
    *,
    archive: ArchiveLocation | None = None,
    venues: Names = (),
    underlyings: Names = (),
    rules: Names = (),
    profile: str = "",
    as_of: Date | str | None = None,
    options: AnswerOptions | None = None,
) -> Audit:
    """Audits the recorded archive, or the one at ``archive``, a folder or a URL.

    Names select venues, underlyings and rule sets, one or several; without names, all. ``as_of``
    excludes later observations, as a date or ``"2026-08-01"``. Raises RequestError, ArchiveError,
    RuleError: one line with the problem and the fix.
    """
    selection = Selection(
        archive=parse_location(archive) if isinstance(archive, str) else archive,
        venues=_names(venues),
        underlyings=_names(underlyings),
        rules=_names(rules),
        profile=profile,
        as_of=_day(as_of),
    )
    question = Question.of(selection, options or AnswerOptions())
    return Audit(question, answer(question))


@in_words
def compare(  # noqa: PLR0913 - as audit
    underlying: str,
    notional: float | str = _DEFAULT_SIZE,
    margin_type: str = "initial",
    *,
    archive: ArchiveLocation | None = None,
    venues: Names = (),
    rules: Names = (),
    as_of: Date | str | None = None,
) -> VenueComparison:
    """Ranks the venues on an underlying by margin for a position, without a whole audit.

    Arguments and errors as those of ``Audit.compare`` and ``audit``.
    """
    selection = Selection(
        archive=parse_location(archive) if isinstance(archive, str) else archive,
        venues=_names(venues),
        rules=_names(rules),
        as_of=_day(as_of),
    )
    question = Question.of(selection, AnswerOptions())
    return compare_venues(question, underlying, notional, margin_type)


def _names(names: Names) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _day(day: Date | str | None) -> Date | None:
    """Returns a day. Raises RequestError: the text is none."""
    if not isinstance(day, str):
        return day
    try:
        return Date.fromisoformat(day)
    except ValueError:
        message = f"as_of: expected a date such as 2026-08-01, found {day!r}"
        raise RequestError(message) from None
