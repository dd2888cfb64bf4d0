"""What drawings over time share: the axis of dates, levels, and bands of market stress with flags."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harmonize.document.history import StressWindow
from harmonize.text import numbers
from harmonize.text.sanitize import short
from reports.charts.dates import dates, moment
from reports.charts.scale import Scale
from reports.charts.svg import block, tenth, text

WIDTH, LEFT = 480.0, 44.0
FLOOR = 36.0
"""The height of the dates below a drawing."""

_LETTER = 6.4  # the width of a letter of a flag, about
_FLAG = 14.0  # the height of a row of flags
_MOST_ROWS = 3
_LONGEST = 16
_THINNEST = 2.0
_HALF_A_WEEK = 3.5


@dataclass(frozen=True, slots=True)
class _Band:
    """A window of stress as it is drawn, and the row of its flag; None where there is no room."""

    window: StressWindow
    x: float
    width: float
    row: int | None


def over(first: float, last: float, right: float) -> Scale:
    """Make the axis from one moment to another; around a single moment a week."""
    if first == last:
        first, last = first - _HALF_A_WEEK, last + _HALF_A_WEEK
    return Scale(first, last, LEFT, right, logarithmic=False)


def floor(across: Scale, bottom: float) -> Iterator[str]:
    """Draw the axis with its dates."""
    feet = ""
    for one in dates(across.first, across.last):
        x = across.place(one.at)
        feet += f"M{tenth(x)} {tenth(bottom)}v4"
        yield text("notional", x, bottom + 17.0, one.label)
        if one.year:
            yield text("notional", x, bottom + 31.0, one.year)
    line = f"M{tenth(across.start)} {tenth(bottom)}H{tenth(across.end)}"
    yield f'<path class="axis" d="{line}{feet}"/>'


def level(y: float, label: str, right: float) -> Iterator[str]:
    """Draw a line across at a height, with what it is at the left."""
    yield f'<path class="grid" d="M{tenth(LEFT)} {tenth(y)}H{tenth(right)}"/>'
    yield text("rate", LEFT - 6.0, y + 4.0, label)


def head(across: Scale, stress: Sequence[StressWindow]) -> float:
    """Give the height that flags need above a drawing."""
    rows = [one.row for one in _bands(across, stress) if one.row is not None]
    return 10.0 + _FLAG * (1 + max(rows) if rows else 0)


def bands(
    across: Scale, stress: Sequence[StressWindow], bounds: tuple[float, float]
) -> Iterator[str]:
    """Draw windows of stress from top to bottom, each under a flag with its name."""
    top, bottom = bounds
    for one in _bands(across, stress):
        window = one.window
        note = f"{window.name}, {numbers.span(window.first, window.last)}"
        yield block("stress", (one.x, top, one.width, bottom - top), note)
        if one.row is not None:
            high = top - 5.0 - _FLAG * one.row
            yield f'<path class="pole" d="M{tenth(one.x)} {tenth(top)}V{tenth(high - 8.0)}"/>'
            yield text("flag", one.x + 3.0, high, short(window.name, _LONGEST))


def _bands(across: Scale, stress: Sequence[StressWindow]) -> list[_Band]:
    """Place the windows that the axis shows, the latest first: its flag hangs lowest.

    A flag hangs right of its pole, so it must hang above the flags of all poles that it passes.
    """
    placed: list[_Band] = []
    for one in sorted(stress, key=lambda one: one.first, reverse=True):
        first, last = moment(one.first), moment(one.last) + 1.0
        if last <= across.first or first >= across.last:
            continue
        x, end = across.place(max(first, across.first)), across.place(min(last, across.last))
        reach = x + 7.0 + _LETTER * len(short(one.name, _LONGEST))
        passed = [band.row for band in placed if band.row is not None and band.x < reach]
        row = 1 + max(passed) if passed else 0
        fits = row < _MOST_ROWS and reach <= WIDTH
        placed.append(_Band(one, x, max(_THINNEST, end - x), row if fits else None))
    return placed
