"""Marks beside numbers: how a margin is known. Each is a sign, told apart without colour."""

from collections.abc import Sequence
from dataclasses import dataclass

from harmonize.document import ScheduleRow, Status
from harmonize.text import numbers
from harmonize.text.words import VERIFIED_SIGNS
from reports.site.markup import Html, join, text


@dataclass(frozen=True, slots=True)
class Mark:
    """Sign, name and meaning of a mark."""

    sign: str
    name: str
    meaning: str


OBSERVED = Mark("", "observed", "a number without a mark was read from an answer of the venue")
DATE_BOUND = Mark(
    "≤",
    "date bound",
    "the date of the observation is known only as a latest possible day or a span",
)
STALE = Mark("†", "stale", "the observation is older than the limit of the audit")
DOCUMENTATION = Mark("‡", "documentation", "from the venue's documentation, not from its interface")
UNVERIFIED = Mark("○", "unverified", "derived by a rule that no source verifies")
EXCLUDED = Mark("°", "excluded", "shown, but excluded from every figure across venues")
NOT_RECORDED = Mark(
    "?", "not in this recording", "the recording is not complete: not known whether it was listed"
)
NOT_OBSERVABLE = Mark(
    "n/o", "not observable", "the venue does not publish it, or it was unreadable"
)
NOT_APPLICABLE = Mark("n/a", "not applicable", "the rule set does not cover it")
NOT_LISTED = Mark("·", "not listed", "absent from a complete recording of the venue")
ABOVE_CAPACITY = Mark(">cap", "above capacity", "the venue accepts no position of this size")
LOWER_BOUND = Mark(
    "≥", "lower bound", "the venue requires at least this; its margin at this size is not published"
)
NOT_TRADING = Mark(
    "⊘", "not trading", "the contract no longer trades on the date of the report; excluded"
)
ZERO = Mark("0 %", "zero", "a margin of zero, as the venue states it; never a missing number")

LEGEND = (
    OBSERVED,
    DATE_BOUND,
    STALE,
    DOCUMENTATION,
    UNVERIFIED,
    LOWER_BOUND,
    EXCLUDED,
    NOT_TRADING,
    NOT_RECORDED,
    NOT_OBSERVABLE,
    NOT_APPLICABLE,
    NOT_LISTED,
    ABOVE_CAPACITY,
    ZERO,
)
"""All marks, in the order of the legend."""


FLAG = Mark(
    "⚑",
    "flagged",
    "a part of a rule set that its text does not state: chosen, calibrated or derived here; the page"
    " of the rule set explains each",
)
"""Mark of a rule set; the number after it counts such parts."""


def schedule_marks(row: ScheduleRow, *, is_excluded: bool = False) -> tuple[Mark, ...]:
    """Returns the marks of all margins of a schedule."""
    conditions = (
        (STALE, row.stale),
        (DATE_BOUND, row.date_kind != "exact"),
        (DOCUMENTATION, row.origin == "documentation"),
        (EXCLUDED, is_excluded),
        (NOT_TRADING, bool(row.not_trading)),
    )
    return tuple(mark for mark, applies in conditions if applies)


def margin_status(row: ScheduleRow, margin_type: str) -> Status:
    """Returns the status of IM or MM."""
    return row.initial_status if margin_type == "initial" else row.maintenance_status


def margin_marks(row: ScheduleRow, margin_type: str) -> str:
    """Returns the signs that one margin needs beyond those of its schedule."""
    is_unverified = margin_status(row, margin_type) is Status.UNVERIFIED
    return UNVERIFIED.sign if is_unverified else ""


def rate_or_sign(value: float | None) -> str:
    """Returns a rate in percent; the sign of what is not observable if it is unknown."""
    return NOT_OBSERVABLE.sign if value is None else numbers.rate(value)


def signs(marks: tuple[Mark, ...]) -> str:
    """Returns the signs of marks."""
    return "".join(mark.sign for mark in marks)


def legend_line(rows: Sequence[ScheduleRow], up: str) -> Html:
    """Returns the marks of some schedules in one line, with a link to their meaning."""
    used = {mark for row in rows for mark in schedule_marks(row)}
    used |= {
        UNVERIFIED
        for row in rows
        if Status.UNVERIFIED in (row.initial_status, row.maintenance_status)
    }
    used |= {LOWER_BOUND for row in rows if row.known_up_to is not None}
    shown = [mark for mark in LEGEND if mark in used or mark in _ALWAYS]
    entries = [Html(f"{text(mark.sign)} {text(mark.name)}") for mark in shown]
    signs_text = "; ".join(f"{sign} {name}" for name, sign in VERIFIED_SIGNS.items())
    sources = text(f"{signs_text}; {FLAG.sign} {FLAG.name}")
    return Html(
        f'<p class="note"><a href="{up}glossary.html#marks">Marks</a>: {join(entries, "; ")};'
        f" none: observed. Sources of a requirement, with their number: {sources}.</p>\n"
    )


_ALWAYS = (NOT_OBSERVABLE, ABOVE_CAPACITY)
