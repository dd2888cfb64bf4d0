"""The chart of cost against calm: hollow circles, numbers of models, and text for every mark."""

from xml.etree import ElementTree as ET

from reports.charts.cost_points import CostPoint, cost_points
from reports.charts.svg import Frame

FRAME = Frame("k", "Cost and calm", "Two paths.")
POINTS = (
    CostPoint("first", "first, none", 0.2, 0.10, is_covering=True, is_numbered=True),
    CostPoint("second", "second <none>", 3.0, 0.08, is_covering=False),
    CostPoint("first", "first, buffer", 0.2, 0.125, is_covering=True, is_marked=True),
)


def drawn(*points: CostPoint) -> ET.Element:
    return ET.fromstring(cost_points(FRAME, points, 0.25))  # noqa: S314 - written by this program


def marks(root: ET.Element) -> list[ET.Element]:
    return [group for group in root.iter("g") if group.get("role") == "img"]


def test_what_fails_coverage_is_hollow_and_the_rest_is_filled() -> None:
    circles = [group.find("circle") for group in marks(drawn(*POINTS))]
    assert [None if c is None else c.get("fill") for c in circles] == [None, "none", None]


def test_a_dearer_path_stands_higher_and_a_faster_one_farther_right() -> None:
    circles = [group.find("circle") for group in marks(drawn(*POINTS))]
    x, y = (
        [float((c.get(name) if c is not None else "") or 0) for c in circles]
        for name in ("cx", "cy")
    )
    assert y[2] < y[0] < y[1]
    assert x[0] == x[2] < x[1]


def test_every_mark_has_its_name_and_the_legend_its_models() -> None:
    root = drawn(*POINTS)
    assert [g.get("aria-label") for g in marks(root)] == [p.name for p in POINTS]
    assert [g.findtext("title") for g in marks(root)] == [p.name for p in POINTS]
    texts = [text.text for text in root.iter("text")]
    assert "1 first" in texts
    assert "2 second" in texts
    assert "hollow: fails coverage" in texts
    assert "25 %" in texts
    assert root.get("aria-labelledby") == "k-t k-d"


def test_numbers_stand_at_numbered_and_marked_paths_only() -> None:
    found = [group.findtext("text") for group in marks(drawn(*POINTS))]
    assert found == ["1", None, "1"]


def test_numbers_do_not_stand_on_one_another() -> None:
    close = [
        CostPoint(f"model {i}", "", 0.2 + i / 200, 0.1, is_covering=True, is_numbered=True)
        for i in range(12)
    ]
    texts = [found for g in marks(drawn(*POINTS, *close)) if (found := g.find("text")) is not None]
    boxes = [(float(t.get("x") or 0), float(t.get("y") or 0), 8 * len(t.text or "")) for t in texts]
    assert 4 < len(boxes) < 14
    for index, (x, y, width) in enumerate(boxes):
        for other_x, other_y, other in boxes[:index]:
            assert (
                abs(y - other_y) >= 13.8 or x >= other_x + other - 0.2 or other_x >= x + width - 0.2
            )


def test_without_a_path_there_are_axes_only() -> None:
    root = drawn()
    assert not marks(root)
    assert root.get("role") == "img"
    assert any(path.get("class") == "axis" for path in root.iter("path"))


def test_a_number_does_not_stand_under_a_circle() -> None:
    """The circle to the right takes the usual place of the number, which moves."""
    numbered = CostPoint("a", "a", 0.2, 0.1, is_covering=True, is_numbered=True)
    beside = CostPoint("b", "b", 0.236, 0.1009, is_covering=True)

    def place(*points: CostPoint) -> tuple[str | None, str | None]:
        label = marks(drawn(*points, POINTS[1]))[0].find("text")
        assert label is not None
        return label.get("x"), label.get("y")

    assert place(numbered, beside) != place(numbered)
    circle = marks(drawn(numbered, beside, POINTS[1]))[1].find("circle")
    assert circle is not None
    x, y = (float(circle.get(name) or 0) for name in ("cx", "cy"))
    left, lower = (float(own or 0) for own in place(numbered, beside))
    assert not (left - 4.5 < x < left + 8 + 4.5 and lower - 8 - 4.5 < y < lower + 4.5)


def test_no_two_groups_share_colour_and_shape() -> None:
    points = [CostPoint(f"g{n}", f"g{n}", n / 10, 0.1, is_covering=True) for n in range(10)]
    styles = [
        (shape.tag, shape.get("class"))
        for group in marks(drawn(*points))
        for shape in (*group.findall("circle"), *group.findall("rect"))
    ]
    assert len(set(styles)) == 10
    squares = [r.get("class") for r in drawn(*points).iter("rect") if r.get("width") == "9"]
    assert squares == ["b0", "b1", "b2"] * 2, "three in the chart, three in the legend"


def test_the_vertical_axis_has_a_title() -> None:
    texts = [text.text for text in drawn(*POINTS).iter("text")]
    assert "mean margin, % of notional" in texts
