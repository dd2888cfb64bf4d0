"""Provenance of a file in a folder with MANIFEST.json: who copied it, from where, and its hash."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from harmonize.core.payload import Origin, Provenance


@dataclass(frozen=True, slots=True)
class FolderFile:
    """File of a folder: its name, its entry in the manifest, its SHA-256, and the table's statement."""

    file: str
    manifest_row: Mapping[str, object]
    sha256: str
    source: str


def provenance_of(imported: FolderFile, kept: str, dating: str) -> Provenance:
    """Returns the provenance of an imported file; ``kept`` states what the import keeps of it."""
    row, file = imported.manifest_row, imported.file
    repositories = row.get("source_repos") or row.get("source_repo") or imported.source
    copied = {
        "": repositories if isinstance(repositories, str) else json.dumps(repositories),
        "path ": row.get("source_path"),
        "commit ": row.get("source_commit"),
        "licence: ": row.get("licence_if_stated"),
        "sha256 ": imported.sha256,
    }
    parts = [f"{label}{text}" for label, text in copied.items() if text]
    return Provenance(Origin.RECORDED, f"{file}: {'; '.join(parts)}; {kept}", dating, file)
