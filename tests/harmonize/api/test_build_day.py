"""Tests of the day from which ages count: today, or the one that SOURCE_DATE_EPOCH pins."""

from datetime import UTC, date, datetime

import pytest

from harmonize.api.audit import Question, RequestError, answer
from harmonize.api.build_day import build_day

NOW = datetime(2026, 11, 29, 14, 30, tzinfo=UTC)


def test_ages_count_from_the_end_of_the_day_of_the_build() -> None:
    assert build_day({}, NOW).isoformat() == "2026-11-29T23:59:59.999999+00:00"
    assert build_day({"SOURCE_DATE_EPOCH": ""}, NOW) == build_day({}, NOW)


def test_the_environment_pins_the_day() -> None:
    pinned = build_day({"SOURCE_DATE_EPOCH": "1764028800"}, NOW)
    assert pinned.date() == date(2025, 11, 25)


@pytest.mark.parametrize("text", ["yesterday", "1.5", "1e9", "999999999999999999", "-5"])
def test_another_text_is_one_clear_line(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    with pytest.raises(RequestError, match="SOURCE_DATE_EPOCH: expected whole seconds") as caught:
        answer(Question(venues=("okx",)))
    assert "\n" not in str(caught.value)


def test_a_date_of_the_audit_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    document = answer(Question(venues=("okx",), as_of=date(2026, 9, 25))).document
    assert document.as_of == "2026-09-25T23:59:59Z"


def test_the_default_is_the_day_of_the_build_and_not_the_newest_snapshot() -> None:
    document = answer(Question(venues=("okx",))).document
    assert document.as_of == "2026-11-29T23:59:59Z"
    assert document.snapshots[0].stale
