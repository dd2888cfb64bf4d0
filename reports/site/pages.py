"""The pages that stand above the nights of a site: changes, months of changes, the feed, the latest."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING

from harmonize.document.night import Night
from harmonize.text import numbers
from harmonize.text.sanitize import plain
from reports.html.report import environment, stylesheet
from reports.site.changes import night_views
from reports.site.context import ChangesPage
from reports.site.feed import feed as atom

if TYPE_CHECKING:
    from jinja2 import Template

SCHEMA = "1"
"""The version of ``latest.json``; it rises when a field goes or changes its meaning."""


@dataclass(frozen=True, slots=True)
class Site:
    """What a site is called, and where it is published: no slash at the end, empty if unsaid."""

    title: str = "Margins of venues"
    base_url: str = ""


def changes_page(nights: Sequence[Night], months: Sequence[str], site: Site) -> bytes:
    """The page of the newest nights. ``nights`` are newest first, ``months`` all that have a page."""
    span = numbers.span(nights[-1].night[:10], nights[0].night[:10]) if nights else "no night"
    links = tuple((f"changes/{one}.html", month_name(one)) for one in reversed(months))
    return _page("What changed", f"Nights of {span}.", "", nights, links, site)


def month_page(month: str, nights: Sequence[Night], around: tuple[str, str], site: Site) -> bytes:
    """One month of changes; ``around`` are the month before and after it, empty where there is none."""
    links = tuple((f"{one}.html", month_name(one)) for one in around if one)
    told = f"{numbers.counted(len(nights), 'night')}."
    return _page(f"What changed in {month_name(month)}", told, "../", nights, links, site)


def feed(nights: Sequence[Night], site: Site) -> bytes:
    """The Atom feed of the nights that had changes, newest first."""
    return atom(nights, site.title, site.base_url)


def latest(night: Night, site: Site) -> bytes:
    """The newest night as JSON: its figures, and where its files are."""
    folder = f"nights/{night.night}"
    whole = {
        "schema_version": SCHEMA,
        "title": site.title,
        "base_url": site.base_url,
        **asdict(night),
        "files": {
            "report": f"{folder}/index.html",
            "document": f"{folder}/audit.json.gz",
            "night": f"{folder}/night.json",
            "changes": "changes.html",
            "feed": "changes.xml",
        },
    }
    text = json.dumps(_said(whole), indent=1, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode(
        errors="backslashreplace"
    )  # half a surrogate pair is an escape of JSON


def _said(value: object) -> object:
    """The same with what JSON cannot say, a number that is not finite, as null."""
    if isinstance(value, dict):
        return {key: _said(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_said(one) for one in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def month_name(month: str) -> str:
    """2026-11 is November 2026, as its first day is written without the day."""
    return numbers.date(f"{month}-01").split("\N{NO-BREAK SPACE}", 1)[1]


def _page(  # noqa: PLR0913, PLR0917 - what a page is made of
    heading: str,
    standfirst: str,
    up: str,
    nights: Sequence[Night],
    links: tuple[tuple[str, str], ...],
    site: Site,
) -> bytes:
    page = ChangesPage(
        stylesheet=stylesheet(),
        title=plain(site.title),
        heading=heading,
        standfirst=standfirst,
        up=up,
        nights=night_views(nights, up),
        links=links,
    )
    return _template().render(page=page).encode()


@cache
def _template() -> "Template":
    return environment().get_template("changes.html.j2")
