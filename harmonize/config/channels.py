"""Notification channels as validated values whose representation shows no secret."""

import re
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias

Security: TypeAlias = Literal["none", "starttls", "tls"]

_LABELS = r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_URL = re.compile(
    rf"https?://(?:{_LABELS}|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{{1,5}}))?(?:[/?][!-~]*)?"
)
_HOST = re.compile(rf"{_LABELS}|[0-9A-Fa-f:.]+")
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABELS}")
MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Command:
    """A program and its arguments, run without a shell. Raises ValueError: no program given."""

    KIND: ClassVar[str] = "command"
    argv: tuple[str, ...] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.argv or not self.argv[0] or any("\0" in word for word in self.argv):
            message = "expected a program and its arguments, without NUL characters"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Webhook:
    """A URL that receives the whole notice as JSON. Raises ValueError, without the URL in its text."""

    KIND: ClassVar[str] = "webhook"
    url: str = field(repr=False)

    def __post_init__(self) -> None:
        _require_url(self.url)


@dataclass(frozen=True, slots=True)
class Slack:
    """A Slack-compatible incoming webhook. Raises ValueError, as Webhook does."""

    KIND: ClassVar[str] = "slack"
    url: str = field(repr=False)

    def __post_init__(self) -> None:
        _require_url(self.url)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail server, the sender and the recipients; no login if ``user`` is empty.

    Raises ValueError, without the user or the password in its text.
    """

    KIND: ClassVar[str] = "mail"
    host: str
    port: int
    security: Security
    sender: str
    recipients: tuple[str, ...]
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        addresses = (self.sender, *self.recipients)
        if not (_HOST.fullmatch(self.host) and 0 < self.port <= MAX_PORT):
            message = "expected a host and a port from 1 to 65535"
        elif not self.recipients or not all(map(_ADDRESS.fullmatch, addresses)):
            message = "expected a sender and recipients as bare addresses such as a@example.org"
        elif not (_is_printable(self.user) and _is_printable(self.password)):
            message = "expected a user and a password of printable ASCII, as SMTP logins require"
        elif bool(self.user) != bool(self.password):
            message = "expected both a user and a password, or neither"
        elif self.user and self.security == "none":
            message = "a login without TLS sends the password in the clear; use starttls or tls"
        else:
            return
        raise ValueError(message)


Channel: TypeAlias = Command | Webhook | Slack | Mail


def is_url(text: str) -> bool:
    """Returns whether a text is an ASCII URL of http or https, without a user and a password."""
    match = _URL.fullmatch(text)
    return match is not None and 0 < int(match["port"] or 1) <= MAX_PORT


def is_address(text: str) -> bool:
    """Returns whether a text is a bare mail address in ASCII."""
    return bool(_ADDRESS.fullmatch(text))


def is_host(text: str) -> bool:
    """Returns whether a text is the name or the IP address of a host."""
    return bool(_HOST.fullmatch(text))


def _require_url(url: str) -> None:
    if not is_url(url):
        message = "expected an address such as https://example.org/hook, in ASCII and without user@"
        raise ValueError(message)


def _is_printable(text: str) -> bool:
    return text.isascii() and (text.isprintable() or not text)
