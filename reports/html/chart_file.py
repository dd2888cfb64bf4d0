"""A picture of the report as a file of its own: SVG that carries its style, its title and its sentence."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from textwrap import wrap
from unicodedata import east_asian_width

from harmonize.document.history import MarginSeries, StressWindow, Week
from harmonize.text.sanitize import plain, short
from reports.html.history import schedule_picture, underlying_picture, weeks_picture
from reports.html.page import Picture
from reports.html.report import stylesheet

_BOX = re.compile(r'viewBox="0 0 (\d+) (\d+)"')
_MARGIN, _HEAD, _LINE = 18, 54, 17
_LETTERS, _TITLE = 84, 54
_SCALE = 2
"""How many times as large a file is shown as the picture in the report."""


def schedule_file(courses: Sequence[MarginSeries], stress: Sequence[StressWindow]) -> bytes:
    """One schedule in steps: IM and MM at each size."""
    one = courses[0]
    return _file(schedule_picture(courses, stress, "0"), f"{one.symbol} at {one.venue}")


def weeks_file(weeks: Sequence[Week], stress: Sequence[StressWindow]) -> bytes:
    """The changes of one venue by week."""
    return _file(weeks_picture(weeks, stress, 0), f"Changes at {weeks[0].venue}")


def underlying_file(courses: Sequence[MarginSeries], stress: Sequence[StressWindow]) -> bytes:
    """IM on one underlying at every venue, at one size."""
    styles: Mapping[str, int] = {
        venue: number for number, venue in enumerate(sorted({one.venue for one in courses}))
    }
    picture = underlying_picture(courses, stress, styles, 0)
    return _file(picture, f"{courses[0].underlying}: {picture.title}")


def _file(picture: Picture, title: str) -> bytes:
    """Set title and sentence above and below the drawing, on paper."""
    svg = str(picture.svg)
    found = _BOX.search(svg)
    if found is None:
        message = "a drawing has a viewBox from 0 0"
        raise ValueError(message)
    width, height = int(found[1]) + 2 * _MARGIN, int(found[2])
    said = _lines(plain(picture.caption))
    tall = _HEAD + height + _LINE * len(said) + 2 * _MARGIN
    box = f'viewBox="{-_MARGIN} {-_HEAD} {width} {tall}" width="{width * _SCALE}" height="{tall * _SCALE}"'
    opened, rest = svg.replace(found[0], box, 1).split(">", 1)
    ground = f'<rect x="{-_MARGIN}" y="{-_HEAD}" width="{width}" height="{tall}" class="ground"/>'
    heads = (
        f'<text class="heading" x="0" y="{18 - _HEAD + 10}">{escape(short(title, _TITLE))}</text>'
        f'<text x="0" y="{36 - _HEAD + 10}">{escape(picture.unit)}, {escape(picture.dates)}</text>'
    )
    lines = "".join(
        f'<text x="0" y="{height + _LINE * (number + 1)}">{escape(line)}</text>'
        for number, line in enumerate(said)
    )
    body = rest.removesuffix("</svg>")
    namespace = ' xmlns="http://www.w3.org/2000/svg"'
    return f"{opened}{namespace}>{_style()}{ground}{body}{heads}{lines}</svg>\n".encode()


def _lines(said: str) -> list[str]:
    """Break a sentence into lines, wide letters counted twice."""
    filled = "".join(f"{one}\0" if east_asian_width(one) in "WF" else one for one in said)
    return [line.replace("\0", "") for line in wrap(filled, _LETTERS)]


def _style() -> str:
    """What of the report's stylesheet is about drawings, and the colours."""
    css = "\n".join(_about_drawings(stylesheet().splitlines()))
    own = (
        '.chart { width: auto; max-width: 100%; font: 12px -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; '
        "font-variant-numeric: tabular-nums; }\n"
        ".chart rect.ground { fill: var(--paper); stroke: none; }\n"
        ".chart text.heading { font-weight: 700; font-size: 15px; fill: var(--ink); }"
    )
    return f"<style>{escape(css, quote=False)}\n{own}</style>"


def _about_drawings(lines: Sequence[str]) -> list[str]:
    """The rules of drawings, and the blocks that name the colours."""
    found: list[str] = []
    inside, depth = False, 0
    for line in lines:
        begins = line.startswith((":root", "@media (prefers-color-scheme", ".chart "))
        if depth == 0:
            inside = begins
        if inside:
            found.append(line)
        depth = max(0, depth + line.count("{") - line.count("}"))
    return found
