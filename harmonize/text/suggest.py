"""Suggests the name that a user meant by one that is unknown."""

from collections.abc import Iterable
from difflib import get_close_matches

_SIMILAR = 0.6
"""Smallest similarity of a suggested name, from 0 to 1; unrelated words of one length are below."""

_LEAST_BEGINNING = 3
"""Smallest number of letters with which the beginning of a name suggests it."""

_MAX_LENGTH = 64
"""Longest name for which a similar one is sought; the search takes quadratic time."""


def similar_name(name: str, known: Iterable[str]) -> str:
    """Returns the known name most similar to an unknown one; empty if none is similar.

    Capital letters, spaces and joining marks do not count: ``Kucoin`` and ``ku-coin`` are kucoin. A
    name that begins so is preferred: ``esma`` is esma-retail.
    """
    if len(name) > _MAX_LENGTH:
        return ""
    folded: dict[str, str] = {}
    for candidate in sorted(known):
        folded.setdefault(_folded(candidate), candidate)
    own = _folded(name)
    if not own:
        return ""
    if own in folded:
        return folded[own]
    continued = [key for key in folded if len(own) >= _LEAST_BEGINNING and key.startswith(own)]
    close = get_close_matches(own, continued or folded, 1, 0.0 if continued else _SIMILAR)
    return folded[close[0]] if close else ""


def did_you_mean(name: str, known: Iterable[str], fallback: str = "") -> str:
    """Returns the end of a message on an unknown name: the suggestion, otherwise the fallback.

    Both follow a semicolon. Empty without either.
    """
    similar = similar_name(name, known)
    if similar:
        return f"; did you mean {similar}?"
    return f"; {fallback}" if fallback else ""


def is_one_slip(text: str, other: str) -> bool:
    """Whether two different texts differ by a letter more, less or other, or by two exchanged."""
    if len(text) > len(other):
        text, other = other, text
    start = next(
        (i for i, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), len(text)
    )
    rest, other_rest = text[start:], other[start:]
    if len(rest) < len(other_rest):
        return rest == other_rest[1:]
    is_exchanged = rest[:2] == other_rest[:2][::-1] and rest[2:] == other_rest[2:]
    return text != other and (rest[1:] == other_rest[1:] or is_exchanged)


def _folded(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter not in " -_.")
