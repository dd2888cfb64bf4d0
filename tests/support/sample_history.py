"""Hand-made margin series, and readers of charts over time."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from xml.etree.ElementTree import fromstring

from harmonize.document.history import MarginSeries, SeriesPoint, StressWindow, Week

WORST = '<script>alert("1")</script>&\x1b[31m\u202e' + "长" * 40
"""Worst case of a symbol: markup, quotes, control characters and many wide letters."""

CRASH = StressWindow("2024-03-10", "2024-03-12", "BTC −20 %", "hand-made")


def course(  # noqa: PLR0913 - one parameter per field
    rates: str,
    until: str,
    *,
    venue: str = "venue-a",
    margin_type: str = "initial",
    notional: float = 1e6,
    symbol: str = "BTC/USDT:USDT",
) -> MarginSeries:
    """Builds a series from text, ``2024-01-01 0.1, 2024-02-01 -``; ``-`` is an unknown rate."""
    pairs = [pair.split() for pair in rates.split(", ")]
    points = tuple(
        SeriesPoint(f"{day}T00:00:00Z", None if rate == "-" else float(rate)) for day, rate in pairs
    )
    return MarginSeries(
        "BTC", venue, symbol, "any", margin_type, notional, points, f"{until}T00:00:00Z"
    )


def week(monday: str, *counts: int, venue: str = "venue-a") -> Week:
    """Builds a week from tighter, looser, mixed, other, listed, delisted; missing counts are 0."""
    return Week(venue, monday, *(*counts, 0, 0, 0, 0, 0, 0)[:6])


def day(iso_time: str) -> float:
    """Returns days since 1970, independently of the code under test."""
    parsed = datetime.fromisoformat(iso_time)
    aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() / 86_400


@dataclass(frozen=True)
class Element:
    """Element of a chart: name, classes, attributes and text."""

    tag: str
    css: tuple[str, ...]
    attributes: dict[str, str]
    words: str


def elements(svg: str, css: str = "") -> list[Element]:
    """Parses a chart as strict XML; with `css`, only elements of that class. Raises ParseError."""
    root = fromstring(svg)  # noqa: S314 - our own output
    selected = []
    for node in root.iter():
        classes = tuple(node.get("class", "").split())
        if not css or css in classes:
            tag = node.tag.rpartition("}")[2]
            selected.append(Element(tag, classes, dict(node.attrib), "".join(node.itertext())))
    return selected


def runs(d: str) -> list[list[tuple[float, float]]]:
    """Returns the corners of a path of absolute M, H and V, one list per M."""
    all_runs: list[list[tuple[float, float]]] = []
    for letter, numbers in re.findall(r"([MHV])([^MHV]*)", d):
        parts = [float(number) for number in numbers.split()]
        if letter == "M":
            all_runs.append([(parts[0], parts[1])])
        else:
            x, y = all_runs[-1][-1]
            all_runs[-1].append((parts[0], y) if letter == "H" else (x, parts[0]))
    return all_runs


def stairs(svg: str) -> dict[str, list[list[tuple[float, float]]]]:
    """Returns the runs of each line by its name, without the key before the name."""
    lines = [element.attributes["d"] for element in elements(svg, "line")]
    names = [element.words for element in elements(svg, "name")]
    return {name: runs(d)[:-1] for name, d in zip(names, lines, strict=True)}


def across(svg: str, first: float, last: float) -> Callable[[float], float]:
    """Returns a function from x to days, from the ends of the axis."""
    d = elements(svg, "axis")[-1].attributes["d"]
    start, end = re.findall(r"^M(\S+) \S+?H([\d.]+)", d)[0]
    left, right = float(start), float(end)
    return lambda x: first + (x - left) / (right - left) * (last - first)


def levels(svg: str) -> list[tuple[float, float]]:
    """Returns the values of the grid lines, as labelled (10 % is 0.1), with their heights."""
    values = []
    for element in elements(svg, "rate"):
        label = element.words.replace("\u00a0", "").replace(",", "")
        value = float(label[:-1]) / 100 if label.endswith("%") else float(label)
        values.append((value, float(element.attributes["y"]) - 4.0))
    return values


def monday(number: int) -> str:
    """Returns the Monday of a week, counted from 2024-01-01."""
    return date.fromordinal(date(2024, 1, 1).toordinal() + 7 * number).isoformat()


def rate_at(points: Sequence[SeriesPoint], until: str, at: str) -> float | None:
    """Returns the rate of the last point up to a day; None before the first and after the end."""
    rate = None
    for point in points:
        if date.fromisoformat(point.observed_at[:10]) <= date.fromisoformat(at[:10]):
            rate = point.rate
    return rate if date.fromisoformat(at[:10]) <= date.fromisoformat(until[:10]) else None
