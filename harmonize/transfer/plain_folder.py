"""Writes snapshots as a folder of plain payload files with a manifest, and reads them back."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import cast

from harmonize.archive.manifest import digest, parse_utc, require
from harmonize.core.date_precision import DateKind, DatePrecision, stated_precision
from harmonize.core.payload import Call, Origin, Payload, Provenance, Snapshot
from harmonize.transfer.source import (
    SkippedItem,
    SourceItem,
    UnreadableSourceError,
    read_listed_file,
)

FORMAT = "harmonize payloads 1"

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_MAX_NAME_LENGTH = 80


def write(folder: Path, snapshots: Iterable[Snapshot]) -> int:
    """Writes snapshots into an empty folder and returns their number. Raises OSError."""
    snapshot_records = []
    for snapshot in snapshots:
        payload_records = []
        for payload in snapshot.payloads:
            name = file_name(payload)
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(payload.content)
            payload_records.append(_payload_record(payload, name))
        snapshot_records.append(
            {
                "venue": snapshot.venue,
                "observed_at": snapshot.observed_at.isoformat(),
                "complete": snapshot.complete,
                "payloads": payload_records,
            }
        )
    manifest = {"format": FORMAT, "snapshots": snapshot_records}
    text = json.dumps(manifest, indent=1, ensure_ascii=False)
    (folder / "MANIFEST.json").write_text(f"{text}\n", encoding="utf-8", newline="\n")
    return len(snapshot_records)


def file_name(payload: Payload) -> str:
    """Returns the path of a payload: venue, date and call, made unique by the hash of its bytes."""
    venue, method = (
        _UNSAFE.sub("_", text)[:_MAX_NAME_LENGTH] for text in (payload.venue, payload.call.method)
    )
    return f"{venue or '_'}/{payload.observed_at:%Y-%m-%d}-{method}-{payload.sha256}.json"


def _payload_record(payload: Payload, name: str) -> dict[str, object]:
    provenance, precision = payload.provenance, payload.precision
    record: dict[str, object] = {
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
    if not precision.is_exact or precision != stated_precision(provenance.dating):
        record["date_kind"] = precision.kind.value
    if precision.earliest is not None:
        record["observed_from"] = precision.earliest.isoformat()
    return record


def read_items(folder: Path, manifest: Mapping[str, object]) -> Iterator[SourceItem]:
    """Yields the snapshots of such a folder unchanged. Raises UnreadableSourceError."""
    records = manifest.get("snapshots")
    if not isinstance(records, list):
        message = (
            f'{folder / "MANIFEST.json"}: expected a list "snapshots"; export the folder again'
        )
        raise UnreadableSourceError(message)
    for index, record in enumerate(records):
        try:
            yield _snapshot(folder, record)
        except UnreadableSourceError as error:
            yield SkippedItem(f"snapshot {index}", str(error), is_unreadable=True)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"{folder / 'MANIFEST.json'}: snapshot {index} was altered ({error}); export it again"
            yield SkippedItem(f"snapshot {index}", reason, is_unreadable=True)


def _snapshot(folder: Path, record: dict[str, object]) -> Snapshot:
    venue, payload_records, complete = record["venue"], record["payloads"], record["complete"]
    if (
        not isinstance(venue, str)
        or not isinstance(payload_records, list)
        or not isinstance(complete, bool)
    ):
        message = "venue, payloads or complete has an unexpected type"
        raise TypeError(message)
    payloads = tuple(_payload(folder, payload_record) for payload_record in payload_records)
    return Snapshot(venue, parse_utc(str(record["observed_at"])), payloads, complete)


def _payload(folder: Path, record: dict[str, object]) -> Payload:
    keys = ("file", "venue", "method", "observed_at", "origin", "source", "dating", "request", "sha256")  # fmt: skip
    fields = {key: record[key] for key in keys}
    text = {key: value for key, value in fields.items() if isinstance(value, str)}
    require(text.keys() == fields.keys(), "a field is not text")
    pairs = record["params"]
    require(isinstance(pairs, list), "params is not a list")
    params = tuple((str(key), str(value)) for key, value in cast("list[list[str]]", pairs))
    content = read_listed_file(folder, text["file"])
    if digest(content) != text["sha256"]:
        message = f"{folder / text['file']}: was altered: its SHA-256 is {digest(content)}; export it again"
        raise UnreadableSourceError(message)
    origin = Origin(text["origin"])
    provenance = Provenance(origin, text["source"], text["dating"], text["request"])
    call, observed_at = Call(text["method"], params), parse_utc(text["observed_at"])
    precision = _precision(record, text["dating"])
    if precision.earliest is not None and precision.earliest > observed_at:
        message = f"observed_from is later than observed_at in {text['file']}"
        raise ValueError(message)
    return Payload.of(text["venue"], call, observed_at, provenance, content, precision)


def _precision(record: Mapping[str, object], basis: str) -> DatePrecision:
    """Returns how far the date of a payload is known. Raises ValueError: not a kind, or no time."""
    kind, earliest = record.get("date_kind"), record.get("observed_from")
    if kind is None and earliest is None:
        return stated_precision(basis)
    return DatePrecision(
        DateKind(str(kind)), None if earliest is None else parse_utc(str(earliest))
    )
