"""Reads the packs of an archive and checks them against their manifests."""

from harmonize.archive.manifest import (
    Manifest,
    check_pack,
    decompress_base,
    digest,
    require,
    unpack,
)
from harmonize.archive.storage import ArchiveError, Storage
from harmonize.core.payload import Snapshot

BaseCache = dict[str, tuple[str, bytes]]
"""Per venue, the hash and the content of the base read last."""


def pack_name(sha256: str) -> str:
    """Returns the object name of the pack with a hash."""
    return f"packs/{sha256}.zst"


def read_snapshot(storage: Storage, manifest: Manifest, bases: BaseCache) -> Snapshot:
    """Returns the snapshot of a manifest, reading its base from ``bases`` if cached there.

    Raises ArchiveError: a pack is missing or damaged, or differs from the manifest.
    """
    pack, venue = manifest["pack"], manifest["venue"]
    name = pack_name(pack["sha256"])
    content = storage.read(name)
    try:
        check_pack(pack, content)
        base = None
        if "base" in pack:
            if bases.get(venue, ("", b""))[0] != pack["base"]:
                bases[venue] = (pack["base"], read_base(storage, pack["base"])[0])
            base = bases[venue][1]
        return unpack(manifest, content, base)
    except ValueError as error:
        raise ArchiveError(storage.place, str(error), name) from error


def read_base(storage: Storage, sha256: str) -> tuple[bytes, int]:
    """Returns the decompressed content of a base pack, and its compressed size in bytes.

    Raises ArchiveError: missing, damaged, or itself compressed against a base.
    """
    name = pack_name(sha256)
    content = storage.read(name)
    try:
        actual = digest(content)
        require(actual == sha256, f"is damaged: the SHA-256 of its content is {actual}")
        return decompress_base(content), len(content)
    except ValueError as error:
        raise ArchiveError(storage.place, str(error), name) from error
