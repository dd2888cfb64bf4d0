"""The chart of daily rates: interrupted where a day has none, levels from end to end, named marks."""

from xml.etree import ElementTree as ET

from reports.charts.day_lines import DayLine, DayMark, MarkKind, day_lines
from reports.charts.horizon_lines import LevelLine
from reports.charts.svg import Frame

FRAME = Frame("k", "Threshold by day", "")
LINE = DayLine("default", "c0 d0", 20_000.0, (0.1, 0.12, None, 0.11, None, 0.1, 0.1))
LEVEL = LevelLine("baseline", "c2 d1", 0.05)
FALL = DayMark(20_001.0, 0.3, "a fall of <30 %", is_upward=False)
RISE = DayMark(20_003.0, 0.2, "a rise of 20 %", is_upward=True)
KINDS = (MarkKind("loss of a long", is_upward=False), MarkKind("loss of a short", is_upward=True))


def drawn(*marks: DayMark, lines: tuple[DayLine, ...] = (LINE,)) -> ET.Element:
    return ET.fromstring(day_lines(FRAME, lines, (LEVEL,), marks, KINDS))  # noqa: S314 - written by this program


def data_of(root: ET.Element, css: str) -> str:
    (found,) = [path.get("d") or "" for path in root.iter("path") if path.get("class") == css]
    return found


def triangles(root: ET.Element) -> list[list[tuple[float, float]]]:
    found = []
    for group in root.iter("g"):
        if group.get("role") == "img":
            (path,) = group.iter("path")
            corners = (path.get("d") or "").strip("MZ").split("L")
            found.append([(float(x), float(y)) for x, y in (c.split() for c in corners)])
    return found


def words(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.iter("text")]


def test_a_line_is_interrupted_on_days_without_a_rate() -> None:
    root = drawn()
    assert data_of(root, "line c0 d0").count("M") == 3  # two runs, and the key beside the name
    assert data_of(root, "dot c0 d0").count("M") == 1


def test_a_level_reaches_from_end_to_end() -> None:
    first, last = data_of(drawn(), "line c2 d1").split("M")[1].split("L")
    assert (first.split()[0], last.split()[0]) == ("44", "318")
    assert first.split()[1] == last.split()[1]


def test_a_mark_stands_at_its_rate_and_points_its_way() -> None:
    fall, rise = triangles(drawn(FALL, RISE))
    assert fall[2][1] > fall[0][1]
    assert rise[2][1] < rise[0][1]
    assert sum(y for _, y in fall) < sum(y for _, y in rise)
    assert fall[2][0] < rise[2][0]


def test_marks_are_named_and_explained_only_where_there_are_any() -> None:
    root = drawn(FALL)
    assert [group.get("aria-label") for group in root.iter("g") if group.get("role")] == [FALL.name]
    assert root.get("role") == "group"
    assert {"default", "baseline", "loss of a long", "loss of a short"} <= set(words(root))
    assert drawn().get("role") == "img"
    assert "loss of a long" not in words(drawn())


def test_the_axis_holds_the_largest_mark() -> None:
    assert "30\N{NO-BREAK SPACE}%" in words(drawn(FALL))
    assert min(y for _, y in triangles(drawn(FALL))[0]) > 0


def test_without_a_rate_nothing_is_drawn() -> None:
    empty = DayLine("default", "c0 d0", 20_000.0, (None, None))
    assert words(drawn(FALL, lines=(empty,))) == []
