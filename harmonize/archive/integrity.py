"""Verification of an archive: every record, every pack, and every file that belongs to neither."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harmonize.archive.catalog import Catalog, extend_catalog, required_packs
from harmonize.archive.chain import MANIFEST_NAME, Record, check_chain
from harmonize.archive.leftovers import OrphanError, unnamed_pack
from harmonize.archive.manifest import PACK_NAME
from harmonize.archive.packs import BaseCache, read_snapshot
from harmonize.archive.storage import ArchiveError, Storage

_TOP_LEVEL_NAMES = {"format.json", "packs", "manifests", "derived"}


@dataclass(frozen=True, slots=True)
class IntegrityProblem:
    """A problem of one object; ``where`` is its path within the archive, ``what`` the problem.

    ``is_damage`` is False for an orphan, which an interrupted append leaves without any loss.
    """

    where: str
    what: str
    is_damage: bool = True


def problems(storage: Storage) -> Iterator[IntegrityProblem]:
    """Yields every problem of the chain, of its packs, and of the objects beside them."""
    for error in _errors(storage):
        yield IntegrityProblem(error.name, error.problem, not isinstance(error, OrphanError))


def _errors(storage: Storage) -> Iterator[ArchiveError]:
    try:
        steps = list(check_chain(storage, 0, ""))
        records = [step for step in steps if not isinstance(step, ArchiveError)]
        catalog = extend_catalog(Catalog(), records)
        yield from (step for step in steps if isinstance(step, ArchiveError))
        yield from _pack_errors(storage, records, catalog)
        yield from _foreign_objects(storage, catalog)
    except ArchiveError as error:  # a directory that cannot be listed
        yield error


def _pack_errors(
    storage: Storage, records: Sequence[Record], catalog: Catalog
) -> Iterator[ArchiveError]:
    """Yields one error per faulty pack; a pack is not reported for the fault of its base."""
    readable = {entry.sequence for entry in catalog.entries if not entry.pruned}
    reported: set[str] = set()
    bases: BaseCache = {}
    for record, _ in records:
        if "pruned_at" in record or record["sequence"] not in readable:
            continue
        try:
            read_snapshot(storage, record, bases)
        except ArchiveError as error:
            if error.name not in reported:
                reported.add(error.name)
                yield error


def _foreign_objects(storage: Storage, catalog: Catalog) -> Iterator[ArchiveError]:
    """Yields an error per object that no record accounts for."""
    for name in storage.names(""):
        if name not in _TOP_LEVEL_NAMES:
            yield ArchiveError(storage.place, "is not part of an archive", name)
    gone = dict(catalog.gone)
    required = {sha256 for entry in catalog.entries for sha256 in required_packs(entry)}
    for pattern, directory in ((MANIFEST_NAME, "manifests"), (PACK_NAME, "packs")):
        for name in storage.names(directory):
            path, pack = f"{directory}/{name}", name.removesuffix(".zst")
            if not pattern.fullmatch(name):
                yield ArchiveError(storage.place, "is not part of an archive", path)
            elif pack in gone:
                problem = f"exists, although it was pruned on {gone[pack][:10]}; prune again"
                yield ArchiveError(storage.place, problem, path)
            elif directory == "packs" and pack not in required:
                yield unnamed_pack(storage, path, pack)
