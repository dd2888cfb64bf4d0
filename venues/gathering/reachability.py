"""Whether any venue can be reached at all, found out before anything heavy is loaded."""

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from time import monotonic
from urllib.parse import urlsplit

import certifi

PATIENCE = 2.0
"""Seconds after which a place without an answer counts as out of reach."""

_PROXIES = ("https_proxy", "all_proxy")

Place = tuple[str, int, bool]
"""A host, a port, and whether TLS is spoken there."""


def proxied() -> bool:
    """Whether calls go through a proxy, so that the venues' own hosts say nothing."""
    return any(os.environ.get(form) for name in _PROXIES for form in (name, name.upper()))


def place(url: str) -> Place:
    """Where a URL leads. Raises ValueError: its port is no number."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    return (parts.hostname or "", parts.port or (443 if secure else 80), secure)


def trusted() -> ssl.SSLContext:
    """TLS that trusts what the system trusts, and the certificates that ccxt brings."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def reachable(
    places: Iterable[Place],
    patience: float = PATIENCE,
    knock: Callable[[Place, float], None] | None = None,
) -> bool:
    """Whether one of ``places`` takes a connection within ``patience`` seconds.

    All are tried at once, in threads that nobody waits for: a name look-up cannot be called off.
    """
    open_door = knock or _knock
    answers: SimpleQueue[str] = SimpleQueue()

    def attempt(place: Place) -> None:
        try:
            open_door(place, patience)
        except OSError:  # ssl.SSLError is one
            answers.put("")
        else:
            answers.put(place[0])

    tried = 0
    for place in places:
        threading.Thread(target=attempt, args=(place,), daemon=True).start()
        tried += 1
    end = monotonic() + patience
    for _ in range(tried):
        try:
            if answers.get(timeout=max(0.0, end - monotonic())):
                return True
        except Empty:
            return False
    return False


def _knock(place: Place, patience: float) -> None:
    host, port, secure = place
    with socket.create_connection((host, port), timeout=patience) as connection:
        if secure:
            with trusted().wrap_socket(connection, server_hostname=host):
                pass
