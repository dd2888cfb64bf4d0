"""Broken payloads: never an exception, never a margin from a number that is none."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harmonize.core.payload import Payload, Snapshot, decode
from harmonize.core.schedule import MarginFunction, MarginSchedule, Unknown, value_of
from tests.support import recorded
from tests.support.altered_snapshots import changed, parsed, trimmed, with_content, written

SNAPSHOTS = [trimmed(one) for one in recorded.snapshots()]
NO_NUMBER = ["NaN", "Infinity", -1, "-0.5", None, "", [], {}, True, "1e999", 10**400, "<script>"]

patient = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def margin_call(snapshot: Snapshot) -> Payload:
    """The payload that the first schedule rests on."""
    sha256 = parsed(snapshot).schedules[0].evidence[0].sha256
    return next(one for one in snapshot.payloads if one.sha256 == sha256)


def sound(schedule: MarginSchedule) -> None:
    for figure in (schedule.initial, schedule.maintenance):
        function = value_of(figure)
        if function is not None:
            assert isinstance(function, MarginFunction)
            assert all(0 <= piece.rate <= 1 for piece in function.pieces)
            assert all(not piece.upper.is_nan() for piece in function.pieces)


def leaves(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(document, dict):
        return [leaf for key, item in document.items() for leaf in leaves(item, (*path, key))]
    if isinstance(document, list):
        return [leaf for at, item in enumerate(document) for leaf in leaves(item, (*path, at))]
    return [path]


def put(document: Any, path: tuple[Any, ...], value: object) -> Any:
    if not path:
        return value
    here = document
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = value
    return document


@pytest.mark.parametrize("snapshot", SNAPSHOTS, ids=lambda one: one.venue)
@patient
@given(data=st.data())
def test_any_part_replaced_by_anything_never_raises(
    snapshot: Snapshot, data: st.DataObject
) -> None:
    payload = margin_call(snapshot)
    document: Any = decode(payload)
    path = data.draw(st.sampled_from(leaves(document)[:4000]))
    depth = data.draw(st.integers(0, len(path)))
    value = data.draw(st.sampled_from(NO_NUMBER))

    found = parsed(changed(snapshot, payload.call.method, lambda it: put(it, path[:depth], value)))
    for schedule in found.schedules:
        sound(schedule)


@pytest.mark.parametrize("snapshot", SNAPSHOTS, ids=lambda one: one.venue)
@patient
@given(data=st.data())
def test_a_truncated_payload_gives_a_defect_and_nothing_else(
    snapshot: Snapshot, data: st.DataObject
) -> None:
    payload = margin_call(snapshot)
    end = len(payload.content.rstrip()) - 1
    cut = payload.content[: data.draw(st.integers(0, end))]
    found = parsed(with_content(snapshot, payload.call.method, cut))
    before = {one.key for one in parsed(snapshot).schedules}
    assert found.defects
    assert len(found.schedules) < len(before)
    assert str(payload.call.method) in found.defects[0].where


@pytest.mark.parametrize("snapshot", SNAPSHOTS, ids=lambda one: one.venue)
@pytest.mark.parametrize("value", ["NaN", -1, None, [], {}, True, "1e999", "abc", 10**400])
def test_a_figure_that_is_no_number_leaves_its_schedule_unknown(
    snapshot: Snapshot, value: object
) -> None:
    """Break, one by one, every kind of figure that the first schedules' evidence points to."""
    original = parsed(snapshot)
    by_hash = {one.sha256: one for one in snapshot.payloads}
    for schedule in original.schedules[:3]:
        evidence = schedule.evidence[0]
        payload = by_hash[evidence.sha256]
        for column in evidence.columns:
            if value is None and column.key in {"/max_size", "/crossRiskLimit"}:
                continue  # the venue's own way to say: no limit
            path = tuple(
                int(token) if token.isdecimal() else token
                for token in (evidence.rows[-1] + column.key).split("/")[1:]
            )
            document = json.loads(written(decode(payload)))
            content = json.dumps(put(document, path, value)).encode()
            payloads = tuple(
                Payload.of(one.venue, one.call, one.observed_at, one.provenance, content)
                if one is payload
                else one
                for one in snapshot.payloads
            )
            broken = Snapshot(snapshot.venue, snapshot.observed_at, payloads, snapshot.complete)
            found = parsed(broken)
            twin = [one for one in found.schedules if one.key == schedule.key]
            assert not twin or isinstance(twin[0].maintenance, Unknown), (schedule.key, column)
            assert found.defects, (schedule.key, column)


@pytest.mark.parametrize("snapshot", SNAPSHOTS, ids=lambda one: one.venue)
@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"[]", b"{}", b"\xff\xfe", b"[NaN]", b"[" * 100_000, b'"text"', b"<html>"],
    ids=["empty", "null", "list", "object", "utf-16", "nan", "deep", "text", "html"],
)
def test_an_answer_of_another_kind_is_one_defect_that_names_the_call(
    snapshot: Snapshot, content: bytes
) -> None:
    payload = margin_call(snapshot)
    found = parsed(with_content(snapshot, payload.call.method, content))
    assert any(payload.call.method in one.where for one in found.defects)


def test_tiers_that_leave_a_gap_or_overlap_have_no_margin() -> None:
    snapshot = recorded.of_venue("binance")[0]
    method = margin_call(snapshot).call.method

    def moved(by: int) -> Snapshot:
        def change(document: Any) -> None:
            document[0]["brackets"][1]["notionalFloor"] += by

        return changed(snapshot, method, change)

    for by, word in ((1000, "gap"), (-1000, "overlap")):
        schedule = parsed(moved(by)).schedules[0]
        assert isinstance(schedule.maintenance, Unknown)
        assert word in schedule.maintenance.reason
