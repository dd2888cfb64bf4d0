"""The schedules that are compared with one another on one underlying, and which of them count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harmonize.comparison.layout import FunctionRef
from harmonize.core.payload import Origin
from harmonize.core.schedule import Derived, MarginSchedule
from harmonize.text.messages import iso_utc

_LEAST_VENUES = 2


@dataclass(frozen=True, slots=True)
class PeerGroup:
    """The schedules that stand for their venues on one underlying, with their rows."""

    underlying: str
    rows: tuple[int, ...]
    schedules: tuple[MarginSchedule, ...]

    @property
    def span(self) -> tuple[str, str]:
        """The oldest and the newest date that any of the schedules rests on."""
        return observation_span(self.schedules)

    def without(self, venue: str) -> "PeerGroup":
        """The same without one venue."""
        kept = [
            (row, one)
            for row, one in zip(self.rows, self.schedules, strict=True)
            if one.instrument.venue != venue
        ]
        return PeerGroup(
            self.underlying, tuple(row for row, _ in kept), tuple(one for _, one in kept)
        )

    def counted(self, placed: Sequence[FunctionRef | None]) -> tuple[int, ...]:
        """Places of the schedules that count in cross-venue figures and have this function."""
        return tuple(
            place
            for place, (row, schedule) in enumerate(zip(self.rows, self.schedules, strict=True))
            if not exclusion_reason(schedule) and placed[row] is not None
        )


def peer_groups(
    chosen: Mapping[str, Mapping[str, MarginSchedule]],
    schedules: Sequence[MarginSchedule],
    *,
    least: int = _LEAST_VENUES,
) -> tuple[PeerGroup, ...]:
    """Group chosen schedules by underlying, where at least so many venues list it."""
    rows = {schedule.key: row for row, schedule in enumerate(schedules)}
    return tuple(
        PeerGroup(
            underlying,
            tuple(rows[one.key] for one in by_venue.values()),
            tuple(by_venue.values()),
        )
        for underlying, by_venue in chosen.items()
        if len(by_venue) >= least
    )


UNVERIFIED = "no source verifies how its margins follow from what is published"


def exclusion_reason(schedule: MarginSchedule) -> str:
    """Say why a schedule is shown but counts in no cross-venue figure; empty when it counts."""
    if schedule.origin is Origin.DOCUMENTATION:
        return "rests on the venue's documentation"
    guessed = any(
        isinstance(one, Derived) and not one.verified
        for one in (schedule.initial, schedule.maintenance)
    )
    return schedule.exclusion_reason or (UNVERIFIED if guessed else "")


def observation_span(schedules: Sequence[MarginSchedule]) -> tuple[str, str]:
    """The oldest and newest observation that schedules rest on."""
    times = [time for one in schedules for time in (one.dates[0], one.dates[-1])]
    return iso_utc(min(times)), iso_utc(max(times))
