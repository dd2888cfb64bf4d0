"""The documentation that code writes, and its examples; ``python -m docs.generate`` rewrites both."""

import os
import re
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from inspect import cleandoc, getmodule
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType, NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import typer
from typer.testing import CliRunner

from harmonize import checks, document
from harmonize.api import coverage
from harmonize.api.audit import Question, read
from harmonize.audit.method import EXPLANATIONS
from harmonize.cli.main import app
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
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
ELIDED = "…"
Part = Callable[[str], str]
"""Writes a part of a page, given what stands there now."""

_MARKED = re.compile(
    r"(?P<begin><!-- written by code: (?P<name>[a-z-]+) -->\n)(?P<body>.*?)(?P<end><!-- end -->)",
    re.DOTALL,
)
_CONSOLE = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)
_FIELD_ROW = re.compile(r"^\| `(?P<name>\w+)` \| .*? \| (?P<means>.*) \|$", re.MULTILINE)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def commands() -> dict[str, Any]:
    """Every command of the command line by its full name, with typer's object for it."""
    root: Any = typer.main.get_command(app)
    found: dict[str, Any] = {}
    for name, one in root.commands.items():
        inner = getattr(one, "commands", {})
        found |= {f"{name} {below}": held for below, held in inner.items()} or {name: one}
    return found


def _usage(name: str, command: Any) -> str:
    parts = [f"harmonize {name}"]
    for one in command.params:
        if one.param_type_name == "argument":
            word = one.name.upper()
            parts.append(word if one.required else f"[{word}]")
    return " ".join(parts)


def _commands(_: str) -> str:
    rows = (
        (f"`{_usage(name, one)}`", cleandoc(one.help).split("\n")[0])
        for name, one in commands().items()
    )
    return table(("command", "does"), rows)


def options() -> dict[tuple[str, str], list[str]]:
    """Every option with its help, and the commands that take it; before the command: ''."""
    root: Any = typer.main.get_command(app)
    found: dict[tuple[str, str], list[str]] = {}
    for name, command in {"": root, **commands()}.items():
        for one in command.params:
            if one.param_type_name == "option" and "--help" not in one.opts:
                key = (", ".join(f"`{word}`" for word in one.opts), _help(one))
                found.setdefault(key, []).append(name)
    return found


def _help(option: Any) -> str:
    said = option.help or "Print the version."
    plain = option.default is None or option.default in {"", False}
    return said if plain else f"{said} Default: {option.default}"


def _options(_: str) -> str:
    rows = (
        (names, said, ", ".join(f"`{one}`" if one else "before any command" for one in taken))
        for (names, said), taken in options().items()
    )
    return table(("option", "means", "of"), rows)


def _formats(_: str) -> str:
    rows = (
        (f"`{name}`", (getmodule(renderer(name)).__doc__ or "").split("\n")[0].strip())
        for name in sorted(FORMATS)
    )
    return table(("format", "is"), rows)


def _rule_sets(_: str) -> str:
    rows = (
        (
            f"[`{one.id}`](docs/packs/{one.id}.md)",
            one.kind,
            "law" if one.statutory else "benchmark",
            one.title,
            summary(one),
        )
        for one in loader.bundled()
    )
    return table(("rule set", "kind", "standing", "title", "asks"), rows)


def _venues(_: str) -> str:
    reading = read(Question())[0]
    rows = (coverage.row(one) for one in coverage.covered(reading))
    return table(coverage.HEADINGS, ((f"`{venue}`", *others) for venue, *others in rows))


def _recorded(_: str) -> str:
    held: dict[tuple[str, str, str], list[str]] = {}
    for one in sorted(recorded.snapshots(), key=lambda one: (one.venue, one.observed_at)):
        holds = "all instruments" if one.complete else "some instruments"
        origins = _counted(payload.provenance.origin.value for payload in one.payloads)
        held.setdefault((one.venue, holds, origins), []).append(f"{one.observed_at:%Y-%m-%d}")
    rows = ((f"`{venue}`", _days(days), *rest) for (venue, *rest), days in held.items())
    return table(("venue", "observed", "holds", "payloads by origin"), rows)


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
        ROOT / "README.md": {
            "commands": _commands,
            "options": _options,
            "formats": _formats,
            "rule-sets": _rule_sets,
            "venues": _venues,
            "recorded": _recorded,
        },
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


@dataclass(frozen=True, slots=True)
class Example:
    """A command in a console block, and the lines below it; a line ``…`` elides any number."""

    page: str
    command: str
    shown: tuple[str, ...]


def examples(page: Path) -> Iterator[Example]:
    """Find every command of a page's console blocks."""
    for block in _CONSOLE.finditer(page.read_text(encoding="utf-8")):
        for one in re.split(r"^\$ ", block[0], flags=re.MULTILINE)[1:]:
            command, *shown = one.rstrip().split("\n")
            yield Example(page.name, command, tuple(shown))


def printed(command: str) -> tuple[str, ...]:
    """Run a command of the tool in an empty folder; give stdout and stderr as a terminal does."""
    name, *arguments = shlex.split(command)
    if name != "harmonize":
        message = f"an example must begin with harmonize, was {name}"
        raise ValueError(message)
    with TemporaryDirectory() as folder, chdir(folder):
        runner = CliRunner(env={"HARMONIZE_ARCHIVE": None})
        found = runner.invoke(app, arguments, catch_exceptions=False)
    return tuple(line.rstrip() for line in found.output.rstrip().split("\n"))


def agrees(shown: Sequence[str], lines: Sequence[str]) -> bool:
    """Whether lines are those shown, with any number of lines at each elision."""
    pattern = "".join(
        r"(?:.*\n)*" if one.strip() == ELIDED else re.escape(f"{one}\n") for one in shown
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in lines)) is not None


def refreshed(shown: Sequence[str], lines: Sequence[str]) -> Sequence[str]:
    """What to show now: as much before and after the one elision as was shown.

    Gives ``shown`` back where it elides more than once: a person chooses there.
    """
    places = [place for place, one in enumerate(shown) if one.strip() == ELIDED]
    if agrees(shown, lines) or len(places) > 1:
        return shown
    if not places:
        return lines
    after = len(shown) - places[0] - 1
    return (*lines[: places[0]], ELIDED, *lines[len(lines) - after :])


def main() -> int:
    """Write the generated parts, refresh the examples; 1 when an example is left that is wrong."""
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")
    wrong = 0
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for one in examples(page):
            lines = printed(one.command)
            shown = refreshed(one.shown, lines)
            before, after = (
                "".join(f"{line}\n" for line in (f"$ {one.command}", *some))
                for some in (one.shown, shown)
            )
            text = text.replace(before, after)
            if not agrees(shown, lines):
                wrong = 1
                sys.stderr.write(f"{page.name}: $ {one.command}: correct by hand what it shows\n")
        page.write_text(text, encoding="utf-8")
    return wrong


if __name__ == "__main__":
    with TemporaryDirectory() as nobody:
        os.environ["XDG_DATA_HOME"] = nobody  # examples read the recorded archive, not the user's
        sys.exit(main())
