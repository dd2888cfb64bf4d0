"""The formats that there are, by name; what one needs is loaded when it is asked for."""

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import cast

from harmonize.document import AuditDocument

Renderer = Callable[[AuditDocument], bytes | str]

FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "csv": "formats.csv_",
        "github": "formats.github",
        "html": "html.report",
        "json": "formats.json_",
        "jsonl": "formats.jsonl",
        "junit": "formats.junit",
        "markdown": "formats.markdown",
        "parquet": "formats.parquet",
        "sarif": "formats.sarif",
        "table": "formats.table",
        "xlsx": "formats.xlsx",
    }
)
"""The module of each format; its function is named for the format."""

BINARY = frozenset({"parquet", "xlsx"})
"""Formats that are no text."""


class UnknownFormatError(ValueError):
    """No format has the name that was asked for."""


def checked(name: str) -> str:
    """Give the name back. Raises UnknownFormatError, naming the formats that there are."""
    if name not in FORMATS:
        message = f"no format is called {name!r}; there are {', '.join(sorted(FORMATS))}"
        raise UnknownFormatError(message)
    return name


def renderer(name: str) -> Renderer:
    """Find a renderer. Raises UnknownFormatError."""
    module = import_module(f"reports.{FORMATS[checked(name)]}")
    return cast("Renderer", getattr(module, name))


def render(name: str, document: AuditDocument) -> bytes:
    """Write the document in a format, as the bytes of a file. Raises UnknownFormatError."""
    written = renderer(name)(document)
    return written.encode() if isinstance(written, str) else written
