"""The report as a folder: its files, the manifest that proves them, and their verification."""

import gzip
import hashlib
import json
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from harmonize.api.audit import Answer, answer, open_sources, read_configuration
from harmonize.api.build_day import VARIABLE
from harmonize.api.question import (
    AnswerOptions,
    Fallback,
    Question,
    Selection,
    Verification,
    WaiverPolicy,
)
from harmonize.archive.location import ArchiveLocation, recorded_archive
from harmonize.core.output_file import write_file
from harmonize.version import VERSION
from reports.registry import report_files
from rules import loader

MANIFEST = "manifest.json"
"""Name of the manifest in the folder of a report."""

_MANIFEST_ENTRY = (MANIFEST, MANIFEST, "hashes of the inputs and of every file of this report")

SCHEMA = "1"
"""Version of the manifest; it increases when a field is removed or changes its meaning."""

MAX_BYTES = 100_000_000
"""Largest file of a report that is read."""

_PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*")
_IDENT = re.compile(rb'\bid="([^"]*)"')
_SHOWN = 120


class ReportFolderError(Exception):
    """A folder that cannot be written, or is no report: one line with the problem and its fix."""


@dataclass(frozen=True, slots=True)
class Report:
    """A report: the answer that it shows, and all its files with the manifest last."""

    answer: Answer
    files: Mapping[str, bytes]


def build(question: Question) -> Report:
    """Answers a question and renders its report.

    Raises as ``answer`` does: RequestError, ArchiveError, RuleError.
    """
    of_report = answer(question.for_report())
    files = dict(report_files(of_report.document, (_MANIFEST_ENTRY,)))
    manifest = {
        "schema_version": SCHEMA,
        "version": VERSION,
        "as_of": of_report.document.as_of,
        "question": _question_fields(question),
        "inputs": _inputs(question),
        "files": {path: _digest(content) for path, content in sorted(files.items())},
    }
    text = json.dumps(manifest, indent=1, ensure_ascii=True)
    files[MANIFEST] = f"{text}\n".encode()
    return Report(of_report, files)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _question_fields(question: Question) -> dict[str, object]:
    options = question.options
    return {
        "fallback": question.fallback.value,
        "venues": list(question.venues),
        "underlyings": list(question.underlyings),
        "profile": question.profile,
        "rules": list(question.rules),
        "as_of": question.as_of.isoformat() if question.as_of else "",
        "instruments": [[*pair, symbol] for pair, symbol in sorted(question.instruments.items())],
        "verification": question.verification.value,
        "stale_after_days": options.stale_after_days,
        "inputs": str(options.inputs or ""),
        "config": str(options.config or ""),
        "waivers": options.waivers.value,
    }


def _inputs(question: Question) -> dict[str, object]:
    """Returns what a report depends on: archives by their newest record, and files by their hash."""
    with recorded_archive() as path:
        archives = [
            {"name": source.name, "sequence": sequence, "tip": tip}
            for source in open_sources(question, path)
            for sequence, tip in [source.archive.tip()]
        ]
    configuration = read_configuration(question.options.config)
    rule_sets = {
        str(name): _digest(repr(loader.resolve(name).effective).encode())
        for name in (question.rules or configuration.rules or loader.pack_ids())
    }
    measured = question.options.inputs or configuration.inputs
    return {
        "archives": archives,
        "rule_sets": rule_sets,
        "files": {
            name: _digest(path.read_bytes())
            for name, path in (("inputs", measured), ("config", question.options.config))
            if path is not None
        },
    }


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes the files that changed, and removes those of an earlier report that are no more.

    The manifest is written last. Only files that the manifest of the folder names are removed. Raises
    ReportFolderError.
    """
    stale = {name for name in _listed(folder) if name not in files}
    try:
        for name, content in files.items():
            if name != MANIFEST:
                _write(folder / name, content)
        for name in sorted(stale):
            (folder / name).unlink(missing_ok=True)
        if MANIFEST in files:
            _write(folder / MANIFEST, files[MANIFEST])
    except OSError as error:
        path = error.filename or folder
        message = f"{path}: cannot write the report: {error.strerror}; use another folder"
        raise ReportFolderError(message) from error


def _write(path: Path, content: bytes) -> None:
    with suppress(OSError):
        if path.stat().st_size == len(content) and path.read_bytes() == content:
            return
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, content)


def _listed(folder: Path) -> list[str]:
    """Returns the files that the manifest of a folder names and that lie within it."""
    try:
        names = json.loads((folder / MANIFEST).read_bytes())["files"]
        return [name for name in names if _is_within(folder, name)]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _is_within(folder: Path, name: object) -> bool:
    if not isinstance(name, str) or not _PATH.fullmatch(name):
        return False
    path = folder / name
    return path.is_file() and path.resolve().is_relative_to(folder.resolve())


def differences(folder: Path, archive: ArchiveLocation | None) -> Iterator[str]:
    """Builds the report of a folder again and yields what differs, one line each.

    Inputs that differ come first; then nothing can be compared. Otherwise every file is compared, and
    a line names the file and the first figure that differs. ``archive`` is None for the recorded one.
    Raises ReportFolderError, and as ``answer`` does.
    """
    manifest = _read_manifest(folder)
    question = _question(manifest, archive)
    if manifest["version"] != VERSION:
        yield f"{MANIFEST}: written by version {manifest['version']}, this is {VERSION}"
        return
    if lines := [*_changed_inputs(manifest["inputs"], _inputs(question))]:
        yield from lines
        return
    with _built_on(manifest["as_of"], question):
        expected = build(question).files
    for name in sorted({*expected, *_listed(folder), *_found(folder)}):
        line = _difference(folder, name, expected.get(name))
        if line:
            yield line


def _read_manifest(folder: Path) -> Mapping[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
    except OSError as error:
        message = f"{path}: cannot read the manifest: {error.strerror}; name the folder of a report"
        raise ReportFolderError(message) from error
    except ValueError as error:
        message = f"{path}: expected JSON, found {error}; write the report again"
        raise ReportFolderError(message) from error
    fields = {"schema_version", "version", "as_of", "question", "inputs", "files"}
    if not isinstance(manifest, dict) or not fields <= manifest.keys():
        message = f"{path}: expected the manifest of a report; write the report again"
        raise ReportFolderError(message)
    if manifest["schema_version"] != SCHEMA:
        message = f"{path}: unknown version {manifest['schema_version']!r}; write the report again"
        raise ReportFolderError(message)
    return manifest


def _question(manifest: Mapping[str, Any], archive: ArchiveLocation | None) -> Question:
    try:
        fields = manifest["question"]
        selection = Selection(
            archive=archive,
            fallback=Fallback(fields["fallback"]),
            venues=tuple(fields["venues"]),
            underlyings=tuple(fields["underlyings"]),
            profile=fields["profile"],
            rules=tuple(fields["rules"]),
            as_of=_day(fields["as_of"]),
            instruments={(venue, name): symbol for venue, name, symbol in fields["instruments"]},
            verification=Verification(fields["verification"]),
        )
        options = AnswerOptions(
            stale_after_days=float(fields["stale_after_days"]),
            inputs=Path(fields["inputs"]) if fields["inputs"] else None,
            config=Path(fields["config"]) if fields["config"] else None,
            waivers=WaiverPolicy(fields["waivers"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        message = f"{MANIFEST}: question: unreadable field {error}; write the report again"
        raise ReportFolderError(message) from error
    return Question.of(selection, options)


def _day(text: str) -> date | datetime | None:
    if not text:
        return None
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def _changed_inputs(recorded: Any, current: Any, place: str = "inputs") -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(recorded, dict) and isinstance(current, dict):
        for name in sorted({*recorded, *current}):
            yield from _changed_inputs(recorded.get(name), current.get(name), f"{place}.{name}")
    elif recorded != current:
        yield f"{MANIFEST}: {place}: the report was made from {recorded}, found {current}"


@contextmanager
def _built_on(as_of: str, question: Question) -> Iterator[None]:
    """Counts ages from the day of the build that the manifest states, as SOURCE_DATE_EPOCH does."""
    if question.as_of is not None:
        yield
        return
    previous = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(int(datetime.fromisoformat(as_of).timestamp()))
    try:
        yield
    finally:
        if previous is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = previous


def _found(folder: Path) -> Iterator[str]:
    """Yields the pages in the folder, so that one that no report wrote is reported."""
    for path in folder.rglob("*.html"):
        yield path.relative_to(folder).as_posix()


def _difference(folder: Path, name: str, expected: bytes | None) -> str:
    if expected is None:
        return f"{name}: not a file of this report"
    try:
        path = folder / name
        if path.stat().st_size > MAX_BYTES:
            return f"{name}: larger than {MAX_BYTES:,} bytes"
        found = path.read_bytes()
    except OSError as error:
        return f"{name}: missing or unreadable: {error.strerror}"
    return "" if found == expected else f"{name}: {_first_figure(expected, found)}"


def _first_figure(expected: bytes, found: bytes) -> str:
    """Names the first figure that differs: the last anchor before it, and both texts."""
    with suppress(OSError, EOFError, zlib.error):
        expected, found = gzip.decompress(expected), gzip.decompress(found)
    bounds = zip(expected, found, strict=False)
    at = next(
        (index for index, (a, b) in enumerate(bounds) if a != b), min(len(expected), len(found))
    )
    anchors = _IDENT.findall(expected[:at])
    place = f"#{anchors[-1].decode(errors='replace')}: " if anchors else f"byte {at}: "
    texts = [_figure_at(content, at) for content in (expected, found)]
    return f"{place}expected {texts[0]!r}, found {texts[1]!r}"


def _figure_at(content: bytes, at: int) -> str:
    """Returns the text around a position: up to the tags or the line ends beside it."""
    start = max(content.rfind(sign, 0, at) for sign in (b">", b"<", b"\n")) + 1
    ends = [end for sign in (b"<", b">", b"\n") if (end := content.find(sign, at)) >= 0]
    shown = content[start : min(ends, default=len(content))][:_SHOWN]
    return shown.decode(errors="replace").replace("\N{NO-BREAK SPACE}", " ")
