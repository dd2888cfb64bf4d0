from pathlib import Path

import pytest

from harmonize.nightly.site import Site, SiteError

FIRST = [
    ("index.html", b"1"),
    ("underlyings/btc.html", b"btc"),
    ("underlyings/old.html", b"old"),
    ("data/audit.json", b"{}"),
]
SECOND = [("index.html", b"2"), ("underlyings/btc.html", b"btc"), ("data/audit.json.gz", b"z")]


def test_only_pages_that_changed_are_written_and_those_that_are_no_more_go(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.write_pages(FIRST)
    unchanged = tmp_path / "underlyings" / "btc.html"
    before = unchanged.stat().st_mtime_ns
    site.write_pages(SECOND)
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    assert found == {name for name, _ in SECOND}
    assert (tmp_path / "index.html").read_bytes() == b"2"
    assert unchanged.stat().st_mtime_ns == before


def test_nights_and_other_files_of_the_site_stay(tmp_path: Path) -> None:
    site = Site(tmp_path)
    for name in ("nights/2026-11-20/index.html", "changes/2026-11.html", "latest.json"):
        site.write(name, b"kept")
    site.write_pages(FIRST)
    site.write_pages(SECOND)
    assert site.read("nights/2026-11-20/index.html") == b"kept"
    assert site.read("changes/2026-11.html") == b"kept"
    assert site.read("latest.json") == b"kept"


def test_a_page_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "underlyings").write_text("a file in the way")
    with pytest.raises(SiteError, match="cannot write"):
        Site(tmp_path).write_pages(FIRST)
