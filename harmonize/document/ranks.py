"""Ranks of margins, as commands and pages state them."""

from collections.abc import Sequence

_TIE = 1e-9
"""Relative difference up to which two margins share a rank."""


def ranks_of(margins: Sequence[float]) -> tuple[int, ...]:
    """Returns the rank of each margin, from 1; ``margins`` are in ascending order.

    Equal margins share a rank, and the next one counts them.
    """
    ranks: list[int] = []
    for position, margin in enumerate(margins, start=1):
        is_tie = position > 1 and margin <= margins[position - 2] * (1.0 + _TIE)
        ranks.append(ranks[-1] if is_tie else position)
    return tuple(ranks)
