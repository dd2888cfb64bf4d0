"""Groups of peers: who is included, groups without a venue, and symbols that override the rule."""

from dataclasses import replace
from datetime import timedelta

import pytest

from harmonize.comparison.peers import (
    UNVERIFIED,
    PeerGroup,
    exclusion_reason,
    observation_span,
    peer_groups,
)
from harmonize.comparison.representative import choose_representatives
from harmonize.core.instrument import contract
from harmonize.core.payload import Origin
from harmonize.core.schedule import Derived, MarginSchedule, value_of
from tests.harmonize.checks.examples import NOW, SOUND


def of_venue(venue: str, symbol: str = "BTC", settle: str = "USDT") -> MarginSchedule:
    instrument = contract(venue, symbol, base="BTC", quote=settle, settle=settle)
    return replace(SOUND, instrument=instrument)


OKX, MEXC, GATE = of_venue("okx"), of_venue("mexc"), of_venue("gate")
FUNCTION = value_of(SOUND.initial)
assert FUNCTION is not None


def test_a_group_without_a_venue_keeps_the_rows_of_the_others() -> None:
    group = PeerGroup("BTC", (4, 7, 9), (OKX, MEXC, GATE))
    assert group.without("mexc") == PeerGroup("BTC", (4, 9), (OKX, GATE))
    assert group.without("none") == group


@pytest.mark.parametrize(("least", "count"), [(1, 1), (2, 1), (3, 1), (4, 0)])
def test_a_group_has_at_least_the_smallest_number_of_venues(least: int, count: int) -> None:
    schedules = (OKX, MEXC, GATE)
    chosen = choose_representatives(schedules, {})
    groups = peer_groups(chosen, schedules, min_venues=least)
    assert len(groups) == count
    for group in groups:
        assert group.schedules == (GATE, MEXC, OKX)
        assert group.rows == (2, 1, 0)


def test_one_venue_alone_is_no_group() -> None:
    assert peer_groups(choose_representatives((OKX,), {}), (OKX,)) == ()
    both = (OKX, MEXC)
    assert len(peer_groups(choose_representatives(both, {}), both)) == 1


@pytest.mark.parametrize(
    ("schedule", "reason"),
    [
        (SOUND, ""),
        (replace(SOUND, initial=Derived(FUNCTION, "a step")), ""),
        (replace(SOUND, initial=Derived(FUNCTION, "a step", verified=False)), UNVERIFIED),
        (replace(SOUND, maintenance=Derived(FUNCTION, "a step", verified=False)), UNVERIFIED),
        (replace(SOUND, exclusion_reason="a part"), "a part"),
        (replace(SOUND, origin=Origin.DOCUMENTATION), "based on the venue's documentation"),
    ],
)
def test_why_a_schedule_is_excluded(schedule: MarginSchedule, reason: str) -> None:
    assert exclusion_reason(schedule) == reason
    group = PeerGroup("BTC", (0,), (schedule,))
    functions = [object()]
    assert group.included_positions(functions) == (() if reason else (0,))  # type: ignore[arg-type]
    assert group.included_positions([None]) == ()


def test_a_span_covers_all_payloads() -> None:
    day = timedelta(days=1)
    early = replace(OKX, dates=(NOW - 3 * day, NOW - day))
    late = replace(MEXC, dates=(NOW - 2 * day, NOW))
    assert observation_span((late, early)) == ("2026-03-07T00:00:00Z", "2026-03-10T00:00:00Z")


def test_a_symbol_overrides_the_rule_for_its_venue_alone() -> None:
    in_coins = of_venue("okx", "BTC2", settle="USDC")
    schedules = (OKX, in_coins, MEXC)
    assert choose_representatives(schedules, {})["BTC"] == {"mexc": MEXC, "okx": OKX}
    symbols = {("okx", "BTC"): "BTC/USDC:USDC"}
    assert choose_representatives(schedules, symbols)["BTC"] == {"mexc": MEXC, "okx": in_coins}
    with pytest.raises(KeyError, match="okx"):
        choose_representatives(schedules, {("okx", "BTC"): "BTC/USD:BTC"})
    with pytest.raises(KeyError, match="gate"):
        choose_representatives(schedules, {("gate", "BTC"): "BTC/USDT:USDT"})
