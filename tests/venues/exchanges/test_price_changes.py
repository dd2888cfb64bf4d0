"""A change of prices alone changes no schedule of any venue."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

import pytest

from harmonize.core.notionals import NOTIONAL_GRID
from harmonize.core.payload import Payload, Snapshot, UnreadablePayloadError, decode
from harmonize.document.change import Change
from harmonize.history.diff import ObservedSchedules, find_changes
from tests.support import recorded
from venues import facts, registry

RATIO = Decimal("1.0123")
PRICE = re.compile(r"price|px$|^mark|^index", re.IGNORECASE)
NOT_PRICE = re.compile(
    r"tick|min|max|limit|step|scale|precision|incr|round|type|protect|dev|level|rate|digit|expo|band|impact",
    re.IGNORECASE,
)
"""Names of price fields, and names among them that are not current prices."""


def scaled(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return str(Decimal(value) * RATIO)
        except InvalidOperation:
            return value
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return value
    return float(Decimal(value) * RATIO)


def scale_prices(document: Any, *, scale: bool) -> Any:
    if isinstance(document, dict):
        return {
            key: scaled(value)
            if scale
            and PRICE.search(key)
            and not NOT_PRICE.search(key)
            and not isinstance(value, dict | list)
            else scale_prices(value, scale=scale)
            for key, value in document.items()
        }
    if isinstance(document, list):
        return [scale_prices(item, scale=scale) for item in document]
    return float(document) if isinstance(document, Decimal) else document


def with_scaled_prices(snapshot: Snapshot, *, scale: bool) -> Snapshot:
    payloads = []
    for payload in snapshot.payloads:
        try:
            content = json.dumps(scale_prices(decode(payload), scale=scale)).encode()
        except UnreadablePayloadError:
            content = payload.content
        payloads.append(
            Payload.of(
                payload.venue, payload.call, payload.observed_at, payload.provenance, content
            )
        )
    return replace(snapshot, payloads=tuple(payloads))


def read(snapshot: Snapshot, *, scale: bool) -> ObservedSchedules:
    parse_result = registry.parse([with_scaled_prices(snapshot, scale=scale)], facts.bundled())
    return ObservedSchedules.of(parse_result.schedules, [snapshot.venue], parse_result.defects)


def reported_changes(snapshots: Iterable[Snapshot]) -> list[Change]:
    return [
        change
        for snapshot in snapshots
        for change in find_changes(
            read(snapshot, scale=False), read(snapshot, scale=True), NOTIONAL_GRID
        )
    ]


@pytest.mark.parametrize(
    "venue", sorted({snapshot.venue for snapshot in recorded.snapshots()} - {"binance"})
)
def test_prices_alone_make_no_change(venue: str) -> None:
    snapshots = [snapshot for snapshot in recorded.snapshots() if snapshot.venue == venue]
    assert any(read(snapshot, scale=True).schedules for snapshot in snapshots)
    assert reported_changes(snapshots) == []


def test_prices_do_move_bounds_and_capacities() -> None:
    """Guards the test above, which would also pass if no price were scaled."""
    changed_venues = 0
    for snapshot in recorded.snapshots():
        if snapshot.venue in {"krakenfutures", "kucoin", "okx", "coinbaseinternational", "gate"}:
            before, after = (
                [
                    (schedule.capacity, schedule.initial)
                    for schedule in read(snapshot, scale=scale).schedules
                ]
                for scale in (False, True)
            )
            changed_venues += before != after
    assert changed_venues >= 5
