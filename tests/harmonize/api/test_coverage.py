"""The table of venues: how far margins are known, the most frequent status first."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from harmonize.api.coverage import HEADINGS, VenueCoverage, table_row
from harmonize.core.schedule import Derived, MarginSchedule, Unknown, value_of
from tests.harmonize.checks.examples import SOUND
from venues.registry import find_adapter

FUNCTION = value_of(SOUND.initial)
assert FUNCTION is not None
KNOWN = SOUND
DERIVED = replace(SOUND, initial=Derived(FUNCTION, "a step"))
UNVERIFIED = replace(SOUND, initial=Derived(FUNCTION, "a step", verified=False))
UNKNOWN = replace(SOUND, initial=Unknown("not published"))


@pytest.mark.parametrize(
    ("schedules", "expected"),
    [
        ((), "–"),
        ((KNOWN,), "known"),
        ((UNKNOWN, KNOWN), "known, unknown"),
        ((KNOWN, KNOWN, UNKNOWN, UNKNOWN, UNKNOWN), "unknown, known"),
        ((UNKNOWN, UNKNOWN, UNKNOWN, DERIVED, KNOWN, DERIVED), "unknown, derived, known"),
        ((KNOWN, UNVERIFIED, KNOWN), "known, unverified"),
    ],
)
def test_statuses_are_ordered_by_their_number_of_schedules(
    schedules: Sequence[MarginSchedule], expected: str
) -> None:
    adapter = find_adapter("okx")
    assert adapter is not None
    cells = dict(
        zip(HEADINGS, table_row(VenueCoverage(adapter, (), tuple(schedules))), strict=True)
    )
    assert cells["IM status"] == expected
    assert cells["schedules"] == str(len(schedules))
    assert cells["observed"] == "never"
