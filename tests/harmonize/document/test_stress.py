"""Rows of stress in the audit document: written, read and selected."""

from dataclasses import replace

from harmonize.document import from_json, to_json
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
