"""Printing of a report's pages with an installed Chromium, and with programs that are none."""

import re
from pathlib import Path
from time import monotonic, sleep

import pytest

from harmonize.api.printing import (
    PrintingError,
    find_browser,
    named_pages,
    navigation_pages,
    print_pages,
)
from harmonize.api.question import Question
from harmonize.api.report_folder import build, differences, write
from reports.site.folder import PAGES
from tests.support.browser import MISSING, find_chromium

SMALL = Question(venues=("okx", "gate"), underlyings=("BTC",), rules=("esma-retail",))
A4 = (595, 842)  # points


def program(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def page(folder: Path) -> list[Path]:
    path = folder / "index.html"
    path.write_text("<!DOCTYPE html><title>A page</title><p>text")
    return [path]


@pytest.mark.skipif(find_chromium() is None, reason=MISSING)
def test_the_pages_of_the_navigation_are_printed_on_a4_and_not_verified(tmp_path: Path) -> None:
    folder = tmp_path / "report of a day"
    write(folder, build(SMALL).files)
    named = named_pages(folder, ["underlyings/btc.html", "venues/okx", "index.html"])
    printed = print_pages([*navigation_pages(folder), *named], find_browser())
    assert [path.relative_to(folder).as_posix() for path in printed] == [
        *(kind.path.replace(".html", ".pdf") for kind in PAGES if kind.name),
        *("underlyings/btc.pdf", "venues/okx.pdf"),
    ]
    for path in printed:
        content = path.read_bytes()
        assert content.startswith(b"%PDF-")
        assert 1 <= len(re.findall(rb"/Type\s*/Page\b", content)) <= 20
        boxes = re.findall(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", content)
        assert {(round(float(width)), round(float(height))) for width, height in boxes} == {A4}
    assert list(differences(folder, None)) == []


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("underlyings/eth.html", "underlyings/eth.html"),
        ("underlyings/ETH", "underlyings/eth.html"),
        ("./index.html", "index.html"),
        ("underlyings\\eth.html", "underlyings/eth.html"),
    ],
)
def test_a_page_is_named_by_its_path_in_the_folder(tmp_path: Path, name: str, found: str) -> None:
    (tmp_path / "underlyings").mkdir()
    for path in ("index.html", "underlyings/eth.html"):
        (tmp_path / path).write_text("")
    assert named_pages(tmp_path, [name]) == (tmp_path / found,)


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("underlyings/eht.html", "did you mean underlyings/eth.html?"),
        ("../secret.html", "use a path such as underlyings/eth.html"),
        ("", "use a path such as underlyings/eth.html"),
    ],
)
def test_a_page_that_the_report_does_not_have_is_an_error(
    tmp_path: Path, name: str, fix: str
) -> None:
    folder = tmp_path / "report"
    (folder / "underlyings").mkdir(parents=True)
    (folder / "underlyings" / "eth.html").write_text("")
    (tmp_path / "secret.html").write_text("")
    with pytest.raises(PrintingError) as error:
        named_pages(folder, [name])
    assert str(error.value) == f"{name}: the report has no such page; {fix}"


def test_without_a_browser_one_line_names_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PrintingError, match="--browser or HARMONIZE_BROWSER") as error:
        find_browser()
    assert "\n" not in str(error.value)
    with pytest.raises(PrintingError, match=r"^no-such-browser: no such program"):
        find_browser("no-such-browser")


def test_the_first_browser_on_the_path_is_used_unless_another_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    edge = program(tmp_path / "msedge", "exit 0")
    assert find_browser() == edge
    chromium = program(tmp_path / "chromium", "exit 0")
    assert find_browser() == chromium
    assert find_browser(edge) == edge


_COPY = 'case "$x" in --print-to-pdf=*) echo "<html>error" > "${x#--print-to-pdf=}";; esac'
"""Writes an error page where the PDF should be."""


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("echo 'no display' >&2; exit 3", "ended with exit code 3: no display; name another"),
        ("exit 0", "printed no PDF; name another"),
        (f'for x in "$@"; do {_COPY}; done', "printed no PDF; name another"),
    ],
)
def test_a_browser_that_fails_is_an_error_of_one_line(
    tmp_path: Path, script: str, problem: str
) -> None:
    browser = program(tmp_path / "chromium", script)
    with pytest.raises(PrintingError, match=problem) as error:
        print_pages(page(tmp_path), browser)
    assert str(error.value).startswith(f"{tmp_path / 'index.pdf'}: {browser} ")
    assert not (tmp_path / "index.pdf").exists()


def test_processes_that_a_browser_leaves_are_ended(tmp_path: Path) -> None:
    browser = program(
        tmp_path / "chromium", f"(sleep 2; touch '{tmp_path}/late') >/dev/null 2>&1 & exit 0"
    )
    with pytest.raises(PrintingError, match="printed no PDF"):
        print_pages(page(tmp_path), browser)
    sleep(2.5)
    assert not (tmp_path / "late").exists()


def test_a_program_that_cannot_start_is_an_error_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "chromium").write_bytes(b"\0\0")
    (tmp_path / "chromium").chmod(0o755)
    with pytest.raises(PrintingError, match="cannot start: "):
        print_pages(page(tmp_path), str(tmp_path / "chromium"))


def test_a_browser_that_hangs_is_ended_with_its_processes(tmp_path: Path) -> None:
    browser = program(tmp_path / "chromium", f"(sleep 3; touch '{tmp_path}/late') & wait")
    start = monotonic()
    with pytest.raises(PrintingError, match=r"did not finish in 0\.3 seconds"):
        print_pages(page(tmp_path), browser, timeout_seconds=0.3)
    assert monotonic() - start < 3
    sleep(max(0.0, 3.5 - (monotonic() - start)))
    assert not (tmp_path / "late").exists()
