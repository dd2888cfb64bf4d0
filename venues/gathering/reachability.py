"""Checks whether any venue is reachable, before ccxt is loaded."""

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
"""Time limit of a connection attempt, in seconds."""

_PROXIES = ("https_proxy", "all_proxy")

Place = tuple[str, int, bool]
"""Host, port, and whether the connection uses TLS."""


def proxied() -> bool:
    """Whether calls go through a proxy, in which case the venues' hosts need not be reachable."""
    return any(os.environ.get(variable) for name in _PROXIES for variable in (name, name.upper()))


def place(url: str) -> Place:
    """Host and port of a URL. Raises ValueError if the port is not a number."""
    parts = urlsplit(url)
    uses_tls = parts.scheme == "https"
    return (parts.hostname or "", parts.port or (443 if uses_tls else 80), uses_tls)


def trusted() -> ssl.SSLContext:
    """TLS context that trusts the system's certificates and those of certifi, which ccxt uses."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def reachable(
    places: Iterable[Place],
    patience: float = PATIENCE,
    knock: Callable[[Place, float], None] | None = None,
) -> bool:
    """Whether any of ``places`` accepts a connection within ``patience`` seconds.

    Attempts run in parallel daemon threads, because a name look-up cannot be cancelled.
    """
    connect = knock or _connect
    results: SimpleQueue[bool] = SimpleQueue()

    def attempt(place: Place) -> None:
        try:
            connect(place, patience)
        except OSError:  # includes ssl.SSLError
            results.put(False)  # noqa: FBT003 - the result of one attempt
        else:
            results.put(True)  # noqa: FBT003 - as above

    attempts = 0
    for place in places:
        threading.Thread(target=attempt, args=(place,), daemon=True).start()
        attempts += 1
    deadline = monotonic() + patience
    for _ in range(attempts):
        try:
            if results.get(timeout=max(0.0, deadline - monotonic())):
                return True
        except Empty:
            return False
    return False


def _connect(place: Place, patience: float) -> None:
    host, port, uses_tls = place
    with socket.create_connection((host, port), timeout=patience) as connection:
        if uses_tls:
            with trusted().wrap_socket(connection, server_hostname=host):
                pass
