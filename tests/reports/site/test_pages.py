"""Top-level pages of a site: venue text stays text, gaps are reported, the feed is valid."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import feedparser
import pytest

from harmonize.document.change import ChangeKind
from harmonize.document.night import Night
from harmonize.nightly.site import night_from_json, night_json
from reports.html import report
from reports.site import changes, pages
from reports.site.feed import NAMESPACE
from reports.site.pages import Site
from tests.reports.html.test_report import Tree
from tests.support.nights import FINDING
from tests.support.sample_documents import SCRIPT
from tests.support.sample_nights import LAST, QUOTED, change, night, nights

SITE = Site("Margins <b>& co</b>", "https://example.org/margins")
STYLESHEET = Path(report.__file__).parent / "static" / "report.css"
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
WORST = (SCRIPT, QUOTED, "</li>]]>--><img src=x onerror=alert(1)>", "\x00\x1b[31m", "\u202egnp")


def read(page: bytes) -> Tree:
    """Parses a page and asserts that it is well formed and without active content."""
    tree = Tree()
    tree.feed(page.decode())
    tree.close()
    assert not tree.open
    assert not {"script", "img", "iframe", "form", "b2"} & {tag for tag, _ in tree.tags}
    for _, attributes in tree.tags:
        assert not [name for name in attributes if name.startswith("on")]
    ids = [attributes["id"] for _, attributes in tree.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in tree.tags:
        for name in ("aria-labelledby",):
            assert attributes.get(name, ids[0]) in ids
        if attributes.get("href", "").startswith("#"):
            assert attributes["href"][1:] in ids
    assert not ILLEGAL.search(page.decode())
    return tree


def text(page: bytes) -> str:
    """Returns the text of a page."""
    words = " ".join(read(page).text)
    return " ".join(words.split())


def page(*shown_nights: Night) -> bytes:
    return pages.changes_page(shown_nights, ("2026-10", "2026-11"), SITE)


def in_every_place(word: str) -> Night:
    """Returns a night with a venue's text in every field that may contain one."""
    hostile_changes = tuple(
        replace(change(number, kind, word), venue=word, profile=word, rule_before=word)
        for number, kind in enumerate(ChangeKind)
    )
    finding = replace(FINDING, venue=word, symbol=word, message=word, code=word)
    return replace(night(), changes=hostile_changes, new_findings=(finding,), errors=(word,))


@pytest.mark.parametrize("word", WORST)
def test_what_a_venue_sent_is_text_wherever_it_stands(word: str) -> None:
    sample = in_every_place(word)
    for content in (page(sample), pages.month_page("2026-11", [sample], ("", ""), SITE)):
        read(content)
        assert b"<script" not in content
        assert b"onerror=alert" not in content.replace(b"&lt;img src=x onerror=alert", b"")
    feed = pages.feed([sample], SITE)
    parsed = feedparser.parse(feed)
    assert not parsed.bozo
    body = ET.fromstring(feed).find(f".//{{{NAMESPACE}}}content")  # noqa: S314 - our own
    assert body is not None
    inner = Tree()
    inner.feed(body.text or "")
    assert {tag for tag, _ in inner.tags} == {"ul", "li"}
    assert not ILLEGAL.search(feed.decode())
    assert json.loads(pages.latest(sample, SITE))["errors"] == [word]


def test_half_a_surrogate_pair_is_written_and_read_back() -> None:
    sample = in_every_place("half \ud800")
    assert "half \\ud800" in text(page(sample))
    assert not feedparser.parse(pages.feed([sample], SITE)).bozo
    assert json.loads(pages.latest(sample, SITE))["errors"] == ["half \ud800"]
    assert night_from_json(night_json(sample)) == sample


def test_every_page_is_well_formed_and_the_same_twice() -> None:
    for sample in ((), nights()[:1], nights()):
        first = page(*sample)
        read(first)
        assert page(*sample) == first
        assert pages.feed(sample, SITE) == pages.feed(sample, SITE)
    assert "No run yet." in text(page())


def test_nights_that_were_not_run_are_said_to_be_missing() -> None:
    days = [LAST, LAST - timedelta(days=2), LAST - timedelta(days=3), LAST - timedelta(days=9)]
    words = text(page(*map(night, days)))
    assert re.findall(r"No run [^.]*\.", words) == [
        "No run on 2026-11-19.",
        "No run from 2026-11-12 to 2026-11-16, 5 nights.",
    ]
    twice = replace(night(), night=f"{LAST}.1")
    words = text(page(twice, night()))
    assert "No run" not in words
    assert "20 Nov 2026 (1)" in words.replace("\N{NO-BREAK SPACE}", " ")


def test_every_kind_of_change_is_named_and_counted() -> None:
    words = text(page(night(changes=len(ChangeKind))))
    for kind in ChangeKind:
        assert f"1 {kind.value}" in words
    assert changes.tally(night(changes=2 * len(ChangeKind)).changes).count("2 ") == len(ChangeKind)
    listed = {kind for kind in ChangeKind if kind.value in re.sub(r"\d+ [a-z ]+", "", words)}
    assert listed == set(ChangeKind) or len(listed) > 3


def test_colour_is_never_the_only_sign() -> None:
    tree = read(page(*nights()))
    mark_classes = [
        attributes["class"]
        for tag, attributes in tree.tags
        if attributes.get("class", "").startswith("mark ")
    ]
    assert {mark_class.split()[1] for mark_class in mark_classes} == {
        "up",
        "down",
        "both",
    }  # three shapes
    css = STYLESHEET.read_text()
    for mark in ("up", "down", "both"):
        assert re.search(rf"\.mark\.{mark} {{ border", css)
    words = text(page(*nights()))
    assert words.count("tighter") >= mark_classes.count("mark up")
    for level in ("error", "warning", "info"):
        assert f" {level} " in words
    assert "font-weight" in css.split(".change td.moved {", 1)[1].split("}")[0]


def test_only_the_figures_that_moved_stand_out() -> None:
    sample = replace(night(), changes=(change(0, ChangeKind.TIGHTER),))
    cells = re.findall(r'<td class="(n[^"]*)">([^<]*)</td>', page(sample).decode())
    first = [(how, rate.replace("\N{NO-BREAK SPACE}", " ")) for how, rate in cells[:4]]
    assert first == [("n", "2.0 %"), ("n moved", "2.1 %"), ("n", "1.0 %"), ("n", "1.0 %")]
    assert len(cells) == 12  # the notional without a known margin is excluded


def test_schedules_that_changed_alike_are_told_once_and_others_apart() -> None:
    first, second = change(0, ChangeKind.TIGHTER, "ONE"), change(0, ChangeKind.TIGHTER, "TWO")
    later = replace(second, symbol="LATER", after="2026-11-20T03:15:00Z")
    (venue,) = changes.night_views([replace(night(), changes=(first, second, later))], "")[0].venues
    assert [
        (view.symbols, view.count.replace("\N{NO-BREAK SPACE}", " ")) for view in venue.changes
    ] == [
        ("LATER", ""),
        ("ONE, TWO", "2 schedules"),
    ]


def test_findings_are_listed_gravest_first_and_the_rest_counted() -> None:
    many = tuple(replace(FINDING, code=f"MH{number}") for number in range(100, 120))
    sample = replace(night(), new_findings=(*many, *nights()[0].new_findings))
    (view,) = changes.night_views([sample], "")
    assert len(view.findings) == changes.FINDINGS
    assert view.findings_omitted == "and 11 more in the report"
    assert {finding.level for finding in view.findings} == {"error"}
    few = changes.night_views([nights()[0]], "")[0]
    assert [(finding.level, finding.state, finding.instrument) for finding in few.findings] == [
        ("error", "new", "okx BTC/USDT:USDT"),
        ("warning", "worse", "okx BTC/USDT:USDT"),
        ("info", "new", "gate BTC"),
    ]


def links(content: bytes) -> list[str]:
    return [attributes["href"] for tag, attributes in read(content).tags if tag == "a"]


def test_months_lead_to_one_another_and_to_the_reports() -> None:
    content = page(night())
    assert links(content)[1:6] == [
        *("index.html", "changes.html", "changes.xml"),
        *("changes/2026-11.html", "changes/2026-10.html"),
    ]
    assert f"nights/{LAST}/index.html" in links(content)
    month = pages.month_page("2026-10", [night()], ("2026-09", "2026-11"), SITE)
    assert links(month)[1:6] == [
        *("../index.html", "../changes.html", "../changes.xml"),
        *("2026-09.html", "2026-11.html"),
    ]
    assert f"../nights/{LAST}/index.html" in links(month)
    alone = pages.month_page("2026-10", [night()], ("", ""), SITE)
    assert links(alone)[4:5] == [f"../nights/{LAST}/index.html"]


def test_a_month_of_busy_nights_is_one_page_of_bounded_size() -> None:
    busy = [night(LAST - timedelta(days=number), 130) for number in range(30)]
    content = pages.changes_page(busy, ("2026-11",), SITE)
    assert len(content) < 1_500_000
    read(content)
    feed = pages.feed(busy, SITE)
    assert len(feed) < 300_000
    assert feedparser.parse(feed).entries[0].content[0].value.count("<li>") == 40
    assert "and 90 more" in feedparser.parse(feed).entries[0].content[0].value


def test_the_feed_has_what_the_standard_asks() -> None:
    """RFC 4287: id, title and updated of the feed and each entry, an author, and links."""
    root = ET.fromstring(pages.feed(nights(), SITE))  # noqa: S314 - our own
    space = {"a": NAMESPACE}
    entries = root.findall("a:entry", space)
    assert [element.findtext("a:id", "", space) for element in entries] == [
        f"tag:example.org,2026-01-01:margins/night/{LAST}",
        f"tag:example.org,2026-01-01:margins/night/{LAST - timedelta(days=3)}",
    ]  # the night between had no change
    for element in (root, *entries):
        assert all(element.findtext(f"a:{name}", "", space) for name in ("id", "title", "updated"))
        assert re.fullmatch(
            r"\d{4}(-\d\d){2}T\d\d(:\d\d){2}Z", element.findtext("a:updated", "", space)
        )
    assert root.findtext("a:author/a:name", "", space) == SITE.title
    assert root.findtext("a:updated", "", space) == f"{LAST}T01:15:00Z"
    hrefs = [
        (element.get("rel"), element.get("href")) for element in root.iter(f"{{{NAMESPACE}}}link")
    ]
    assert hrefs[:2] == [
        ("self", "https://example.org/margins/changes.xml"),
        ("alternate", "https://example.org/margins/changes.html"),
    ]
    assert all((href or "").startswith("https://example.org/margins/") for _, href in hrefs)


def test_without_an_address_the_feed_has_no_link_and_ids_all_the_same() -> None:
    feed = pages.feed(nights(), Site())
    assert b"<link" not in feed
    assert b"<id>tag:harmonize,2026-01-01:changes</id>" in feed
    assert b"tag:harmonize,2026-01-01:night/2026-11-20<" in feed


@pytest.mark.parametrize(
    ("address", "tag"),
    [
        ("https://example.org", "tag:example.org,2026-01-01:changes"),
        ("https://Example.org:8443/a/b", "tag:example.org,2026-01-01:a/b/changes"),
        ("https://me.github.io/one", "tag:me.github.io,2026-01-01:one/changes"),
        ("https://me.github.io/two", "tag:me.github.io,2026-01-01:two/changes"),
    ],
)
def test_two_sites_of_one_host_have_feeds_of_their_own(address: str, tag: str) -> None:
    assert f"<id>{tag}</id>".encode() in pages.feed([], Site("x", address))


def test_an_entry_keeps_its_id_when_its_night_is_written_again() -> None:
    first = feedparser.parse(pages.feed([night(changes=1)], SITE)).entries[0]
    again = replace(night(changes=2), as_of="2026-11-20T03:00:00Z")
    second = feedparser.parse(pages.feed([again], SITE)).entries[0]
    assert first.id == second.id
    assert first.updated < second.updated


def test_latest_says_all_of_the_night_and_where_its_files_are() -> None:
    content = json.loads(pages.latest(nights()[0], SITE))
    assert list(content) == [
        *("schema_version", "title", "base_url", "night", "as_of", "version", "venues"),
        *("changes", "new_findings", "errors", "counts", "exit_code", "sequence", "ended_signals"),
        "files",
    ]
    assert (content["schema_version"], content["title"]) == ("1", SITE.title)
    assert content["files"] == {
        "report": f"nights/{LAST}/index.html",
        "document": f"nights/{LAST}/audit.json.gz",
        "night": f"nights/{LAST}/night.json",
        "changes": "changes.html",
        "feed": "changes.xml",
    }
    assert len(content["changes"]) == len(nights()[0].changes)
    endless = replace(
        night(), changes=(replace(change(0, ChangeKind.TIGHTER), price=float("inf")),)
    )
    assert json.loads(pages.latest(endless, SITE))["changes"][0]["price"] is None


def test_a_night_is_read_back_as_it_was_written() -> None:
    for sample in nights():
        assert night_from_json(night_json(sample)) == sample
    with pytest.raises(ValueError, match="validation error"):
        night_from_json(b"{}")
