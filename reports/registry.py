"""Output formats by name; a format is imported on first use."""

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
"""Module of each format; its function has the name of the format."""

BINARY = frozenset({"parquet", "xlsx"})
"""Formats that are not text."""


class UnknownFormatError(ValueError):
    """The requested format does not exist."""


def validate_format(name: str) -> str:
    """Returns the name of a format. Raises UnknownFormatError, with the available formats."""
    if name not in FORMATS:
        message = f"unknown format {name!r}; use {', '.join(sorted(FORMATS))}"
        raise UnknownFormatError(message)
    return name


def renderer(name: str) -> Renderer:
    """Returns the renderer of a format. Raises UnknownFormatError."""
    module = import_module(f"reports.{FORMATS[validate_format(name)]}")
    return cast("Renderer", getattr(module, name))


def render(name: str, document: AuditDocument) -> bytes:
    """Renders the document in a format, as the bytes of a file. Raises UnknownFormatError."""
    rendered = renderer(name)(document)
    return rendered.encode() if isinstance(rendered, str) else rendered
