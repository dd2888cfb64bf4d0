"""Stores the named objects of an archive atomically, in a local folder or an object store."""

import os
import re
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from harmonize.archive.location import ArchiveLocation
from harmonize.archive.manifest import MAX_BYTES

TEMPORARY = ".tmp"
"""Suffix of a file that is not published yet; a leftover file with it has no meaning."""

_REMEDY = {"s3": "pip install 'harmonize-margins[s3]'"}
_SECRET = re.compile(r"""[^\s/"']*:[^\s/"']*@|(?<=\S)[?#][^\s"']*""")
"""A name with a password before a host, or the query and fragment of a URL."""


class ArchiveError(Exception):
    """An object of an archive that is invalid or cannot be written: its name and the problem."""

    def __init__(self, place: object, problem: str, name: str = "") -> None:
        """Stores the object name and the problem separately; ``place`` is the archive."""
        super().__init__(f"{place}{'/' if name else ''}{name}: {problem}")
        self.name = name
        self.problem = problem


class Storage(Protocol):
    """The objects of one archive. Names are relative, such as ``packs/….zst``."""

    @property
    def place(self) -> ArchiveLocation:
        """Location of the archive, as messages print it."""

    def names(self, directory: str) -> list[str]:
        """Returns the names in a directory, sorted, without temporary ones. Raises ArchiveError."""

    def read(self, name: str) -> bytes:
        """Returns the bytes of an object of at most MAX_BYTES. Raises ArchiveError."""

    def publish(self, name: str, content: bytes) -> None:
        """Creates an object with all its content, or not at all.

        Raises FileExistsError if the name is taken, and other OSErrors.
        """

    def sync(self, directory: str) -> None:
        """Makes the names in a directory durable. Raises OSError."""

    def remove(self, name: str) -> None:
        """Removes an object; a missing object is ignored. Raises OSError."""

    def prepare(self, directories: Iterable[str]) -> None:
        """Creates directories that do not exist. Raises OSError."""

    def lock(self, *, exclusive: bool) -> AbstractContextManager[bool]:
        """Returns a context that keeps a process removing packs apart from processes adding some.

        The removing process takes the lock ``exclusive``, an adding process takes it shared. The
        context yields whether there is a lock; some systems and all object stores have none.
        """

    def sole_use(self) -> AbstractContextManager[bool]:
        """Returns a context that yields whether no other process writes while it is open.

        It never waits: it yields False if another process writes, or if that cannot be known.
        """

    def written(self, directory: str) -> dict[str, float]:
        """Returns the time at which each file was written, with temporary files, in seconds.

        Empty if the storage knows no times. Raises OSError.
        """


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


def _lock(directory: Path, exclusive: bool, wait: bool = True) -> int | None:  # noqa: FBT001, FBT002 - a step of the disk
    """Waits for the lock of a folder. Returns None if the system or file system has no locks.

    Without ``wait`` it also returns None if another process has the lock.
    """
    try:
        import fcntl  # noqa: PLC0415 - Windows has none
    except ImportError:  # pragma: no cover - Windows, as above
        return None
    try:
        descriptor = os.open(directory, os.O_RDONLY)
    except OSError:  # the operation that uses the folder reports the problem
        return None
    try:
        kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
        fcntl.flock(descriptor, kind if wait else kind | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _try_lock(directory: Path) -> int | None:
    """Takes the lock of a folder exclusively; None if it is taken, or if there are no locks."""
    return _lock(directory, exclusive=True, wait=False)


@dataclass(frozen=True, slots=True)
class Disk:
    """The operations that make a file durable, and a lock. Tests interrupt each of them."""

    write: Callable[[Path, bytes], None] = _write  # creates a new file with its content, flushed
    link: Callable[[Path, Path], None] = os.link  # names the file; fails if the name is taken
    remove: Callable[[Path], None] = os.unlink  # removes a name
    sync: Callable[[Path], None] = _sync  # makes the names in a directory durable
    lock: Callable[[Path, bool], int | None] = _lock  # waits for a folder, exclusive or shared
    try_lock: Callable[[Path], int | None] = _try_lock  # takes a folder that is free


DISK = Disk()


@dataclass(frozen=True, slots=True)
class LocalStorage:
    """A folder. Files are written under a temporary name, flushed, and linked to their own."""

    path: Path
    disk: Disk = DISK

    @property
    def place(self) -> Path:
        """The folder."""
        return self.path

    def names(self, directory: str) -> list[str]:
        """Implements Storage."""
        try:
            names = (path.name for path in (self.path / directory).iterdir())
            return sorted(name for name in names if not name.endswith(TEMPORARY))
        except OSError as error:
            problem = f"cannot be listed: {error.strerror}"
            raise ArchiveError(self.path, problem, directory) from error

    def read(self, name: str) -> bytes:
        """Reads a regular file; a link or a pipe is refused."""
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
        """Writes, links, removes the temporary name and flushes the directory."""
        path = self.path / name
        temporary = path.with_name(f"{secrets.token_hex(8)}{TEMPORARY}")
        try:
            self.disk.write(temporary, content)
            self.disk.link(temporary, path)
        finally:
            with suppress(OSError):  # a leftover temporary file has no meaning
                self.disk.remove(temporary)
        self.disk.sync(path.parent)

    def sync(self, directory: str) -> None:
        """Flushes the directory."""
        self.disk.sync((self.path / directory).absolute())

    def remove(self, name: str) -> None:
        """Unlinks the file."""
        with suppress(FileNotFoundError):
            self.disk.remove(self.path / name)

    def prepare(self, directories: Iterable[str]) -> None:
        """Creates the folders."""
        for directory in directories:
            (self.path / directory).mkdir(parents=True, exist_ok=True)

    def lock(self, *, exclusive: bool) -> AbstractContextManager[bool]:
        """Locks the folder of packs while the context is open; a crash releases the lock."""
        return _held(self.disk.lock(self.path / "packs", exclusive))

    def sole_use(self) -> AbstractContextManager[bool]:
        """Takes the lock of the folder of packs if it is free."""
        return _held(self.disk.try_lock(self.path / "packs"))

    def written(self, directory: str) -> dict[str, float]:
        """Returns the times of last modification."""
        with os.scandir(self.path / directory) as files:
            return {file.name: file.stat(follow_symlinks=False).st_mtime for file in files}


@contextmanager
def _held(descriptor: int | None) -> Iterator[bool]:
    """Yields whether there is a lock, and releases it."""
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)


@dataclass(frozen=True, slots=True)
class RemoteStorage:
    """An object store opened by fsspec, where an object appears with all its bytes or not at all.

    Every object is written with mode ``create``: the store must refuse a name that is taken, as S3
    does by ``If-None-Match``. On a store without that, only one process may write at a time.
    """

    url: str
    system: Any
    root: str

    @property
    def place(self) -> str:
        """The URL."""
        return self.url

    def names(self, directory: str) -> list[str]:
        """Implements Storage. A missing folder counts as empty: some stores have no folders."""
        path = f"{self.root}/{directory}".rstrip("/")
        try:
            with _as_os_error():
                self.system.invalidate_cache()
                listing: list[str] = self.system.ls(path, detail=False)
        except FileNotFoundError:
            return []
        except OSError as error:
            problem = f"cannot be listed: {error_text(error)}"
            raise ArchiveError(self.url, problem, directory) from error
        keys = (key.rstrip("/") for key in listing)  # a store may list the folder's own name
        names = {key.rsplit("/", 1)[-1] for key in keys if key not in {path, ""}}
        return sorted(name for name in names if not name.endswith(TEMPORARY))

    def read(self, name: str) -> bytes:
        """Implements Storage."""
        path = f"{self.root}/{name}"
        try:
            with _as_os_error():
                content: bytes = self.system.cat_file(path, end=MAX_BYTES + 1)
        except FileNotFoundError as error:
            raise ArchiveError(self.url, "is missing", name) from error
        except OSError as error:
            raise ArchiveError(self.url, f"cannot be read: {error_text(error)}", name) from error
        _check_size(self.url, name, len(content))
        return content

    def publish(self, name: str, content: bytes) -> None:
        """Implements Storage by one conditional request."""
        with _as_os_error():
            self.system.pipe_file(f"{self.root}/{name}", content, mode="create")

    def sync(self, directory: str) -> None:
        """Does nothing: a store responds only after an object is durable."""

    def remove(self, name: str) -> None:
        """Deletes the object."""
        with _as_os_error(), suppress(FileNotFoundError):
            self.system.rm_file(f"{self.root}/{name}")

    def lock(self, *, exclusive: bool) -> AbstractContextManager[bool]:  # noqa: ARG002 - signature of Storage
        """Locks nothing: an object store has no lock, so prune while no other process writes."""
        return nullcontext(enter_result=False)

    def sole_use(self) -> AbstractContextManager[bool]:
        """Yields False: who else writes to an object store cannot be known."""
        return nullcontext(enter_result=False)

    def written(self, directory: str) -> dict[str, float]:  # noqa: ARG002 - signature of Storage
        """Returns nothing: file systems state the times of objects in different ways."""
        return {}

    def prepare(self, directories: Iterable[str]) -> None:
        """Creates folders, except on a store of buckets: those have no folders.

        A missing bucket is not created, because its owner pays for it.
        """
        if not self.system.root_marker:
            return
        for directory in directories:
            with _as_os_error(), suppress(FileExistsError):
                self.system.makedirs(f"{self.root}/{directory}", exist_ok=True)


def storage_at(place: ArchiveLocation, disk: Disk = DISK) -> LocalStorage | RemoteStorage:
    """Returns the storage at a location. Raises ArchiveError: a URL that cannot be opened."""
    text = str(place)
    if isinstance(place, Path) or "://" not in text:
        return LocalStorage(Path(place), disk)
    if text.startswith(("file://", "local://")):
        return LocalStorage(Path(text.split("://", 1)[1]), disk)
    import fsspec  # noqa: PLC0415 - only an archive elsewhere needs it

    scheme, rest = text.split("://", 1)
    url = f"{scheme}://{rest.rstrip('/')}"
    try:
        with _as_os_error():
            system, root = fsspec.core.url_to_fs(url)
    except OSError as error:
        problem = f"cannot be opened: {error_text(error)}"
        if isinstance(error.__cause__, ImportError | ValueError):
            problem += f"; {_REMEDY.get(scheme, f'install the fsspec file system for {scheme}://')}"
        raise ArchiveError(printable(url), problem) from error
    return RemoteStorage(printable(url), system, root.rstrip("/"))


def printable(url: str) -> str:
    """Returns a URL without its user name, password, query and fragment."""
    scheme, rest = re.split(r"[?#]", url, maxsplit=1)[0].split("://", 1)
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rsplit('@', 1)[-1]}{slash}{path}"


def error_text(error: OSError) -> str:
    """Returns the message of an error on one line, without secrets that a URL in it carries."""
    text = " ".join((error.strerror or str(error) or type(error).__name__).split())
    return _SECRET.sub("", text)


def _check_size(place: object, name: str, size: int) -> None:
    if size > MAX_BYTES:
        raise ArchiveError(place, f"has {size} bytes; the limit is {MAX_BYTES}", name)


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Converts the exceptions of third-party file systems to OSError, as for local files."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(str(error) or type(error).__name__) from error
