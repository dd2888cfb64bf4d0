"""A calculation on past prices that fails in a night is named, and hides no other; elsewhere it is an error."""

from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harmonize.api import adequacy_rows, stress_document, threshold_rows
from harmonize.api.errors import RequestError
from harmonize.api.price_tests import price_tests
from harmonize.api.question import (
    AdequacyScope,
    AnswerOptions,
    Question,
    StressScope,
    ThresholdScope,
)
from harmonize.archive.archive import ArchiveError
from harmonize.audit.assemble import PriceTests, Reading
from harmonize.document import AdequacySection, StressOmittedRow, ThresholdSection

ALL = AnswerOptions(
    adequacy=AdequacyScope.VERDICTS,
    thresholds=ThresholdScope.MODELS,
    stress=StressScope.SIMULATED,
)
QUESTION = Question(archive=Path("nowhere"), options=ALL)
READING = Reading("a test", (), (), ())
TESTED = (AdequacySection(level=0.99), ("X: no prices",))
JUDGED = (ThresholdSection(level=0.99), ())
OMITTED = (StressOmittedRow("X", 1.0, "no class"),)


@pytest.fixture(autouse=True)
def calculations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adequacy_rows, "audited_adequacy", lambda *_: TESTED)
    monkeypatch.setattr(threshold_rows, "audited_thresholds", lambda *_: JUDGED)
    monkeypatch.setattr(stress_document, "audited_stress", lambda *_: ((), OMITTED, ()))


def calculated(*, isolates_errors: bool = True) -> tuple[PriceTests, tuple[str, ...]]:
    return price_tests(
        QUESTION,
        READING,
        (),
        datetime(2026, 11, 20, tzinfo=UTC),
        isolates_errors=isolates_errors,
    )


def fails(error: Exception) -> object:
    def fail(*_: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize("isolates_errors", [True, False])
def test_every_requested_part_is_calculated(*, isolates_errors: bool) -> None:
    expected = (PriceTests(TESTED[0], JUDGED[0], (), OMITTED), TESTED[1])
    assert calculated(isolates_errors=isolates_errors) == expected


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (adequacy_rows, "audited_adequacy"),
        (threshold_rows, "audited_thresholds"),
        (stress_document, "audited_stress"),
    ],
)
@pytest.mark.parametrize(
    "error", [RequestError("level: too high"), KeyError("s"), ArchiveError("pack 3", "damaged")]
)
def test_without_isolation_an_error_reaches_the_caller(
    monkeypatch: pytest.MonkeyPatch, module: object, name: str, error: Exception
) -> None:
    monkeypatch.setattr(module, name, fails(error))
    with pytest.raises(type(error)) as raised:
        calculated(isolates_errors=False)
    assert raised.value is error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("x\ny"), "ValueError: x y"),
        (MemoryError(), "MemoryError"),
        (BrokenProcessPool("a process ended"), "BrokenProcessPool: a process ended"),
        (ArchiveError("pack 3", "damaged; restore it"), "pack 3: damaged; restore it"),
        (RequestError("level: too high"), "level: too high"),
    ],
)
def test_failed_thresholds_are_named_and_leave_the_other_parts(
    monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    monkeypatch.setattr(threshold_rows, "audited_thresholds", fails(error))
    tests, missing = calculated()
    assert tests == PriceTests(TESTED[0], ThresholdSection(), (), OMITTED)
    assert missing == (*TESTED[1], f"thresholds: not calculated: {reason}")


def test_failed_tests_of_margins_and_failed_stress_leave_thresholds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(adequacy_rows, "audited_adequacy", fails(ValueError("a")))
    monkeypatch.setattr(stress_document, "audited_stress", fails(KeyError("s")))
    tests, missing = calculated()
    assert tests == PriceTests(thresholds=JUDGED[0])
    assert missing == (
        "adequacy: not calculated: ValueError: a",
        "stress: not calculated: KeyError: 's'",
    )
