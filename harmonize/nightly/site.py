"""The folder that a nightly run writes: one dated folder a night, and what stands above them."""

import json
from functools import cache
from typing import TYPE_CHECKING

from harmonize.document.night import Night
from harmonize.document.upgrade import upgraded_night

if TYPE_CHECKING:
    from pydantic import TypeAdapter

import os
import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

_NIGHT = re.compile(r"\d{4}-\d{2}-\d{2}(\.[1-9]\d*)?")


class SiteError(Exception):
    """A site that cannot be written or read: one line that says what and the mend."""


@dataclass(frozen=True, slots=True)
class Site:
    """A folder; files in it are whole or not there."""

    path: Path

    def nights(self) -> list[str]:
        """The nights that the folder holds, in order of time. Raises SiteError."""
        try:
            names = [one.name for one in (self.path / "nights").iterdir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            message = f"{self.path}: cannot be listed: {error.strerror}; name another folder"
            raise SiteError(message) from error
        return sorted((one for one in names if _NIGHT.fullmatch(one)), key=in_time)

    def night_name(self, day: str) -> str:
        """What a night that ends on a day is called here. Raises SiteError.

        That day; where the clock went back onto a night that is there, with a number after it.
        """
        last = self.latest()
        if last[:10] == day:
            return last
        if not self._written(day, last):
            return day
        return next(one for k in count(1) if not self._written(one := f"{day}.{k}", last))

    def _written(self, name: str, last: str) -> bool:
        """Whether a night is there that was written before the last one; else a run broke off in it."""
        if self.read(f"nights/{name}/night.json") is None:
            return False
        own, newest = self.night(name), self.night(last)
        if own is None or newest is None or own.sequence == newest.sequence:
            return name < last
        return own.sequence < newest.sequence

    def latest(self) -> str:
        """The night that was written last; empty where none was. Raises SiteError."""
        with suppress(ValueError, KeyError, TypeError):
            named = str(json.loads(self.read("latest.json") or b"{}")["night"])
            return named if _NIGHT.fullmatch(named) else ""
        return ""

    def read(self, name: str) -> bytes | None:
        """A file; None where there is none. Raises SiteError."""
        path = self.path / name
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            message = f"{path} cannot be read: {error.strerror}; make it readable, or remove it"
            raise SiteError(message) from error

    def night(self, night: str) -> Night | None:
        """What a night brought; None where nothing that can be read says so. Raises SiteError."""
        content = self.read(f"nights/{night}/night.json")
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
            with beside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except OSError as error:
            with suppress(OSError):
                beside.unlink()
            message = (
                f"{path} cannot be written: {error.strerror}; free the space, or name another site"
            )
            raise SiteError(message) from error

    def prune(self, keep: int, spared: Collection[str] = ()) -> None:
        """Of nights before the newest ``keep``, leave what they brought and take the rest away.

        ``spared`` nights stay whole. Raises SiteError.
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
                message = f"{folder} cannot be thinned: {error.strerror}; make it writable"
                raise SiteError(message) from error


def in_time(night: str) -> tuple[str, int]:
    """Orders nights: by day, and of one day by the number after it."""
    return night[:10], int(night[11:] or 0)


def night_json(night: Night) -> bytes:
    """Write a night; the same night gives the same bytes."""
    text = json.dumps(_adapter().dump_python(night, mode="json"), indent=1, ensure_ascii=False)
    return f"{text}\n".encode(
        errors="backslashreplace"
    )  # half a surrogate pair is an escape of JSON


def night_from_json(content: bytes) -> Night:
    """Read a night. Raises ValueError: it is none."""
    night = json.loads(content)
    return _adapter().validate_python(upgraded_night(night) if isinstance(night, dict) else night)


@cache
def _adapter() -> "TypeAdapter[Night]":
    from pydantic import TypeAdapter  # noqa: PLC0415 - heavy, and only the nightly run needs it

    return TypeAdapter(Night)
