"""Reads a proposed schedule from YAML or CSV, with file:line:column of every problem."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path as FilePath
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from harmonize.comparison.proposal import Proposal, ProposedTier
from harmonize.core.schedule import INFINITY, TierRule
from harmonize.core.yaml_source import (
    Path,
    Place,
    Plain,
    YamlSourceError,
    decode_utf8,
    parse_yaml,
    printable,
)
from harmonize.text.amounts import AmountError, exact_usd
from harmonize.text.suggest import did_you_mean
from rules.language.consistency import Contradiction, as_list, as_mapping
from rules.language.inheritance import standalone
from rules.language.scalars import AssetName, Rate, Shape, Text
from rules.language.yaml_file import validate_shape
from rules.loader import RuleError, read_bytes

MAX_TIERS = 1000
"""Largest number of tiers of a proposal."""

_COLUMNS = ("upper", "initial_rate", "leverage", "maintenance_rate")
_MAX_BOUND = Decimal("1e15")
_MAX_LEVERAGE = 10_000


def _bound(value: object) -> Decimal:
    try:
        amount = exact_usd(value) if isinstance(value, str) else value
    except AmountError as error:
        raise ValueError(str(error)) from None
    if isinstance(amount, bool) or not isinstance(amount, int | Decimal):
        message = f"expected an amount in USD such as 5m or 250_000, found {printable(value)}"
        raise ValueError(message)  # noqa: TRY004 - pydantic collects ValueError, not TypeError
    if not 0 < amount <= _MAX_BOUND:
        message = f"expected an amount in USD above 0 and at most 1e15, found {printable(value)}"
        raise ValueError(message)
    return Decimal(amount)


def _leverage(value: object) -> Decimal:
    number = Decimal(0) if isinstance(value, bool) else value
    if isinstance(value, str):
        match = _LEVERAGE.fullmatch(value)
        number = Decimal(match["number"]) if match else Decimal(0)
    if not isinstance(number, int | Decimal) or not 1 <= number <= _MAX_LEVERAGE:
        limits = f"from 1 to {_MAX_LEVERAGE:,}"
        message = f"expected a leverage {limits}, such as 125, found {printable(value)}"
        raise ValueError(message)
    return Decimal(number)


_LEVERAGE = re.compile(r"(?P<number>[0-9]{1,5}(\.[0-9]{1,10})?)[x×]?", re.ASCII)
_NUMBER = re.compile(r"[-+]?[0-9]{1,30}(_[0-9]+)*(\.[0-9]{1,30})?(e[-+]?[0-9]{1,2})?", re.ASCII)

Bound = Annotated[
    Decimal, BeforeValidator(_bound), WithJsonSchema({"type": ["number", "string", "null"]})
]
Leverage = Annotated[
    Decimal, BeforeValidator(_leverage), WithJsonSchema({"type": ["number", "string"]})
]


class TierEntry(Shape):
    """One proposed tier."""

    upper: Bound | None = Field(None, description="Upper bound in USD; none for the last tier.")
    initial_rate: Rate | None = Field(None, description="Initial margin rate.")
    leverage: Leverage | None = Field(None, description="Leverage, instead of initial_rate.")
    maintenance_rate: Rate | None = Field(None, description="Maintenance margin rate.")


class ProposalFile(Shape):
    """A whole file with a proposed schedule."""

    name: Text | None = Field(None, description="Name in results, such as a venue id.")
    underlying: AssetName | None = Field(None, description="Underlying asset such as SOL.")
    tier_rule: TierRule | None = Field(None, description="flat or marginal.")
    tiers: tuple[TierEntry, ...] = Field(min_length=1, description="Tiers, smallest first.")


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a command states beside the file; empty text leaves it to the file."""

    name: str = ""
    underlying: str = ""
    tier_rule: str = ""


def load(path: FilePath, overrides: Overrides = Overrides()) -> Proposal:
    """Reads a proposal; ``overrides`` take precedence over the file.

    A name that ends with .csv is CSV, any other YAML. Raises RuleError, a line per problem.
    """
    try:
        text = decode_utf8(read_bytes(path), str(path))
        source = _csv(text, str(path)) if path.suffix.lower() == ".csv" else _yaml(text, str(path))
    except YamlSourceError as error:
        raise RuleError(str(error)) from None
    file = validate_shape(
        source.text, source.value, ProposalFile, lambda value: _contradictions(value, overrides)
    )
    rule = overrides.tier_rule or (file.tier_rule or TierRule.FLAT).value
    return Proposal(
        overrides.name or file.name or path.stem,
        overrides.underlying or file.underlying or "",
        TierRule(rule),
        tuple(map(_tier, file.tiers)),
    )


def _tier(entry: TierEntry) -> ProposedTier:
    rate = entry.initial_rate if entry.leverage is None else 1 / entry.leverage
    return ProposedTier(
        INFINITY if entry.upper is None else entry.upper, rate or Decimal(0), entry.maintenance_rate
    )


@dataclass(frozen=True, slots=True)
class _Source:
    """Plain value of a file, and the text that knows the places of its parts."""

    value: Plain
    text: Any


def _yaml(text: str, name: str) -> _Source:
    source = parse_yaml(text, name)
    if not isinstance(source.value, dict):
        reason = f"expected a mapping, found {printable(source.value)}; begin with 'tiers:'"
        raise YamlSourceError(name, 1, 1, reason)
    return _Source(source.value, standalone(source))


@dataclass(frozen=True, slots=True)
class _CsvText:
    """Places of the cells of a table, by their path in the value."""

    name: str
    places: Mapping[Path, Place]

    def place(self, path: Path) -> tuple[str, Place]:
        """Returns the place of a cell; without one, of its row, or of the header."""
        while path not in self.places:
            path = path[:-1]
        return self.name, self.places[path]

    key_place = place


def _csv(text: str, name: str) -> _Source:
    lines = text.splitlines()
    header = lines[0] if lines else ""
    delimiter = ";" if header.count(";") > header.count(",") else ","
    heads = [
        (column, cell.strip().lower()) for column, cell in _cells(header, delimiter, (name, 1))
    ]
    _check_header(heads, name)
    tiers: list[Plain] = []
    places: dict[Path, Place] = {(): Place(1, 1)}
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip(f"{delimiter} \t"):
            continue
        cells = _cells(line, delimiter, (name, number))
        if len(cells) > len(heads):
            reason = (
                f"expected {len(heads)} cells as in the header, found {len(cells)}; remove some"
            )
            raise YamlSourceError(name, number, cells[len(heads)][0], reason)
        row = len(tiers)
        places["tiers", row] = Place(number, 1)
        tier: dict[str, Plain] = {}
        for (_, head), (column, cell) in zip(heads, cells, strict=False):
            places["tiers", row, head] = Place(number, column)
            if cell.strip():
                tier[head] = _value(cell.strip())
        tiers.append(tier)
    if not tiers:
        raise YamlSourceError(name, 2, 1, "expected a row per tier below the header, found none")
    return _Source({"tiers": tiers}, _CsvText(name, places))


def _check_header(heads: list[tuple[int, str]], name: str) -> None:
    """Raises RuleError: a line per unknown or repeated column."""
    problems = []
    for position, (column, head) in enumerate(heads):
        reason = ""
        if head not in _COLUMNS:
            fix = did_you_mean(head, _COLUMNS, f"use {', '.join(_COLUMNS)}")
            reason = f"unknown column {printable(head)}{fix}"
        elif head in (other for _, other in heads[:position]):
            reason = f"repeats the column {head}; remove one"
        if reason:
            problems.append(str(YamlSourceError(name, 1, column, reason)))
    if problems:
        raise RuleError(*problems)


def _cells(line: str, delimiter: str, place: tuple[str, int]) -> list[tuple[int, str]]:
    """Returns the cells of a line with their columns, from 1; quotes enclose a delimiter."""
    cells: list[tuple[int, str]] = []
    position = 0
    while position <= len(line):
        start = position
        if line[position : position + 1] == '"':
            end = line.find('"', position + 1)
            if end < 0:
                reason = "unclosed quote; close it, a cell cannot contain a line end"
                raise YamlSourceError(*place, start + 1, reason)
            cells.append((start + 1, line[position + 1 : end]))
            position = line.find(delimiter, end)
        else:
            position = line.find(delimiter, start)
            cells.append((start + 1, line[start : position if position >= 0 else len(line)]))
        if position < 0:
            return cells
        position += 1
    return cells


def _value(cell: str) -> Plain:
    """Returns a number of a cell, otherwise its text."""
    return Decimal(cell.replace("_", "")) if _NUMBER.fullmatch(cell) else cell


def _contradictions(document: object, overrides: Overrides) -> Iterator[Contradiction]:
    fields = as_mapping(document)
    tiers = [as_mapping(tier) for tier in as_list(fields.get("tiers"))]
    if not overrides.underlying and fields.get("underlying") is None:
        yield Contradiction(("underlying",), "missing; add it, or use --underlying")
    rule = overrides.tier_rule or fields.get("tier_rule")
    if rule is None and len(tiers) > 1:
        fix = "add 'tier_rule: flat' or 'tier_rule: marginal', or use --tier-rule"
        yield Contradiction(("tier_rule",), f"missing with several tiers; {fix}")
    elif rule == TierRule.CONTINUOUS:
        yield Contradiction(("tier_rule",), "expected flat or marginal, found 'continuous'")
    if len(tiers) > MAX_TIERS:
        message = f"expected at most {MAX_TIERS:,} tiers, found {len(tiers):,}; remove some"
        yield Contradiction(("tiers",), message)
        return
    yield from _tier_contradictions(tiers)


def _tier_contradictions(tiers: list[Mapping[str, Any]]) -> Iterator[Contradiction]:
    below = Decimal(0)
    has_maintenance = any(tier.get("maintenance_rate") is not None for tier in tiers)
    for number, tier in enumerate(tiers):
        path: Path = ("tiers", number)
        has_rate, has_leverage = (tier.get(x) is not None for x in ("initial_rate", "leverage"))
        if has_rate == has_leverage:
            found = "both" if has_rate else "neither"
            message = f"expected initial_rate or leverage, found {found}; use one of the two"
            yield Contradiction((*path, "leverage" if has_rate else "initial_rate"), message)
        if has_maintenance and tier.get("maintenance_rate") is None:
            message = "missing, while other tiers have it; add it"
            yield Contradiction((*path, "maintenance_rate"), message)
        if tier.get("upper") is None:
            if number < len(tiers) - 1:
                message = "missing; add the upper bound, only the last tier may have none"
                yield Contradiction((*path, "upper"), message)
            continue
        try:
            upper = _bound(tier["upper"])
        except ValueError:
            continue
        if upper <= below:
            message = (
                f"expected a bound above {below:,f}, that of the tier before, found {upper:,f}"
            )
            yield Contradiction((*path, "upper"), f"{message}; sort the tiers, or correct it")
        below = upper
