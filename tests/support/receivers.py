"""Servers on loopback that take notices: HTTP by a script of answers, and SMTP with TLS and login."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Event, Thread
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
HANG, DROP, GARBAGE, DRIP = -1, -2, -3, -4
"""What a server may do instead of answering with a status."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One request that a server took."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """An HTTP server: ``answers`` in turn, the last one for ever; what it took stands in ``taken``."""

    answers: list[int]
    headers: dict[str, str]
    url: str = ""
    taken: list[Taken] = field(default_factory=list)
    over: Event = field(default_factory=Event)

    def turn(self) -> int:
        """The answer whose turn it is."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class _Server(ThreadingHTTPServer):
    """A server that knows its script, and does not mind a client that left."""

    def __init__(self, held: Receiver) -> None:
        super().__init__((HOST, 0), _Handler)
        self.held = held

    def handle_error(self, *_: Any) -> None:
        """Say nothing."""


class _Handler(BaseHTTPRequestHandler):
    """Takes a request and answers as its server's script says."""

    server: _Server

    def do_POST(self) -> None:
        """Take a notice."""
        self._take(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(self.server.held.turn())

    def do_GET(self) -> None:
        """Take what a client that follows redirects asks for."""
        self._take(b"")
        self._answer(200)

    def _take(self, body: bytes) -> None:
        taken = Taken(self.command, self.path, dict(self.headers), body)
        self.server.held.taken.append(taken)

    def _answer(self, status: int) -> None:
        if status < 0:
            self._misbehave(status, self.server.held.over)
            return
        self.send_response(status)
        for name, value in self.server.held.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.path)))
        self.end_headers()
        self.wfile.write(self.path.encode())  # as servers do that say what they cannot do

    def _misbehave(self, how: int, over: Event) -> None:
        if how == HANG:
            over.wait(30)
        if how == GARBAGE:
            self.wfile.write(b"ICY 200 fine\r\n\r\n")
        while how == DRIP and not over.wait(0.02):
            self.wfile.write(b"H")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def receiver(
    *answers: int, tls: ssl.SSLContext | None = None, **headers: str
) -> Iterator[Receiver]:
    """Serve until the context is left; ``_`` in the names of headers is a hyphen."""
    named = {key.replace("_", "-"): one for key, one in headers.items()}
    held = Receiver(list(answers), named)
    server = _Server(held)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    held.url = f"{'https' if tls else 'http'}://{HOST}:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield held
    finally:
        held.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass  # the server looks at every attribute, and early 3.11 chokes on those of slots
class PostOffice:
    """A mail server: its port, the envelopes it took, and the logins it saw."""

    port: int = 0
    taken: list[Envelope] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    refused: tuple[str, ...] = ()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name and signature
        self, _server: SMTP, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        """Take a recipient, or refuse one."""
        if address in self.refused:
            return f"550 no such user {address}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Any, envelope: Envelope
    ) -> str:
        """Take a mail."""
        self.taken.append(envelope)
        return "250 OK"

    def login(
        self, _server: Any, _session: Any, _envelope: Any, _how: str, data: Any
    ) -> AuthResult:
        """Take the one user that there is, and repeat what was said when it is another."""
        self.logins.append((data.login.decode(), data.password.decode()))
        if self.logins[-1] == ("a-user", "a-password"):
            return AuthResult(success=True)
        return AuthResult(success=False, handled=False)


@contextmanager
def post_office(
    *,
    tls: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    refused: tuple[str, ...] = (),
) -> Iterator[PostOffice]:
    """Serve mail until the context is left; under STARTTLS none is taken without a login."""
    held = PostOffice(refused=refused)
    loop = asyncio.new_event_loop()

    def serve() -> SMTP:
        return SMTP(
            held,
            hostname="mail.test",
            loop=loop,
            tls_context=starttls,
            require_starttls=starttls is not None,
            auth_required=starttls is not None,
            auth_require_tls=starttls is not None,
            authenticator=held.login,
        )

    server = loop.run_until_complete(loop.create_server(serve, HOST, 0, ssl=tls))
    held.port = server.sockets[0].getsockname()[1]
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield held
    finally:
        asyncio.run_coroutine_threadsafe(_closed(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _closed(server: asyncio.Server) -> None:
    server.close()
    await server.wait_closed()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for one in others:
        one.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0.01)  # what was aborted is closed in the next turns of the loop


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS of a server on loopback with a certificate of its own, and of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(Encoding.PEM)
    own = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "server.pem"
    path.write_bytes(own + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cadata=pem.decode())
