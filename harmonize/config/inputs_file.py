"""Reads measured model inputs from a YAML file, in the form in which the archive holds them."""

from collections.abc import Iterator
from datetime import UTC, datetime, time
from pathlib import Path as FilePath

from pydantic import Field

from harmonize.core.yaml_source import Path
from harmonize.policy.input_scale import range_problem
from harmonize.policy.inputs import Input, input_problem
from harmonize.policy.rule_set import Verified
from rules.language.consistency import Contradiction, as_list, as_mapping
from rules.language.scalars import (
    AssetName,
    Count,
    Day,
    Digest,
    Inner,
    Measured,
    Shape,
    Text,
    Word,
)
from rules.language.yaml_file import load_shape


class InputEntry(Shape):
    """One measured value of one underlying."""

    name: Word = Field(description="Name of the input as declared by the rule set.")
    underlying: AssetName = Field(description="Underlying asset such as BTC.")
    value: Measured = Field(description="Rate (0.081, 8.1%), correlation or amount in USD.")
    observed_at: Day = Field(description="Last day of the measured data.")
    lower: Measured | None = Field(None, description="Lower bound of the confidence interval.")
    upper: Measured | None = Field(None, description="Upper bound of the confidence interval.")
    confidence: Inner | None = Field(
        None, description="Confidence level of the interval, such as 95%."
    )
    observations: Count | None = Field(None, description="Number of observations.")
    prices: Text | None = Field(None, description="Series behind the value, such as its symbol.")
    first_day: Day | None = Field(None, description="First day of these prices.")
    last_day: Day | None = Field(None, description="Last day of these prices.")
    sha256: Digest | None = Field(None, description="SHA-256 of these prices.")


class InputsFile(Shape):
    """A file of measured inputs."""

    source: Text = Field(description="Source of the values and method of computation.")
    verified: Verified = Field(description="Verification level, as for citations.")
    inputs: tuple[InputEntry, ...] = Field(min_length=1, description="Measured values.")


def load(path: FilePath) -> tuple[Input, ...]:
    """Reads a file of inputs. Raises RuleError, with file:line:column."""
    file = load_shape(path, InputsFile, _contradictions)
    return tuple(_input(entry, file, path, index) for index, entry in enumerate(file.inputs))


def _input(entry: InputEntry, file: InputsFile, path: FilePath, index: int) -> Input:
    return Input(
        name=entry.name,
        underlying=entry.underlying,
        value=entry.value,
        observed_at=datetime.combine(entry.observed_at, time.min, UTC),
        lower=entry.lower,
        upper=entry.upper,
        confidence=entry.confidence,
        observations=entry.observations,
        origin=file.verified.value,
        source=_source(entry, file),
        pointer=f"{path.name}: inputs[{index}]",
    )


def _source(entry: InputEntry, file: InputsFile) -> str:
    """Returns the source of a value: that of the file, and the prices if the entry states them."""
    span = f"{entry.first_day or '…'} to {entry.last_day or '…'}"
    is_dated = entry.first_day is not None or entry.last_day is not None
    parts = (
        file.source,
        entry.prices,
        span if is_dated else None,
        f"sha256 {entry.sha256}" if entry.sha256 else None,
    )
    return "; ".join(part for part in parts if part)


def _contradictions(document: object) -> Iterator[Contradiction]:
    """Yields intervals that do not contain their value, and inputs that are stated twice."""
    keys: set[tuple[object, object, object]] = set()
    for index, fields in enumerate(map(as_mapping, as_list(as_mapping(document).get("inputs")))):
        try:
            entry = InputEntry.model_validate(fields)
        except ValueError:
            continue
        path: Path = ("inputs", index)
        wrong = list(_out_of_range(entry))
        yield from (Contradiction((*path, name), reason) for name, reason in wrong)
        reason = "" if wrong else input_problem(_input(entry, _EMPTY_FILE, FilePath("-"), index))
        if reason:
            yield Contradiction(path, f"{reason}; correct the numbers")
        key = (entry.name, entry.underlying, entry.observed_at)
        if key in keys:
            message = (
                f"duplicates {entry.name} of {entry.underlying} on the same day; remove one of them"
            )
            yield Contradiction(path, message)
        keys.add(key)


def _out_of_range(entry: InputEntry) -> Iterator[tuple[str, str]]:
    """Yields the fields of an entry that cannot be right, each with the reason."""
    if reason := range_problem(entry.name, entry.value):
        yield "value", reason
        return
    for name, bound in (("lower", entry.lower), ("upper", entry.upper)):
        if bound is not None and (reason := range_problem(entry.name, bound, entry.value)):
            yield name, reason


_EMPTY_FILE = InputsFile.model_construct(source="", verified=Verified.DERIVED, inputs=())
