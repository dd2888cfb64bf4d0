"""Axis scales: from a value to its position in a chart, and round values as ticks."""

import math
from dataclasses import dataclass

_MOST_TICKS = 7
_WHOLE = 1e-9  # tolerance: five steps of 0.2 reach 1


@dataclass(frozen=True, slots=True)
class Scale:
    """Linear or logarithmic map from values `first` to `last` to positions `start` to `end`."""

    first: float
    last: float
    start: float
    end: float
    logarithmic: bool

    def place(self, value: float) -> float:
        """Returns the position of a value."""
        if self.logarithmic:
            fraction = math.log(value / self.first) / math.log(self.last / self.first)
        else:
            fraction = (value - self.first) / (self.last - self.first)
        return self.start + fraction * (self.end - self.start)


def nice_below(value: float) -> float:
    """Returns the largest 1, 2 or 5 times a power of ten that does not exceed `value`."""
    magnitude = abs(value)
    decade = 10.0 ** math.floor(math.log10(magnitude))
    steps = [step * decade for step in (1.0, 2.0, 5.0, 10.0)]
    if value > 0:
        return max(step for step in steps if step <= magnitude * (1 + 1e-9))
    return -min(step for step in steps if step >= magnitude * (1 - 1e-9))


def ticks(scale: Scale) -> list[float]:
    """Returns at most seven round values on the scale."""
    if not scale.logarithmic:
        step = -nice_below(-(scale.last - scale.first) / (_MOST_TICKS - 1))
        return [step * number for number in range(1 + math.floor(scale.last / step + _WHOLE))]
    decades = range(math.floor(math.log10(scale.first)), 1 + math.ceil(math.log10(scale.last)))
    values: list[float] = []
    for steps, every in (((1, 2, 5), 1), ((1, 3), 1), ((1,), 1), ((1,), 2), ((1,), 3)):
        candidates = [step * 10.0**decade for decade in decades[::every] for step in steps]
        values = [
            value for value in candidates if scale.first * 0.999 <= value <= scale.last * 1.001
        ]
        if len(values) <= _MOST_TICKS:
            break
    return values


def with_ends(scale: Scale) -> list[float]:
    """Returns the ticks of a scale and both its ends; a tick too close to an end is left out."""
    room = 34.0 if scale.start < scale.end else 14.0
    places = [(value, scale.place(value)) for value in ticks(scale)]
    inner = [
        value for value, at in places if min(abs(at - scale.start), abs(at - scale.end)) >= room
    ]
    return [scale.first, *inner, scale.last]
