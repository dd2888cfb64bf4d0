"""Named objects that come into being whole or not at all: in a local folder, or an object store."""

import os
import re
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from harmonize.archive.location import Place
from harmonize.archive.manifest import LIMIT

TEMPORARY = ".tmp"
"""How the name of a file ends that is not published yet; one that stays means nothing."""

_REMEDY = {"s3": "pip install 'harmonize-margins[s3]'"}
_SECRET = re.compile(r"""[^\s/"']*:[^\s/"']*@|(?<=\S)[?#][^\s"']*""")
"""A name with a password before a host, or what follows a path in a URL."""


class ArchiveError(Exception):
    """An object of an archive that is not as it must be, or cannot be written: where, and what."""

    def __init__(self, place: object, what: str, name: str = "") -> None:
        """Remember apart the archive, the name within it, and what is wrong."""
        super().__init__(f"{place}{'/' if name else ''}{name}: {what}")
        self.name = name
        self.what = what


class Objects(Protocol):
    """Where an archive keeps its files; names are relative, as ``packs/….zst``."""

    @property
    def place(self) -> Place:
        """How people call it."""

    def names(self, directory: str) -> list[str]:
        """The names in a directory, sorted, without temporary ones. Raises ArchiveError."""

    def read(self, name: str) -> bytes:
        """The bytes of an object of at most LIMIT bytes. Raises ArchiveError."""

    def publish(self, name: str, content: bytes) -> None:
        """Let an object hold ``content`` or not exist. Raises FileExistsError, other OSError."""

    def settle(self, directory: str) -> None:
        """Make the names in a directory last. Raises OSError."""

    def remove(self, name: str) -> None:
        """Take an object away; one that is not there is fine. Raises OSError."""

    def prepare(self, directories: Iterable[str]) -> None:
        """Make directories where there are none. Raises OSError."""

    def held(self, *, alone: bool) -> AbstractContextManager[None]:
        """Keep who takes packs away (``alone``) and who adds some from working at once."""


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):  # pragma: no cover - Windows cannot flush a directory
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lock(directory: Path, alone: bool) -> int | None:  # noqa: FBT001 - a step of the disk
    """Wait for a folder's lock; None where the system or the file system has none."""
    try:
        import fcntl  # noqa: PLC0415 - Windows has none
    except ImportError:  # pragma: no cover - as said
        return None
    try:
        descriptor = os.open(directory, os.O_RDONLY)
    except OSError:  # what is wrong with it is told where it is used
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


@dataclass(frozen=True, slots=True)
class Disk:
    """The four steps by which a file comes to last, and a lock; a test stops at each of them."""

    write: Callable[[Path, bytes], None] = _write  # make a new file, whole and flushed
    link: Callable[[Path, Path], None] = os.link  # give it its name; fails where that is taken
    remove: Callable[[Path], None] = os.unlink  # take a name away
    sync: Callable[[Path], None] = _sync  # make the names in a directory last
    lock: Callable[[Path, bool], int | None] = _lock  # wait for a folder, to be there alone or not


DISK = Disk()


@dataclass(frozen=True, slots=True)
class Local:
    """A folder. Files are written under a temporary name, flushed, and linked to their own."""

    path: Path
    disk: Disk = DISK

    @property
    def place(self) -> Path:
        """The folder."""
        return self.path

    def names(self, directory: str) -> list[str]:
        """As Objects has it."""
        try:
            found = (one.name for one in (self.path / directory).iterdir())
            return sorted(one for one in found if not one.endswith(TEMPORARY))
        except OSError as error:
            what = f"cannot be listed: {error.strerror}"
            raise ArchiveError(self.path, what, directory) from error

    def read(self, name: str) -> bytes:
        """Read a regular file: no link, no pipe."""
        path = self.path / name
        try:
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode):
                raise ArchiveError(self.path, "is not a regular file", name)
            _check_size(self.path, name, status.st_size)
            return path.read_bytes()
        except FileNotFoundError as error:
            raise ArchiveError(self.path, "is missing", name) from error
        except OSError as error:
            raise ArchiveError(self.path, f"cannot be read: {error.strerror}", name) from error

    def publish(self, name: str, content: bytes) -> None:
        """As Objects has it: write, link, remove the temporary name, flush the directory."""
        path = self.path / name
        temporary = path.with_name(f"{secrets.token_hex(8)}{TEMPORARY}")
        try:
            self.disk.write(temporary, content)
            self.disk.link(temporary, path)
        finally:
            with suppress(OSError):  # one that stays means nothing
                self.disk.remove(temporary)
        self.disk.sync(path.parent)

    def settle(self, directory: str) -> None:
        """Flush the directory."""
        self.disk.sync((self.path / directory).absolute())

    def remove(self, name: str) -> None:
        """Unlink the file."""
        with suppress(FileNotFoundError):
            self.disk.remove(self.path / name)

    def prepare(self, directories: Iterable[str]) -> None:
        """Make the folders."""
        for directory in directories:
            (self.path / directory).mkdir(parents=True, exist_ok=True)

    @contextmanager
    def held(self, *, alone: bool) -> Iterator[None]:
        """Lock the folder of packs for as long as the context is open; a crash opens it."""
        descriptor = self.disk.lock(self.path / "packs", alone)
        try:
            yield
        finally:
            if descriptor is not None:
                os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Remote:
    """A place that fsspec opens. An object appears there with its last byte, or not at all.

    ``create`` is asked of the store for every object: it must refuse a name that is taken, as S3 does
    by ``If-None-Match``. On a store without that, let one process write at a time.
    """

    url: str
    system: Any
    root: str

    @property
    def place(self) -> str:
        """The URL."""
        return self.url

    def names(self, directory: str) -> list[str]:
        """As Objects has it; a store without folders has an empty one where nothing is."""
        path = f"{self.root}/{directory}".rstrip("/")
        try:
            with _as_os_error():
                self.system.invalidate_cache()
                found: list[str] = self.system.ls(path, detail=False)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ArchiveError(self.url, f"cannot be listed: {said(error)}", directory) from error
        below = (one.rstrip("/") for one in found)  # a store may hold a name for the folder itself
        names = {one.rsplit("/", 1)[-1] for one in below if one not in {path, ""}}
        return sorted(one for one in names if not one.endswith(TEMPORARY))

    def read(self, name: str) -> bytes:
        """As Objects has it."""
        path = f"{self.root}/{name}"
        try:
            with _as_os_error():
                content: bytes = self.system.cat_file(path, end=LIMIT + 1)
        except FileNotFoundError as error:
            raise ArchiveError(self.url, "is missing", name) from error
        except OSError as error:
            raise ArchiveError(self.url, f"cannot be read: {said(error)}", name) from error
        _check_size(self.url, name, len(content))
        return content

    def publish(self, name: str, content: bytes) -> None:
        """As Objects has it: one request that creates."""
        with _as_os_error():
            self.system.pipe_file(f"{self.root}/{name}", content, mode="create")

    def settle(self, directory: str) -> None:
        """A store answers when an object lasts, so nothing is left to do."""

    def remove(self, name: str) -> None:
        """Delete the object."""
        with _as_os_error(), suppress(FileNotFoundError):
            self.system.rm_file(f"{self.root}/{name}")

    @contextmanager
    def held(self, *, alone: bool) -> Iterator[None]:  # noqa: ARG002 - as Objects has it
        """A store has no lock: prune while nothing else writes there."""
        yield

    def prepare(self, directories: Iterable[str]) -> None:
        """Make folders. A store of buckets has none, and a bucket is made by whoever pays for it."""
        if not self.system.root_marker:
            return
        for directory in directories:
            with _as_os_error(), suppress(FileExistsError):
                self.system.makedirs(f"{self.root}/{directory}", exist_ok=True)


def objects_at(place: Place, disk: Disk = DISK) -> Local | Remote:
    """Where a place keeps its files. Raises ArchiveError: a URL that cannot be opened."""
    text = str(place)
    if isinstance(place, Path) or "://" not in text:
        return Local(Path(place), disk)
    if text.startswith(("file://", "local://")):
        return Local(Path(text.split("://", 1)[1]), disk)
    import fsspec  # noqa: PLC0415 - only an archive elsewhere needs it

    scheme, rest = text.split("://", 1)
    url = f"{scheme}://{rest.rstrip('/')}"
    try:
        with _as_os_error():
            system, root = fsspec.core.url_to_fs(url)
    except OSError as error:
        what = f"cannot be opened: {said(error)}"
        if isinstance(error.__cause__, ImportError | ValueError):
            what += f"; {_REMEDY.get(scheme, f'install what fsspec needs for {scheme}://')}"
        raise ArchiveError(shown(url), what) from error
    return Remote(shown(url), system, root.rstrip("/"))


def shown(url: str) -> str:
    """A URL without the name and password that it may carry, and without its query."""
    scheme, rest = re.split(r"[?#]", url, maxsplit=1)[0].split("://", 1)
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rsplit('@', 1)[-1]}{slash}{path}"


def said(error: OSError) -> str:
    """What an error says, in one line, without what a URL in it may carry beside the place."""
    text = " ".join((error.strerror or str(error) or type(error).__name__).split())
    return _SECRET.sub("", text)


def _check_size(place: object, name: str, size: int) -> None:
    if size > LIMIT:
        raise ArchiveError(place, f"has {size} bytes; the most is {LIMIT}", name)


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Let what a file system of another package raises be an OSError, as for files."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(str(error) or type(error).__name__) from error
