"""The configuration of a user or a project, ``.harmonize.yaml``: rule sets, checks, waivers, places."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import Field

from harmonize.config.run_schema import Run
from harmonize.config.run_schema import contradictions as of_run
from harmonize.core.yaml_source import decode, read
from harmonize.policy.waiver import Waiver
from rules.language.consistency import Contradiction, mapping, rows
from rules.language.scalars import (
    Code,
    Country,
    Day,
    Measure,
    Shape,
    Share,
    Slug,
    Text,
    Ticker,
    Venue,
    Word,
)
from rules.language.yaml_file import shaped
from rules.loader import content


class WaiverScope(Shape):
    """Which findings of the codes a waiver covers; what is absent selects everything."""

    venues: tuple[Venue, ...] = Field((), description="Venues, by their ids.")
    symbols: tuple[Text, ...] = Field((), description="Symbols, as BTC/USDT:USDT.")
    underlyings: tuple[Ticker, ...] = Field((), description="Assets, as BTC.")
    profiles: tuple[Text, ...] = Field((), description="Profiles, as 'isolated'.")
    rule_sets: tuple[Slug, ...] = Field((), description="Rule sets, by their ids.")
    figures: tuple[Word, ...] = Field((), description="initial or maintenance.")


class WaiverEntry(Shape):
    """Findings that somebody answers for, until a day."""

    codes: tuple[Code, ...] = Field(min_length=1, description="The codes of the checks, as MH401.")
    scope: WaiverScope = Field(description="Which of their findings.")
    reason: Text = Field(description="Why they are accepted.")
    owner: Text = Field(description="Who answers for it.")
    expires: Day = Field(description="The last day on which it holds.")
    value: Measure | None = Field(
        None, description="What was found when it was waived: a margin rate, or a divergence."
    )
    may_worsen: Share | None = Field(
        None, description="By which share of value it may get worse before the waiver lapses."
    )


class Configuration(Shape):
    """A configuration."""

    rules: tuple[Text, ...] = Field((), description="Packs and files, where --rules names none.")
    inputs: Text | None = Field(None, description="A file of measured inputs, as with --inputs.")
    checks: dict[Code, dict[Word, Measure]] = Field(
        default_factory=dict, description="Options of checks, by code and name."
    )
    jurisdictions: dict[Venue, Annotated[tuple[Country, ...], Field(min_length=1)]] = Field(
        default_factory=dict, description="Where venues are established, by their ids."
    )
    waivers: tuple[WaiverEntry, ...] = Field((), description="Findings that are accepted.")
    run: Run = Field(default_factory=Run, description="The nightly run.")


def load(path: Path, options: Mapping[str, tuple[str, ...]]) -> Configuration:
    """Read a configuration; ``options`` names the checks that there are, and their options.

    Raises RuleError, with file:line:column.
    """
    return shaped(path, Configuration, lambda written: _contradictions(written, options))


def waivers(configuration: Configuration, path: Path) -> tuple[Waiver, ...]:
    """Give the waivers of a configuration as values, each with its place in the file."""
    if not configuration.waivers:
        return ()
    written = read(decode(content(path), str(path)), str(path))
    return tuple(
        _waiver(one, f"{path}:{written.place(('waivers', number)).line}")
        for number, one in enumerate(configuration.waivers)
    )


def _waiver(one: WaiverEntry, where: str) -> Waiver:
    return Waiver(
        where=where,
        codes=one.codes,
        reason=one.reason,
        owner=one.owner,
        expires=one.expires,
        venues=one.scope.venues,
        symbols=one.scope.symbols,
        underlyings=one.scope.underlyings,
        profiles=one.scope.profiles,
        rule_sets=one.scope.rule_sets,
        figures=one.scope.figures,
        value=None if one.value is None else float(one.value),
        may_worsen=float(one.may_worsen or Decimal(0)),
    )


def _contradictions(
    written: object, options: Mapping[str, tuple[str, ...]]
) -> Iterator[Contradiction]:
    fields = mapping(written)
    for code, chosen in mapping(fields.get("checks")).items():
        known = options.get(code)
        if known is None:
            yield Contradiction(("checks", code), _no_check(code, options))
            continue
        for name in mapping(chosen):
            if name not in known:
                there = f"there are {', '.join(known)}" if known else "it has none"
                message = f"is no option of {code}; {there}"
                yield Contradiction(("checks", code, name), message)
    for number, one in enumerate(map(mapping, rows(fields.get("waivers")))):
        place: tuple[str | int, ...] = ("waivers", number)
        for index, code in enumerate(rows(one.get("codes"))):
            if isinstance(code, str) and code not in options:
                yield Contradiction((*place, "codes", index), _no_check(code, options))
            elif isinstance(code, str) and code.startswith("MH80"):
                message = f"{code} speaks of waivers and cannot be waived; remove it"
                yield Contradiction((*place, "codes", index), message)
        if one.get("may_worsen") is not None and one.get("value") is None:
            message = "is missing; may_worsen is a share of it"
            yield Contradiction((*place, "value"), message)
    yield from of_run(mapping(fields.get("run")))


def _no_check(code: str, options: Mapping[str, tuple[str, ...]]) -> str:
    family = [one for one in options if one[:3] == code[:3]]
    there = f"there are {', '.join(family)}" if family else "see `harmonize explain`"
    return f"no check has code {code}; {there}"
