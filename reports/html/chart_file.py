"""Charts of the report as separate SVG files with style, title and caption."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from textwrap import wrap
from unicodedata import east_asian_width

from harmonize.document.history import MarginSeries, ObservationGap, StressWindow, Week
from harmonize.text.sanitize import plain, short
from reports.html.history import schedule_chart, underlying_chart, weeks_chart
from reports.html.page import Chart
from reports.html.report import stylesheet

_BOX = re.compile(r'viewBox="0 0 (\d+) (\d+)"')
_CLASS, _SELECTOR, _NAME = (
    re.compile(pattern) for pattern in (r'class="([^"]*)"', r"([^{}]*)\{", r"\.([a-z][\w-]*)")
)
_VARIABLE, _COLOUR, _SPACE = (
    re.compile(pattern) for pattern in (r"var\((--[\w-]+)\)", r"(--[\w-]+): [^;]*;", r"\s+")
)
_MARGIN, _HEAD, _LINE = 18, 54, 17
_LINE_LETTERS, _TITLE_LETTERS = 84, 54
_SCALE = 2
"""Display size of a file, relative to the chart in the report."""


def schedule_file(series: Sequence[MarginSeries], stress: Sequence[StressWindow]) -> bytes:
    """Returns the chart of one schedule: IM and MM over time at each notional."""
    first = series[0]
    return framed_chart(schedule_chart(series, stress, "0"), f"{first.symbol} at {first.venue}")


def weeks_file(
    weeks: Sequence[Week], stress: Sequence[StressWindow], gaps: Sequence[ObservationGap] = ()
) -> bytes:
    """Returns the chart of the changes of one venue per week, with the weeks without observation."""
    return framed_chart(weeks_chart(weeks, stress, 0, gaps), f"Changes at {weeks[0].venue}")


def underlying_file(series: Sequence[MarginSeries], stress: Sequence[StressWindow]) -> bytes:
    """Returns the chart of IM on one underlying at every venue, at one notional."""
    styles: Mapping[str, int] = {
        venue: number
        for number, venue in enumerate(sorted({margin_series.venue for margin_series in series}))
    }
    chart = underlying_chart(series, stress, styles, 0)
    return framed_chart(chart, f"{series[0].underlying}: {chart.title}")


def framed_chart(chart: Chart, title: str) -> bytes:
    """Adds a background, the title above and the caption below a chart."""
    svg = str(chart.svg)
    box_match = _BOX.search(svg)
    if box_match is None:
        message = "expected a chart with a viewBox from 0 0"
        raise ValueError(message)
    width, height = int(box_match[1]) + 2 * _MARGIN, int(box_match[2])
    caption_lines = _wrap(plain(chart.caption))
    tall = _HEAD + height + _LINE * len(caption_lines) + 2 * _MARGIN
    box = f'viewBox="{-_MARGIN} {-_HEAD} {width} {tall}" width="{width * _SCALE}" height="{tall * _SCALE}"'
    head, rest = svg.replace(box_match[0], box, 1).split(">", 1)
    background = (
        f'<rect x="{-_MARGIN}" y="{-_HEAD}" width="{width}" height="{tall}" class="ground"/>'
    )
    subtitle = ", ".join(part for part in (chart.unit, chart.dates) if part)
    titles = (
        f'<text class="heading" x="0" y="{18 - _HEAD + 10}">{escape(short(title, _TITLE_LETTERS))}</text>'
        f'<text x="0" y="{36 - _HEAD + 10}">{escape(subtitle)}</text>'
    )
    lines = "".join(
        f'<text x="0" y="{height + _LINE * (number + 1)}">{escape(line)}</text>'
        for number, line in enumerate(caption_lines)
    )
    body = rest.removesuffix("</svg>")
    namespace = ' xmlns="http://www.w3.org/2000/svg"'
    return f"{head}{namespace}>{_style(_classes(svg))}{background}{body}{titles}{lines}</svg>\n".encode()


def _wrap(caption: str) -> list[str]:
    """Wraps a caption into lines; a wide letter counts twice."""
    padded = "".join(
        f"{letter}\0" if east_asian_width(letter) in "WF" else letter for letter in caption
    )
    return [line.replace("\0", "") for line in wrap(padded, _LINE_LETTERS)]


def _classes(svg: str) -> frozenset[str]:
    """Returns the classes of all elements of a chart."""
    return frozenset(name for names in _CLASS.findall(svg) for name in names.split())


@cache
def _style(classes: frozenset[str]) -> str:
    """Returns the chart rules that these classes need, with the colours that they use."""
    lines = [line for line in _chart_rules(stylesheet().splitlines()) if _is_needed(line, classes)]
    frame = (
        '.chart { width: auto; max-width: 100%; font: 12px -apple-system, "Segoe UI", Roboto,'
        ' "Helvetica Neue", Arial, sans-serif; font-variant-numeric: tabular-nums; }'
    )
    file_rules = [
        frame,
        ".chart rect.ground { fill: var(--paper); stroke: none; }",
        ".chart text.heading { font-weight: 700; font-size: 15px; fill: var(--ink); }",
    ]
    used = frozenset(_VARIABLE.findall("".join([*lines, *file_rules])))
    css = _SPACE.sub(" ", " ".join([*(_used_colours(line, used) for line in lines), *file_rules]))
    return f"<style>{escape(css, quote=False)}</style>"


def _used_colours(line: str, used: frozenset[str]) -> str:
    """Returns a line of the style sheet without the colours that no rule uses."""
    return _COLOUR.sub(lambda found: found[0] if found[1] in used else "", line)


def _is_needed(line: str, classes: frozenset[str]) -> bool:
    """Whether a line of rules is for one of the classes, or for elements of any class."""
    if not line.startswith(".chart "):
        return True
    named = {name for selector in _SELECTOR.findall(line) for name in _NAME.findall(selector)}
    return not named - {"chart"} or bool(named & (classes - {"chart"}))


def _chart_rules(lines: Sequence[str]) -> list[str]:
    """Selects the rules of charts and the blocks that define colours."""
    selected: list[str] = []
    is_inside, depth = False, 0
    for line in lines:
        starts_block = line.startswith((":root", "@media (prefers-color-scheme", ".chart "))
        if depth == 0:
            is_inside = starts_block
        if is_inside:
            selected.append(line)
        depth = max(0, depth + line.count("{") - line.count("}"))
    return selected
