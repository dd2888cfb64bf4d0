"""What interrupted writes leave in an archive: temporary files, and packs that no record names.

An append publishes its pack before the record that names it. A process that ends in between loses
nothing: the snapshot was never part of the archive, and its pack is an orphan.
"""

import time
from contextlib import suppress
from math import inf

from harmonize.archive.catalog import Catalog, extend_catalog, required_packs
from harmonize.archive.chain import intact_records, manifest_name, read_record, sequences
from harmonize.archive.manifest import PACK_NAME, digest, is_pack
from harmonize.archive.storage import TEMPORARY, ArchiveError, Storage

SAFE_AGE = 86400.0
"""Age, in seconds, from which a leftover file is swept where no lock shows who else writes."""

_ORPHAN = (
    "no record names this pack: an append was interrupted, or the newest manifest was removed; "
    "compare the digest of the newest entry with one kept elsewhere; "
    "the next append or pruning in a folder removes the pack"
)


class OrphanError(ArchiveError):
    """A readable pack that no record names."""


def unnamed_pack(storage: Storage, name: str, sha256: str) -> ArchiveError:
    """Returns the error of a pack that no record names: an OrphanError, if it is readable."""
    try:
        content = storage.read(name)
    except ArchiveError as error:
        return error
    if is_pack(content, sha256):
        return OrphanError(storage.place, _ORPHAN, name)
    problem = f"is damaged, and no record names it: the SHA-256 of its content is {digest(content)}"
    return ArchiveError(storage.place, problem, name)


def sweep(storage: Storage, min_age: float, *, recent: bool) -> None:
    """Removes temporary files and orphans that are at least ``min_age`` seconds old.

    The caller excludes other writers, or states an age that none of them reaches. With ``recent``
    only packs written since the newest record are examined, without reading the chain if there are
    none. Nothing is removed if a record is missing or damaged, for it may name the pack. Errors are
    ignored: sweeping is no part of the operation that causes it.
    """
    until = time.time() - min_age if min_age else inf
    with suppress(ArchiveError, OSError):
        _remove_temporary(storage, "packs", until)
        _remove_temporary(storage, "manifests", until)
        _remove_temporary(storage, "", time.time() - SAFE_AGE)  # a creation takes no lock
        packs = {
            name: at
            for name, at in storage.written("packs").items()
            if at <= until and PACK_NAME.fullmatch(name)
        }
        candidates = _not_older_than_the_chain(storage, packs) if recent else set(packs)
        if candidates:
            for name in sorted(candidates - _named_packs(storage)):
                storage.remove(f"packs/{name}")


def _remove_temporary(storage: Storage, directory: str, until: float) -> None:
    for name, at in storage.written(directory).items():
        if name.endswith(TEMPORARY) and at <= until:
            storage.remove(f"{directory}/{name}" if directory else name)


def _not_older_than_the_chain(storage: Storage, packs: dict[str, float]) -> set[str]:
    """Returns the packs that are not older than the newest record, without its own pack."""
    used = sequences(storage)
    if not used:
        return set(packs)
    record, _ = read_record(storage, used[-1])
    own = "" if "pruned_at" in record else f"{record['pack']['sha256']}.zst"
    file = manifest_name(used[-1]).rpartition("/")[2]
    newest = storage.written("manifests").get(file, inf)
    return {name for name, at in packs.items() if at >= newest and name != own}


def _named_packs(storage: Storage) -> set[str]:
    """Returns the file names of all packs that a record names. Raises ArchiveError."""
    catalog = extend_catalog(Catalog(), intact_records(storage, 0, ""))
    required = {sha256 for entry in catalog.entries for sha256 in required_packs(entry)}
    return {f"{sha256}.zst" for sha256 in required}
