"""Reads the chained records of an archive and checks that each follows its predecessor."""

import re
from collections.abc import Iterator

from harmonize.archive.manifest import Manifest, Pruning, digest, parse_record
from harmonize.archive.storage import ArchiveError, Storage

MANIFEST_NAME = re.compile(r"(?!0{8})([0-9]{8})\.json")

Record = tuple[Manifest | Pruning, str]
"""A parsed record and the SHA-256 of its bytes."""


def manifest_name(sequence: int) -> str:
    """Returns the object name of the record with a sequence number."""
    return f"manifests/{sequence:08}.json"


def sequences(storage: Storage) -> list[int]:
    """Returns the used sequence numbers in ascending order. Raises ArchiveError."""
    matches = map(MANIFEST_NAME.fullmatch, storage.names("manifests"))
    return [int(match[1]) for match in matches if match]


def read_record(storage: Storage, sequence: int) -> Record:
    """Reads one record. Raises ArchiveError: missing, damaged, or stored under another number."""
    name = manifest_name(sequence)
    content = storage.read(name)
    try:
        record = parse_record(content)
    except (ValueError, RecursionError) as error:
        raise ArchiveError(storage.place, f"is damaged: {error}", name) from error
    if record["sequence"] != sequence:
        problem = f"expected sequence {sequence}, found {record['sequence']}"
        raise ArchiveError(storage.place, problem, name)
    return record, digest(content)


def check_chain(
    storage: Storage, last_sequence: int, last_digest: str | None
) -> Iterator[Record | ArchiveError]:
    """Yields the records after ``last_sequence``, and an error for each break of the chain.

    ``last_digest`` is the digest of the record with number ``last_sequence``. None means that this
    record is unreadable, so that its link to the next record cannot be checked.
    """
    for sequence in sequences(storage):
        if sequence <= last_sequence:
            continue
        if sequence != last_sequence + 1:
            upto = (
                "" if sequence == last_sequence + 2 else f", and so are all up to {sequence - 1:08}"
            )
            name = manifest_name(last_sequence + 1)
            yield ArchiveError(storage.place, f"is missing{upto}", name)
            last_digest = None
        last_sequence = sequence
        try:
            record, record_digest = read_record(storage, sequence)
        except ArchiveError as error:
            yield error
            last_digest = None
            continue
        if last_digest is not None and record["previous"] != last_digest:
            problem = "does not follow the previous manifest: one of the two was replaced"
            yield ArchiveError(storage.place, problem, manifest_name(sequence))
        last_digest = record_digest
        yield record, record_digest


def intact_records(storage: Storage, last_sequence: int, last_digest: str) -> Iterator[Record]:
    """Yields the records after one. Raises ArchiveError at the first break of the chain."""
    for step in check_chain(storage, last_sequence, last_digest):
        if isinstance(step, ArchiveError):
            raise step
        yield step
