"""Text from venues, made safe to display: no control or direction-changing characters."""

import json
import re
from unicodedata import east_asian_width

_NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
_LAYOUT = frozenset({"\n", _NO_BREAK_SPACE})
_NON_PRINTING = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)


def plain(text: str) -> str:
    r"""Returns the text with every non-printing character escaped: ESC becomes ``\x1b``.

    Terminals execute control characters, right-to-left marks mislead readers, and HTML allows
    neither. A symbol that carries one is displayed without effect.
    """
    return _NON_PRINTING.sub(_escape_match, text)


def one_line(text: str) -> str:
    r"""Returns a message as one line for a terminal: what does not print becomes an escape.

    A no-break space becomes a space. Line ends are escaped too.
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else ascii(letter)[1:-1]
        for letter in text.replace(_NO_BREAK_SPACE, " ")
    )


def lines(text: str) -> str:
    """Returns text of several lines for a terminal; line ends and no-break spaces stay."""
    return "".join(
        letter if letter.isprintable() or letter in _LAYOUT else ascii(letter)[1:-1]
        for letter in text
    )


def json_text(text: str) -> str:
    """Returns JSON with the same meaning in which what does not print is escaped."""
    return "".join(
        letter if letter.isprintable() or letter in _LAYOUT else json.dumps(letter)[1:-1]
        for letter in text
    )


def short(text: str, longest: int) -> str:
    """Returns an escaped name of at most `longest` columns; a wide letter takes two columns."""
    escaped = plain(text)
    if _width(escaped) <= longest:
        return escaped
    while _width(escaped) >= longest:
        escaped = escaped[:-1]
    return f"{escaped}…"


def _width(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _escape_match(match: re.Match[str]) -> str:
    return ascii(match[0])[1:-1]
