"""Loopback servers that receive notices: HTTP with scripted responses, and SMTP with TLS and login."""

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
"""What a server may do instead of responding with a status."""


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request that a server received."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """An HTTP server that returns ``statuses`` in turn, then the last one; ``requests`` lists requests."""

    statuses: list[int]
    headers: dict[str, str]
    url: str = ""
    requests: list[ReceivedRequest] = field(default_factory=list)
    closed: Event = field(default_factory=Event)

    def next_status(self) -> int:
        """Returns the status of the next response."""
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


class _Server(ThreadingHTTPServer):
    """A server with a script that ignores disconnected clients."""

    def __init__(self, receiver: Receiver) -> None:
        super().__init__((HOST, 0), _Handler)
        self.receiver = receiver

    def handle_error(self, *_: Any) -> None:
        """Logs nothing."""


class _Handler(BaseHTTPRequestHandler):
    """Records a request and responds according to the script of its server."""

    server: _Server

    def do_POST(self) -> None:
        """Receives a notice."""
        self._record(self.rfile.read(int(self.headers["Content-Length"])))
        self._respond(self.server.receiver.next_status())

    def do_GET(self) -> None:
        """Receives the request of a client that follows redirects."""
        self._record(b"")
        self._respond(200)

    def _record(self, body: bytes) -> None:
        request = ReceivedRequest(self.command, self.path, dict(self.headers), body)
        self.server.receiver.requests.append(request)

    def _respond(self, status: int) -> None:
        if status < 0:
            self._misbehave(status, self.server.receiver.closed)
            return
        self.send_response(status)
        for name, value in self.server.receiver.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.path)))
        self.end_headers()
        self.wfile.write(
            self.path.encode()
        )  # some servers return the reason of an error as the body

    def _misbehave(self, behavior: int, closed: Event) -> None:
        if behavior == HANG:
            closed.wait(30)
        if behavior == GARBAGE:
            self.wfile.write(b"ICY 200 fine\r\n\r\n")
        while behavior == DRIP and not closed.wait(0.02):
            self.wfile.write(b"H")

    def log_message(self, *_: Any) -> None:
        """Logs nothing."""


@contextmanager
def receiver(
    *statuses: int, tls: ssl.SSLContext | None = None, **headers: str
) -> Iterator[Receiver]:
    """Serves until the context closes; ``_`` in the names of headers stands for a hyphen."""
    named_headers = {name.replace("_", "-"): value for name, value in headers.items()}
    running = Receiver(list(statuses), named_headers)
    server = _Server(running)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    running.url = f"{'https' if tls else 'http'}://{HOST}:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield running
    finally:
        running.closed.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass  # the server reads every attribute, which fails for slots in early releases of 3.11
class PostOffice:
    """A mail server: its port, the envelopes and logins it received, the recipients it refuses."""

    port: int = 0
    envelopes: list[Envelope] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    refused: tuple[str, ...] = ()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name and signature
        self, _server: SMTP, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        """Accepts or refuses a recipient."""
        if address in self.refused:
            return f"550 no such user {address}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Any, envelope: Envelope
    ) -> str:
        """Accepts a mail."""
        self.envelopes.append(envelope)
        return "250 OK"

    def login(
        self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any
    ) -> AuthResult:
        """Records a login and accepts only the one known user."""
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
    """Serves mail until the context closes; under STARTTLS a login is required."""
    office = PostOffice(refused=refused)
    loop = asyncio.new_event_loop()

    def serve() -> SMTP:
        return SMTP(
            office,
            hostname="mail.test",
            loop=loop,
            tls_context=starttls,
            require_starttls=starttls is not None,
            auth_required=starttls is not None,
            auth_require_tls=starttls is not None,
            authenticator=office.login,
        )

    server = loop.run_until_complete(loop.create_server(serve, HOST, 0, ssl=tls))
    office.port = server.sockets[0].getsockname()[1]
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield office
    finally:
        asyncio.run_coroutine_threadsafe(_close(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _close(server: asyncio.Server) -> None:
    server.close()
    await server.wait_closed()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0.01)  # aborted connections close in the next iterations of the loop


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Returns TLS contexts of a loopback server with a self-signed certificate and of its client."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    certificate = (
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
    pem = certificate.public_bytes(Encoding.PEM)
    private_key = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "server.pem"
    path.write_bytes(private_key + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cadata=pem.decode())
