"""Helpers for tests of archives: snapshots, contents of folders, and disks that fail."""

import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import strategies as st

from harmonize.archive.archive import Archive
from harmonize.archive.storage import DISK, Disk, LocalStorage
from harmonize.core.payload import Call, Origin, Payload, Provenance, Snapshot

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
LIVE = Provenance(Origin.LIVE, "https://www.okx.com", "the clock at the answer", "GET /tiers")


def snapshot(day: int = 0, venue: str = "okx", payloads: int = 3) -> Snapshot:
    """Returns responses of one endpoint called once per underlying, as on OKX."""
    at = NOON + timedelta(days=day)
    answers = tuple(
        Payload.of(
            venue,
            Call(
                "publicGetPublicPositionTiers", (("instType", "SWAP"), ("uly", f"C{number}-USDT"))
            ),
            at + timedelta(seconds=number),
            LIVE,
            json.dumps({"data": [{"maxSz": str(100 * number + day), "imr": "0.01"}]}).encode(),
        )
        for number in range(payloads)
    )
    return Snapshot(venue, at, answers, complete=True)


def later(snapshot: Snapshot, seconds: int = 1) -> Snapshot:
    """Returns a later observation of the same payloads."""
    return replace(snapshot, observed_at=snapshot.observed_at + timedelta(seconds=seconds))


def tree(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def path_of(archive: Archive) -> Path:
    return Path(archive.place)


def on_disk(archive: Archive, disk: Disk) -> Archive:
    return replace(archive, storage=LocalStorage(path_of(archive), disk))


def faulty_objects(archive: Archive) -> set[str]:
    return {problem.where for problem in archive.verify()}


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
TIMES = st.datetimes(
    datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone itself
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5, minutes=-30))]),
)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    venue = draw(TEXT)
    provenances = st.builds(Provenance, st.sampled_from(Origin), TEXT, TEXT, TEXT)
    calls = st.builds(Call, TEXT, st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple))
    payloads = st.builds(Payload.of, st.just(venue), calls, TIMES, provenances, st.binary())
    drawn = draw(st.lists(payloads, max_size=4))
    return Snapshot(venue, draw(TIMES), tuple(drawn), draw(st.booleans()))


def pack_of(archive: Archive, manifest: bytes) -> str:
    name = f"packs/{json.loads(manifest)['pack']['sha256']}.zst"
    assert (path_of(archive) / name).exists()
    return name


def sealed(manifest: dict[str, Any]) -> bytes:
    """Seals a manifest as documented, by code independent of the archive's own."""

    def text(record: dict[str, Any]) -> bytes:
        encoder = json.JSONEncoder(sort_keys=True, ensure_ascii=False)
        return f"{encoder.encode(record)}\n".encode()

    seal = hashlib.sha256(text({**manifest, "seal": ""})).hexdigest()
    return text({**manifest, "seal": seal})


def rewrite(archive: Archive, number: int, change: Callable[[dict[str, Any]], None]) -> None:
    path = path_of(archive) / "manifests" / f"{number:08}.json"
    manifest = json.loads(path.read_bytes())
    change(manifest)
    path.write_bytes(sealed(manifest))


class Step(NamedTuple):
    """One step of the disk: the operation, the path and the bytes written."""

    verb: str
    path: Path
    content: bytes = b""


def recording_disk(steps: list[Step], before: Callable[[], None] = lambda: None) -> Disk:
    """Returns the real disk, which records each step; ``before`` may raise to prevent the step."""

    def write(path: Path, content: bytes) -> None:
        before()
        DISK.write(path, content)
        steps.append(Step("add", path, content))

    def link(source: Path, target: Path) -> None:
        before()
        DISK.link(source, target)
        steps.append(Step("add", target, target.read_bytes()))

    def remove(path: Path) -> None:
        before()
        DISK.remove(path)
        steps.append(Step("remove", path))

    def sync(directory: Path) -> None:
        before()
        DISK.sync(directory)
        steps.append(Step("sync", directory))

    return Disk(write, link, remove, sync)


class Killed(BaseException):
    """Stands for the end of the process."""


def noise(day: int, size: int, venue: str = "okx") -> Snapshot:
    """Returns one payload of incompressible bytes, different per day."""
    content = random.Random(day).randbytes(size)  # noqa: S311 - repeatable, not a secret
    at = NOON + timedelta(days=day)
    return Snapshot(venue, at, (Payload.of(venue, Call("m"), at, LIVE, content),), complete=True)


def night(day: int, venue: str = "okx", rows: int = 30) -> Snapshot:
    """Returns one response of many rows, of which one differs from the first day."""
    chance = random.Random(venue)  # noqa: S311 - as above
    table = [{"uly": f"C{row}", "maxSz": chance.randrange(10**12)} for row in range(rows)]
    table[day % rows]["maxSz"] = day
    at = NOON + timedelta(days=day)
    content = json.dumps({"data": table}).encode()
    return Snapshot(venue, at, (Payload.of(venue, Call("m"), at, LIVE, content),), complete=True)
