"""What is said of given positions: which are not simulated, and what no validation covers."""

from collections.abc import Sequence

import numpy as np

from harmonize.document.stress import StressRow
from harmonize.stress.positions import NO_ACCOUNT, Positions
from harmonize.text import numbers
from harmonize.text.messages import counted


def short_sentences(positions: Positions | None, rows: Sequence[StressRow]) -> tuple[str, ...]:
    """Returns per underlying the given shorts without an account, which a fall does not liquidate."""
    if positions is None:
        return ()
    sentences = []
    for row in rows:
        code = positions.underlyings.index(row.underlying)
        own = (positions.underlying == code) & (positions.side < 0.0)
        shorts = np.flatnonzero(own & (positions.account == NO_ACCOUNT))
        if shorts.size:
            total = numbers.usd(float(positions.total[shorts].sum()))
            number = counted(shorts.size, "short")
            sentences.append(f"{row.underlying}: {number} of {total}: not liquidated in a fall.")
    return tuple(sentences)


def without_validation(positions: Positions | None, sentences: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the sentences of a validation; of given positions the last, on what is not identified.

    The others state how synthetic positions compare with recorded days.
    """
    return sentences if positions is None else sentences[-1:]
