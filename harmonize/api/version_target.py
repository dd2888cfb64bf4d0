"""File to which a new version of a rule set is written: a new one, or one that holds an earlier version."""

from pathlib import Path

from harmonize.core.output_file import write_file
from harmonize.policy.rule_set import RuleSet
from rules import loader

_SUFFIXES = (".yaml", ".yml")


class VersionTargetError(Exception):
    """A file that must not be replaced: one line with the place, the problem and its fix."""


def check_target(target: Path, last: RuleSet, version: str) -> None:
    """Checks that a version after ``last`` may be written to a file, before anything is computed.

    Raises VersionTargetError: the name or the folder is wrong, or the file holds another rule set, or a
    version after ``last`` other than ``version``. RuleError: the file is no rule set.
    """
    if target.suffix not in _SUFFIXES:
        message = f"expected a file that ends in .yaml, found {target.name}"
        raise VersionTargetError(message)
    if not target.parent.is_dir():
        message = f"no folder {target.parent}; create it, or choose another"
        raise VersionTargetError(message)
    if not target.exists():
        return
    found = loader.load(str(target))
    if found.id != last.id:
        message = f"{target}: found rule set {found.id}, not {last.id}; use another file"
        raise VersionTargetError(message)
    if _numbers(last.version) < _numbers(found.version) != _numbers(version):
        message = (
            f"{target}: found version {found.version}, after {last.version}, from which {version} is made; "
            "use another file"
        )
        raise VersionTargetError(message)


def write_version(target: Path, last: RuleSet, version: str, content: bytes) -> None:
    """Writes the text of a version to a file that ``check_target`` accepts.

    A file that has the text already stays as it is. Raises VersionTargetError: as ``check_target``, or the file
    holds other text under the number of the new version; RuleError; OSError.
    """
    check_target(target, last, version)
    if target.exists():
        if target.read_bytes() == content:
            return
        if _numbers(loader.load(str(target)).version) == _numbers(version):
            message = f"{target}: found version {version} with other content; use another file"
            raise VersionTargetError(message)
    write_file(target, content)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
