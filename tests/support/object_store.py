"""A local S3-compatible server for tests, which can deny access or lose responses."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import fsspec
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

SECRET = "not-to-be-shown"  # noqa: S105 - of a server that lives for a test
_DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
_BROKEN = b"<Error><Code>InternalError</Code><Message>Try again</Message></Error>"


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """Logs no requests."""


@dataclass(slots=True)
class Store:
    """The server. Write requests are served one at a time, as S3 orders those to one name.

    Access to the bucket ``denied`` is refused. ``responses_to_lose`` counts the responses to be lost
    after a manifest is created. ``requests`` counts requests by method and object name.
    """

    url: str = ""
    responses_to_lose: int = 0
    requests: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wrap(self, app: Any) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
        """Returns an application that counts, denies or loses requests of another."""

        def respond(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
            path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
            self.requests[f"{method} {path.rsplit('/', 1)[-1]}"] += 1
            if path.startswith("/denied"):
                start("403 Forbidden", [("Content-Type", "application/xml")])
                return [_DENIED]
            if method != "PUT":
                return list(app(environ, start))
            with self._lock:
                started: list[Any] = []
                body = list(app(environ, lambda *status, **_: started.append(status)))
                is_created = started[0][0].startswith("200")
                if self.responses_to_lose and "/manifests/" in path and is_created:
                    self.responses_to_lose -= 1
                    start("500 Internal Server Error", [("Content-Type", "application/xml")])
                    return [_BROKEN]
            start(*started[0])
            return body

        return respond

    def environment(self) -> dict[str, str]:
        """Returns the environment variables that direct a process to this server alone."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "somebody",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/nonexistent",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
            "NO_PROXY": "127.0.0.1",
        }


@contextmanager
def serving() -> Iterator[Store]:
    """Runs a server while the context is open."""
    store = Store()
    app = store.wrap(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    store.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True, slots=True)
class StoredObjects:
    """The objects below a URL of an object store, accessed without the archive."""

    url: str
    system: Any

    @classmethod
    def at(cls, url: str) -> "StoredObjects":
        """Opens a URL."""
        return cls(url, fsspec.filesystem(url.split("://", 1)[0], use_listings_cache=False))

    def tree(self) -> dict[str, bytes]:
        """Returns the content of every object by its name."""
        self.system.invalidate_cache()
        root = self.system._strip_protocol(self.url)  # noqa: SLF001 - as fsspec itself does
        return {key[len(root) + 1 :]: self.system.cat_file(key) for key in self.system.find(root)}

    def put(self, name: str, content: bytes) -> None:
        """Creates or replaces an object."""
        self.system.pipe_file(f"{self.url}/{name}", content)

    def delete(self, name: str) -> None:
        """Deletes an object."""
        self.system.rm_file(f"{self.url}/{name}")
