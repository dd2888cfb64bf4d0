"""What an audit takes from past prices, as far as a question requests it."""

from collections.abc import Sequence
from concurrent.futures import Executor
from datetime import datetime

from harmonize.api.question import AdequacyScope, Question, StressScope, ThresholdScope
from harmonize.audit.assemble import PriceTests, Reading
from harmonize.document import (
    AdequacySection,
    StressOmittedRow,
    StressRow,
    ThresholdSection,
)
from harmonize.policy.rule_set import RuleSet

Absent = tuple[str, ...]
"""What was requested and not observed, a line each."""


def price_tests(
    question: Question,
    reading: Reading,
    rule_sets: Sequence[RuleSet],
    as_of: datetime,
    executor: Executor | None = None,
) -> tuple[PriceTests, Absent]:
    """Returns tests of margins, daily thresholds and stress, and what could not be tested.

    Work on thresholds is shared by an executor; None: this process alone. A part that the question does not request is empty, and its code is not imported. Raises
    RequestError: input that cannot be simulated.
    """
    adequacy, unread = _adequacy(question, reading, as_of)
    thresholds, untested = _thresholds(question, reading, executor)
    stress, omitted, unsimulated = _stress(question, reading, rule_sets, as_of)
    tests = PriceTests(adequacy, thresholds, stress, omitted)
    return tests, (*unread, *untested, *unsimulated)


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
) -> tuple[tuple[StressRow, ...], tuple[StressOmittedRow, ...], Absent]:
    if question.options.stress is StressScope.NONE:
        return (), (), ()
    from harmonize.api.stress_document import audited_stress  # noqa: PLC0415 - as above

    return audited_stress(question, reading, rule_sets, as_of)
