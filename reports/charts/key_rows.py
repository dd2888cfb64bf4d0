"""Key of a chart below its axis, where narrow screens show it: lines and areas with their names."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harmonize.text.sanitize import short
from reports.charts.svg import rectangle, rounded, svg_text

_LINE = 17.0
_SAMPLE = 16.0
_LETTER = 6.2  # approximate width of a letter


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """Name of a line or area, and the classes with which it is drawn."""

    name: str
    css: str
    is_area: bool = False


def key_height(count: int, columns: int) -> float:
    """Returns the height of a key with a number of entries."""
    return _LINE * -(-count // columns)


def key_rows(
    entries: Sequence[KeyEntry], start: tuple[float, float], width: float, columns: int
) -> Iterator[str]:
    """Draws entries in columns of a width, row by row, from the upper left corner."""
    left, top = start
    letters = int((width - _SAMPLE - 8.0) / _LETTER)
    for number, entry in enumerate(entries):
        x = left + width * (number % columns)
        y = top + _LINE * (number // columns + 0.5)
        if entry.is_area:
            yield rectangle(entry.css, (x, y - 5.0, _SAMPLE, 10.0), entry.name)
        else:
            data = f"M{rounded(x)} {rounded(y)}h{rounded(_SAMPLE)}"
            yield f'<path class="{entry.css}" d="{data}"/>'
        yield svg_text("side key", x + _SAMPLE + 5.0, y + 4.0, short(entry.name, letters))
