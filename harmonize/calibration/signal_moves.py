"""Moves of assets between the classes of the harmonized baseline that signals on thresholds propose."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import IntEnum

from harmonize.calibration.classes import ONE_ASSET, admits
from harmonize.text.messages import dollars, percent


class Direction(IntEnum):
    """Where a signal asks a margin to move; of several on one asset, the largest decides."""

    LOWER = 1
    RAISE = 2
    FAILING = 3


@dataclass(frozen=True, slots=True)
class SignalProposal:
    """Proposal of a signal that is on: ``rate`` is a margin rate, None for a failing asset.

    ``text`` has the figures of the evidence, ``day`` is the day before which it was known.
    """

    asset: str
    signal: str
    direction: Direction
    rate: Decimal | None
    day: date
    text: str


@dataclass(frozen=True, slots=True)
class MemberClass:
    """Class of a schedule with its members and its v1, a share of the price."""

    name: str
    assets: tuple[str, ...]
    v1: Decimal


@dataclass(frozen=True, slots=True)
class SignalMove:
    """Move of an asset to another class, with the proposal behind it."""

    proposal: SignalProposal
    before: MemberClass
    after: MemberClass


@dataclass(frozen=True, slots=True)
class SignalStay:
    """Asset that stays in its class despite a proposal, with the reason."""

    proposal: SignalProposal
    reason: str


@dataclass(frozen=True, slots=True)
class EvidenceLimits:
    """Limits of the days on which the evidence of a signal may lie to move an asset.

    ``as_of`` is the day of the answer, ``max_age_days`` the largest age of the evidence on it. ``made_on``
    is the day of the last version; None: it states none.
    """

    as_of: date
    max_age_days: int
    made_on: date | None

    def problem(self, day: date) -> str:
        """Returns why evidence of a day moves no asset, as the end of a sentence; empty if it may."""
        if self.made_on is not None and self.as_of < self.made_on:
            return f"{self.as_of} is before {self.made_on}, the day of the last version"
        age = (self.as_of - day).days
        if age > self.max_age_days:
            return f"the evidence is {age} days old on {self.as_of}, more than {self.max_age_days}"
        return ""


def current_moves(
    proposals: Sequence[SignalProposal],
    classes: Sequence[MemberClass],
    volumes: Mapping[str, Decimal],
    limits: EvidenceLimits,
) -> tuple[SignalMove | SignalStay, ...]:
    """Returns ``signal_moves`` of the proposals within the limits, then each other one with the reason.

    A proposal on an asset without a class has that reason, whatever its day.
    """
    members = {asset for own in classes for asset in own.assets}
    problems = {own: limits.problem(own.day) for own in proposals if own.asset in members}
    current = [own for own in proposals if not problems.get(own)]
    refused = (
        SignalStay(own, f"is not moved by {own.signal}, because {problem}")
        for own, problem in problems.items()
        if problem
    )
    return (*signal_moves(current, classes, volumes), *refused)


def signal_moves(
    proposals: Sequence[SignalProposal],
    classes: Sequence[MemberClass],
    volumes: Mapping[str, Decimal],
) -> tuple[SignalMove | SignalStay, ...]:
    """Returns per asset with a proposal where it moves, or why it stays, in the order of the proposals.

    The target is the class with the lowest v1 that is not below the proposal, otherwise the highest.
    ``volumes`` are daily, in USD. A lower class must admit the volume of the asset within the hysteresis
    of 20 %: its tiers assume that a position can be closed at that volume. A higher one charges more at
    every size. A class of one asset takes no other.
    """
    decisive: dict[str, SignalProposal] = {}
    for proposal in proposals:
        known = decisive.get(proposal.asset)
        if known is None or _weight(proposal) > _weight(known):
            decisive[proposal.asset] = proposal
    return tuple(_decided(own, classes, volumes) for own in decisive.values())


def members_after(
    classes: Sequence[MemberClass], moves: Sequence[SignalMove]
) -> Mapping[str, tuple[str, ...]]:
    """Returns the members of each class: those that stay in their order, then those that join, by name."""
    targets = {move.proposal.asset: move.after.name for move in moves}
    return {
        own.name: (
            *(asset for asset in own.assets if asset not in targets),
            *sorted(asset for asset, name in targets.items() if name == own.name),
        )
        for own in classes
    }


def _weight(proposal: SignalProposal) -> tuple[Direction, Decimal]:
    return proposal.direction, proposal.rate or Decimal(0)


def _decided(
    proposal: SignalProposal, classes: Sequence[MemberClass], volumes: Mapping[str, Decimal]
) -> SignalMove | SignalStay:
    current = next((own for own in classes if proposal.asset in own.assets), None)
    if current is None:
        return SignalStay(proposal, "has no class")
    allowed = list(_allowed(proposal, current, classes, volumes.get(proposal.asset)))
    if target := _target(proposal, allowed):
        return SignalMove(proposal, current, target)
    return SignalStay(
        proposal, f"stays in class {current.name}, {_why(proposal, current, classes, volumes)}"
    )


def _target(proposal: SignalProposal, allowed: Sequence[MemberClass]) -> MemberClass | None:
    """Returns the class to move to; a raise that no class reaches ends in the highest one."""
    covering = [own for own in allowed if _covers(own, proposal)]
    if covering:
        return min(covering, key=lambda own: own.v1)
    is_raise = proposal.direction is not Direction.LOWER
    return max(allowed, key=lambda own: own.v1) if allowed and is_raise else None


def _allowed(
    proposal: SignalProposal,
    current: MemberClass,
    classes: Sequence[MemberClass],
    volume: Decimal | None,
) -> Iterator[MemberClass]:
    """Yields the classes in the direction of a proposal that may take its asset."""
    for own in classes:
        if ONE_ASSET.get(own.name, proposal.asset) != proposal.asset:
            continue
        if proposal.direction is not Direction.LOWER:
            is_allowed = own.v1 > current.v1 and not _covers(current, proposal)
        elif own.v1 < current.v1 and proposal.rate is not None and volume is not None:
            is_allowed = admits(own.name, proposal.asset, proposal.rate, volume)
        else:
            is_allowed = False
        if is_allowed:
            yield own


def _covers(own: MemberClass, proposal: SignalProposal) -> bool:
    return proposal.rate is not None and own.v1 >= proposal.rate


def _why(
    proposal: SignalProposal,
    current: MemberClass,
    classes: Sequence[MemberClass],
    volumes: Mapping[str, Decimal],
) -> str:
    """Returns why no class is left to move to."""
    v1 = percent(float(current.v1))
    if proposal.direction is not Direction.LOWER:
        reason = "covers it already" if _covers(current, proposal) else "is the highest"
        return f"whose v1 of {v1} {reason}"
    lower = [
        own.name
        for own in classes
        if own.v1 < current.v1
        and _covers(own, proposal)
        and ONE_ASSET.get(own.name, proposal.asset) == proposal.asset
    ]
    if not lower:
        return f"whose v1 of {v1} is the lowest that covers it"
    volume = volumes.get(proposal.asset)
    if volume is None:
        return f"because its volume, which class {' or '.join(lower)} requires, is not observable"
    return (
        f"because class {' or '.join(lower)} does not admit its volume of {dollars(float(volume))}"
    )
