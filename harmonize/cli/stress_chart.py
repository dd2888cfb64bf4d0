"""Chart of a stress on one underlying: the move against the shock, now and under other rules."""

from harmonize.api.stress import StressAnswer
from harmonize.document.stress import StressRow
from harmonize.text.messages import percent
from reports.charts.horizon_lines import MoveLine, shock_lines
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
            tuple(
                (p.shock, p.move) for p in row.points if p.liquidity == liquidity and p.shock > 0
            ),
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
    liquidities = sorted({point.liquidity for point in points})
    return [
        MoveLine(
            f"{first.what_if}, {liquidity:g}×",
            f"c1 {_DASHES[number % len(_DASHES)]}",
            tuple((p.shock, p.move) for p in points if p.liquidity == liquidity and p.shock > 0),
        )
        for number, liquidity in enumerate(liquidities)
    ]


def _caption(row: StressRow) -> str:
    marks = "; ".join(f"{own.name} ({own.mark})" for own in row.defaults)
    cliffs = ", ".join(percent(cliff.shock) for cliff in row.cliffs[:4]) or "none"
    return (
        f"Longs of {row.underlying} on {len(row.venues)} venues. The liquidity is assumed: volatility "
        f"times 1, 4 and 10. Cliffs: {cliffs}. Assumptions: {marks}. Amplification is not identified."
    )
