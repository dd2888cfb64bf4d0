"""Sends a notice through every channel and reports failures without the channels' secrets."""

import ssl
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPMessage
from queue import Empty, SimpleQueue
from smtplib import (
    SMTP,
    SMTP_SSL,
    SMTPAuthenticationError,
    SMTPException,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
)
from threading import Thread
from time import sleep
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from harmonize.config.channels import Channel, Command, Mail, Slack, Webhook
from harmonize.core.yaml_source import one_line
from harmonize.nightly import notice_formats
from harmonize.nightly.notice import Notice
from harmonize.version import VERSION
from venues.gathering import reachability

WAITS = (1.0, 2.0, 4.0)
"""Seconds before each further HTTP attempt."""

LONGEST_WAIT = 30.0
"""Longest wait before the next attempt that a server's Retry-After is granted, in seconds."""

_PREFIX = "HARMONIZE_"
_TOO_MANY_REQUESTS = 429
_SUCCESS, _REDIRECTION, _CLIENT_ERROR, _SERVER_ERROR = 200, 300, 400, 500


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed delivery: the channel's kind and its index in the list, from 0.

    ``reason`` is one line without address, password, arguments or environment.
    """

    kind: str
    position: int
    reason: str

    def __str__(self) -> str:
        """Returns the failure in the form of configuration errors."""
        return f"run.notify.channels[{self.position}] ({self.kind}): {self.reason}"


@dataclass(frozen=True, slots=True)
class DeliveryServices:
    """External dependencies of delivery. Time limits are in seconds per attempt."""

    environment: Mapping[str, str] = field(repr=False)
    tls: ssl.SSLContext
    sleep: Callable[[float], None]
    http_seconds: float = 10.0
    mail_seconds: float = 30.0
    command_seconds: float = 60.0


def default_services(environment: Mapping[str, str]) -> DeliveryServices:
    """Returns the real dependencies, with the TLS trust store of gathering."""
    return DeliveryServices(environment, reachability.tls_context(), sleep)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """Result of an attempt: a reason if it failed, whether to retry, and the wait in seconds."""

    reason: str = ""
    is_transient: bool = False
    wait: float = 0.0


def send(
    notice: Notice, channels: Sequence[Channel], services: DeliveryServices
) -> tuple[Failure, ...]:
    """Sends a notice through every channel, whether or not another fails; returns the failures."""
    reasons = [_send(notice, channel, services) for channel in channels]
    return tuple(
        Failure(channel.KIND, position, one_line(reason))
        for position, (channel, reason) in enumerate(zip(channels, reasons, strict=True))
        if reason
    )


def _send(notice: Notice, channel: Channel, services: DeliveryServices) -> str:
    """Sends a notice through one channel; returns the reason of a failure, otherwise empty."""
    if isinstance(channel, Command):
        return _run_command(channel, notice, services)
    if isinstance(channel, Webhook):
        return _post(channel.url, notice.document, services)
    if isinstance(channel, Slack):
        return _post(channel.url, notice_formats.slack(notice), services)
    return _with_time_limit(
        lambda: _send_mail(notice, channel, services), services.mail_seconds
    ).reason


def _run_command(channel: Command, notice: Notice, services: DeliveryServices) -> str:
    """Runs a command without a shell, in the environment without the keys of venues."""
    variables = {
        "NIGHT": notice.night,
        "TITLE": notice.title,
        "LINK": notice.link,
        "EXIT_CODE": str(notice.exit_code),
    }
    inherited = {
        name: value for name, value in services.environment.items() if name[:10] != _PREFIX
    }
    try:
        process = subprocess.run(  # noqa: S603 - the program that the configuration names
            channel.argv,
            input=notice.document,
            stdout=subprocess.DEVNULL,
            env=inherited | {f"{_PREFIX}{name}": value for name, value in variables.items()},
            timeout=services.command_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no end within {services.command_seconds:g} s"
    except OSError as error:
        return f"cannot run: {_system_message(error)}"
    if process.returncode < 0:
        return f"ended by signal {-process.returncode}"
    return f"ended with exit code {process.returncode}" if process.returncode else ""


def _post(url: str, body: bytes, services: DeliveryServices) -> str:
    """Posts JSON and retries transient failures; returns the reason of the last failure."""
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": f"harmonize/{VERSION}",
    }
    request = Request(url, body, headers, method="POST")  # noqa: S310 - http or https: see is_url
    outcome = _Outcome()
    for wait in (*WAITS, None):
        outcome = _with_time_limit(lambda: _post_once(request, services), services.http_seconds)
        if not outcome.is_transient:
            return outcome.reason
        if wait is not None:
            services.sleep(max(wait, outcome.wait))
    return f"{outcome.reason}, {len(WAITS) + 1} attempts"


class _NoRedirect(HTTPRedirectHandler):
    """Follows no redirect: a notice goes to the configured address only."""

    def redirect_request(  # noqa: PLR0913, PLR0917 - the signature of urllib
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Returns no request, so that the redirect is the response."""


def _post_once(request: Request, services: DeliveryServices) -> _Outcome:
    opener = build_opener(HTTPSHandler(context=services.tls), _NoRedirect)
    try:
        with opener.open(request, timeout=services.http_seconds):
            return _Outcome()
    except HTTPError as error:
        with error:
            return _http_outcome(error.code, error.headers.get("Retry-After", ""))
    except URLError as error:
        cause = error.reason
        if isinstance(cause, OSError):
            return _connection_outcome(cause, services.http_seconds)
        return _Outcome("cannot connect", is_transient=True)
    except OSError as error:
        return _connection_outcome(error, services.http_seconds)
    except HTTPException as error:
        return _Outcome(f"invalid HTTP response ({type(error).__name__})", is_transient=True)


def _http_outcome(code: int, retry_after: str) -> _Outcome:
    """Returns the outcome of a response that is no success."""
    if code < _SUCCESS or code >= _SERVER_ERROR:
        return _Outcome(f"HTTP status {code}", is_transient=True)
    if code == _TOO_MANY_REQUESTS:
        wait = min(float(retry_after), LONGEST_WAIT) if retry_after.isdecimal() else 0.0
        return _Outcome(f"HTTP status {code}", is_transient=True, wait=wait)
    if code < _CLIENT_ERROR:
        return _Outcome(f"HTTP status {code}, a redirect; use the address of its target")
    return _Outcome(f"HTTP status {code}")


def _connection_outcome(error: OSError, seconds: float) -> _Outcome:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _Outcome(f"untrusted certificate: {error.verify_message}")
    if isinstance(error, TimeoutError):
        return _timeout(seconds)
    return _Outcome(f"cannot connect: {_system_message(error)}", is_transient=True)


def _timeout(seconds: float) -> _Outcome:
    return _Outcome(f"no response within {seconds:g} s", is_transient=True)


def _system_message(error: OSError) -> str:
    """Returns the system's message of an error, without file names and addresses."""
    return error.strerror or type(error).__name__


def _send_mail(notice: Notice, channel: Mail, services: DeliveryServices) -> _Outcome:
    """Sends a mail once: a retry after a lost response would send it twice."""
    message = notice_formats.mail(notice, channel)
    try:
        with _smtp(channel, services) as server:
            if channel.security == "starttls":
                server.starttls(context=services.tls)
            if channel.user:
                server.login(channel.user, channel.password)
            refused = server.send_message(message, channel.sender, channel.recipients)
    except SMTPException as error:
        return _Outcome(_refusal(error))
    except OSError as error:
        return _connection_outcome(error, services.mail_seconds)
    reason = f"refused {len(refused)} of {len(channel.recipients)} recipients"
    return _Outcome(reason if refused else "")


def _smtp(channel: Mail, services: DeliveryServices) -> SMTP:
    seconds = services.mail_seconds
    if channel.security == "tls":
        return SMTP_SSL(channel.host, channel.port, timeout=seconds, context=services.tls)
    return SMTP(channel.host, channel.port, timeout=seconds)


def _refusal(error: SMTPException) -> str:
    """Returns why a mail server refused, without its own text, which may repeat an address."""
    if isinstance(error, SMTPNotSupportedError):
        return "does not support the configured STARTTLS or login"
    if isinstance(error, SMTPAuthenticationError):
        return f"refused the login ({error.smtp_code})"
    if isinstance(error, SMTPRecipientsRefused):
        return "refused every recipient"
    if isinstance(error, SMTPServerDisconnected):
        return "closed the connection"
    if isinstance(error, SMTPResponseException):
        return f"SMTP status {error.smtp_code}"
    return f"invalid SMTP response ({type(error).__name__})"


def _with_time_limit(attempt: Callable[[], _Outcome], seconds: float) -> _Outcome:
    """Abandons an attempt after ``seconds``: a name lookup or a slow response cannot be cancelled."""
    outcomes: SimpleQueue[_Outcome] = SimpleQueue()
    Thread(target=lambda: outcomes.put(attempt()), daemon=True).start()
    try:
        return outcomes.get(timeout=seconds)
    except Empty:
        return _timeout(seconds)
