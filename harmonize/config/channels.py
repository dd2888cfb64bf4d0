"""Ways to send a notice, each a value that cannot be built wrong and never prints its secrets."""

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
_LARGEST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Command:
    """A program and its arguments, run without a shell. Raises ValueError: no program."""

    KIND: ClassVar[str] = "command"
    argv: tuple[str, ...] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.argv or not self.argv[0] or any("\0" in one for one in self.argv):
            message = "must name a program, then its arguments, without the character NUL"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Webhook:
    """A place that takes the whole notice as JSON. Raises ValueError, which never shows the URL."""

    KIND: ClassVar[str] = "webhook"
    url: str = field(repr=False)

    def __post_init__(self) -> None:
        _need_url(self.url)


@dataclass(frozen=True, slots=True)
class Slack:
    """An incoming webhook of Slack, or of what is compatible. Raises ValueError, as Webhook does."""

    KIND: ClassVar[str] = "slack"
    url: str = field(repr=False)

    def __post_init__(self) -> None:
        _need_url(self.url)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail server, and from whom to whom; no login where ``user`` is empty.

    Raises ValueError, which never shows the user or the password.
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
        if not (_HOST.fullmatch(self.host) and 0 < self.port <= _LARGEST_PORT):
            message = "must name the host and a port from 1 to 65535"
        elif not self.recipients or not all(_ADDRESS.fullmatch(one) for one in addresses):
            message = "must name a sender and recipients by bare addresses, as a@example.org"
        elif not (_printable(self.user) and _printable(self.password)):
            message = "must have a user and a password of printable ASCII, as the login of SMTP has"
        elif bool(self.user) != bool(self.password):
            message = "must have both a user and a password, or neither"
        elif self.user and self.security == "none":
            message = "must use starttls or tls to log in; a password is not sent in the clear"
        else:
            return
        raise ValueError(message)


Channel: TypeAlias = Command | Webhook | Slack | Mail


def is_url(text: str) -> bool:
    """Whether a text is an address of http or https in ASCII, without a user and a password."""
    found = _URL.fullmatch(text)
    return found is not None and 0 < int(found["port"] or 1) <= _LARGEST_PORT


def is_address(text: str) -> bool:
    """Whether a text is a bare mail address in ASCII."""
    return bool(_ADDRESS.fullmatch(text))


def is_host(text: str) -> bool:
    """Whether a text is the name or the address of a host."""
    return bool(_HOST.fullmatch(text))


def _need_url(url: str) -> None:
    if not is_url(url):
        message = "must be an address such as https://example.org/hook, in ASCII, without user@"
        raise ValueError(message)


def _printable(text: str) -> bool:
    return text.isascii() and (text.isprintable() or not text)
