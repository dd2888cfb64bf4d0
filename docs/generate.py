"""The documentation that code writes, and its examples; ``python -m docs.generate`` rewrites both."""

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import StrEnum
from inspect import cleandoc, getmodule
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType, NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from docs import commands, examples
from harmonize import checks, document
from harmonize.api import coverage
from harmonize.api.audit import Question, read
from harmonize.audit.method import EXPLANATIONS
from harmonize.core.payload import Snapshot
from harmonize.core.schedule import MarginSchedule
from harmonize.document.rows import status
from harmonize.policy.summary import summary
from reports.registry import FORMATS, renderer
from rules import loader
from rules.language.pages import page as pack_page
from tests.support import recorded
from venues import conventions, facts
from venues.adapter import VenueAdapter
from venues.facts import VenueFact
from venues.registry import VENUES

ROOT = Path(__file__).parents[1]
PACKS = ROOT / "docs/packs"
SCHEMA = ROOT / "harmonize/schemas/audit-document.schema.json"
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
Part = Callable[[str], str]
"""Writes a part of a page, given what stands there now."""

_MARKED = re.compile(
    r"(?P<begin><!-- written by code: (?P<name>[a-z-]+) -->\n)(?P<body>.*?)(?P<end><!-- end -->)",
    re.DOTALL,
)
_FIELD_ROW = re.compile(r"^\| `(?P<name>\w+)` \| .*? \| (?P<means>.*) \|$", re.MULTILINE)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _commands(_: str) -> str:
    rows = (
        (f"`{commands.usage(name, command)}`", commands.summary(command))
        for name, command in commands.commands().items()
    )
    return table(("command", "purpose"), rows)


def _command_reference(_: str) -> str:
    """Returns one section per command: its usage, its help, its options."""
    first = f"## Options before any command\n\n{_option_table(commands.global_options())}"
    sections = (
        f"## harmonize {name}\n\n"
        f"`{commands.usage(name, command)} [OPTIONS]`\n\n"
        f"{_escaped(cleandoc(command.help))}\n"
        + (f"\n{_option_table(rows)}" if (rows := tuple(commands.options(command))) else "")
        for name, command in commands.commands().items()
    )
    return "\n".join((first, *sections))


def _option_table(rows: Iterable[tuple[str, str]]) -> str:
    return table(("option", "meaning"), ((names, _escaped(text)) for names, text in rows))


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("``", "`")


def _formats(_: str) -> str:
    rows = (
        (f"`{name}`", (getmodule(renderer(name)).__doc__ or "").split("\n")[0].strip())
        for name in sorted(FORMATS)
    )
    return table(("format", "content"), rows)


def _venues(_: str) -> str:
    reading = read(Question())[0]
    rows = (coverage.row(one) for one in coverage.covered(reading))
    return table(coverage.HEADINGS, ((f"`{venue}`", *others) for venue, *others in rows))


def _recorded(_: str) -> str:
    held: dict[tuple[str, str, str], list[str]] = {}
    for one in sorted(recorded.snapshots(), key=lambda one: (one.venue, one.observed_at)):
        holds = "all" if one.complete else "partial"
        origins = _counted(payload.provenance.origin.value for payload in one.payloads)
        held.setdefault((one.venue, holds, origins), []).append(f"{one.observed_at:%Y-%m-%d}")
    rows = ((f"`{venue}`", _days(days), *rest) for (venue, *rest), days in held.items())
    return table(("venue", "observed", "instruments", "payloads by origin"), rows)


def _days(days: Sequence[str]) -> str:
    if len(days) < 3:
        return ", ".join(days)
    return f"{days[0]} to {days[-1]}, {len(days)} snapshots"


def _counted(words: Iterable[str]) -> str:
    return ", ".join(f"{number} {word}" for word, number in sorted(Counter(words).items()))


def _checks(_: str) -> str:
    return "\n".join(_one_level_down(checks.explain(one)) for one in checks.CHECKS)


def _one_level_down(page: str) -> str:
    """A page of its own as a section; the headings get their blank line, code its single tick."""
    headed = re.sub(r"^(#+ .*)\n+", r"#\1\n\n", page, flags=re.MULTILINE)
    return headed.replace("``", "`")


def _explanations(_: str) -> str:
    return "\n".join(f"- **{name}**: {text}" for name, text in EXPLANATIONS.items()) + "\n"


def _venue_pages(_: str) -> str:
    return "\n".join(_venue_page(one) for one in VENUES)


def _venue_page(adapter: VenueAdapter) -> str:
    module = sys.modules[adapter.parse.__module__]
    schedules = recorded.schedules(adapter.venue)
    figures = sorted(
        {
            (column.figure, column.key, column.unit)
            for one in schedules
            for evidence in one.evidence
            for column in evidence.columns
            if " of " not in column.figure  # a price or a size of one contract
        }
    )
    asked = (
        (f"`{one.request}`", one.purpose.value, one.access.value, one.calls.value)
        for one in adapter.endpoints
    )
    lines = [
        f"## {adapter.title} (`{adapter.venue}`)",
        "",
        (module.__doc__ or "").split("\n")[0],
        "",
        table(("asked", "for", "access", "calls"), asked),
        table(("figure", "pointer", "unit"), ((a, f"`{b}`", c) for a, b, c in figures)),
        *(_fact(one) for one in facts.bundled().rows if one.venue == adapter.venue),
        _read(schedules),
        *(
            line
            for one in sorted(recorded.of_venue(adapter.venue), key=lambda one: one.observed_at)
            for line in _dating(one)
        ),
        "",
    ]
    return "\n".join(lines)


def _read(schedules: Sequence[MarginSchedule]) -> str:
    initial, maintenance = (
        _counted(status(one).value for one in figures)
        for figures in (
            [one.initial for one in schedules],
            [one.maintenance for one in schedules],
        )
    )
    return f"- recorded: {len(schedules)} schedules; IM {initial}; MM {maintenance}"


def _fact(fact: VenueFact) -> str:
    span = " ".join(
        [f"from {fact.since}"] * bool(fact.since) + [f"before {fact.until}"] * bool(fact.until)
    )
    return (
        f"- rule{f' {span}' if span else ''} ({', '.join(fact.payoffs)}; "
        f"{', '.join(fact.margin_modes)}): IM {fact.initial}, MM {fact.maintenance}, "
        f"a {fact.meaning}; fee: {fact.fee}; {fact.confidence}: {fact.source}"
    )


def _dating(snapshot: Snapshot) -> Iterator[str]:
    """Give one line for all payloads of a call that share date, origin and dating."""
    groups = Counter(
        (
            one.call.method,
            f"{one.observed_at:%Y-%m-%d}",
            one.provenance.origin.value,
            one.provenance.dating,
        )
        for one in snapshot.payloads
    )
    for (method, day, origin, dating), number in groups.items():
        times = f" × {number}" if number > 1 else ""
        yield f"- `{method}`{times}, {day}, {origin}; date from: {dating}"


def rows_of_the_document() -> tuple[type, ...]:
    """Give the document's dataclasses, each after the one whose field first names it."""
    found: list[type] = []

    def add(cls: type) -> None:
        if cls not in found:
            found.append(cls)
            for hint in get_type_hints(cls).values():
                for one in (hint, *get_args(hint)):
                    if is_dataclass(one) and isinstance(one, type):
                        add(one)

    add(document.AuditDocument)
    return tuple(found)


def _fields(now: str) -> str:
    """A table a dataclass. What a field means is written in the page, and kept."""
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", now, re.DOTALL | re.MULTILINE))
    written = []
    for cls in rows_of_the_document():
        kept = {
            one["name"]: one["means"] for one in _FIELD_ROW.finditer(sections.get(cls.__name__, ""))
        }
        hints = get_type_hints(cls)
        rows = (
            (f"`{one.name}`", _type(hints[one.name]), kept.get(one.name, "")) for one in fields(cls)
        )
        said = cleandoc(cls.__doc__ or "").replace("``", "`")
        written.append(f"## {cls.__name__}\n\n{said}\n\n{table(('field', 'type', 'means'), rows)}")
    return "\n".join(written)


_WORDS: Mapping[Any, str] = MappingProxyType(
    {str: "text", float: "number", int: "integer", bool: "true or false", NoneType: "null"}
)


def _type(hint: Any) -> str:
    """Write a type in the words of JSON."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is tuple:
        return f"list of {_type(inner[0])}"
    if origin is UnionType:
        return " or ".join(_type(one) for one in inner)
    if is_dataclass(hint) and isinstance(hint, type):
        return f"[{hint.__name__}](#{hint.__name__.lower()})"
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return " · ".join(f"`{one.value}`" for one in hint)
    return _WORDS.get(hint, "map of text to text")


def _conduct(_: str) -> str:
    rows = (
        (
            f"`{one.venue}`",
            one.opposite.value if one.opposite else "–",
            one.valued or "–",
            f"{one.source} ({one.confidence})",
        )
        for one in sorted(conventions.bundled().values(), key=lambda one: one.venue)
    )
    return table(("venue", "long and short in cross margin", "valued at", "source"), rows)


PARTS: Mapping[Path, Mapping[str, Part]] = MappingProxyType(
    {
        ROOT / "README.md": {"commands": _commands},
        ROOT / "docs/cli.md": {"commands": _command_reference},
        ROOT / "docs/formats.md": {"formats": _formats},
        ROOT / "docs/coverage.md": {"venues": _venues, "recorded": _recorded},
        ROOT / "docs/audit-document.md": {"fields": _fields},
        ROOT / "docs/gap.md": {"conduct": _conduct},
        ROOT / "docs/checks.md": {"checks": _checks},
        ROOT / "docs/method.md": {"explanations": _explanations},
        ROOT / "docs/venues.md": {"venues": _venue_pages},
    }
)


def pack_pages() -> dict[Path, str]:
    """A page a rule set that ships with the tool, and one that lists them."""
    rows = (
        (f"[`{one.id}`]({one.id}.md)", one.kind, one.title, summary(one))
        for one in loader.bundled()
    )
    first = (
        "# The rule sets that come with the tool\n\n"
        "Each page says what a rule set asks, where its numbers come from, and what of it is unverified or our\n"
        "choice; `harmonize rules explain` prints the same. Caps are rules of conduct and several times the measured\n"
        "risk; models are what risk was measured to be. Scores against the one and the other are never averaged.\n"
        "How one is written: [rule sets](../rules.md).\n\n"
    )
    pages = {PACKS / f"{one.id}.md": pack_page(one) for one in loader.bundled()}
    return {
        PACKS / "README.md": first + table(("rule set", "kind", "title", "asks"), rows),
        **pages,
    }


def generated() -> dict[Path, str]:
    """Every page that has parts written by code, as the code writes it now.

    Raises KeyError: a page marks a part that nothing writes, or lacks the mark of one.
    """
    return {path: _filled(path, parts) for path, parts in PARTS.items()} | pack_pages()


def _filled(path: Path, parts: Mapping[str, Part]) -> str:
    text = path.read_text(encoding="utf-8")
    marked = [one["name"] for one in _MARKED.finditer(text)]
    if sorted(marked) != sorted(parts):
        message = f"{path.name} marks {', '.join(marked)}; {', '.join(parts)} are written"
        raise KeyError(message)
    return _MARKED.sub(
        lambda one: f"{one['begin']}\n{parts[one['name']](one['body'])}\n{one['end']}", text
    )


def main() -> int:
    """Writes the generated parts and refreshes the examples; returns 1 if an example remains wrong."""
    SCHEMA.write_text(f"{json.dumps(document.json_schema(), indent=1)}\n", encoding="utf-8")
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")
    status_code = 0
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for example in examples.examples(page):
            lines = examples.run(example.command)
            output = examples.refreshed(example.output, lines)
            before, after = (
                "".join(f"{line}\n" for line in (f"$ {example.command}", *version))
                for version in (example.output, output)
            )
            text = text.replace(before, after)
            if not examples.agrees(output, lines):
                status_code = 1
                sys.stderr.write(f"{page.name}: $ {example.command}: correct its output by hand\n")
        page.write_text(text, encoding="utf-8")
    return status_code


if __name__ == "__main__":
    with TemporaryDirectory() as empty:
        os.environ["XDG_DATA_HOME"] = empty  # examples read the recorded archive, not the user's
        sys.exit(main())
