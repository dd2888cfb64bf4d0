"""Top-level pages of a site: changes, changes per month, feed, latest night."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING

from harmonize.document.night import Night
from harmonize.text import numbers
from harmonize.text.sanitize import json_text, plain
from reports.html.report import environment, stylesheet
from reports.site.changes import night_views
from reports.site.context import ChangesPage
from reports.site.feed import feed as atom

if TYPE_CHECKING:
    from jinja2 import Template

SCHEMA = "1"
"""Version of ``latest.json``; it increases when a field is removed or changes its meaning."""

NIGHTLY_FILES = (
    ("changes.html", "changes.html", "changes of the newest nights"),
    ("changes.xml", "changes.xml", "the same as an Atom feed"),
    ("latest.json", "latest.json", "the newest night, with the paths of its files"),
)
"""Files of a nightly site beside its report: path, name, and content in words."""


@dataclass(frozen=True, slots=True)
class Site:
    """Title of a site, and its public address without a final slash; empty if unknown."""

    title: str = "Margins of venues"
    base_url: str = ""


def changes_page(nights: Sequence[Night], months: Sequence[str], site: Site) -> bytes:
    """Renders the page of the newest nights, newest first; `months` are those with a page."""
    dates = numbers.date_range(nights[-1].night[:10], nights[0].night[:10]) if nights else "no run"
    links = tuple((f"changes/{month}.html", month_name(month)) for month in reversed(months))
    return _page("Changes", f"Nights of {dates}.", "", nights, links, site)


def month_page(month: str, nights: Sequence[Night], around: tuple[str, str], site: Site) -> bytes:
    """Renders one month of changes; `around` is the month before and after, empty if absent."""
    links = tuple((f"{neighbour}.html", month_name(neighbour)) for neighbour in around if neighbour)
    standfirst = f"{numbers.count_text(len(nights), 'night')}."
    return _page(f"Changes in {month_name(month)}", standfirst, "../", nights, links, site)


def feed(nights: Sequence[Night], site: Site) -> bytes:
    """Renders the Atom feed of nights with changes, newest first."""
    return atom(nights, site.title, site.base_url)


def latest(night: Night, site: Site) -> bytes:
    """Renders the newest night as JSON, with the paths of its files."""
    folder = f"nights/{night.night}"
    content = {
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
    text = json.dumps(_finite(content), indent=1, ensure_ascii=False, allow_nan=False)
    return f"{json_text(text)}\n".encode()


def _finite(value: object) -> object:
    """Replaces non-finite numbers by null, because JSON has no value for them."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def month_name(month: str) -> str:
    """Returns the name of a month: 2026-11 is ``Nov 2026``."""
    return numbers.date(f"{month}-01").split("\N{NO-BREAK SPACE}", 1)[1]


def _page(  # noqa: PLR0913, PLR0917 - one parameter per field of the page
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
