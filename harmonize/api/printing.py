"""Prints pages of a report to PDF, with a Chromium that is installed."""

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from harmonize.core.output_file import write_file
from harmonize.text.sanitize import plain
from harmonize.text.suggest import did_you_mean
from reports.site.folder import PAGES

BROWSER_VARIABLE = "HARMONIZE_BROWSER"
"""Environment variable that names the browser."""

TIMEOUT_SECONDS = 120.0
"""Time in which a browser must print one page."""

_NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "microsoft-edge-stable",
    "msedge",
)
_OPTIONS = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-pdf-header-footer",
)
_SHOWN = 160  # letters of a browser's message
_PDF_BEGIN = b"%PDF-"


class PrintingError(Exception):
    """No browser was found, or it did not print: one line with the problem and its fix."""


def find_browser(named: str = "") -> str:
    """Returns the program of a Chromium, Chrome or Edge: the one named, or the first on PATH.

    Raises PrintingError.
    """
    if named:
        path = shutil.which(named)
        if path is None:
            message = f"{named}: no such program; name a Chromium, Chrome or Edge with --browser"
            raise PrintingError(message)
        return path
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        message = (
            "no Chromium, Chrome or Edge on PATH, which prints to PDF; install one, or name it with"
            f" --browser or {BROWSER_VARIABLE}"
        )
        raise PrintingError(message)
    return found


def navigation_pages(folder: Path) -> tuple[Path, ...]:
    """Returns the pages of a report's navigation, in its order."""
    paths = (folder / kind.path for kind in PAGES if kind.name)
    return tuple(path for path in paths if path.is_file())


def named_pages(folder: Path, names: Sequence[str]) -> tuple[Path, ...]:
    """Returns pages of a report by their path in its folder, with or without ``.html``.

    Upper and lower case are not told apart. Raises PrintingError: the report has no such page.
    """
    paths = {
        page.relative_to(folder).with_suffix("").as_posix().casefold(): page
        for page in sorted(folder.rglob("*.html"))
    }
    return tuple(paths[_page_key(name, paths)] for name in names)


def _page_key(name: str, paths: dict[str, Path]) -> str:
    key = str(PurePosixPath(name.replace("\\", "/"))).removesuffix(".html").casefold()
    if key in paths:
        return key
    known = [f"{path}.html" for path in paths]
    fix = did_you_mean(f"{key}.html", known, "use a path such as underlyings/eth.html")
    message = f"{plain(name)}: the report has no such page{fix}"
    raise PrintingError(message)


def print_pages(
    pages: Sequence[Path], browser: str, timeout_seconds: float = TIMEOUT_SECONDS
) -> tuple[Path, ...]:
    """Prints pages on A4, each once, and returns the PDFs, each beside its page.

    Raises PrintingError: the browser failed, or took longer than ``timeout_seconds`` for a page.
    """
    targets = []
    with TemporaryDirectory(prefix="harmonize-print-", ignore_cleanup_errors=True) as temporary:
        for page in dict.fromkeys(pages):
            printed = Path(temporary) / "page.pdf"
            command = [
                *(browser, *_OPTIONS, *_sandbox()),
                f"--user-data-dir={Path(temporary) / 'profile'}",
                f"--print-to-pdf={printed}",
                page.resolve().as_uri(),
            ]
            target = page.with_suffix(".pdf")
            _run(command, target, timeout_seconds)
            _move(printed, target, browser)
            targets.append(target)
    return tuple(targets)


def _sandbox() -> tuple[str, ...]:
    """Returns the option without which a browser does not start as root; the pages are our own."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return ("--no-sandbox",) if is_root else ()


def _run(command: list[str], target: Path, timeout_seconds: float) -> None:
    try:
        process = subprocess.Popen(  # noqa: S603 - the program that the user named or installed
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        message = f"{command[0]}: cannot start: {error.strerror}; name another with --browser"
        raise PrintingError(message) from error
    problem = ""
    with process:
        try:
            _, errors = process.communicate(timeout=timeout_seconds)
            problem = _problem(process.returncode, errors)
        except subprocess.TimeoutExpired:
            problem = f"did not finish in {timeout_seconds:g} seconds"
        finally:
            _end(process)
    if problem:
        message = f"{target}: {command[0]} {problem}; name another with --browser, or omit --pdf"
        raise PrintingError(message)


def _problem(exit_code: int, errors: bytes) -> str:
    lines = errors.decode(errors="replace").strip().splitlines()
    detail = f": {plain(lines[-1])[:_SHOWN]}" if lines else ""
    return f"ended with exit code {exit_code}{detail}" if exit_code else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a browser with all its processes: they may outlive the one that was started."""
    with suppress(OSError):  # none is left
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def _move(printed: Path, target: Path, browser: str) -> None:
    try:
        content = printed.read_bytes()
        printed.unlink()
    except OSError:
        content = b""
    if not content.startswith(_PDF_BEGIN):
        message = f"{target}: {browser} printed no PDF; name another with --browser, or omit --pdf"
        raise PrintingError(message)
    try:
        write_file(target, content)
    except OSError as error:
        message = f"{target}: cannot write: {error.strerror}; use another folder"
        raise PrintingError(message) from error
