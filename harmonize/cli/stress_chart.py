"""Chart of a stress on one underlying: the move against the shock, now and under other rules."""

from collections.abc import Sequence

from harmonize.api.stress import StressAnswer
from harmonize.document.stress import (
    CliffRow,
    StressChangedCliffRow,
    StressChangedPointRow,
    StressPointRow,
    StressRow,
)
from harmonize.text.messages import percent
from reports.charts.horizon_lines import MoveLine, Point, shock_lines, with_jumps
from reports.charts.svg import Frame
from reports.html.chart_file import framed_chart
from reports.html.page import Chart

_DASHES = ("d0", "d1", "d2")


def stress_chart(answer: StressAnswer) -> bytes:
    """Returns the curve of an answer on one underlying as an SVG file.

    The first change of rules is drawn beside the rules in force, for notionals kept.
    """
    (row,) = answer.rows
    title = f"Move of {row.underlying} against the shock"
    lines = [*_now(row), *_changed(row)]
    caption = _caption(row)
    chart = Chart(
        title=title,
        unit="move of the price as a share of the first mark",
        svg=shock_lines(Frame("stress", title, caption), lines),
        legend=(),
        caption=caption,
        columns=(),
        rows=(),
        dates=f"margins observed {row.oldest[:10]} to {row.newest[:10]}",
    )
    return framed_chart(chart, title)


def _now(row: StressRow) -> list[MoveLine]:
    """Returns the lines under today's rules; the axes are logarithmic, without a shock of 0."""
    liquidities = sorted({point.liquidity for point in row.points})
    return [
        MoveLine(
            f"today, {liquidity:g}×",
            f"c0 {_DASHES[number % len(_DASHES)]}",
            _line(row.points, row.cliffs, liquidity),
        )
        for number, liquidity in enumerate(liquidities)
    ]


def _changed(row: StressRow) -> list[MoveLine]:
    """Returns the lines under the first change, at every shock of the curve."""
    if not row.changed:
        return []
    first = row.changed[0]
    key = (first.what_if, first.rule_set, first.behaviour)
    points = [own for own in row.changed if (own.what_if, own.rule_set, own.behaviour) == key]
    cliffs = [
        own for own in row.changed_cliffs if (own.what_if, own.rule_set, own.behaviour) == key
    ]
    liquidities = sorted({point.liquidity for point in points})
    return [
        MoveLine(
            f"{first.rule_set or first.what_if}, {liquidity:g}×",
            f"c1 {_DASHES[number % len(_DASHES)]}",
            _line(points, cliffs, liquidity),
        )
        for number, liquidity in enumerate(liquidities)
    ]


def _line(
    points: Sequence[StressPointRow | StressChangedPointRow],
    cliffs: Sequence[CliffRow | StressChangedCliffRow],
    liquidity: float,
) -> tuple[Point, ...]:
    """Returns move against shock under one liquidity multiplier, with its jumps."""
    return with_jumps(
        ((own.shock, own.move) for own in points if own.liquidity == liquidity and own.shock > 0),
        (
            (own.shock, own.before, own.after)
            for own in cliffs
            if own.liquidity == liquidity and own.after is not None
        ),
    )


def _caption(row: StressRow) -> str:
    marks = "; ".join(f"{own.name} ({own.mark})" for own in row.defaults)
    cliffs = _places(row.cliffs)
    if row.changed:
        first = row.changed[0]
        key = (first.what_if, first.rule_set, first.behaviour)
        own = [c for c in row.changed_cliffs if (c.what_if, c.rule_set, c.behaviour) == key]
        name = first.rule_set or first.what_if
        cliffs += f" today, {_places(own)} under {name} ({first.behaviour})"
    return (
        f"Longs of {row.underlying} on {len(row.venues)} venues. The liquidity is assumed: volatility "
        f"times 1, 4 and 10. Cliffs: {cliffs}. Assumptions: {marks}. Amplification is not identified."
    )


def _places(cliffs: Sequence[CliffRow | StressChangedCliffRow]) -> str:
    """Returns the shocks of the first cliffs."""
    return ", ".join(f"{percent(own.shock)} ({own.liquidity:g}×)" for own in cliffs[:4]) or "none"
