"""Words that every renderer uses: lists in a sentence, and marks of sources as shapes."""

from collections.abc import Iterable, Sequence

VERIFIED_SIGNS = {"primary": "●", "secondary": "◐", "derived": "◇", "unverified": "○"}
"""How far a citation was checked, as a shape."""


def listed(words: Sequence[str], most: int = 0) -> str:
    """Join words as in a sentence: ``a, b and c``; above `most`, ``a, b and 3 others``."""
    if most and len(words) > most + 1:
        words = [*words[:most], f"{len(words) - most} others"]
    if len(words) < 2:  # noqa: PLR2004 - one word needs no "and"
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def some(words: Iterable[str], most: int) -> str:
    """Name the first `most` and say how many there are besides."""
    named = list(words)
    left = len(named) - most
    return ", ".join(named[:most]) + (f" … and {left} more" if left > 0 else "")
