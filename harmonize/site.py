"""The folder that a nightly run writes: one dated folder a night, and what stands above them."""

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from harmonize.night import Night
from harmonize.night_json import night_from_json, night_json

_NIGHT = re.compile(r"\d{4}-\d{2}-\d{2}(\.[1-9]\d*)?")


class SiteError(Exception):
    """A site that cannot be written or read: one line that says what and the mend."""


@dataclass(frozen=True, slots=True)
class Site:
    """A folder; files in it are whole or not there."""

    path: Path

    def nights(self) -> list[str]:
        """The nights that the folder holds, in order of time."""
        try:
            names = [one.name for one in (self.path / "nights").iterdir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            message = f"{self.path}: cannot be listed: {error.strerror}; name another folder"
            raise SiteError(message) from error
        return sorted(one for one in names if _NIGHT.fullmatch(one))

    def called(self, day: str) -> str:
        """What a night that ends on a day is called here.

        That day; where the clock went back onto a night that is there, with a number after it.
        """
        last, there = self.latest(), self.nights()
        if last[:10] == day:
            return last
        if last < day or day not in there:
            return day
        return next(one for k in count(1) if (one := f"{day}.{k}") not in there)

    def latest(self) -> str:
        """The night that was written last; empty where none was."""
        with suppress(FileNotFoundError, ValueError, KeyError, TypeError):
            return str(json.loads((self.path / "latest.json").read_bytes())["night"])
        return ""

    def read(self, night: str, name: str) -> bytes | None:
        """A file of a night; None where there is none."""
        try:
            return (self.path / "nights" / night / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def night(self, night: str) -> Night | None:
        """What a night brought; None where nothing that can be read says so."""
        content = self.read(night, "night.json")
        with suppress(ValueError):
            return night_from_json(content) if content else None
        return None

    def write_night(self, night: Night) -> None:
        """Write what a night brought. Raises SiteError."""
        self.write(f"nights/{night.night}/night.json", night_json(night))

    def write(self, name: str, content: bytes) -> None:
        """Write a file whole; one that holds this already is left alone. Raises SiteError."""
        path = self.path / name
        beside = path.with_name(f".{path.name}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and path.read_bytes() == content:
                return
            beside.write_bytes(content)
            beside.replace(path)
        except OSError as error:
            with suppress(OSError):
                beside.unlink()
            message = (
                f"{path} cannot be written: {error.strerror}; free the space, or name another site"
            )
            raise SiteError(message) from error

    def thin(self, keep: int) -> None:
        """Of nights before the newest ``keep``, leave what they brought and take the rest away."""
        for night in self.nights()[:-keep]:
            folder = self.path / "nights" / night
            for path in folder.iterdir():
                if path.name != "night.json":
                    path.unlink()
