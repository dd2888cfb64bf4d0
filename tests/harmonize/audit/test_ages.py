"""Tests of the age of a snapshot, which counts from the older end of its date."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from harmonize.audit.assemble import AuditOptions, Reading, audit
from harmonize.core.date_precision import EXACT, NO_LATER_THAN, DatePrecision, date_between
from harmonize.core.payload import Origin
from harmonize.document import SnapshotRow
from tests.harmonize.checks.examples import SOUND, snapshot

AS_OF = datetime(2026, 11, 29, 23, 59, 59, tzinfo=UTC)
LATEST = AS_OF - timedelta(days=10)


def audited(precision: DatePrecision) -> tuple[SnapshotRow, bool]:
    """Returns the row of a snapshot observed at most 10 days ago, and whether its schedule is stale."""
    recorded = snapshot(Origin.RECORDED)
    payloads = tuple(
        replace(payload, observed_at=LATEST, precision=precision) for payload in recorded.payloads
    )
    dated = replace(recorded, observed_at=LATEST, payloads=payloads)
    schedule = replace(SOUND, observed_at=LATEST, dates=(LATEST,), precision=precision)
    reading = Reading("a test", (("digest", dated),), (schedule,), ())
    document = audit(reading, (), AuditOptions(AS_OF))
    return document.snapshots[0], document.schedules[0].stale


@pytest.mark.parametrize(
    ("precision", "age", "stale"),
    [
        (EXACT, 10.0, False),
        (date_between(AS_OF - timedelta(days=29)), 29.0, False),
        (date_between(AS_OF - timedelta(days=31)), 31.0, True),
        (date_between(AS_OF - timedelta(days=31), derived=True), 31.0, True),
        (NO_LATER_THAN, 10.0, True),
    ],
)
def test_age_and_staleness_count_from_the_older_end(
    precision: DatePrecision, age: float, *, stale: bool
) -> None:
    row, is_schedule_stale = audited(precision)
    assert (row.age_days, row.stale, is_schedule_stale) == (age, stale, stale)
