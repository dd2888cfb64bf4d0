"""Drawings of areas and bars: SVG with text as text, colours from the style sheet.

Each has a title and a description for who cannot see it; every number in it stands in a table too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from harmonize.text import numbers
from harmonize.text.sanitize import plain
from reports.charts.margin_curves import COLOURS, Svg
from reports.charts.scale import Scale, ticks
from reports.charts.svg import Frame, drawing, path, tenth, text

_WIDTH = 520.0
_LEFT, _RIGHT = 44.0, 508.0
_ROW, _BAR = 22.0, 15.0
_NAME = 128.0  # where names of rows end
_LETTER = 6.6  # the width of a letter, about
_LONGEST = 17


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar: whose it is, its share of the bar, and what pointing at it says."""

    name: str
    share: float
    note: str


@dataclass(frozen=True, slots=True)
class Stripe:
    """A stretch of the logarithmic axis that belongs to somebody; several names share it."""

    lower: float
    upper: float
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a row goes to the left and to the right; None where nothing can be said."""

    name: str
    left: float | None
    right: float | None
    inner_left: float | None
    inner_right: float | None
    note: str


def stacked(frame: Frame, notionals: Sequence[float], layers: Sequence[Sequence[float]]) -> Svg:
    """Draw shares of the reference over notional: what is needed, then divergence, then fragmentation.

    ``layers`` are the upper edges of the three, a value a notional; the last is 1 where no margin is
    above the reference.
    """
    height, bottom, top = 250.0, 226.0, 12.0
    if not notionals:
        return drawing(frame, (_WIDTH, height), [])
    across = Scale(*_apart(notionals[0], notionals[-1]), _LEFT, _RIGHT, logarithmic=True)
    highest = max(1.0, *(value for layer in layers for value in layer))
    up = Scale(0.0, highest, bottom, top, logarithmic=False)
    parts = [*_floor(across, bottom)]
    below: Sequence[float] = [0.0] * len(notionals)
    for css, layer in zip(("needed", "divergent", "fragmented"), layers, strict=True):
        there = [(across.place(n), up.place(v)) for n, v in zip(notionals, layer, strict=True)]
        back = [(across.place(n), up.place(v)) for n, v in zip(notionals, below, strict=True)]
        parts.append(f'<path class="area {css}" d="{path([*there, *reversed(back)])}Z"/>')
        below = layer
    for value in ticks(up):
        y = up.place(value)
        parts.append(f'<path class="grid over" d="{path([(_LEFT, y), (_RIGHT, y)])}"/>')
        parts.append(text("rate", _LEFT - 6, y + 4, numbers.axis_rate(value)))
    marks = "".join(f"M{tenth(across.place(n))} {tenth(bottom)}v-5" for n in notionals)
    parts.append(f'<path class="axis" d="{marks}"/>')
    return drawing(frame, (_WIDTH, height), parts)


def bars(
    frame: Frame, rows: Sequence[tuple[str, Sequence[Part]]], styles: Mapping[str, int]
) -> Svg:
    """Draw one bar a row, each parted into shares of itself."""
    parts = []
    for number, (label, shares) in enumerate(rows):
        y = 6.0 + number * (_ROW + 4.0)
        parts.append(text("rate", 62.0, y + 15.0, label))
        x = 68.0
        for part in shares:
            width = part.share * (_RIGHT - 68.0)
            parts.append(_block(part.name, (x, y, width, 20.0), part.note, styles))
            x += width
    return drawing(frame, (_WIDTH, 12.0 + len(rows) * (_ROW + 4.0)), parts)


def band(frame: Frame, stripes: Sequence[Stripe], styles: Mapping[str, int]) -> Svg:
    """Draw whose each stretch of the axis is; of several, stripes one over the other."""
    height, top, tall = 92.0, 8.0, 46.0
    if not stripes:
        return drawing(frame, (_WIDTH, height), [])
    across = Scale(
        *_apart(stripes[0].lower, stripes[-1].upper), _LEFT - 30.0, _RIGHT, logarithmic=True
    )
    parts = []
    for one in stripes:
        x, end = across.place(one.lower), across.place(one.upper)
        part = tall / len(one.names)
        for number, name in enumerate(one.names):
            note = f"{name}, {numbers.interval(one.lower, one.upper)}"
            parts.append(_block(name, (x, top + number * part, end - x, part), note, styles))
    return drawing(frame, (_WIDTH, height), [*parts, *_floor(across, top + tall + 4.0)])


def reaches(frame: Frame, rows: Sequence[Reach]) -> Svg:
    """Draw bars to both sides of a line: pale ones, and darker ones inside them."""
    height = 34.0 + len(rows) * _ROW
    far = [v for one in rows for v in (one.left, one.right, one.inner_left, one.inner_right)]
    most = max((value for value in far if value is not None), default=0.0) or 0.1
    middle = _NAME + (_RIGHT - _NAME) / 2.0
    scale = Scale(0.0, most, 0.0, _RIGHT - middle, logarithmic=False)
    bottom = height - 22.0
    parts = []
    for value in ticks(scale):
        for sign in (-1.0, 1.0) if value else (1.0,):
            x = middle + sign * scale.place(value)
            parts.append(f'<path class="grid" d="M{tenth(x)} 4V{tenth(bottom)}"/>')
            said = numbers.axis_rate(value)
            parts.append(text("notional", x, height - 6.0, f"−{said}" if sign < 0 else said))
    for number, one in enumerate(rows):
        y = 6.0 + number * _ROW
        parts.append(text("rate", _NAME - 8.0, y + 12.0, _short(one.name)))
        known = (one.left, one.right) != (None, None)
        for css, left, right in (
            ("equal", one.left, one.right),
            ("largest", one.inner_left, one.inner_right),
        ):
            parts += _sides(css, middle, y, [scale.place(v or 0.0) for v in (left, right)])
        if not known and one.inner_left is None and one.inner_right is None:
            parts.append(text("why", middle + 6.0, y + 12.0, one.note))
    parts.append(f'<path class="axis" d="M{tenth(middle)} 4V{tenth(bottom)}"/>')
    return drawing(frame, (_WIDTH, height), parts)


def _sides(css: str, middle: float, y: float, lengths: Sequence[float]) -> list[str]:
    left, right = lengths
    if not left and not right:
        return []
    return [
        (
            f'<rect class="{css}" x="{tenth(middle - left)}" y="{tenth(y)}" width="{tenth(left + right)}"'
            f' height="{tenth(_BAR)}"/>'
        )
    ]


def _block(
    name: str,
    box: tuple[float, float, float, float],
    note: str,
    styles: Mapping[str, int],
) -> str:
    x, y, width, height = box
    style = styles.get(name, 0)
    css = f"b{style % COLOURS}" + (" pale" if style // COLOURS % 2 else "")
    drawn = (
        f'<rect class="{css}" x="{tenth(x)}" y="{tenth(y)}" width="{tenth(max(width, 0.3))}"'
        f' height="{tenth(height)}"><title>{escape(plain(note))}</title></rect>'
    )
    if len(name) * _LETTER + 6.0 <= width and height >= 12.0:  # noqa: PLR2004 - a line of text
        ink = "onpale" if "pale" in css else "on"
        drawn += text(ink, x + 4.0, y + height / 2.0 + 4.0, name)
    return drawn


def _floor(across: Scale, bottom: float) -> Iterable[str]:
    yield f'<path class="axis" d="M{tenth(across.start)} {tenth(bottom)}H{tenth(across.end)}"/>'
    for value in ticks(across):
        yield text("notional", across.place(value), bottom + 16.0, numbers.usd(value))


def _apart(first: float, last: float) -> tuple[float, float]:
    return (first, last) if last > first else (first / 2.0, first * 2.0)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
