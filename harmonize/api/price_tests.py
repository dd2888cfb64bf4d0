"""What an audit takes from past prices, as far as a question requests it."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from datetime import datetime
from typing import TypeVar

from harmonize.api.errors import RequestError
from harmonize.api.question import AdequacyScope, Question, StressScope, ThresholdScope
from harmonize.archive.archive import ArchiveError
from harmonize.audit.assemble import PriceTests, Reading
from harmonize.document import (
    AdequacySection,
    StressOmittedRow,
    StressRow,
    ThresholdSection,
)
from harmonize.policy.rule_set import RuleSet

Part = TypeVar("Part")

Simulated = tuple[tuple[StressRow, ...], tuple[StressOmittedRow, ...]]
"""Rows of stress, and the underlyings for which none is simulated."""

Absent = tuple[str, ...]
"""What was requested and not observed, a line each."""


def price_tests(  # noqa: PLR0913 - the parts of an audit
    question: Question,
    reading: Reading,
    rule_sets: Sequence[RuleSet],
    as_of: datetime,
    executor: Executor | None = None,
    *,
    isolates_errors: bool = False,
) -> tuple[PriceTests, Absent]:
    """Returns tests of margins, daily thresholds and stress, and what could not be tested.

    Work on thresholds is shared by an executor; None: this process alone. A part that the question does
    not request is empty, and its code is not imported. With ``isolates_errors``, a part whose calculation
    fails is empty as well, and a line states the reason: it never hides the margins, nor another part.
    Otherwise its error is raised, such as RequestError for input that cannot be simulated.
    """
    adequacy, unread = _calculated(
        "adequacy",
        lambda: _adequacy(question, reading, as_of),
        AdequacySection(),
        isolates_errors=isolates_errors,
    )
    thresholds, untested = _calculated(
        "thresholds",
        lambda: _thresholds(question, reading, executor),
        ThresholdSection(),
        isolates_errors=isolates_errors,
    )
    none_simulated: Simulated = ((), ())
    (stress, omitted), unsimulated = _calculated(
        "stress",
        lambda: _stress(question, reading, rule_sets, as_of),
        none_simulated,
        isolates_errors=isolates_errors,
    )
    tests = PriceTests(adequacy, thresholds, stress, omitted)
    return tests, (*unread, *untested, *unsimulated)


def _calculated(
    name: str, work: Callable[[], tuple[Part, Absent]], empty: Part, *, isolates_errors: bool
) -> tuple[Part, Absent]:
    """Returns a part and what is missing of it; of one that fails, ``empty`` and the reason."""
    try:
        return work()
    except Exception as error:
        if not isolates_errors:
            raise
        return empty, (f"{name}: not calculated: {_reason(error)}",)


def _reason(error: Exception) -> str:
    """Returns an error as one line; one that no calculation expects is named by its kind."""
    if isinstance(error, RequestError | ArchiveError):
        return str(error)
    return " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")


def _adequacy(
    question: Question, reading: Reading, as_of: datetime
) -> tuple[AdequacySection, Absent]:
    if question.options.adequacy is AdequacyScope.NONE:
        return AdequacySection(), ()
    from harmonize.api.adequacy_rows import audited_adequacy  # noqa: PLC0415 - market data are heavy

    return audited_adequacy(question, reading, as_of)


def _thresholds(
    question: Question, reading: Reading, executor: Executor | None
) -> tuple[ThresholdSection, Absent]:
    if question.options.thresholds is ThresholdScope.NONE:
        return ThresholdSection(), ()
    from harmonize.api.threshold_rows import audited_thresholds  # noqa: PLC0415 - as above

    return audited_thresholds(question, reading, executor)


def _stress(
    question: Question, reading: Reading, rule_sets: Sequence[RuleSet], as_of: datetime
) -> tuple[Simulated, Absent]:
    if question.options.stress is StressScope.NONE:
        return ((), ()), ()
    from harmonize.api.stress_document import audited_stress  # noqa: PLC0415 - as above

    rows, omitted, unsimulated = audited_stress(question, reading, rule_sets, as_of)
    return (rows, omitted), unsimulated
