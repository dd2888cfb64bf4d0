"""Files of a calibration: inputs, new version of the rule set, changes, review, and a manifest."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from harmonize.api import calibration_text
from harmonize.api.calibrate import Calibration, calibrate_command
from harmonize.api.calibration_margins import margins_in_force
from harmonize.api.calibration_review_text import review_text
from harmonize.api.errors import RequestError
from harmonize.api.rule_set_text import RuleSetText
from harmonize.audit.rule_examples import failing_examples
from harmonize.calibration.evidence import MeasuredInput, last_day
from harmonize.core.output_file import write_file
from harmonize.policy.rule_set import Flag, FlagStatus, RuleSet, Verified
from rules import loader

INPUTS, CHANGES, REVIEW, MANIFEST = "inputs.yaml", "changes.md", "review.md", "manifest.json"
"""Names of files in the folder of a calibration; the rule set has the name of its id."""

_EARLIER = "earlier"
"""Field of a manifest while files are written: hashes of those that they replace."""

_SCHEMA = "1"
"""Version of the manifest."""


class CalibrationFolderError(Exception):
    """A folder with files that calibration did not write: one line with the problem and its fix."""


@dataclass(frozen=True, slots=True)
class NewVersion:
    """Text of the new version of a rule set, and the examples that it no longer meets, in words."""

    text: str
    removed_examples: tuple[str, ...]


def calibration_files(calibration: Calibration) -> Mapping[str, bytes]:
    """Returns the files of a calibration by name, the manifest last. Equal prices give equal bytes.

    Raises RequestError: the new version has errors.
    """
    inputs = inputs_text(calibration).encode()
    version = new_version(calibration, hashlib.sha256(inputs).hexdigest())
    margins = margins_in_force(calibration, _loaded(calibration.last.id, version.text))
    files = {
        INPUTS: inputs,
        f"{calibration.last.id}.yaml": version.text.encode(),
        CHANGES: calibration_text.changes_text(
            calibration, margins, version.removed_examples
        ).encode(),
        REVIEW: review_text(calibration).encode(),
    }
    manifest = {
        "calibration": _SCHEMA,
        "rule_set": calibration.last.id,
        "version": calibration.version,
        "as_of": calibration.as_of.isoformat(),
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    return {**files, MANIFEST: f"{json.dumps(manifest, indent=1)}\n".encode()}


def settled(calibration: Calibration) -> Calibration:
    """Returns a calibration with the number of the last version if it gives that version again.

    The flag of the last version then states the hash of the same inputs, and no class differs.
    """
    same = replace(calibration, version=calibration.last.version)
    digest = hashlib.sha256(inputs_text(same).encode()).hexdigest()
    notes = [flag.note for flag in calibration.last.flags if flag.status is FlagStatus.CALIBRATED]
    is_known = any(digest in note for note in notes)
    return same if is_known and not _changed_classes(calibration) else calibration


def _changed_classes(calibration: Calibration) -> Sequence[str]:
    """Returns the names of classes with another v1 or other members than in the last version."""
    classes = calibration.classes.classes if calibration.classes is not None else ()
    return [
        class_.before.name
        for class_ in classes
        if class_.v1 != class_.before.v1 or class_.assets != class_.before.assets
    ]


def inputs_text(calibration: Calibration) -> str:
    """Returns the measured inputs in the form that ``--inputs`` reads, by asset.

    Their order does not depend on the classes, so that an adopted version gives the same text again.
    """
    source = f"harmonize calibrate, {calibration.last.id} {calibration.version}, prices to {calibration.as_of}"
    lines = [f"source: {json.dumps(source)}", f"verified: {Verified.DERIVED}", "inputs:"]
    for item in sorted(calibration.inputs, key=lambda item: item.input.underlying):
        lines += [
            f"  {'-' if number == 0 else ' '} {field}" for number, field in enumerate(_fields(item))
        ]
    return "\n".join((*lines, ""))


def _fields(item: MeasuredInput) -> Sequence[str]:
    measured, window = item.input, item.window
    fields = [
        f"name: {measured.name}",
        f"underlying: {json.dumps(measured.underlying, ensure_ascii=False)}",
        f"value: {_plain(measured.value)}",
    ]
    for name, bound in (
        ("lower", measured.lower),
        ("upper", measured.upper),
        ("confidence", measured.confidence),
    ):
        fields += [] if bound is None else [f"{name}: {_plain(bound)}"]
    fields += [] if measured.observations is None else [f"observations: {measured.observations}"]
    return (
        *fields,
        f"observed_at: {last_day(measured.observed_at)}",
        f"prices: {json.dumps(str(window.series), ensure_ascii=False)}",
        f"first_day: {window.first}",
        f"last_day: {window.last}",
        f"sha256: {json.dumps(window.sha256)}",
    )


def _plain(value: Decimal) -> str:
    return f"{value:f}"


def new_version(calibration: Calibration, inputs_digest: str) -> NewVersion:
    """Returns the new version of the rule set: its text, with what was calibrated replaced.

    Examples whose verdict no longer holds are removed. The text stays if the number does. Raises
    RequestError: the text has errors.
    """
    if calibration.version == calibration.last.version:
        return NewVersion(calibration.source, ())
    return version_with_examples(
        calibration.last, lambda removed: _edited(calibration, inputs_digest, removed)
    )


def version_with_examples(last: RuleSet, edited: Callable[[Sequence[int]], str]) -> NewVersion:
    """Returns a version after ``last`` without the examples that it no longer meets.

    ``edited`` returns its text without the examples of these numbers. Raises RequestError: the text has
    errors.
    """
    text = edited(())
    failing = sorted({example.number for example in failing_examples(_loaded(last.id, text))})
    removed = tuple(last.examples[number].text for number in failing)
    if failing:
        text = edited(failing)
        _loaded(last.id, text)
    return NewVersion(text, removed)


def _edited(calibration: Calibration, inputs_digest: str, failing: Sequence[int]) -> str:
    text = RuleSetText(calibration.source)
    text.set_version(calibration.version)
    text.set_flags(_flags(calibration, inputs_digest), calibration.last.flags)
    if calibration.classes is not None:
        text.set_classes(calibration.classes.classes, calibration.class_rules)
        via = (
            f"computed by harmonize calibrate from daily prices to {calibration.as_of}; inputs.yaml, which this "
            "command writes, names the series and the SHA-256 of each"
        )
        text.set_sources(dict.fromkeys(_derived(calibration), via) if text.has("citations") else {})
    text.remove_examples(failing)
    return text.edited()


def _derived(calibration: Calibration) -> Sequence[int]:
    """Returns the numbers of citations of computations by the authors of the rule set."""
    return [
        number
        for number, citation in enumerate(calibration.last.citations)
        if citation.verified is Verified.DERIVED
    ]


def _flags(calibration: Calibration, inputs_digest: str) -> Sequence[Flag]:
    last = calibration.last
    command = calibrate_command(last.id, calibration.as_of, calibration.requested)
    note = (
        f"Calibrated on prices to {calibration.as_of}; the file of measured inputs has the SHA-256 {inputs_digest}. "
        f"harmonize {command}, on version {last.version}, writes this file and the list of changes"
    )
    if calibration.classes is None:
        return [Flag("inputs", FlagStatus.CALIBRATED, f"{note}.")]
    note += ", which states the coverage over the whole history."
    kept = [
        decision.asset
        for decision in calibration.classes.decisions
        if not decision.by_rule and decision.current
    ]
    unmeasured = (
        f" Not measured, and therefore in their class as before: {', '.join(kept)}." if kept else ""
    )
    lists = f"The lists result from prices to {calibration.as_of}, of assets still traded at that time.{unmeasured}"
    return [Flag("v1", FlagStatus.CALIBRATED, note), Flag("assets", FlagStatus.DATED, lists)]


def _loaded(name: str, text: str) -> RuleSet:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.yaml"
        path.write_bytes(text.encode())
        try:
            return loader.load(path)
        except loader.RuleError as error:
            reason = str(error).replace(folder, "").lstrip("/")
            message = f"the new version of {name} has an error: {reason}; correct the last version"
            raise RequestError(message) from None


def check_writable(folder: Path) -> None:
    """Raises CalibrationFolderError: the folder has a file that calibration did not write as it is."""
    try:
        entries = sorted(folder.iterdir()) if folder.exists() else []
    except OSError as error:
        message = f"{folder}: cannot read the folder: {error.strerror}; use another folder"
        raise CalibrationFolderError(message) from error
    written = _written(folder) if entries else {}
    partial = {f".{name}.part" for name in (*written, MANIFEST)}  # of a run that was interrupted
    for path in entries:
        if path.name == MANIFEST and not written:
            message = f"{folder}: {MANIFEST} is not that of a calibration; use a new folder"
            raise CalibrationFolderError(message)
        is_known = path.name == MANIFEST or path.name in partial
        if not is_known and _digest(path) not in written.get(path.name, ()):
            message = f"{folder}: {path.name} was not written by calibrate, or was edited since; use a new folder"
            raise CalibrationFolderError(message)


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes the files of a calibration, and removes those of another one in the same folder.

    A manifest of the earlier and of the new files comes first, so that an interrupted run can be
    repeated. Raises OSError; CalibrationFolderError, as ``check_writable``.
    """
    check_writable(folder)
    earlier = _written(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / MANIFEST, _with_earlier(files[MANIFEST], earlier))
    for name in earlier:
        if name not in files:
            (folder / name).unlink(missing_ok=True)
    for name, content in files.items():
        write_file(folder / name, content)


def _with_earlier(manifest: bytes, earlier: Mapping[str, Sequence[str]]) -> bytes:
    return json.dumps({**json.loads(manifest), _EARLIER: earlier}).encode()


def _written(folder: Path) -> Mapping[str, Sequence[str]]:
    """Returns the hashes that files of a calibration can have, by name, from its manifest."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return {}
    is_own = isinstance(manifest, dict) and manifest.get("calibration") == _SCHEMA
    if not is_own or not isinstance(manifest.get("files"), dict):
        return {}
    earlier = manifest.get(_EARLIER, {})
    names = dict.fromkeys((*manifest["files"], *earlier))
    return {name: [manifest["files"].get(name, ""), *earlier.get(name, ())] for name in names}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
