"""Stress scenarios in YAML: falls by step and underlying, with citations and their marks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib.resources import files
from itertools import pairwise
from types import MappingProxyType
from typing import TypeVar

from harmonize.core.yaml_source import Path, YamlSource, YamlSourceError, parse_yaml, printable
from harmonize.stress.defaults import SOURCE_MARKS, Mark
from harmonize.stress.errors import StressInputError

_Word = TypeVar("_Word", bound=StrEnum)

Series = Mapping[str, tuple[float, ...]]
"""Numbers by step, by underlying."""

EVERY_UNDERLYING = "*"
"""Key of falls that apply to every underlying."""

HYPOTHETICAL = (0.05, 0.10, 0.20, 0.30)
"""Falls of the bundled hypothetical scenarios: the price jumps and stays."""

LEAST_STEP_MINUTES = 0.01
"""Shortest step of a path: a liquidation is sold over some minutes, in as many steps as they have."""

_REQUIRED = ("id", "title", "kind", "step_minutes", "falls", "citations")
_OPTIONAL = ("first_mark", "implied_volatility", "volume")
_CITATION = {"reference", "mark", "note"}


class ScenarioKind(StrEnum):
    """Origin of a path. A recorded one contains the liquidations of its day."""

    RECORDED = "recorded"
    HYPOTHETICAL = "hypothetical"


@dataclass(frozen=True, slots=True)
class Citation:
    """Source of a scenario, its mark, and what was done with it."""

    reference: str
    mark: Mark
    note: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """Falls since the first mark by step, for one or more underlyings.

    - ``first_mark``: time of the first mark in UTC; empty if hypothetical.
    - ``falls``: fractions of the first mark, in [0, 1), one per step.
    - ``implied_volatility``: per year, by step; ``volume``: times that of the 30 days before.
    """

    id: str
    title: str
    kind: ScenarioKind
    step_minutes: float
    first_mark: str
    falls: Series
    citations: tuple[Citation, ...]
    implied_volatility: Series = field(default_factory=dict)
    volume: Series = field(default_factory=dict)

    @property
    def contains_its_cascade(self) -> bool:
        """True if the path includes the effect of its own liquidations: impact counts them twice."""
        return self.kind is ScenarioKind.RECORDED

    @property
    def is_joint(self) -> bool:
        """Whether several underlyings fall together."""
        return EVERY_UNDERLYING in self.falls or len(self.falls) > 1

    def path(self, underlying: str) -> tuple[float, ...]:
        """Returns the falls of an underlying. Raises StressInputError: the scenario has none."""
        falls = self.falls.get(underlying) or self.falls.get(EVERY_UNDERLYING)
        if falls is None:
            known = ", ".join(self.falls)
            message = f"scenario {self.id}: no falls of {underlying}; use one of {known}"
            raise StressInputError(message)
        return falls

    def largest_step(self, underlying: str) -> float:
        """Returns the largest fall from one step to the next, relative to the price before it."""
        prices = [1.0, *(1.0 - fall for fall in self.path(underlying))]
        return max(1.0 - after / before for before, after in pairwise(prices))


def hypothetical(fall: float) -> Scenario:
    """Returns a scenario in which every price jumps and stays."""
    name = f"-{fall:.0%}"
    citation = Citation("assumption", Mark.ASSUMED, "every underlying falls alike, at once")
    return Scenario(
        name,
        f"Every price falls by {fall:.0%} and stays there",
        ScenarioKind.HYPOTHETICAL,
        5.0,
        "",
        MappingProxyType({EVERY_UNDERLYING: (fall,)}),
        (citation,),
    )


@cache
def bundled_scenarios() -> Mapping[str, Scenario]:
    """Returns the scenarios that ship with the package by id, recorded ones first, by date."""
    folder = files("harmonize.stress").joinpath("scenarios")
    recorded = [
        parse_scenario(entry.read_text("utf-8"), entry.name)
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    ]
    recorded.sort(key=lambda scenario: scenario.id)
    return MappingProxyType(
        {part.id: part for part in (*recorded, *(hypothetical(fall) for fall in HYPOTHETICAL))}
    )


def parse_scenario(text: str, name: str) -> Scenario:
    """Returns the scenario of a YAML text. Raises YamlSourceError with file, line and column."""
    yaml = parse_yaml(text, name)
    value = _mapping(yaml, (), yaml.value, _REQUIRED, _OPTIONAL)
    kind = _word(yaml, ("kind",), value["kind"], ScenarioKind)
    first_mark = _first_mark(yaml, value, is_recorded=kind is ScenarioKind.RECORDED)
    falls = _series(yaml, "falls", value["falls"], 1.0)
    if not falls:
        raise _error(yaml, ("falls",), "falls: expected at least one underlying")
    steps = len(next(iter(falls.values())))
    optional = {
        key: _series(yaml, key, value[key]) for key in _OPTIONAL[1:] if value.get(key) is not None
    }
    for key, series in (("falls", falls), *optional.items()):
        for underlying, numbers in series.items():
            if len(numbers) != steps:
                reason = f"{key}: expected {steps} steps for {underlying}, found {len(numbers)}"
                raise _error(yaml, (key, underlying), reason)
            if underlying not in falls and EVERY_UNDERLYING not in falls:
                reason = f"{key}: {underlying} has no falls; remove it, or add its falls"
                raise _error(yaml, (key, underlying), reason)
    return Scenario(
        _text(yaml, ("id",), value["id"]),
        _text(yaml, ("title",), value["title"]),
        kind,
        _step_minutes(yaml, value["step_minutes"]),
        first_mark,
        falls,
        _citations(yaml, value["citations"]),
        **optional,
    )


def scenario_schema() -> dict[str, object]:
    """Returns the JSON Schema of a scenario file."""
    series = {
        "type": "object",
        "additionalProperties": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "number", "minimum": 0},
        },
    }
    fall = {"type": "number", "minimum": 0, "exclusiveMaximum": 1}
    falls = {"type": "array", "minItems": 1, "items": fall}
    text = {"type": "string", "minLength": 1}
    citation = {
        "type": "object",
        "required": sorted(_CITATION),
        "additionalProperties": False,
        "properties": {
            "reference": text,
            "mark": {"enum": [mark.value for mark in SOURCE_MARKS]},
            "note": text,
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stress scenario",
        "type": "object",
        "required": list(_REQUIRED),
        "additionalProperties": False,
        "properties": {
            "id": text,
            "title": text,
            "kind": {"enum": [kind.value for kind in ScenarioKind]},
            "step_minutes": {"type": "number", "minimum": LEAST_STEP_MINUTES},
            "first_mark": text,
            "falls": {"type": "object", "minProperties": 1, "additionalProperties": falls},
            "implied_volatility": series,
            "volume": series,
            "citations": {"type": "array", "minItems": 1, "items": citation},
        },
    }


def _series(yaml: YamlSource, key: str, value: object, below: float | None = None) -> Series:
    if not isinstance(value, dict):
        reason = f"{key}: expected a mapping of underlyings, found {printable(value)}"
        raise _error(yaml, (key,), reason)
    for name in value:
        if not name.strip() or name != name.strip().upper():
            line, column = yaml.key_place((key, name))
            fix = (
                f"; write {name.strip().upper()}" if name.strip() else "; write a code such as BTC"
            )
            reason = f"{key}: expected the code of an underlying, found {printable(name)}{fix}"
            raise YamlSourceError(yaml.name, line, column, reason)
    return MappingProxyType(
        {name: _numbers(yaml, (key, name), numbers, below) for name, numbers in value.items()}
    )


def _first_mark(yaml: YamlSource, value: Mapping[str, object], *, is_recorded: bool) -> str:
    """Returns the time of the first mark as written; empty if the scenario is hypothetical."""
    path, example = ("first_mark",), "2025-10-10T12:00:00Z"
    if not is_recorded:
        if "first_mark" in value:
            raise _error(yaml, path, "first_mark: a hypothetical scenario states none; remove it")
        return ""
    if "first_mark" not in value:
        reason = f"first_mark: missing in a recorded scenario; add it, such as {example}"
        raise _error(yaml, path, reason)
    text = _text(yaml, path, value["first_mark"])
    try:
        is_time = datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        is_time = False
    if not is_time:
        reason = f"first_mark: expected a time such as {example}, found {printable(text)}"
        raise _error(yaml, path, reason)
    return text


def _numbers(yaml: YamlSource, path: Path, value: object, below: float | None) -> tuple[float, ...]:
    if not isinstance(value, list) or not value:
        found = "an empty list" if value == [] else printable(value)
        reason = f"{path[-1]}: expected a list of numbers, one per step, found {found}"
        raise _error(yaml, path, reason)
    numbers = []
    for position, entry in enumerate(value):
        number = _number(yaml, (*path, position), entry)
        if below is not None and number >= below:
            reason = (
                f"{path[-1]}: expected a fraction from 0 to below 1 (0.1 is 10 %), found {entry}"
            )
            raise _error(yaml, (*path, position), reason)
        numbers.append(number)
    return tuple(numbers)


def _number(yaml: YamlSource, path: Path, value: object, *, above_zero: bool = False) -> float:
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    number = Decimal(str(value)) if is_number else Decimal(-1)
    if number < 0 or (above_zero and not number):
        bound = "above 0" if above_zero else "from 0"
        name = next(part for part in reversed(path) if isinstance(part, str))
        raise _error(yaml, path, f"{name}: expected a number {bound}, found {printable(value)}")
    return float(number)


def _step_minutes(yaml: YamlSource, value: object) -> float:
    path = ("step_minutes",)
    minutes = _number(yaml, path, value, above_zero=True)
    if minutes < LEAST_STEP_MINUTES:
        reason = f"step_minutes: expected at least {LEAST_STEP_MINUTES:g} minutes, found {value}"
        raise _error(yaml, path, reason)
    return minutes


def _citations(yaml: YamlSource, value: object) -> tuple[Citation, ...]:
    if not isinstance(value, list) or not value:
        found = "an empty list" if value == [] else printable(value)
        reason = f"citations: expected at least one citation, found {found}"
        raise _error(yaml, ("citations",), reason)
    citations = []
    for position, entry in enumerate(value):
        path = ("citations", position)
        row = _mapping(yaml, path, entry, sorted(_CITATION), ())
        citations.append(
            Citation(
                _text(yaml, (*path, "reference"), row["reference"]),
                _word(yaml, (*path, "mark"), row["mark"], SOURCE_MARKS),
                _text(yaml, (*path, "note"), row["note"]),
            )
        )
    return tuple(citations)


def _mapping(
    yaml: YamlSource, path: Path, value: object, required: Sequence[str], optional: Sequence[str]
) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _error(yaml, path, f"expected a mapping, found {printable(value)}")
    known = (*required, *optional)
    for key in value:
        if key not in known:
            line, column = yaml.key_place((*path, key))
            reason = f"{key}: unknown key; use {', '.join(known)}"
            raise YamlSourceError(yaml.name, line, column, reason)
    for key in required:
        if key not in value:
            raise _error(yaml, path, f"{key}: missing; add it")
    return value


def _text(yaml: YamlSource, path: Path, value: object) -> str:
    if not isinstance(value, str) or not value:
        is_scalar = isinstance(value, bool | int | Decimal | date)
        fix = "; put it in quotes" if is_scalar else ""
        raise _error(yaml, path, f"{path[-1]}: expected text, found {printable(value)}{fix}")
    return value


def _word(yaml: YamlSource, path: Path, value: object, words: Iterable[_Word]) -> _Word:
    by_value = {word.value: word for word in words}
    if str(value) not in by_value:
        reason = f"{path[-1]}: expected one of {', '.join(by_value)}, found {printable(value)}"
        raise _error(yaml, path, reason)
    return by_value[str(value)]


def _error(yaml: YamlSource, path: Path, reason: str) -> YamlSourceError:
    place = yaml.place(path)
    return YamlSourceError(yaml.name, place.line, place.column, reason)
