"""Outbound links of citations and recordings: only addresses that the text names or identifies.

A text names an address by a host, such as ``cftc.gov``, or identifies a page by the number of an act,
of a section of the CFR, or of a commit. Nothing else becomes a link.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from reports.site.markup import Html, text

_ADDRESS = re.compile(
    r"https://[^\s<>\"'()\[\]{};,]*[^\s<>\"'()\[\]{};,.:?!]"
    r"|(?<![\w.@/-])(?:[a-z0-9-]+\.)+(?:gov|org|com|int|edu|eu|jp|uk|au|sg|ae|io|today)"
    r"(?:/[A-Za-z0-9/_.%-]*[A-Za-z0-9/_%-])?(?![\w.-]*@)(?![\w-])"
)
_EU_REGULATION = re.compile(
    r"(?:(?:Implementing|Delegated) )?Regulation \(E[UC]\)(?: No)? (?P<first>\d{1,4})/(?P<second>\d{1,4})"
)
_CFR_SECTION = re.compile(r"(?P<title>\d{1,2}) CFR (?P<part>\d{1,4})(?:\.(?P<section>\d{1,4}))?")
_AUSTRALIAN_ACT = re.compile(r"\bF\d{4}[LC]\d{5}\b")
_COMMIT = re.compile(
    r"^(?:[\w.-]+/[\w.-]+ via )?(?P<repository>[\w-][\w.-]*/[\w-][\w.-]*)"
    r" (?P<path>[\w./+@-]+)(?:#\S*)?(?: \([^)]*\))? at (?P<commit>[0-9a-f]{40})\b"
)
_YEAR_FIRST_SINCE = 2015


@dataclass(frozen=True, slots=True)
class OutboundLink:
    """Part of a text, from `start` to `end`, with the address that it names or identifies."""

    start: int
    end: int
    address: str


def with_links(words: str) -> Html:
    """Returns a text in which what names or identifies an address is a link."""
    links = [*_distinct(sorted(_links(words), key=lambda found: (found.start, -found.end)))]
    ends = [0, *(bound for found in links for bound in (found.start, found.end)), len(words)]
    parts = [text(words[start:end]) for start, end in pairwise(ends)]
    for index, found in enumerate(links):
        parts[2 * index + 1] = Html(
            f'<a href="{escape(found.address)}" rel="noreferrer">{parts[2 * index + 1]}</a>'
        )
    return Html("".join(parts))


def _distinct(links: list[OutboundLink]) -> Iterator[OutboundLink]:
    end = 0
    for found in links:
        if found.start >= end:
            yield found
            end = found.end


def _links(words: str) -> Iterator[OutboundLink]:
    for match in _ADDRESS.finditer(words):
        address = match[0] if match[0].startswith("https://") else f"https://{match[0]}"
        yield OutboundLink(match.start(), match.end(), address)
    for match in _EU_REGULATION.finditer(words):
        celex = _celex(int(match["first"]), int(match["second"]))
        address = f"https://eur-lex.europa.eu/legal-content/EN/TXT/?uri=CELEX:{celex}"
        yield OutboundLink(match.start(), match.end(), address)
    for match in _CFR_SECTION.finditer(words):
        place = f"section-{match['part']}.{match['section']}" if match["section"] else ""
        address = f"https://www.ecfr.gov/current/title-{match['title']}/{place or 'part-' + match['part']}"
        yield OutboundLink(match.start(), match.end(), address)
    for match in _AUSTRALIAN_ACT.finditer(words):
        yield OutboundLink(
            match.start(), match.end(), f"https://www.legislation.gov.au/{match[0]}/latest"
        )
    commit = _COMMIT.match(words)
    if commit and ".." not in commit["path"]:
        address = (
            f"https://github.com/{commit['repository']}/blob/{commit['commit']}/{commit['path']}"
        )
        yield OutboundLink(commit.start("path"), commit.end("path"), address)


def _celex(first: int, second: int) -> str:
    """Returns the CELEX number of a regulation: since 2015 the year comes first, before it last."""
    year, number = (first, second) if first >= _YEAR_FIRST_SINCE else (second, first)
    return f"3{year:04}R{number:04}"
