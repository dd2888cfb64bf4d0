"""HTML as a type: text becomes markup only by escaping, so that names from venues are inert."""

from collections.abc import Iterable
from functools import lru_cache
from html import escape
from typing import NewType

from harmonize.text.sanitize import plain

Html = NewType("Html", str)
"""Finished markup. Only this module and page code with literal tags create it."""

NOTHING = Html("")


@lru_cache(maxsize=65536)
def text(words: str) -> Html:
    """Returns text as markup: escaped, and what does not print made visible."""
    return Html(escape(plain(words)))


def join(parts: Iterable[Html], separator: str = "") -> Html:
    """Joins markup; `separator` is text."""
    return Html(escape(separator).join(parts))


def element(tag: str, content: Html, **attributes: str) -> Html:
    """Returns an element; an attribute ``css`` is its class, and empty attributes are absent."""
    return Html(f"<{tag}{_attributes(attributes)}>{content}</{tag}>")


def words(tag: str, content: str, **attributes: str) -> Html:
    """Returns an element whose content is text; nothing if the text is empty."""
    return element(tag, text(content), **attributes) if content else NOTHING


def link(address: str, name: str | Html, **attributes: str) -> Html:
    """Returns a link. A `name` of type ``str`` must be escaped by `text` unless it is a literal."""
    return element("a", Html(name), href=address, **attributes)


def link_to(address: str, name: str) -> Html:
    """Returns a link whose name is text; the text alone if there is no address."""
    return element("a", text(name), href=address) if address else text(name)


def unordered(items: Iterable[Html], css: str = "") -> Html:
    """Returns a list of items; nothing if there are none."""
    entries = "".join(f"<li>{item}</li>" for item in items)
    return element("ul", Html(entries), css=css) if entries else NOTHING


def facts(pairs: Iterable[tuple[str, Html]]) -> Html:
    """Returns names with their values as a definition list; pairs without a value are absent."""
    rows = "".join(
        f"<div><dt>{text(name)}</dt><dd>{value}</dd></div>" for name, value in pairs if value
    )
    return element("dl", Html(rows), css="facts") if rows else NOTHING


def section(ident: str, heading: str, *content: Html) -> Html:
    """Returns a section with its heading; nothing without content."""
    body = "".join(content)
    if not body:
        return NOTHING
    return Html(f'<section id="{escape(ident)}"><h2>{text(heading)}</h2>{body}</section>\n')


def details(summary: str, content: Html, ident: str = "") -> Html:
    """Returns content that the reader opens; printing shows it."""
    if not content:
        return NOTHING
    return element("details", Html(f"<summary>{text(summary)}</summary>{content}"), id=ident)


def _attributes(attributes: dict[str, str]) -> str:
    return "".join(
        f' {"class" if name == "css" else name.replace("_", "-")}="{escape(plain(value))}"'
        for name, value in attributes.items()
        if value
    )
