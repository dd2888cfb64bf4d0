"""How far the observation time of a payload is known: exact, no later than, or between two times."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from harmonize.text.messages import iso_utc, observation_day


class DateKind(StrEnum):
    """Kind of knowledge of an observation time. All but the first leave it open within bounds."""

    EXACT = "exact"
    NO_LATER_THAN = "no later than"
    BETWEEN = "between"
    DERIVED = "derived"  # between two times, from recorded prices that fit the candles of that time


@dataclass(frozen=True, slots=True)
class DatePrecision:
    """How far an observation time is known.

    The observation time itself is the latest possible one. ``earliest`` is the earliest possible
    one, in UTC, of the kinds between two times; None for the other kinds.
    """

    kind: DateKind = DateKind.EXACT
    earliest: datetime | None = None

    def __post_init__(self) -> None:
        """Raises ValueError: the kind and the earliest time do not belong together."""
        is_range = self.kind in {DateKind.BETWEEN, DateKind.DERIVED}
        if is_range != (self.earliest is not None):
            message = f"date: expected {'an' if is_range else 'no'} earliest time for {self.kind!r}"
            raise ValueError(message)
        if self.earliest is not None and self.earliest.tzinfo is None:
            message = f"date: expected an earliest time with a time zone, found {self.earliest}"
            raise ValueError(message)

    @property
    def is_exact(self) -> bool:
        """Whether the observation time is known to be the time of the observation."""
        return self.kind is DateKind.EXACT

    def older_end(self, observed_at: datetime) -> datetime | None:
        """Returns the earliest possible time of an observation; None if there is no bound."""
        return observed_at if self.is_exact else self.earliest

    def earliest_text(self, observed_at: datetime) -> str:
        """Returns the earliest possible time in ISO 8601; empty if there is no bound."""
        earliest = self.older_end(observed_at)
        return iso_utc(earliest) if earliest else ""

    def day_text(self, observed_at: datetime) -> str:
        """Returns the day of an observation as far as it is known, as ``≤ 2026-08-01``."""
        return observation_day(
            iso_utc(observed_at), self.earliest_text(observed_at), self.kind.value
        )


EXACT = DatePrecision()
NO_LATER_THAN = DatePrecision(DateKind.NO_LATER_THAN)

_LATEST_BASIS = re.compile(r"\b(?:undated|unknown|upper bound|no later than|commit date|date of the commit|committed|present (?:in|by)|vendored)\b", re.IGNORECASE)  # fmt: skip
"""Words of a date basis by which a file existed on its date, but may have been recorded before."""


def is_upper_bound(basis: str) -> bool:
    """Returns whether a date basis, in words, dates only the file and not the observation."""
    return _LATEST_BASIS.search(basis) is not None


def stated_precision(basis: str) -> DatePrecision:
    """Returns the precision of a date of which only the basis is recorded, in words."""
    return NO_LATER_THAN if is_upper_bound(basis) else EXACT


def date_between(earliest: datetime, *, derived: bool = False) -> DatePrecision:
    """Returns the precision of an observation that took place at or after a time."""
    kind = DateKind.DERIVED if derived else DateKind.BETWEEN
    return DatePrecision(kind, earliest.astimezone(UTC))


def common_precision(dates: Iterable[tuple[datetime, DatePrecision]]) -> DatePrecision:
    """Returns the precision of what several payloads show together, each with its time.

    It is exact if all are, and without an earliest time if one has none.
    """
    known = tuple(dates)
    if all(precision.is_exact for _, precision in known):
        return EXACT
    ends = [precision.older_end(observed_at) for observed_at, precision in known]
    earliest = [end for end in ends if end is not None]
    if len(earliest) < len(ends):
        return NO_LATER_THAN
    kinds = {precision.kind for _, precision in known}
    return date_between(min(earliest), derived=DateKind.DERIVED in kinds)


CLOSE_DAYS = 31
"""Largest number of days between two exact observations that date what changed in between."""


def is_closely_dated(
    before: datetime | None, before_kind: str, after: datetime, after_kind: str
) -> bool:
    """Whether a change between two observations has a date: both exact, at most 31 days apart."""
    kinds = {before_kind, after_kind}
    return (
        before is not None
        and kinds == {DateKind.EXACT.value}
        and after - before <= timedelta(days=CLOSE_DAYS)
    )


def largest_distance(
    first: tuple[datetime, DatePrecision], second: tuple[datetime, DatePrecision]
) -> timedelta | None:
    """Returns the largest possible time between two observations, each with its latest time.

    None if it has no bound, because one of them has no earliest time.
    """
    (first_latest, _), (second_latest, _) = first, second
    first_earliest, second_earliest = (
        precision.older_end(latest) for latest, precision in (first, second)
    )
    if first_earliest is None or second_earliest is None:
        return None
    return max(first_latest - second_earliest, second_latest - first_earliest)
