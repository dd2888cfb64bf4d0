"""Which class a signal moves an asset to: direction, coverage, volumes, and classes of one asset."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D

import pytest

from harmonize.calibration.signal_moves import (
    Direction,
    EvidenceLimits,
    MemberClass,
    SignalMove,
    SignalProposal,
    SignalStay,
    current_moves,
    members_after,
    signal_moves,
)

CLASSES = (
    MemberClass("A", ("BTC",), D("0.1")),
    MemberClass("B", ("ETH",), D("0.125")),
    MemberClass("C", ("SOL", "XRP"), D("0.2")),
    MemberClass("D", ("UNI",), D("0.25")),
    MemberClass("E", ("PEPE",), D("0.333333")),
    MemberClass("F", ("NEW",), D("0.5")),
)
RAISE, LOWER, FAILING = Direction.RAISE, Direction.LOWER, Direction.FAILING


def proposal(asset: str, direction: Direction, rate: str | None) -> SignalProposal:
    signal = {RAISE: "MH511", LOWER: "MH513", FAILING: "MH515"}[direction]
    return SignalProposal(
        asset, signal, direction, None if rate is None else D(rate), date(2026, 3, 3), "figures"
    )


def target(asset: str, direction: Direction, rate: str | None, volume: str | None = "2e9") -> str:
    volumes = {} if volume is None else {asset: D(volume)}
    (decided,) = signal_moves([proposal(asset, direction, rate)], CLASSES, volumes)
    return decided.after.name if isinstance(decided, SignalMove) else decided.reason


@pytest.mark.parametrize(
    ("asset", "rate", "expected"),
    [
        ("SOL", "0.21", "D"),
        ("SOL", "0.25", "D"),
        ("SOL", "0.2501", "E"),
        ("SOL", "0.45", "F"),
        ("SOL", "0.6", "F"),  # no class reaches it
        ("SOL", "0.2", "stays in class C, whose v1 of 20.0 % covers it already"),
        ("SOL", "0.1", "stays in class C, whose v1 of 20.0 % covers it already"),
        ("NEW", "0.6", "stays in class F, whose v1 of 50.0 % is the highest"),
        ("BTC", "0.11", "C"),  # B is the class of ETH alone
        ("ETH", "0.13", "C"),
        ("OTHER", "0.3", "has no class"),
    ],
)
def test_a_raise_goes_to_the_lowest_class_that_covers_it(
    asset: str, rate: str, expected: str
) -> None:
    assert target(asset, RAISE, rate) == expected
    assert target(asset, RAISE, rate, None) == expected  # a higher class charges more at any volume


@pytest.mark.parametrize(
    ("asset", "rate", "volume", "expected"),
    [
        ("UNI", "0.2", "80e6", "C"),  # the boundary of 100m, a fifth wider
        ("UNI", "0.2", "79e6", "stays in class D, because class C does not admit its volume of $79,000,000"),
        ("UNI", "0.05", "80e6", "C"),  # A and B are of other assets
        ("UNI", "0.21", "80e6", "stays in class D, whose v1 of 25.0 % is the lowest that covers it"),
        ("UNI", "0.3", "80e6", "stays in class D, whose v1 of 25.0 % is the lowest that covers it"),
        ("UNI", "0.2", None, "stays in class D, because its volume, which class C requires, is not observable"),
        ("PEPE", "0.15", "40e6", "D"),
        ("PEPE", "0.15", "200e6", "C"),
        ("PEPE", "0.15", "20e6", "stays in class E, because class C or D does not admit its volume of $20,000,000"),
        ("NEW", "0.3", "20e6", "E"),
        ("NEW", "0.1", "3e6", "stays in class F, because class C or D or E does not admit its volume of $3,000,000"),
        ("BTC", "0.05", "2e9", "stays in class A, whose v1 of 10.0 % is the lowest that covers it"),
    ],
)  # fmt: skip
def test_a_lower_class_covers_the_proposal_and_admits_the_volume(
    asset: str, rate: str, volume: str | None, expected: str
) -> None:
    assert target(asset, LOWER, rate, volume) == expected


def test_a_failing_asset_moves_to_the_highest_class() -> None:
    assert target("SOL", FAILING, None) == "F"
    assert target("BTC", FAILING, None, None) == "F"
    assert target("NEW", FAILING, None) == "stays in class F, whose v1 of 50.0 % is the highest"


def test_of_several_signals_the_most_prudent_decides() -> None:
    lower, small, large = (
        proposal("SOL", LOWER, "0.05"),
        proposal("SOL", RAISE, "0.22"),
        proposal("SOL", RAISE, "0.3"),
    )
    failing = proposal("SOL", FAILING, None)
    for signals, name in (
        ([lower, small], "D"),
        ([large, small, lower], "E"),
        ([small, large], "E"),
        ([large, failing, lower], "F"),
    ):
        (move,) = signal_moves(signals, CLASSES, {"SOL": D(2_000_000_000)})
        assert isinstance(move, SignalMove)
        assert move.after.name == name


def test_members_keep_their_order_and_others_join_by_name() -> None:
    signals = [
        proposal("XRP", RAISE, "0.22"),
        proposal("BTC", RAISE, "0.23"),
        proposal("UNI", LOWER, "0.1"),
        proposal("PEPE", LOWER, "0.1"),
    ]
    decided = signal_moves(signals, CLASSES, {"UNI": D(200_000_000)})
    assert [isinstance(own, SignalStay) for own in decided] == [False, False, False, True]
    moves = [own for own in decided if isinstance(own, SignalMove)]
    assert members_after(CLASSES, moves) == {
        "A": (),
        "B": ("ETH",),
        "C": ("SOL", "UNI"),
        "D": ("BTC", "XRP"),
        "E": ("PEPE",),
        "F": ("NEW",),
    }


@pytest.mark.parametrize(
    ("as_of", "made_on", "reason"),
    [
        ("2026-03-03", "2026-03-03", ""),
        ("2026-04-03", "2026-03-03", ""),  # 31 days
        ("2026-04-03", None, ""),
        ("2026-04-04", "2026-03-03", "the evidence is 32 days old on 2026-04-04, more than 31"),
        (
            "2026-03-10",
            "2026-03-11",
            "2026-03-10 is before 2026-03-11, the day of the last version",
        ),
    ],
)
def test_a_signal_moves_only_on_recent_evidence_and_after_the_last_version(
    as_of: str, made_on: str | None, reason: str
) -> None:
    day = date.fromisoformat
    limits = EvidenceLimits(day(as_of), 31, day(made_on) if made_on else None)
    (decided,) = current_moves([proposal("SOL", FAILING, None)], CLASSES, {}, limits)
    if reason:
        assert isinstance(decided, SignalStay)
        assert decided.reason == f"is not moved by MH515, because {reason}"
    else:
        assert isinstance(decided, SignalMove)


def test_an_old_signal_leaves_the_decision_to_a_recent_one() -> None:
    limits = EvidenceLimits(date(2026, 3, 20), 31, date(2026, 3, 3))
    old = replace(proposal("SOL", FAILING, None), day=date(2025, 11, 13))
    recent, other = proposal("SOL", RAISE, "0.21"), replace(old, asset="OTHER")
    move, unknown, stay = current_moves([old, recent, other], CLASSES, {}, limits)
    assert isinstance(move, SignalMove)
    assert (move.proposal, move.after.name) == (recent, "D")
    assert isinstance(unknown, SignalStay)
    assert (unknown.proposal, unknown.reason) == (other, "has no class")
    assert isinstance(stay, SignalStay)
    assert (stay.proposal, "127 days old" in stay.reason) == (old, True)
