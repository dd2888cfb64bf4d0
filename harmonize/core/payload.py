"""What a venue sent, byte for byte, and where in it a number stands."""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NoReturn


class Origin(StrEnum):
    """How far a payload can be trusted to be what the venue serves."""

    LIVE = "live"  # gathered by this tool
    RECORDED = "recorded"  # a venue's response, recorded by someone else and carried here
    DOCUMENTATION = "documentation"  # a sample or a formula from the venue's own documentation
    MARKET = "market"  # a market price, archived to convert contracts and coins into USD
    ATTEMPT = "attempt"  # this tool's record that gathering failed, and why


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a venue: the ccxt implicit method that makes it, and its parameters."""

    method: str
    params: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """Write the call as code would: ``method(key=value)``."""
        return f"{self.method}({', '.join(f'{key}={value}' for key, value in self.params)})"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a payload comes from: its origin, its source in words, and what its date rests on."""

    origin: Origin
    source: str
    dating: str
    request: str = ""


@dataclass(frozen=True, slots=True)
class Payload:
    """The bytes that answered one call, with their SHA-256 and the time they were observed (UTC)."""

    venue: str
    call: Call
    observed_at: datetime
    provenance: Provenance
    content: bytes
    sha256: str

    @classmethod
    def of(
        cls,
        venue: str,
        call: Call,
        observed_at: datetime,
        provenance: Provenance,
        content: bytes,
    ) -> "Payload":
        """Take what a venue sent and name it by its hash. Raises ValueError: time without zone."""
        if observed_at.tzinfo is None:
            message = f"{venue} {call}: the observation time must carry a time zone"
            raise ValueError(message)
        digest = hashlib.sha256(content).hexdigest()
        return cls(venue, call, observed_at.astimezone(UTC), provenance, content, digest)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The payloads of one venue that belong together.

    ``complete`` says whether they cover every instrument that the venue listed then; a snapshot
    that was trimmed says nothing about the instruments it leaves out.
    """

    venue: str
    observed_at: datetime
    payloads: tuple[Payload, ...]
    complete: bool

    def answers(self, method: str) -> tuple[Payload, ...]:
        """Payloads that answered ``method``, in a fixed order."""
        found = (payload for payload in self.payloads if payload.call.method == method)
        return tuple(sorted(found, key=lambda payload: (payload.call.params, payload.sha256)))


@dataclass(frozen=True, slots=True)
class Column:
    """Where in each tier's row a figure stands, and in which unit the venue writes it.

    ``key`` is a JSON pointer relative to the row.
    """

    figure: str
    key: str
    unit: str


@dataclass(frozen=True, slots=True)
class Factor:
    """One number that a conversion used: a contract size or a price."""

    name: str
    value: Decimal
    unit: str
    sha256: str
    pointer: str
    observed_at: datetime
    origin: Origin


@dataclass(frozen=True, slots=True)
class Conversion:
    """How a bound in contracts or coins became USD: ``formula`` in words, and its factors."""

    formula: str
    factors: tuple[Factor, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """For every figure of a schedule: the payload, the pointer into it, the unit, the conversion.

    ``rows`` are JSON pointers, one a tier (or one for the whole formula); ``columns`` say where in
    a row each figure stands. ``rows[k] + column.key`` is the full pointer of a figure.
    """

    sha256: str
    rows: tuple[str, ...]
    columns: tuple[Column, ...]
    conversion: Conversion | None = None


@dataclass(frozen=True, slots=True)
class Defect:
    """A payload, or a row of one, that could not be read: where, why, and what it concerns."""

    venue: str
    where: str
    reason: str
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class Unobserved:
    """A venue whose margins the newest try did not bring, and why.

    ``attempted_at`` is None where nothing was tried: it needs a key, or was never gathered.
    """

    venue: str
    reason: str
    attempted_at: datetime | None = None


class UnreadablePayloadError(Exception):
    """A payload that is not what its endpoint promises. ``where`` is a JSON pointer, or empty."""

    def __init__(self, *, where: str, reason: str) -> None:
        """Remember the place and the reason apart, so that a defect can carry both."""
        super().__init__(f"{where or '/'}: {reason}")
        self.where = where
        self.reason = reason


def decode(payload: Payload) -> object:
    """Read a payload's JSON; numbers with a point or exponent become Decimal, digits kept.

    Raises UnreadablePayloadError: not UTF-8, not JSON, NaN or Infinity, nested too deeply.
    """
    try:
        text = payload.content.decode("utf-8")
        found = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
        return _whole(found) if _SURROGATE.search(text) else found
    except UnicodeDecodeError as error:
        reason = f"not UTF-8 at byte {error.start}"
    except json.JSONDecodeError as error:
        reason = f"not JSON at character {error.pos} of {len(error.doc)}: {error.msg}"
    except RecursionError:
        reason = "nested too deeply to be a venue's answer"
    except ValueError as error:
        reason = str(error)
    raise UnreadablePayloadError(where="", reason=reason)


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def _whole(value: object) -> object:
    """The same with a replacement character for every half of a character, which no text can hold."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_whole(one) for one in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(one) for key, one in value.items()}
    return value


def _refuse_constant(name: str) -> NoReturn:
    message = f"holds {name}, which is not a number"
    raise ValueError(message)


def resolve(document: object, pointer: str) -> object:
    """Follow a JSON pointer (RFC 6901). Raises KeyError: nothing stands there."""
    here = document
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(here, dict) and name in here:
            here = here[name]
        elif isinstance(here, list) and name.isdecimal() and int(name) < len(here):
            here = here[int(name)]
        else:
            raise KeyError(pointer)
    return here


def escape(token: str) -> str:
    """Write a key so that it can stand in a JSON pointer."""
    return token.replace("~", "~0").replace("/", "~1")
