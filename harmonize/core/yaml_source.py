"""Text that people wrote: safe YAML with file:line:column.

The YAML is the plain part of the language: mappings, lists and scalars. Anchors, aliases, tags,
directives and tabs are refused, so that no text can grow when read, build an object or look
different from what it says. Nothing here calls itself, so depth cannot exhaust the stack.
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

LARGEST = 1_000_000  # bytes of UTF-8
DEEPEST = 32  # collections within one another
LONGEST_NUMBER = 40  # characters
LONGEST_EXPONENT = 2  # digits


class Place(NamedTuple):
    """Where something stands; line and column count from 1, columns in characters."""

    line: int
    column: int


START = Place(1, 1)


class WrittenError(Exception):
    """What is wrong in a written text, where, and how to mend it; always one line."""

    def __init__(self, name: str, line: int, column: int, reason: str) -> None:
        super().__init__(name, line, column, reason)
        self.name = name
        self.line = line
        self.column = column
        self.reason = reason

    def __str__(self) -> str:
        """Write ``name:line:column: reason``."""
        return f"{one_line(self.name)}:{self.line}:{self.column}: {one_line(self.reason)}"


@dataclass(frozen=True, slots=True)
class YamlSource:
    """A plain value, and where each key and value of it stands in the text."""

    name: str
    value: Plain
    values: dict[Path, Place]
    keys: dict[Path, Place]

    def place(self, path: Path) -> Place:
        """Find the value at ``path``, or where it is absent its nearest parent."""
        while path not in self.values:
            path = path[:-1]
        return self.values[path]

    def key_place(self, path: Path) -> Place:
        """Find the key at ``path``; for what has no key, the value."""
        return self.keys.get(path) or self.place(path)


def one_line(text: str) -> str:
    """Write ``text`` so that it prints on one line; what does not print becomes an escape."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def shown(value: object) -> str:
    """Write a value for a message: short, on one line, with text in quotes."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if isinstance(value, bool) or value is None:
        return str({True: "true", False: "false", None: "null"}[value])
    text = one_line(str(value))
    brief = text if len(text) <= LONGEST_NUMBER else text[: LONGEST_NUMBER - 1] + "…"
    return f"'{brief}'" if isinstance(value, str) else brief


def decode(data: bytes, name: str) -> str:
    """Read bytes as UTF-8. Raises WrittenError: too large, or the place of the first bad byte."""
    if len(data) > LARGEST:
        raise _too_large(name)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        line, column = _count(before)
        reason = f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise WrittenError(name, line, column, reason) from None


def read(text: str, name: str) -> YamlSource:
    """Read one YAML document. Raises WrittenError, whatever the text is.

    libyaml reads where it is installed; every error is found again by the parser in Python, so
    that it reads the same everywhere. The two disagree on a few texts only: a '?' or an unspaced
    ':' in brackets, a '#' that touches '>' or '|'.
    """
    text = text.replace("\r\n", "\n")
    _refuse_foreign(text, name)
    try:
        return _compose(_FAST(text), name)
    except (WrittenError, yaml.YAMLError) as error:
        _compose_slowly(text, name)
        raise error if isinstance(error, WrittenError) else _syntax(name, error) from None


# Plain scalars: these spellings and no others are more than text.
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_NUMBER = re.compile(
    r"(?P<number>[-+]?(?:0|[1-9][0-9]*(?:_[0-9]+)*)(?P<fraction>\.[0-9]+)?)"
    r"(?:[eE][-+]?(?P<exponent>[0-9]+)|(?P<percent>%))?"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NOT_FINITE = re.compile(r"[-+]?\.inf|\.nan", re.IGNORECASE)

# Printable characters but tabs, byte order marks, line ends other than \n, and the characters
# that reverse the direction of a line on the screen.
_FOREIGN = re.compile(
    r"[^\n\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd"
    r"\U00010000-\U0010ffff]"
)

_FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Mark(Protocol):
    """Where a parser stands, counted from 0."""

    line: int
    column: int


class _Loader(Protocol):
    """What both of yaml's parsers offer."""

    def check_event(self) -> bool: ...
    def get_event(self) -> yaml.Event: ...
    def dispose(self) -> None: ...


def _too_large(name: str) -> WrittenError:
    reason = f"the text is over {LARGEST // 1_000_000} MB; split it into several files"
    return WrittenError(name, *START, reason)


def _count(before: str) -> Place:
    """Count the place that follows the text ``before``."""
    return Place(before.count("\n") + 1, len(before) - before.rfind("\n"))


def _refuse_foreign(text: str, name: str) -> None:
    if len(text.encode(errors="surrogatepass")) > LARGEST:
        raise _too_large(name)
    found = _FOREIGN.search(text)
    if found:
        raise WrittenError(name, *_count(text[: found.start()]), _foreign(found.group()))


def _foreign(character: str) -> str:
    if character == "\t":
        return "a tab; use spaces"
    if character == "\ufeff":
        return "a byte order mark; save the file as UTF-8 without it"
    return f"character U+{ord(character):04X} is not allowed; remove it"


def _compose(loader: _Loader, name: str) -> YamlSource:
    composer = _Composer(name)
    try:
        while loader.check_event():
            composer.take(loader.get_event())
    finally:
        loader.dispose()
    return composer.written()


def _compose_slowly(text: str, name: str) -> None:
    loader = yaml.SafeLoader(text)
    try:
        _compose(loader, name)
    except yaml.YAMLError as error:
        raise _syntax(name, error) from None
    except (ValueError, OverflowError):  # an escape or a version that is no number for Python
        reason = "not valid YAML: a number is out of range; mend the escape or the directive"
        raise WrittenError(name, *_counted(loader.get_mark()), reason) from None


# What yaml says, and how to mend it; the first that fits.
_MENDS = (
    ("mapping values are not allowed", "put text that holds ': ' in quotes, or mend the indent"),
    ("could not find expected ':'", "end the key with ': ' and its value"),
    ("cannot start any token", "put text that begins with this character in quotes"),
    ("escape", "use single quotes, or write the character itself"),
    ("quoted scalar", "close the quotes"),
    ("end of stream", "close the quotes or brackets opened above"),
    ("',' or", "close the bracket or add a comma"),
    ("block end", "give entries of one list or mapping the same indent"),
)


def _syntax(name: str, error: yaml.YAMLError) -> WrittenError:
    if not isinstance(error, yaml.MarkedYAMLError):
        return WrittenError(name, *START, f"not valid YAML: {error}; save the file as UTF-8")
    said = " ".join(part for part in (error.problem, error.context) if part)
    mend = next((mend for sign, mend in _MENDS if sign in said), "look at the text just before")
    unfinished = error.context_mark and ("end of stream" in said or "<stream end>" in said)
    place = _counted(error.context_mark if unfinished else error.problem_mark)
    return WrittenError(name, *place, f"not valid YAML: {said}; {mend}")


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come; ``key`` is the one that awaits its value."""

    path: Path
    value: "list[Plain] | dict[str, Plain]"
    key: str | None = None


@dataclass(slots=True)
class _Composer:
    """Builds the value from yaml's events, one at a time, with no recursion."""

    name: str
    documents: int = 0
    root: list[Plain] = field(default_factory=list)
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    opened: list[_Open] = field(default_factory=list)

    def take(self, event: yaml.Event) -> None:
        """Take the next event. Raises WrittenError: what the plain part of YAML does not have."""
        if isinstance(event, yaml.NodeEvent):
            self._node(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.opened.pop()
        elif isinstance(event, yaml.DocumentStartEvent):
            self._document(event)

    def written(self) -> YamlSource:
        """Give what was built. Raises WrittenError: there was no document."""
        if not self.documents:
            raise WrittenError(self.name, *START, "the document is empty; write something in it")
        return YamlSource(self.name, self.root[0], self.values, self.keys)

    def _refuse(self, place: Place, reason: str) -> NoReturn:
        raise WrittenError(self.name, *place, reason)

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        place = _place(event)
        if event.version or event.tags:
            self._refuse(place, "a directive stands above; remove the line that begins with %")
        if self.documents:
            self._refuse(place, "a second document begins; write one document a file")
        self.documents += 1

    def _node(self, event: yaml.NodeEvent) -> None:
        place = _place(event)
        for trouble in _unplain(event):
            self._refuse(place, trouble)
        inside = self.opened[-1] if self.opened else None
        if inside and isinstance(inside.value, dict) and inside.key is None:
            self._key(inside, event, place)
            return
        path = self._path(inside)
        value = self._value(event, place)
        self.values[path] = place
        if inside is None:
            self.root.append(value)
        elif isinstance(inside.value, dict):
            inside.value[str(inside.key)] = value
            inside.key = None
        else:
            inside.value.append(value)
        if isinstance(value, dict | list):
            if len(self.opened) == DEEPEST:
                reason = f"nested deeper than {DEEPEST}; flatten it"
                self._refuse(place, reason)
            self.opened.append(_Open(path, value))

    def _path(self, inside: _Open | None) -> Path:
        if inside is None:
            return ()
        step = str(inside.key) if isinstance(inside.value, dict) else len(inside.value)
        return (*inside.path, step)

    def _key(self, inside: _Open, event: yaml.NodeEvent, place: Place) -> None:
        key = self._value(event, place)
        if not isinstance(key, str):
            written = event.value if isinstance(event, yaml.ScalarEvent) else ""
            mend = f"put '{one_line(written)}' in quotes" if written else "use a word"
            self._refuse(place, f"a key must be text, was {_sort(key)}; {mend}")
        path = (*inside.path, key)
        if path in self.keys:
            line = self.keys[path].line
            self._refuse(place, f"key {shown(key)} stands already in line {line}; remove one")
        self.keys[path] = place
        inside.key = key

    def _value(self, event: yaml.NodeEvent, place: Place) -> Plain:
        if isinstance(event, yaml.MappingStartEvent):
            return {}
        if not isinstance(event, yaml.ScalarEvent):
            return []
        foreign = _FOREIGN.search(event.value)
        if foreign:
            self._refuse(place, f"an escape gives {_foreign(foreign.group())}")
        if event.style:  # quoted, or a block of text
            return str(event.value)
        try:
            return _plain(event.value)
        except ValueError as error:
            if self.documents and not self.opened and not event.value:
                self._refuse(place, "the document is empty; write something in it")
            self._refuse(place, str(error))


def _place(event: yaml.Event) -> Place:
    return _counted(event.start_mark)


def _counted(mark: "_Mark | None") -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark else START


def _unplain(event: yaml.NodeEvent) -> Iterator[str]:
    if isinstance(event, yaml.AliasEvent):
        yield f"alias *{shown(event.anchor)[1:-1]} is not allowed; write the value out again"
    elif event.anchor is not None:
        yield f"anchor &{shown(event.anchor)[1:-1]} is not allowed; remove it"
    elif isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
        tag = event.tag.replace("tag:yaml.org,2002:", "!!")
        yield f"tag {shown(tag)} is not allowed; remove it"


def _sort(value: Plain) -> str:
    """Name the sort of a value that cannot be a key."""
    if isinstance(value, dict | list) or value is None or isinstance(value, bool):
        return shown(value)
    return f"the date {value}" if isinstance(value, date) else f"the number {value}"


def _plain(text: str) -> Plain:
    """Read a scalar that has no quotes. Raises ValueError: what is wrong, and the mend."""
    if not text:
        message = "nothing is written here; write a value, null, or ''"
        raise ValueError(message)
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        message = f"{text} is not a finite number; write a number, or put it in quotes"
        raise ValueError(message)
    if _DATE.fullmatch(text):
        return _day(text)
    number = _NUMBER.fullmatch(text)
    return _number(text, number) if number else text


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"there is no day {text}; mend it, or put it in quotes"
        raise ValueError(message) from None


def _number(text: str, found: re.Match[str]) -> int | Decimal:
    exponent = found["exponent"] or ""
    if len(text) > LONGEST_NUMBER or len(exponent) > LONGEST_EXPONENT:
        message = f"number {shown(text)[1:-1]} is too long; shorten it, or put it in quotes"
        raise ValueError(message)
    if found["percent"]:
        return Decimal(f"{found['number']}e-2")
    if found["fraction"] or exponent:
        return Decimal(text)
    return int(text)
