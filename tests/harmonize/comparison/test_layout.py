"""Rows of the panel: one per distinct function."""

from harmonize.comparison.layout import build_layout
from harmonize.core.schedule import INFINITY
from tests.harmonize.checks.examples import flat_schedule


def test_equal_functions_share_one_row() -> None:
    schedules = [
        flat_schedule((50_000, "0.1", "0.05")),
        flat_schedule((50_000, "0.10", "0.06"), asset="ETH"),
        flat_schedule((50_000, "0.05", "0.1"), asset="SOL"),
        flat_schedule((INFINITY, "0.1", "0.05")),
    ]
    layout = build_layout(schedules, [])
    rows = {
        margin_type: [ref.function for ref in refs if ref]
        for margin_type, refs in layout.published.items()
    }
    assert rows == {"initial": [0, 0, 1, 2], "maintenance": [1, 3, 0, 4]}
    assert len(layout.panel) == 5
    assert [layout.pieces(row)[0][3] for row in range(5)] == [0.1, 0.05, 0.1, 0.06, 0.05]
