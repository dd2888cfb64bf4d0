"""Sends a notice through every channel, and says of each that failed why, without its secrets."""

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
"""Seconds before each further try over HTTP."""

LONGEST_WAIT = 30.0
"""Seconds that a server may ask to be left alone before the next try."""

_PREFIX = "HARMONIZE_"
_TOO_MANY = 429
_GOOD, _REDIRECT, _REFUSAL, _FAULT = 200, 300, 400, 500


@dataclass(frozen=True, slots=True)
class Failure:
    """A channel that a notice did not pass: its kind, and its place in the list, from 0.

    ``reason`` is one line without address, password, arguments or environment.
    """

    kind: str
    position: int
    reason: str

    def __str__(self) -> str:
        """Write it as errors of the configuration name their places."""
        return f"run.notify.channels[{self.position}] ({self.kind}): {self.reason}"


@dataclass(frozen=True, slots=True)
class DeliveryServices:
    """The world that notices go out to; times are in seconds, each of one whole try."""

    environment: Mapping[str, str] = field(repr=False)
    tls: ssl.SSLContext
    sleep: Callable[[float], None]
    http_seconds: float = 10.0
    mail_seconds: float = 30.0
    command_seconds: float = 60.0


def own_door(environment: Mapping[str, str]) -> DeliveryServices:
    """The world as it is: TLS is trusted as it is when gathering."""
    return DeliveryServices(environment, reachability.tls_context(), sleep)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """Why a try failed, empty if it did not; whether another may help, and after which wait."""

    reason: str = ""
    again: bool = False
    wait: float = 0.0


def send(
    notice: Notice, channels: Sequence[Channel], door: DeliveryServices
) -> tuple[Failure, ...]:
    """Send a notice through every channel, whatever becomes of the others; give what failed."""
    reasons = [_sent(notice, one, door) for one in channels]
    return tuple(
        Failure(one.KIND, position, one_line(reason))
        for position, (one, reason) in enumerate(zip(channels, reasons, strict=True))
        if reason
    )


def _sent(notice: Notice, channel: Channel, door: DeliveryServices) -> str:
    """Why a notice did not pass a channel; empty if it did."""
    if isinstance(channel, Command):
        return _run(channel, notice, door)
    if isinstance(channel, Webhook):
        return _posted(channel.url, notice.document, door)
    if isinstance(channel, Slack):
        return _posted(channel.url, notice_formats.slack(notice), door)
    return _bounded(lambda: _mailed(notice, channel, door), door.mail_seconds).reason


def _run(channel: Command, notice: Notice, door: DeliveryServices) -> str:
    """Run a command without a shell; of the environment it gets all but the keys of venues."""
    own = {
        "NIGHT": notice.night,
        "TITLE": notice.title,
        "LINK": notice.link,
        "EXIT_CODE": str(notice.exit_code),
    }
    inherited = {name: one for name, one in door.environment.items() if name[:10] != _PREFIX}
    try:
        done = subprocess.run(  # noqa: S603 - the program that the configuration names
            channel.argv,
            input=notice.document,
            stdout=subprocess.DEVNULL,
            env=inherited | {f"{_PREFIX}{name}": one for name, one in own.items()},
            timeout=door.command_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"did not end within {door.command_seconds:g} s"
    except OSError as error:
        return f"cannot be run: {_system(error)}"
    if done.returncode < 0:
        return f"was ended by signal {-done.returncode}"
    return f"ended with exit code {done.returncode}" if done.returncode else ""


def _posted(url: str, body: bytes, door: DeliveryServices) -> str:
    """POST JSON, with further tries where one may help; give why the last one failed."""
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": f"harmonize/{VERSION}",
    }
    request = Request(url, body, headers, method="POST")  # noqa: S310 - http or https: see is_url
    outcome = _Outcome()
    for wait in (*WAITS, None):
        outcome = _bounded(lambda: _try(request, door), door.http_seconds)
        if not outcome.again:
            return outcome.reason
        if wait is not None:
            door.sleep(max(wait, outcome.wait))
    return f"{outcome.reason}, {len(WAITS) + 1} times"


class _Stay(HTTPRedirectHandler):
    """Follows no redirect: what is posted goes where the configuration says or nowhere."""

    def redirect_request(  # noqa: PLR0913, PLR0917 - the signature of urllib
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Give no request, so that the redirect itself is the answer."""


def _try(request: Request, door: DeliveryServices) -> _Outcome:
    opener = build_opener(HTTPSHandler(context=door.tls), _Stay)
    try:
        with opener.open(request, timeout=door.http_seconds):
            return _Outcome()
    except HTTPError as error:
        with error:
            return _answered(error.code, error.headers.get("Retry-After", ""))
    except URLError as error:
        cause = error.reason
        if isinstance(cause, OSError):
            return _unreached(cause, door.http_seconds)
        return _Outcome("cannot be reached", again=True)
    except OSError as error:
        return _unreached(error, door.http_seconds)
    except HTTPException as error:
        return _Outcome(f"did not answer in HTTP ({type(error).__name__})", again=True)


def _answered(code: int, after: str) -> _Outcome:
    """What an answer that is no success means."""
    if code < _GOOD or code >= _FAULT:
        return _Outcome(f"answered {code}", again=True)
    if code == _TOO_MANY:
        wait = min(float(after), LONGEST_WAIT) if after.isdecimal() else 0.0
        return _Outcome(f"answered {code}", again=True, wait=wait)
    if code < _REFUSAL:
        return _Outcome(f"answered {code}, a redirect; name the address that it leads to")
    return _Outcome(f"answered {code}")


def _unreached(error: OSError, seconds: float) -> _Outcome:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _Outcome(f"has a certificate that is not trusted: {error.verify_message}")
    if isinstance(error, TimeoutError):
        return _late(seconds)
    return _Outcome(f"cannot be reached: {_system(error)}", again=True)


def _late(seconds: float) -> _Outcome:
    return _Outcome(f"did not answer within {seconds:g} s", again=True)


def _system(error: OSError) -> str:
    """What the system says of an error, without the names of files and addresses."""
    return error.strerror or type(error).__name__


def _mailed(notice: Notice, channel: Mail, door: DeliveryServices) -> _Outcome:
    """Send a mail once; a second try after an answer that was lost would send it twice."""
    message = notice_formats.mail(notice, channel)
    try:
        with _server(channel, door) as server:
            if channel.security == "starttls":
                server.starttls(context=door.tls)
            if channel.user:
                server.login(channel.user, channel.password)
            refused = server.send_message(message, channel.sender, channel.recipients)
    except SMTPException as error:
        return _Outcome(_refusal(error))
    except OSError as error:
        return _unreached(error, door.mail_seconds)
    some = f"took the mail, but not for {len(refused)} of {len(channel.recipients)} recipients"
    return _Outcome(some if refused else "")


def _server(channel: Mail, door: DeliveryServices) -> SMTP:
    seconds = door.mail_seconds
    if channel.security == "tls":
        return SMTP_SSL(channel.host, channel.port, timeout=seconds, context=door.tls)
    return SMTP(channel.host, channel.port, timeout=seconds)


def _refusal(error: SMTPException) -> str:
    """Why a mail server refused, without its words: they may repeat a name or an address."""
    if isinstance(error, SMTPNotSupportedError):
        return "does not offer STARTTLS or the login that the configuration asks for"
    if isinstance(error, SMTPAuthenticationError):
        return f"refused the login ({error.smtp_code})"
    if isinstance(error, SMTPRecipientsRefused):
        return "refused every recipient"
    if isinstance(error, SMTPServerDisconnected):
        return "closed the connection"
    if isinstance(error, SMTPResponseException):
        return f"answered {error.smtp_code}"
    return f"did not answer in SMTP ({type(error).__name__})"


def _bounded(attempt: Callable[[], _Outcome], seconds: float) -> _Outcome:
    """Give a try up after ``seconds``: a name look-up or a slow drip of bytes cannot be called off."""
    answers: SimpleQueue[_Outcome] = SimpleQueue()
    Thread(target=lambda: answers.put(attempt()), daemon=True).start()
    try:
        return answers.get(timeout=seconds)
    except Empty:
        return _late(seconds)
