"""Dated tables become steps; a pause between two different tables is not known."""

from datetime import UTC, datetime, timedelta
from math import inf

import pytest

from harmonize.adequacy.table_steps import LONGEST_PAUSE, table_steps
from harmonize.core.schedule import Unknown
from harmonize.history.table_rows import ScheduleRow
from harmonize.numerics.panel import PieceNumbers

FIRST = datetime(2024, 1, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return FIRST + timedelta(days=number)


def row(
    number: int, initial: float | None, maintenance: float | None = 0.01, kind: str = ""
) -> ScheduleRow:
    def pieces(rate: float | None) -> tuple[PieceNumbers, ...] | None:
        return None if rate is None else ((0.0, inf, 0.0, rate, 0.0, 2.0),)

    return ScheduleRow(
        asset="BTC",
        venue="binance",
        symbol="BTC/USDT:USDT",
        id="BTCUSDT",
        profile="any",
        observed_at=day(number),
        before_at=None,
        effective_from=None,
        kind=kind,
        sequence=number,
        digest="",
        rule="",
        initial=pieces(initial),
        initial_status="known",
        initial_note="",
        maintenance=pieces(maintenance),
        maintenance_status="known",
        maintenance_note="",
        capacity=5e6,
        price=None,
        rise=None,
        fall=None,
        change="",
    )


def test_equal_margins_are_known_in_between_and_others_for_a_limited_time() -> None:
    rows = [row(0, 0.02), row(90, 0.05)]
    steps = table_steps(rows, [day(0), day(60), day(90)], 1e6)
    assert [step.valid_from for step in steps] == [day(0), day(60), day(90)]
    rates = [rate for s in steps for rate in (s.initial, s.maintenance) if isinstance(rate, float)]
    assert rates == pytest.approx([0.02, 0.01, 0.02, 0.01, 0.05, 0.01])
    ends = [None, day(60) + LONGEST_PAUSE, day(90) + LONGEST_PAUSE]
    assert [step.valid_until for step in steps] == ends


def test_observations_before_the_first_row_state_nothing() -> None:
    assert [s.valid_from for s in table_steps([row(5, 0.02)], [day(0), day(9)], 1e6)] == [
        day(5),
        day(9),
    ]
    assert table_steps([], [day(0)], 1e6) == ()


def test_what_a_table_does_not_state_is_unknown() -> None:
    unpublished = table_steps([row(0, 0.02, None)], [], 1e6)[0]
    assert unpublished.maintenance == Unknown("not published for this size")
    beyond = table_steps([row(0, 0.02)], [], 6e6)[0]
    assert beyond.initial == beyond.maintenance == Unknown("not published for this size")
    delisted = table_steps([row(0, 0.02), row(10, 0.02, kind="delisted")], [], 1e6)[1]
    assert delisted.initial == Unknown("the contract was delisted")
    wrong = table_steps([row(0, 2.0)], [], 1e6)[0]
    assert wrong.initial == Unknown("2 of the position")


def test_a_lower_bound_is_no_margin() -> None:
    own = row(0, 0.02)
    bound = ScheduleRow(
        **{name: getattr(own, name) for name in own.__slots__} | {"initial_status": "at least"}
    )
    step = table_steps([bound], [], 1e6)[0]
    assert step.initial == Unknown("a lower bound")
    assert step.maintenance == pytest.approx(0.01)
