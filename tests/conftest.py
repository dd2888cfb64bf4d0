"""Test configuration: an archive of its own per run, one Hypothesis profile, and drawn samples of long tests."""

import os
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("harmonize", deadline=None)  # a busy machine is no failure
settings.load_profile("harmonize")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds ``--whole``: long simulations and wide matrices run whole instead of on a sample."""
    parser.addoption(
        "--whole",
        action="store_true",
        help="run long simulations and wide matrices whole, not on a drawn sample",
    )
    parser.addoption(
        "--long",
        action="store_true",
        help="run only long simulations and wide matrices, and run them whole",
    )


BUILD_DAY = "1795910400"
"""Time that ages count from in tests, as SOURCE_DATE_EPOCH: 29 November 2026."""


def pytest_configure(config: pytest.Config) -> None:
    """Pins the day of the build, and declares the marker of wide matrices."""
    os.environ["SOURCE_DATE_EPOCH"] = BUILD_DAY
    config.addinivalue_line(
        "markers",
        "sample(count): of the test's cases, `count` are drawn with a fixed seed; all with --whole",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keeps a drawn sample of the cases of each test that is marked ``sample``.

    The draw depends on the test's name and its cases alone, so that every process draws the same.
    """
    if config.getoption("--long"):
        return _keep_long(config, items)
    if config.getoption("--whole"):
        return None
    cases: defaultdict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("sample"):
            cases[item.nodeid.partition("[")[0]].append(item)
    left_out: set[pytest.Item] = set()
    for name, members in cases.items():
        marker = members[0].get_closest_marker("sample")
        count = min(marker.args[0], len(members)) if marker else len(members)
        drawn = random.Random(name).sample(range(len(members)), count)  # noqa: S311 - a sample
        left_out.update(member for at, member in enumerate(members) if at not in set(drawn))
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = [item for item in items if item not in left_out]
    return None


def _keep_long(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keeps the tests that run on a sample otherwise: every other test runs the same way twice."""
    long = [
        item
        for item in items
        if item.get_closest_marker("sample") or "whole" in getattr(item, "fixturenames", ())
    ]
    kept = set(long)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = long


@pytest.fixture(scope="session")
def whole(request: pytest.FixtureRequest) -> bool:
    """Whether long simulations run whole (``--whole``) or on a sample."""
    return bool(request.config.getoption("--whole") or request.config.getoption("--long"))


@pytest.fixture(autouse=True, scope="session")
def _no_archive_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home: Path = tmp_path_factory.mktemp("data")
    before = os.environ.get("XDG_DATA_HOME")
    os.environ["XDG_DATA_HOME"] = str(home)
    yield home
    if before is None:
        del os.environ["XDG_DATA_HOME"]
    else:
        os.environ["XDG_DATA_HOME"] = before
