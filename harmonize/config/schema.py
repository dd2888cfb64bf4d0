"""Reads ``.harmonize.yaml``: rule sets, options of checks, waivers, jurisdictions, nightly run."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import Field

from harmonize.config.run_schema import Run
from harmonize.config.run_schema import contradictions as run_contradictions
from harmonize.core.yaml_source import Path as KeyPath
from harmonize.core.yaml_source import decode_utf8, parse_yaml
from harmonize.policy.waiver import Waiver
from rules.language.consistency import Contradiction, as_list, as_mapping
from rules.language.scalars import (
    AssetName,
    Code,
    Country,
    Day,
    Measure,
    Shape,
    Share,
    Slug,
    Text,
    Venue,
    Word,
)
from rules.language.yaml_file import load_shape
from rules.loader import read_bytes

OptionUnits: TypeAlias = Mapping[str, Mapping[str, str]]
"""Unit of every option, by the code of its check and its name."""


class WaiverScope(Shape):
    """Selects the findings of the codes that a waiver covers; an absent field selects all."""

    venues: tuple[Venue, ...] = Field((), description="Venue ids.")
    symbols: tuple[Text, ...] = Field((), description="Symbols such as BTC/USDT:USDT.")
    underlyings: tuple[AssetName, ...] = Field((), description="Underlying assets such as BTC.")
    profiles: tuple[Text, ...] = Field((), description="Margin profiles such as isolated.")
    rule_sets: tuple[Slug, ...] = Field((), description="Rule set ids.")
    figures: tuple[Word, ...] = Field((), description="Margin types: initial or maintenance.")


class WaiverEntry(Shape):
    """Findings that an owner accepts until a date."""

    codes: tuple[Code, ...] = Field(min_length=1, description="Codes of the checks, such as MH401.")
    scope: WaiverScope = Field(description="Findings of these checks that are covered.")
    reason: Text = Field(description="Reason for accepting them.")
    owner: Text = Field(description="Person or function responsible.")
    expires: Day = Field(description="Last day of validity.")
    value: Measure | None = Field(
        None, description="Margin rate or divergence observed when the waiver was granted."
    )
    may_worsen: Share | None = Field(
        None, description="Share of value by which it may worsen before the waiver lapses."
    )


class Configuration(Shape):
    """The whole configuration file."""

    rules: tuple[Text, ...] = Field(
        (), description="Rule packs and files, used if --rules is absent."
    )
    inputs: Text | None = Field(None, description="File of measured inputs, as for --inputs.")
    checks: dict[Code, dict[Word, Measure]] = Field(
        default_factory=dict, description="Options of checks, by code and option name."
    )
    jurisdictions: dict[Venue, Annotated[tuple[Country, ...], Field(min_length=1)]] = Field(
        default_factory=dict, description="Countries in which venues are established, by venue id."
    )
    waivers: tuple[WaiverEntry, ...] = Field((), description="Accepted findings.")
    run: Run = Field(default_factory=Run, description="Nightly run.")


def load(path: Path, options: OptionUnits) -> Configuration:
    """Reads a configuration; ``options`` states the unit of every option of a check.

    Raises RuleError, with file:line:column.
    """
    return load_shape(path, Configuration, lambda document: _contradictions(document, options))


def waivers(configuration: Configuration, path: Path) -> tuple[Waiver, ...]:
    """Returns the waivers of a configuration as values, each with its line in the file."""
    if not configuration.waivers:
        return ()
    source = parse_yaml(decode_utf8(read_bytes(path), str(path)), str(path))
    return tuple(
        _waiver(entry, f"{path}:{source.place(('waivers', index)).line}")
        for index, entry in enumerate(configuration.waivers)
    )


def _waiver(entry: WaiverEntry, where: str) -> Waiver:
    return Waiver(
        where=where,
        codes=entry.codes,
        reason=entry.reason,
        owner=entry.owner,
        expires=entry.expires,
        venues=entry.scope.venues,
        symbols=entry.scope.symbols,
        underlyings=entry.scope.underlyings,
        profiles=entry.scope.profiles,
        rule_sets=entry.scope.rule_sets,
        figures=entry.scope.figures,
        value=None if entry.value is None else float(entry.value),
        may_worsen=float(entry.may_worsen or Decimal(0)),
    )


def _contradictions(document: object, options: OptionUnits) -> Iterator[Contradiction]:
    fields = as_mapping(document)
    yield from _check_contradictions(as_mapping(fields.get("checks")), options)
    for index, entry in enumerate(map(as_mapping, as_list(fields.get("waivers")))):
        yield from _waiver_contradictions(("waivers", index), entry, options)
    yield from run_contradictions(as_mapping(fields.get("run")))


def _check_contradictions(
    checks: Mapping[str, Any], options: OptionUnits
) -> Iterator[Contradiction]:
    for code, settings in checks.items():
        names = options.get(code)
        if names is None:
            yield Contradiction(("checks", code), _unknown_code(code, options))
            continue
        for name, value in as_mapping(settings).items():
            message = ""
            if name not in names:
                remedy = f"use one of {', '.join(names)}" if names else "remove it"
                message = f"unknown option of {code}; {remedy}"
            elif names[name].startswith("of ") and isinstance(value, int | Decimal) and value > 1:
                share = "for 50 % write 50% or 0.5"
                message = f"expected a share {names[name]} of at most 1, found {value}; {share}"
            if message:
                yield Contradiction(("checks", code, name), message)


def _waiver_contradictions(
    key: KeyPath, entry: Mapping[str, Any], options: OptionUnits
) -> Iterator[Contradiction]:
    for index, code in enumerate(as_list(entry.get("codes"))):
        if isinstance(code, str) and code not in options:
            yield Contradiction((*key, "codes", index), _unknown_code(code, options))
        elif isinstance(code, str) and code.startswith("MH80"):
            message = f"{code} concerns waivers and cannot be waived; remove it"
            yield Contradiction((*key, "codes", index), message)
    if entry.get("may_worsen") is not None and entry.get("value") is None:
        message = "missing; add it, because may_worsen is a share of it"
        yield Contradiction((*key, "value"), message)


def _unknown_code(code: str, options: OptionUnits) -> str:
    family = [other for other in options if other[:3] == code[:3]]
    remedy = f"use one of {', '.join(family)}" if family else "see `harmonize explain`"
    return f"unknown check {code}; {remedy}"
