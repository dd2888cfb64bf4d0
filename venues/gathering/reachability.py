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

CONNECT_TIMEOUT = 2.0
"""Time limit of a connection attempt, in seconds."""

_PROXIES = ("https_proxy", "all_proxy")

HostAddress = tuple[str, int, bool]
"""Host, port, and whether the connection uses TLS."""


def uses_proxy() -> bool:
    """Whether calls go through a proxy, in which case the venues' hosts need not be reachable."""
    return any(os.environ.get(variable) for name in _PROXIES for variable in (name, name.upper()))


def parse_address(url: str) -> HostAddress:
    """Host and port of a URL. Raises ValueError if the port is not a number."""
    parts = urlsplit(url)
    uses_tls = parts.scheme == "https"
    return (parts.hostname or "", parts.port or (443 if uses_tls else 80), uses_tls)


def tls_context() -> ssl.SSLContext:
    """TLS context that trusts the system's certificates and those of certifi, which ccxt uses."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def any_reachable(
    addresses: Iterable[HostAddress],
    timeout: float = CONNECT_TIMEOUT,
    connect: Callable[[HostAddress, float], None] | None = None,
) -> bool:
    """Whether any of ``addresses`` accepts a connection within ``timeout`` seconds.

    Attempts run in parallel daemon threads, because a name look-up cannot be cancelled.
    """
    open_connection = connect or _connect
    results: SimpleQueue[bool] = SimpleQueue()

    def attempt(address: HostAddress) -> None:
        try:
            open_connection(address, timeout)
        except OSError:  # includes ssl.SSLError
            results.put(False)  # noqa: FBT003 - the result of one attempt
        else:
            results.put(True)  # noqa: FBT003 - as above

    attempts = 0
    for address in addresses:
        threading.Thread(target=attempt, args=(address,), daemon=True).start()
        attempts += 1
    deadline = monotonic() + timeout
    for _ in range(attempts):
        try:
            if results.get(timeout=max(0.0, deadline - monotonic())):
                return True
        except Empty:
            return False
    return False


def _connect(address: HostAddress, timeout: float) -> None:
    host, port, uses_tls = address
    with socket.create_connection((host, port), timeout=timeout) as connection:
        if uses_tls:
            with tls_context().wrap_socket(connection, server_hostname=host):
                pass
