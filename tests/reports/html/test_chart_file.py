import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from harmonize.history.stress_windows import windows
from reports.html.chart_file import schedule_file, underlying_file, weeks_file
from tests.support.sample_history import CRASH, WORST, course, elements, monday, week

MOVED = "2024-01-01 0.1, 2024-03-15 0.2, 2024-05-01 0.05"


def schedule(name: str = "venue-a") -> bytes:
    notionals = (1e5, 1e6)
    return schedule_file(
        [
            course(
                MOVED,
                "2024-07-01",
                venue=name,
                symbol=name,
                margin_type=margin_type,
                notional=notional,
            )
            for margin_type in ("initial", "maintenance")
            for notional in notionals
        ],
        [CRASH],
    )


def weeks(name: str = "venue-a") -> bytes:
    return weeks_file([week(monday(n), 1, 2, 3, 4, 5, 6, venue=name) for n in range(9)], [CRASH])


def underlying(name: str = "venue-a") -> bytes:
    all_series = [course(MOVED, "2024-07-01", venue=f"{name}{n}") for n in range(40)]
    return underlying_file([replace(series, underlying=name) for series in all_series], windows())


FILES = (schedule, weeks, underlying)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    "name", ["venue-a", WORST, "长" * 90, "\x00\x1b\ufffe\ud800" * 30, "'\"<>&" * 40]
)
def test_a_file_is_strict_xml_that_needs_nothing_else(
    file: Callable[[str], bytes], name: str
) -> None:
    text = file(name).decode()
    root, *rest = elements(text)
    assert root.tag == "svg"
    assert text.startswith("<svg ")
    assert 'xmlns="http://www.w3.org/2000/svg"' in text
    assert not {element.tag for element in rest} & {"script", "image", "use", "a", "foreignObject"}
    assert not re.search(r"url\(|@import|href|<script|http(?!://www\.w3\.org/2000/svg)", text)
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", text)


@pytest.mark.parametrize("file", FILES)
def test_the_same_values_are_the_same_bytes(file: Callable[[], bytes]) -> None:
    assert file() == file()


@pytest.mark.parametrize("file", FILES)
def test_a_file_carries_the_style_of_every_class_in_light_and_dark(
    file: Callable[[], bytes],
) -> None:
    all_elements = elements(file().decode())
    (style,) = (element.words for element in all_elements if element.tag == "style")
    classes = {css for element in all_elements for css in element.css} - {"chart"}
    styled = set(re.findall(r"\.([\w-]+)", style))
    unstyled = {"d0", "side"}  # a whole line, and text as all text is
    assert classes - styled <= unstyled
    variables = set(re.findall(r"var\((--[\w-]+)\)", style))
    for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL):
        assert variables <= {*re.findall(r"(--[\w-]+):", block)}
    assert "prefers-color-scheme: dark" in style
    assert style.count("{") == style.count("}")


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("name", ["venue-a", WORST, "长" * 90, "wide " * 60])
def test_title_and_sentence_stay_on_the_paper_apart_from_one_another(
    file: Callable[[str], bytes], name: str
) -> None:
    all_elements = elements(file(name).decode())
    left, top, width, height = map(float, all_elements[0].attributes["viewBox"].split())
    lines = [element for element in all_elements if element.tag == "text"]
    for element in lines:
        x, y = float(element.attributes["x"]), float(element.attributes["y"])
        assert left < x < left + width
        assert top + 12.0 < y < top + height - 4.0
    widths = [sum(2 if ord(letter) > 0x2E80 else 1 for letter in line.words) for line in lines]
    heading = next(n for n, element in enumerate(lines) if "heading" in element.css)
    assert widths[heading] <= 54  # of 8.5 units, on a paper of 516
    assert all(count <= 85 for count in widths[heading + 1 :])  # of 5.7
    baselines = [float(element.attributes["y"]) for element in lines[heading + 2 :]]
    assert baselines == sorted(set(baselines))


def test_the_sentence_of_the_file_is_whole() -> None:
    lines = [
        element for element in elements(schedule().decode()) if element.tag in {"text", "desc"}
    ]
    (description,) = (element.words for element in lines if element.tag == "desc")
    heading = next(n for n, element in enumerate(lines) if "heading" in element.css)
    assert " ".join(element.words for element in lines[heading + 2 :]) == description
    assert lines[heading].words == "venue-a at venue-a"
