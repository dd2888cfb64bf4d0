"""Hand-made pasts, and what a drawing over time says when it is read back from its SVG."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from xml.etree.ElementTree import fromstring

from harmonize.document.history import MarginSeries, SeriesPoint, StressWindow, Week

WORST = '<script>alert("1")</script>&\x1b[31m\u202e' + "长" * 40
"""What a venue may call a symbol: markup, quotes, control characters, wide letters, without end."""

CRASH = StressWindow("2024-03-10", "2024-03-12", "BTC −20 %", "hand-made")


def course(  # noqa: PLR0913 - one parameter a field
    marks: str,
    until: str,
    *,
    venue: str = "venue-a",
    margin_type: str = "initial",
    notional: float = 1e6,
    symbol: str = "BTC/USDT:USDT",
) -> MarginSeries:
    """A course from text, ``2024-01-01 0.1, 2024-02-01 -``; ``-`` is a rate that is not known."""
    pairs = [one.split() for one in marks.split(", ")]
    found = tuple(
        SeriesPoint(f"{day}T00:00:00Z", None if rate == "-" else float(rate)) for day, rate in pairs
    )
    return MarginSeries(
        "BTC", venue, symbol, "any", margin_type, notional, found, f"{until}T00:00:00Z"
    )


def week(monday: str, *counts: int, venue: str = "venue-a") -> Week:
    """A week from tighter, looser, mixed, other, listed, delisted; those not given are 0."""
    return Week(venue, monday, *(*counts, 0, 0, 0, 0, 0, 0)[:6])


def day(written: str) -> float:
    """Days since 1970, without the code that is tested."""
    parsed = datetime.fromisoformat(written)
    aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() / 86_400


@dataclass(frozen=True)
class Element:
    """An element of a drawing: its name, its classes, its attributes and its own text."""

    tag: str
    css: tuple[str, ...]
    attributes: dict[str, str]
    words: str


def elements(svg: str, css: str = "") -> list[Element]:
    """Read a drawing as strict XML; of one class where it is given. Raises ParseError."""
    root = fromstring(svg)  # noqa: S314 - our own output
    found = []
    for one in root.iter():
        classes = tuple(one.get("class", "").split())
        if not css or css in classes:
            tag = one.tag.rpartition("}")[2]
            found.append(Element(tag, classes, dict(one.attrib), "".join(one.itertext())))
    return found


def runs(d: str) -> list[list[tuple[float, float]]]:
    """The corners of the stairs of a path of absolute M, H and V, one list for each M."""
    found: list[list[tuple[float, float]]] = []
    for letter, numbers in re.findall(r"([MHV])([^MHV]*)", d):
        parts = [float(one) for one in numbers.split()]
        if letter == "M":
            found.append([(parts[0], parts[1])])
        else:
            x, y = found[-1][-1]
            found[-1].append((parts[0], y) if letter == "H" else (x, parts[0]))
    return found


def stairs(svg: str) -> dict[str, list[list[tuple[float, float]]]]:
    """The runs of each line by its name, without the key before the name."""
    lines = [one.attributes["d"] for one in elements(svg, "line")]
    names = [one.words for one in elements(svg, "name")]
    return {name: runs(d)[:-1] for name, d in zip(names, lines, strict=True)}


def across(svg: str, first: float, last: float) -> Callable[[float], float]:
    """From x to days, out of where the axis begins and ends."""
    d = elements(svg, "axis")[-1].attributes["d"]
    start, end = re.findall(r"^M(\S+) \S+?H([\d.]+)", d)[0]
    left, right = float(start), float(end)
    return lambda x: first + (x - left) / (right - left) * (last - first)


def levels(svg: str) -> list[tuple[float, float]]:
    """The values that lines across stand for, as labelled (10 % is 0.1), with their heights."""
    found = []
    for one in elements(svg, "rate"):
        label = one.words.replace("\u00a0", "").replace(",", "")
        value = float(label[:-1]) / 100 if label.endswith("%") else float(label)
        found.append((value, float(one.attributes["y"]) - 4.0))
    return found


def monday(number: int) -> str:
    """The Monday of a week, from that of 2024-01-01 on."""
    return date.fromordinal(date(2024, 1, 1).toordinal() + 7 * number).isoformat()
