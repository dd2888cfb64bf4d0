"""Rows of stress in the audit document: written, read and selected."""

from dataclasses import replace

import pytest

from harmonize.document import from_json, to_json
from harmonize.document.stress import StressMarketRow
from tests.harmonize.checks.examples import Case
from tests.harmonize.checks.stress_tests import ROW, effect


def test_rows_are_read_as_they_were_written() -> None:
    row = replace(ROW, effects=(effect("more"), effect("depends on")))
    document = replace(Case().audited(), stress=(row,))
    assert from_json(to_json(document)).stress == (row,)


def test_an_earlier_document_has_no_stress() -> None:
    text = to_json(Case().audited()).replace(b',"stress":[]', b"")
    assert b'"stress"' not in text
    assert from_json(text).stress == ()


def test_a_selection_keeps_the_schedules_with_its_keys() -> None:
    key = ("okx", "BTC/USDT:USDT", "any")
    assert ROW.only({key}) == ROW
    assert ROW.only(set()) == replace(ROW, venues=(), steps=())


@pytest.mark.parametrize(
    ("last", "is_old"),
    [("2026-10-31T00:00:00Z", False), ("2026-10-30T23:59:59Z", True), ("", True)],
)
def test_candles_are_current_for_thirty_days_and_stale_after_them(last: str, is_old: bool) -> None:  # noqa: FBT001 - an expected value
    market = StressMarketRow(
        0.03, 1e9, "okx perp BTCUSDT 1d", ("okx",), last, volume_last=last,
        as_of="2026-11-30T00:00:00Z", is_stale=True,
    )  # fmt: skip
    assert market.is_volatility_stale is is_old
    assert market.is_volume_stale is is_old
