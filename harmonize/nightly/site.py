"""The folder that a nightly run writes: one dated folder per night, and the pages over all nights."""

import json
import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from harmonize.core.output_file import write_file
from harmonize.document.night import Night
from harmonize.document.upgrade import upgraded_night
from harmonize.text.sanitize import json_text

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_PAGE_FOLDERS = ("data", "rules", "underlyings", "venues")
"""Folders with a page or file per name, of which a later report may have fewer."""

_NIGHT = re.compile(r"\d{4}-\d{2}-\d{2}(\.[1-9]\d*)?")


class SiteError(Exception):
    """A site that cannot be written or read: one line with the problem and its fix."""


@dataclass(frozen=True, slots=True)
class Site:
    """The site's folder. Its files are complete or missing, never partial."""

    path: Path

    def nights(self) -> list[str]:
        """Returns the names of the nights in the folder, oldest first. Raises SiteError."""
        try:
            names = [path.name for path in (self.path / "nights").iterdir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            message = f"{self.path}: cannot list the folder: {error.strerror}; use another folder"
            raise SiteError(message) from error
        return sorted((name for name in names if _NIGHT.fullmatch(name)), key=night_order)

    def night_name(self, day: str) -> str:
        """Returns the name of the night that ends on ``day``. Raises SiteError.

        The name is the day. If the clock went back to a recorded night, a number follows the day.
        """
        last = self.latest()
        if last[:10] == day:
            return last
        names = chain([day], (f"{day}.{number}" for number in count(1)))
        return next(name for name in names if not self._is_finished(name, last))

    def _is_finished(self, name: str, last: str) -> bool:
        """Whether the night ``name`` was recorded before ``last``; otherwise its run was interrupted."""
        if self.read(f"nights/{name}/night.json") is None:
            return False
        night, newest = self.night(name), self.night(last)
        if night is None or newest is None or night.sequence == newest.sequence:
            return name < last
        return night.sequence < newest.sequence

    def latest(self) -> str:
        """Returns the name of the night recorded last; empty without one. Raises SiteError."""
        with suppress(ValueError, KeyError, TypeError):
            name = str(json.loads(self.read("latest.json") or b"{}")["night"])
            return name if _NIGHT.fullmatch(name) else ""
        return ""

    def read(self, name: str) -> bytes | None:
        """Returns the content of a file; None if it is missing. Raises SiteError."""
        path = self.path / name
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            message = (
                f"{path}: cannot read the file: {error.strerror}; make it readable, or remove it"
            )
            raise SiteError(message) from error

    def night(self, night: str) -> Night | None:
        """Returns the record of a night; None if it is missing or malformed. Raises SiteError."""
        content = self.read(f"nights/{night}/night.json")
        with suppress(ValueError):
            return night_from_json(content) if content else None
        return None

    def write_night(self, night: Night) -> None:
        """Writes the record of a night. Raises SiteError."""
        self.write(f"nights/{night.night}/night.json", night_json(night))

    def write(self, name: str, content: bytes) -> None:
        """Writes a file atomically, unless it has this content already. Raises SiteError."""
        path = self.path / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_file() and path.read_bytes() == content:
                return
            write_file(path, content, durable=True)
        except OSError as error:
            message = (
                f"{path}: cannot write the file: {error.strerror}; free space, or use another site"
            )
            raise SiteError(message) from error

    def write_pages(self, pages: Iterable[tuple[str, bytes]]) -> None:
        """Writes the pages of the newest report that changed, and removes those that are no more.

        The cost does not depend on the number of nights. Raises SiteError.
        """
        written = set()
        for name, content in pages:
            self.write(name, content)
            written.add(name)
        for folder in _PAGE_FOLDERS:
            try:
                gone = [
                    path
                    for path in (self.path / folder).glob("*")
                    if f"{folder}/{path.name}" not in written and path.is_file()
                ]
                for path in gone:
                    path.unlink()
            except OSError as error:
                message = (
                    f"{self.path / folder}: cannot remove files: {error.strerror}; make it writable"
                )
                raise SiteError(message) from error

    def prune(self, keep: int, spared: Collection[str] = ()) -> None:
        """Removes all but the record from nights before the newest ``keep``.

        Nights in ``spared`` are not touched. Raises SiteError.
        """
        for night in self.nights()[:-keep]:
            if night in spared:
                continue
            try:
                for path in (self.path / "nights" / night).iterdir():
                    if path.name != "night.json" and path.is_file():
                        path.unlink()
            except OSError as error:
                folder = self.path / "nights" / night
                message = f"{folder}: cannot remove files: {error.strerror}; make it writable"
                raise SiteError(message) from error


def night_order(night: str) -> tuple[str, int]:
    """Sort key of night names: the day, then the number after it."""
    return night[:10], int(night[11:] or 0)


def night_json(night: Night) -> bytes:
    """Returns the record of a night as JSON; equal nights give equal bytes."""
    text = json.dumps(_adapter().dump_python(night, mode="json"), indent=1, ensure_ascii=False)
    # What does not print is escaped: it could control a terminal, and half a pair has no UTF-8 form.
    return f"{json_text(text)}\n".encode()


def night_from_json(content: bytes) -> Night:
    """Reads the record of a night, of any version. Raises ValueError if it is malformed."""
    fields = json.loads(content)
    return _adapter().validate_python(
        upgraded_night(fields) if isinstance(fields, dict) else fields
    )


@cache
def _adapter() -> "TypeAdapter[Night]":
    from pydantic import TypeAdapter  # noqa: PLC0415 - heavy, and only the nightly run needs it

    return TypeAdapter(Night)
