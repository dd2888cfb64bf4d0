"""Inputs in the archive: parsed exactly, or reported as a defect."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D
from pathlib import Path

import pytest

from harmonize.api.audit import Fallback, Question, read
from harmonize.archive.archive import Archive
from harmonize.core.payload import Call, Origin, Payload, Provenance, Snapshot
from harmonize.policy.inputs import (
    MARKET,
    METHOD,
    Input,
    read_inputs,
    snapshot_by_source,
    snapshot_of,
)
from tests.support import recorded

NOW = datetime(2026, 3, 3, tzinfo=UTC)
ROW = {
    "name": "var_99_1d_365d",
    "underlying": "BTC",
    "value": "0.062",
    "observed_at": "2026-03-03",
    "verified": "derived",
}


def snapshot(content: object, *, day: datetime = NOW) -> Snapshot:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    provenance = Provenance(Origin.MARKET, "a test", "the test")
    payload = Payload.of(MARKET, Call(METHOD), day, provenance, text)
    return Snapshot(MARKET, day, (payload,), complete=True)


def test_a_row_is_parsed_exactly() -> None:
    bounds = {"lower": "0.05", "upper": "0.08", "confidence": "0.95", "observations": 365}
    (input_,), defects = read_inputs(snapshot({"inputs": [ROW | bounds]}))
    assert (input_.value, input_.lower, input_.upper) == (D("0.062"), D("0.05"), D("0.08"))
    assert (input_.observations, input_.origin, input_.pointer) == (365, "derived", "/inputs/0")
    assert input_.source == "a test"
    assert defects == ()


@pytest.mark.parametrize(
    "broken",
    [
        {"value": "NaN"},
        {"value": "x"},
        {"value": "-0.1"},
        {"observed_at": "yesterday"},
        {"lower": "0.1", "upper": "0.2", "confidence": "0.95"},
        {"lower": "0.05"},
        {"name": None},
    ],
)
def test_a_broken_row_is_a_defect_and_the_others_are_kept(broken: dict[str, object]) -> None:
    broken_row = {key: value for key, value in (ROW | broken).items() if value is not None}
    inputs, defects = read_inputs(snapshot({"inputs": [broken_row, ROW]}))
    assert [input_.value for input_ in inputs] == [D("0.062")]
    (defect,) = defects
    assert defect.venue == MARKET
    assert defect.where == "/inputs/0"


@pytest.mark.parametrize("content", [b"{", b"[]", {"inputs": {}}, {"inputs": ["x"]}, b"\xff"])
def test_an_unreadable_payload_is_a_defect(content: object) -> None:
    inputs, defects = read_inputs(snapshot(content))
    assert inputs == ()
    assert len(defects) == 1


def test_the_users_archive_takes_precedence_over_the_recorded_one(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path)
    archive.append(snapshot({"inputs": [ROW | {"value": "0.5"}]}))
    reading, _ = read(Question(archive=tmp_path, fallback=Fallback.RECORDED, venues=("okx",)))
    (last,) = [
        input_
        for input_ in reading.inputs
        if (input_.name, input_.underlying, input_.value) == ("var_99_1d_365d", "BTC", D("0.5"))
    ]
    assert reading.inputs[-1] is last
    assert len(reading.inputs) > 40
    assert all(snapshot.venue != MARKET for _, snapshot in reading.snapshots)


def test_a_written_snapshot_reads_back() -> None:
    bounds = {"lower": "0.05", "upper": "0.08", "confidence": "0.95", "observations": 365}
    first, _ = read_inputs(snapshot({"inputs": [ROW | bounds, ROW | {"underlying": "ETH"}]}))
    again, defects = read_inputs(snapshot_of(first, "a test"))
    assert defects == ()
    assert [replace(row, sha256="") for row in again] == [replace(row, sha256="") for row in first]


def test_inputs_after_the_audit_date_are_excluded() -> None:
    reading, _ = read(Question(venues=("okx",), as_of=datetime(2026, 2, 1, tzinfo=UTC).date()))
    assert reading.inputs == ()
    assert len(recorded.audited().document.inputs) == 26


def test_values_of_several_sources_keep_their_own() -> None:
    values = [
        Input("var_99_1d_365d", asset, D("0.06"), NOW, source=source)
        for asset, source in (("BTC", "a"), ("ETH", "b"), ("SOL", "a"))
    ]
    stored = snapshot_by_source(values)
    assert [payload.provenance.source for payload in stored.payloads] == ["a", "b"]
    assert len({str(payload.call) for payload in stored.payloads}) == 2
    inputs, defects = read_inputs(stored)
    assert {(item.underlying, item.source) for item in inputs} == {
        ("BTC", "a"), ("ETH", "b"), ("SOL", "a"),
    }  # fmt: skip
    assert defects == ()
    assert snapshot_by_source(values[:1]) == snapshot_of(values[:1], "a")
