"""The record of one snapshot in an archive: its canonical bytes, its seal, and back."""

import hashlib
import json
import re
from datetime import UTC, datetime
from itertools import accumulate, pairwise
from typing import TypedDict, cast, get_args, get_origin

import zstandard

from harmonize.payload import Call, Origin, Payload, Provenance, Snapshot

LIMIT = 512 * 2**20
"""The most bytes that one file, or one decompressed snapshot, may hold."""

PACK_NAME = re.compile(r"[0-9a-f]{64}\.zst")


class Pack(TypedDict):
    """The compressed file that holds the payloads of a snapshot."""

    sha256: str
    size: int


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


class Manifest(TypedDict):
    """What the manifest of one snapshot says."""

    sequence: int
    previous: str
    venue: str
    observed_at: str
    complete: bool
    pack: Pack
    payloads: list[_Part]
    seal: str


def written(snapshot: Snapshot, pack: bytes, sequence: int, previous: str) -> bytes:
    """Write a manifest. Raises ValueError, TypeError: something in it is not text or Unicode."""
    offsets = accumulate((len(payload.content) for payload in snapshot.payloads), initial=0)
    manifest: Manifest = {
        "sequence": sequence,
        "previous": previous,
        "venue": snapshot.venue,
        "observed_at": snapshot.observed_at.astimezone(UTC).isoformat(),
        "complete": snapshot.complete,
        "pack": {"sha256": digest(pack), "size": len(pack)},
        "payloads": list(map(_part, snapshot.payloads, offsets)),
        "seal": "",
    }
    return _canonical({**manifest, "seal": digest(_canonical(manifest))})


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


def parsed(content: bytes) -> Manifest:
    """Read a manifest. Raises ValueError, RecursionError: not one, or not as it was written."""
    record = json.loads(content)
    require(_fits(record, Manifest), "it is not shaped as a manifest")
    manifest = cast("Manifest", record)
    require(_canonical(manifest) == content, "it is not written as manifests are")
    seal = digest(_canonical({**manifest, "seal": ""}))
    require(manifest["seal"] == seal, "its seal was made for other content")
    name = f"{manifest['pack']['sha256']}.zst"
    require(PACK_NAME.fullmatch(name) is not None, "it does not name its pack by a sha256")
    moment(manifest["observed_at"])
    for part in manifest["payloads"]:
        _asked(part)
    ends = _ends(manifest)
    tiled = ends == sorted(ends) and ends[:-1] == [part["offset"] for part in manifest["payloads"]]
    require(tiled, "its payloads do not follow one another in the pack")
    return manifest


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
        if not isinstance(value, dict) or value.keys() != fields.keys():
            return False
        return all(_fits(value[key], fields[key]) for key in fields)
    if get_origin(shape) is list:
        return isinstance(value, list) and all(_fits(item, get_args(shape)[0]) for item in value)
    return type(value) is shape


def _canonical(record: Manifest) -> bytes:
    return json.dumps(record, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def unpacked(manifest: Manifest, pack: bytes) -> Snapshot:
    """Cut a pack into its payloads. Raises ValueError: it is not what the manifest says."""
    size, sha256 = manifest["pack"]["size"], manifest["pack"]["sha256"]
    require(len(pack) == size, f"has {len(pack)} bytes, and its manifest says {size}")
    require(digest(pack) == sha256, f"is damaged: the sha256 of its bytes is {digest(pack)}")
    ends = _ends(manifest)
    content = _decompressed(pack, ends[-1])
    return Snapshot(
        venue=manifest["venue"],
        observed_at=moment(manifest["observed_at"]),
        payloads=tuple(
            _payload(manifest["venue"], part, content[start:end])
            for part, (start, end) in zip(manifest["payloads"], pairwise(ends), strict=True)
        ),
        complete=manifest["complete"],
    )


def _decompressed(pack: bytes, size: int) -> bytes:
    most = max(size, len(pack))
    require(most <= LIMIT, f"would take {most} bytes to read; the most is {LIMIT}")
    try:
        content = zstandard.ZstdDecompressor().stream_reader(pack).read(size + 1)
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
