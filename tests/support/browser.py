"""A headless Chromium driven over its DevTools pipe, for tests of pages as a reader sees them.

Documentation of the protocol: chromedevtools.github.io/devtools-protocol.
"""

import json
import os
import shutil
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
MISSING = "no Chromium on the path; `apt-get install chromium` installs one"

_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--remote-debugging-pipe",
)

_START = """
import fcntl, os, sys
reader, writer = (fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3])
os.dup2(reader, 3)
os.dup2(writer, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Program that gives the browser its pipes as the descriptors 3 and 4, which it expects."""


def find_chromium() -> str | None:
    """Returns the path of an installed Chromium, if there is one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@dataclass
class Browser:
    """A running browser with one page; messages end with a zero byte."""

    requests: int
    answers: int
    buffer: bytes = b""
    last: int = 0
    session: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Sends a command to the page and returns its result. Raises RuntimeError if it failed."""
        self.last += 1
        message: dict[str, Any] = {"id": self.last, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.requests, json.dumps(message).encode() + b"\0")
        while True:
            received = self._receive()
            if received.get("id") == self.last:
                if "error" in received:
                    raise RuntimeError(received["error"])
                result: dict[str, Any] = received["result"]
                return result
            self.events.append(received)

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self.buffer:
            part = os.read(self.answers, 1 << 20)
            if not part:
                message = "the browser ended"
                raise RuntimeError(message)
            self.buffer += part
        message_, _, self.buffer = self.buffer.partition(b"\0")
        received: dict[str, Any] = json.loads(message_)
        return received

    def wait_for(self, method: str) -> dict[str, Any]:
        """Waits for an event and returns it; earlier events are forgotten."""
        while True:
            for index, event in enumerate(self.events):
                if event.get("method") == method:
                    del self.events[: index + 1]
                    return event
            self.events.append(self._receive())

    def open(self, path: Path, width: int = 1440, *, dark: bool = False) -> None:
        """Opens a file at a window width, in the light or the dark scheme, and waits until it loaded."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", media="", features=[scheme])
        self.events.clear()
        self.send("Page.navigate", url=path.absolute().as_uri())
        self.wait_for("Page.loadEventFired")

    def use_media(self, media: str) -> None:
        """Shows the page as on another medium: ``print`` or ``screen``."""
        self.send("Emulation.setEmulatedMedia", media=media)

    def evaluate(self, expression: str) -> Any:
        """Evaluates JavaScript in the page; a promise is awaited. Raises RuntimeError."""
        result = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"])
        return result["result"].get("value")

    def requested(self) -> list[str]:
        """Returns the addresses that the page asked for since it was opened."""
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event.get("method") == "Network.requestWillBeSent"
        ]

    def pdf(self, width: float, height: float) -> bytes:
        """Prints the page on paper of a size in inches."""
        printed = self.send(
            "Page.printToPDF", paperWidth=width, paperHeight=height, preferCSSPageSize=False
        )
        return b64decode(printed["data"])

    def press(self, key: str, code: int, text: str = "") -> None:
        """Presses a key; ``text`` is what it types, such as a line end for Enter."""
        for kind in ("keyDown" if text else "rawKeyDown", "keyUp"):
            self.send(
                "Input.dispatchKeyEvent", type=kind, key=key, text=text, windowsVirtualKeyCode=code
            )


@contextmanager
def browser(executable: str, profile: Path) -> Iterator[Browser]:
    """Runs a browser with an empty profile; it ends with the context."""
    request_reader, request_writer = os.pipe()
    answer_reader, answer_writer = os.pipe()
    ends = (str(request_reader), str(answer_writer))
    process = subprocess.Popen(
        [sys.executable, "-c", _START, *ends, executable, *_OPTIONS, f"--user-data-dir={profile}"],
        pass_fds=(request_reader, answer_writer),
        stderr=subprocess.DEVNULL,
    )
    os.close(request_reader)
    os.close(answer_writer)
    running = Browser(request_writer, answer_reader)
    try:
        target = running.send("Target.createTarget", url="about:blank")["targetId"]
        attached = running.send("Target.attachToTarget", targetId=target, flatten=True)
        running.session = attached["sessionId"]
        for domain in ("Page", "Network", "Log"):
            running.send(f"{domain}.enable")
        yield running
    finally:
        os.close(request_writer)
        os.close(answer_reader)
        process.terminate()
        process.wait(timeout=20)
