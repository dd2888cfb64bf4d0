"""Names that would overlap, moved apart as little as it takes."""

from collections.abc import Sequence


def spread_labels(
    wanted: Sequence[float], due: float, lowest: float, highest: float
) -> list[float]:
    """Move rising places apart by what is `due`, as little as it takes, inside the bounds.

    Places that would touch form a block that stands about the mean of what they wanted.
    """
    line = min(due, (highest - lowest) / max(1, len(wanted) - 1))
    blocks: list[list[float]] = []
    for height in wanted:
        blocks.append([height])
        while len(blocks) > 1 and _foot(blocks[-1], line, lowest, highest) < (
            _foot(blocks[-2], line, lowest, highest) + line * len(blocks[-2])
        ):
            last = blocks.pop()
            blocks[-1] += last
    return [
        _foot(block, line, lowest, highest) + line * place
        for block in blocks
        for place in range(len(block))
    ]


def _foot(block: Sequence[float], line: float, lowest: float, highest: float) -> float:
    rise = line * (len(block) - 1)
    return min(max(sum(block) / len(block) - rise / 2, lowest), highest - rise)
