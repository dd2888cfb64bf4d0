"""Safe YAML reader for files that users write; every value keeps its file, line and column.

It accepts the plain part of YAML: mappings, lists and scalars. Anchors, aliases, tags, directives
and tabs are rejected, so that no text can expand, build an object or hide its meaning. No function
here is recursive, so depth cannot exhaust the stack.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple, NoReturn, Protocol, TypeAlias

import yaml

Plain: TypeAlias = "str | int | Decimal | bool | date | list[Plain] | dict[str, Plain] | None"
Path: TypeAlias = tuple[str | int, ...]

MAX_BYTES = 1_000_000  # bytes of UTF-8
MAX_DEPTH = 32  # nested collections
MAX_NUMBER_LENGTH = 40  # characters
MAX_EXPONENT_LENGTH = 2  # digits


class Place(NamedTuple):
    """Position in a text; line and column count from 1, columns in characters."""

    line: int
    column: int


START = Place(1, 1)


class YamlSourceError(Exception):
    """Error in a user's file: its place, the problem and the fix, always in one line."""

    def __init__(self, name: str, line: int, column: int, reason: str) -> None:
        super().__init__(name, line, column, reason)
        self.name = name
        self.line = line
        self.column = column
        self.reason = reason

    def __str__(self) -> str:
        """Returns ``name:line:column: reason``."""
        return f"{one_line(self.name)}:{self.line}:{self.column}: {one_line(self.reason)}"


@dataclass(frozen=True, slots=True)
class YamlSource:
    """Plain value of a text, with the place of each of its keys and values."""

    name: str
    value: Plain
    values: dict[Path, Place]
    keys: dict[Path, Place]

    def place(self, path: Path) -> Place:
        """Returns the place of the value at ``path``; if it is absent, of its nearest parent."""
        while path not in self.values:
            path = path[:-1]
        return self.values[path]

    def key_place(self, path: Path) -> Place:
        """Returns the place of the key at ``path``; without a key, of the value."""
        return self.keys.get(path) or self.place(path)


def one_line(text: str) -> str:
    """Returns ``text`` on one line, with unprintable characters escaped."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def printable(value: object) -> str:
    """Returns a value as a message quotes it: short, on one line, with text in quotes."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if isinstance(value, bool) or value is None:
        return str({True: "true", False: "false", None: "null"}[value])
    text = one_line(str(value))
    brief = text if len(text) <= MAX_NUMBER_LENGTH else text[: MAX_NUMBER_LENGTH - 1] + "…"
    return f"'{brief}'" if isinstance(value, str) else brief


def decode_utf8(data: bytes, name: str) -> str:
    """Returns bytes decoded as UTF-8. Raises YamlSourceError: too large, or not UTF-8."""
    if len(data) > MAX_BYTES:
        raise _too_large(name)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        line, column = _place_after(before)
        reason = f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise YamlSourceError(name, line, column, reason) from None


def parse_yaml(text: str, name: str) -> YamlSource:
    """Returns one parsed YAML document. Raises YamlSourceError for any text that is not one.

    libyaml parses if it is installed. On an error the parser in Python parses again, so that the
    message is the same everywhere. The two disagree on few texts: a '?' or an unspaced ':' in
    brackets, and a '#' that touches '>' or '|'.
    """
    text = text.replace("\r\n", "\n")
    _refuse_foreign(text, name)
    try:
        return _compose(_FAST(text), name)
    except (YamlSourceError, yaml.YAMLError) as error:
        _raise_python_error(text, name)
        raise error if isinstance(error, YamlSourceError) else _syntax(name, error) from None


# Plain scalars with any other spelling are text.
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_NUMBER = re.compile(
    r"(?P<number>[-+]?(?:0|[1-9][0-9]*(?:_[0-9]+)*)(?P<fraction>\.[0-9]+)?)"
    r"(?:[eE][-+]?(?P<exponent>[0-9]+)|(?P<percent>%))?"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NOT_FINITE = re.compile(r"[-+]?\.inf|\.nan", re.IGNORECASE)

# Anything but printable characters: also tabs, byte order marks, line ends other than \n, and the
# characters that reverse the direction of a line on the screen.
_FOREIGN = re.compile(
    r"[^\n\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd"
    r"\U00010000-\U0010ffff]"
)

_FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _ParserMark(Protocol):
    """Position of a parser, counted from 0."""

    line: int
    column: int


class _Parser(Protocol):
    """Interface shared by both of yaml's parsers."""

    def check_event(self) -> bool: ...
    def get_event(self) -> yaml.Event: ...
    def dispose(self) -> None: ...


def _too_large(name: str) -> YamlSourceError:
    reason = f"larger than {MAX_BYTES // 1_000_000} MB; split it into several files"
    return YamlSourceError(name, *START, reason)


def _place_after(before: str) -> Place:
    """Returns the place that follows the text ``before``."""
    return Place(before.count("\n") + 1, len(before) - before.rfind("\n"))


def _refuse_foreign(text: str, name: str) -> None:
    if len(text.encode(errors="surrogatepass")) > MAX_BYTES:
        raise _too_large(name)
    foreign = _FOREIGN.search(text)
    if foreign:
        place = _place_after(text[: foreign.start()])
        raise YamlSourceError(name, *place, _foreign_text(foreign.group()))


def _foreign_text(character: str) -> str:
    if character == "\t":
        return "tab is not allowed; use spaces"
    if character == "\ufeff":
        return "byte order mark is not allowed; save the file as UTF-8 without it"
    return f"character U+{ord(character):04X} is not allowed; remove it"


def _compose(loader: _Parser, name: str) -> YamlSource:
    composer = _Composer(name)
    try:
        while loader.check_event():
            composer.add(loader.get_event())
    finally:
        loader.dispose()
    return composer.source()


def _raise_python_error(text: str, name: str) -> None:
    """Parses in Python. Raises YamlSourceError: that parser rejects the text too."""
    loader = yaml.SafeLoader(text)
    try:
        _compose(loader, name)
    except yaml.YAMLError as error:
        raise _syntax(name, error) from None
    except (ValueError, OverflowError):  # an escape or a version that is no number for Python
        reason = "invalid YAML: number out of range; correct the escape or the directive"
        raise YamlSourceError(name, *_place_of_mark(loader.get_mark()), reason) from None


# Sign in yaml's message, and the fix; the first match applies.
_FIXES = (
    (
        "mapping values are not allowed",
        "put text that contains ': ' in quotes, or correct the indent",
    ),
    ("could not find expected ':'", "end the key with ': ' and its value"),
    ("cannot start any token", "put text that begins with this character in quotes"),
    ("escape", "use single quotes, or write the character itself"),
    ("quoted scalar", "close the quotes"),
    ("end of stream", "close the quotes or brackets opened above"),
    ("',' or", "close the bracket or add a comma"),
    ("block end", "give entries of one list or mapping the same indent"),
)


def _syntax(name: str, error: yaml.YAMLError) -> YamlSourceError:
    if not isinstance(error, yaml.MarkedYAMLError):
        return YamlSourceError(name, *START, f"invalid YAML: {error}; save the file as UTF-8")
    problem = " ".join(part for part in (error.problem, error.context) if part)
    fix = next((fix for sign, fix in _FIXES if sign in problem), "check the text just before")
    unfinished = error.context_mark and ("end of stream" in problem or "<stream end>" in problem)
    place = _place_of_mark(error.context_mark if unfinished else error.problem_mark)
    return YamlSourceError(name, *place, f"invalid YAML: {problem}; {fix}")


@dataclass(slots=True)
class _OpenCollection:
    """List or mapping that is still open; ``key`` is the key whose value comes next."""

    path: Path
    value: "list[Plain] | dict[str, Plain]"
    key: str | None = None


@dataclass(slots=True)
class _Composer:
    """Builds the value from yaml's events, one at a time, without recursion."""

    name: str
    documents: int = 0
    root: list[Plain] = field(default_factory=list)
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    open_collections: list[_OpenCollection] = field(default_factory=list)

    def add(self, event: yaml.Event) -> None:
        """Adds the next event. Raises YamlSourceError: the plain part of YAML excludes it."""
        if isinstance(event, yaml.NodeEvent):
            self._node(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.open_collections.pop()
        elif isinstance(event, yaml.DocumentStartEvent):
            self._document(event)

    def source(self) -> YamlSource:
        """Returns the value built so far. Raises YamlSourceError: there was no document."""
        if not self.documents:
            raise YamlSourceError(self.name, *START, "empty document; add content")
        return YamlSource(self.name, self.root[0], self.values, self.keys)

    def _refuse(self, place: Place, reason: str) -> NoReturn:
        raise YamlSourceError(self.name, *place, reason)

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        place = _place_of_event(event)
        if event.version or event.tags:
            self._refuse(place, "directive is not allowed; remove the line that begins with %")
        if self.documents:
            self._refuse(place, "second document; use one document per file")
        self.documents += 1

    def _node(self, event: yaml.NodeEvent) -> None:
        place = _place_of_event(event)
        for reason in _unsupported_features(event):
            self._refuse(place, reason)
        collection = self.open_collections[-1] if self.open_collections else None
        if collection and isinstance(collection.value, dict) and collection.key is None:
            self._key(collection, event, place)
            return
        path = self._path(collection)
        value = self._value(event, place)
        self.values[path] = place
        if collection is None:
            self.root.append(value)
        elif isinstance(collection.value, dict):
            collection.value[str(collection.key)] = value
            collection.key = None
        else:
            collection.value.append(value)
        if isinstance(value, dict | list):
            if len(self.open_collections) == MAX_DEPTH:
                reason = f"nested deeper than {MAX_DEPTH} levels; flatten it"
                self._refuse(place, reason)
            self.open_collections.append(_OpenCollection(path, value))

    def _path(self, collection: _OpenCollection | None) -> Path:
        if collection is None:
            return ()
        step = str(collection.key) if isinstance(collection.value, dict) else len(collection.value)
        return (*collection.path, step)

    def _key(self, collection: _OpenCollection, event: yaml.NodeEvent, place: Place) -> None:
        key = self._value(event, place)
        if not isinstance(key, str):
            scalar = event.value if isinstance(event, yaml.ScalarEvent) else ""
            fix = f"put '{one_line(scalar)}' in quotes" if scalar else "use a word"
            self._refuse(place, f"expected a text key, found {_kind_text(key)}; {fix}")
        path = (*collection.path, key)
        if path in self.keys:
            line = self.keys[path].line
            self._refuse(place, f"duplicate key {printable(key)}, first in line {line}; remove one")
        self.keys[path] = place
        collection.key = key

    def _value(self, event: yaml.NodeEvent, place: Place) -> Plain:
        if isinstance(event, yaml.MappingStartEvent):
            return {}
        if not isinstance(event, yaml.ScalarEvent):
            return []
        foreign = _FOREIGN.search(event.value)
        if foreign:
            self._refuse(place, f"escaped {_foreign_text(foreign.group())}")
        if event.style:  # quoted, or a block of text
            return str(event.value)
        try:
            return _plain(event.value)
        except ValueError as error:
            if self.documents and not self.open_collections and not event.value:
                self._refuse(place, "empty document; add content")
            self._refuse(place, str(error))


def _place_of_event(event: yaml.Event) -> Place:
    return _place_of_mark(event.start_mark)


def _place_of_mark(mark: "_ParserMark | None") -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark else START


def _unsupported_features(event: yaml.NodeEvent) -> Iterator[str]:
    if isinstance(event, yaml.AliasEvent):
        yield f"alias *{printable(event.anchor)[1:-1]} is not allowed; write out the value"
    elif event.anchor is not None:
        yield f"anchor &{printable(event.anchor)[1:-1]} is not allowed; remove it"
    elif isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
        tag = event.tag.replace("tag:yaml.org,2002:", "!!")
        yield f"tag {printable(tag)} is not allowed; remove it"


def _kind_text(value: Plain) -> str:
    """Describes a value that cannot be a key."""
    if isinstance(value, dict | list) or value is None or isinstance(value, bool):
        return printable(value)
    return f"the date {value}" if isinstance(value, date) else f"the number {value}"


def _plain(text: str) -> Plain:
    """Returns the value of an unquoted scalar. Raises ValueError: the problem and the fix."""
    if not text:
        message = "missing value; add a value, null or ''"
        raise ValueError(message)
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        message = f"expected a finite number, found {text}; use a number, or put it in quotes"
        raise ValueError(message)
    if _DATE.fullmatch(text):
        return _day(text)
    number = _NUMBER.fullmatch(text)
    return _number(text, number) if number else text


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"unknown date {text}; correct it, or put it in quotes"
        raise ValueError(message) from None


def _number(text: str, match: re.Match[str]) -> int | Decimal:
    exponent = match["exponent"] or ""
    if len(text) > MAX_NUMBER_LENGTH or len(exponent) > MAX_EXPONENT_LENGTH:
        message = f"number {printable(text)[1:-1]} is too long; shorten it, or put it in quotes"
        raise ValueError(message)
    if match["percent"]:
        return Decimal(f"{match['number']}e-2")
    if match["fraction"] or exponent:
        return Decimal(text)
    return int(text)
