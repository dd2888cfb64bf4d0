"""From a value to its place in a drawing, and the round values on the way."""

import math
from dataclasses import dataclass

_MOST_TICKS = 7
_WHOLE = 1e-9  # so that five steps of 0.2 reach 1


@dataclass(frozen=True, slots=True)
class Scale:
    """From a value to its place, linear or logarithmic."""

    first: float
    last: float
    start: float
    end: float
    logarithmic: bool

    def place(self, value: float) -> float:
        """Where a value stands."""
        if self.logarithmic:
            part = math.log(value / self.first) / math.log(self.last / self.first)
        else:
            part = (value - self.first) / (self.last - self.first)
        return self.start + part * (self.end - self.start)


def nice_below(value: float) -> float:
    """Give the nearest 1, 2 or 5 times a power of ten below `value`, or at it."""
    size = abs(value)
    decade = 10.0 ** math.floor(math.log10(size))
    nice = [step * decade for step in (1.0, 2.0, 5.0, 10.0)]
    if value > 0:
        return max(step for step in nice if step <= size * (1 + 1e-9))
    return -min(step for step in nice if step >= size * (1 - 1e-9))


def ticks(scale: Scale) -> list[float]:
    """Give round values on the scale, at most seven."""
    if not scale.logarithmic:
        step = -nice_below(-(scale.last - scale.first) / (_MOST_TICKS - 1))
        return [step * number for number in range(1 + math.floor(scale.last / step + _WHOLE))]
    decades = range(math.floor(math.log10(scale.first)), 1 + math.ceil(math.log10(scale.last)))
    inside: list[float] = []
    for steps, every in (((1, 2, 5), 1), ((1, 3), 1), ((1,), 1), ((1,), 2), ((1,), 3)):
        marks = [step * 10.0**decade for decade in decades[::every] for step in steps]
        inside = [m for m in marks if scale.first * 0.999 <= m <= scale.last * 1.001]
        if len(inside) <= _MOST_TICKS:
            break
    return inside
