"""The report in a real Chromium: accessibility, layout, paper and keyboard.

Skipped where no Chromium is installed, and the accessibility rules where npm cannot fetch axe-core.
"""

import re
import shutil
import struct
import subprocess
import tarfile
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import html5lib
import pytest

from reports.registry import report_files
from tests.support import recorded
from tests.support.browser import MISSING, Browser, browser, find_chromium
from tests.support.sample_thresholds import large_section

pytestmark = pytest.mark.skipif(find_chromium() is None, reason=MISSING)

KINDS = (
    "index",
    "venues",
    "underlyings",
    "rules",
    "findings",
    "divergence",
    "harmonization",
    "gap",
    "adequacy",
    "adequacy/btc",
    "adequacy/btc-at-10000",
    "adequacy/btc-history",
    "thresholds",
    "thresholds/btc",
    "stress",
    "stress/eth",
    "history",
    "coverage",
    "method",
    "glossary",
    "data",
    "venues/binance",
    "underlyings/ada",
    "underlyings/prompt",
    "rules/esma-retail",
)
"""One page of every kind; of underlyings one with all charts, and one on few venues."""

LONG = ("underlyings/btc", "underlyings/eth", "venues/bitget", "adequacy/eth")
"""Pages with most rows, which are the longest on paper."""

CHARTED = (
    *("underlyings/ada", "history", "adequacy/btc", "thresholds", "thresholds/btc", "stress"),
    *("stress/eth", "venues/binance"),
)
"""Pages with every kind of chart."""

SCREENS = ((360, False), (768, False), (1440, False), (360, True), (1440, True))
"""Widths, and whether colours are dark; an open page shows all that a closed one does."""

CHECKS = Path(__file__).parents[2] / "support" / "page_checks.js"
AXE = "axe-core@4"
A4, LETTER = (8.27, 11.69), (8.5, 11.0)
SHEET = (710, 1040)
"""Pixels of an A4 sheet within the margins of the style sheet."""
SMALLEST_PRINT = 5.0
MAX_PAGES = 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report")
    document = replace(recorded.stressed(), thresholds=large_section())
    for name, content in report_files(document):
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return path


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    executable = find_chromium()
    assert executable is not None
    with browser(executable, tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("axe")
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm, which fetches axe-core")
    packed = subprocess.run(
        [npm, "pack", "--silent", AXE], cwd=path, capture_output=True, check=False, text=True
    )
    if packed.returncode:
        pytest.skip(f"npm cannot fetch {AXE}")
    with tarfile.open(path / packed.stdout.strip().splitlines()[-1]) as archive:
        source = archive.extractfile("package/axe.min.js")
        assert source is not None
        return source.read().decode()


COUNT_COLOURS = """(async (content) => {
  const image = new Image();
  image.src = `data:image/png;base64,${content}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
  const white = pixels.filter((pixel) => pixel === 0xffffffff).length / pixels.length;
  const corner = Array.from(context.getImageData(0, 0, 1, 1).data);
  return { white, corner, colours: new Set(pixels).size };
})"""
"""Decodes a picture: the share of white, the colour of its corner, and the number of colours."""


def check(page: Browser, call: str) -> Any:
    return page.evaluate(f"{CHECKS.read_text()}.{call}")


@pytest.mark.sample(20)
@pytest.mark.parametrize(("width", "dark"), SCREENS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_accessibility_rule_is_violated(  # noqa: PLR0913 - one parameter per choice
    page: Browser, folder: Path, axe: str, kind: str, width: int, *, dark: bool
) -> None:
    page.open(folder / f"{kind}.html", width, dark=dark)
    check(page, "openAll()")
    page.evaluate(axe)
    violations = page.evaluate(
        "axe.run(document, {resultTypes: ['violations']}).then((result) => result.violations.map("
        "(rule) => `${rule.id}: ${rule.nodes[0].html}`))"
    )
    assert violations == []


@pytest.mark.sample(24)
@pytest.mark.parametrize("width", [360, 768, 1440])
@pytest.mark.parametrize("kind", KINDS)
def test_text_does_not_overlap_and_the_page_does_not_scroll_sideways(
    page: Browser, folder: Path, kind: str, width: int
) -> None:
    page.open(folder / f"{kind}.html", width)
    check(page, "openAll()")
    assert check(page, "overlaps()") == []
    assert check(page, "excess()") <= 0


@pytest.mark.parametrize("kind", CHARTED)
def test_text_in_charts_is_legible_on_a_narrow_screen(
    page: Browser, folder: Path, kind: str
) -> None:
    page.open(folder / f"{kind}.html", 360)
    assert check(page, "smallestChartText()") >= 11.0


@pytest.mark.parametrize("width", [360, 700, 1440])
@pytest.mark.parametrize(
    "kind", ["underlyings/ada", "underlyings/eth", "history", "stress", "venues/binance"]
)
def test_nothing_of_a_chart_is_lost(page: Browser, folder: Path, kind: str, width: int) -> None:
    page.open(folder / f"{kind}.html", width)
    assert check(page, "clippedCharts()") == []


@pytest.mark.parametrize("kind", ["stress", "stress/eth"])
def test_names_in_charts_of_a_stress_and_their_signs_need_no_scrolling(
    page: Browser, folder: Path, kind: str
) -> None:
    page.open(folder / f"{kind}.html", 360)
    names = "[...document.querySelectorAll('.chart .key')]"
    rights = page.evaluate(f"{names}.map((name) => name.getBoundingClientRect().right)")
    assert len(rights) >= 6
    assert max(rights) <= 360
    signs = "document.querySelector('[aria-label^=\"Signs of changes\"]')"
    assert page.evaluate(f"{signs}.scrollWidth - {signs}.clientWidth") <= 0


@pytest.mark.parametrize("width", [360, 1440])
def test_a_wide_table_says_that_it_scrolls_on_a_phone(
    page: Browser, folder: Path, width: int
) -> None:
    page.open(folder / "stress.html", width)
    wide = "[...document.querySelectorAll('.scroll')].filter((part) => part.querySelector('.wide'))"
    is_said = (
        f"{wide}.map((part) => getComputedStyle(part, '::before').content.includes('sideways'))"
    )
    assert page.evaluate(f"{wide}.length") > 0
    assert page.evaluate(is_said) == [width == 360] * page.evaluate(f"{wide}.length")
    if width == 360:
        is_shown = f"{wide}.filter((part) => part.clientWidth > 0)"  # not in a closed part
        assert page.evaluate(f"{is_shown}.length") > 0
        assert page.evaluate(f"{is_shown}.every((part) => part.scrollWidth > part.clientWidth)")


@pytest.mark.parametrize("width", [1440])
@pytest.mark.parametrize("kind", ["index", "stress", "stress/eth", "adequacy/btc"])
def test_the_navigation_is_on_one_line(page: Browser, folder: Path, kind: str, width: int) -> None:
    page.open(folder / f"{kind}.html", width)
    tops = page.evaluate(
        "[...document.querySelectorAll('nav li')].map((entry) => entry.getBoundingClientRect().top)"
    )
    assert len(tops) > 10
    assert len(set(tops)) == 1


@pytest.mark.parametrize("kind", ["underlyings/ada", "underlyings/eth"])
def test_a_ranking_stays_readable_on_a_narrow_screen(
    page: Browser, folder: Path, kind: str
) -> None:
    page.open(folder / f"{kind}.html", 360)
    assert 0 < check(page, "tallestRow()") < 2
    cells = "[...document.querySelector('#ranking tbody tr').cells]"
    shown = page.evaluate(
        f"{cells}.slice(1).filter((cell) => cell.getBoundingClientRect().right <= innerWidth).length"
    )
    assert shown >= 2
    page.evaluate("document.querySelector('#ranking .scroll').scrollLeft = 500")
    assert page.evaluate(f"{cells}[0].getBoundingClientRect().left") >= 0


@pytest.mark.parametrize("width", [600, 1000, 1440])
@pytest.mark.parametrize("kind", CHARTED)
def test_charts_are_whole_without_scrolling_on_wider_screens(
    page: Browser, folder: Path, kind: str, width: int
) -> None:
    page.open(folder / f"{kind}.html", width)
    cropped = page.evaluate(
        "[...document.querySelectorAll('.drawing')].map((part) => part.scrollWidth - part.clientWidth)"
    )
    assert cropped
    assert max(cropped) <= 0


@pytest.mark.parametrize("kind", [*KINDS, *LONG])
def test_a_page_prints_on_twenty_sheets_at_most(page: Browser, folder: Path, kind: str) -> None:
    page.open(folder / f"{kind}.html")
    for size in (A4, LETTER):
        assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(*size))) <= MAX_PAGES


@pytest.mark.parametrize("kind", KINDS)
def test_text_does_not_overlap_on_paper_and_provenance_is_open(
    page: Browser, folder: Path, kind: str
) -> None:
    page.open(folder / f"{kind}.html", 690)
    page.use_media("print")
    assert check(page, "overlaps()") == []
    assert check(page, "excess()") <= 0
    shown = page.evaluate(
        "[...document.querySelectorAll('.evidence, .payloads')]"
        ".every((part) => part.getBoundingClientRect().height > 0)"
    )
    assert shown


@pytest.mark.sample(24)
@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("kind", [*KINDS, *LONG])
def test_cells_of_tables_stand_apart_and_keep_words_whole(
    page: Browser, folder: Path, kind: str, width: int
) -> None:
    page.open(folder / f"{kind}.html", width)
    check(page, "openAll()")
    assert check(page, "brokenWords()") == []
    assert check(page, "touchingCells()") == []


@pytest.mark.parametrize("kind", [*KINDS, *LONG])
def test_tables_on_paper_are_whole_and_legible(page: Browser, folder: Path, kind: str) -> None:
    page.open(folder / f"{kind}.html", SHEET[0])
    page.use_media("print")
    assert check(page, "brokenWords()") == []
    assert check(page, "touchingCells()") == []
    assert check(page, "excess()") <= 0
    assert check(page, "smallestText()") >= SMALLEST_PRINT


@pytest.mark.parametrize("kind", [*KINDS, *LONG])
def test_no_heading_or_head_of_a_table_ends_a_sheet(page: Browser, folder: Path, kind: str) -> None:
    page.open(folder / f"{kind}.html", SHEET[0])
    page.use_media("print")
    for height in range(SHEET[1] - 300, SHEET[1], 60):
        assert check(page, f"headsAlone({SHEET[0]}, {height})") == []


def test_the_first_screen_holds_the_key_messages(page: Browser, folder: Path) -> None:
    page.open(folder / "index.html", 1440)
    bottom = page.evaluate("document.querySelector('.messages').getBoundingClientRect().bottom")
    assert bottom <= 900


def test_the_keyboard_reaches_the_content_in_two_steps(page: Browser, folder: Path) -> None:
    page.open(folder / "underlyings" / "ada.html")
    page.press("Tab", 9)
    assert page.evaluate("document.activeElement.className") == "skip"
    page.evaluate("document.activeElement.click()")
    page.press("Tab", 9)
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_a_line_of_a_chart_names_itself_on_focus(page: Browser, folder: Path) -> None:
    page.open(folder / "underlyings" / "btc.html")
    visible = page.evaluate(
        "(() => { const line = document.querySelector('.chart .other'); line.focus();"
        "return getComputedStyle(line.querySelector('.hint')).visibility; })()"
    )
    assert visible == "visible"


def test_the_script_sorts_and_searches(page: Browser, folder: Path) -> None:
    page.open(folder / "underlyings.html")
    page.evaluate(
        "(() => { const input = document.querySelector('input[type=search]'); input.value = 'doge';"
        "input.dispatchEvent(new Event('input')); })()"
    )
    shown = "[...document.querySelectorAll('tbody tr')].filter((row) => !row.hidden)"
    names = page.evaluate(f"{shown}.map((row) => row.cells[0].textContent)")
    assert "DOGE" in names
    assert len(names) < 20
    page.open(folder / "venues.html")
    page.evaluate("document.querySelectorAll('thead button')[1].click()")
    counts = page.evaluate(
        "[...document.querySelectorAll('tbody tr')].map((row) => Number(row.cells[1].dataset.key))"
    )
    assert counts == sorted(counts)


@pytest.mark.parametrize(
    ("kind", "stem", "dark"),
    [("underlyings/ada", "ada-initial", False), ("history", "changes-binance", True)],
)
def test_a_chart_is_saved_as_a_picture(  # noqa: PLR0913 - one parameter per choice
    page: Browser, folder: Path, tmp_path: Path, kind: str, stem: str, *, dark: bool
) -> None:
    page.open(folder / f"{kind}.html", dark=dark)
    page.send("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    chart = f"document.querySelector('a[href=\"{stem}.svg\"]').closest('figure')"
    box = page.evaluate(
        f"(({{ width, height }}) => [width, height])({chart}.querySelector('svg').viewBox.baseVal)"
    )
    page.evaluate(f"{chart}.querySelector('.saved button').focus()")
    page.press("Enter", 13, text="\r")
    path = tmp_path / f"{stem}.png"
    deadline = monotonic() + 20
    while not path.exists() and monotonic() < deadline:
        page.evaluate("new Promise((done) => setTimeout(done, 100))")
    picture = path.read_bytes()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert picture.endswith(b"IEND\xaeB`\x82")
    assert struct.unpack(">II", picture[16:24]) == (2 * (box[0] + 32), 2 * (box[1] + 58))
    seen = page.evaluate(f"{COUNT_COLOURS}('{b64encode(picture).decode()}')")
    assert seen["corner"] == [255, 255, 255, 255]
    assert seen["colours"] > 20
    assert 0.5 < seen["white"] < 0.99
    page.send("Page.setDownloadBehavior", behavior="deny")


def test_a_permalink_opens_what_it_names(page: Browser, folder: Path) -> None:
    path = folder / "underlyings" / "btc.html"
    anchor = re.search(r'id="(schedule-okx-[^"]*)"', path.read_text())
    assert anchor is not None
    for address in ("about:blank", f"{path.as_uri()}#{anchor[1]}"):
        page.send("Page.navigate", url=address)
        page.wait_for("Page.loadEventFired")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")
    element = f"document.getElementById('{anchor[1]}')"
    assert page.evaluate(f"{element}.closest('details').open")


def test_nothing_but_files_of_the_folder_is_requested(page: Browser, folder: Path) -> None:
    for kind in KINDS:
        page.open(folder / f"{kind}.html")
        assert all(address.startswith(folder.as_uri()) for address in page.requested()), kind


def test_the_markup_of_every_kind_of_page_is_valid(folder: Path) -> None:
    for kind in KINDS:
        parser = html5lib.HTMLParser(strict=False)
        parser.parse((folder / f"{kind}.html").read_text())
        assert parser.errors == [], kind
