"""Venue responses, byte for byte, and the location of each published number in them."""

import hashlib
import json
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NoReturn

from harmonize.core.date_precision import EXACT, DatePrecision, common_precision


class Origin(StrEnum):
    """Origin of a payload, which decides how far it represents what the venue serves."""

    LIVE = "live"  # gathered by this tool
    RECORDED = "recorded"  # a venue's response, recorded by a third party and imported
    DOCUMENTATION = "documentation"  # a sample or a formula from the venue's own documentation
    MARKET = "market"  # a market price, archived to convert contracts and coins into USD
    ATTEMPT = "attempt"  # this tool's record of a failed gathering, with the reason
    NOTE = "note"  # this tool's record of why a snapshot is partial


NOT_OF_VENUE = frozenset({Origin.MARKET, Origin.ATTEMPT, Origin.NOTE})
"""Origins of payloads that are no response of the venue; they state no date of its margins."""


PRICES = "prices"
"""Venue name under which archives store candles; no venue has this name."""


def dating_origins(origins: Iterable[Origin]) -> frozenset[Origin]:
    """Returns the origins of those payloads of a snapshot that date it: responses of the venue.

    Documentation dates a snapshot only if the snapshot contains nothing else of the venue.
    """
    own = frozenset(origins) - NOT_OF_VENUE
    return own - {Origin.DOCUMENTATION} or own


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a venue: the ccxt implicit method and its parameters."""

    method: str
    params: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """Returns the call in code notation: ``method(key=value)``."""
        return f"{self.method}({', '.join(f'{key}={value}' for key, value in self.params)})"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Source of a payload: its origin, a description and the basis of its date."""

    origin: Origin
    source: str
    dating: str
    request: str = ""


@dataclass(frozen=True, slots=True)
class Payload:
    """Response to one call: its bytes, their SHA-256 and the observation time (UTC).

    ``observed_at`` is the latest possible time of the observation, ``precision`` how far it is known.
    """

    venue: str
    call: Call
    observed_at: datetime
    provenance: Provenance
    content: bytes
    sha256: str
    precision: DatePrecision = EXACT

    @classmethod
    def of(  # noqa: PLR0913, PLR0917 - the fields of a payload
        cls,
        venue: str,
        call: Call,
        observed_at: datetime,
        provenance: Provenance,
        content: bytes,
        precision: DatePrecision = EXACT,
    ) -> "Payload":
        """Returns a payload with the SHA-256 of its bytes. Raises ValueError: time without zone."""
        if observed_at.tzinfo is None:
            message = f"{venue} {call}: expected an observation time with a time zone"
            raise ValueError(message)
        digest = hashlib.sha256(content).hexdigest()
        utc = observed_at.astimezone(UTC)
        return cls(venue, call, utc, provenance, content, digest, precision)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Payloads of one venue that belong together.

    ``complete`` is True if they cover every instrument that the venue listed at that time. A
    trimmed snapshot is no evidence about the instruments missing from it.
    """

    venue: str
    observed_at: datetime
    payloads: tuple[Payload, ...]
    complete: bool

    @property
    def precision(self) -> DatePrecision:
        """How far the observation time is known: that of the venue's responses together."""
        origins = dating_origins(payload.provenance.origin for payload in self.payloads)
        own = [payload for payload in self.payloads if payload.provenance.origin in origins]
        return common_precision((payload.observed_at, payload.precision) for payload in own)

    def answers(self, method: str) -> tuple[Payload, ...]:
        """Returns the responses to ``method``, in a fixed order."""
        responses = (payload for payload in self.payloads if payload.call.method == method)
        return tuple(sorted(responses, key=lambda payload: (payload.call.params, payload.sha256)))


@dataclass(frozen=True, slots=True)
class Column:
    """Location of one published number in each tier's row, and the unit in which it is published.

    ``key`` is a JSON pointer relative to the row.
    """

    quantity: str
    key: str
    unit: str


@dataclass(frozen=True, slots=True)
class Factor:
    """Number used in a conversion: a contract size or a price."""

    name: str
    value: Decimal
    unit: str
    sha256: str
    pointer: str
    observed_at: datetime
    origin: Origin


@dataclass(frozen=True, slots=True)
class Conversion:
    """Conversion of a bound from contracts or coins into USD: ``formula`` in words, and factors."""

    formula: str
    factors: tuple[Factor, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Payload, pointer, unit and conversion of every number in a schedule.

    ``rows`` are JSON pointers, one per tier, or a single one for a formula. ``columns`` locate each
    number within a row: ``rows[k] + column.key`` is its full pointer. ``context`` are pointers of
    further rows that decide what the numbers mean, such as the row of the instrument.
    """

    sha256: str
    rows: tuple[str, ...]
    columns: tuple[Column, ...]
    conversion: Conversion | None = None
    context: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Defect:
    """Payload, or row of a payload, that cannot be read: location, reason and symbol concerned."""

    venue: str
    where: str
    reason: str
    symbol: str = ""

    def __str__(self) -> str:
        """Returns one line: venue and symbol, location, reason."""
        subject = f"{self.venue} {self.symbol}".strip()
        return ": ".join(part for part in (subject, self.where, self.reason) if part)


class RemarkKind(StrEnum):
    """Kind of observation about a venue's data that makes nothing unreadable."""

    UNKNOWN_FIELD = "unknown field"
    DOUBLED = "doubled or halved"


@dataclass(frozen=True, slots=True)
class Remark:
    """Observation about a venue's data that makes nothing unreadable: location, text and kind.

    ``where`` names the location independently of numbers and order, so that it stays the same from
    one snapshot to the next.
    """

    venue: str
    where: str
    text: str
    kind: RemarkKind
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class Unobserved:
    """Venue whose margins the latest attempt did not observe, with the reason.

    ``attempted_at`` is None if there was no attempt: the venue needs a key, or was never gathered.
    """

    venue: str
    reason: str
    attempted_at: datetime | None = None


class UnreadablePayloadError(Exception):
    """Payload that deviates from its endpoint's format. ``where`` is a JSON pointer, or empty."""

    def __init__(self, *, where: str, reason: str) -> None:
        """Keeps location and reason apart, so that a defect can carry both."""
        super().__init__(f"{where or '/'}: {reason}")
        self.where = where
        self.reason = reason


def reason_of(error: Exception) -> str:
    """Returns the reason of a defect, in one line.

    An error that no reader expects is named by its kind, so that the cause can be found:
    ``cannot be read: KeyError: 'KCS'``.
    """
    if isinstance(error, UnreadablePayloadError):
        return error.reason
    text = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
    return f"cannot be read: {shortened(text, _REASON_LENGTH)}"


_REASON_LENGTH = 160


def shortened(text: str, length: int) -> str:
    """Returns a text of at most ``length`` characters; a longer one ends in three points."""
    return text if len(text) <= length else f"{text[: length - 3]}..."


def decode(payload: Payload) -> object:
    """Returns a payload's JSON; numbers with a point or exponent become Decimal, digits kept.

    A byte-order mark is no content: it decides the encoding, as UTF-8 or UTF-16, and is removed.
    Raises UnreadablePayloadError: not UTF-8, not JSON, NaN or Infinity, nested too deeply.
    """
    is_utf_16 = payload.content.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
    try:
        text = payload.content.decode("utf-16" if is_utf_16 else "utf-8-sig")
        document = _loads(text)
        return _without_surrogates(document) if _SURROGATE.search(text) else document
    except UnicodeDecodeError as error:
        reason = f"not {'UTF-16' if is_utf_16 else 'UTF-8'} at byte {error.start}"
    except json.JSONDecodeError as error:
        reason = f"not JSON at character {error.pos} of {len(error.doc)}: {error.msg}"
    except RecursionError:
        reason = "nested too deeply for a venue's response"
    except ValueError as error:
        reason = str(error)
    raise UnreadablePayloadError(where="", reason=reason)


def _loads(text: str) -> object:
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except ValueError:
        if not _LONG_INTEGER.search(text):
            raise
    # Python refuses to convert such an integer, and with it every other row of the payload.
    return json.loads(
        text, parse_int=_integer, parse_float=Decimal, parse_constant=_refuse_constant
    )


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) < _LONG else Decimal(digits)


_LONG = 4300  # digits; Python's limit, see sys.set_int_max_str_digits
_LONG_INTEGER = re.compile(rf"[0-9]{{{_LONG}}}")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def _without_surrogates(value: object) -> object:
    """Replaces unpaired surrogates, which UTF-8 cannot encode, by the replacement character."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_surrogates(entry) for entry in value]
    if isinstance(value, dict):
        return {_without_surrogates(k): _without_surrogates(v) for k, v in value.items()}
    return value


def _refuse_constant(name: str) -> NoReturn:
    message = f"contains {name}, which is not a JSON number"
    raise ValueError(message)


def resolve(document: object, pointer: str) -> object:
    """Returns the value at a JSON pointer (RFC 6901). Raises KeyError: there is no such value."""
    node = document
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and name in node:
            node = node[name]
        elif isinstance(node, list) and name.isdecimal() and int(name) < len(node):
            node = node[int(name)]
        else:
            raise KeyError(pointer)
    return node


def escape(token: str) -> str:
    """Returns a key escaped for use in a JSON pointer (RFC 6901)."""
    return token.replace("~", "~0").replace("/", "~1")
