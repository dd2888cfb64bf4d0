"""Frame of every page of the report's folder: head, navigation, footer."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from html import escape
from pathlib import Path

from reports.html.page import LegendEntry
from reports.html.report import stylesheet
from reports.site.markup import NOTHING, Html, join, section, text

STYLE_PATH = "assets/style.css"
"""Path of the style sheet in the folder."""

SCRIPT_PATH = "assets/site.js"
"""Path of the script in the folder."""

SAVED_CHART = ' class="saved"'
"""Attribute of a chart's links to its files, to which the script adds its picture."""

_STARTER = (
    'const script=document.createElement("script");'
    'script.src=document.querySelector("link").href.replace(/style\\.css$/,"site.js");'
    "document.head.append(script)"
)
"""Loads the script of the site. A policy cannot name a file's hash where pages open from disk; it names
the hash of these lines, and allows what they load."""

_STATIC = Path(__file__).parent / "static"


@dataclass(frozen=True, slots=True)
class NavigationEntry:
    """Link in the navigation: its path and its name.

    Pages of one venue, underlying or rule set, which are many, link to the ``main`` entries only; the
    first of them leads to all others. Other pages link to every entry.
    """

    path: str
    name: str
    is_main: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Page of the folder.

    ``path`` is relative to the folder and ``part`` the navigation entry to which the page belongs.
    ``standfirst`` is one sentence on its content. ``files`` are files beside the page: path and
    content.
    """

    path: str
    part: str
    title: str
    standfirst: Html
    body: Html
    files: tuple[tuple[str, bytes], ...] = ()
    kicker: str = ""

    @property
    def up(self) -> str:
        """Relative path from the page to the folder."""
        return "../" * self.path.count("/")

    @property
    def is_scripted(self) -> bool:
        """Whether the page has tables to sort and search, or charts to save as pictures."""
        return "data-tools" in self.body or SAVED_CHART in self.body


@dataclass(frozen=True, slots=True)
class Frame:
    """What all pages state: name of the site, navigation, tool and archive."""

    title: str
    navigation: tuple[NavigationEntry, ...]
    tool: str
    archive: str


def page_bytes(page: Page, frame: Frame) -> bytes:
    """Returns a page as a file."""
    head = _head(page.up, is_scripted=page.is_scripted)
    kicker = f'<p class="kicker">{text(page.kicker)}</p>' if page.kicker else ""
    standfirst = f'<p class="standfirst">{page.standfirst}</p>' if page.standfirst else ""
    script = f"<script>{_STARTER}</script>\n" if page.is_scripted else ""
    is_named = page.kicker or page.title == frame.title
    name = text(page.title if is_named else f"{page.title} · {frame.title}")
    return (
        f'{head}<title>{name}</title>\n</head>\n<body class="site">\n'
        f'<a class="skip" href="#content">Skip to content</a>\n'
        f"{_navigation(frame, page.up, page.part)}"
        f'<main id="content">\n<header class="masthead">{kicker}<h1>{text(page.title)}</h1>'
        f"{standfirst}</header>\n{page.body}</main>\n"
        f"{_footer(frame, page.up)}{script}</body>\n</html>\n"
    ).encode("utf-8", "backslashreplace")


@lru_cache(maxsize=8)
def _head(up: str, *, is_scripted: bool) -> str:
    script = (
        f"; script-src 'sha256-{_starter_hash()}' 'strict-dynamic'; img-src data:"
        if is_scripted
        else ""
    )
    policy = f"default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'{script}"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f'<link rel="stylesheet" href="{up}{STYLE_PATH}">\n'
    )


@lru_cache(maxsize=256)
def _navigation(frame: Frame, up: str, part: str) -> str:
    is_one_of_many = bool(up) and any(e.is_main for e in frame.navigation if e.path == part)
    entries = "".join(
        f'<li><a href="{up}{entry.path}"{_current(entry, part)}>{text(entry.name)}</a></li>'
        for entry in frame.navigation
        if entry.is_main or not is_one_of_many
    )
    return f'<nav aria-label="Pages"><ol>{entries}</ol></nav>\n'


@lru_cache(maxsize=8)
def _footer(frame: Frame, up: str) -> str:
    """Returns what stands below every page; the pages in the folder itself also state the archive."""
    data = f'<a href="{up}data.html">Data</a>'
    if up:
        return f"<footer><p>{text(frame.tool)} · {data}</p></footer>\n"
    return (
        f"<footer><p>{text(frame.tool)}, read from {text(frame.archive)}. Missing data is never shown"
        f' as compliant. <a href="glossary.html#marks">Marks</a> · {data}</p></footer>\n'
    )


def _current(entry: NavigationEntry, part: str) -> str:
    return ' aria-current="page"' if entry.path == part else ""


def page_of_parts(
    path: str,
    title: str,
    standfirst: str,
    parts: Sequence[tuple[str, str, Html]],
    files: tuple[tuple[str, bytes], ...] = (),
) -> Page:
    """Returns a page of sections: anchor, heading and content of each; those without content are absent."""
    shown = [part for part in parts if part[2]]
    body = join(
        [
            in_page_links([(anchor, name) for anchor, name, _ in shown]),
            *(section(anchor, name, content) for anchor, name, content in shown),
        ]
    )
    return Page(path, path, title, text(standfirst), body, files=files)


def legend_list(entries: Iterable[LegendEntry]) -> Html:
    """Returns the entries of a legend as a list."""
    items = "".join(
        f'<li><span class="swatch {entry.css}">{text(entry.sign)}</span> {text(entry.meaning)}</li>'
        for entry in entries
    )
    return Html(f'<ul class="legend">{items}</ul>')


def in_page_links(links: Sequence[tuple[str, str]]) -> Html:
    """Returns links to the sections of a page: anchor and name; nothing for fewer than four."""
    if len(links) < 4:  # noqa: PLR2004 - three sections are short, and need no contents
        return NOTHING
    items = " ".join(f'<a href="#{escape(anchor)}">{text(name)}</a>' for anchor, name in links)
    return Html(f'<p class="jump contents">{items}</p>\n')


def style_file() -> tuple[str, bytes]:
    """Returns path and content of the style sheet of all pages."""
    own = (_STATIC / "site.css").read_text(encoding="utf-8")
    return STYLE_PATH, f"{stylesheet()}\n{own}".encode()


def script_file() -> tuple[str, bytes]:
    """Returns path and content of the script of all pages."""
    return SCRIPT_PATH, (_STATIC / "site.js").read_bytes()


@cache
def _starter_hash() -> str:
    return base64.b64encode(hashlib.sha256(_STARTER.encode()).digest()).decode()
