"""Snapshots as a folder of plain files for people: the payloads, and a manifest that names them all."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import cast

from harmonize.archive.manifest import digest, moment, require
from harmonize.core.payload import Call, Origin, Payload, Provenance, Snapshot
from harmonize.transfer.source import LeftOut, SourceItem, UnreadableSourceError, held

FORMAT = "harmonize payloads 1"

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST = 80


def write(folder: Path, snapshots: Iterable[Snapshot]) -> int:
    """Write snapshots into an empty folder, and say how many. Raises OSError."""
    records = []
    for snapshot in snapshots:
        parts = []
        for payload in snapshot.payloads:
            name = file_name(payload)
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(payload.content)
            parts.append(_record(payload, name))
        records.append(
            {
                "venue": snapshot.venue,
                "observed_at": snapshot.observed_at.isoformat(),
                "complete": snapshot.complete,
                "payloads": parts,
            }
        )
    manifest = {"format": FORMAT, "snapshots": records}
    text = json.dumps(manifest, indent=1, ensure_ascii=False)
    (folder / "MANIFEST.json").write_text(f"{text}\n", encoding="utf-8", newline="\n")
    return len(records)


def file_name(payload: Payload) -> str:
    """Where a payload stands: its venue, day and call, by the hash of its bytes no other's."""
    venue, method = (
        _UNSAFE.sub("_", one)[:_LONGEST] for one in (payload.venue, payload.call.method)
    )
    return f"{venue or '_'}/{payload.observed_at:%Y-%m-%d}-{method}-{payload.sha256}.json"


def _record(payload: Payload, name: str) -> dict[str, object]:
    provenance = payload.provenance
    return {
        "file": name,
        "venue": payload.venue,
        "method": payload.call.method,
        "params": [list(pair) for pair in payload.call.params],
        "observed_at": payload.observed_at.isoformat(),
        "origin": provenance.origin.value,
        "source": provenance.source,
        "dating": provenance.dating,
        "request": provenance.request,
        "sha256": payload.sha256,
    }


def offered(folder: Path, manifest: Mapping[str, object]) -> Iterator[SourceItem]:
    """Give the snapshots of such a folder as they were. Raises UnreadableSourceError."""
    records = manifest.get("snapshots")
    if not isinstance(records, list):
        message = f'{folder / "MANIFEST.json"}: "snapshots" must be a list; export the folder anew'
        raise UnreadableSourceError(message)
    for place, one in enumerate(records):
        try:
            yield _snapshot(folder, one)
        except UnreadableSourceError as error:
            yield LeftOut(f"snapshot {place}", str(error), unread=True)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            what = f"{folder / 'MANIFEST.json'}: snapshot {place} is not as it was written ({error}); export it anew"
            yield LeftOut(f"snapshot {place}", what, unread=True)


def _snapshot(folder: Path, one: dict[str, object]) -> Snapshot:
    venue, payloads, complete = one["venue"], one["payloads"], one["complete"]
    if (
        not isinstance(venue, str)
        or not isinstance(payloads, list)
        or not isinstance(complete, bool)
    ):
        message = "venue, payloads or complete is of another kind"
        raise TypeError(message)
    found = [_payload(folder, part) for part in payloads]
    return Snapshot(venue, moment(str(one["observed_at"])), tuple(found), complete)


def _payload(folder: Path, part: dict[str, object]) -> Payload:
    keys = ("file", "venue", "method", "observed_at", "origin", "source", "dating", "request", "sha256")  # fmt: skip
    said = {key: part[key] for key in keys}
    text = {key: one for key, one in said.items() if isinstance(one, str)}
    require(text.keys() == said.keys(), "a field is no text")
    listed = part["params"]
    require(isinstance(listed, list), "params is no list")
    params = tuple((str(key), str(value)) for key, value in cast("list[list[str]]", listed))
    content = held(folder, text["file"])
    if digest(content) != text["sha256"]:
        message = f"{folder / text['file']} is not as it was written: its sha256 is {digest(content)}; export it anew"
        raise UnreadableSourceError(message)
    origin = Provenance(Origin(text["origin"]), text["source"], text["dating"], text["request"])
    call, when = Call(text["method"], params), moment(text["observed_at"])
    return Payload.of(text["venue"], call, when, origin, content)
