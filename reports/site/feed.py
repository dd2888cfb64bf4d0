"""Atom feed (RFC 4287) of nights with changes."""

import re
from collections.abc import Iterator, Sequence
from html import escape
from xml.etree import ElementTree as ET

from harmonize.document.night import Night
from harmonize.text import numbers
from harmonize.text.sanitize import plain
from harmonize.version import VERSION
from reports.site.changes import tally

NAMESPACE = "http://www.w3.org/2005/Atom"
LISTED = 40
"""Largest number of changes listed per night."""

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_EPOCH = "2026-01-01"
"""Date in the tag URIs of ids; it must never change and has no other meaning."""


def feed(nights: Sequence[Night], title: str, base_url: str) -> bytes:
    """Renders the feed of nights with changes; `nights` are newest first.

    Ids are tag URIs (RFC 4151) of host and path of `base_url`, or of ``harmonize`` without one, so
    that a night keeps its id when it is written again. Links are absolute; without `base_url` the
    feed has none.
    """
    tag = _tag(base_url)
    root = ET.Element("feed", {"xmlns": NAMESPACE, "xml:lang": "en"})
    _text(root, "id", f"{tag}changes")
    _text(root, "title", f"{title}: changes")
    _text(root, "updated", max((night.as_of for night in nights), default=f"{_EPOCH}T00:00:00Z"))
    _text(ET.SubElement(root, "author"), "name", title)
    _text(root, "generator", "harmonize").set("version", VERSION)
    if base_url:
        ET.SubElement(root, "link", {"rel": "self", "href": f"{base_url}/changes.xml"})
        ET.SubElement(root, "link", {"rel": "alternate", "href": f"{base_url}/changes.html"})
    for night in nights:
        if night.changes:
            _entry(root, night, tag, base_url)
    ET.indent(root, " ")
    xml: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml + b"\n"


def _tag(base_url: str) -> str:
    """Returns the prefix of ids, which differs between two sites on one host."""
    address = re.fullmatch(r"\w+://(?:[^/@]*@)?([^/:?#]+)(?::\d+)?/?([^?#]*)", base_url)
    host, path = (address[1].lower(), address[2]) if address else ("harmonize", "")
    return f"tag:{host},{_EPOCH}:{path}{'/' if path else ''}"


def _entry(root: ET.Element, night: Night, tag: str, base_url: str) -> None:
    entry = ET.SubElement(root, "entry")
    tally_text = tally(night.changes)
    _text(entry, "id", f"{tag}night/{night.night}")
    _text(entry, "title", f"{numbers.date(night.night[:10])}: {tally_text}")
    _text(entry, "updated", night.as_of)
    if base_url:
        href = f"{base_url}/nights/{night.night}/index.html"
        ET.SubElement(entry, "link", {"rel": "alternate", "href": href})
    _text(entry, "summary", f"{numbers.count_text(len(night.changes), 'change')}: {tally_text}")
    _text(entry, "content", "".join(_content(night))).set("type", "html")


def _content(night: Night) -> Iterator[str]:
    yield "<ul>"
    for change in night.changes[:LISTED]:
        line = plain(f"{change.venue} {change.symbol}: {change.kind.value}")
        yield f"<li>{escape(line)}</li>"
    yield "</ul>"
    omitted = len(night.changes) - LISTED
    if omitted > 0:
        yield f"<p>and {numbers.count(omitted)} more</p>"


def _text(parent: ET.Element, name: str, text: str) -> ET.Element:
    child = ET.SubElement(parent, name)
    child.text = _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text)
    return child
