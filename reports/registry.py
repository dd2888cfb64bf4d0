"""The formats that there are, by name."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from harmonize.document import AuditDocument
from reports.html_ import html
from reports.json_ import json
from reports.table import table

Renderer = Callable[[AuditDocument], bytes | str]

FORMATS: Mapping[str, Renderer] = MappingProxyType({"html": html, "json": json, "table": table})


class UnknownFormatError(ValueError):
    """No format has the name that was asked for."""


def renderer(name: str) -> Renderer:
    """Find a renderer. Raises UnknownFormatError, naming the formats that there are."""
    if name not in FORMATS:
        message = f"no format is called {name!r}; there are {', '.join(sorted(FORMATS))}"
        raise UnknownFormatError(message)
    return FORMATS[name]


def render(name: str, document: AuditDocument) -> bytes:
    """Write the document in a format, as the bytes of a file. Raises UnknownFormatError."""
    written = renderer(name)(document)
    return written.encode() if isinstance(written, str) else written
