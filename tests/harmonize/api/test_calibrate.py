"""Versions, days and dates of calibrations."""

from datetime import date

import pytest

from harmonize.api.calibrate import next_version
from harmonize.api.calibration_review import stated_day


@pytest.mark.parametrize(
    ("last", "day", "expected"),
    [
        ("2026.11", "2026-03-03", "2026.11.1"),
        ("2026.11", "2026-11-30", "2026.11.1"),
        ("2026.11.1", "2026-11-30", "2026.11.2"),
        ("2026.11.9", "2026-03-03", "2026.11.10"),
        ("2026.11.2", "2026-12-01", "2026.12"),
        ("2026.11", "2027-01-01", "2027.01"),
        ("2027.01", "2027-01-31", "2027.01.1"),
        ("1", "2026-03-03", "2026.03"),
    ],
)
def test_a_version_follows_the_last_one(last: str, day: str, expected: str) -> None:
    assert next_version(last, date.fromisoformat(day)) == expected
    parts = [tuple(map(int, version.split("."))) for version in (last, expected)]
    assert parts[0] < parts[1]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Calibrated on data to 3 March 2026. Since 2017 it holds.", date(2026, 3, 3)),
        ("Calibrated on prices to 2026-07-20; the file has a hash.", date(2026, 7, 20)),
        ("Of 31 February 2026", None),
        ("Of 2026-13-01", None),
        ("Of 3 Ventose 2026", None),
        ("Fitted once", None),
    ],
)
def test_a_note_states_a_day(text: str, day: date | None) -> None:
    assert stated_day(text) == day
