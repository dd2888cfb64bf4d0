"""Since when a margin applies: the first observation of the unbroken run with it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from harmonize.core.date_precision import DateKind
from harmonize.document.change import ChangeKind
from harmonize.history.since import margin_since
from harmonize.history.table_rows import ScheduleRow
from harmonize.history.timeline import FIRST_SEEN

FIRST = ScheduleRow(
    asset="FF",
    venue="binance",
    symbol="FF/USDT:USDT",
    id="FFUSDT",
    profile="any",
    observed_at=datetime(2025, 1, 1, tzinfo=UTC),
    before_at=None,
    effective_from=None,
    kind=FIRST_SEEN,
    sequence=1,
    digest="0" * 64,
    rule="flat",
    initial=((0.0, 1e4, 0.0, 0.02, 0.0, 2.0), (1e4, 1e6, 0.0, 0.1, 0.0, 2.0)),
    initial_status="known",
    initial_note="",
    maintenance=((0.0, 1e6, 0.0, 0.01, 0.0, 2.0),),
    maintenance_status="known",
    maintenance_note="",
    capacity=1e6,
    price=None,
    rise=None,
    fall=None,
    change="",
)


def row(day: int, kind: str, rate: float = 0.02, second: float = 0.1) -> ScheduleRow:
    pieces = ((0.0, 1e4, 0.0, rate, 0.0, 2.0), (1e4, 1e6, 0.0, second, 0.0, 2.0))
    at = datetime(2025, 1, day, tzinfo=UTC)
    return replace(FIRST, kind=kind, observed_at=at, sequence=day, initial=pieces)


@pytest.mark.parametrize(
    ("rows", "day", "is_bound"),
    [
        ((FIRST,), "2025-01-01", True),  # nothing earlier was observed
        ((FIRST, row(3, "tighter", 0.03), row(5, "looser")), "2025-01-05", False),
        # A change at other sizes does not end the run.
        ((FIRST, row(3, "tighter", 0.02, 0.3)), "2025-01-01", True),
        ((FIRST, row(2, "could not be read"), row(3, "read again")), "2025-01-01", True),
        ((FIRST, row(2, "left out"), row(3, "appeared")), "2025-01-01", True),
        ((FIRST, row(2, "delisted"), row(4, "listed")), "2025-01-04", False),
        ((row(4, "listed"),), "2025-01-04", False),  # a complete list before did not have it
        ((row(4, "appeared"),), "2025-01-04", True),
        ((FIRST, row(6, "another asset")), "2025-01-06", False),
        ((row(2, "first seen", 0.05), row(3, "left out"), row(7, "appeared")), "2025-01-07", False),
    ],
)
def test_the_run_begins_at_its_first_observation(
    rows: tuple[ScheduleRow, ...], day: str, is_bound: object
) -> None:
    since = margin_since(rows, "initial", 1e4, 200.0)
    assert since is not None
    assert (since.observed_at[:10], since.is_bound) == (day, is_bound)


def test_a_margin_that_a_price_moved_since_has_no_beginning() -> None:
    assert margin_since((FIRST,), "initial", 1e4, 300.0) is None
    assert margin_since((), "initial", 1e4, 200.0) is None
    assert margin_since((row(2, ChangeKind.DELISTED.value),), "initial", 1e4, 200.0) is None


def test_the_run_is_that_of_the_margin_type_and_carries_the_precision_of_its_date() -> None:
    bound = replace(row(3, "tighter", 0.03), date_kind=DateKind.NO_LATER_THAN.value)
    since = margin_since((FIRST, bound), "initial", 1e4, 300.0)
    assert since is not None
    assert (since.observed_at[:10], since.date_kind, since.observed_from) == (
        *("2025-01-03", "no later than", ""),
    )
    maintenance = margin_since((FIRST, bound), "maintenance", 1e4, 100.0)
    assert maintenance is not None
    assert maintenance.observed_at[:10] == "2025-01-01"
