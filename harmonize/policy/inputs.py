"""Measured inputs of formulas, such as a quantile of daily moves, with date and confidence.

Inputs come from market data in the archive, or from a file that the user names. Without its inputs
a rule is not observable.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal

from harmonize.core.instrument import is_asset_name
from harmonize.core.payload import (
    Call,
    Defect,
    Origin,
    Payload,
    Provenance,
    Snapshot,
    UnreadablePayloadError,
    decode,
)
from harmonize.policy.input_scale import range_problem, scale_warning

MARKET = "market"
"""Venue name under which archives store snapshots of inputs; no venue has this name."""

METHOD = "inputs"
"""Method name of the call whose payload contains inputs."""


@dataclass(frozen=True, slots=True)
class Input:
    """One measured number of one underlying.

    Rates are plain numbers (0.081 is 8.1 %); amounts are in USD. ``lower`` and ``upper`` bound the
    number at ``confidence``; for a quantile they are order statistics of the same sample.
    ``observations`` is the least size of that sample. ``origin`` states how far the number was
    verified. ``pointer`` is its JSON pointer into the payload ``sha256``.
    """

    name: str
    underlying: str
    value: Decimal
    observed_at: datetime
    lower: Decimal | None = None
    upper: Decimal | None = None
    confidence: Decimal | None = None
    observations: int | None = None
    origin: str = "given"
    source: str = ""
    sha256: str = ""
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Need:
    """Input that a formula uses, with its requirements.

    ``local`` is its name in the formula, ``name`` its name in market data. ``oldest_days`` is its
    largest age, in days before the schedule.
    """

    local: str
    name: str
    means: str
    least_observations: int | None = None
    oldest_days: int | None = None


InputsByName = Mapping[tuple[str, str], Input]
"""Newest inputs, by name and underlying."""


def newest_inputs(inputs: Iterable[Input], until: datetime) -> InputsByName:
    """Returns the newest of each input, measured at ``until`` or before; of two as new, the last."""
    newest: dict[tuple[str, str], Input] = {}
    for input_ in inputs:
        key = (input_.name, input_.underlying)
        if input_.observed_at <= until and (
            key not in newest or input_.observed_at >= newest[key].observed_at
        ):
            newest[key] = input_
    return newest


def unusable_reason(need: Need, input_: Input | None, underlying: str, on: date) -> str:
    """Returns the reason why an input cannot be used on a day; empty if it can."""
    if input_ is None:
        return f"no measurement of {need.name} for {underlying}"
    if problem := input_problem(input_):
        return f"{need.name} of {underlying} is not used: {problem}"
    age = (on - input_.observed_at.date()).days
    if need.oldest_days is not None and age > need.oldest_days:
        return (
            f"{need.name} of {underlying} is {age} days old, "
            f"at most {need.oldest_days} days are permitted"
        )
    if need.least_observations is not None:
        if input_.observations is None:
            return f"{need.name} of {underlying} states no number of observations"
        if input_.observations < need.least_observations:
            return (
                f"{need.name} of {underlying} has {input_.observations} observations, "
                f"{need.least_observations} are required"
            )
    return ""


def snapshot_of(inputs: Sequence[Input], source: str) -> Snapshot:
    """Returns inputs as a snapshot for the archive, dated by the newest input; see ``read_inputs``.

    Raises ValueError: an input is impossible, such as a move above 1.
    """
    for input_ in inputs:
        if problem := input_problem(input_):
            message = f"{input_.name} of {input_.underlying}: {problem}"
            raise ValueError(message)
    rows = [_row_of(input_) for input_ in inputs]
    content = f"{json.dumps({'inputs': rows}, indent=1)}\n".encode()
    observed_at = max(input_.observed_at for input_ in inputs)
    provenance = Provenance(Origin.MARKET, source, "the newest date among its rows")
    payload = Payload.of(MARKET, Call(METHOD), observed_at, provenance, content)
    return Snapshot(MARKET, observed_at, (payload,), complete=False)


def snapshot_by_source(inputs: Sequence[Input]) -> Snapshot:
    """Returns inputs as a snapshot with a payload per source, so that each value keeps its own.

    Raises ValueError, as ``snapshot_of``.
    """
    by_source: dict[str, list[Input]] = {}
    for input_ in inputs:
        by_source.setdefault(input_.source, []).append(input_)
    payloads = [
        _payload_of_source(group, source, is_only=len(by_source) == 1)
        for source, group in by_source.items()
    ]
    newest = max(payload.observed_at for payload in payloads)
    return Snapshot(MARKET, newest, tuple(payloads), complete=False)


def _payload_of_source(inputs: Sequence[Input], source: str, *, is_only: bool) -> Payload:
    (payload,) = snapshot_of(inputs, source).payloads
    first = inputs[0]
    params = (("name", first.name), ("underlying", first.underlying))
    return payload if is_only else replace(payload, call=Call(METHOD, params))


def _row_of(input_: Input) -> dict[str, object]:
    interval = {
        "lower": input_.lower,
        "upper": input_.upper,
        "confidence": input_.confidence,
    }
    return {
        "name": input_.name,
        "underlying": input_.underlying,
        "value": f"{input_.value:f}",
        "observed_at": input_.observed_at.date().isoformat(),
        "verified": input_.origin,
        **{name: f"{value:f}" for name, value in interval.items() if value is not None},
        **({} if input_.observations is None else {"observations": input_.observations}),
    }


def read_inputs(snapshot: Snapshot) -> tuple[tuple[Input, ...], tuple[Defect, ...]]:
    """Returns the inputs of a snapshot; a row that cannot be read becomes a defect."""
    inputs: list[Input] = []
    defects: list[Defect] = []
    for payload in snapshot.answers(METHOD):
        try:
            rows = _rows(decode(payload))
        except UnreadablePayloadError as error:
            defects.append(Defect(MARKET, f"inputs{error.where}", error.reason))
            continue
        for index, row in enumerate(rows):
            try:
                inputs.append(_input(row, payload, f"/inputs/{index}"))
            except _ImpossibleInputError as error:
                defects.append(Defect(MARKET, f"/inputs/{index}", f"not used: {error}"))
            except (KeyError, TypeError, ValueError, ArithmeticError) as error:
                reason = f"cannot read the input: {type(error).__name__} {error}"
                defects.append(Defect(MARKET, f"/inputs/{index}", reason))
    return tuple(inputs), tuple(defects)


def _rows(document: object) -> Sequence[object]:
    rows = document.get("inputs") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise UnreadablePayloadError(where="/inputs", reason="expected a list of inputs")
    return rows


def _input(row: object, payload: Payload, pointer: str) -> Input:
    if not isinstance(row, dict):
        message = "expected a mapping"
        raise TypeError(message)
    optional = {
        name: Decimal(str(row[name])) for name in ("lower", "upper", "confidence") if name in row
    }
    input_ = Input(
        name=str(row["name"]),
        underlying=str(row["underlying"]),
        value=Decimal(str(row["value"])),
        observed_at=datetime.fromisoformat(str(row["observed_at"])).replace(tzinfo=UTC),
        observations=int(row["observations"]) if "observations" in row else None,
        origin=str(row.get("verified", "unverified")),
        source=payload.provenance.source,
        sha256=payload.sha256,
        pointer=pointer,
        **optional,
    )
    reason = input_problem(input_)
    if reason:
        message = f"{input_.name} of {input_.underlying}: {reason}"
        raise _ImpossibleInputError(message)
    return input_


class _ImpossibleInputError(Exception):
    """Archived input whose value cannot be right, such as a move above 1."""


def input_problem(input_: Input) -> str:
    """Returns what is impossible about an input; empty if it is sound."""
    if not is_asset_name(input_.underlying):
        return f"expected an underlying such as BTC, found {input_.underlying[:40]!a}"
    if problem := range_problem(input_.name, input_.value):
        return problem
    for bound in (input_.lower, input_.upper):
        if bound is not None and (problem := range_problem(input_.name, bound, input_.value)):
            return problem
    return _interval_problem(input_)


def _interval_problem(input_: Input) -> str:
    value, lower, upper = input_.value, input_.lower, input_.upper
    if len({part is None for part in (lower, upper, input_.confidence)}) > 1:
        return "expected lower, upper and confidence together"
    if lower is not None and upper is not None:
        if not lower <= value <= upper:
            return f"the interval {lower} to {upper} does not contain {value}"
        if input_.confidence is not None and not 0 < input_.confidence < 1:
            return f"expected a confidence between 0 and 1, found {input_.confidence}"
    return ""


def scale_notes(inputs: Iterable[Input]) -> tuple[str, ...]:
    """Returns a line per input that is possible but unusual, so probably in another unit."""
    notes = []
    for input_ in inputs:
        lower, upper = input_.lower, input_.upper
        interval = (lower, upper) if lower is not None and upper is not None else None
        warning = scale_warning(input_.name, input_.value, interval, input_.confidence)
        if warning:
            notes.append(f"input {input_.name} of {input_.underlying}: {warning}")
    return tuple(notes)
