"""Laws that live schedules keep: slips of scale, unknown fields and leaps hide a schedule."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harmonize.core.payload import Origin, Payload, Snapshot, decode
from harmonize.core.schedule import Unknown
from tests.replay.gathering import baseline
from tests.support import recorded, venue_fields
from tests.support.altered_snapshots import written
from venues import facts, plausibility, registry
from venues.adapter import Parsed


def live(venue: str) -> Snapshot:
    return baseline()[0][venue].snapshot


def altered(snapshot: Snapshot, method: str, change: Callable[[Any], object]) -> Snapshot:
    """A live snapshot with its first answer to ``method`` changed in place."""
    target = snapshot.answers(method)[0]
    document = json.loads(written(decode(target)))
    change(document)
    content = json.dumps(document).encode()
    other = Payload.of(target.venue, target.call, target.observed_at, target.provenance, content)
    payloads = tuple(other if one is target else one for one in snapshot.payloads)
    return replace(snapshot, payloads=payloads)


def read(snapshot: Snapshot, before: tuple[Snapshot, ...] = ()) -> Parsed:
    known = facts.bundled()
    earlier = [each for one in before for each in registry.read(one, known).schedules]
    return registry.parse([snapshot], known, earlier)


def broken(found: Parsed, count: int) -> str:
    """The one defect's reason; every other schedule is as it was."""
    (defect,) = found.defects
    hidden = [one for one in found.schedules if isinstance(one.initial, Unknown)]
    assert len(found.schedules) == count
    assert [one.instrument.id for one in hidden] == [defect.symbol]
    assert isinstance(hidden[0].maintenance, Unknown)
    assert isinstance(hidden[0].capacity, Unknown)
    assert hidden[0].tiers == ()
    return f"{defect.where}: {defect.reason}"


def test_leverage_and_initial_rate_of_a_row_must_agree() -> None:
    snapshot = live("okx")
    count = len(read(snapshot).schedules)

    def slip(document: dict[str, list[dict[str, str]]]) -> None:
        document["data"][3]["imr"] = str(float(document["data"][3]["imr"]) / 100)
        document["data"][3]["mmr"] = str(float(document["data"][3]["mmr"]) / 100)

    said = broken(read(altered(snapshot, "publicGetPublicPositionTiers", slip)), count)
    assert "/data/3/maxLever: leverage" in said
    assert "disagree" in said


def test_maintenance_above_initial_is_no_schedule() -> None:
    snapshot = live("lighter")

    def slip(document: dict[str, list[dict[str, str]]]) -> None:
        document["order_book_details"][0]["maintenance_margin_fraction"] = "1200"

    said = broken(read(altered(snapshot, "publicGetOrderBookDetails", slip)), 2)
    assert said.endswith("an MM rate of 0.12 lies above the IM rate of 0.02")


def test_a_curve_of_maintenance_above_initial_is_no_schedule_either() -> None:
    snapshot = live("delta")

    def slip(document: dict[str, list[dict[str, str]]]) -> None:
        document["result"][0]["maintenance_margin"] = "50"

    said = broken(read(altered(snapshot, "publicGetProducts", slip)), 2)
    assert said.endswith("lies above IM of 0.01")


@pytest.mark.parametrize(
    ("factor", "sound"), [(40, True), (0.03, True), (60, False), (0.01, False)]
)
def test_rates_that_leap_from_one_snapshot_to_the_next_are_not_believed(
    factor: float, *, sound: bool
) -> None:
    before = live("hibachi")

    def leap(document: dict[str, list[dict[str, str]]]) -> None:
        row = document["futureContracts"][0]
        for key, most in (("riskFactorForOrders", 1.0), ("maintenanceFactorForPositions", 0.999)):
            row[key] = str(min(most, float(row[key]) / 5 * factor))

    def smaller(document: dict[str, list[dict[str, str]]]) -> None:
        row = document["futureContracts"][0]
        for key in ("riskFactorForOrders", "maintenanceFactorForPositions"):
            row[key] = str(float(row[key]) / 5)

    base = altered(before, "publicGetMarketExchangeInfo", smaller)
    now = altered(before, "publicGetMarketExchangeInfo", leap)
    found = read(now, (base,))
    if sound:
        assert found.defects == ()
    else:
        assert "leapt from" in broken(found, 3)


def test_a_capacity_a_hundred_times_the_last_one_is_not_believed() -> None:
    before = live("extended")

    def leap(document: dict[str, list[dict[str, dict[str, str]]]]) -> None:
        document["data"][0]["tradingConfig"]["maxPositionValue"] = "6100000000"

    assert read(before, (before,)).defects == ()
    now = altered(before, "v1PublicGetInfoMarkets", leap)
    said = broken(read(now, (before,)), 1)
    assert said.endswith("the capacity leapt from 60000000 on "
                         f"{before.observed_at.date()} to 6100000000, a factor above 100")  # fmt: skip
    assert read(now).defects == ()


def test_a_new_field_hides_a_tier_but_only_a_telling_one_hides_an_instrument() -> None:
    snapshot = live("krakenfutures")
    method = "publicGetInstruments"

    def in_tier(document: dict[str, list[dict[str, list[dict[str, object]]]]]) -> None:
        document["instruments"][0]["marginLevels"][0]["colour"] = "green"

    found = read(altered(snapshot, method, in_tier))
    assert found.defects[0].where.endswith("/marginLevels/0/colour")

    wide = live("mudrex")

    def harmless(document: dict[str, list[dict[str, object]]]) -> None:
        document["data"][0]["colour"] = "green"

    def telling(document: dict[str, list[dict[str, object]]]) -> None:
        document["data"][0]["risk_tier"] = 2

    assert read(altered(wide, "privateGetFutures", harmless)).defects == ()
    assert "/data/0/risk_tier" in broken(read(altered(wide, "privateGetFutures", telling)), 40)


def test_recordings_are_not_held_against_the_laws() -> None:
    snapshot = recorded.of_venue("lighter")[0]
    assert {one.provenance.origin for one in snapshot.payloads} == {Origin.RECORDED}
    adapter = registry.adapter("lighter")
    assert adapter is not None
    parsed = adapter.parse(snapshot, facts.bundled())
    assert plausibility.screen(snapshot, parsed, dict, {}) is parsed


def test_the_known_fields_are_those_of_the_recordings() -> None:
    assert venue_fields.PATH.read_text(encoding="utf-8") == venue_fields.text()
    assert (
        "maintenanceMargin" in plausibility.known_fields()["bybit"]["publicGetV5MarketRiskLimit 3"]
    )


def test_every_live_schedule_keeps_the_laws_against_itself() -> None:
    for venue, one in baseline()[0].items():
        found = read(one.snapshot, (one.snapshot,))
        assert found.defects == (), venue
        silent = {"bingx", "btse", "bullish", "derive"}
        unknown = all(isinstance(each.initial, Unknown) for each in found.schedules)
        assert unknown == (venue in silent)
