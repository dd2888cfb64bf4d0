"""Output formats by name, and the report as a folder; each is imported on first use."""

import gzip
from collections.abc import Callable, Iterator, Mapping, Sequence
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


_DOWNLOADS = (
    ("json", "audit.json", "the whole audit document"),
    ("csv", "findings.csv", "all findings, one per line"),
    ("xlsx", "findings.xlsx", "all findings as a workbook"),
)
_COMPRESSED_FROM = 4_000_000


def report_files(
    document: AuditDocument, others: Sequence[tuple[str, str, str]] = ()
) -> Iterator[tuple[str, bytes]]:
    """Yields every file of the report's folder: its path, with slashes, and its content.

    A download of 4 MB or more is compressed with gzip. ``others`` are files that the caller adds, for
    the page of data: path, name and content in words. Equal documents give equal bytes.
    """
    from reports.site.folder import site_files  # noqa: PLC0415 - one output of several

    downloads = [*others]
    for form, name, meaning in _DOWNLOADS:
        path, content = _download(f"data/{name}", render(form, document))
        yield path, content
        downloads.append((path, path.rpartition("/")[2], meaning))
    yield from site_files(document, tuple(downloads))


def _download(path: str, content: bytes) -> tuple[str, bytes]:
    if len(content) < _COMPRESSED_FROM:
        return path, content
    return f"{path}.gz", gzip.compress(content, 9, mtime=0)
