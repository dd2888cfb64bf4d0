"""Converts snapshots to manifests and packs of an archive, and back, checking hash and seal."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate, pairwise
from typing import NotRequired, TypedDict, cast, final, get_args, get_origin

import zstandard

from harmonize.core.date_precision import (
    DateKind,
    DatePrecision,
    common_precision,
    stated_precision,
)
from harmonize.core.payload import Call, Origin, Payload, Provenance, Snapshot, dating_origins

MAX_BYTES = 512 * 2**20
"""Largest size of one file, or of one decompressed snapshot."""

COMPRESSION_LEVEL = 19
WINDOW_LOG = 27
"""Window of a pack, as a power of two in bytes. Larger content has no base and serves as none."""

PACK_NAME = re.compile(r"[0-9a-f]{64}\.zst")


class PackRecord(TypedDict):
    """Reference of a manifest to the compressed file that holds the payloads.

    ``base`` names the pack whose content it was compressed against. A base has no base itself.
    """

    sha256: str
    size: int
    base: NotRequired[str]


class _ProvenanceRecord(TypedDict):
    origin: str
    source: str
    dating: str
    request: str


class _PayloadRecord(TypedDict):
    """One payload: its call and provenance, and its byte range in the decompressed pack.

    ``date_kind`` is present unless the observation time is exact and ``dating`` says nothing else,
    ``observed_from`` if an earliest time is known.
    """

    method: str
    params: list[list[str]]
    observed_at: str
    provenance: _ProvenanceRecord
    sha256: str
    offset: int
    length: int
    date_kind: NotRequired[str]
    observed_from: NotRequired[str]


@final
class Manifest(TypedDict):
    """Fields of the manifest of one snapshot.

    ``imported`` is present if the snapshot was not gathered into this archive. The order of
    sequence numbers then does not imply the order of observation.
    """

    sequence: int
    previous: str
    venue: str
    observed_at: str
    complete: bool
    pack: PackRecord
    payloads: list[_PayloadRecord]
    imported: NotRequired[bool]
    seal: str


@final
class Pruning(TypedDict):
    """Record of the chain that packs were removed on purpose: which, when and why."""

    sequence: int
    previous: str
    pruned_at: str
    reason: str
    packs: list[str]
    seal: str


@dataclass(frozen=True, slots=True)
class CompressedPack:
    """The bytes of a pack and the SHA-256 of its base, empty if it has none."""

    content: bytes
    base: str = ""

    def record(self) -> PackRecord:
        """Returns the reference that a manifest stores."""
        pack: PackRecord = {"sha256": digest(self.content), "size": len(self.content)}
        return {**pack, "base": self.base} if self.base else pack


def manifest_bytes(
    snapshot: Snapshot,
    pack: CompressedPack,
    sequence: int,
    previous: str,
    *,
    imported: bool = False,
) -> bytes:
    """Returns the sealed manifest of a snapshot.

    Raises ValueError or TypeError if a field is not text or not valid Unicode.
    """
    manifest: Manifest = {
        "sequence": sequence,
        "previous": previous,
        "venue": snapshot.venue,
        "observed_at": snapshot.observed_at.astimezone(UTC).isoformat(),
        "complete": snapshot.complete,
        "pack": pack.record(),
        "payloads": _payload_records(snapshot),
        "seal": "",
    }
    return _sealed({**manifest, "imported": True} if imported else manifest)


def pruning_bytes(
    packs: list[str], pruned_at: datetime, reason: str, sequence: int, previous: str
) -> bytes:
    """Returns the sealed record of a pruning. Raises ValueError: no time zone, or not Unicode."""
    require(pruned_at.tzinfo is not None, f"the time {pruned_at} has no time zone")
    record: Pruning = {
        "sequence": sequence,
        "previous": previous,
        "pruned_at": pruned_at.astimezone(UTC).isoformat(),
        "reason": reason,
        "packs": packs,
        "seal": "",
    }
    return _sealed(record)


def describes(manifest: Manifest, snapshot: Snapshot) -> bool:
    """Returns whether a manifest belongs to exactly this snapshot."""
    return (
        manifest["venue"] == snapshot.venue
        and parse_utc(manifest["observed_at"]) == snapshot.observed_at
        and manifest["complete"] == snapshot.complete
        and manifest["payloads"] == _payload_records(snapshot)
    )


def _sealed(record: Manifest | Pruning) -> bytes:
    return _canonical({**record, "seal": digest(_canonical(record))})


def _payload_records(snapshot: Snapshot) -> list[_PayloadRecord]:
    offsets = accumulate((len(payload.content) for payload in snapshot.payloads), initial=0)
    return list(map(_payload_record, snapshot.payloads, offsets))


def _payload_record(payload: Payload, offset: int) -> _PayloadRecord:
    record: _PayloadRecord = {
        "method": payload.call.method,
        "params": [list(pair) for pair in payload.call.params],
        "observed_at": payload.observed_at.astimezone(UTC).isoformat(),
        "provenance": {
            "origin": payload.provenance.origin.value,
            "source": payload.provenance.source,
            "dating": payload.provenance.dating,
            "request": payload.provenance.request,
        },
        "sha256": payload.sha256,
        "offset": offset,
        "length": len(payload.content),
    }
    is_stated = payload.precision == stated_precision(payload.provenance.dating)
    if not (is_stated and payload.precision.is_exact):
        record["date_kind"] = payload.precision.kind.value
    if payload.precision.earliest is not None:
        record["observed_from"] = payload.precision.earliest.astimezone(UTC).isoformat()
    return record


def parse_record(content: bytes) -> Manifest | Pruning:
    """Parses a record. Raises ValueError or RecursionError: not a record, or altered."""
    document = json.loads(content)
    is_pruning = isinstance(document, dict) and "pruned_at" in document
    has_shape = _has_shape(document, Pruning if is_pruning else Manifest)
    require(has_shape, "its fields or types differ from those of a manifest")
    record = cast("Manifest | Pruning", document)
    require(_canonical(record) == content, "its JSON is not canonical")
    seal = digest(_canonical({**record, "seal": ""}))
    require(record["seal"] == seal, "its seal does not match its content")
    for name in _pack_names(record):
        is_hash = PACK_NAME.fullmatch(f"{name}.zst") is not None
        require(is_hash, "it does not name its pack by a SHA-256")
    if "pruned_at" in record:
        parse_utc(record["pruned_at"])
    else:
        _check_payload_records(record)
    return record


def _pack_names(record: Manifest | Pruning) -> list[str]:
    if "pruned_at" in record:
        return record["packs"]
    base = record["pack"].get("base")
    return [record["pack"]["sha256"], *([] if base is None else [base])]


def _check_payload_records(manifest: Manifest) -> None:
    parse_utc(manifest["observed_at"])
    payloads = manifest["payloads"]
    for payload in payloads:
        _request_of(payload)
        _precision_of(payload)
    bounds = _bounds(manifest)
    offsets = [payload["offset"] for payload in payloads]
    is_contiguous = bounds == sorted(bounds) and bounds[:-1] == offsets
    require(is_contiguous, "its payloads are not contiguous in the pack")


def _bounds(manifest: Manifest) -> list[int]:
    """Returns the byte positions in the decompressed pack between which the payloads lie."""
    return list(accumulate((payload["length"] for payload in manifest["payloads"]), initial=0))


def _request_of(payload: _PayloadRecord) -> tuple[Call, datetime, Provenance]:
    """Returns the call, the observation time and the provenance of a payload."""
    call = Call(payload["method"], tuple((key, value) for key, value in payload["params"]))
    fields = payload["provenance"]
    origin = Origin(fields["origin"])
    provenance = Provenance(origin, fields["source"], fields["dating"], fields["request"])
    return call, parse_utc(payload["observed_at"]), provenance


def _precision_of(payload: _PayloadRecord) -> DatePrecision:
    """Returns how far the observation time of a payload is known. Raises ValueError.

    Manifests from before this was recorded state it in words only.
    """
    kind, earliest = payload.get("date_kind"), payload.get("observed_from")
    if kind is None and earliest is None:
        return stated_precision(payload["provenance"]["dating"])
    precision = DatePrecision(
        DateKind(kind or ""), None if earliest is None else parse_utc(earliest)
    )
    is_ordered = precision.earliest is None or precision.earliest <= parse_utc(
        payload["observed_at"]
    )
    require(is_ordered, "a payload was observed from a time later than it was observed at")
    return precision


def date_precision(manifest: Manifest) -> DatePrecision:
    """Returns how far the observation time of a manifest's snapshot is known."""
    origins = dating_origins(
        Origin(payload["provenance"]["origin"]) for payload in manifest["payloads"]
    )
    return common_precision(
        (parse_utc(payload["observed_at"]), _precision_of(payload))
        for payload in manifest["payloads"]
        if Origin(payload["provenance"]["origin"]) in origins
    )


def _has_shape(value: object, shape: object) -> bool:
    """Returns whether a JSON value matches a TypedDict, a list of a shape, or a plain type."""
    fields = getattr(shape, "__annotations__", None)
    if fields is not None:
        required: frozenset[str] = getattr(shape, "__required_keys__", frozenset())
        if not isinstance(value, dict) or not required <= value.keys() <= fields.keys():
            return False
        return all(_has_shape(value[key], fields[key]) for key in value)
    if get_origin(shape) is NotRequired:
        return _has_shape(value, get_args(shape)[0])
    if get_origin(shape) is list:
        (item_shape,) = get_args(shape)
        return isinstance(value, list) and all(_has_shape(item, item_shape) for item in value)
    return type(value) is shape


def _canonical(record: Mapping[str, object]) -> bytes:
    return json.dumps(record, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def compress(content: bytes) -> CompressedPack:
    """Compresses content into a pack without a base. Raises ValueError: larger than MAX_BYTES."""
    _check_size(len(content))
    return CompressedPack(zstandard.ZstdCompressor(level=COMPRESSION_LEVEL).compress(content))


def compress_against(content: bytes, base: bytes, sha256: str) -> CompressedPack:
    """Compresses content against the content of the base pack with hash ``sha256``.

    Raises ValueError if the content is larger than MAX_BYTES.
    """
    _check_size(len(content))
    parameters = zstandard.ZstdCompressionParameters.from_level(
        COMPRESSION_LEVEL, window_log=WINDOW_LOG, enable_ldm=True
    )
    compressor = zstandard.ZstdCompressor(
        dict_data=_raw_dictionary(base), compression_params=parameters
    )
    return CompressedPack(compressor.compress(content), sha256)


def _check_size(size: int) -> None:
    require(size <= MAX_BYTES, f"needs {size} bytes to read; the limit is {MAX_BYTES}")


def _raw_dictionary(base: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def check_pack(pack: PackRecord, content: bytes) -> None:
    """Checks the bytes of a pack against its manifest. Raises ValueError: size or hash differ."""
    size, actual = pack["size"], digest(content)
    require(len(content) == size, f"expected {size} bytes, found {len(content)}")
    require(actual == pack["sha256"], f"is damaged: the SHA-256 of its content is {actual}")


def unpack(manifest: Manifest, pack: bytes, base: bytes | None = None) -> Snapshot:
    """Returns the snapshot of a manifest and its pack; ``base`` is the content of the base pack.

    Raises ValueError if the payloads differ from the manifest.
    """
    bounds = _bounds(manifest)
    content = _decompress(pack, bounds[-1], base)
    return Snapshot(
        venue=manifest["venue"],
        observed_at=parse_utc(manifest["observed_at"]),
        payloads=tuple(
            _payload(manifest["venue"], payload, content[start:end])
            for payload, (start, end) in zip(manifest["payloads"], pairwise(bounds), strict=True)
        ),
        complete=manifest["complete"],
    )


def is_pack(content: bytes, sha256: str) -> bool:
    """Returns whether bytes are a zstd frame with this SHA-256, as every pack is."""
    try:
        zstandard.frame_content_size(content)
    except zstandard.ZstdError:
        return False
    return digest(content) == sha256


def decompress_base(pack: bytes) -> bytes:
    """Returns the content of a pack that has no base. Raises ValueError: not such a pack."""
    try:
        size = zstandard.frame_content_size(pack)
    except zstandard.ZstdError as error:
        message = f"cannot be decompressed: {error}"
        raise ValueError(message) from error
    require(size >= 0, "does not state its content size, so it cannot serve as a base")
    return _decompress(pack, size)


def _decompress(pack: bytes, size: int, base: bytes | None = None) -> bytes:
    _check_size(max(size, len(pack)))
    if base is None:
        decompressor = zstandard.ZstdDecompressor()
    else:
        decompressor = zstandard.ZstdDecompressor(
            dict_data=_raw_dictionary(base), max_window_size=2**WINDOW_LOG
        )
    try:
        content = decompressor.stream_reader(pack).read(size + 1)
    except zstandard.ZstdError as error:
        message = f"cannot be decompressed: {error}"
        raise ValueError(message) from error
    require(len(content) == size, f"does not contain the {size} bytes that its manifest states")
    return content


def _payload(venue: str, record: _PayloadRecord, content: bytes) -> Payload:
    call, observed_at, provenance = _request_of(record)
    precision = _precision_of(record)
    payload = Payload.of(venue, call, observed_at, provenance, content, precision)
    is_same = payload.sha256 == record["sha256"]
    require(is_same, f"contains another response to {str(call)!r} than its manifest states")
    return payload


def parse_utc(text: str) -> datetime:
    """Parses a time. Raises ValueError: not ISO 8601 in UTC."""
    time = datetime.fromisoformat(text)
    require(time.tzinfo is UTC, f"the time {text!r} is not in UTC")
    return time


def digest(content: bytes) -> str:
    """Returns the SHA-256 of bytes in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def require(condition: bool, message: str) -> None:  # noqa: FBT001 - the truth of a statement
    """Raises ValueError with ``message`` if the condition is false."""
    if not condition:
        raise ValueError(message)
