"""The report as a folder: its files, the manifest that proves them, and their verification."""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from harmonize.api.audit import Answer, answer, open_sources, read_configuration
from harmonize.api.build_day import VARIABLE
from harmonize.api.question import (
    AdequacyScope,
    AnswerOptions,
    Fallback,
    Question,
    Selection,
    StressScope,
    ThresholdScope,
    Verification,
    WaiverPolicy,
)
from harmonize.api.report_difference import first_difference, unpacked
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

_MANIFEST_FIELDS = frozenset({"schema_version", "version", "as_of", "question", "inputs", "files"})

MAX_BYTES = 100_000_000
"""Largest file of a report that is read."""

_DOCUMENTS = ("data/audit.json", "data/audit.json.gz")
_AS_OF = re.compile(rb'"as_of": ?"([^"]*)"')
_PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*")


Workers = Callable[[Question], AbstractContextManager[Executor | None]]
"""Opens the executor that shares the work on a question; None: this process alone."""


def _no_workers(_: Question) -> AbstractContextManager[None]:
    return nullcontext()


class ReportFolderError(Exception):
    """A folder that cannot be written, or is no report: one line with the problem and its fix."""


@dataclass(frozen=True, slots=True)
class Report:
    """A report: the answer that it shows, and all its files with the manifest last."""

    answer: Answer
    files: Mapping[str, bytes]


def build(question: Question, executor: Executor | None = None) -> Report:
    """Answers a question and renders its report.

    Work on daily thresholds, if requested, is shared by an executor.

    Raises as ``answer`` does: RequestError, ArchiveError, RuleError.
    """
    of_report = answer(question.for_report(), executor)
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
        "adequacy": options.adequacy.value,
        "thresholds": options.thresholds.value,
        "stress": options.stress.value,
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


def check_writable(folder: Path) -> None:
    """Raises ReportFolderError: the folder has files, and is no folder of a report.

    A folder is one of a report if it has the manifest of a report, of any version.
    """
    try:
        is_empty = not folder.exists() or next(folder.iterdir(), None) is None
    except OSError as error:
        message = f"{folder}: cannot read the folder: {error.strerror}; use another folder"
        raise ReportFolderError(message) from error
    if is_empty or _is_report(folder):
        return
    message = (
        f"{folder}: expected an empty folder or one of a report (with {MANIFEST}), found other "
        "files; use a new folder"
    )
    raise ReportFolderError(message)


def _is_report(folder: Path) -> bool:
    """Whether the manifest of a folder has the fields of a report's manifest."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.keys() >= _MANIFEST_FIELDS


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes the files that changed, and removes those of an earlier report that are no more.

    The manifest is written last, and in a new folder first as well: a report that is interrupted can
    be written again. Only files that the manifest of the folder names are removed, and the PDF of a
    page that changed. Raises ReportFolderError.
    """
    stale = {name for name in _listed(folder) if name not in files}
    try:
        if MANIFEST in files and not (folder / MANIFEST).exists():
            _write(folder / MANIFEST, files[MANIFEST])
        for name, content in files.items():
            if name != MANIFEST and _write(folder / name, content):
                _remove_print(folder / name)
        for name in sorted(stale):
            (folder / name).unlink(missing_ok=True)
            _remove_print(folder / name)
        if MANIFEST in files:
            _write(folder / MANIFEST, files[MANIFEST])
    except OSError as error:
        path = error.filename or folder
        message = f"{path}: cannot write the report: {error.strerror}; use another folder"
        raise ReportFolderError(message) from error


def _write(path: Path, content: bytes) -> bool:
    """Writes a file and returns whether it changed."""
    with suppress(OSError):
        if path.stat().st_size == len(content) and path.read_bytes() == content:
            return False
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, content)
    return True


def _remove_print(page: Path) -> None:
    """Removes the PDF of a page that is no longer what was printed."""
    if page.suffix == ".html":
        page.with_suffix(".pdf").unlink(missing_ok=True)


def count_prints(folder: Path) -> int:
    """Returns the number of PDFs in a report, which contain the day of printing and are not verified."""
    return sum(1 for _ in folder.rglob("*.pdf"))


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


def differences(
    folder: Path, archive: ArchiveLocation | None, workers: Workers = _no_workers
) -> Iterator[str]:
    """Builds the report of a folder again and yields what differs, one line each.

    Inputs that differ come first; then nothing can be compared. Otherwise every file is compared, and
    a line names the file and the first figure that differs. ``archive`` is None for the recorded one.
    ``workers`` share the work on daily thresholds. Raises ReportFolderError, and as ``answer`` does.
    """
    manifest = _read_manifest(folder)
    question = _question(manifest, archive)
    if manifest["version"] != VERSION:
        yield f"{MANIFEST}: written by version {manifest['version']}, this is {VERSION}"
        return
    if lines := [*_changed_inputs(manifest["inputs"], _inputs(question))]:
        yield from lines
        return
    if line := _other_day(folder, manifest):
        yield line
        return
    with _built_on(manifest["as_of"], question), workers(question) as executor:
        expected = build(question, executor).files
    if expected[MANIFEST] != (folder / MANIFEST).read_bytes() and _is_unchanged(folder, manifest):
        yield (
            f"{MANIFEST}: every file has the hash stated there, but the question stated there gives "
            "other files: the manifest was changed; write the report again"
        )
    names = {*expected, *_listed(folder), *_found(folder)}
    for name in sorted(names, key=lambda name: (name != MANIFEST, name)):
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
    has_fields = isinstance(manifest, dict) and manifest.keys() >= _MANIFEST_FIELDS
    if not isinstance(manifest, dict) or not has_fields or not isinstance(manifest["files"], dict):
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
            adequacy=AdequacyScope(fields["adequacy"]),
            thresholds=ThresholdScope(fields.get("thresholds", ThresholdScope.NONE)),
            stress=StressScope(fields.get("stress", StressScope.NONE)),
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


def _other_day(folder: Path, manifest: Mapping[str, Any]) -> str:
    """Returns a line if the audit document, unchanged, has another date than the manifest."""
    for name in _DOCUMENTS:
        if not _has_digest(folder, name, manifest["files"].get(name)):
            continue
        content = (folder / name).read_bytes()
        found = _AS_OF.search(unpacked(content) or content)
        if found and found[1].decode() != manifest["as_of"]:
            return (
                f"{MANIFEST}: as_of: expected {found[1].decode()}, as in {name}, found "
                f"{manifest['as_of']}; write the report again"
            )
    return ""


def _is_unchanged(folder: Path, manifest: Mapping[str, Any]) -> bool:
    """Whether every file that a manifest lists has the hash stated there."""
    return all(_has_digest(folder, name, digest) for name, digest in manifest["files"].items())


def _has_digest(folder: Path, name: object, digest: object) -> bool:
    try:
        return _is_within(folder, name) and _digest((folder / str(name)).read_bytes()) == digest
    except OSError:
        return False


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
    return "" if found == expected else f"{name}: {first_difference(expected, found)}"
