"""Placement of chart labels without overlap, as close as possible to their lines."""

from collections.abc import Sequence


def spread_labels(
    preferred: Sequence[float], spacing: float, lowest: float, highest: float
) -> list[float]:
    """Moves ascending positions `spacing` apart with the least total shift, within the bounds.

    Positions that would overlap form a block, centred on the mean of their preferred positions.
    Spacing shrinks if the bounds leave too little room.
    """
    line = min(spacing, (highest - lowest) / max(1, len(preferred) - 1))
    blocks: list[list[float]] = []
    for height in preferred:
        blocks.append([height])
        while len(blocks) > 1 and _block_start(blocks[-1], line, lowest, highest) < (
            _block_start(blocks[-2], line, lowest, highest) + line * len(blocks[-2])
        ):
            upper_block = blocks.pop()
            blocks[-1] += upper_block
    return [
        _block_start(block, line, lowest, highest) + line * index
        for block in blocks
        for index in range(len(block))
    ]


def _block_start(block: Sequence[float], line: float, lowest: float, highest: float) -> float:
    rise = line * (len(block) - 1)
    return min(max(sum(block) / len(block) - rise / 2, lowest), highest - rise)
