"""Rows of the audit document on how the calibrated margins of a rule set did: its report card.

Rates and shares are fractions, days ISO 8601 dates in UTC.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReviewSideRow:
    """How a margin covered the moves of one underlying on one side, ``long`` or ``short``.

    ``coverage`` is None for fewer moves than one expected breach, ``p_value``, that of Kupiec's test,
    for fewer that do not overlap. ``too_many`` tells that the test finds too many breaches.
    ``mean_margin`` is the cost. Of the worst breach, the day is empty if there was none. The moves are those
    of ``series``, empty in documents that do not state it.
    """

    underlying: str
    side: str
    first_day: str
    last_day: str
    moves: int
    breaches: int
    coverage: float | None
    p_value: float | None
    too_many: bool
    mean_margin: float | None
    worst_day: str
    worst_loss: float | None
    worst_margin: float | None
    series: str = ""


@dataclass(frozen=True, slots=True)
class UntestedUnderlyingRow:
    """Underlying that one test of a review does not have, and why.

    ``test`` is ``since the last version`` or ``formula in the past``.
    """

    underlying: str
    test: str
    reason: str


@dataclass(frozen=True, slots=True)
class CalibrationReviewRow:
    """How the last version of a rule set did since it was made, and its formula in the past.

    ``made_on`` is the last day of prices behind the version, empty if it states none. The review ends on
    ``day``, for the reason beside it. ``since`` tests the margins, fixed on ``made_on``, against all
    later moves over ``horizon_days``. ``in_past`` tests the formula, measured anew at the end of each
    day. ``reason`` states why nothing could be reviewed; empty if something was.
    """

    rule_set: str
    version: str = ""
    made_on: str = ""
    day: str = ""
    day_reason: str = ""
    horizon_days: int | None = None
    next_on: str = ""
    since: tuple[ReviewSideRow, ...] = ()
    in_past: tuple[ReviewSideRow, ...] = ()
    untested: tuple[UntestedUnderlyingRow, ...] = ()
    reason: str = ""
