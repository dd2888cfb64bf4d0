"""Broken payloads never raise and never give a margin from an invalid number."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harmonize.core.payload import Column, Payload, Snapshot, decode
from harmonize.core.schedule import MarginFunction, MarginSchedule, Unknown, value_of
from tests.support import recorded
from tests.support.altered_snapshots import changed, parsed, trimmed, with_content, written
from venues import registry
from venues.adapter import Purpose

SNAPSHOTS = [trimmed(snapshot) for snapshot in recorded.snapshots()]
NOT_NUMBERS = ["NaN", "Infinity", -1, "-0.5", None, "", [], {}, True, "1e999", 10**400, "<script>"]

NO_END = (-1, None, "1e999", 10**400)
"""Values that a bound may have where it has no end."""

_OPTIONAL = {"/mmDeduction", "/minSz", "/quote/mark_price", "/position_limit_qty"}
"""Numbers without which a margin is still known."""

patient = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


def margin_call(snapshot: Snapshot) -> Payload:
    """Payload behind the first schedule: of a margin endpoint, before what only adds to it."""
    adapter = registry.find_adapter(snapshot.venue)
    assert adapter is not None
    margins = {
        endpoint.method
        for endpoint in (*adapter.endpoints, *adapter.recorded_only)
        if endpoint.purpose is Purpose.MARGIN
    }
    by_hash = {payload.sha256: payload for payload in snapshot.payloads}
    used = [by_hash[evidence.sha256] for evidence in parsed(snapshot).schedules[0].evidence]
    return next((payload for payload in used if payload.call.method in margins), used[0])


def assert_sound(schedule: MarginSchedule) -> None:
    for observed in (schedule.initial, schedule.maintenance):
        function = value_of(observed)
        if function is not None:
            assert isinstance(function, MarginFunction)
            assert all(0 <= piece.rate <= 1 for piece in function.pieces)
            assert all(not piece.upper.is_nan() for piece in function.pieces)


def leaves(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(document, dict):
        return [leaf for key, item in document.items() for leaf in leaves(item, (*path, key))]
    if isinstance(document, list):
        return [
            leaf for index, item in enumerate(document) for leaf in leaves(item, (*path, index))
        ]
    return [path]


def with_value(document: Any, path: tuple[Any, ...], value: object) -> Any:
    if not path:
        return value
    holder = document
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return document


@pytest.mark.parametrize("snapshot", recorded.cases(SNAPSHOTS))
@patient
@given(data=st.data())
def test_any_part_replaced_by_anything_never_raises(
    snapshot: Snapshot, data: st.DataObject
) -> None:
    payload = margin_call(snapshot)
    document: Any = decode(payload)
    path = data.draw(st.sampled_from(leaves(document)[:4000]))
    depth = data.draw(st.integers(0, len(path)))
    value = data.draw(st.sampled_from(NOT_NUMBERS))

    parse_result = parsed(
        changed(
            snapshot, payload.call.method, lambda content: with_value(content, path[:depth], value)
        )
    )
    for schedule in parse_result.schedules:
        assert_sound(schedule)


@pytest.mark.parametrize("snapshot", recorded.cases(SNAPSHOTS))
@patient
@given(data=st.data())
def test_a_truncated_payload_gives_a_defect_and_nothing_else(
    snapshot: Snapshot, data: st.DataObject
) -> None:
    payload = margin_call(snapshot)
    end = len(payload.content.rstrip()) - 1
    cut = payload.content[: data.draw(st.integers(0, end))]
    parse_result = parsed(with_content(snapshot, payload.call.method, cut))
    before = {schedule.key for schedule in parsed(snapshot).schedules}
    assert parse_result.defects
    assert len(parse_result.schedules) < len(before)
    assert str(payload.call.method) in parse_result.defects[0].where


def has_no_end(schedule: MarginSchedule) -> bool:
    """Whether a schedule ends nowhere, or at the largest position that its venue states apart."""
    is_open = bool(schedule.tiers) and not schedule.tiers[-1].upper.is_finite()
    return is_open or value_of(schedule.capacity) is None


def is_bound(column: Column) -> bool:
    """Whether a column is the end of a tier or the largest position."""
    quantity = column.quantity
    if column.key == "/risk_limit_base":
        return False  # the first tier alone has an end; no source states margins above it
    return (
        quantity.startswith("upper at")
        or quantity in {"upper", "capacity", "open interest limit", "first risk limit"}
        or column.key == "/crossRiskLimit"
    )


@pytest.mark.parametrize("snapshot", recorded.cases(SNAPSHOTS))
@pytest.mark.parametrize("value", ["NaN", -1, None, [], {}, True, "1e999", "abc", 10**400])
def test_an_invalid_number_leaves_its_schedule_unknown(snapshot: Snapshot, value: object) -> None:
    """Breaks each kind of number that the first schedules' evidence points to, one at a time."""
    original = parsed(snapshot)
    by_hash = {payload.sha256: payload for payload in snapshot.payloads}
    for schedule in original.schedules[:3]:
        evidence = schedule.evidence[0]
        payload = by_hash[evidence.sha256]
        for column in evidence.columns:
            if value is None and (column.key in _OPTIONAL or column.quantity == "leverage"):
                continue
            path = tuple(
                int(token) if token.isdecimal() else token
                for token in (evidence.rows[-1] + column.key).split("/")[1:]
            )
            document = json.loads(written(decode(payload)))
            content = json.dumps(with_value(document, path, value)).encode()
            payloads = tuple(
                Payload.of(other.venue, other.call, other.observed_at, other.provenance, content)
                if other is payload
                else other
                for other in snapshot.payloads
            )
            broken_snapshot = Snapshot(
                snapshot.venue, snapshot.observed_at, payloads, snapshot.complete
            )
            parse_result = parsed(broken_snapshot)
            same_key = [other for other in parse_result.schedules if other.key == schedule.key]
            if value in NO_END and is_bound(column):
                assert all(has_no_end(other) for other in same_key), column
                continue
            assert not same_key or isinstance(same_key[0].maintenance, Unknown), (
                schedule.key,
                column,
            )
            assert parse_result.defects, (schedule.key, column)


@pytest.mark.parametrize("snapshot", recorded.cases(SNAPSHOTS))
@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"[]", b"{}", b"\xff\xfe", b"[NaN]", b"[" * 100_000, b'"text"', b"<html>"],
    ids=["empty", "null", "list", "object", "utf-16", "nan", "deep", "text", "html"],
)
def test_an_answer_of_another_kind_is_one_defect_that_names_the_call(
    snapshot: Snapshot, content: bytes
) -> None:
    payload = margin_call(snapshot)
    if content == b"[]" and snapshot.venue == "gate" and len(snapshot.payloads) > 1:
        return  # a settlement currency without contracts
    parse_result = parsed(with_content(snapshot, payload.call.method, content))
    assert any(payload.call.method in defect.where for defect in parse_result.defects)


def test_tiers_that_leave_a_gap_or_overlap_have_no_margin() -> None:
    snapshot = recorded.of_venue("binance")[0]
    method = margin_call(snapshot).call.method

    def with_moved_floor(by: int) -> Snapshot:
        def change(document: Any) -> None:
            document[0]["brackets"][1]["notionalFloor"] += by

        return changed(snapshot, method, change)

    for by, word in ((1000, "gap"), (-1000, "overlap")):
        schedule = parsed(with_moved_floor(by)).schedules[0]
        assert isinstance(schedule.maintenance, Unknown)
        assert word in schedule.maintenance.reason
