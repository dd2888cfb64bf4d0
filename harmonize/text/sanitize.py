"""Text that a venue sent, made harmless to show: no control or direction-changing characters."""

import re
from unicodedata import east_asian_width

_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)


def plain(text: str) -> str:
    r"""Write every character that does not print as an escape: ESC becomes ``\x1b``.

    Terminals obey control characters, readers are misled by right-to-left marks, and neither is
    allowed in HTML; a symbol that carries one is shown, but it does nothing.
    """
    return _UNSEEN.sub(_escape, text)


def short(text: str, longest: int) -> str:
    """Write a name harmlessly in at most ``longest`` letters, wide ones counted twice."""
    shown = plain(text)
    if _width(shown) <= longest:
        return shown
    while _width(shown) >= longest:
        shown = shown[:-1]
    return f"{shown}…"


def _width(text: str) -> int:
    return sum(2 if east_asian_width(one) in "WF" else 1 for one in text)


def _escape(match: re.Match[str]) -> str:
    return ascii(match[0])[1:-1]
