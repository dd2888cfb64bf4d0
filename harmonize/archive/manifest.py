"""The record of one snapshot in an archive: its canonical bytes, its seal, and back."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate, pairwise
from typing import NotRequired, TypedDict, cast, final, get_args, get_origin

import zstandard

from harmonize.core.payload import Call, Origin, Payload, Provenance, Snapshot

LIMIT = 512 * 2**20
"""The most bytes that one file, or one decompressed snapshot, may hold."""

LEVEL = 19
WINDOW = 27
"""How far back, as a power of two in bytes, a pack may look: what holds more has no base and is none."""

PACK_NAME = re.compile(r"[0-9a-f]{64}\.zst")


class Pack(TypedDict):
    """The compressed file that holds the payloads of a snapshot.

    ``base`` names the pack whose content it was compressed against; that one stands alone.
    """

    sha256: str
    size: int
    base: NotRequired[str]


class _Provenance(TypedDict):
    origin: str
    source: str
    dating: str
    request: str


class _Part(TypedDict):
    """One payload: what it answers, and which stretch of the decompressed pack it is."""

    method: str
    params: list[list[str]]
    observed_at: str
    provenance: _Provenance
    sha256: str
    offset: int
    length: int


@final
class Manifest(TypedDict):
    """What the manifest of one snapshot says.

    ``imported`` stands where the snapshot was not gathered into this archive: then the order of
    sequence numbers says nothing about the order of observation.
    """

    sequence: int
    previous: str
    venue: str
    observed_at: str
    complete: bool
    pack: Pack
    payloads: list[_Part]
    imported: NotRequired[bool]
    seal: str


@final
class Pruning(TypedDict):
    """A record in the chain that packs were taken away on purpose: which, when and why."""

    sequence: int
    previous: str
    pruned_at: str
    reason: str
    packs: list[str]
    seal: str


@dataclass(frozen=True, slots=True)
class Packed:
    """A compressed pack, and the sha256 of the pack that it was compressed against, or none."""

    content: bytes
    base: str = ""

    def entry(self) -> Pack:
        """What a manifest says of it."""
        pack: Pack = {"sha256": digest(self.content), "size": len(self.content)}
        return {**pack, "base": self.base} if self.base else pack


def written(
    snapshot: Snapshot, pack: Packed, sequence: int, previous: str, *, imported: bool = False
) -> bytes:
    """Write a manifest. Raises ValueError, TypeError: something in it is not text or Unicode."""
    offsets = accumulate((len(payload.content) for payload in snapshot.payloads), initial=0)
    manifest: Manifest = {
        "sequence": sequence,
        "previous": previous,
        "venue": snapshot.venue,
        "observed_at": snapshot.observed_at.astimezone(UTC).isoformat(),
        "complete": snapshot.complete,
        "pack": pack.entry(),
        "payloads": list(map(_part, snapshot.payloads, offsets)),
        "seal": "",
    }
    return _sealed({**manifest, "imported": True} if imported else manifest)


def pruning(packs: list[str], at: datetime, reason: str, sequence: int, previous: str) -> bytes:
    """Write the record that packs are taken away. Raises ValueError: no zone, or not Unicode."""
    require(at.tzinfo is not None, f"the time {at} has no zone")
    record: Pruning = {
        "sequence": sequence,
        "previous": previous,
        "pruned_at": at.astimezone(UTC).isoformat(),
        "reason": reason,
        "packs": packs,
        "seal": "",
    }
    return _sealed(record)


def holds(manifest: Manifest, snapshot: Snapshot) -> bool:
    """Tell whether a manifest is that of this very snapshot."""
    offsets = accumulate((len(payload.content) for payload in snapshot.payloads), initial=0)
    return (
        manifest["venue"] == snapshot.venue
        and moment(manifest["observed_at"]) == snapshot.observed_at
        and manifest["complete"] == snapshot.complete
        and manifest["payloads"] == list(map(_part, snapshot.payloads, offsets))
    )


def _sealed(record: Manifest | Pruning) -> bytes:
    return _canonical({**record, "seal": digest(_canonical(record))})


def _part(payload: Payload, offset: int) -> _Part:
    return {
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


def parsed(content: bytes) -> Manifest | Pruning:
    """Read a record. Raises ValueError, RecursionError: not one, or not as it was written."""
    record = json.loads(content)
    prunes = isinstance(record, dict) and "pruned_at" in record
    require(_fits(record, Pruning if prunes else Manifest), "it is not shaped as a manifest")
    found = cast("Manifest | Pruning", record)
    require(_canonical(found) == content, "it is not written as manifests are")
    seal = digest(_canonical({**found, "seal": ""}))
    require(found["seal"] == seal, "its seal was made for other content")
    for name in _named(found):
        named = PACK_NAME.fullmatch(f"{name}.zst") is not None
        require(named, "it does not name its pack by a sha256")
    if "pruned_at" in found:
        moment(found["pruned_at"])
    else:
        _check_parts(found)
    return found


def _named(record: Manifest | Pruning) -> list[str]:
    if "pruned_at" in record:
        return record["packs"]
    base = record["pack"].get("base")
    return [record["pack"]["sha256"], *([] if base is None else [base])]


def _check_parts(manifest: Manifest) -> None:
    moment(manifest["observed_at"])
    for part in manifest["payloads"]:
        _asked(part)
    ends = _ends(manifest)
    tiled = ends == sorted(ends) and ends[:-1] == [part["offset"] for part in manifest["payloads"]]
    require(tiled, "its payloads do not follow one another in the pack")


def _ends(manifest: Manifest) -> list[int]:
    """Where in the decompressed pack the payloads begin and end."""
    return list(accumulate((part["length"] for part in manifest["payloads"]), initial=0))


def _asked(part: _Part) -> tuple[Call, datetime, Provenance]:
    """Read what a payload answers, when it was observed, and where it comes from."""
    call = Call(part["method"], tuple((key, value) for key, value in part["params"]))
    said = part["provenance"]
    origin = Origin(said["origin"])
    provenance = Provenance(origin, said["source"], said["dating"], said["request"])
    return call, moment(part["observed_at"]), provenance


def _fits(value: object, shape: object) -> bool:
    """Tell whether a JSON value has the shape: a TypedDict, a list of a shape, or a plain type."""
    fields = getattr(shape, "__annotations__", None)
    if fields is not None:
        needed: frozenset[str] = getattr(shape, "__required_keys__", frozenset())
        if not isinstance(value, dict) or not needed <= value.keys() <= fields.keys():
            return False
        return all(_fits(value[key], fields[key]) for key in value)
    if get_origin(shape) is NotRequired:
        return _fits(value, get_args(shape)[0])
    if get_origin(shape) is list:
        return isinstance(value, list) and all(_fits(item, get_args(shape)[0]) for item in value)
    return type(value) is shape


def _canonical(record: Mapping[str, object]) -> bytes:
    return json.dumps(record, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def packed(content: bytes) -> Packed:
    """Compress what stands alone. Raises ValueError: more than could be read again."""
    _check_size(len(content))
    return Packed(zstandard.ZstdCompressor(level=LEVEL).compress(content))


def packed_against(content: bytes, base: bytes, sha256: str) -> Packed:
    """Compress against the content of another pack, of which ``sha256`` is the name."""
    _check_size(len(content))
    settings = zstandard.ZstdCompressionParameters.from_level(
        LEVEL, window_log=WINDOW, enable_ldm=True
    )
    compressor = zstandard.ZstdCompressor(dict_data=_as_is(base), compression_params=settings)
    return Packed(compressor.compress(content), sha256)


def _check_size(size: int) -> None:
    require(size <= LIMIT, f"would take {size} bytes to read; the most is {LIMIT}")


def _as_is(base: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def check_pack(pack: Pack, content: bytes) -> None:
    """Hold the bytes of a pack to what a manifest says of them. Raises ValueError."""
    size, found = pack["size"], digest(content)
    require(len(content) == size, f"has {len(content)} bytes, and its manifest says {size}")
    require(found == pack["sha256"], f"is damaged: the sha256 of its bytes is {found}")


def unpacked(manifest: Manifest, pack: bytes, base: bytes | None = None) -> Snapshot:
    """Cut a pack into its payloads; ``base`` is the content of the pack that it rests on.

    Raises ValueError: they are not what the manifest says.
    """
    ends = _ends(manifest)
    content = _decompressed(pack, ends[-1], base)
    return Snapshot(
        venue=manifest["venue"],
        observed_at=moment(manifest["observed_at"]),
        payloads=tuple(
            _payload(manifest["venue"], part, content[start:end])
            for part, (start, end) in zip(manifest["payloads"], pairwise(ends), strict=True)
        ),
        complete=manifest["complete"],
    )


def content_of(pack: bytes) -> bytes:
    """What a pack that stands alone holds. Raises ValueError: it is no such pack."""
    try:
        size = zstandard.frame_content_size(pack)
    except zstandard.ZstdError as error:
        message = f"cannot be decompressed: {error}"
        raise ValueError(message) from error
    require(size >= 0, "does not say how much it holds, so nothing can rest on it")
    return _decompressed(pack, size)


def _decompressed(pack: bytes, size: int, base: bytes | None = None) -> bytes:
    _check_size(max(size, len(pack)))
    if base is None:
        reader = zstandard.ZstdDecompressor()
    else:
        reader = zstandard.ZstdDecompressor(dict_data=_as_is(base), max_window_size=2**WINDOW)
    try:
        content = reader.stream_reader(pack).read(size + 1)
    except zstandard.ZstdError as error:
        message = f"cannot be decompressed: {error}"
        raise ValueError(message) from error
    require(len(content) == size, f"does not hold the {size} bytes that its manifest names")
    return content


def _payload(venue: str, part: _Part, content: bytes) -> Payload:
    call, observed_at, provenance = _asked(part)
    payload = Payload.of(venue, call, observed_at, provenance, content)
    require(payload.sha256 == part["sha256"], f"holds another answer to {str(call)!r} than it did")
    return payload


def moment(text: str) -> datetime:
    """Read a time. Raises ValueError: not ISO 8601 in UTC."""
    time = datetime.fromisoformat(text)
    require(time.tzinfo is UTC, f"the time {text!r} is not in UTC")
    return time


def digest(content: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def require(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - the truth of a sentence
    """Raise ValueError with ``otherwise`` unless it holds."""
    if not holds:
        raise ValueError(otherwise)
