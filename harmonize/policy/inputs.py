"""Measured figures that formulas need, such as a quantile of daily moves: which, of when, how sure.

They come from market data in the archive or from a file that the user names. A figure that is not
there is unknown: the rule that needs it is not observable.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

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

MARKET = "market"
"""What archives call the snapshots that hold inputs; no venue has this name."""

METHOD = "inputs"
"""The call whose payload holds inputs."""


@dataclass(frozen=True, slots=True)
class Input:
    """One measured figure of one underlying.

    Rates are plain (0.081 is 8.1 %), amounts USD. ``lower`` and ``upper`` bound the figure at
    ``confidence``; for a quantile they are order statistics of the same sample. It rests on at least
    ``observations`` of them. ``origin`` says how
    far it can be trusted, ``pointer`` where it stands in the payload ``sha256``.
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
    """An input that a formula names: what it is called where it is measured, and what is asked of it.

    ``oldest_days`` is how long before the schedule it may have been measured.
    """

    local: str
    name: str
    means: str
    least_observations: int | None = None
    oldest_days: int | None = None


Held = Mapping[tuple[str, str], Input]
"""Inputs by name and underlying, the newest of each."""


def held(inputs: Iterable[Input], until: datetime) -> Held:
    """Keep the newest of each input that was measured by a time; of two as new, the last given."""
    found: dict[tuple[str, str], Input] = {}
    for one in inputs:
        key = (one.name, one.underlying)
        if one.observed_at <= until and (
            key not in found or one.observed_at >= found[key].observed_at
        ):
            found[key] = one
    return found


def lacking(need: Need, found: Input | None, underlying: str, on: date) -> str:
    """Say why an input cannot be used on a day; empty where it can."""
    if found is None:
        return f"no {need.name} of {underlying} was measured"
    age = (on - found.observed_at.date()).days
    if need.oldest_days is not None and age > need.oldest_days:
        return (
            f"{need.name} of {underlying} was measured {age} days before, "
            f"at most {need.oldest_days} are allowed"
        )
    if need.least_observations is not None:
        if found.observations is None:
            return f"{need.name} of {underlying} does not say how many observations it rests on"
        if found.observations < need.least_observations:
            return (
                f"{need.name} of {underlying} rests on {found.observations} observations, "
                f"{need.least_observations} are asked"
            )
    return ""


def snapshot_of(inputs: Sequence[Input], source: str) -> Snapshot:
    """Write inputs as the snapshot that an archive holds; ``read`` gives them back.

    It is dated by the newest of them.
    """
    rows = [
        {
            "name": one.name,
            "underlying": one.underlying,
            "value": f"{one.value:f}",
            "observed_at": one.observed_at.date().isoformat(),
            "verified": one.origin,
            **{
                name: f"{value:f}"
                for name, value in (
                    ("lower", one.lower),
                    ("upper", one.upper),
                    ("confidence", one.confidence),
                )
                if value is not None
            },
            **({} if one.observations is None else {"observations": one.observations}),
        }
        for one in inputs
    ]
    content = f"{json.dumps({'inputs': rows}, indent=1)}\n".encode()
    when = max(one.observed_at for one in inputs)
    provenance = Provenance(Origin.MARKET, source, "the newest of the days that its rows name")
    payload = Payload.of(MARKET, Call(METHOD), when, provenance, content)
    return Snapshot(MARKET, when, (payload,), complete=False)


def read(snapshot: Snapshot) -> tuple[tuple[Input, ...], tuple[Defect, ...]]:
    """Read the inputs that a snapshot holds; a row that cannot be read is a defect, not a guess."""
    found: list[Input] = []
    defects: list[Defect] = []
    for payload in snapshot.answers(METHOD):
        try:
            rows = _rows(decode(payload))
        except UnreadablePayloadError as error:
            defects.append(Defect(MARKET, f"inputs{error.where}", error.reason))
            continue
        for number, row in enumerate(rows):
            try:
                found.append(_input(row, payload, f"/inputs/{number}"))
            except (KeyError, TypeError, ValueError, InvalidOperation) as error:
                reason = f"no input that can be read: {type(error).__name__} {error}"
                defects.append(Defect(MARKET, f"/inputs/{number}", reason))
    return tuple(found), tuple(defects)


def _rows(document: object) -> Sequence[object]:
    rows = document.get("inputs") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise UnreadablePayloadError(where="/inputs", reason="a list of inputs was due")
    return rows


def _input(row: object, payload: Payload, pointer: str) -> Input:
    if not isinstance(row, dict):
        message = "a mapping was due"
        raise TypeError(message)
    optional = {
        name: Decimal(str(row[name])) for name in ("lower", "upper", "confidence") if name in row
    }
    found = Input(
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
    reason = unsound(found)
    if reason:
        raise ValueError(reason)
    return found


def unsound(found: Input) -> str:
    """Say what is impossible about an input; empty where nothing is."""
    numbers = [one for one in (found.value, found.lower, found.upper) if one is not None]
    if not all(one.is_finite() and one > 0 for one in numbers):
        return "values must be above 0"
    if (found.lower is None) != (found.upper is None) or (found.lower is None) != (
        found.confidence is None
    ):
        return "lower, upper and confidence belong together"
    if found.lower is not None and found.upper is not None:
        if not found.lower <= found.value <= found.upper:
            return f"the interval {found.lower} to {found.upper} does not hold {found.value}"
        if found.confidence is not None and not 0 < found.confidence < 1:
            return f"confidence must lie between 0 and 1, was {found.confidence}"
    return ""
