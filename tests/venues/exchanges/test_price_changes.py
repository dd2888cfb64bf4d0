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
from harmonize.history.diff import Observed, changes
from tests.support import recorded
from venues import facts, registry

RATIO = Decimal("1.0123")
PRICE = re.compile(r"price|px$|^mark|^index", re.IGNORECASE)
NOT = re.compile(
    r"tick|min|max|limit|step|scale|precision|incr|round|type|protect|dev|level|rate|digit|expo|band|impact",
    re.IGNORECASE,
)
"""Fields that speak of prices, and those among them that are no price of a moment."""


def moved(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return str(Decimal(value) * RATIO)
        except InvalidOperation:
            return value
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return value
    return float(Decimal(value) * RATIO)


def walked(document: Any, *, move: bool) -> Any:
    if isinstance(document, dict):
        return {
            key: moved(value)
            if move
            and PRICE.search(key)
            and not NOT.search(key)
            and not isinstance(value, dict | list)
            else walked(value, move=move)
            for key, value in document.items()
        }
    if isinstance(document, list):
        return [walked(one, move=move) for one in document]
    return float(document) if isinstance(document, Decimal) else document


def at_prices(snapshot: Snapshot, *, move: bool) -> Snapshot:
    payloads = []
    for one in snapshot.payloads:
        try:
            content = json.dumps(walked(decode(one), move=move)).encode()
        except UnreadablePayloadError:
            content = one.content
        payloads.append(Payload.of(one.venue, one.call, one.observed_at, one.provenance, content))
    return replace(snapshot, payloads=tuple(payloads))


def read(snapshot: Snapshot, *, move: bool) -> Observed:
    found = registry.parse([at_prices(snapshot, move=move)], facts.bundled())
    return Observed.of(found.schedules, [snapshot.venue], found.defects)


def told(snapshots: Iterable[Snapshot]) -> list[Change]:
    return [
        change
        for one in snapshots
        for change in changes(read(one, move=False), read(one, move=True), NOTIONAL_GRID)
    ]


@pytest.mark.parametrize("venue", sorted({one.venue for one in recorded.snapshots()} - {"binance"}))
def test_prices_alone_make_no_change(venue: str) -> None:
    snapshots = [one for one in recorded.snapshots() if one.venue == venue]
    assert any(one.schedules for one in (read(each, move=True) for each in snapshots))
    assert told(snapshots) == []


def test_prices_do_move_bounds_and_capacities() -> None:
    """The law above would hold of a walk that finds no price at all."""
    scaled = 0
    for snapshot in recorded.snapshots():
        if snapshot.venue in {"krakenfutures", "kucoin", "okx", "coinbaseinternational", "gate"}:
            before, after = (
                [(one.capacity, one.initial) for one in read(snapshot, move=move).schedules]
                for move in (False, True)
            )
            scaled += before != after
    assert scaled >= 5
