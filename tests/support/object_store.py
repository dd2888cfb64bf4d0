"""An S3-compatible server on this machine for tests, that can be slow of word, deny, or break off."""

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
        """Say nothing of requests."""


@dataclass(slots=True)
class Store:
    """The server. One request that writes is answered at a time, as S3 orders those to one name.

    What lies in the bucket ``denied`` nobody may reach. ``loses`` is how many answers to requests
    that make a manifest get lost once it is made. ``asked`` counts requests by what they ask for.
    """

    url: str = ""
    loses: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, app: Any) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
        """Stand before an application that answers."""

        def stand(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
            path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
            self.asked[f"{method} {path.rsplit('/', 1)[-1]}"] += 1
            if path.startswith("/denied"):
                start("403 Forbidden", [("Content-Type", "application/xml")])
                return [_DENIED]
            if method != "PUT":
                return list(app(environ, start))
            with self._lock:
                told: list[Any] = []
                body = list(app(environ, lambda *of, **_: told.append(of)))
                if self.loses and "/manifests/" in path and told[0][0].startswith("200"):
                    self.loses -= 1
                    start("500 Internal Server Error", [("Content-Type", "application/xml")])
                    return [_BROKEN]
            start(*told[0])
            return body

        return stand

    def environment(self) -> dict[str, str]:
        """What a process needs to know of the server, and nothing of any other."""
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
    """Run a server for as long as the context is open."""
    store = Store()
    app = store.answer(DomainDispatcherApplication(create_backend_app))
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
class Held:
    """What a place of an object store holds, seen past the archive."""

    url: str
    system: Any

    @classmethod
    def at(cls, url: str) -> "Held":
        """See a place."""
        return cls(url, fsspec.filesystem(url.split("://", 1)[0], use_listings_cache=False))

    def tree(self) -> dict[str, bytes]:
        """Every object by its name."""
        self.system.invalidate_cache()
        root = self.system._strip_protocol(self.url)  # noqa: SLF001 - as fsspec itself does
        return {one[len(root) + 1 :]: self.system.cat_file(one) for one in self.system.find(root)}

    def put(self, name: str, content: bytes) -> None:
        """Make or replace an object."""
        self.system.pipe_file(f"{self.url}/{name}", content)

    def delete(self, name: str) -> None:
        """Delete an object."""
        self.system.rm_file(f"{self.url}/{name}")
