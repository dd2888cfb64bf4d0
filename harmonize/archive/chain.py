"""The records of an archive one after the other, each held to the one before it."""

import re
from collections.abc import Iterator

from harmonize.archive.manifest import Manifest, Pruning, digest, parsed
from harmonize.archive.storage import ArchiveError, Objects

MANIFEST_NAME = re.compile(r"(?!0{8})([0-9]{8})\.json")

Record = tuple[Manifest | Pruning, str]
"""What a record says, and the sha256 of its bytes."""


def manifest_name(sequence: int) -> str:
    """Where the record of a sequence number stands."""
    return f"manifests/{sequence:08}.json"


def sequences(objects: Objects) -> list[int]:
    """The sequence numbers that are taken, rising. Raises ArchiveError."""
    matches = map(MANIFEST_NAME.fullmatch, objects.names("manifests"))
    return [int(match[1]) for match in matches if match]


def record_at(objects: Objects, sequence: int) -> Record:
    """Read one record. Raises ArchiveError: missing, damaged, or in another's place."""
    name = manifest_name(sequence)
    content = objects.read(name)
    try:
        record = parsed(content)
    except (ValueError, RecursionError) as error:
        raise ArchiveError(objects.place, f"is damaged: {error}", name) from error
    if record["sequence"] != sequence:
        what = f"holds sequence {record['sequence']}, so it stands in another's place"
        raise ArchiveError(objects.place, what, name)
    return record, digest(content)


def chain(objects: Objects, before: int, previous: str | None) -> Iterator[Record | ArchiveError]:
    """Follow the records after one; what is not sound is yielded as an error.

    ``before`` is the sequence number of that one and ``previous`` its digest; None means that it is
    not sound, so that nothing can follow it.
    """
    for sequence in sequences(objects):
        if sequence <= before:
            continue
        if sequence != before + 1:
            upto = "" if sequence == before + 2 else f", as are all up to {sequence - 1:08}"
            yield ArchiveError(objects.place, f"is missing{upto}", manifest_name(before + 1))
            previous = None
        before = sequence
        try:
            record, digest_ = record_at(objects, sequence)
        except ArchiveError as error:
            yield error
            previous = None
            continue
        if previous is not None and record["previous"] != previous:
            what = "does not follow the manifest before it: one of the two was replaced"
            yield ArchiveError(objects.place, what, manifest_name(sequence))
        previous = digest_
        yield record, digest_


def sound(objects: Objects, before: int, previous: str) -> Iterator[Record]:
    """Follow the records after one. Raises ArchiveError: what ``chain`` yields as an error."""
    for step in chain(objects, before, previous):
        if isinstance(step, ArchiveError):
            raise step
        yield step
