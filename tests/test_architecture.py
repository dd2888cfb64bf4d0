"""The tree keeps its shape: directions, registries, the wheel, the locks, what starts light."""

import ast
import builtins
import importlib
import inspect
import re
import subprocess
import sys
import tomllib
import zipfile
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import harmonize.checks
import venues.exchanges
from harmonize.archive.archive import Archive
from harmonize.archive.location import recorded_archive
from harmonize.checks.base import AuditContext
from harmonize.core.payload import PRICES
from venues.registry import VENUES

ROOT = Path(__file__).parents[1]
PACKAGES = ("harmonize", "reports", "rules", "venues")
LOCKS = ("requirements.lock", "requirements-dev.lock")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

LINES = 450
LONGER: dict[str, int] = {}
"""Modules that may be longer, up to how many lines, and why."""


def modules() -> list[Path]:
    return [path for one in PACKAGES for path in sorted((ROOT / one).rglob("*.py"))]


def inside(package: ModuleType) -> Iterator[ModuleType]:
    """The modules of a package, imported."""
    for path in sorted(Path(package.__path__[0]).glob("*.py")):
        if path.stem != "__init__":
            yield importlib.import_module(f"{package.__name__}.{path.stem}")


def test_imports_go_in_the_directions_agreed() -> None:
    command = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"
    found = subprocess.run(
        [sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_nothing_but_gathering_and_notices_is_let_past_a_contract() -> None:
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    assert {"layers", "reports-read-the-document", "edges", "network"} <= {
        one["id"] for one in contracts
    }
    ignored = {line for one in contracts for line in one.get("ignore_imports", ())}
    assert {line.split()[0] for line in ignored} == {
        "harmonize.nightly.delivery",
        "venues.gathering.client",
        "venues.gathering.connection",
        "venues.gathering.http_session",
        "venues.gathering.reachability",
    }


def test_every_package_of_the_domain_has_its_layer() -> None:
    (layers,) = [
        one for one in PROJECT["tool"]["importlinter"]["contracts"] if one["id"] == "layers"
    ]
    placed = re.findall(r"harmonize\.(\w+)", " ".join(layers["layers"]))
    below = {path.stem for path in (ROOT / "harmonize").glob("*.py")} - {"__init__"}
    packages = {path.parent.name for path in (ROOT / "harmonize").glob("*/__init__.py")}
    assert sorted(placed) == sorted(below | packages)


@pytest.mark.parametrize("package", [one for one in PACKAGES if one != "harmonize"])
def test_a_package_begins_with_one_docstring_line_and_nothing_else(package: str) -> None:
    text = (ROOT / package / "__init__.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) == 1
    (only,) = ast.parse(text).body
    assert isinstance(only, ast.Expr)
    assert ast.get_docstring(ast.parse(text))


def test_every_function_that_takes_what_was_examined_is_one_check() -> None:
    found = [
        one
        for module in inside(harmonize.checks)
        for name, one in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_")
        and one.__module__ == module.__name__
        and AuditContext in inspect.get_annotations(one).values()
    ]
    registered = [one.run for one in harmonize.checks.CHECKS]
    assert Counter(registered) == Counter(found)


def test_codes_of_checks_are_unique_and_sorted_and_so_are_their_names() -> None:
    codes = [one.code for one in harmonize.checks.CHECKS]
    assert codes == sorted(set(codes))
    assert all(re.fullmatch(r"MH[1-9]\d\d", one) for one in codes)
    names = [one.name for one in harmonize.checks.CHECKS]
    assert len(set(names)) == len(names)


def test_every_module_with_an_adapter_is_listed_once_by_its_name() -> None:
    adapters = {
        module.__name__.removeprefix("venues.exchanges."): module.ADAPTER
        for module in inside(venues.exchanges)
        if hasattr(module, "ADAPTER")
    }
    assert list(VENUES) == [adapters[name] for name in sorted(adapters)]
    assert [one.venue for one in VENUES] == sorted(adapters)


def test_the_wheel_holds_every_file_of_the_packages(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = {one for one in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in one}
    due = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == due


def test_an_exception_named_in_a_docstring_exists() -> None:
    trees = [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in modules()]
    nodes = [node for _, tree in trees for node in ast.walk(tree)]
    known = {
        *dir(builtins),
        *(node.id for node in nodes if isinstance(node, ast.Name)),
        *(node.attr for node in nodes if isinstance(node, ast.Attribute)),
        *(node.name for node in nodes if isinstance(node, ast.ClassDef | ast.alias)),
    }
    for path, tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                named = set(re.findall(r"\b[A-Z]\w*Error\b", ast.get_docstring(node) or ""))
                assert named <= known, (path.name, named - known)


def test_no_module_is_long() -> None:
    for path in modules():
        name = path.relative_to(ROOT).as_posix()
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= LONGER.get(name, LINES), f"{name} has {lines} lines"


def test_nothing_is_left_to_do() -> None:
    marks = re.compile("|".join(("TO" + "DO", "FIX" + "ME")))
    texts = [path for one in (*PACKAGES, "tests", "docs") for path in (ROOT / one).rglob("*")]
    for path in [*texts, *ROOT.glob("*.md"), ROOT / "pyproject.toml", ROOT / "Makefile"]:
        if path.suffix in {".py", ".md", ".yaml", ".j2", ".css", ".toml", ""} and path.is_file():
            assert not marks.search(path.read_text(encoding="utf-8")), path.name


def test_the_recorded_archive_is_sound_and_small() -> None:
    with recorded_archive() as path:
        archive = Archive.open(path)
        assert archive.verify() == ()
        size = sum(one.stat().st_size for one in path.rglob("*") if one.is_file())
        candles = sum(entry.size for entry in archive.entries() if entry.venue == PRICES)
    assert size - candles <= 5_000_000
    assert 0 < candles <= 6_000_000


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_every_dependency_with_hashes_and_names_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    entries = text.replace("\\\n", " ").splitlines()
    pinned = re.compile(
        r"[a-z0-9][a-z0-9._-]*(\[[a-z,-]+\])?==\S+( ;.*?)?( +--hash=sha256:[0-9a-f]{64})+"
    )
    for one in entries:
        assert pinned.fullmatch(one.strip()), one[:80]
    locked = {re.split(r"[\[=]", one)[0] for one in entries}
    needed = {re.split(r"[<>=\[]", one)[0] for one in PROJECT["project"]["dependencies"]}
    assert needed <= locked


def pinned_extras(lock: str) -> dict[str, set[str]]:
    """Returns every distribution that a lock pins on this platform, with its pinned extras."""
    extras: dict[str, set[str]] = {}
    for line in lock.replace("\\\n", " ").splitlines():
        requirement = Requirement(line.split(" --hash")[0])
        if requirement.marker and not requirement.marker.evaluate():
            continue
        extras.setdefault(canonicalize_name(requirement.name), set()).update(requirement.extras)
    return extras


def unpinned_extras(lock: str) -> list[str]:
    """Returns requirements with an extra that the lock pins without that extra.

    pip older than 24 takes such a requirement as unpinned, and asks for the newest release: an
    installation with hashes then stops on the day on which a newer release is published.
    """
    pinned = pinned_extras(lock)
    missing = []
    for name, extras in pinned.items():
        for text in distribution(name).requires or ():
            requirement = Requirement(text)
            target = canonicalize_name(requirement.name)
            is_needed = requirement.marker is None or any(
                requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras)
            )
            if is_needed and not requirement.extras <= pinned.get(target, set()):
                missing.append(f"{name} requires {text}")
    return missing


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_each_requirement_with_its_extras(lock: str) -> None:
    assert not unpinned_extras((ROOT / lock).read_text(encoding="utf-8"))


def test_what_is_installed_for_use_is_a_part_of_what_is_tested() -> None:
    used, tested = (
        set(
            re.findall(
                r"^[a-z][^ \\[]*?(?:\[.*?\])?==[^ \\]+", (ROOT / lock).read_text(), re.MULTILINE
            )
        )
        for lock in LOCKS
    )
    assert used <= tested


def test_a_pin_without_its_extra_is_found() -> None:
    text = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")
    broken = text.replace("coverage[toml]==", "coverage==")
    assert [line.split(";")[0].split(">")[0] for line in unpinned_extras(broken)] == [
        "pytest-cov requires coverage[toml]"
    ]


@pytest.mark.parametrize(
    ("command", "heavy"),
    [
        ("--help", {"ccxt", "duckdb", "jinja2", "matplotlib", "numpy", "pandas", "pydantic"}),
        ("explain", {"ccxt", "duckdb", "jinja2", "matplotlib", "pandas", "pydantic"}),
    ],
)
def test_what_answers_at_once_loads_nothing_heavy(command: str, heavy: set[str]) -> None:
    # The tool's own entry leaves by os._exit, so the command runs beneath it.
    code = (
        "import sys\nfrom harmonize.__main__ import app\n"
        f"try:\n    app([{command!r}])\nexcept SystemExit as end:\n    assert not end.code\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {one.split(".")[0] for one in found.stderr.split()}
    assert "harmonize" in loaded
    assert not heavy & loaded
