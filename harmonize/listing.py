"""What an archive holds, without the payloads: its entries, and which of them count when."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from harmonize.manifest import Manifest, Pruning, moment
from harmonize.payload import Origin


@dataclass(frozen=True, slots=True)
class Entry:
    """One snapshot in the archive, without its payloads.

    ``digest`` is the hash of its manifest, ``payloads`` their number, ``size`` the bytes of the pack.
    ``failed`` says that it is the record of a try that failed. ``pack`` and ``base`` name packs by
    their hashes; ``pruned`` is the day on which the pack was taken away, empty where it is there.
    """

    sequence: int
    venue: str
    observed_at: datetime
    complete: bool
    digest: str
    payloads: int
    size: int
    failed: bool = False
    pack: str = ""
    base: str = ""
    pruned: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """The snapshots of an archive up to a record of its chain, which ``digest`` is the hash of."""

    entries: tuple[Entry, ...] = ()
    sequence: int = 0
    digest: str = ""


def newest_of(entries: Iterable[Entry]) -> dict[str, Entry]:
    """The last appended entry of each venue that holds answers and was not pruned."""
    return {one.venue: one for one in entries if not one.failed and not one.pruned}


def take_away(found: dict[int, Entry], record: Pruning) -> None:
    """Mark the entries whose packs a pruning took."""
    packs = frozenset(record["packs"])
    for sequence, one in found.items():
        if one.pack in packs:
            found[sequence] = replace(one, pruned=record["pruned_at"])


def bring_back(found: dict[int, Entry], entry: Entry) -> None:
    """Entries whose pack was pruned and is there again, since a later snapshot needs it."""
    for sequence, one in found.items():
        if one.pruned and one.pack in {entry.pack, entry.base}:
            found[sequence] = replace(one, pruned="")


def gone_and_named(records: Iterable[Manifest | Pruning]) -> tuple[set[str], set[str]]:
    """The packs that were pruned and not needed again, and the file names of all that are named."""
    gone: set[str] = set()
    named: set[str] = set()
    for record in records:
        if "pruned_at" in record:
            gone |= set(record["packs"])
            continue
        pack = record["pack"]
        needed = {pack["sha256"], *([pack["base"]] if "base" in pack else [])}
        gone -= needed
        named |= {f"{one}.zst" for one in needed}
    return gone, named


def latest(entries: Iterable[Entry], as_of: datetime | None = None) -> dict[str, tuple[Entry, ...]]:
    """For each venue, the newest entry observed at or before ``as_of``, and what it rests on.

    An entry that is not complete says nothing about what it leaves out, so the older ones follow
    it, newest first, down to the newest complete one (or all, if none is). Of two entries observed
    at the same time the later appended is the newer. Entries that were pruned are passed over.
    """
    found: dict[str, list[Entry]] = {}
    held = (entry for entry in entries if not entry.pruned)
    due = (entry for entry in held if as_of is None or entry.observed_at <= as_of)
    for entry in sorted(due, key=lambda one: (one.observed_at, one.sequence), reverse=True):
        newer = found.setdefault(entry.venue, [])
        if not newer or not newer[-1].complete:
            newer.append(entry)
    return {venue: tuple(found[venue]) for venue in sorted(found)}


def entry_of(manifest: Manifest, digest: str) -> Entry:
    """What a manifest with its digest says, without its payloads."""
    return Entry(
        sequence=manifest["sequence"],
        venue=manifest["venue"],
        observed_at=moment(manifest["observed_at"]),
        complete=manifest["complete"],
        digest=digest,
        payloads=len(manifest["payloads"]),
        size=manifest["pack"]["size"],
        failed=any(
            one["provenance"]["origin"] == Origin.ATTEMPT.value for one in manifest["payloads"]
        ),
        pack=manifest["pack"]["sha256"],
        base=manifest["pack"].get("base", ""),
    )
