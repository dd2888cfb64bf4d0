"""Wording that all renderers share: lists in a sentence, signs of source verification."""

from collections.abc import Iterable, Sequence

VERIFIED_SIGNS = {"primary": "●", "secondary": "◐", "derived": "◇", "unverified": "○"}
"""Sign of each level of source verification; shapes, because colour alone is not accessible."""


_MARGIN_ABBREVIATIONS = {"initial": "IM", "maintenance": "MM"}


def join_words(words: Sequence[str], most: int = 0) -> str:
    """Joins words as in a sentence: ``a, b and c``; above `most`, ``a, b and 3 others``."""
    if most and len(words) > most + 1:
        words = [*words[:most], f"{len(words) - most} others"]
    if len(words) < 2:  # noqa: PLR2004 - one word needs no "and"
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def first_words(words: Iterable[str], most: int) -> str:
    """Names the first `most` words and counts the remaining ones: ``a, b … and 3 more``."""
    all_words = list(words)
    remaining = len(all_words) - most
    return ", ".join(all_words[:most]) + (f" … and {remaining} more" if remaining > 0 else "")


def margin_abbreviation(margin_type: str) -> str:
    """Returns ``IM`` or ``MM`` for ``initial`` or ``maintenance``, otherwise the type itself."""
    return _MARGIN_ABBREVIATIONS.get(margin_type, margin_type)


def margin_name(margin_type: str) -> str:
    """Returns ``initial margin`` for ``initial``, and likewise for any other margin type."""
    return f"{margin_type} margin"
