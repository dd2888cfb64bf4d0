"""Chart of an answer on thresholds: cost against calm of every path."""

from harmonize.api.threshold_terms import ThresholdsAnswer
from harmonize.api.thresholds_table import day_text
from harmonize.core.schedule import Unknown
from harmonize.text.messages import counted, percent
from harmonize.text.words import join_words
from harmonize.thresholds.choice import MOST_RISE, Candidate
from harmonize.thresholds.path import Tool
from reports.charts.cost_points import CostPoint, cost_points
from reports.charts.svg import Frame
from reports.html.chart_file import framed_chart
from reports.html.page import Chart


def thresholds_chart(answer: ThresholdsAnswer) -> bytes:
    """Returns the chart as an SVG file: a circle per model and tool over all underlyings."""
    level = f"{answer.terms.level * 100:g} %"
    names = join_words([own.asset for own in answer.assets])
    title = f"Cost and calm of {level} thresholds"
    caption = _caption(answer)
    points = [_point(own, answer) for own in answer.candidates]
    frame = Frame("thresholds", f"{title}: {names}", caption)
    chart = Chart(
        title=title,
        unit="mean margin as a share of notional",
        svg=cost_points(frame, points, MOST_RISE),
        legend=(),
        caption=caption,
        columns=(),
        rows=(),
        dates=_dates(answer),
    )
    return framed_chart(chart, title)


def _dates(answer: ThresholdsAnswer) -> str:
    days = [
        day for own in answer.assets for day in (own.scores.first_day, own.scores.last_day) if day
    ]
    return f"tested {day_text(min(days))} to {day_text(max(days))}" if days else "not tested"


def _point(own: Candidate, answer: ThresholdsAnswer) -> CostPoint:
    failure = own.fails(answer.sides)
    default = answer.default
    is_default = not isinstance(default, Unknown) and default.candidate is own
    name = (
        f"{own.model}, tool: {own.tool}; mean margin {percent(own.mean_margin)}, largest 30-day rise "
        f"{percent(own.rise_30)}; {failure or 'covers both sides'}"
    )
    return CostPoint(
        own.model.value,
        name,
        own.rise_30,
        own.mean_margin,
        is_covering=not failure,
        is_numbered=own.tool is Tool.NONE,
        is_marked=is_default,
    )


def _caption(answer: ThresholdsAnswer) -> str:
    failing = sum(bool(own.fails(answer.sides)) for own in answer.candidates)
    total = counted(len(answer.candidates), "path")
    start = f"{total} (a number stands at those without a tool) over {counted(len(answer.assets), 'asset')}, of which {failing} fail coverage (hollow)."
    default = answer.default
    if isinstance(default, Unknown):
        return f"{start} No default: {default.reason}."
    own = default.candidate
    return (
        f"{start} The dashed line is a rise of {percent(MOST_RISE)}. Default, drawn large: {own.model}, "
        f"tool: {own.tool}, mean margin {percent(own.mean_margin)}, rise {percent(own.rise_30)}."
    )
