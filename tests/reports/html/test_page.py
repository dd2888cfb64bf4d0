import dataclasses
import re
from pathlib import Path
from typing import Annotated, get_args, get_origin, get_type_hints

import jinja2
import jinja2.nodes
import pytest

from reports.html import page, report
from reports.html.page import ReportPage
from reports.html.report import environment
from reports.site import context
from reports.site.context import ChangesPage

TEMPLATES = sorted((Path(report.__file__).parent / "templates").glob("*.j2"))
VIEWS = [
    view
    for view in (*vars(page).values(), *vars(context).values())
    if isinstance(view, type) and dataclasses.is_dataclass(view)
]
PAGES = {"changes.html.j2": ChangesPage}
"""Type of ``page`` per template; all other templates use that of the report."""

LOCALS = {"page", "reference", "caller"}


def helps(view: type) -> dict[str, str]:
    hints = get_type_hints(view, include_extras=True)
    return {
        name: get_args(hint)[1] for name, hint in hints.items() if get_origin(hint) is Annotated
    }


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
def test_every_field_is_documented_and_nothing_changes_after(view: type) -> None:
    fields = [field.name for field in dataclasses.fields(view)]
    assert list(helps(view)) == fields
    assert all(helps(view).values())
    assert view.__dataclass_params__.frozen  # type: ignore[attr-defined] # not in the stubs


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_templates_print_documented_fields_only(template: Path) -> None:
    documented = {name for view in VIEWS for name in helps(view)}
    tree = environment().parse(template.read_text())
    for access in tree.find_all(jinja2.nodes.Getattr):
        assert access.attr in documented, access.attr
        if isinstance(access.node, jinja2.nodes.Name) and access.node.name == "page":
            assert access.attr in helps(PAGES.get(template.name, ReportPage))


def test_every_field_of_the_page_is_printed() -> None:
    for view in (ReportPage, ChangesPage):
        own = (path for path in TEMPLATES if PAGES.get(path.name, ReportPage) is view)
        printed = set(re.findall(r"page\.(\w+)", " ".join(path.read_text() for path in own)))
        assert printed == set(helps(view))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_templates_decide_nothing(template: Path) -> None:
    """No arithmetic, comparison, sorting or number format: the context contains finished text."""
    tree = environment().parse(template.read_text())
    nodes = jinja2.nodes
    arithmetic = (nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.Mod, nodes.Pow, nodes.FloorDiv)
    assert not [*tree.find_all(arithmetic), *tree.find_all((nodes.Compare, nodes.Neg))]
    filters = {node.name for node in tree.find_all(nodes.Filter)}
    assert filters <= {"join", "lower", "safe"}


def test_only_our_own_markup_is_printed_unescaped() -> None:
    safe = [
        (path.name, expression)
        for path in TEMPLATES
        for expression in re.findall(r"\{\{ *([^}]*?)\|safe", path.read_text())
    ]
    assert safe == [
        ("changes.html.j2", "page.stylesheet"),
        ("parts.html.j2", "chart.svg"),
        ("report.html.j2", "page.stylesheet"),
        ("underlyings.html.j2", "chart.svg"),
    ]


def test_a_field_that_is_not_there_is_an_error() -> None:
    template = environment().from_string("{{ page.weather }}")
    with pytest.raises(jinja2.UndefinedError):
        template.render(page=object())
