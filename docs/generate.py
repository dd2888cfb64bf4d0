"""Writes the generated parts of the documentation and refreshes its console examples.

Run with ``python -m docs.generate``.
"""

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
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
from harmonize.api.cross_venue import prepare_universe
from harmonize.api.stress_inputs import universe_terms
from harmonize.api.stress_validation import validate
from harmonize.audit.method import EXPLANATIONS
from harmonize.core.payload import Snapshot
from harmonize.core.schedule import MarginSchedule
from harmonize.document.rows import status
from harmonize.document.upgrade import RENAMED
from harmonize.policy.summary import requirement_summary
from harmonize.stress.recorded import HEAT_MAP_LEVERAGES, bundled_recordings
from harmonize.stress.scenario import scenario_schema
from reports.registry import FORMATS, renderer
from rules import loader
from rules.language.pages import rule_set_page as pack_page
from tests.support import recorded
from venues import conventions, facts
from venues.adapter import VenueAdapter
from venues.facts import Sizes, VenueFact
from venues.registry import VENUES

ROOT = Path(__file__).parents[1]
PACKS = ROOT / "docs/packs"
SCHEMA = ROOT / "harmonize/schemas/audit-document.schema.json"
SCENARIO_SCHEMA = ROOT / "harmonize/schemas/stress-scenario.schema.json"
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
PartWriter = Callable[[str], str]
"""Returns the new content of a part of a page, given its current content."""

_MARKED = re.compile(
    r"(?P<begin><!-- written by code: (?P<name>[a-z-]+) -->\n)(?P<body>.*?)(?P<end><!-- end -->)",
    re.DOTALL,
)
_FIELD_ROW = re.compile(r"^\| `(?P<name>\w+)` \| .*? \| (?P<meaning>.*) \|$", re.MULTILINE)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a Markdown table."""
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
    rows = (coverage.table_row(venue) for venue in coverage.coverage_by_venue(reading))
    return table(coverage.HEADINGS, ((f"`{venue}`", *others) for venue, *others in rows))


def _recorded(_: str) -> str:
    days_by_group: dict[tuple[str, str, str], list[str]] = {}
    for snapshot in sorted(recorded.snapshots(), key=lambda s: (s.venue, s.observed_at)):
        extent = "all" if snapshot.complete else "partial"
        origins = _counts_text(payload.provenance.origin.value for payload in snapshot.payloads)
        group = (snapshot.venue, extent, origins)
        days_by_group.setdefault(group, []).append(f"{snapshot.observed_at:%Y-%m-%d}")
    rows = (
        (f"`{venue}`", _days_text(days), *others)
        for (venue, *others), days in days_by_group.items()
    )
    return table(("venue", "observed", "instruments", "payloads by origin"), rows)


def _days_text(days: Sequence[str]) -> str:
    if len(days) < 3:
        return ", ".join(days)
    return f"{days[0]} to {days[-1]}, {len(days)} snapshots"


def _counts_text(words: Iterable[str]) -> str:
    return ", ".join(f"{number} {word}" for word, number in sorted(Counter(words).items()))


def _checks(_: str) -> str:
    return "\n".join(_as_section(checks.explain(check)) for check in checks.CHECKS)


def _as_section(page: str) -> str:
    """Returns a page as a section: headings one level lower, with a blank line; single backticks."""
    section = re.sub(r"^(#+ .*)\n+", r"#\1\n\n", page, flags=re.MULTILINE)
    return section.replace("``", "`")


def _explanations(_: str) -> str:
    return "\n".join(f"- **{name}**: {text}" for name, text in EXPLANATIONS.items()) + "\n"


def _venue_pages(_: str) -> str:
    return "\n".join(_venue_section(adapter) for adapter in VENUES)


def _venue_section(adapter: VenueAdapter) -> str:
    module = sys.modules[adapter.parse.__module__]
    schedules = recorded.schedules(adapter.venue)
    quantities = sorted(
        {
            (column.quantity, column.key, column.unit)
            for schedule in schedules
            for evidence in schedule.evidence
            for column in evidence.columns
            if " of " not in column.quantity  # a price or a size of one contract
        }
    )
    requests = (
        (
            f"`{endpoint.request}`",
            endpoint.purpose.value,
            endpoint.access.value,
            endpoint.calls.value,
        )
        for endpoint in adapter.endpoints
    )
    snapshots = sorted(recorded.of_venue(adapter.venue), key=lambda snapshot: snapshot.observed_at)
    lines = [
        f"## {adapter.title} (`{adapter.venue}`)",
        "",
        (module.__doc__ or "").split("\n")[0],
        "",
        table(("request", "purpose", "access", "calls"), requests),
        table(
            ("quantity", "pointer", "unit"),
            ((quantity, f"`{pointer}`", unit) for quantity, pointer, unit in quantities),
        ),
        *(_fact_line(fact) for fact in facts.bundled().rows if fact.venue == adapter.venue),
        _status_line(schedules),
        *(line for snapshot in snapshots for line in _date_lines(snapshot)),
        "",
    ]
    return "\n".join(lines)


def _status_line(schedules: Sequence[MarginSchedule]) -> str:
    initial = _counts_text(status(schedule.initial).value for schedule in schedules)
    maintenance = _counts_text(status(schedule.maintenance).value for schedule in schedules)
    return f"- recorded: {len(schedules)} schedules; IM {initial}; MM {maintenance}"


def _fact_line(fact: VenueFact) -> str:
    span = " ".join(
        [f"from {fact.since}"] * bool(fact.since) + [f"before {fact.until}"] * bool(fact.until)
    )
    sizes = "" if fact.sizes is Sizes.TIERS else f"rates without a size: {fact.sizes}; "
    return (
        f"- rule{f' {span}' if span else ''} ({', '.join(fact.payoffs)}; "
        f"{', '.join(fact.margin_modes)}): IM {fact.initial}, MM {fact.maintenance}, "
        f"a {fact.meaning}; fee: {fact.fee}; {sizes}{fact.confidence}: {fact.source}"
    )


def _date_lines(snapshot: Snapshot) -> Iterator[str]:
    """Yields one line per group of payloads with the same call, date, origin and date basis."""
    groups = Counter(
        (
            payload.call.method,
            f"{payload.observed_at:%Y-%m-%d}",
            payload.provenance.origin.value,
            payload.provenance.dating,
        )
        for payload in snapshot.payloads
    )
    for (method, day, origin, date_basis), number in groups.items():
        times = f" × {number}" if number > 1 else ""
        yield f"- `{method}`{times}, {day}, {origin}; date from: {date_basis}"


def document_row_types() -> tuple[type, ...]:
    """Returns the dataclasses of the audit document, in the order in which fields refer to them."""
    row_types: list[type] = []

    def add(cls: type) -> None:
        if cls not in row_types:
            row_types.append(cls)
            for hint in get_type_hints(cls).values():
                for part in (hint, *get_args(hint)):
                    if is_dataclass(part) and isinstance(part, type):
                        add(part)

    add(document.AuditDocument)
    return tuple(row_types)


def _fields(current: str) -> str:
    """Returns one table per dataclass. Meanings of fields are hand-written and kept."""
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", current, re.DOTALL | re.MULTILINE))
    return "\n".join(
        _field_section(cls, sections.get(cls.__name__, "")) for cls in document_row_types()
    )


def _field_section(cls: type, current: str) -> str:
    meanings = {match["name"]: match["meaning"] for match in _FIELD_ROW.finditer(current)}
    hints = get_type_hints(cls)
    rows = (
        (f"`{name}`", _type_text(hints[name]), meanings.get(name, ""))
        for name in (field.name for field in fields(cls))
    )
    summary_text = cleandoc(cls.__doc__ or "").replace("``", "`")
    field_table = table(("field", "type", "meaning"), rows)
    return f"## {cls.__name__}\n\n{summary_text}\n\n{field_table}"


_TYPE_NAMES: Mapping[Any, str] = MappingProxyType(
    {str: "text", float: "number", int: "integer", bool: "true or false", NoneType: "null"}
)


def _type_text(hint: Any) -> str:
    """Returns a type in the terms of JSON."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is tuple:
        return f"list of {_type_text(inner[0])}"
    if origin is UnionType:
        return " or ".join(_type_text(part) for part in inner)
    if is_dataclass(hint) and isinstance(hint, type):
        return f"[{hint.__name__}](#{hint.__name__.lower()})"
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return " · ".join(f"`{member.value}`" for member in hint)
    return _TYPE_NAMES.get(hint, "map of text to text")


def _conventions(_: str) -> str:
    rows = (
        (
            f"`{venue}`",
            entry.offset_rule.value if entry.offset_rule else "–",
            entry.price_basis or "–",
            f"{entry.source} ({entry.confidence})",
        )
        for venue, entry in sorted(conventions.bundled().items())
    )
    return table(("venue", "offset rule in cross margin", "price basis", "source"), rows)


def _renamed_fields(_: str) -> str:
    rows = (
        (f"`{collection}`" if collection else "the document", f"`{old}`", f"`{new}`")
        for collection, names in sorted(RENAMED.items())
        for old, new in names.items()
    )
    return table(("in", "name in version 1", "name in version 2"), rows)


def _validation(_: str) -> str:
    """Returns how the model states the recorded liquidations, under margins of the recorded archive."""
    recordings = bundled_recordings()
    underlyings = tuple(dict.fromkeys(day.underlying for day in recordings.days))
    base = prepare_universe(Question(venues=(recordings.venue,), underlyings=underlyings))
    terms = {underlying: universe_terms(base, underlying) for underlying in underlyings}
    leverages = ", ".join(f"{leverage:g}×" for leverage in HEAT_MAP_LEVERAGES)
    heads = (
        "underlying",
        "recorded days",
        "modelled ÷ recorded",
        "rank correlation of days",
        f"leverages of heat maps ({leverages}) ÷ recorded",
    )
    rows = (
        (
            row.underlying,
            _span_text([day.day for day in recordings.of(row.underlying)]),
            _figure(row.ratio, ".2g"),
            _figure(row.rank_correlation, ".2f"),
            _figure(row.overstatement, ".0f"),
        )
        for row in validate(underlyings, terms)
    )
    title = next(adapter.title for adapter in VENUES if adapter.venue == recordings.venue)
    return f"{table(heads, rows)}\nAttributed to {title}: {recordings.caveat}.\n"


def _span_text(days: Sequence[date]) -> str:
    return f"{len(days)} from {min(days)} to {max(days)}"


def _figure(value: float | None, form: str) -> str:
    return "unknown" if value is None else f"{value:{form}}"


PARTS: Mapping[Path, Mapping[str, PartWriter]] = MappingProxyType(
    {
        ROOT / "README.md": {"commands": _commands},
        ROOT / "docs/cli.md": {"commands": _command_reference},
        ROOT / "docs/formats.md": {"formats": _formats},
        ROOT / "docs/coverage.md": {"venues": _venues, "recorded": _recorded},
        ROOT / "docs/audit-document.md": {"fields": _fields, "renamed": _renamed_fields},
        ROOT / "docs/gap.md": {"conventions": _conventions},
        ROOT / "docs/checks.md": {"checks": _checks},
        ROOT / "docs/method.md": {"explanations": _explanations},
        ROOT / "docs/venues.md": {"venues": _venue_pages},
        ROOT / "docs/stress.md": {"validation": _validation},
    }
)


def pack_pages() -> dict[Path, str]:
    """Returns one page per rule set that ships with the tool, and an index of them."""
    rule_sets = loader.load_packs()
    rows = (
        (
            f"[`{rule_set.id}`]({rule_set.id}.md)",
            rule_set.kind,
            rule_set.title,
            requirement_summary(rule_set),
        )
        for rule_set in rule_sets
    )
    introduction = (
        "# Rule sets that ship with the tool\n\n"
        "Each page states the requirement of a rule set, its sources, and its unverified parts and design choices.\n"
        "`harmonize rules explain` prints the same. Caps are conduct rules, several times the measured risk. Models\n"
        "are based on measured risk. Results against caps and models are never averaged. How to write a rule set:\n"
        "[rule sets](../rules.md).\n\n"
    )
    index = introduction + table(("rule set", "kind", "title", "requirement"), rows)
    pages = {PACKS / f"{rule_set.id}.md": pack_page(rule_set) for rule_set in rule_sets}
    return {PACKS / "README.md": index, **pages}


def generated() -> dict[Path, str]:
    """Returns every page with generated parts, with its current content, by path.

    Raises KeyError: a page marks an unknown part, or lacks the mark of a part.
    """
    return {path: _filled(path, parts) for path, parts in PARTS.items()} | pack_pages()


def _filled(path: Path, parts: Mapping[str, PartWriter]) -> str:
    text = path.read_text(encoding="utf-8")
    marked = [match["name"] for match in _MARKED.finditer(text)]
    if sorted(marked) != sorted(parts):
        message = f"{path.name} marks {', '.join(marked)}; {', '.join(parts)} are written"
        raise KeyError(message)
    return _MARKED.sub(
        lambda match: f"{match['begin']}\n{parts[match['name']](match['body'])}\n{match['end']}",
        text,
    )


def main() -> int:
    """Writes the generated parts and refreshes the examples; returns 1 if an example remains wrong."""
    SCHEMA.write_text(f"{json.dumps(document.json_schema(), indent=1)}\n", encoding="utf-8")
    scenario = json.dumps(scenario_schema(), indent=1)
    SCENARIO_SCHEMA.write_text(f"{scenario}\n", encoding="utf-8")
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
