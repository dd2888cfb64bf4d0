"""The documentation says what the tool does: generated parts, examples, nothing left out."""

import doctest
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from docs import commands, examples, generate
from docs.examples import Example
from docs.generate import ROOT
from harmonize import checks
from harmonize.audit.rule_examples import failing_examples
from harmonize.cli import console
from harmonize.config import inputs_file, run_schema, schema
from reports.registry import FORMATS
from rules import loader
from rules.language.schema import json_schema
from venues.registry import VENUES

README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = [example for page in generate.PAGES for example in examples.examples(page)]
PYTHON = ("README.md", "docs/python.md", "docs/provenance.md")


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_parts_written_by_code_are_what_the_code_writes_now() -> None:
    for path, text in generate.generated().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run `make docs`"


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=lambda example: f"{example.page}: {example.command}"
)
def test_a_command_in_the_documentation_prints_what_stands_below_it(example: Example) -> None:
    lines = examples.run(example.command)
    assert any(line.strip() != examples.ELIDED for line in example.output)
    assert examples.agrees(example.output, lines), "\n".join(lines)


def test_an_elision_stands_for_any_lines_and_nothing_else_does() -> None:
    lines = ("a", "b.", "c")
    assert examples.agrees(("a", examples.ELIDED, "c"), lines)
    assert examples.agrees((examples.ELIDED, "a", "b.", "c", examples.ELIDED), lines)
    assert not examples.agrees(("a", "c"), lines)
    assert not examples.agrees(("a", "bx", "c"), lines)
    assert not examples.agrees(("a", examples.ELIDED, "d"), lines)


def test_a_refreshed_example_keeps_its_one_elision_where_it_was() -> None:
    lines = ("a", "b", "c", "d")
    assert examples.refreshed(("x", examples.ELIDED, "d"), lines) == ("a", examples.ELIDED, "d")
    assert examples.refreshed(("x", examples.ELIDED), lines) == ("a", examples.ELIDED)
    assert examples.refreshed(("x", "y"), lines) == lines
    twice = ("x", examples.ELIDED, "b", examples.ELIDED)
    assert examples.refreshed(twice, lines) == twice


@pytest.mark.parametrize("name", PYTHON)
def test_python_in_the_documentation_gives_what_stands_below_it(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    parsed = doctest.DocTestParser().get_doctest(code, {}, name, name, 0)
    failures: list[str] = []
    doctest.DocTestRunner(verbose=False).run(parsed, out=failures.append)
    assert parsed.examples
    assert not failures, "".join(failures)


def test_the_readme_is_short_and_its_outputs_are_shorter() -> None:
    assert len(README.splitlines()) <= 200
    for example in examples.examples(ROOT / "README.md"):
        assert len(example.output) <= 10, example.command


def test_every_command_is_in_the_readme_and_in_the_reference() -> None:
    for name in commands.commands():
        assert f"| `harmonize {name}" in README, name
        assert f"\n## harmonize {name}\n" in page("cli.md"), name


def test_every_option_and_every_format_is_in_the_reference() -> None:
    sections = dict(
        re.findall(
            r"^## harmonize (.*?)\n(.*?)(?=^## |\Z)", page("cli.md"), re.DOTALL | re.MULTILINE
        )
    )
    for name, command in commands.commands().items():
        for names, _ in commands.options(command):
            assert f"| {names} |" in sections[name], (name, names)
    for name in FORMATS:
        assert f"| `{name}` |" in page("formats.md"), name


def test_the_help_of_audit_names_every_format() -> None:
    (text,) = [
        text
        for names, text in commands.options(commands.commands()["audit"])
        if names == "`--format`"
    ]
    for name in FORMATS:
        assert name in text, name


def test_every_page_is_in_the_index() -> None:
    index = page("README.md")
    for path in (ROOT / "docs").glob("*.md"):
        assert path.name == "README.md" or f"]({path.name})" in index, path.name


def test_every_check_has_its_page() -> None:
    headings = re.findall(r"^## (\S+ \S+)$", page("checks.md"), re.MULTILINE)
    assert headings == [f"{one.code} {one.name}" for one in checks.CHECKS]
    for part in ("What it checks", "Why it matters", "Example"):
        assert page("checks.md").count(f"### {part}\n") == len(checks.CHECKS), part


def test_every_rule_set_is_in_the_list_and_has_its_page() -> None:
    for name in loader.pack_ids():
        assert f"[`{name}`]({name}.md)" in page("packs/README.md")
        assert page(f"packs/{name}.md").startswith(f"# {name}\n")
    pages = {path.stem for path in (ROOT / "docs/packs").glob("*.md")}
    assert pages == {*loader.pack_ids(), "README"}


def test_every_rule_set_in_the_page_on_rules_is_right(tmp_path: Path) -> None:
    """A pack can be written from the page alone: what it shows is what the tool takes."""
    blocks = re.findall(r"^```yaml\n(.*?)^```$", page("rules.md"), re.DOTALL | re.MULTILINE)
    inputs = [one for one in blocks if one.startswith("source:")]
    rule_sets = [one for one in blocks if one not in inputs]
    assert (len(inputs), len(rule_sets)) == (1, 4)
    for number, text in enumerate(rule_sets):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text, encoding="utf-8")
        assert loader.check(path) == []
        assert list(failing_examples(loader.load(path))) == []
    path = tmp_path / "inputs.yaml"
    path.write_text(inputs[0], encoding="utf-8")
    assert len(inputs_file.load(path)) == 2


def test_the_configuration_shown_is_right(tmp_path: Path) -> None:
    (text,) = re.findall(
        r"^```yaml\n(.*?)^```$", page("configuration.md"), re.DOTALL | re.MULTILINE
    )
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    options = {one.code: {each.name: each.unit for each in one.options} for one in checks.CHECKS}
    found = schema.load(path, options)
    assert len(schema.waivers(found, path)) == 2
    assert len(found.run.notify.channels) == 4


def test_every_field_of_a_rule_set_is_in_the_page_on_rules() -> None:
    text = page("rules.md")
    for name, one in json_schema()["$defs"].items():
        for field in one.get("properties", {}):
            assert re.search(rf"`[^`\n]*\b{field}\b", text), (name, field)


def test_every_field_of_a_configuration_is_in_its_page() -> None:
    text = page("configuration.md")
    shapes = (schema.Configuration, schema.WaiverEntry, schema.WaiverScope)
    of_run = (
        run_schema.Run,
        run_schema.NotifyEntry,
        run_schema.ChannelEntry,
        run_schema.WebhookEntry,
        run_schema.SlackEntry,
        run_schema.MailEntry,
        run_schema.KeepEntry,
    )
    for shape in (*shapes, *of_run):
        for field in shape.model_fields:
            assert f"`{field}" in text or f"\n{field}:" in text, field


def test_every_venue_has_its_section_with_a_rule() -> None:
    sections = page("venues.md").split("\n## ")[1:]
    assert len(sections) == len(VENUES)
    for section, adapter in zip(sections, VENUES, strict=True):
        assert section.startswith(f"{adapter.title} (`{adapter.venue}`)")
        assert "\n- rule" in section, adapter.venue


def test_every_field_of_the_document_has_a_meaning() -> None:
    empty = re.findall(r"^\| `\w+` \| .* \| +\|$", page("audit-document.md"), re.MULTILINE)
    assert not empty


def test_every_exit_code_has_its_row() -> None:
    rows = re.findall(r"^\| (\d) \| (.*) \|$", page("cli.md"), re.MULTILINE)
    codes = (
        console.OK,
        console.FINDINGS,
        console.USAGE,
        console.INCOMPLETE,
        console.INTERNAL,
        console.UNDELIVERED,
    )
    assert tuple(int(code) for code, _ in rows) == codes


@pytest.mark.parametrize(
    "path",
    [*generate.PAGES, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"],
    ids=lambda one: one.name,
)
def test_every_link_leads_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        file, _, anchor = target.partition("#")
        to = (path.parent / file).resolve() if file else path
        assert to.exists(), target
        if anchor:
            assert anchor in _anchors(to.read_text(encoding="utf-8")), target


def _anchors(text: str) -> set[str]:
    """The anchors that a forge gives to headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", one.lower()).strip().replace(" ", "-") for one in headings}


def test_every_make_target_is_explained_to_contributors() -> None:
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    explained = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for target in phony.split():
        assert f"`make {target}`" in explained, target


def test_the_pages_mark_the_parts_that_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unmarked = tmp_path / "page.md"
    unmarked.write_text("# A page\n", encoding="utf-8")
    parts: Mapping[Path, Mapping[str, generate.PartWriter]] = {unmarked: {"part": lambda _: ""}}
    monkeypatch.setattr(generate, "PARTS", parts)
    with pytest.raises(KeyError, match="part are written"):
        generate.generated()
