"""Measured inputs that a user gives in a YAML file, as if the archive held them."""

from collections.abc import Iterator
from datetime import UTC, datetime, time
from pathlib import Path

from pydantic import Field

from harmonize.policy.inputs import Input, unsound
from harmonize.policy.rule_set import Verified
from rules.language.consistency import Contradiction, mapping, rows
from rules.language.scalars import Count, Day, Inner, Measure, Shape, Text, Ticker, Word
from rules.language.yaml_file import shaped


class GivenInput(Shape):
    """One measured figure of one underlying."""

    name: Word = Field(description="As a rule set's input is called where it is measured.")
    underlying: Ticker = Field(description="The asset, as BTC.")
    value: Measure = Field(description="A rate (0.081, 8.1%) or an amount in USD.")
    observed_at: Day = Field(description="The last day of what it was measured on.")
    lower: Measure | None = Field(None, description="The lower end of its interval.")
    upper: Measure | None = Field(None, description="The upper end.")
    confidence: Inner | None = Field(None, description="The confidence of the interval: 95%.")
    observations: Count | None = Field(None, description="How many observations it rests on.")


class Given(Shape):
    """A file of inputs."""

    source: Text = Field(description="Where the figures come from, and how they were computed.")
    verified: Verified = Field(description="How far they were checked, as for citations.")
    inputs: tuple[GivenInput, ...] = Field(min_length=1, description="The figures.")


def load(path: Path) -> tuple[Input, ...]:
    """Read a file of inputs. Raises RuleError, with file:line:column."""
    given = shaped(path, Given, _contradictions)
    return tuple(_input(one, given, path, number) for number, one in enumerate(given.inputs))


def _input(one: GivenInput, given: Given, path: Path, number: int) -> Input:
    return Input(
        name=one.name,
        underlying=one.underlying,
        value=one.value,
        observed_at=datetime.combine(one.observed_at, time.min, UTC),
        lower=one.lower,
        upper=one.upper,
        confidence=one.confidence,
        observations=one.observations,
        origin=given.verified.value,
        source=given.source,
        pointer=f"{path.name}: inputs[{number}]",
    )


def _contradictions(written: object) -> Iterator[Contradiction]:
    """Find intervals that do not hold their value, and figures that are given twice."""
    seen: set[tuple[object, object, object]] = set()
    for number, one in enumerate(map(mapping, rows(mapping(written).get("inputs")))):
        try:
            parsed = GivenInput.model_validate(one)
        except ValueError:
            continue
        probe = _input(parsed, _NOBODY, Path("-"), number)
        reason = unsound(probe)
        if reason:
            yield Contradiction(("inputs", number), f"{reason}; mend the numbers")
        key = (parsed.name, parsed.underlying, parsed.observed_at)
        if key in seen:
            message = (
                f"{parsed.name} of {parsed.underlying} for that day stands above; give it once"
            )
            yield Contradiction(("inputs", number), message)
        seen.add(key)


_NOBODY = Given.model_construct(source="", verified=Verified.DERIVED, inputs=())
