"""The first difference between two versions of a file of a report, in one line."""

import hashlib
import re
import zlib

_IDENT = re.compile(rb'\bid="([^"]*)"')
_GZIP = 31  # window bits of zlib for a gzip stream
_BEFORE, _AFTER = 40, 80
"""Largest number of characters shown before and from the first one that differs."""

MAX_UNPACKED = 500_000_000
"""Largest content of a compressed file that is compared as text."""


def first_difference(expected: bytes, found: bytes) -> str:
    """Names the place of the first difference, and shows the text there in both versions.

    A place is the last anchor before it in a page, otherwise line and character. Of a compressed
    file the content is compared. What is no text is described by size and hash.
    """
    contents = [unpacked(content) for content in (expected, found)]
    if contents[0] is not None and contents[1] is not None and contents[0] != contents[1]:
        expected, found = contents[0], contents[1]
    texts = [_text(content) for content in (expected, found)]
    if texts[0] is None or texts[1] is None:
        return f"expected {_size_and_hash(expected)}, found {_size_and_hash(found)}"
    at = _first(texts[0], texts[1])
    shown = [_around(text, at) for text in texts if text is not None]
    return f"{_place(texts[0], at)}: expected {shown[0]!r}, found {shown[1]!r}"


def unpacked(content: bytes) -> bytes | None:
    """Returns the content of a gzip file; None if it is none, or too large."""
    unpacker = zlib.decompressobj(_GZIP)
    try:
        whole = unpacker.decompress(content, MAX_UNPACKED)
    except zlib.error:
        return None
    return whole if unpacker.eof else None


def _text(content: bytes) -> str | None:
    """Returns the text of a file; None if it is binary."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _size_and_hash(content: bytes) -> str:
    return f"{len(content):,} bytes with SHA-256 {hashlib.sha256(content).hexdigest()}"


def _first(expected: str, found: str) -> int:
    """Returns the position of the first character that differs, by halving."""
    low, high = 0, min(len(expected), len(found))
    while low < high:
        middle = (low + high + 1) // 2
        if expected[low:middle] == found[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _place(text: str, at: int) -> str:
    anchors = _IDENT.findall(text[:at].encode())
    if anchors:
        return f"#{anchors[-1].decode()}"
    line, character = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return f"line {line:,}, character {character:,}"


def _around(text: str, at: int) -> str:
    """Returns the text around a position, up to the tags or the line ends beside it."""
    start = max(text.rfind(sign, 0, at) for sign in "><\n") + 1
    ends = [end for sign in "<>\n" if (end := text.find(sign, at)) >= 0]
    end = min(ends, default=len(text))
    first, last = max(start, at - _BEFORE), min(end, at + _AFTER)
    marks = ("…" if first > start else "", "…" if last < end else "")
    return f"{marks[0]}{text[first:last]}{marks[1]}".replace("\N{NO-BREAK SPACE}", " ")
