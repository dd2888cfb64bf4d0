"""Two assets under one symbol: queries and series never join them."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from harmonize.document.change import ChangeKind
from harmonize.history import queries
from harmonize.history.table_rows import ScheduleRow, write_rows
from harmonize.history.tables import HistoryTables
from harmonize.history.timeline import FIRST_SEEN

FIRST = ScheduleRow(
    asset="HEI",
    venue="binance",
    symbol="LIT/USDT:USDT",
    id="LITUSDT",
    profile="any",
    observed_at=datetime(2025, 1, 23, tzinfo=UTC),
    before_at=None,
    effective_from=None,
    kind=FIRST_SEEN,
    sequence=1,
    digest="0" * 64,
    rule="marginal",
    initial=((0.0, 1e9, 0.0, 0.02, 0.0, 2.0),),
    initial_status="known",
    initial_note="",
    maintenance=None,
    maintenance_status="unknown",
    maintenance_note="",
    capacity=None,
    price=None,
    rise=None,
    fall=None,
    change="",
)
TIGHTER = replace(
    FIRST,
    kind=ChangeKind.TIGHTER.value,
    observed_at=datetime(2025, 2, 20, tzinfo=UTC),
    initial=((0.0, 1e9, 0.0, 0.1, 0.0, 2.0),),
    sequence=2,
    change="{}",
)
OTHER = replace(
    TIGHTER,
    asset="LIT",
    kind=ChangeKind.ANOTHER_ASSET.value,
    observed_at=datetime(2025, 12, 25, tzinfo=UTC),
    initial=((0.0, 1e9, 0.0, 0.2, 0.0, 2.0),),
    sequence=3,
)
ROWS = (FIRST, TIGHTER, OTHER)


def test_a_series_begins_where_the_code_began_to_mean_its_asset() -> None:
    assert queries.of_one_asset(ROWS) == (OTHER,)
    assert queries.of_one_asset(ROWS[:2]) == ROWS[:2]
    series = queries.margin_series(ROWS, "initial", 1e5, "2026-07-02T00:00:00+00:00")
    assert [(point.observed_at[:10], point.rate) for point in series.points] == [
        ("2025-12-25", 0.2)
    ]
    assert series.underlying == "LIT"


def test_a_symbol_counts_under_the_asset_that_it_means_at_the_time(tmp_path: Path) -> None:
    write_rows(tmp_path / "schedules" / "venue=binance" / "2025.parquet", ROWS, ())
    store = HistoryTables(tmp_path)
    autumn, winter = datetime(2025, 10, 1, tzinfo=UTC), datetime(2025, 12, 31, tzinfo=UTC)
    found = {
        (asset, time): [row.asset for row in queries.rows_as_of(store, asset, time)]
        for asset in ("HEI", "LIT")
        for time in (autumn, winter)
    }
    assert found == {
        ("HEI", autumn): ["HEI"],
        ("HEI", winter): [],
        ("LIT", autumn): [],
        ("LIT", winter): ["LIT"],
    }
