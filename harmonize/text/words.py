"""Wording that all renderers share: lists in a sentence, signs of source verification."""

from collections.abc import Iterable, Sequence

VERIFIED_SIGNS = {"primary": "●", "secondary": "◐", "derived": "◇", "unverified": "○"}
"""Sign of each level of source verification; shapes, because colour alone is not accessible."""

AT_LEAST, UNVERIFIED = "at least", "derived, unverified"
"""Statuses of numbers that carry a sign: a lower bound, and a number that no source verifies."""

_MARGIN_ABBREVIATIONS = {"initial": "IM", "maintenance": "MM"}


def join_words(words: Sequence[str], limit: int = 0) -> str:
    """Joins words as in a sentence: ``a, b and c``; above `limit`, ``a, b and 3 others``."""
    if limit and len(words) > limit + 1:
        words = [*words[:limit], f"{len(words) - limit} others"]
    if len(words) < 2:  # noqa: PLR2004 - one word needs no "and"
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def first_words(words: Iterable[str], limit: int) -> str:
    """Names the first `limit` words and counts the remaining ones: ``a, b … and 3 more``."""
    all_words = list(words)
    remaining = len(all_words) - limit
    return ", ".join(all_words[:limit]) + (f" … and {remaining} more" if remaining > 0 else "")


def margin_abbreviation(margin_type: str) -> str:
    """Returns ``IM`` or ``MM`` for ``initial`` or ``maintenance``, otherwise the type itself."""
    return _MARGIN_ABBREVIATIONS.get(margin_type, margin_type)


def marked(number: str, status: str) -> str:
    """Returns a number with the sign of its status: ``≥ 1.0 %`` and, of no verified source, ``1.0 %○``."""
    if status == AT_LEAST:
        return f"≥ {number}"
    return f"{number}{VERIFIED_SIGNS['unverified']}" if status == UNVERIFIED else number


def margin_name(margin_type: str) -> str:
    """Returns ``initial margin`` for ``initial``, and likewise for any other margin type."""
    return f"{margin_type} margin"
