"""The archive that ships with the package."""

from contextlib import AbstractContextManager
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


RECORDED = "the recorded archive that ships with harmonize"


def recorded() -> AbstractContextManager[Path]:
    """Give the path of the recorded archive for as long as the context is open."""
    return as_file(files("venues") / "recorded" / "archive")
