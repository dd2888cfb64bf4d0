import os
import re

import pytest

from reports.formats.table import table
from tests.support.sample_documents import ESCAPE, empty, large, sample


def test_what_venues_send_reaches_no_terminal_as_code() -> None:
    text = table(sample(), 140)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "RED/USDT\\x1b[31m[red]\\u202e" in text
    assert "<script>alert(1)</script>" in text


def test_colour_is_only_by_request_and_only_ours() -> None:
    text = table(sample(), colour=True)
    assert "\x1b[" in text
    assert ESCAPE not in text
    assert re.sub(r"\x1b\[[\d;]*m", "", text).split() == table(sample()).split()


@pytest.mark.parametrize("width", [60, 100, 140])
def test_no_line_is_wider_than_asked(width: int) -> None:
    assert max(len(line) for line in table(large(), width).splitlines()) <= width


def test_the_terminal_it_runs_in_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    before = table(sample())
    for name, value in {"COLUMNS": "40", "TERM": "dumb", "FORCE_COLOR": "1"}.items():
        monkeypatch.setitem(os.environ, name, value)
    assert table(sample()) == before


def test_findings_are_counted_by_check_and_level() -> None:
    lines = table(sample()).splitlines()
    assert "2 error, 2 warning and 3 info" in lines[1]
    (diverges,) = [line for line in lines if "initial-diverges" in line]
    assert diverges.split()[3:6] == ["initial-diverges", "4", "3"]
    assert "2 under, 1 over, 1 compliant" in diverges


def test_coverage_is_counted_by_venue() -> None:
    (row,) = [line for line in table(sample()).splitlines() if line.startswith("venue-b")]
    assert row.replace("\N{NO-BREAK SPACE}", " ").split() == [
        "venue-b",
        "0",
        "2",
        "0",
        "0",
        "3",
        "Sep",
        "2025",
    ]


def test_a_level_without_findings_has_no_table() -> None:
    assert "Error: 2 of 2" in table(sample())
    assert "Error:" not in table(empty())
