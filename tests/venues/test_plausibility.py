"""Plausibility checks: errors of scale and jumps withhold a live schedule."""

import pytest

from harmonize.core.payload import Origin, Snapshot
from harmonize.core.schedule import Unknown
from tests.replay.gathering import baseline
from tests.support import recorded
from tests.support.altered_snapshots import altered
from venues import facts, plausibility, registry
from venues.adapter import Parsed
from venues.beliefs import Beliefs


def live(venue: str) -> Snapshot:
    return baseline()[0][venue].snapshot


def read(snapshot: Snapshot, before: tuple[Snapshot, ...] = ()) -> Parsed:
    bundled = facts.bundled()
    beliefs = Beliefs()
    for other in before:
        beliefs = beliefs.with_recording(other, registry.read(other, bundled).schedules)
    return registry.parse([snapshot], bundled, beliefs)


def withheld_reason(parsed: Parsed, count: int) -> str:
    """Location and reason of the only defect; all other schedules must be unchanged."""
    (defect,) = parsed.defects
    withheld = [schedule for schedule in parsed.schedules if isinstance(schedule.initial, Unknown)]
    assert len(parsed.schedules) == count
    assert [schedule.instrument.id for schedule in withheld] == [defect.symbol]
    assert isinstance(withheld[0].maintenance, Unknown)
    assert isinstance(withheld[0].capacity, Unknown)
    assert withheld[0].tiers == ()
    return f"{defect.where}: {defect.reason}"


def test_leverage_and_initial_rate_of_a_row_must_agree() -> None:
    snapshot = live("okx")
    count = len(read(snapshot).schedules)

    def misscale(document: dict[str, list[dict[str, str]]]) -> None:
        document["data"][3]["imr"] = str(float(document["data"][3]["imr"]) / 100)
        document["data"][3]["mmr"] = str(float(document["data"][3]["mmr"]) / 100)

    reason = withheld_reason(
        read(altered(snapshot, "publicGetPublicPositionTiers", misscale)), count
    )
    assert "/data/3/maxLever: maximum leverage" in reason
    assert "contradicts the IM rate" in reason


def test_maintenance_above_initial_withholds_the_schedule() -> None:
    snapshot = live("lighter")

    def misscale(document: dict[str, list[dict[str, str]]]) -> None:
        document["order_book_details"][0]["maintenance_margin_fraction"] = "1200"

    reason = withheld_reason(read(altered(snapshot, "publicGetOrderBookDetails", misscale)), 2)
    assert reason.endswith("MM rate 0.12 exceeds the IM rate 0.02")


def test_a_maintenance_curve_above_initial_withholds_the_schedule() -> None:
    snapshot = live("delta")

    def misscale(document: dict[str, list[dict[str, str]]]) -> None:
        document["result"][0]["maintenance_margin"] = "50"

    reason = withheld_reason(read(altered(snapshot, "publicGetProducts", misscale)), 2)
    assert reason.endswith("exceeds the IM rate 0.01")


@pytest.mark.parametrize(
    ("factor", "is_plausible"), [(40, True), (0.03, True), (60, False), (0.01, False)]
)
def test_rates_that_jump_between_snapshots_withhold_the_schedule(
    factor: float, *, is_plausible: bool
) -> None:
    before = live("hibachi")

    def jump(document: dict[str, list[dict[str, str]]]) -> None:
        row = document["futureContracts"][0]
        for key, maximum in (
            ("riskFactorForOrders", 1.0),
            ("maintenanceFactorForPositions", 0.999),
        ):
            row[key] = str(min(maximum, float(row[key]) / 5 * factor))

    def smaller(document: dict[str, list[dict[str, str]]]) -> None:
        row = document["futureContracts"][0]
        for key in ("riskFactorForOrders", "maintenanceFactorForPositions"):
            row[key] = str(float(row[key]) / 5)

    base = altered(before, "publicGetMarketExchangeInfo", smaller)
    now = altered(before, "publicGetMarketExchangeInfo", jump)
    parsed = read(now, (base,))
    if is_plausible:
        assert parsed.defects == ()
    else:
        factor_text = f"{factor:g} times" if factor > 1 else f"1/{1 / factor:g} of"
        assert f"the IM rate is {factor_text} that of" in withheld_reason(parsed, 3)


def test_a_capacity_over_a_hundred_times_the_last_withholds_the_schedule() -> None:
    before = live("extended")

    def jump(document: dict[str, list[dict[str, dict[str, str]]]]) -> None:
        document["data"][0]["tradingConfig"]["maxPositionValue"] = "6100000000"

    assert read(before, (before,)).defects == ()
    now = altered(before, "v1PublicGetInfoMarkets", jump)
    reason = withheld_reason(read(now, (before,)), 1)
    assert f"that of {before.observed_at.date()}; withheld until" in reason
    assert read(now).defects == ()


def test_recordings_are_exempt_from_the_checks() -> None:
    snapshot = recorded.of_venue("lighter")[0]
    assert {payload.provenance.origin for payload in snapshot.payloads} == {Origin.RECORDED}
    adapter = registry.find_adapter("lighter")
    assert adapter is not None
    parsed = adapter.parse(snapshot, facts.bundled())
    references = plausibility.References(Beliefs(), Beliefs, lambda *_: False)
    assert plausibility.screen(snapshot, parsed, dict, references, {}).parsed is parsed


def test_every_live_schedule_passes_the_checks_against_itself() -> None:
    without_initial = {"bingx", "btse", "bullish", "derive", "htx"}
    for venue, gathered in baseline()[0].items():
        parsed = read(gathered.snapshot, (gathered.snapshot,))
        assert parsed.defects == (), venue
        is_unknown = all(isinstance(schedule.initial, Unknown) for schedule in parsed.schedules)
        assert is_unknown == (venue in without_initial)
